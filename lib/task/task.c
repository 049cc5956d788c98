/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "loop/observe.h"
#include "loop/page.h"
#include "task/task.h"

struct gmb_task *gmb_self(void)
{
	return gmb__task_self();
}

struct gmb_loop *gmb_loop_current(void)
{
	return gmb__loop;
}

/* Does a task live, at any depth, in a manager that the other opened? */
static bool lives_in(const struct gmb_task *task, const struct gmb_task *other)
{
	while (task != other) {
		if (!task->manager)
			return false;
		task = task->manager->parent;
	}
	return true;
}

int gmb_join(struct gmb_task *task, intptr_t *result)
{
	struct gmb__trap trap;
	struct gmb__joiner joiner;
	intptr_t rc;

	rc = gmb__trap_init(&trap);
	if (rc < 0)
		return (int)rc;
	if (gmb__unlikely(gmb__task_is_foreign(task)))
		return -EXDEV;
	if (!gmb__task_ended(task)) {
		if (lives_in((struct gmb_task *)trap.strand, task))
			return -EDEADLK;
		gmb__trap_add(&trap, &joiner.wait, NULL);
		gmb__waitq_push(&task->joiners, &joiner.wait);
		rc = gmb__trap_park(&trap, GMB_WAIT_JOIN, task,
				    task->strand.row.id);
	} else {
		joiner.result = task->result;
		gmb__pass();
	}
	if (rc == 0 && result)
		*result = joiner.result;
	return (int)rc;
}

void gmb_task_cancel(struct gmb_task *task)
{
	if (!gmb__task_ended(task))
		gmb_scope_cancel(&task->scope);
}

intptr_t gmb_task_result(const struct gmb_task *task)
{
	return gmb__task_ended(task) ? task->result : -EINPROGRESS;
}

enum gmb_task_state gmb_task_state(const struct gmb_task *task)
{
	return (enum gmb_task_state)task->strand.row.state;
}

uint64_t gmb_task_id(const struct gmb_task *task)
{
	return task->strand.row.id;
}

/*
 * A name is made up only when somebody asks for it. The row belongs to the
 * loop and can be written, whatever the caller's view of the task is.
 */
const char *gmb_task_name(const struct gmb_task *task)
{
	struct gmb_row *row = &((struct gmb_task *)task)->strand.row;

	if (!row->name[0]) {
		gmb__row_begin_change(row);
		snprintf(row->name, sizeof(row->name), "task-%llu",
			 (unsigned long long)row->id);
		gmb__row_end_change(row);
	}
	return row->name;
}

void gmb_task_set_name(struct gmb_task *task, const char *name)
{
	struct gmb_row *row = &task->strand.row;

	gmb__row_begin_change(row);
	memset(row->name, 0, sizeof(row->name));
	strncpy(row->name, name, sizeof(row->name) - 1);
	gmb__row_end_change(row);
	if (gmb__loop && gmb__is_slow(gmb__loop))
		gmb__observe_name(gmb__loop, &task->strand);
}

uint64_t gmb_task_steps(const struct gmb_task *task)
{
	return task->strand.row.steps;
}

int gmb_task_set_slack(struct gmb_task *task, gmb_time slack_ns)
{
	if (slack_ns < 0 || slack_ns > GMB_SLACK_MAX_NS)
		return -EINVAL;
	task->strand.slack = (uint32_t)slack_ns;
	return 0;
}

gmb_time gmb_task_slack(const struct gmb_task *task)
{
	return task->strand.slack;
}

int gmb_checkpoint(void)
{
	struct gmb__trap trap;
	int rc = gmb__trap_init(&trap);
	gmb_time deadline, now;

	if (rc < 0)
		return rc;
	deadline = gmb_deadline();
	if (deadline == GMB_NEVER)
		return 0;
	/* Nobody else looks at the clock while a task calculates. */
	now = gmb_now();
	if (deadline > now)
		return 0;
	gmb__timers_expire(&gmb__loop->timers, now);
	return gmb__trap_init(&trap);
}

static __attribute__((noinline)) int give_way(void)
{
	gmb__give_way();
	return 0;
}

int gmb_yield(void)
{
	struct gmb_loop *loop = gmb__loop;
	struct gmb__strand *self;
#if GMB__CONTEXT_TAIL
	struct gmb__strand *next;
#endif

	if (gmb__unlikely(!loop))
		return -EPERM;
	self = loop->current;
	if (gmb__unlikely(!self || self->cancel))
		return gmb__trap_refuse();
#if GMB__CONTEXT_TAIL
	/* The usual way of give_way(), left by a jump. */
	next = loop->ready_first;
	if (gmb__likely(next && loop->budget > 0)) {
		gmb__stack_check(&self->stack);
		gmb__loop_append(loop, self);
		gmb__loop_begin_step(loop, next);
		return gmb__context_switch_tail(&self->context, &next->context);
	}
#endif
	return give_way();
}

/* A sleeper: its wait and the timer that completes it. */
struct sleep {
	struct gmb__wait wait;
	uint32_t timer;
};

static void wake_sleeper(void *arg)
{
	struct sleep *sleep = arg;

	gmb__wait_complete(&sleep->wait, 0);
}

static bool withdraw_sleep(struct gmb__wait *wait)
{
	struct sleep *sleep = gmb__entry(wait, struct sleep, wait);

	gmb__timer_stop(&gmb__loop->timers, sleep->timer);
	return false;
}

static bool withdraw_nothing(struct gmb__wait *wait)
{
	(void)wait;
	return false;
}

/* Only cancellation ends it, and that may come from a signal: no deadlock. */
static int sleep_for_ever(struct gmb__trap *trap)
{
	struct gmb_loop *loop = gmb__loop;
	struct gmb__wait wait;
	intptr_t rc;

	gmb__trap_add(trap, &wait, withdraw_nothing);
	loop->outside++;
	rc = gmb__trap_park(trap, GMB_WAIT_SLEEP, NULL, (uint64_t)GMB_NEVER);
	loop->outside--;
	return (int)rc;
}

int gmb_sleep_until(gmb_time when)
{
	struct gmb__trap trap;
	struct sleep sleep;
	int rc;

	rc = gmb__trap_init(&trap);
	if (rc < 0)
		return rc;
	if (when == GMB_NEVER)
		return sleep_for_ever(&trap);
	if (when <= gmb__loop->now) {
		gmb__give_way();
		return 0;
	}
	rc = gmb__timer_start(&gmb__loop->timers, when, wake_sleeper, &sleep,
			      &sleep.timer);
	if (rc < 0)
		return rc;
	gmb__trap_add(&trap, &sleep.wait, withdraw_sleep);
	return (int)gmb__trap_park(&trap, GMB_WAIT_SLEEP, NULL, (uint64_t)when);
}

int gmb_sleep(gmb_time span_ns)
{
	if (span_ns <= 0)
		return gmb_yield();
	return gmb_sleep_until(span_ns == GMB_NEVER ? GMB_NEVER
						    : gmb_after(span_ns));
}
