/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What some things cost in instructions, each times 1000: for icount.sh, to
 * prove that its machine counts exactly. In any other machine the numbers are
 * nanoseconds and differ from run to run.
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 20000

static int there[2], back[2];

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void loop(void)
{
	long n = ROUNDS;

	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r" (n));
}

static void system_call(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++)
		syscall(SYS_getppid);
}

static void *answer(void *arg)
{
	char byte;

	while (read(there[0], &byte, 1) == 1) {
		if (write(back[1], &byte, 1) != 1)
			abort();
	}
	return arg;
}

static void ping_pong(void)
{
	char byte = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (write(there[1], &byte, 1) != 1 ||
		    read(back[0], &byte, 1) != 1)
			abort();
	}
}

static long long measure(void (*work)(void))
{
	long long start;

	work();
	start = now();
	work();
	return (now() - start) * 1000 / ROUNDS;
}

int main(void)
{
	long long loops, calls, pings;
	pthread_t thread;

	if (pipe(there) || pipe(back) ||
	    pthread_create(&thread, NULL, answer, NULL)) {
		perror("exact");
		return 1;
	}
	loops = measure(loop);
	calls = measure(system_call);
	pings = measure(ping_pong);
	printf("loop %lld\ngetppid %lld\npipe ping-pong %lld\n", loops, calls,
	       pings);
	return 0;
}
