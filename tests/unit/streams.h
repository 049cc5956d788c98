/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Streams of which one end is the loop's and the other one the test's, and a
 * task that reads from one: what the tests of backends share.
 */
#ifndef TESTS_UNIT_STREAMS_H
#define TESTS_UNIT_STREAMS_H

#include <sys/socket.h>
#include "harness.h"

struct stream {
	struct gmb_file file;
	int fd;
};

static inline void open_stream(struct stream *s)
{
	int fds[2];

	check_is(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    0, fds), 0);
	check_is(gmb_file_wrap(&s->file, fds[0]), 0);
	s->fd = fds[1];
}

static inline void close_stream(struct stream *s)
{
	check_is(gmb_file_close(&s->file), 0);
	close(s->fd);
}

struct reading {
	struct gmb_file *file;
	char buf[64];
	ssize_t got;
};

static inline intptr_t read_once(void *arg)
{
	struct reading *r = arg;

	r->got = gmb_read(r->file, r->buf, sizeof(r->buf));
	return 0;
}

/* Long enough for a poll that waits. */
static inline void let_wait(void)
{
	check_is(gmb_sleep(GMB_MS), 0);
}

/* Run a main task on a backend and return its result. */
static inline intptr_t run_on(const char *backend, gmb_task_fn fn, void *arg)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.backend = backend,
	};

	return gmb_run_with(&opts, fn, arg);
}

static inline intptr_t do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* Whether there is such a backend here; if not, stderr says why. */
static inline int backend_works(const char *backend)
{
	return run_on(backend, do_nothing, NULL) == 0;
}

#endif
