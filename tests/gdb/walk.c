/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * For tests/gdb/check.sh: two tasks on stacks of their own, one suspended in
 * the midst of calls, the other running in calls of the same shape.
 */
#include <stdlib.h>

#include "coro/context.h"
#include "coro/stack.h"

struct gmb__context main_context, suspended, running;

static struct gmb__stack stacks[2];
static struct gmb__stack_pool pool;

/* The debugger stops here. */
__attribute__((noinline)) void stop_here(void)
{
	__asm__ volatile("" : : : "memory");
}

__attribute__((noinline)) int innermost(int depth, struct gmb__context *self)
{
	volatile int local = depth;

	if (self == &suspended)
		gmb__context_switch(self, &main_context);
	else
		stop_here();
	return local + 1;
}

__attribute__((noinline)) int middle(int depth, struct gmb__context *self)
{
	volatile int local = depth;

	return innermost(depth + 1, self) + local;
}

void task_main(void *arg)
{
	volatile int result = middle(1, arg);

	(void)result;
	gmb__context_switch_last(arg, &main_context);
}

int main(void)
{
	gmb__stack_pool_init(&pool);
	if (gmb__stack_get(&pool, 0, &stacks[0]) ||
	    gmb__stack_get(&pool, 0, &stacks[1]))
		return EXIT_FAILURE;
	gmb__context_init_thread(&main_context);
	gmb__context_init(&suspended, &stacks[0], task_main, &suspended);
	gmb__context_init(&running, &stacks[1], task_main, &running);
	gmb__context_switch(&main_context, &suspended);
	gmb__context_switch(&main_context, &running);
	gmb__context_switch(&main_context, &suspended);
	gmb__context_fini(&suspended);
	gmb__context_fini(&running);
	gmb__stack_pool_fini(&pool);
	return EXIT_SUCCESS;
}
