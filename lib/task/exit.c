/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include "loop/observe.h"
#include "loop/page.h"
#include "task/exit.h"

/* What a task must have given back before it may end. */
static void check_left(const struct gmb_task *task)
{
	const struct gmb_scope *open = task->innermost;

	if (gmb__unlikely(open != &task->scope))
		gmb__die("task \"%s\" ended with a %s open; close what it opened before it returns",
			 gmb_task_name(task),
			 open->flags & GMB__SCOPE_IS_MANAGER ? "manager"
							     : "scope");
	if (gmb__unlikely(task->held))
		gmb__die("task \"%s\" ended while it holds the lock at %p; release it before the task returns",
			 gmb_task_name(task), (void *)task->held);
}

static enum gmb_task_state final_state(const struct gmb_task *task)
{
	if (task->result >= 0)
		return GMB_TASK_DONE;
	if (task->result == -ECANCELED && task->scope.origin)
		return GMB_TASK_CANCELLED;
	return GMB_TASK_FAILED;
}

/*
 * A task that never said that it had started: its end is its spawner's business
 * and its record the spawner's to free.
 */
static bool never_started(struct gmb_task *task)
{
	struct gmb__wait *starter = task->starter;

	if (gmb__likely((task->flags & (GMB__TASK_STARTER |
					GMB__TASK_STARTED)) !=
			GMB__TASK_STARTER))
		return false;
	gmb__list_del(&task->link);
	task->starter = NULL;
	if (starter)
		gmb__wait_complete(starter, task->result < 0 ? task->result
							     : -ECHILD);
	return true;
}

static gmb__always_inline void tell_joiners(struct gmb_task *task)
{
	struct gmb__wait *wait;

	while ((wait = gmb__waitq_pop(&task->joiners))) {
		gmb__entry(wait, struct gmb__joiner, wait)->result =
			task->result;
		gmb__wait_grant(wait, 0);
	}
}

/*
 * A failure: who keeps the manager finds it there. The record of a task that
 * would have been forgotten takes its place among the manager's.
 */
static __attribute__((noinline)) void fail(struct gmb_task *task)
{
	struct gmb_manager *manager = task->manager;
	struct gmb__link *before;

	if (manager)
		gmb__manager_fail(manager, task->result);
	if (!(task->flags & GMB__TASK_FORGET))
		return;
	task->flags &= ~(uint32_t)GMB__TASK_FORGET;
	before = manager->tasks.prev;
	while (before != &manager->tasks &&
	       gmb__entry(before, struct gmb_task, link)->strand.row.id >
		       task->strand.row.id)
		before = before->prev;
	gmb__list_add_tail(before->next, &task->link);
}

/* End the calling task with a result. */
static gmb__always_inline __attribute__((noreturn))
void end_task(struct gmb_task *task, intptr_t result)
{
	struct gmb_manager *manager = task->manager;
	struct gmb_loop *loop = gmb__loop;
	enum gmb_task_state state;
	bool private;

	check_left(task);
	task->result = result;
	state = final_state(task);
	task->strand.row.state = (uint8_t)state;
	task->strand.row.since = loop->now;
	loop->page->exited++;
	private = never_started(task);
	tell_joiners(task);
	gmb__scope_fini(&task->scope);
	if (gmb__is_slow(loop)) {
		gmb__observe_event(loop, GMB_TRACE_EXIT, &task->strand,
				   (uint64_t)result, 0, 0);
		if (state == GMB_TASK_FAILED)
			gmb__hook(loop, failed, task, result);
		gmb__hook(loop, exited, task, result);
	}
	if (gmb__unlikely(state == GMB_TASK_FAILED && !private))
		fail(task);
	if (gmb__likely(manager)) {
		gmb__manager_leave(manager);
	} else {
		loop->ended = true;
		loop->result = result;
	}
	gmb__loop_exit(loop, &task->strand);
}

void gmb__task_entry(void *arg)
{
	struct gmb_task *task = arg;
	intptr_t result = 0;

	if (gmb__unlikely(task->start_at))
		result = gmb_sleep_until(task->start_at);
	if (gmb__likely(result == 0))
		result = task->fn(task->arg);
	end_task(task, result);
}

/* Sanitizers are to see that a stack is no longer in use. */
#define KEEP_SPARES	(!GMB__ASAN && !GMB__TSAN && !GMB__UCONTEXT)
#define SPARES_MAX	16

static inline bool keep_spare(struct gmb_loop *loop, struct gmb_task *task)
{
	const uint32_t both = GMB__TASK_FORGET | GMB__TASK_USUAL;

	if (!KEEP_SPARES || (task->flags & both) != both ||
	    gmb__unlikely(loop->spare_count >= SPARES_MAX))
		return false;
	gmb__row_begin_change(&task->strand.row);
	task->strand.row.state = 0;
	task->strand.next = loop->spares;
	loop->spares = &task->strand;
	loop->spare_count++;
	return true;
}

void gmb__task_on_exit(struct gmb_loop *loop, struct gmb__strand *strand)
{
	struct gmb_task *task = (struct gmb_task *)strand;

	gmb__context_fini(&strand->context);
	if (gmb__likely(keep_spare(loop, task)))
		return;
	gmb__stack_put(&loop->stacks, &strand->stack);
	strand->row.stack_low = 0;
	if (task->flags & GMB__TASK_FORGET)
		gmb__page_put_row(&loop->rows, task);
}

void gmb__task_free(struct gmb_loop *loop, struct gmb_task *task)
{
	gmb__list_del(&task->link);
	gmb__page_put_row(&loop->rows, task);
}
