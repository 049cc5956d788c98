/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The beginning of a task: making it, and waiting until it has started.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "coro/mem.h"
#include "loop/observe.h"
#include "loop/page.h"
#include "task/exit.h"
#include "task/task.h"

static void set_name(struct gmb_task *task, const char *name)
{
	struct gmb_row *row = &task->strand.row;

	if (name)
		strncpy(row->name, name, sizeof(row->name) - 1);
}

/* The first function on every task's stack. */
static void task_entry(void *arg)
{
	struct gmb_task *task = arg;
	intptr_t result = 0;

	if (gmb__unlikely(task->start_at))
		result = gmb_sleep_until(task->start_at);
	if (gmb__likely(result == 0))
		result = task->fn(task->arg);
	gmb__task_exit(task, result);
}

/* The copy of the argument stands at the top of the stack, above all frames. */
static int make_stack(struct gmb_loop *loop, struct gmb_task *task,
		      const struct gmb_spawn_opts *opts)
{
	struct gmb__stack *stack = &task->strand.stack;
	size_t size = opts->stack_size ? opts->stack_size : loop->stack_size;
	size_t copy = (opts->copy_size + 15) & ~(size_t)15;
	struct gmb__stack below;
	int rc;

	rc = gmb__stack_get(&loop->stacks, size, stack);
	if (rc < 0)
		return rc;
	if (copy > gmb__stack_size(stack) / 4) {
		gmb__stack_put(&loop->stacks, stack);
		return -EINVAL;
	}
	below = *stack;
	if (copy) {
		below.top -= copy;
		memcpy(below.top, task->arg, opts->copy_size);
		task->arg = below.top;
	}
	gmb__context_init(&task->strand.context, &below, task_entry, task);
	gmb__stack_set_owner(&loop->stacks, stack, task->strand.row.name);
	return 0;
}

static void fill_row(struct gmb_loop *loop, struct gmb_task *task,
		     struct gmb_manager *manager)
{
	struct gmb_row *row = &task->strand.row;

	row->id = ++loop->last_id;
	row->parent = manager ? manager->parent->strand.row.id : 0;
	row->manager = (uintptr_t)manager;
	row->wait_fd = -1;
	row->stack_low = (uintptr_t)task->strand.stack.base;
	row->stack_size = (uint32_t)gmb__stack_size(&task->strand.stack);
}

int gmb__task_make(struct gmb_loop *loop, struct gmb_manager *manager,
		   const struct gmb_spawn_opts *opts, gmb_task_fn fn, void *arg,
		   struct gmb_task **out)
{
	struct gmb_task *task;
	int rc;

	if (opts->flags & ~(unsigned int)GMB_SPAWN_FORGET)
		return -EINVAL;
	gmb__loop_reap(loop);
	task = gmb__page_get_row(&loop->rows);
	if (!task)
		return -ENOMEM;
	task->fn = fn;
	task->arg = arg;
	rc = make_stack(loop, task, opts);
	if (rc < 0) {
		gmb__page_put_row(&loop->rows, task);
		return rc;
	}
	gmb__row_begin_change(&task->strand.row);
	fill_row(loop, task, manager);
	set_name(task, opts->name);
	gmb__row_end_change(&task->strand.row);
	task->flags = opts->flags & GMB_SPAWN_FORGET ? GMB__TASK_FORGET : 0;
	if (opts->delay_ns > 0)
		task->start_at = gmb_after(opts->delay_ns);
	task->manager = manager;
	task->strand.slack = manager ? manager->parent->strand.slack : 0;
	gmb__waitq_init(&task->joiners);
	gmb__scope_init(&task->scope, manager ? &manager->scope : NULL, task,
			GMB__SCOPE_IS_TASK);
	gmb__scope_enter(&task->scope);
	gmb__list_init(&task->link);
	if (manager) {
		gmb__list_add_tail(&manager->tasks, &task->link);
		manager->alive++;
	}
	loop->page->spawned++;
	if (gmb__is_slow(loop)) {
		gmb__observe_event(loop, GMB_TRACE_SPAWN, &task->strand,
				   task->strand.row.parent, 0, 0);
		gmb__observe_name(loop, &task->strand);
		gmb__hook(loop, spawned, task, opts->delay_ns);
	}
	gmb__loop_ready(loop, &task->strand);
	*out = task;
	return 0;
}

int gmb_spawn_with(struct gmb_manager *manager,
		   const struct gmb_spawn_opts *opts, gmb_task_fn fn, void *arg,
		   struct gmb_task **task)
{
	static const struct gmb_spawn_opts none;
	struct gmb_task *made;
	int rc;

