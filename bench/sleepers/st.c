/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* Many sleeping threads in State Threads. */

#include <st.h>
#include "memory.h"

#define STACK_SIZE	65536

static st_utime_t wake_at;	/* st_utime(), microseconds */
static long woken;
static long spread;

static void *sleeper(void *arg)
{
	st_usleep(wake_at - st_utime());
	woken++;
	return arg;
}

static void *timer_task(void *arg)
{
	uint64_t state = (uint64_t)(uintptr_t)arg * 2654435761u + 1;
	int64_t span;
	int i;

	for (i = 0; i < TIMER_ROUNDS; i++) {
		span = sleepers_random(&state, spread);
		st_usleep((st_utime_t)(span / 1000));
	}
	return NULL;
}

static st_thread_t *create(void *(*fn)(void *), long count)
{
	st_thread_t *threads = calloc((size_t)count, sizeof(*threads));
	long i;

	for (i = 0; threads && i < count; i++) {
		threads[i] = st_thread_create(fn, (void *)i, 1, STACK_SIZE);
		if (!threads[i]) {
			fprintf(stderr, "st_thread_create fails at %ld\n", i);
			exit(3);
		}
	}
	return threads;
}

static void join_all(st_thread_t *threads, long count)
{
	long i;

	for (i = 0; i < count; i++)
		st_thread_join(threads[i], NULL);
	free(threads);
}

static void run_sleep(long count, int us_each)
{
	long rss = memory_rss(), pte = memory_pte();
	int64_t start = bench_cpu(), pause;
	int64_t span = sleepers_span(count, us_each);
	st_thread_t *threads;

	wake_at = st_utime() + (st_utime_t)(span / 1000);
	threads = create(sleeper, count);
	st_usleep(0);	/* all of them run, and go to sleep */
	pause = bench_cpu();
	sleepers_check(woken);
	rss = memory_rss() - rss;
	pte = memory_pte() - pte;
	start += bench_cpu() - pause;
	join_all(threads, count);
	sleepers_report(count, rss, pte, bench_cpu() - start);
}

static void run_timers(long count)
{
	st_thread_t *threads;
	int64_t start;

	spread = count;
	threads = create(timer_task, count);
	start = bench_cpu();
	join_all(threads, count);
	timers_report(count, bench_cpu() - start);
}

int main(int argc, char **argv)
{
	struct sleepers_args args = sleepers_parse(argc, argv);

	if (st_set_eventsys(ST_EVENTSYS_ALT) || st_init()) {
		perror("st_init");
		return 1;
	}
	if (args.timers)
		run_timers(args.count);
	else
		run_sleep(args.count, args.us_each);
	return 0;
}
