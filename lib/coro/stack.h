/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Stacks for tasks, and the pool they come from; one pool per loop.
 *
 * Sizes are rounded up to classes, powers of two from 16 KiB to 1 MiB; larger
 * stacks have a mapping each.  Stacks of a class are cut from arenas (arena.h)
 * that grow with their number, so that one task costs little address space and
 * a million tasks few mappings.  Memory is only what was touched: an idle task
 * touches one page.
 *
 * A stack that is put back stays *warm* on a last-in-first-out list, because
 * its pages and cache lines are what the next task wants.  When the list has
 * become long, compared with what is in use, the older part of it is given back
 * to the kernel at once, neighbours in one call.
 *
 *	base                                            top
 *	| guard |  ... grows down <------- |frames|foot|colour|
 *
 * The colour is 0 to 15 cache lines, different in neighbouring slots: without
 * it the tops of all stacks would compete for the same few sets of the cache.
 * The foot belongs to the pool: the name of the owner, for the overflow
 * handler, and the link of the warm list.
 */
#ifndef GMB_LIB_CORO_STACK_H
#define GMB_LIB_CORO_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coro/compiler.h"

/* Bytes of a stack whose size was not chosen. */
#define GMB__STACK_DEFAULT	(64 * 1024)

#define GMB__STACK_CLASSES	7
#define GMB__STACK_MIN_SHIFT	14
#define GMB__STACK_MAX_CLASS \
	((size_t)1 << (GMB__STACK_MIN_SHIFT + GMB__STACK_CLASSES - 1))

struct gmb__arena;
struct gmb__stack_foot;

/**
 * struct gmb__stack - a stack in use
 * @top:   where it begins, aligned to 16; it grows down from here
 * @base:  its lowest address
 * @arena: where it came from
 */
struct gmb__stack {
	char			*top;
	char			*base;
	struct gmb__arena	*arena;
};

/**
 * struct gmb__stack_class - the stacks of one size
 * @warm:    put back, newest first
 * @warms:   how many
 * @allowed: how many are always tolerated; grows by half of @lives
 * @lives:   how many are in use
 * @current: where the last cold stack was found
 * @arenas:  all of them; the newest first
 * @slots:   slots in all of them
 */
struct gmb__stack_class {
	struct gmb__stack_foot	*warm;
	size_t			warms;
	size_t			allowed;
	size_t			lives;
	struct gmb__arena	*current;
	struct gmb__arena	*arenas;
	size_t			slots;
};

/**
 * struct gmb__stack_pool - all stacks of a loop
 * @classes: by size
 * @huge:    the arenas of stacks larger than every class
 * @next:    next pool of this thread
 * @pprev:   what points to this one
 */
struct gmb__stack_pool {
	struct gmb__stack_class	classes[GMB__STACK_CLASSES];
	struct gmb__arena	*huge;
	struct gmb__stack_pool	*next;
	struct gmb__stack_pool	**pprev;
};

/**
 * gmb__stack_pool_init() - make an empty pool
 * @pool: caller's storage; must not move until gmb__stack_pool_fini()
 *
 * Context: the thread that will use it.  Allocates nothing.
 */
void gmb__stack_pool_init(struct gmb__stack_pool *pool);

/**
 * gmb__stack_pool_fini() - unmap everything
 * @pool: initialised; stacks that were not put back are gone as well
 *
 * Context: the thread that initialised it, not on one of its stacks.
 */
void gmb__stack_pool_fini(struct gmb__stack_pool *pool);

/**
 * gmb__stack_pool_trim() - give the memory of all unused stacks back
 * @pool: initialised
 *
 * Happens by itself after a burst; this is for a program that knows better.
 *
 * Context: the pool's thread.  System calls.
 */
void gmb__stack_pool_trim(struct gmb__stack_pool *pool);

/**
 * gmb__stack_get() - get a stack
 * @pool:  initialised
 * @size:  bytes that must at least be there; 0 for GMB__STACK_DEFAULT
 * @stack: [out] written only on success; may be copied and moved
 *
 * The contents are arbitrary.  O(1) and no system call when a stack of this
 * class lies warm; else up to a few system calls.
 *
 * Context: the pool's thread.
 * Return: 0; -ENOMEM.
 */
int gmb__stack_get(struct gmb__stack_pool *pool, size_t size,
		   struct gmb__stack *stack)
	__attribute__((warn_unused_result));

/**
 * gmb__stack_put() - put a stack back
 * @pool:  where it was got
 * @stack: from gmb__stack_get(); nothing may run on it, and nothing on it may
 *         be read any more
 *
 * Context: the pool's thread.  O(1), amortised.
 */
void gmb__stack_put(struct gmb__stack_pool *pool, struct gmb__stack *stack);

/**
 * gmb__stack_set_owner() - name the task that runs on a stack
 * @pool:  where it was got
 * @stack: in use
 * @name:  shown when the stack overflows; must live as long as the stack is in
 *         use, or until the next call; NULL for none
 *
 * Context: the pool's thread.
 */
void gmb__stack_set_owner(struct gmb__stack_pool *pool,
			  struct gmb__stack *stack, const char *name);

/**
 * gmb__stack_size() - how large a stack really is
 * @stack: in use
 *
 * Return: bytes between its guard and its end, at least what was asked for.
 */
size_t gmb__stack_size(const struct gmb__stack *stack);

/* Print the message of an overflow and abort. */
void gmb__stack_overrun(const struct gmb__stack *stack)
	__attribute__((noreturn, cold));

/*
 * Where the caller stands. Asking for the address of its frame would give the
 * function a frame pointer.
 */
static gmb__always_inline char *gmb__stack_pointer(void)
{
	char *sp;

#if defined(__x86_64__)
	__asm__ volatile("movq	%%rsp, %0" : "=r" (sp));
#elif defined(__aarch64__)
	__asm__ volatile("mov	%0, sp" : "=r" (sp));
#elif GMB__ASAN
	/* With fake frames the address of one says nothing about the stack. */
	sp = (char *)UINTPTR_MAX;
#else
	sp = (char *)__builtin_frame_address(0);
#endif
	return sp;
}

/**
 * gmb__stack_check() - find an overflow that no guard has caught
 * @stack: that of the running task; all zero for the loop's own
 *
 * Called where a task is about to be suspended.  Aborts with the message of an
 * overflow when the task stands below its stack.  A deeper call that has
 * already returned is not seen: this is for stacks without a guard, which exist
 * only where the kernel is older than 6.13 and tens of thousands of stacks are
 * in use.  One comparison.
 *
 * Context: on @stack.
 */
static gmb__always_inline void gmb__stack_check(const struct gmb__stack *stack)
{
	if (gmb__unlikely(gmb__stack_pointer() < stack->base))
		gmb__stack_overrun(stack);
}

/**
 * struct gmb__stack_fault - an overflow that was recognised
 * @name: of the owner, or NULL
 * @size: of the stack, in bytes
 */
struct gmb__stack_fault {
	const char	*name;
	size_t		size;
};

/**
 * gmb__stack_find_fault() - tell whether a fault is an overflow
 * @address: where the access went
 * @sp:      the stack pointer at that time, NULL if it is not known
 * @fault:   [out] written only on success
 *
 * Looks at the guards of all pools of the calling thread.  A stray pointer into
 * a guard, by code that runs on another stack, is not an overflow.
 *
 * Context: async-signal-safe.
 * Return: true if it is.
 */
bool gmb__stack_find_fault(const void *address, const void *sp,
			   struct gmb__stack_fault *fault);

#endif /* GMB_LIB_CORO_STACK_H */
