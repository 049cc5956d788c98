/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Conditions: wait until somebody says that what a lock protects has changed.
 *
 *	rc = gmb_lock_acquire(&lock);
 *	while (rc == 0 && !ready)
 *		rc = gmb_condition_wait(&condition);
 *
 * A wait gives the lock away and owns it again when it returns, also when it
 * was cancelled. A notification goes to the tasks that waited longest; it is
 * never lost to a cancellation, and there are no wakeups without one. Other
 * tasks may have had the lock in between, hence the loop.
 */
#ifndef GIAMBIO_CONDITION_H
#define GIAMBIO_CONDITION_H

#include <giambio/base.h>
#include <giambio/lock.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gmb_condition - a condition and the lock that belongs to it
 *
 * All members are private. It must stay where it is until
 * gmb_condition_fini().
 */
struct gmb_condition {
	/* private: */
	struct gmb__waitq waiters;
	struct gmb_lock *lock;
};

/**
 * GMB_CONDITION_INIT() - the initial value of a condition of static storage
 * @condition: the variable that is initialised
 * @its_lock:  address of its lock, of static storage, too
 */
#define GMB_CONDITION_INIT(condition, its_lock) \
	{ \
		GMB__WAITQ_INIT((condition).waiters), (its_lock) \
	}

/**
 * gmb_condition_init() - make a condition
 * @condition: [out] caller's storage
 * @lock:      an initialised lock, which must outlive the condition; several
 *	conditions may share it
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_condition_init(struct gmb_condition *condition,
				struct gmb_lock *lock);

/**
 * gmb_condition_fini() - end the use of a condition
 * @condition: nobody may be waiting: that aborts the program with a sentence
 *
 * Using it afterwards aborts, too, for as long as the memory is left alone.
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_condition_fini(struct gmb_condition *condition);

/**
 * gmb_condition_wait() - give the lock away until there is a notification
 * @condition: its lock is owned by the caller
 *
 * It has the lock again when it returns. If the caller is cancelled while it
 * waits for a notification it goes on to wait for the lock, shielded, and then
 * fails; once notified it succeeds, whatever happens before it has the lock. If
 * it is cancelled before it starts to wait, the lock is not given away. Only
 * where a deadlock inside shielded scopes is broken up does it return without
 * the lock, with -ECANCELED.
 *
 * Context: the task that owns the lock; suspends; cancellation point.
 * Return: 0; -ECANCELED, and no notification was taken; -EPERM the caller does
 *	not own the lock.
 */
GMB_API GMB_MUST_CHECK int
gmb_condition_wait(struct gmb_condition *condition);

/**
 * gmb_condition_notify() - wake the tasks that wait longest
 * @condition: its lock is owned by the caller
 * @count:     how many at most
 *
 * They go on one after the other as the lock is released. O(@count).
 *
 * Context: the task that owns the lock. Never suspends.
 * Return: how many were woken, at most %INT_MAX; -EPERM the caller does not own
 *	the lock.
 */
GMB_API int gmb_condition_notify(struct gmb_condition *condition,
				 size_t count);

/**
 * gmb_condition_notify_all() - wake all tasks that wait
 * @condition: its lock is owned by the caller
 *
 * Context: the task that owns the lock. Never suspends. O(waiters).
 * Return: as gmb_condition_notify().
 */
GMB_API int gmb_condition_notify_all(struct gmb_condition *condition);

#ifdef __cplusplus
}
#endif

#endif
