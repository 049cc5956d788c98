/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The streams of a random schedule: bytes that follow from their position.
 */
#ifndef TESTS_STRESS_STREAMS_H
#define TESTS_STRESS_STREAMS_H

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include "world.h"

enum { CHUNK = 6000 };

static inline unsigned char byte_at(uint64_t position)
{
	return (unsigned char)((position * 2654435761u) >> 11);
}

static inline void bytes_check(struct stream *s, const unsigned char *buf,
			       size_t n)
{
	for (size_t i = 0; i < n; i++)
		must_be(buf[i], byte_at(s->read + i));
	s->read += n;
}

static inline void open_pipe(struct stream *s)
{
	int fds[2];

	must_be(pipe2(fds, O_CLOEXEC), 0);
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	must_be(gmb_file_wrap(&s->in.file, fds[0]), 0);
	must_be(gmb_file_wrap(&s->out.file, fds[1]), 0);
}

static inline intptr_t accept_one(void *arg)
{
	struct gmb_socket **ends = (struct gmb_socket **)arg;

	return gmb_accept(ends[0], ends[1], NULL);
}

static inline void open_tcp(struct stream *s)
{
	struct gmb_socket listener, *ends[2] = { &listener, &s->in };
	struct gmb_address address;
	intptr_t rc = 0;

	must_be(gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL), 0);
	must_be(gmb_socket_local(&listener, &address), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, accept_one, ends);
		must_be(gmb_connect(&s->out, &address), 0);
	}
	must_be(rc, 0);
	must_be(gmb_socket_close(&listener), 0);
}

static inline void stream_open(struct world *w, struct stream *s)
{
	int size = 2048;

	s->kind = STREAM_UNIX;
	if (one_in(w, 40))
		s->kind = STREAM_TCP;
	else if (one_in(w, 2))
		s->kind = STREAM_PIPE;
	if (s->kind == STREAM_PIPE)
		return open_pipe(s);
	if (s->kind == STREAM_TCP)
		return open_tcp(s);
	must_be(gmb_socket_pair(&s->in, &s->out), 0);
	/* Little room, so that writers have to wait. */
	setsockopt(gmb_socket_fd(&s->out), SOL_SOCKET, SO_SNDBUF, &size,
		   sizeof(size));
}

/* Read by any of the calls; bytes or -errno, and what came in @got. */
static inline intptr_t read_some(struct world *w, struct stream *s,
				 unsigned char *buf, size_t len, size_t *got)
{
	struct gmb_file *file = gmb_socket_file(&s->in);
	bool pipe = s->kind == STREAM_PIPE;
	struct iovec iov[2] = {
		{ buf, len / 2 }, { buf + len / 2, len - len / 2 },
	};
	intptr_t rc;

	*got = 0;
	switch (below(w, 4)) {
	case 0:
		rc = pipe ? gmb_read_exactly(file, buf, len, got) :
			    gmb_receive_exactly(&s->in, buf, len, got);
		if (rc == 0)
			must_be(*got, len);
		return rc;
	case 1:
		rc = pipe ? gmb_readv(file, iov, 2) :
			    gmb_receivev(&s->in, iov, 2);
		break;
	case 2:
		rc = gmb_ready(file, POLLIN);
		if (rc < 0)
			return rc;
		/* fall through */
	default:
		rc = pipe ? gmb_read(file, buf, len) :
			    gmb_receive(&s->in, buf, len);
	}
	if (rc > 0)
		*got = (size_t)rc;
	return rc == 0 ? -ENODATA : rc;
}

static inline intptr_t write_some(struct world *w, struct stream *s,
				  unsigned char *buf, size_t len, size_t *put)
{
	struct gmb_file *file = gmb_socket_file(&s->out);
	bool pipe = s->kind == STREAM_PIPE;
	struct iovec iov[2] = {
		{ buf, len / 2 }, { buf + len / 2, len - len / 2 },
	};
	intptr_t rc;

	*put = 0;
	switch (below(w, 4)) {
	case 0:
		rc = pipe ? gmb_write_all(file, buf, len, put) :
			    gmb_send_all(&s->out, buf, len, put);
		if (rc == 0)
			must_be(*put, len);
		return rc;
	case 1:
		if (!pipe)
			return gmb_sendv_all(&s->out, iov, 2, put);
		rc = gmb_writev(file, iov, 2);
		break;
	default:
		rc = pipe ? gmb_write(file, buf, len) :
			    gmb_send(&s->out, buf, len);
	}
	if (rc > 0)
		*put = (size_t)rc;
	return rc;
}

static __attribute__((noinline)) void
stream_read(struct world *w, struct stream *s)
{
	unsigned char buf[CHUNK];
	size_t len = 1 + (size_t)below(w, CHUNK);
	size_t got;
	intptr_t rc;

	if (s->reading)
		return;
	s->reading = true;
	rc = told(read_some(w, s, buf, len, &got));
	bytes_check(s, buf, got);
	must(got <= len);
	if (rc == -EBADF)
		must(s->in_closed);
	else if (rc == -ENODATA)
		must(s->out_closed || s->out_shut);
	else
		must(rc >= 0 || rc == -ECANCELED);
	s->reading = false;
}

static __attribute__((noinline)) void
stream_write(struct world *w, struct stream *s)
{
	unsigned char buf[CHUNK];
	size_t len = 1 + (size_t)below(w, CHUNK);
	size_t put;
	intptr_t rc;

	if (s->writing)
		return;
	s->writing = true;
	for (size_t i = 0; i < len; i++)
		buf[i] = byte_at(s->written + i);
	rc = told(write_some(w, s, buf, len, &put));
	must(put <= len);
	s->written += put;
	if (rc == -EBADF)
		must(s->out_closed);
	else if (rc == -EPIPE || rc == -ECONNRESET)
		must(s->in_closed || s->out_shut);
	else
		must(rc >= 0 || rc == -ECANCELED);
	s->writing = false;
}

/* Close or shut down one end, while others may be waiting. */
static inline void stream_break(struct world *w, struct stream *s)
{
	struct gmb_socket *end;
	bool *closed;

	if (s->kind != STREAM_PIPE && one_in(w, 3)) {
		int rc = gmb_socket_shutdown(&s->out, SHUT_WR);

		if (s->out_closed)
			must_be(rc, -EBADF);
		else
			must(rc == 0 || (rc == -ENOTCONN && s->in_closed));
		s->out_shut |= rc == 0;
		return;
	}
	end = one_in(w, 2) ? &s->in : &s->out;
	closed = end == &s->in ? &s->in_closed : &s->out_closed;
	must_be(gmb_socket_close(end), *closed ? -EBADF : 0);
	*closed = true;
}

/* Everything that was written and not yet read must still come. */
static inline void stream_end(struct stream *s)
{
	unsigned char buf[CHUNK];
	ssize_t n = 0;

	must(!s->reading && !s->writing);
	must_be(gmb_socket_close(&s->out), s->out_closed ? -EBADF : 0);
	if (!s->in_closed) {
		do {
			n = s->kind == STREAM_PIPE ?
				    gmb_read(&s->in.file, buf, sizeof(buf)) :
				    gmb_receive(&s->in, buf, sizeof(buf));
			must(n >= 0);
			bytes_check(s, buf, (size_t)n);
		} while (n);
		must_be(s->read, s->written);
	}
	must_be(gmb_socket_close(&s->in), s->in_closed ? -EBADF : 0);
}

#endif
