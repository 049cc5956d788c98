/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What slack does, in a machine that counts instructions: "slack SLACK_NS".
 * A loop on bare traps receives from many bulk sockets, whose operations have
 * that slack, and from an urgent one, whose have none. Another thread, with a
 * real-time priority, sends a message on one bulk socket after the other, and
 * now and then an urgent one, at moments that have nothing to do with those.
 *
 * Prints KEY=VALUE words: sleeps=N, times the loop went to sleep per bulk
 * message; p50_ns=N p99_ns=N, from the sending of an urgent message until the
 * loop's program has it; insns=N, the loop's instructions per bulk message.
 */

#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "../bench.h"
#include "count.h"
#include "ring.h"

#define BULK		32	/* sockets */
#define URGENT		BULK	/* index of the urgent one */
#define MESSAGES	50000	/* bulk ones */
#define STEP_NS		20000	/* from one of them to the next */
#define URGENT_EVERY	50	/* steps */
#define SIZE		64

static int pairs[BULK + 1][2];
static char buffers[BULK + 1][4096];
static uint32_t slack_ns;
static volatile int64_t sent;	/* when the urgent message was */
static int64_t delays[MESSAGES / URGENT_EVERY];
static long ndelays;
static long sleeps;
static double insns;

static void receive(struct ring *ring, int i)
{
	ring_in(ring, GMB_OP_RECV, pairs[i][0], buffers[i], sizeof(buffers[i]),
		(uint64_t)i);
	ring->ops[(ring->tail - 1) & (ring->setup.sq_entries - 1)].slack_ns =
		i == URGENT ? 0 : slack_ns;
}

static long own_sleeps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

/* Returns whether the completion is the last one. */
static int take(struct ring *ring, const struct gmb_ioc_cqe *cqe)
{
	int i = (int)cqe->user_data;

	if (cqe->res <= 0)
		return 1;
	if (i == URGENT)
		delays[ndelays++] = bench_now() - sent;
	receive(ring, i);
	return 0;
}

static void *loop(void *arg)
{
	const struct gmb_ioc_cqe *cqe;
	struct ring ring;
	int64_t began;
	int i, over = 0;

	ring_open(&ring, 256);
	for (i = 0; i <= BULK; i++) {
		ring_watch(&ring, pairs[i][0]);
		receive(&ring, i);
	}
	ring_trap(&ring, 0);
	sleeps = own_sleeps();
	began = bench_clock(CLOCK_THREAD_CPUTIME_ID);
	while (!over) {
		ring_trap(&ring, 1);
		while ((cqe = ring_read(&ring)))
			over |= take(&ring, cqe);
		ring_read_up(&ring);
	}
	insns = (double)(bench_clock(CLOCK_THREAD_CPUTIME_ID) - began);
	sleeps = own_sleeps() - sleeps;
	return arg;
}

static void put(int i)
{
	static const char message[SIZE];

	if (send(pairs[i][1], message, SIZE, 0) != SIZE)
		ring_die("send");
}

static void until(int64_t when)
{
	struct timespec ts = {
		.tv_sec = when / 1000000000,
		.tv_nsec = when % 1000000000,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void drive(void)
{
	int64_t when = bench_now() + STEP_NS;
	uint32_t seed = 1;
	long i;

	for (i = 0; i < MESSAGES; i++, when += STEP_NS) {
		until(when);
		put((int)(i % BULK));
		if (i % URGENT_EVERY != URGENT_EVERY - 1)
			continue;
		seed = seed * 1103515245 + 12345;
		until(when + 1000 + (seed >> 8) % (STEP_NS - 2000));
		sent = bench_now();
		put(URGENT);
	}
	until(when + 100 * STEP_NS);
	close(pairs[URGENT][1]);
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int i;

	if (argc != 2) {
		fprintf(stderr, "usage: %s SLACK_NS\n", argv[0]);
		return 2;
	}
	slack_ns = (uint32_t)strtoul(argv[1], NULL, 0);
	for (i = 0; i <= BULK; i++)
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			       pairs[i]))
			ring_die("socketpair");
	if (pthread_create(&thread, NULL, loop, NULL)) {
		fprintf(stderr, "slack: no thread\n");
		return 1;
	}
	count_sleep(1000000);
	count_first();
	drive();
	pthread_join(thread, NULL);
	qsort(delays, (size_t)ndelays, sizeof(delays[0]), by_size);
	printf("sleeps=%.4f p50_ns=%lld p99_ns=%lld insns=%.1f\n",
	       (double)sleeps / MESSAGES, (long long)delays[ndelays / 2],
	       (long long)delays[ndelays * 99 / 100], insns / MESSAGES);
	return 0;
}
