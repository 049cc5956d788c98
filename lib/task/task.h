/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * A task: a strand with a place in the tree, a result and those who want it.
 *
 * Ownership: the record lives in the loop page from the spawn until its manager
 * closes (with GMB_SPAWN_FORGET: until it ends well); the stack goes back as
 * soon as the task has ended. A few records that are free keep their stacks, as
 * *spares*: what a task has left behind is in the cache when the next one
 * begins.
 *
 * The tree: every task has a scope of its own, a child of its manager's scope;
 * the scopes and managers that a task opens nest below that, the innermost one
 * is `innermost`. So one walk down the scopes finds all that a cancellation
 * concerns.
 */
#ifndef GMB_TASK_TASK_H
#define GMB_TASK_TASK_H

#include <giambio/manager.h>
#include <giambio/scope.h>
#include <giambio/task.h>
#include "loop/loop.h"
#include "loop/trap.h"

struct gmb_lock;

enum gmb__task_flags {
	GMB__TASK_FORGET = 1 << 0,	/* free the record if it ends well */
	GMB__TASK_STARTER = 1 << 1,	/* made by gmb_spawn_wait() */
	GMB__TASK_STARTED = 1 << 2,	/* has said so */
	GMB__TASK_USUAL = 1 << 3,	/* its stack is of the default size */
};

/* In gmb_row.flags. */
#define GMB__ROW_CANCELLED	1

/* Beside enum gmb_scope_flags: what else a scope is. */
#define GMB__SCOPE_IS_TASK	(1 << 6)
#define GMB__SCOPE_IS_MANAGER	(1 << 7)

/**
 * struct gmb_task - see above
 * @strand:    must be first
 * @scope:     its own, the outermost one
 * @innermost: the scope it is in
 * @manager:   where it lives; NULL for the main task
 * @link:      in the manager's tasks; with GMB__TASK_FORGET only once it has
 *	failed
 * @fn:        what it runs
 * @arg:       with what
 * @result:    what that returned
 * @start_at:  not before; 0: at once
 * @joiners:   tasks that wait for its end
 * @starter:   the gmb_spawn_wait() that waits for gmb_started(), or NULL
 * @held:      the locks that it holds, the last one first; it must release them
 *	before it ends. Kept by the lock code
 * @flags:     enum gmb__task_flags
 */
struct gmb_task {
	struct gmb__strand strand;
	struct gmb_scope scope;
	struct gmb_scope *innermost;
	struct gmb_manager *manager;
	struct gmb__link link;
	gmb_task_fn fn;
	void *arg;
	intptr_t result;
	gmb_time start_at;
	struct gmb__waitq joiners;
	struct gmb__wait *starter;
	struct gmb_lock *held;
	uint32_t flags;
};

/* A task that waits for the end of another, and the result it is given. */
struct gmb__joiner {
	struct gmb__wait wait;
	intptr_t result;
};

/* The task that runs; NULL outside tasks. */
static inline struct gmb_task *gmb__task_self(void)
{
	return (struct gmb_task *)gmb__strand_self();
}

static inline bool gmb__task_ended(const struct gmb_task *task)
{
	return task->strand.row.state >= GMB_TASK_DONE;
}

/*
 * Does a task that may be any loop's belong to another than the running one? A
 * loop whose main task is just being made knows no other.
 */
static inline bool gmb__task_is_foreign(const struct gmb_task *task)
{
	if (gmb__likely(task->manager))
		return task->manager->loop != gmb__loop;
	return gmb__loop->main && task != gmb__loop->main;
}

/**
 * gmb__task_make() - make a task, ready to run
 * @loop:    the thread's
 * @manager: open, or NULL for the main task
 * @opts:    not NULL; flags and sizes are checked here
 * @fn:      what it runs
 * @arg:     with what
 * @out:     [out] the task
 *
 * Return: 0; -EINVAL; -ENOMEM; -EAGAIN.
 */
int gmb__task_make(struct gmb_loop *loop, struct gmb_manager *manager,
		   const struct gmb_spawn_opts *opts, gmb_task_fn fn, void *arg,
		   struct gmb_task **out);

