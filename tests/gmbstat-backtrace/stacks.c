/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * For check.sh: tasks whose stacks are known. Three wait, each below functions
 * of its own; "hangs" then never gives the loop back, or blocks its thread in a
 * system call if there is an argument.
 */
#include <giambio.h>
#include <stdio.h>
#include <unistd.h>

#define NOINLINE	__attribute__((noinline))

static struct gmb_lock lock;
static int blocks;
volatile unsigned long spins;

/* The additions keep the calls from becoming jumps. */
NOINLINE intptr_t sleeps_inner(int n)
{
	return gmb_sleep(600 * GMB_SEC) + n;
}

NOINLINE intptr_t sleeps_outer(int n)
{
	return sleeps_inner(n + 1) + n;
}

static intptr_t sleeps(void *arg)
{
	(void)arg;
	return sleeps_outer(1) + 1;
}

NOINLINE intptr_t locks_inner(int n)
{
	return gmb_lock_acquire(&lock) + n;
}

static intptr_t locks(void *arg)
{
	(void)arg;
	return locks_inner(1) + 1;
}

NOINLINE intptr_t receives_inner(struct gmb_socket *sock)
{
	char data[8];

	return gmb_receive(sock, data, sizeof(data)) + data[0];
}

static intptr_t receives(void *arg)
{
	return receives_inner(arg) + 1;
}

NOINLINE unsigned long hangs_inner(unsigned long n)
{
	char byte;
	int ends[2];

	if (blocks && pipe(ends) == 0)
		return (unsigned long)read(ends[0], &byte, 1) + n;
	for (;;)
		spins += n;
	return n;
}

NOINLINE unsigned long hangs_outer(unsigned long n)
{
	return hangs_inner(n + 1) + 1;
}

static intptr_t hangs(void *arg)
{
	int rc = gmb_sleep(20 * GMB_MS);

	(void)arg;
	puts("hangs");
	fflush(stdout);
	return (intptr_t)hangs_outer(1) + rc;
}

static void spawn(struct gmb_manager *m, const char *name, gmb_task_fn fn,
		  void *arg)
{
	struct gmb_spawn_opts opts = { .name = name };
	struct gmb_task *task;

	if (gmb_spawn_with(m, &opts, fn, arg, &task) < 0)
		fprintf(stderr, "stacks: %s cannot be started\n", name);
}

static intptr_t start(void *arg)
{
	struct gmb_socket ends[2];
	intptr_t rc;

	(void)arg;
	gmb_lock_init(&lock);
	rc = gmb_lock_acquire(&lock);
	if (rc == 0)
		rc = gmb_socket_pair(&ends[0], &ends[1]);
	if (rc < 0)
		return rc;
	gmb_manager(m, rc) {
		spawn(m, "sleeps", sleeps, NULL);
		spawn(m, "locks", locks, NULL);
		spawn(m, "receives", receives, &ends[0]);
		spawn(m, "hangs", hangs, NULL);
	}
	return rc;
}

int main(int argc, char **argv)
{
	(void)argv;
	blocks = argc > 1;
	return gmb_run(start, NULL) < 0;
}
