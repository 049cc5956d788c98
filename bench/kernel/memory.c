/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What the kernel needs for a registered socket with a parked receive, and for
 * a registered task: "memory COUNT". All in one context. Prints KEY=VALUE
 * words: watch_bytes=N task_bytes=N watches=COUNT.
 */

#include <sys/resource.h>
#include <sys/socket.h>
#include "ring.h"

#define RING_ENTRIES	1024

static struct ring ring;
static int *sockets;

/* Bytes of slabs and of vmalloc areas. */
static long kernel_bytes(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	long kib, sum = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Slab: %ld", &kib) == 1 ||
		    sscanf(line, "VmallocUsed: %ld", &kib) == 1)
			sum += kib;
	if (f)
		fclose(f);
	return sum * 1024;
}

static void open_sockets(long count)
{
	struct rlimit limit = {
		.rlim_cur = (rlim_t)count + 64,
		.rlim_max = (rlim_t)count + 64,
	};
	long i;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		ring_die("RLIMIT_NOFILE");
	sockets = calloc((size_t)count, sizeof(*sockets));
	for (i = 0; i < count; i++) {
		sockets[i] = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (sockets[i] < 0)
			ring_die("socket");
	}
}

/* Nothing completes but what fails. */
static void flush(void)
{
	ring_trap(&ring, 0);
	if (ring_read(&ring)) {
		fprintf(stderr, "memory: an operation failed: %d\n",
			ring.cqes[0].res);
		exit(1);
	}
}

static void add_watch(long i)
{
	static char byte;

	ring_watch(&ring, sockets[i]);
	ring_in(&ring, GMB_OP_RECV, sockets[i], &byte, 1, 1);
}

static void add_task(long i)
{
	ring_op(&ring, GMB_OP_TASK_ADD, (uint32_t)i, 0)->flags = GMB_F_SKIP;
}

static double measure(long count, void (*add)(long i))
{
	long before = kernel_bytes(), i;

	for (i = 0; i < count; i++)
		add(i);
	flush();
	return (double)(kernel_bytes() - before) / (double)count;
}

int main(int argc, char **argv)
{
	long count = argc == 2 ? atol(argv[1]) : 0;
	double watch, task;

	if (count < 1) {
		fprintf(stderr, "usage: %s COUNT\n", argv[0]);
		return 2;
	}
	open_sockets(count);
	ring_open(&ring, RING_ENTRIES);
	watch = measure(count, add_watch);
	task = measure(count, add_task);
	printf("watch_bytes=%.1f task_bytes=%.1f watches=%ld\n", watch, task,
	       count);
	return 0;
}
