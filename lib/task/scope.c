/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Cancellation is kept ready to be read: the scope whose cancellation is in
 * force stands in every scope it reaches (`origin`) and in every strand
 * (`cancel`), so a wait looks at one pointer. If several enclosing scopes are
 * cancelled the outermost one counts, because it is the one that ends last.
 */
#include <errno.h>
#include "loop/observe.h"
#include "task/task.h"

static void stop_timer(struct gmb_scope *scope)
{
	if (scope->timer)
		gmb__timer_stop(&gmb__loop->timers, scope->timer);
	scope->timer = 0;
}

void gmb__scope_fini(struct gmb_scope *scope)
{
	stop_timer(scope);
	gmb__list_del(&scope->sibling);
}

static const char *kind_of(const struct gmb_scope *scope)
{
	return scope->flags & GMB__SCOPE_IS_MANAGER ? "manager" : "scope";
}

void gmb__scope_leave(struct gmb_scope *scope)
{
	struct gmb_task *self = gmb__task_self();

	if (gmb__unlikely(!self))
		gmb__die("a %s is closed outside a task; the task that opened it must close it",
			 kind_of(scope));
	if (gmb__unlikely(self->innermost != scope))
		gmb__die("task \"%s\" closes a %s that is not the innermost one it has open; close in the reverse order of opening",
			 gmb_task_name(self), kind_of(scope));
	gmb__scope_fini(scope);
	gmb__trace(gmb__loop, CLOSE, &self->strand, (uintptr_t)scope, 0, 0);
	self->innermost = scope->parent;
	self->strand.row.deadline = scope->parent->nearest;
	gmb__task_set_cancel(self, scope->parent->origin);
}

struct gmb_scope *gmb__scope_next(struct gmb_scope *root,
				  struct gmb_scope *scope, bool down)
{
	if (down && !gmb__list_empty(&scope->children))
		return gmb__entry(scope->children.next, struct gmb_scope,
				  sibling);
	while (scope != root) {
		if (scope->sibling.next != &scope->parent->children)
			return gmb__entry(scope->sibling.next, struct gmb_scope,
					  sibling);
		scope = scope->parent;
	}
	return NULL;
}

/* The cancellation of an enclosing scope has reached this one. */
static void reach(struct gmb_scope *scope, struct gmb_scope *origin)
{
	struct gmb_task *task = scope->owner;

	scope->origin = origin;
	if (task->innermost != scope)
		return;
	gmb__task_set_cancel(task, origin);
	if (task->strand.trap)
		gmb__trap_cancel(task->strand.trap);
}

/* An enclosing scope that is cancelled already stays the one that counts. */
static bool is_shadowed(const struct gmb_scope *scope)
{
	return scope->origin && scope->origin != scope;
}

/* 0; -EPERM this thread runs no loop; -EXDEV the scope is another loop's. */
static int check_loop(const struct gmb_scope *scope)
{
	if (gmb__unlikely(!gmb__loop))
		return -EPERM;
	return gmb__unlikely(gmb__task_is_foreign(scope->owner)) ? -EXDEV : 0;
}

void gmb_scope_cancel(struct gmb_scope *root)
{
	struct gmb_scope *scope = root;
	bool down = true;
	int rc = check_loop(root);

	/* Its tasks would become ready in the wrong loop, or in none. */
	if (gmb__unlikely(rc))
		gmb__die("task \"%s\" or a %s of it is cancelled %s",
			 gmb_task_name(root->owner), kind_of(root),
			 rc == -EPERM ? "while its loop does not run; use gmb_loop_cancel()"
				      : "by another loop; send a message to a task of its own");
	if (root->cancelled)
		return;
	root->cancelled = 1;
	stop_timer(root);
	if (is_shadowed(root))
		return;
	for (; scope; scope = gmb__scope_next(root, scope, down)) {
		down = scope == root || !(scope->flags & GMB_SCOPE_SHIELD);
		if (!down)
			continue;
		reach(scope, root);
		if (scope->flags & GMB__SCOPE_IS_TASK) {
			gmb__trace(gmb__loop, CANCEL, &scope->owner->strand, 0,
				   0, 0);
			gmb__hook(gmb__loop, cancelled, scope->owner);
		}
	}
}

/* Its deadline has passed. */
static void time_out(struct gmb_scope *scope)
{
	scope->timed_out = 1;
	gmb__trace(gmb__loop, EXPIRE, &scope->owner->strand, (uintptr_t)scope,
		   0, 0);
	gmb_scope_cancel(scope);
}

static void on_deadline(void *arg)
{
	struct gmb_scope *scope = arg;

	scope->timer = 0;
	time_out(scope);
}

/* The clock of the turn does not tell how long this step has taken by now. */
static bool has_passed(gmb_time deadline)
{
	struct gmb_loop *loop = gmb__loop;

	return deadline <= loop->now || deadline <= gmb__loop_clock(loop);
}

/* It may concern the tasks inside, as far as the shields. */
static void spread_deadline(struct gmb_scope *root)
{
	struct gmb_scope *scope = root;
	bool down = true;
	gmb_time nearest;

	for (; scope; scope = gmb__scope_next(root, scope, down)) {
		nearest = gmb__scope_nearest(scope);
		down = nearest != scope->nearest;
		scope->nearest = nearest;
		if (scope->owner->innermost == scope)
			scope->owner->strand.row.deadline = nearest;
	}
}

