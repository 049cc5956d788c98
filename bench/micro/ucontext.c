/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* The one-way context switch of libc's swapcontext. */

#include <ucontext.h>
#include "bench.h"

static ucontext_t outer;
static ucontext_t inner;
static char stack[65536];

static void bounce(void)
{
	for (;;)
		swapcontext(&inner, &outer);
}

static double run_switch(long count)
{
	int64_t start;
	long i;

	getcontext(&inner);
	inner.uc_stack.ss_sp = stack;
	inner.uc_stack.ss_size = sizeof(stack);
	inner.uc_link = NULL;
	makecontext(&inner, bounce, 0);
	start = bench_cpu();
	for (i = 0; i < count; i += 2)
		swapcontext(&outer, &inner);
	return (double)(bench_cpu() - start);
}

int main(int argc, char **argv)
{
	static const struct bench_op ops[] = {
		{ "switch", run_switch },
		{ NULL, NULL },
	};

	return bench_main(argc, argv, ops);
}
