/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A task that reads from a pipe or an eventfd, or sleeps. The backend is the
 * one that GMB_BACKEND names.
 */

#include <giambio.h>
#include <stdio.h>
#include <stdlib.h>
#include "wakes.h"

struct job {
	int fd;
	long rounds;
};

static void must(intptr_t rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, gmb_strerror(rc));
	exit(1);
}

static intptr_t read_task(void *arg)
{
	const struct job *job = arg;
	char buf[WAKES_BYTES];
	struct gmb_file file;
	long i;

	must(gmb_file_wrap(&file, job->fd), "gmb_file_wrap");
	for (i = 0; i < job->rounds; i++) {
		wakes_mark(i);
		must(gmb_read(&file, buf, sizeof(buf)), "gmb_read");
	}
	wakes_mark(i);
	return gmb_file_close(&file);
}

static intptr_t sleep_task(void *arg)
{
	const struct job *job = arg;
	long i;

	for (i = 0; i < job->rounds; i++) {
		wakes_mark(i);
		must(gmb_sleep(WAKES_SLEEP_NS), "gmb_sleep");
	}
	wakes_mark(i);
	return 0;
}

static void giambio_read(int fd, long rounds)
{
	struct job job = { .fd = fd, .rounds = rounds };

	must(gmb_run(read_task, &job), "gmb_run");
}

static void giambio_sleep(long rounds)
{
	struct job job = { .rounds = rounds };

	must(gmb_run(sleep_task, &job), "gmb_run");
}

const struct wakes_reader wakes_readers[] = {
	{ "giambio", giambio_read, giambio_sleep },
	{ NULL, NULL, NULL },
};
