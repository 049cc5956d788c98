/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Running a loop: the door from ordinary code into tasks.
 *
 * A thread runs at most one loop at a time, a program any number of threads.
 * After fork() the child has no loop: it calls exec() or _exit(), or gmb_run()
 * anew, but must not return from the task in which it was forked.
 */
#ifndef GIAMBIO_RUN_H
#define GIAMBIO_RUN_H

#include <giambio/base.h>
#include <giambio/manager.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum gmb_loop_flags - how a loop behaves
 * @GMB_LOOP_NO_SIGINT:   leave SIGINT alone
 * @GMB_LOOP_NO_OVERFLOW: leave SIGSEGV alone: no message on a stack overflow
 * @GMB_LOOP_FAKE_CLOCK:  time stands still while a task can run and jumps to
 *	the next timer when none can: tests with delays take no time
 * @GMB_LOOP_FOREIGN:     gmb_loop_fd() must work; leaves out backends that
 *	cannot
 * @GMB_LOOP_NO_DEADLOCK: a loop that nothing in it can wake keeps waiting
 *	instead of ending with -EDEADLK
 */
enum gmb_loop_flags {
	GMB_LOOP_NO_SIGINT = 1 << 0,
	GMB_LOOP_NO_OVERFLOW = 1 << 1,
	GMB_LOOP_FAKE_CLOCK = 1 << 2,
	GMB_LOOP_FOREIGN = 1 << 3,
	GMB_LOOP_NO_DEADLOCK = 1 << 4,
};

/**
 * struct gmb_loop_opts - what a loop can be told; zero is default
 * @size:        sizeof(struct gmb_loop_opts), so that the struct can grow
 * @flags:       an or of enum gmb_loop_flags
 * @backend:     "kmod", "uring" or "epoll"; NULL: what the environment variable
 *	GMB_BACKEND names, else the best that works
 * @name:        shown by the tools; NULL: the thread's name
 * @stack_size:  default for tasks, in bytes; 0 is 64 KiB
 * @dump_signal: a signal number on which the loop prints gmb_dump() to
 *	standard error; 0 for none. Its handler stays after the run.
 */
struct gmb_loop_opts {
	size_t size;
	unsigned int flags;
	const char *backend;
	const char *name;
	size_t stack_size;
	int dump_signal;
};

/**
 * gmb_run() - run a function as the main task of a new loop
 * @fn:  the main task
 * @arg: handed to @fn
 *
 * Returns when the main task, and so every task, has ended. The first SIGINT
 * (Ctrl-C) cancels the main task; when all has unwound, -EINTR is returned. A
 * second one kills the process. If nothing can ever wake the loop, the tree of
 * tasks and what each waits for is printed to standard error, everything is
 * cancelled, and -EDEADLK is returned.
 *
 * Context: outside a task; blocks the thread.
 * Return: the result of @fn; -EINTR; -EDEADLK; -EBUSY this thread runs a loop
 *	already; -ENOMEM, -EMFILE, -ENFILE and others of the system when the
 *	loop cannot be made; -ENOTSUP the backend that was asked for does not
 *	work here (a sentence on standard error says why).
 */
GMB_API intptr_t gmb_run(gmb_task_fn fn, void *arg);

/**
 * gmb_run_with() - gmb_run() with options
 * @opts: NULL for defaults
 * @fn:   the main task
 * @arg:  handed to @fn
 *
 * Context: outside a task; blocks the thread.
 * Return: as gmb_run(); -EINVAL unknown flags, backend or signal number.
 */
GMB_API intptr_t gmb_run_with(const struct gmb_loop_opts *opts, gmb_task_fn fn,
			      void *arg);

/**
 * gmb_loop_open() - make a loop that somebody else drives
 * @opts: NULL for defaults; %GMB_LOOP_FOREIGN is implied
 * @fn:   the main task
 * @arg:  handed to @fn
 * @out:  [out] the loop
 *
 * For programs that have a loop already: wait until gmb_loop_fd() is readable
 * or gmb_loop_timeout() has passed, then call gmb_loop_step(). No signal
 * handlers are installed. It belongs to the calling thread.
 *
 * Context: outside a task.
 * Return: 0; errors of gmb_run_with().
 */
