/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Many tasks that sleep: ./sleepers [COUNT [MILLISECONDS]]. A sleeping task
 * takes a page of memory and a timer, so a million of them are no problem.
 */
#include <giambio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static gmb_time span = 500 * GMB_MS;
static long woken;

static intptr_t sleeper(void *arg)
{
	int rc = gmb_sleep(span);

	(void)arg;
	woken++;
	return rc;
}

static intptr_t sleep_all(void *arg)
{
	long count = *(long *)arg, i;
	gmb_time begin = gmb_now();
	struct rusage usage;
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		for (i = 0; i < count; i++)
			if (gmb_spawn_forget(m, sleeper, NULL) < 0)
				break;
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("%ld tasks slept %.1f s; all took %.1f s and %ld MiB\n", woken,
	       (double)span / GMB_SEC, (double)(gmb_now() - begin) / GMB_SEC,
	       usage.ru_maxrss / 1024);
	return rc;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 100000;
	intptr_t rc;

	if (argc > 2)
		span = atol(argv[2]) * GMB_MS;
	rc = gmb_run(sleep_all, &count);
	if (rc < 0)
		fprintf(stderr, "sleepers: %s\n", gmb_strerror(rc));
	return rc < 0;
}
