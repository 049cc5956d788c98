/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <giambio/lock.h>
#include "sync/lock.h"
#include "sync/owner.h"
#include "task/task.h"

/* How many in a lock's line know for sure who holds it. */
#define LINE_TOLD	16

void gmb_lock_init(struct gmb_lock *lock)
{
	*lock = (struct gmb_lock){ .loop = gmb__loop };
	gmb__waitq_init(&lock->waiters);
}

/*
 * Nobody waits for a lock that nobody holds; but those who wait in a condition
 * have given it away, and want it back.
 */
static bool busy(const struct gmb_lock *lock)
{
	return lock->owner || lock->away;
}

void gmb_lock_fini(struct gmb_lock *lock)
{
	gmb__owner_fini(&lock->loop, busy(lock), __func__);
}

/* The task's list of locks is what it is blamed by when it ends. */
static void own(struct gmb_lock *lock, struct gmb_task *task)
{
	lock->owner = task;
	lock->held_next = task->held;
	lock->held_link = &task->held;
	if (task->held)
		task->held->held_link = &lock->held_next;
	task->held = lock;
}

static void disown(struct gmb_lock *lock)
{
	*lock->held_link = lock->held_next;
	if (lock->held_next)
		lock->held_next->held_link = lock->held_link;
	lock->owner = NULL;
}

/*
 * Those who wait show who holds it. A long line is not walked at each hand-
 * over: who is far from its head learns it when he comes near.
 */
static void tell_line(const struct gmb_lock *lock)
{
	const struct gmb__link *line = &lock->waiters.waits, *link;
	uint64_t owner = gmb_task_id(lock->owner);
	int told = 0;

	for (link = line->next; link != line && told < LINE_TOLD; told++) {
		gmb__entry(link, struct gmb__wait, link)
			->trap->strand->row.wait_arg = owner;
		link = link->next;
	}
}

/* Hand a held lock to the oldest waiter, or make it free. */
static void hand_over(struct gmb_lock *lock)
{
	struct gmb__wait *wait = gmb__waitq_pop(&lock->waiters);

	disown(lock);
	if (!wait)
		return;
	own(lock, (struct gmb_task *)wait->trap->strand);
	if (GMB__OBSERVE)
		tell_line(lock);
	gmb__wait_complete(wait, 0);
}

/* 0: taken; -EAGAIN: somebody else has it; or an error. */
static int take(struct gmb_lock *lock, struct gmb_task *self)
{
	int rc = gmb__owner_check(lock, busy(lock));

	if (rc)
		return rc;
	if (lock->owner)
		return lock->owner == self ? -EDEADLK : -EAGAIN;
	own(lock, self);
	return 0;
}

static intptr_t wait_for(struct gmb_lock *lock, struct gmb__trap *trap)
{
	return gmb__sync_park(trap, &lock->waiters, GMB_WAIT_LOCK, lock,
			      gmb_task_id(lock->owner));
}

int gmb_lock_acquire(struct gmb_lock *lock)
{
	struct gmb__trap trap;
	int rc = gmb__trap_init(&trap);

	if (rc)
		return rc;
	rc = take(lock, gmb__task_self());
	if (rc == -EAGAIN)
		return (int)wait_for(lock, &trap);
	if (rc == 0)
		gmb__pass();
	return rc;
}

int gmb_lock_try_acquire(struct gmb_lock *lock)
{
	struct gmb_task *self = gmb__task_self();

	if (!self)
		return -EPERM;
	return take(lock, self);
}

int gmb_lock_release(struct gmb_lock *lock)
{
	struct gmb_task *self = gmb__task_self();

	if (!self || lock->owner != self)
		return -EPERM;
	hand_over(lock);
	return 0;
}

struct gmb_task *gmb_lock_owner(const struct gmb_lock *lock)
{
	return lock->owner;
}

void gmb__lock_requeue(struct gmb_lock *lock, struct gmb__wait *wait)
{
	struct gmb__strand *strand = wait->trap->strand;

	wait->trap->shielded = true;
	gmb__waitq_push(&lock->waiters, wait);
	strand->row.wait_kind = GMB_WAIT_LOCK;
	strand->row.wait_object = (uintptr_t)lock;
	strand->row.wait_arg = gmb_task_id(lock->owner);
}

int gmb__lock_reacquire(struct gmb_lock *lock)
{
	struct gmb__trap trap;

	gmb__trap_init_shielded(&trap);
	if (take(lock, gmb__task_self()) == 0)
		return 0;
	/* A deadlock is being broken up: nobody may wait any more. */
	if (gmb__loop->killed)
		return -ECANCELED;
	return (int)wait_for(lock, &trap);
}
