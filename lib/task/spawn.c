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

/* The copy of the argument stands at the top of the stack, above all frames. */
static int copy_argument(struct gmb_task *task,
			 const struct gmb_spawn_opts *opts,
			 struct gmb__stack *below)
{
	size_t copy = (opts->copy_size + 15) & ~(size_t)15;

	if (copy < opts->copy_size || copy > gmb__stack_size(below) / 4)
		return -EINVAL;
	below->top -= copy;
	memcpy(below->top, task->arg, opts->copy_size);
	task->arg = below->top;
	return 0;
}

static int make_stack(struct gmb_loop *loop, struct gmb_task *task,
		      const struct gmb_spawn_opts *opts)
{
	struct gmb__stack *stack = &task->strand.stack;
	size_t size = opts->stack_size ? opts->stack_size : loop->stack_size;
	int rc;

	rc = gmb__stack_get(&loop->stacks, size, stack);
	if (rc < 0)
		return rc;
	gmb__stack_set_owner(&loop->stacks, stack, task->strand.row.name);
	task->strand.row.stack_low = (uintptr_t)stack->base;
	task->strand.row.stack_size = (uint32_t)gmb__stack_size(stack);
	return 0;
}

/* A record with a stack; its other fields are arbitrary. */
static __attribute__((noinline))
int get_record(struct gmb_loop *loop, const struct gmb_spawn_opts *opts,
	       struct gmb_task **out)
{
	struct gmb_task *task = gmb__page_get_row(&loop->rows);
	int rc;

	if (!task)
		return -ENOMEM;
	rc = make_stack(loop, task, opts);
	if (rc < 0)
		gmb__page_put_row(&loop->rows, task);
	*out = task;
	return rc;
}

static gmb__always_inline
int get_task(struct gmb_loop *loop, const struct gmb_spawn_opts *opts,
	     struct gmb_task **out)
{
	struct gmb__strand *spare = loop->spares;

	if (gmb__unlikely(!spare || opts->stack_size))
		return get_record(loop, opts, out);
	loop->spares = spare->next;
	loop->spare_count--;
	*out = (struct gmb_task *)spare;
	return 0;
}

static __attribute__((noinline))
void drop_task(struct gmb_loop *loop, struct gmb_task *task)
{
	gmb__stack_put(&loop->stacks, &task->strand.stack);
	gmb__page_put_row(&loop->rows, task);
}

/* Every field, because the row has been another task's. */
static inline void fill_row(struct gmb_loop *loop, struct gmb_row *row,
			    const struct gmb_manager *manager, const char *name)
{
	row->wait_kind = GMB_WAIT_NONE;
	row->flags = 0;
	row->wait_fd = -1;
	row->id = ++loop->last_id;
	row->parent = manager ? manager->parent->strand.row.id : 0;
	row->manager = (uintptr_t)manager;
	row->since = loop->now;
	row->wait_object = 0;
	row->wait_arg = 0;
	row->steps = 0;
	row->run_ns = 0;
	row->worst_ns = 0;
	memset(row->name, 0, sizeof(row->name));
	if (gmb__unlikely(name))
		strncpy(row->name, name, sizeof(row->name) - 1);
}

static inline void fill_task(struct gmb_task *task, struct gmb_manager *manager,
			     const struct gmb_spawn_opts *opts)
{
	struct gmb__strand *strand = &task->strand;

	strand->trap = NULL;
	strand->ready_at = 0;
	strand->slack = manager ? manager->parent->strand.slack : 0;
	task->manager = manager;
	task->result = 0;
	task->start_at = 0;
	task->starter = NULL;
	task->held = NULL;
	task->flags = opts->flags & GMB_SPAWN_FORGET ? GMB__TASK_FORGET : 0;
	if (!opts->stack_size)
		task->flags |= GMB__TASK_USUAL;
	gmb__waitq_init(&task->joiners);
	if (gmb__unlikely(opts->delay_ns > 0))
		task->start_at = gmb_after(opts->delay_ns);
}

/* Its place in the tree, and in its manager. */
static inline void link_task(struct gmb_task *task, struct gmb_manager *manager)
{
	gmb__scope_init(&task->scope, manager ? &manager->scope : NULL, task,
			GMB__SCOPE_IS_TASK);
	gmb__scope_enter(&task->scope);
	if (gmb__likely(manager)) {
		if (!(task->flags & GMB__TASK_FORGET))
			gmb__list_add_tail(&manager->tasks, &task->link);
		manager->alive++;
	}
}

static __attribute__((noinline))
void tell_observers(struct gmb_loop *loop, struct gmb_task *task,
		    gmb_time delay)
{
	gmb__observe_event(loop, GMB_TRACE_SPAWN, &task->strand,
			   task->strand.row.parent, 0, 0);
	gmb__observe_name(loop, &task->strand);
	gmb__hook(loop, spawned, task, delay);
}