/* What the loop calls when a task's stack is no longer in use. */
void gmb__task_on_exit(struct gmb_loop *loop, struct gmb__strand *strand);

/* Free the record of a task that has ended. */
void gmb__task_free(struct gmb_loop *loop, struct gmb_task *task);

/* A task of the manager has failed: remember it and cancel the others. */
void gmb__manager_fail(struct gmb_manager *manager, intptr_t error);

/* A task of the manager has ended: tell the opener if it was the last one. */
static gmb__always_inline void gmb__manager_leave(struct gmb_manager *manager)
{
	struct gmb__wait *wait;

	if (--manager->alive)
		return;
	while ((wait = gmb__waitq_pop(&manager->idle)))
		gmb__wait_grant(wait, 0);
}

/* Scopes, for tasks and managers. */

/* The cancellation that is in force for a task, or NULL. */
static gmb__always_inline void gmb__task_set_cancel(struct gmb_task *task,
						    struct gmb_scope *origin)
{
	task->strand.cancel = origin;
	if (gmb__unlikely(origin))
		task->strand.row.flags |= GMB__ROW_CANCELLED;
	else
		task->strand.row.flags &= (uint16_t)~GMB__ROW_CANCELLED;
}

/* What a scope's own deadline and its surroundings come to. */
static gmb__always_inline gmb_time
gmb__scope_nearest(const struct gmb_scope *scope)
{
	gmb_time outer = GMB_NEVER;

	if (scope->parent && !(scope->flags & GMB_SCOPE_SHIELD))
		outer = scope->parent->nearest;
	return scope->deadline < outer ? scope->deadline : outer;
}

/**
 * gmb__scope_init() - make a scope a child of another
 * @scope:  [out] without a deadline
 * @parent: NULL for the main task's
 * @owner:  the task that runs inside
 * @flags:  enum gmb_scope_flags and GMB__SCOPE_IS_…
 */
static gmb__always_inline void gmb__scope_init(struct gmb_scope *scope,
					       struct gmb_scope *parent,
					       struct gmb_task *owner,
					       unsigned int flags)
{
	scope->parent = parent;
	scope->origin = NULL;
	scope->owner = owner;
	gmb__list_init(&scope->children);
	scope->deadline = GMB_NEVER;
	scope->timer = 0;
	scope->flags = (uint8_t)flags;
	scope->cancelled = 0;
	scope->timed_out = 0;
	scope->caught = 0;
	if (gmb__likely(parent)) {
		gmb__list_add_tail(&parent->children, &scope->sibling);
		if (!(flags & GMB_SCOPE_SHIELD))
			scope->origin = parent->origin;
	} else {
		gmb__list_init(&scope->sibling);
	}
	scope->nearest = gmb__scope_nearest(scope);
	if (gmb__unlikely(gmb__loop->killed))
		scope->origin = &gmb__loop->main->scope;
}

/* Take a scope without children out of the tree and stop its timer. */
void gmb__scope_fini(struct gmb_scope *scope);

/* Make a scope the innermost one of the task that owns it. */
static gmb__always_inline void gmb__scope_enter(struct gmb_scope *scope)
{
	scope->owner->innermost = scope;
	scope->owner->strand.row.deadline = scope->nearest;
	gmb__task_set_cancel(scope->owner, scope->origin);
}

/* The opposite; aborts if the scope is not the caller's innermost one. */
void gmb__scope_leave(struct gmb_scope *scope);

/**
 * gmb__scope_next() - walk a tree of scopes, parents first
 * @root:  where the walk began
 * @scope: the scope before
 * @down:  false: leave out what is below @scope
 *
 * Return: the next scope, or NULL at the end.
 */
struct gmb_scope *gmb__scope_next(struct gmb_scope *root,
				  struct gmb_scope *scope, bool down);

/* Make every wait of every task of the loop fail, shielded or not. */
void gmb__scope_kill_all(struct gmb_loop *loop);

/* Store a block's result in its variable of 4 or 8 bytes. */
void gmb__result_store(void *result, size_t size, intptr_t value);
intptr_t gmb__result_load(const void *result, size_t size);

#endif
