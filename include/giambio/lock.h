/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Locks: one task at a time, in the order in which they came.
 *
 * Tasks of a loop do not run at the same time, so a lock is needed only where
 * something must stay as it is across a wait. A lock has an owner. It is
 * handed over when it is released: the task that waited longest owns it from
 * that moment, so a task that comes by later cannot take it first.
 *
 * A task that ends while it owns a lock aborts the program with a sentence.
 */
#ifndef GIAMBIO_LOCK_H
#define GIAMBIO_LOCK_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gmb_lock - a fair lock with an owner
 *
 * All members are private. It must stay where it is until gmb_lock_fini().
 */
struct gmb_lock {
	/* private: */
	struct gmb__waitq waiters;
	struct gmb_loop *loop;		/* whose tasks use it */
	struct gmb_task *owner;		/* NULL: free */
	struct gmb_lock *held_next;	/* among the locks of the owner */
	struct gmb_lock **held_link;
	size_t away;			/* tasks that wait in its conditions */
};

/**
 * GMB_LOCK_INIT() - the initial value of a lock of static storage
 * @lock: the variable that is initialised
 */
#define GMB_LOCK_INIT(lock) \
	{ \
		GMB__WAITQ_INIT((lock).waiters), NULL, NULL, NULL, NULL, 0 \
	}

/**
 * gmb_lock_init() - make a free lock
 * @lock: [out] caller's storage
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_lock_init(struct gmb_lock *lock);

/**
 * gmb_lock_fini() - end the use of a lock
 * @lock: free, and nobody waits for it or in a condition of it: else the
 *	program is aborted with a sentence
 *
 * Using it afterwards aborts, too, for as long as the memory is left alone.
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_lock_fini(struct gmb_lock *lock);

/**
 * gmb_lock_acquire() - take the lock, waiting while another task owns it
 * @lock: any lock
 *
 * Tasks get it in the order in which they came. O(1).
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0, and the caller owns it; -ECANCELED, and it does not; -EDEADLK it
 *	owns it already; -EXDEV a task of another loop owns it or waits in one
 *	of its conditions; -EPERM outside a task.
 */
GMB_API GMB_MUST_CHECK int gmb_lock_acquire(struct gmb_lock *lock);

/**
 * gmb_lock_try_acquire() - take the lock if it is free
 * @lock: any lock
 *
 * Context: task only. Never suspends; no cancellation point.
 * Return: 0, and the caller owns it; -EAGAIN another task owns it; -EDEADLK
 *	the caller owns it already; -EXDEV a task of another loop owns it or
 *	waits in one of its conditions; -EPERM outside a task.
 */
GMB_API GMB_MUST_CHECK int gmb_lock_try_acquire(struct gmb_lock *lock);

/**
 * gmb_lock_release() - give the lock to the task that waits longest for it
 * @lock: owned by the caller
 *
 * If nobody waits it becomes free. O(1).
 *
 * Context: task only. Never suspends.
 * Return: 0; -EPERM the caller does not own it, and nothing happened.
 */
GMB_API int gmb_lock_release(struct gmb_lock *lock);

/**
 * gmb_lock_owner() - who owns a lock
 * @lock: any lock
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: the task; NULL: it is free.
 */
GMB_API struct gmb_task *gmb_lock_owner(const struct gmb_lock *lock);

#ifdef __cplusplus
}
#endif

#endif
