/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Watching a loop from inside the program.
 *
 * Hooks are functions that the loop calls at the turns of a task's life; off,
 * they cost one branch. A hook must not wait and must not call anything marked
 * "task only". What can be seen from outside stands in <giambio/page.h>.
 */
#ifndef GIAMBIO_HOOKS_H
#define GIAMBIO_HOOKS_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gmb_hooks - functions to be called; any of them may be NULL
 * @size:       sizeof(struct gmb_hooks), so that the struct can grow
 * @user:       handed to every hook as its first argument
 * @run_start:  the loop begins
 * @run_exit:   the loop has ended with that result
 * @spawned:    a task was made; its delay is in nanoseconds
 * @scheduled:  a task became ready to run
 * @step_begin: a task is about to run
 * @step_end:   it has given way or ended
 * @exited:     a task has ended with that result
 * @io_begin:   the loop asks the backend for events and may wait that long
 * @io_end:     it has got that many completions
 * @cancelled:  a task was cancelled
 * @failed:     a task ended with an error that was not its cancellation
 */
struct gmb_hooks {
	size_t size;
	void *user;
	void (*run_start)(void *user, struct gmb_loop *loop);
	void (*run_exit)(void *user, struct gmb_loop *loop, intptr_t result);
	void (*spawned)(void *user, struct gmb_task *task, gmb_time delay_ns);
	void (*scheduled)(void *user, struct gmb_task *task);
	void (*step_begin)(void *user, struct gmb_task *task);
	void (*step_end)(void *user, struct gmb_task *task);
	void (*exited)(void *user, struct gmb_task *task, intptr_t result);
	void (*io_begin)(void *user, gmb_time span_ns);
	void (*io_end)(void *user, int completions);
	void (*cancelled)(void *user, struct gmb_task *task);
	void (*failed)(void *user, struct gmb_task *task, intptr_t error);
};

/**
 * enum gmb_observe_flags - what a loop counts beside its plain counters
 * @GMB_OBSERVE_TIMES: run times, wakeup delays and the histograms of the page
 *	(a reading of the clock, or of the processor's counter, per step)
 * @GMB_OBSERVE_TRACE: every step, wait, scope and deadline, in a ring that
 *	other processes can read (see <giambio/trace.h>); implies
 *	%GMB_OBSERVE_TIMES
 */
enum gmb_observe_flags {
	GMB_OBSERVE_TIMES = 1 << 0,
	GMB_OBSERVE_TRACE = 1 << 1,
};

/**
 * gmb_hooks_set() - install hooks for the loops of this thread
 * @hooks: must live until they are replaced; NULL removes them
 *
 * May be called before gmb_run(), so that run_start is seen, and at any time in
 * the loop.
 *
 * Context: the loop's thread. Never suspends.
 * Return: 0; -EINVAL an unknown size.
 */
GMB_API int gmb_hooks_set(const struct gmb_hooks *hooks);

/**
 * gmb_observe() - choose what this thread's loops count
 * @flags: an or of enum gmb_observe_flags; 0 is off
 *
 * The environment variable GMB_OBSERVE, "times" or "trace", turns it on from
 * the start. What other processes ask for by way of the page comes on top.
 *
 * Context: the loop's thread. Never suspends.
 * Return: 0; -EINVAL unknown flags; -ENOMEM, -EMFILE, -ENFILE there is no
 *	memory or descriptor for a trace, and nothing has changed.
 */
GMB_API int gmb_observe(unsigned int flags);

#ifdef __cplusplus
}
#endif

#endif
