/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Running what blocks in a thread, while the loop goes on.
 *
 * For functions that know no tasks: name look-ups, files on slow disks, long
 * calculations. Threads are kept for a while after their work and serve all
 * loops of the process; there are at most GMB_THREADS_MAX of them, and more
 * work waits its turn. To bound one kind of work put a limiter around it:
 * <giambio/limiter.h>.
 *
 * The threads have all signals blocked. The functions run outside tasks: they
 * reach the loop only through <giambio/mailbox.h>.
 */
#ifndef GIAMBIO_THREAD_H
#define GIAMBIO_THREAD_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many threads there are at most in a process. */
#define GMB_THREADS_MAX	64

/**
 * typedef gmb_thread_fn - what runs in a thread
 * @arg: the pointer that was given with it
 *
 * Return: any value; handed through.
 */
typedef intptr_t (*gmb_thread_fn)(void *arg);

/**
 * gmb_run_in_thread() - run a blocking function in a thread and wait for it
 * @fn:     what to run
 * @arg:    handed to @fn; may lie on the caller's stack
 * @result: [out] what @fn returned, written only on 0; may be NULL
 *
 * A function that has begun cannot be cancelled: a cancelled caller waits until
 * it has ended, gets its result, and sees the cancellation at the next wait. A
 * function that has not begun is not run any more.
 *
 * Context: task only; suspends; cancellation and scheduling point. Two switches
 * of threads and one allocation.
 * Return: 0; -ECANCELED, and @fn was not run; -EAGAIN the system gives no
 *	thread; -ENOMEM; -EPERM outside a task.
 */
GMB_API GMB_MUST_CHECK int gmb_run_in_thread(gmb_thread_fn fn, void *arg,
					     intptr_t *result);

/**
 * gmb_run_in_thread_abandon() - run a function that may be left to itself
 * @fn:     what to run
 * @arg:    handed to @fn; must not lie on the caller's stack
 * @drop:   frees what is at @arg when the caller has no more use for it; called
 *	by the thread or by the caller; not NULL
 * @result: [out] what @fn returned, written only on 0; may be NULL
 *
 * As gmb_run_in_thread(), but a cancelled caller does not wait. @drop is called
 * exactly once whenever this returns an error, at the latest when the function
 * has ended, which may be after the loop has: @arg is the caller's again only
 * on 0.
 *
 * Context: task only; suspends; cancellation and scheduling point.
 * Return: as gmb_run_in_thread(); with -ECANCELED @fn may still run.
 */
GMB_API GMB_MUST_CHECK int gmb_run_in_thread_abandon(gmb_thread_fn fn,
						     void *arg,
						     void (*drop)(void *arg),
						     intptr_t *result);

#ifdef __cplusplus
}
#endif

#endif
