/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * For check.sh: what happens here is known.
 *
 *	known		yields 100 times, holds the loop 5 ms, holds a lock
 *			20 ms that another wants, has a deadline of 10 ms pass,
 *			cancels a task, starts a thousand short ones; prints how
 *			long some of it took by its own clock, in us
 *	known calm	tasks that sleep, for ever
 *	known busy	two tasks that give way to each other, for ever
 *	known short N	runs a loop N times, in turn
 */
#include <giambio.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct gmb_lock lock;

static gmb_time clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * GMB_SEC + now.tv_nsec;
}

static void took(const char *what, gmb_time begin)
{
	printf("%s %.3f\n", what, (double)(clock_now() - begin) / GMB_US);
}

static intptr_t yields(void *arg)
{
	long i, count = *(long *)arg;
	int rc = 0;

	for (i = 0; (i < count || !count) && rc == 0; i++)
		rc = gmb_yield();
	return rc < 0 ? rc : 7;
}

static intptr_t hogs(void *arg)
{
	gmb_time begin;
	int rc = gmb_sleep(2 * GMB_MS);

	(void)arg;
	begin = clock_now();
	while (clock_now() < begin + 5 * GMB_MS)
		;
	took("hog", begin);
	return rc;
}

static intptr_t owns(void *arg)
{
	int rc = gmb_lock_acquire(&lock);

	(void)arg;
	if (rc == 0) {
		rc = gmb_sleep(20 * GMB_MS);
		gmb_lock_release(&lock);
	}
	return rc;
}

static intptr_t wants(void *arg)
{
	gmb_time begin;
	int rc = gmb_yield();

	(void)arg;
	begin = clock_now();
	if (rc == 0)
		rc = gmb_lock_acquire(&lock);
	took("lock", begin);
	if (rc == 0)
		gmb_lock_release(&lock);
	return rc;
}

static intptr_t late(void *arg)
{
	gmb_time begin = clock_now();
	int rc = 0;

	(void)arg;
	gmb_with_timeout(rc, 10 * GMB_MS)
		rc = gmb_sleep(GMB_SEC);
	took("deadline", begin);
	return rc == -ETIMEDOUT ? 0 : -EPROTO;
}

static intptr_t forever(void *arg)
{
	(void)arg;
	return gmb_sleep(1000 * GMB_SEC);
}

static intptr_t nothing(void *arg)
{
	(void)arg;
	return 0;
}

static void start(struct gmb_manager *m, const char *name, gmb_task_fn fn,
		  void *arg, struct gmb_task **task)
{
	struct gmb_spawn_opts opts = { .name = name };

	if (gmb_spawn_with(m, &opts, fn, arg, task) < 0)
		fprintf(stderr, "known: %s cannot be started\n", name);
}

static intptr_t all(void *arg)
{
	struct gmb_task *task, *victim = NULL;
	long hundred = 100, i;
	intptr_t rc = 0;

	(void)arg;
	gmb_lock_init(&lock);
	gmb_manager(m, rc) {
		start(m, "yields", yields, &hundred, &task);
		start(m, "hogs", hogs, NULL, &task);
		start(m, "owns", owns, NULL, &task);
		start(m, "wants", wants, NULL, &task);
		start(m, "late", late, NULL, &task);
		start(m, "forever", forever, NULL, &victim);
		for (i = 0; i < 1000; i++) {
			start(m, "short", nothing, NULL, &task);
			if (i % 10 == 9)
				gmb_yield();
		}
		rc = gmb_sleep(30 * GMB_MS);
		if (victim)
			gmb_task_cancel(victim);
	}
	return rc;
}

static intptr_t sleeps(void *arg)
{
	int rc = 0;

	while (rc == 0)
		rc = gmb_sleep(*(long *)arg * GMB_MS);
	return rc;
}

static intptr_t calm(void *arg)
{
	long spans[] = { 1, 2, 5 };
	intptr_t rc = 0;

	(void)arg;
	gmb_manager(m, rc) {
		gmb_spawn(m, sleeps, &spans[0]);
		gmb_spawn(m, sleeps, &spans[1]);
		gmb_spawn(m, sleeps, &spans[2]);
	}
	return rc;
}

static intptr_t pair(void *arg)
{
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		gmb_spawn(m, yields, arg);
		gmb_spawn(m, yields, arg);
	}
	return rc;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "all";
	long count = argc > 2 ? atol(argv[2]) : 0;
	intptr_t rc = 0;
	long i;

	if (!strcmp(mode, "all"))
		rc = gmb_run(all, NULL);
	else if (!strcmp(mode, "calm"))
		rc = gmb_run(calm, NULL);
	else if (!strcmp(mode, "busy"))
		rc = gmb_run(pair, &count);
	for (i = 0; !strcmp(mode, "short") && i < count; i++)
		rc |= gmb_run(nothing, NULL);
	return rc < 0;
}
