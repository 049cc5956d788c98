/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Clocks and the command line that all the one-thread benchmark programs
 * share: "PROGRAM OPERATION COUNT" prints nanoseconds per operation on one
 * line. Time is the processor time of the process, not wall time, so that
 * a neighbour who takes the CPU for a while does not enter the figure.
 */

#ifndef GIAMBIO_BENCH_H
#define GIAMBIO_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline int64_t bench_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Processor time of the whole process, nanoseconds. */
static inline int64_t bench_cpu(void)
{
	return bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* CLOCK_MONOTONIC, nanoseconds. */
static inline int64_t bench_now(void)
{
	return bench_clock(CLOCK_MONOTONIC);
}

struct bench_op {
	const char *name;
	/* does the operation count times; returns ns of processor time */
	double (*run)(long count);
};

/* The entry of @ops that @name selects; ends the program if there is none. */
static inline const struct bench_op *bench_find(const struct bench_op *ops,
						const char *name)
{
	for (; ops->name; ops++)
		if (!strcmp(ops->name, name))
			return ops;
	fprintf(stderr, "unknown operation \"%s\"\n", name);
	exit(2);
}

/*
 * Whole main() of a program that measures in one go: a tenth of the count
 * warms caches and pools, then the count itself is timed.
 */
static inline int bench_main(int argc, char **argv, const struct bench_op *ops)
{
	const struct bench_op *op;
	long count;

	if (argc != 3 || (count = atol(argv[2])) < 10) {
		fprintf(stderr, "usage: %s OPERATION COUNT (10 or more)\n",
			argv[0]);
		return 2;
	}
	op = bench_find(ops, argv[1]);
	op->run(count / 10);
	printf("%.3f\n", op->run(count) / (double)count);
	return 0;
}

#endif
