/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * A stack that overflows says whose it is, instead of dying as a mystery.
 *
 * A SIGSEGV handler is installed when the first thread asks, and only if the
 * program left that signal at its default.  For a fault in a guard of one of
 * the calling thread's stacks it writes one sentence.  Then, as for any other
 * fault, the default action is restored and the fault happens again, so that
 * the process dies of the same signal, at the same instruction, with the same
 * core file as without the handler.
 *
 * The handler needs a stack that has not overflowed: each thread gets an
 * alternate signal stack, unless it has one.
 */
#ifndef GMB_LIB_CORO_OVERFLOW_H
#define GMB_LIB_CORO_OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct gmb__overflow - a thread that is watched
 * @stack:   its alternate signal stack, NULL if the thread has another
 * @size:    bytes of @stack
 * @watched: gmb__overflow_fini() has something to undo
 */
struct gmb__overflow {
	void	*stack;
	size_t	size;
	bool	watched;
};

/**
 * gmb__overflow_init() - watch the calling thread
 * @ov: caller's storage, until gmb__overflow_fini()
 *
 * Calls may nest on a thread; they are undone in reverse order.
 *
 * Context: any thread, not on a task's stack.
 * Return: 0, also when the program handles SIGSEGV itself; -ENOMEM.
 */
int gmb__overflow_init(struct gmb__overflow *ov)
	__attribute__((warn_unused_result));

/**
 * gmb__overflow_fini() - end watching
 * @ov: from gmb__overflow_init(), or all zero
 *
 * The last one takes the handler out again, if it is still ours.
 *
 * Context: the thread that called gmb__overflow_init().
 */
void gmb__overflow_fini(struct gmb__overflow *ov);

/**
 * gmb__overflow_report() - say on stderr that a stack has overflowed
 * @name: of the task, or NULL
 * @size: of the stack, in bytes
 *
 * Context: async-signal-safe.
 */
void gmb__overflow_report(const char *name, size_t size);

#endif /* GMB_LIB_CORO_OVERFLOW_H */