static gmb__always_inline
int make_task(struct gmb_loop *loop, struct gmb_manager *manager,
	      const struct gmb_spawn_opts *opts, gmb_task_fn fn, void *arg,
	      struct gmb_task **out)
{
	struct gmb__stack *stack, below;
	struct gmb_task *task;
	int rc;

	if (gmb__unlikely(opts->flags & ~(unsigned int)GMB_SPAWN_FORGET))
		return -EINVAL;
	gmb__loop_reap(loop);
	rc = get_task(loop, opts, &task);
	if (gmb__unlikely(rc < 0))
		return rc;
	task->fn = fn;
	task->arg = arg;
	stack = &task->strand.stack;
	if (gmb__unlikely(opts->copy_size)) {
		below = *stack;
		stack = &below;
		rc = copy_argument(task, opts, stack);
		if (rc < 0) {
			drop_task(loop, task);
			return rc;
		}
	}
	gmb__context_init(&task->strand.context, stack, gmb__task_entry, task);
	gmb__row_begin_change(&task->strand.row);
	fill_row(loop, &task->strand.row, manager, opts->name);
	gmb__row_end_change(&task->strand.row);
	fill_task(task, manager, opts);
	link_task(task, manager);
	loop->page->spawned++;
	if (gmb__is_slow(loop))
		tell_observers(loop, task, opts->delay_ns);
	gmb__loop_ready(loop, &task->strand);
	*out = task;
	return 0;
}

int gmb__task_make(struct gmb_loop *loop, struct gmb_manager *manager,
		   const struct gmb_spawn_opts *opts, gmb_task_fn fn, void *arg,
		   struct gmb_task **out)
{
	return make_task(loop, manager, opts, fn, arg, out);
}

static const struct gmb_spawn_opts usual;

int gmb_spawn_with(struct gmb_manager *manager,
		   const struct gmb_spawn_opts *opts, gmb_task_fn fn, void *arg,
		   struct gmb_task **task)
{
	struct gmb_task *made;
	int rc;

	if (!gmb__loop)
		return -EPERM;
	if (!manager->parent)
		return -EBADF;
	if (manager->loop != gmb__loop)
		return -EXDEV;
	rc = gmb__task_make(gmb__loop, manager, opts ? opts : &usual, fn, arg,
			    &made);
	if (rc == 0 && task)
		*task = made;
	return rc;
}

static __attribute__((noinline, noreturn, cold))
void die_of_misuse(const struct gmb_manager *manager)
{
	gmb__die("a task is spawned in a manager that %s; open the manager first, in the loop that spawns",
		 !gmb__loop ? "this thread runs no loop for" :
		 !manager->parent ? "is closed" : "belongs to another loop");
}

/* As gmb_spawn_with(), but the manager learns of a failure. */
static gmb__always_inline
struct gmb_task *spawn_or_fail(struct gmb_manager *manager,
			       const struct gmb_spawn_opts *opts,
			       gmb_task_fn fn, void *arg)
{
	struct gmb_loop *loop = gmb__loop;
	struct gmb_task *task;
	int rc;

	if (gmb__unlikely(!loop || !manager->parent || manager->loop != loop))
		die_of_misuse(manager);
	rc = make_task(loop, manager, opts, fn, arg, &task);
	if (gmb__likely(rc == 0))
		return task;
	gmb__manager_fail(manager, rc);
	return NULL;
}

struct gmb_task *gmb_spawn(struct gmb_manager *manager, gmb_task_fn fn,
			   void *arg)
{
	return spawn_or_fail(manager, &usual, fn, arg);
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

/*
 * The spawner is cancelled: so is the task, whose end is waited for. If it
 * fails all the same, nobody but the spawner can tell.
 */
static intptr_t stop_starting(struct starting *starting)
{
	struct gmb_task *task = starting->task;
	struct gmb__trap trap;

	if (!gmb__task_ended(task)) {
		gmb_task_cancel(task);
		gmb__trap_init_shielded(&trap);
		gmb__trap_add(&trap, &starting->wait, withdraw_starter);
		task->starter = &starting->wait;
		gmb__trap_park(&trap, GMB_WAIT_STARTED, task,
			       task->strand.row.id);
	}
	if (task->strand.row.state == GMB_TASK_FAILED)
		return task->result;
	return -ECANCELED;
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
	gmb__trap_look_again(&trap);
	rc = gmb__trap_park(&trap, GMB_WAIT_STARTED, starting.task,
			    starting.task->strand.row.id);
	if (!trap.winner)
		rc = stop_starting(&starting);
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