static int set_deadline(struct gmb_scope *scope, gmb_time deadline)
{
	uint32_t timer = 0;
	int rc;

	if (scope->cancelled)
		return 0;
	if (deadline != GMB_NEVER) {
		rc = gmb__timer_start(&gmb__loop->timers, deadline, on_deadline,
				      scope, &timer);
		if (rc < 0)
			return rc;
	}
	stop_timer(scope);
	scope->timer = timer;
	scope->deadline = deadline;
	spread_deadline(scope);
	if (deadline != GMB_NEVER && has_passed(deadline))
		time_out(scope);
	return 0;
}

int gmb_scope_set_deadline(struct gmb_scope *scope, gmb_time deadline)
{
	int rc = check_loop(scope);

	if (gmb__unlikely(rc))
		return rc;
	if (!scope->cancelled)
		gmb__trace(gmb__loop, DEADLINE, &scope->owner->strand,
			   (uintptr_t)scope, deadline, 0);
	return set_deadline(scope, deadline);
}

int gmb_scope_open(struct gmb_scope *scope, gmb_time deadline,
		   unsigned int flags)
{
	struct gmb_task *self = gmb__task_self();
	int rc;

	if (!self)
		return -EPERM;
	if (flags & ~(unsigned int)(GMB_SCOPE_SHIELD | GMB_SCOPE_SKIP))
		return -EINVAL;
	gmb__scope_init(scope, self->innermost, self, flags);
	gmb__scope_enter(scope);
	gmb__trace(gmb__loop, OPEN, &self->strand, (uintptr_t)scope, deadline,
		   0);
	rc = set_deadline(scope, deadline);
	if (rc < 0)
		gmb__scope_leave(scope);
	return rc;
}

int gmb_scope_close(struct gmb_scope *scope)
{
	gmb__scope_leave(scope);
	if (scope->caught && scope->timed_out)
		return scope->flags & GMB_SCOPE_SKIP ? 0 : -ETIMEDOUT;
	if (scope->caught || (is_shadowed(scope) && scope->origin->caught))
		return -ECANCELED;
	return 0;
}

int gmb_scope_cancelled(const struct gmb_scope *scope)
{
	return scope->cancelled;
}

gmb_time gmb_deadline(void)
{
	struct gmb_task *self = gmb__task_self();

	if (!self)
		return GMB_NEVER;
	return self->strand.cancel ? 0 : self->innermost->nearest;
}

/*
 * Does it wait for the end of tasks: those of a manager, or one whose spawner
 * has given up waiting for its start?
 */
static bool lasts_as_long_as_tasks(const struct gmb__strand *strand)
{
	return strand->row.wait_kind == GMB_WAIT_MANAGER ||
	       strand->row.wait_kind == GMB_WAIT_STARTED;
}

/*
 * The last resort against a deadlock inside shields: no wait can last any more.
 * What waits for the end of tasks ends as they end.
 */
void gmb__scope_kill_all(struct gmb_loop *loop)
{
	struct gmb_scope *root = &loop->main->scope;
	struct gmb_scope *scope = root;

	loop->killed = true;
	root->cancelled = 1;
	for (; scope; scope = gmb__scope_next(root, scope, true)) {
		struct gmb__trap *trap = scope->owner->strand.trap;

		if (trap && trap->shielded &&
		    scope->owner->innermost == scope &&
		    !lasts_as_long_as_tasks(&scope->owner->strand))
			trap->shielded = false;
		reach(scope, root);
	}
}

/* Block macros */

void gmb__result_store(void *result, size_t size, intptr_t value)
{
	if (size == sizeof(int32_t))
		*(int32_t *)result = (int32_t)value;
	else
		*(int64_t *)result = value;
}

intptr_t gmb__result_load(const void *result, size_t size)
{
	if (size == sizeof(int32_t))
		return *(const int32_t *)result;
	return (intptr_t)*(const int64_t *)result;
}

struct gmb__scope_block gmb__scope_block(void *result, size_t size,
					 gmb_time deadline, unsigned int flags)
{
	return (struct gmb__scope_block){
		.result = result,
		.result_size = (uint8_t)size,
		.deadline = deadline,
		.flags = flags,
	};
}

int gmb__scope_block_enter(struct gmb__scope_block *block)
{
	int rc;

	if (block->entered)
		return 0;
	block->entered = 1;
	rc = gmb_scope_open(&block->scope, block->deadline, block->flags);
	if (rc < 0) {
		gmb__result_store(block->result, block->result_size, rc);
		return 0;
	}
	block->open = 1;
	return 1;
}

void gmb__scope_block_leave(struct gmb__scope_block *block)
{
	int rc;

	if (!block->open)
		return;
	block->open = 0;
	rc = gmb_scope_close(&block->scope);
	if (rc == -ECANCELED || !block->scope.caught ||
	    !block->scope.timed_out ||
	    gmb__result_load(block->result, block->result_size) != -ECANCELED)
		return;
	gmb__result_store(block->result, block->result_size, rc);
}
