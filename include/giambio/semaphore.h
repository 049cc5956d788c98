/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Semaphores: a number of permits, taken and given back by anybody.
 *
 * A permit that is given back goes to the task that waits longest for it. To
 * limit how many do something at once, a limiter says more about who does it:
 * <giambio/limiter.h>.
 */
#ifndef GIAMBIO_SEMAPHORE_H
#define GIAMBIO_SEMAPHORE_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gmb_semaphore - a fair counting semaphore
 *
 * All members are private. It must stay where it is until
 * gmb_semaphore_fini().
 */
struct gmb_semaphore {
	/* private: */
	struct gmb__waitq waiters;
	struct gmb_loop *loop;	/* whose tasks wait */
	size_t value;		/* 0 whenever a task waits */
	size_t max;
};

/**
 * GMB_SEMAPHORE_INIT() - the initial value of a semaphore of static storage
 * @semaphore: the variable that is initialised
 * @initial:   permits that are there, at most @most
 * @most:      as gmb_semaphore_init() has it
 */
#define GMB_SEMAPHORE_INIT(semaphore, initial, most) \
	{ \
		GMB__WAITQ_INIT((semaphore).waiters), NULL, (initial), (most) \
	}

/**
 * gmb_semaphore_init() - make a semaphore
 * @semaphore: [out] caller's storage
 * @initial:   permits that are there
 * @max:       permits that there can be, at least 1 and @initial; %SIZE_MAX
 *	for no limit
 *
 * Context: any. Never suspends.
 * Return: 0; -EINVAL @max is 0 or less than @initial.
 */
GMB_API GMB_MUST_CHECK int gmb_semaphore_init(struct gmb_semaphore *semaphore,
					      size_t initial, size_t max);

/**
 * gmb_semaphore_fini() - end the use of a semaphore
 * @semaphore: nobody may be waiting: that aborts the program with a sentence
 *
 * Using it afterwards aborts, too, for as long as the memory is left alone.
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_semaphore_fini(struct gmb_semaphore *semaphore);

/**
 * gmb_semaphore_acquire() - take a permit, waiting while there is none
 * @semaphore: any semaphore
 *
 * Tasks get permits in the order in which they came. O(1).
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0; -ECANCELED, and no permit was taken; -EXDEV tasks of another loop
 *	wait for it; -EPERM outside a task.
 */
GMB_API GMB_MUST_CHECK int
gmb_semaphore_acquire(struct gmb_semaphore *semaphore);

/**
 * gmb_semaphore_try_acquire() - take a permit if there is one
 * @semaphore: any semaphore
 *
 * Context: any task or hook of the loop. Never suspends; no cancellation point.
 * Return: 0; -EAGAIN there is none; -EXDEV tasks of another loop wait for it.
 */
GMB_API GMB_MUST_CHECK int
gmb_semaphore_try_acquire(struct gmb_semaphore *semaphore);

/**
 * gmb_semaphore_release() - give a permit to the task that waits longest
 * @semaphore: any semaphore; the caller need not have taken a permit
 *
 * If nobody waits there is one more. O(1).
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: 0; -EOVERFLOW there are as many as there can be, and nothing
 *	happened; -EXDEV tasks of another loop wait for it.
 */
GMB_API int gmb_semaphore_release(struct gmb_semaphore *semaphore);

/**
 * gmb_semaphore_value() - how many permits there are
 * @semaphore: any semaphore
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: the number that could be taken now.
 */
GMB_API size_t gmb_semaphore_value(const struct gmb_semaphore *semaphore);

#ifdef __cplusplus
}
#endif

#endif