	if (!gmb__loop)
		return -EPERM;
	if (!manager->parent)
		return -EBADF;
	if (manager->loop != gmb__loop)
		return -EXDEV;
	rc = gmb__task_make(gmb__loop, manager, opts ? opts : &none, fn, arg,
			    &made);
	if (rc == 0 && task)
		*task = made;
	return rc;
}

/* As gmb_spawn_with(), but the manager learns of a failure. */
static struct gmb_task *spawn_or_fail(struct gmb_manager *manager,
				      const struct gmb_spawn_opts *opts,
				      gmb_task_fn fn, void *arg)
{
	struct gmb_task *task = NULL;
	int rc = gmb_spawn_with(manager, opts, fn, arg, &task);

	if (gmb__unlikely(rc == -EBADF || rc == -EXDEV || rc == -EPERM))
		gmb__die("a task is spawned in a manager that %s; open the manager first, in the loop that spawns",
			 rc == -EBADF ? "is closed" :
			 rc == -EXDEV ? "belongs to another loop" :
					"this thread runs no loop for");
	if (rc < 0)
		gmb__manager_fail(manager, rc);
	return task;
}

struct gmb_task *gmb_spawn(struct gmb_manager *manager, gmb_task_fn fn,
			   void *arg)
{
	return spawn_or_fail(manager, NULL, fn, arg);
}

int gmb_spawn_forget(struct gmb_manager *manager, gmb_task_fn fn, void *arg)
{
	static const struct gmb_spawn_opts forget = {
		.flags = GMB_SPAWN_FORGET,
	};

	return spawn_or_fail(manager, &forget, fn, arg) ? 0 : -ENOMEM;
}

struct gmb_task *gmb_schedule(struct gmb_manager *manager, gmb_time delay_ns,
			      gmb_task_fn fn, void *arg)
{
	struct gmb_spawn_opts opts = { .delay_ns = delay_ns };

	return spawn_or_fail(manager, &opts, fn, arg);
}

/* The wait of a spawner, and where gmb_started() leaves its value. */
struct starting {
	struct gmb__wait wait;
	struct gmb_task *task;
	intptr_t value;
};

static bool withdraw_starter(struct gmb__wait *wait)
{
	gmb__entry(wait, struct starting, wait)->task->starter = NULL;
	return false;
}

/* The spawner is cancelled: so is the task, whose end is waited for. */
static void stop_starting(struct starting *starting)
{
	struct gmb_task *task = starting->task;
	struct gmb__trap trap;

	if (gmb__task_ended(task))
		return;
	gmb_task_cancel(task);
	gmb__trap_init_shielded(&trap);
	gmb__trap_add(&trap, &starting->wait, withdraw_starter);
	task->starter = &starting->wait;
	gmb__trap_park(&trap, GMB_WAIT_STARTED, task, task->strand.row.id);
}

int gmb_spawn_wait(struct gmb_manager *manager, gmb_task_fn fn, void *arg,
		   intptr_t *value)
{
	struct starting starting = { .value = 0 };
	struct gmb__trap trap;
	intptr_t rc;

	rc = gmb__trap_init(&trap);
	if (rc < 0)
		return (int)rc;
	rc = gmb_spawn_with(manager, NULL, fn, arg, &starting.task);
	if (rc < 0)
		return (int)rc;
	starting.task->flags |= GMB__TASK_STARTER;
	gmb__trap_add(&trap, &starting.wait, withdraw_starter);
	starting.task->starter = &starting.wait;
	rc = gmb__trap_park(&trap, GMB_WAIT_STARTED, starting.task,
			    starting.task->strand.row.id);
	if (!trap.winner)
		stop_starting(&starting);
	if (rc == 0 && value)
		*value = starting.value;
	/* A task that never started belongs to us and not to the manager. */
	if (rc < 0) {
		gmb__loop_reap(gmb__loop);
		gmb__task_free(gmb__loop, starting.task);
	}
	return (int)rc;
}

int gmb_started(intptr_t value)
{
	struct gmb_task *self = gmb__task_self();
	struct gmb__wait *starter;

	if (!self)
		return -EPERM;
	if (!(self->flags & GMB__TASK_STARTER) ||
	    self->flags & GMB__TASK_STARTED)
		return -EALREADY;
	starter = self->starter;
	/* A spawner that was cancelled waits for the end, not for this. */
	if (!starter || starter->trap->shielded)
		return 0;
	self->flags |= GMB__TASK_STARTED;
	self->starter = NULL;
	gmb__entry(starter, struct starting, wait)->value = value;
	gmb__wait_complete(starter, 0);
	return 0;
}
