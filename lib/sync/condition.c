/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <limits.h>
#include <giambio/condition.h>
#include "sync/lock.h"
#include "sync/owner.h"
#include "task/task.h"

void gmb_condition_init(struct gmb_condition *condition, struct gmb_lock *lock)
{
	gmb__waitq_init(&condition->waiters);
	condition->lock = lock;
}

void gmb_condition_fini(struct gmb_condition *condition)
{
	if (!condition->lock)
		gmb__die("%s: the condition at %p has ended already", __func__,
			 (void *)condition);
	if (!gmb__waitq_empty(&condition->waiters))
		gmb__die("%s: the condition at %p is ended while tasks wait "
			 "for it", __func__, (void *)condition);
	condition->lock = NULL;
}

/*
 * Whoever holds the lock is on the loop of those who wait: they keep it for
 * that loop (lock->away). So no owner need be checked here.
 */
static bool holds_lock(const struct gmb_condition *condition, const char *call)
{
	struct gmb_task *self = gmb__task_self();

	if (!condition->lock)
		gmb__die("%s: the condition at %p is used after its end", call,
			 (const void *)condition);
	return self && condition->lock->owner == self;
}

int gmb_condition_wait(struct gmb_condition *condition)
{
	struct gmb_lock *lock = condition->lock;
	struct gmb__trap trap;
	struct gmb__wait wait;
	intptr_t rc;

	if (!holds_lock(condition, __func__))
		return -EPERM;
	rc = gmb__trap_init(&trap);
	if (rc)
		return (int)rc;
	gmb__trap_add(&trap, &wait, NULL);
	gmb__waitq_push(&condition->waiters, &wait);
	lock->away++;
	gmb_lock_release(lock);
	gmb__trap_look_again(&trap);
	rc = gmb__trap_park(&trap, GMB_WAIT_CONDITION, condition, 0);
	lock->away--;
	/* A notified task wakes up as the owner. */
	if (!trap.winner)
		gmb__lock_reacquire(lock);
	return (int)rc;
}

int gmb_condition_notify(struct gmb_condition *condition, size_t count)
{
	struct gmb__wait *wait;
	size_t done = 0;

	if (!holds_lock(condition, __func__))
		return -EPERM;
	while (done < count && (wait = gmb__waitq_pop(&condition->waiters))) {
		gmb__lock_requeue(condition->lock, wait);
		done++;
	}
	return done < INT_MAX ? (int)done : INT_MAX;
}

int gmb_condition_notify_all(struct gmb_condition *condition)
{
	return gmb_condition_notify(condition, SIZE_MAX);
}