GMB_API GMB_MUST_CHECK int gmb_loop_open(const struct gmb_loop_opts *opts,
					 gmb_task_fn fn, void *arg,
					 struct gmb_loop **out);

/**
 * gmb_loop_step() - let the ready tasks of a loop run, then look for events
 * @loop:    from gmb_loop_open()
 * @span_ns: how long it may wait for an event when no task can run; 0 only
 *	looks, %GMB_NEVER waits as long as it takes
 *
 * Context: outside a task; the thread that opened the loop.
 * Return: 1 tasks are left; 0 the main task has ended; -EDEADLK nothing can
 *	wake the loop any more (not when it only looks); -EPERM another thread,
 *	or inside a task.
 */
GMB_API GMB_MUST_CHECK int gmb_loop_step(struct gmb_loop *loop,
					 gmb_time span_ns);

/**
 * gmb_loop_fd() - a descriptor that becomes readable when a loop has events
 * @loop: from gmb_loop_open()
 *
 * It belongs to the loop: poll it, but do not read or close it.
 *
 * Context: the thread that opened the loop.
 * Return: the descriptor; -ENOTSUP gmb_loop_open() did not make the loop, and
 *	its backend has none.
 */
GMB_API int gmb_loop_fd(const struct gmb_loop *loop);

/**
 * gmb_loop_timeout() - how long a loop has nothing to do without an event
 * @loop: from gmb_loop_open()
 *
 * Context: the thread that opened the loop.
 * Return: nanoseconds until the next timer, 0 when tasks can run now,
 *	%GMB_NEVER when only an event can wake it.
 */
GMB_API gmb_time gmb_loop_timeout(const struct gmb_loop *loop);

/**
 * gmb_loop_cancel() - cancel the main task of a loop
 * @loop: from gmb_loop_open()
 *
 * Context: the thread that opened the loop.
 */
GMB_API void gmb_loop_cancel(struct gmb_loop *loop);

/**
 * gmb_loop_close() - end a loop that somebody else drives
 * @loop:   from gmb_loop_open(); NULL is allowed
 * @result: [out] the main task's result; may be NULL
 *
 * If tasks are left they are cancelled and waited for, which may block.
 *
 * Context: outside a task; the thread that opened the loop.
 */
GMB_API void gmb_loop_close(struct gmb_loop *loop, intptr_t *result);

/**
 * gmb_loop_current() - the loop that the calling thread runs
 *
 * Context: any thread. Never suspends.
 * Return: the loop; NULL if there is none.
 */
GMB_API struct gmb_loop *gmb_loop_current(void);

/**
 * gmb_loop_backend_name() - what catches the resource traps of a loop
 * @loop: NULL for the calling thread's
 *
 * Context: the loop's thread. Never suspends.
 * Return: "kmod", "uring" or "epoll"; "none" without a loop.
 */
GMB_API const char *gmb_loop_backend_name(const struct gmb_loop *loop);

/**
 * gmb_loop_backend_reason() - why a loop did not take a better backend
 * @loop: NULL for the calling thread's
 *
 * Context: the loop's thread. Never suspends.
 * Return: one sentence per backend that was passed over, separated by line
 *	feeds; an empty string if the first choice works. Never NULL.
 */
GMB_API const char *gmb_loop_backend_reason(const struct gmb_loop *loop);

/**
 * gmb_dump() - print the tree of tasks and what each of them waits for
 * @fd: a descriptor to write to, such as 2
 *
 * Context: any task, hook, or outside tasks on the loop's thread. Blocks while
 * @fd blocks; does not suspend.
 * Return: 0; -EPERM this thread runs no loop; errors of write().
 */
GMB_API int gmb_dump(int fd);

#ifdef __cplusplus
}
#endif

#endif
