/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * What the sanitizers have to be told about a switch of stacks.  Outside
 * ASan and TSan builds every function here is empty and struct gmb__fiber has
 * no size.  Valgrind is told about stacks, not about switches: see stack.c.
 *
 * A switch is told in two halves, with nothing instrumented between them:
 *
 *	gmb__fiber_leave(from, to)	on from's stack
 *	... the jump ...
 *	gmb__fiber_enter(to)		on to's stack, first thing
 *
 * The bounds of a stack that is not ours (a thread's own, or that of a foreign
 * coroutine that steps the loop) are not asked for beforehand: ASan reports
 * them when such a stack is left, and gmb__fiber_enter() files them with the
 * fiber that was left.  So they are known before anyone can switch back.
 */
#ifndef GMB_LIB_CORO_FIBER_H
#define GMB_LIB_CORO_FIBER_H

#include <stdbool.h>
#include <stddef.h>

#include "coro/compiler.h"

#define GMB__FIBER	(GMB__ASAN || GMB__TSAN)

#if GMB__ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if GMB__TSAN
#include <sanitizer/tsan_interface.h>
#endif

/**
 * struct gmb__fiber - what the sanitizers know about a context
 * @fake_stack: ASan's frames that outlive their function, while suspended
 * @bottom:     lowest address of the stack
 * @size:       its size in bytes
 * @tsan:       TSan's idea of the context
 * @tsan_owned: @tsan was made by us and is to be destroyed by us
 * @empty:      nothing: a build without sanitizers knows nothing
 */
struct gmb__fiber {
#if GMB__ASAN
	void		*fake_stack;
	const void	*bottom;
	size_t		size;
#endif
#if GMB__TSAN
	void		*tsan;
	bool		tsan_owned;
#endif
#if !GMB__FIBER
	char		empty[0];
#endif
};

#if GMB__ASAN
/* The fiber that was left by the switch in progress on this thread. */
extern gmb__thread_local struct gmb__fiber *gmb__fiber_left;
#endif

/**
 * gmb__fiber_init() - announce a context with a stack of its own
 * @fiber:  to be initialised
 * @bottom: lowest address of its stack
 * @size:   bytes
 *
 * Context: any.
 */
static inline void gmb__fiber_init(struct gmb__fiber *fiber,
				   const void *bottom, size_t size)
{
#if GMB__ASAN
	fiber->fake_stack = NULL;
	fiber->bottom = bottom;
	fiber->size = size;
#endif
#if GMB__TSAN
	fiber->tsan = __tsan_create_fiber(0);
	fiber->tsan_owned = true;
#endif
	(void)fiber;
	(void)bottom;
	(void)size;
}

/**
 * gmb__fiber_init_thread() - announce the context that is running now
 * @fiber: to be initialised
 *
 * Context: on the stack that @fiber stands for.
 */
static inline void gmb__fiber_init_thread(struct gmb__fiber *fiber)
{
#if GMB__ASAN
	fiber->fake_stack = NULL;
	fiber->bottom = NULL;
	fiber->size = 0;
#endif
#if GMB__TSAN
	fiber->tsan = __tsan_get_current_fiber();
	fiber->tsan_owned = false;
#endif
	(void)fiber;
}

/**
 * gmb__fiber_fini() - forget a context that will never run again
 * @fiber: initialised, not running
 *
 * Context: not on the stack of @fiber, unless it was made by
 * gmb__fiber_init_thread().
 */
static inline void gmb__fiber_fini(struct gmb__fiber *fiber)
{
#if GMB__TSAN
	if (fiber->tsan_owned)
		__tsan_destroy_fiber(fiber->tsan);
	fiber->tsan = NULL;
#endif
	(void)fiber;
}

/**
 * gmb__fiber_leave() - first half of a switch
 * @from: the running fiber
 * @to:   the fiber that runs next
 * @last: @from will never run again
 *
 * Context: on @from's stack; the jump follows at once.
 */
static gmb__always_inline void gmb__fiber_leave(struct gmb__fiber *from,
						struct gmb__fiber *to,
						bool last)
{
#if GMB__ASAN
	gmb__fiber_left = from;
	__sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack,
				       to->bottom, to->size);
#endif
#if GMB__TSAN
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
	(void)from;
	(void)to;
	(void)last;
}

/**
 * gmb__fiber_enter() - second half of a switch
 * @self: the fiber that was switched to
 *
 * Context: on @self's stack, before anything else.
 */
static gmb__always_inline void gmb__fiber_enter(struct gmb__fiber *self)
{
#if GMB__ASAN
	struct gmb__fiber *left = gmb__fiber_left;

	__sanitizer_finish_switch_fiber(self->fake_stack, &left->bottom,
					&left->size);
#endif
	(void)self;
}

#endif /* GMB_LIB_CORO_FIBER_H */
