/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include "loop/observe.h"
#include "task/task.h"

int gmb_manager_open(struct gmb_manager *manager)
{
	struct gmb_task *self = gmb__task_self();

	if (!self)
		return -EPERM;
	manager->loop = gmb__loop;
	manager->parent = self;
	manager->error = 0;
	manager->alive = 0;
	manager->name = NULL;
	gmb__list_init(&manager->tasks);
	gmb__waitq_init(&manager->idle);
	gmb__scope_init(&manager->scope, self->innermost, self,
			GMB__SCOPE_IS_MANAGER);
	gmb__scope_enter(&manager->scope);
	gmb__trace(gmb__loop, OPEN, &self->strand, (uintptr_t)manager,
		   GMB_NEVER, 1);
	return 0;
}

void gmb__manager_fail(struct gmb_manager *manager, intptr_t error)
{
	if (manager->error)
		return;
	manager->error = error;
	gmb_scope_cancel(&manager->scope);
}

/* Is the caller cancelled by a scope that it opened in the block? */
static bool is_cancelled_inside(const struct gmb_manager *manager)
{
	const struct gmb_scope *origin = manager->parent->strand.cancel;

	return gmb__unlikely(origin) && origin != manager->scope.origin;
}

/*
 * What has cancelled the caller is looked at when it runs: the wait itself has
 * noticed nothing.
 */
static bool leave_idle(struct gmb__wait *wait)
{
	gmb__list_del(&wait->link);
	wait->trap->winner = wait;
	return false;
}

/*
 * Cancellation of the block does not end this wait: it ends the tasks, and they
 * end it. A scope inside of the block does not reach the tasks, so it does.
 *
 * Return: 0; -ECANCELED.
 */
static int wait_for_tasks(struct gmb_manager *manager)
{
	struct gmb__strand *self = &manager->parent->strand;
	struct gmb__trap trap;
	struct gmb__wait wait;

	if (!manager->alive) {
		if (is_cancelled_inside(manager))
			return gmb__trap_refuse();
		/* Those who run meanwhile may spawn in it. */
		gmb__pass();
	}
	while (manager->alive) {
		if (is_cancelled_inside(manager))
			return gmb__trap_refuse();
		gmb__trap_make(&trap, self);
		trap.shielded = self->cancel ||
				manager->parent->innermost == &manager->scope;
		gmb__trap_add(&trap, &wait, leave_idle);
		gmb__waitq_push(&manager->idle, &wait);
		gmb__trap_park(&trap, GMB_WAIT_MANAGER, manager,
			       manager->alive);
	}
	return 0;
}

/* What the block comes to: an error, its deadline, or a cancel from outside. */
static intptr_t outcome(struct gmb_manager *manager)
{
	struct gmb_scope *scope = &manager->scope;

	if (manager->error)
		return manager->error;
	if (scope->timed_out && scope->caught)
		return -ETIMEDOUT;
	if (scope->origin && scope->origin != scope) {
		scope->origin->caught = 1;
		return -ECANCELED;
	}
	return 0;
}

intptr_t gmb_manager_wait(struct gmb_manager *manager)
{
	if (manager->parent != gmb__task_self() || !manager->parent)
		return -EPERM;
	return wait_for_tasks(manager) ?: outcome(manager);
}

intptr_t gmb_manager_close(struct gmb_manager *manager)
{
	struct gmb_loop *loop = gmb__loop;
	struct gmb__link *link, *after;
	intptr_t rc;

	if (!manager->parent || manager->parent != gmb__task_self())
		gmb__die("gmb_manager_close() of a manager that is %s; only the task that opened it closes it, once",
			 manager->parent ? "another task's" : "closed already");
	if (manager->parent->innermost != &manager->scope)
		gmb__scope_leave(&manager->scope);
	wait_for_tasks(manager);
	rc = outcome(manager);
	gmb__loop_reap(loop);
	gmb__list_for_each_safe(link, after, &manager->tasks)
		gmb__task_free(loop, gmb__entry(link, struct gmb_task, link));
	gmb__scope_leave(&manager->scope);
	manager->parent = NULL;
	return rc;
}

void gmb_manager_cancel(struct gmb_manager *manager)
{
	gmb_scope_cancel(&manager->scope);
}

struct gmb_scope *gmb_manager_scope(struct gmb_manager *manager)
{
	return &manager->scope;
}

void gmb_manager_set_name(struct gmb_manager *manager, const char *name)
{
	manager->name = name;
}

size_t gmb_manager_alive(const struct gmb_manager *manager)
{
	return manager->alive;
}

struct gmb_task *gmb_manager_next_error(const struct gmb_manager *manager,
					const struct gmb_task *after)
{
	const struct gmb__link *link = after ? after->link.next
					     : manager->tasks.next;

	for (; link != &manager->tasks; link = link->next) {
		struct gmb_task *task = gmb__entry(link, struct gmb_task, link);

		if (task->strand.row.state == GMB_TASK_FAILED)
			return task;
	}
	return NULL;
}

/* Block macro */

struct gmb__manager_block gmb__manager_block(void *result, size_t size)
{
	return (struct gmb__manager_block){
		.result = result,
		.result_size = (uint8_t)size,
	};
}

struct gmb_manager *gmb__manager_block_enter(struct gmb__manager_block *block)
{
	int rc = gmb_manager_open(&block->manager);

	block->entered = 1;
	if (rc < 0) {
		gmb__result_store(block->result, block->result_size, rc);
		return NULL;
	}
	block->open = 1;
	return &block->manager;
}

void gmb__manager_block_leave(struct gmb__manager_block *block)
{
	intptr_t rc, body;
	bool cancelled;

	if (!block->open)
		return;
	block->open = 0;
	cancelled = block->manager.scope.cancelled;
	body = gmb__result_load(block->result, block->result_size);
	if (body < 0)
		gmb_manager_cancel(&block->manager);
	rc = gmb_manager_close(&block->manager);
	/* The body was cancelled by the manager: the reason says more. */
	if ((body >= 0 && rc < 0) || (body == -ECANCELED && cancelled))
		gmb__result_store(block->result, block->result_size, rc);
}
