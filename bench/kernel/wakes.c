/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What one wakeup costs the thread that waits, in a machine that counts
 * instructions: "wakes pipe|eventfd|timer CONTENDER ROUNDS". The thread waits,
 * another one with a real-time priority writes and sleeps; or the thread sleeps
 * by itself. Prints insns=N, what its processor clock says per wakeup.
 *
 * The contenders are linked to it: wakes_bare.c, wakes_giambio.c.
 */

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "../bench.h"
#include "count.h"
#include "wakes.h"

#define WARMUP		100
#define PAUSE_NS	100000

static const struct wakes_reader *reader;
static int ends[2] = { -1, -1 };
static long rounds;
static int64_t began, took;

void wakes_mark(long round)
{
	if (round == WARMUP)
		began = bench_clock(CLOCK_THREAD_CPUTIME_ID);
	else if (round == WARMUP + rounds)
		took = bench_clock(CLOCK_THREAD_CPUTIME_ID) - began;
}

static void *wait_for(void *arg)
{
	if (ends[0] >= 0)
		reader->read(ends[0], WARMUP + rounds);
	else
		reader->sleep(WARMUP + rounds);
	wakes_mark(WARMUP + rounds);
	return arg;
}

static void write_all(void)
{
	static const uint64_t word = 1;
	long i;

	for (i = 0; i < WARMUP + rounds; i++) {
		count_sleep(PAUSE_NS);
		if (write(ends[1], &word, WAKES_BYTES) != WAKES_BYTES) {
			perror("write");
			exit(1);
		}
	}
}

static void open_source(const char *kind)
{
	if (!strcmp(kind, "pipe")) {
		if (!pipe2(ends, O_CLOEXEC | O_NONBLOCK))
			return;
	} else if (!strcmp(kind, "eventfd")) {
		ends[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK |
				     EFD_SEMAPHORE);
		ends[1] = ends[0];
		if (ends[0] >= 0)
			return;
	} else if (!strcmp(kind, "timer")) {
		return;
	}
	fprintf(stderr, "wakes: no source \"%s\"\n", kind);
	exit(2);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 4 || (rounds = atol(argv[3])) < 1) {
		fprintf(stderr, "usage: %s pipe|eventfd|timer CONTENDER ROUNDS\n",
			argv[0]);
		return 2;
	}
	for (reader = wakes_readers; reader->name; reader++)
		if (!strcmp(reader->name, argv[2]))
			break;
	if (!reader->name) {
		fprintf(stderr, "wakes: no contender \"%s\"\n", argv[2]);
		return 2;
	}
	open_source(argv[1]);
	if (pthread_create(&thread, NULL, wait_for, NULL)) {
		fprintf(stderr, "wakes: no thread\n");
		return 1;
	}
	count_first();
	if (ends[1] >= 0)
		write_all();
	pthread_join(thread, NULL);
	printf("insns=%.1f\n", (double)took / (double)rounds);
	return 0;
}
