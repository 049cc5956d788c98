/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What the programs with many sleeping tasks share: the memory of this
 * process, pseudo-random sleeps, the command line "sleep|timers COUNT
 * [US_EACH]" and the one line of KEY=VALUE words that they print.
 *
 *   sleep   COUNT tasks are created, sleep to one common moment, are woken
 *           and joined. kib: resident per task while all sleep, pte_kib:
 *           page tables per task, cpu_ns: processor time per task of it all
 *   timers  COUNT tasks sleep ROUNDS times for random spans that are spread
 *           over COUNT microseconds. cpu_ns: processor time per wakeup,
 *           creating not counted
 */

#ifndef GIAMBIO_BENCH_MEMORY_H
#define GIAMBIO_BENCH_MEMORY_H

#include "../bench.h"

#define TIMER_ROUNDS		4
#define SLEEPERS_TOO_EARLY	4	/* exit status: try a longer sleep */

/* The first number after @name in the /proc file @file, or 0. */
static inline long memory_field(const char *file, const char *name)
{
	size_t len = strlen(name);
	char line[256];
	long kib = 0;
	FILE *f = fopen(file, "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, len)) {
			kib = atol(line + len);
			break;
		}
	}
	if (f)
		fclose(f);
	return kib;
}

/* Resident memory, KiB; exact, unlike the batched counter in statm. */
static inline long memory_rss(void)
{
	return memory_field("/proc/self/smaps_rollup", "Rss:");
}

static inline long memory_pte(void)
{
	return memory_field("/proc/self/status", "VmPTE:");
}

/*
 * Time from now, ns, that @count tasks surely need to be created in, so that
 * all of them sleep at once before the first one wakes: @us_each for each.
 */
static inline int64_t sleepers_span(long count, int us_each)
{
	return 100000000 + (int64_t)count * us_each * 1000;
}

/* A span of 0 to @count microseconds, in ns; xorshift on *@state (not 0). */
static inline int64_t sleepers_random(uint64_t *state, long count)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return (int64_t)((x >> 16) % ((uint64_t)count * 1000));
}

struct sleepers_args {
	int timers;	/* the mode: timers, or sleep */
	long count;	/* tasks */
	int us_each;	/* see sleepers_span() */
};

static inline struct sleepers_args sleepers_parse(int argc, char **argv)
{
	struct sleepers_args args = { 0, 0, 10 };

	if (argc == 3 || argc == 4) {
		args.timers = !strcmp(argv[1], "timers");
		args.count = atol(argv[2]);
	}
	if (argc == 4)
		args.us_each = atoi(argv[3]);
	if (args.count < 1 || args.us_each < 1 ||
	    (!args.timers && strcmp(argv[1], "sleep"))) {
		fprintf(stderr, "usage: %s sleep|timers COUNT [US_EACH]\n",
			argv[0]);
		exit(2);
	}
	return args;
}

static inline void sleepers_report(long count, long rss, long pte,
				   int64_t cpu)
{
	printf("kib=%.3f pte_kib=%.3f cpu_ns=%.1f\n",
	       (double)rss / (double)count, (double)pte / (double)count,
	       (double)cpu / (double)count);
}

static inline void timers_report(long count, int64_t cpu)
{
	printf("cpu_ns=%.1f\n",
	       (double)cpu / (double)(count * TIMER_ROUNDS));
}

/* Somebody woke before all slept: the figure would be of fewer tasks. */
static inline void sleepers_check(long woken)
{
	if (!woken)
		return;
	fprintf(stderr, "%ld tasks woke before all slept\n", woken);
	exit(SLEEPERS_TOO_EARLY);
}

#endif
