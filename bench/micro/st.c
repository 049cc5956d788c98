/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * State Threads: yield, spawn and join. It has no yield call of its own:
 * measured are st_usleep(0) and handing over through a condition variable,
 * and the quicker one speaks for it. It has no channels.
 */

#include <st.h>
#include "bench.h"

static long turns_left;
static st_cond_t turn[2];

static void *sleep_turns(void *arg)
{
	long *left = arg;

	while ((*left)-- > 0)
		st_usleep(0);
	return NULL;
}

static double yield_by_sleep(long count)
{
	int64_t start = bench_cpu();
	long mine = count / 2, others = count / 2;
	st_thread_t other = st_thread_create(sleep_turns, &others, 1, 0);

	sleep_turns(&mine);
	st_thread_join(other, NULL);
	return (double)(bench_cpu() - start);
}

/* Thread number @arg wakes the other one, then waits for its own turn. */
static void *signal_turns(void *arg)
{
	long me = (long)arg;

	while (turns_left-- > 0) {
		st_cond_signal(turn[!me]);
		st_cond_wait(turn[me]);
	}
	st_cond_signal(turn[!me]);
	return NULL;
}

static double yield_by_signal(long count)
{
	int64_t start = bench_cpu();
	st_thread_t other;

	turns_left = count;
	turn[0] = st_cond_new();
	turn[1] = st_cond_new();
	other = st_thread_create(signal_turns, (void *)1, 1, 0);
	signal_turns((void *)0);
	st_thread_join(other, NULL);
	st_cond_destroy(turn[0]);
	st_cond_destroy(turn[1]);
	return (double)(bench_cpu() - start);
}

static double run_yield(long count)
{
	double a = yield_by_sleep(count);
	double b = yield_by_signal(count);

	return a < b ? a : b;
}

static void *nothing(void *arg)
{
	return arg;
}

static double run_spawn(long count)
{
	int64_t start = bench_cpu();
	long i;

	for (i = 0; i < count; i++)
		st_thread_join(st_thread_create(nothing, NULL, 1, 0), NULL);
	return (double)(bench_cpu() - start);
}

int main(int argc, char **argv)
{
	static const struct bench_op ops[] = {
		{ "yield", run_yield },
		{ "spawn", run_spawn },
		{ NULL, NULL },
	};

	st_set_eventsys(ST_EVENTSYS_ALT);
	if (st_init()) {
		perror("st_init");
		return 1;
	}
	return bench_main(argc, argv, ops);
}
