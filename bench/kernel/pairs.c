/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What a round trip between two threads costs both together, in a machine that
 * counts instructions: "pairs CONTENDER ROUNDS". Each waits until the other
 * wakes it, and wakes the other. One of them always runs, so the time that
 * passes is all instructions. Prints insns=N per round trip.
 *
 * They are batch threads, which do not preempt their wakers: each goes to sleep
 * before the other runs, as it would with a processor of its own.
 *
 * The contenders are linked to it: pairs_bare.c, pairs_giambio.c.
 */

#include <pthread.h>
#include <sched.h>
#include "../bench.h"
#include "wakes.h"

#define WARMUP	200

static const struct pairs_way *way;
static long rounds;
static int64_t began, took;

void wakes_mark(long round)
{
	if (round == WARMUP)
		began = bench_now();
	else if (round == WARMUP + rounds)
		took = bench_now() - began;
}

static void *other(void *arg)
{
	way->run(1, WARMUP + rounds);
	return arg;
}

int main(int argc, char **argv)
{
	struct sched_param batch = { .sched_priority = 0 };
	pthread_t thread;

	if (argc != 3 || (rounds = atol(argv[2])) < 1) {
		fprintf(stderr, "usage: %s CONTENDER ROUNDS\n", argv[0]);
		return 2;
	}
	for (way = pairs_ways; way->name; way++)
		if (!strcmp(way->name, argv[1]))
			break;
	if (!way->name) {
		fprintf(stderr, "pairs: no contender \"%s\"\n", argv[1]);
		return 2;
	}
	if (sched_setscheduler(0, SCHED_BATCH, &batch)) {
		perror("sched_setscheduler");
		return 1;
	}
	if (way->setup)
		way->setup();
	if (pthread_create(&thread, NULL, other, NULL)) {
		fprintf(stderr, "pairs: no thread\n");
		return 1;
	}
	way->run(0, WARMUP + rounds);
	pthread_join(thread, NULL);
	printf("insns=%.1f\n", (double)took / (double)rounds);
	return 0;
}
