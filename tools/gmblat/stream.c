/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/units.h"
#include "gmblat/stream.h"

const char *const kind_names[KIND_COUNT] = {
	[KIND_PIPE] = "pipe",
	[KIND_EVENTFD] = "eventfd",
	[KIND_UNIX] = "unix",
	[KIND_TCP] = "tcp",
	[KIND_TIMER] = "timer",
	[KIND_MAILBOX] = "mailbox",
};

void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int make_eventfd(int ends[2])
{
	ends[0] = eventfd(0, EFD_CLOEXEC);
	if (ends[0] < 0)
		return -1;
	ends[1] = fcntl(ends[0], F_DUPFD_CLOEXEC, 0);
	return ends[1] < 0 ? -1 : 0;
}

static int make_tcp(int ends[2])
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int on = 1, rc = -1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener >= 0 && ends[1] >= 0 &&
	    !bind(listener, (struct sockaddr *)&address, len) &&
	    !listen(listener, 1) &&
	    !getsockname(listener, (struct sockaddr *)&address, &len) &&
	    !connect(ends[1], (struct sockaddr *)&address, len)) {
		ends[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		rc = ends[0] < 0 ? -1 : 0;
	}
	if (!rc)
		rc = setsockopt(ends[1], IPPROTO_TCP, TCP_NODELAY, &on,
				sizeof(on));
	if (listener >= 0)
		close(listener);
	return rc;
}

static int make_ends(int kind, int ends[2])
{
	switch (kind) {
	case KIND_PIPE:
		return pipe2(ends, O_CLOEXEC);
	case KIND_EVENTFD:
		return make_eventfd(ends);
	case KIND_UNIX:
		return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
	case KIND_TCP:
		return make_tcp(ends);
	}
	return 0;
}

int stream_open(struct stream *stream, int kind, uint64_t room)
{
	int ends[2] = { -1, -1 };
	int rc;

	*stream = (struct stream){ .kind = kind, .room = room };
	rc = make_ends(kind, ends) ? -errno : 0;
	stream->out = ends[0];
	stream->in = ends[1];
	if (!rc && ends[1] >= 0 && kind != KIND_EVENTFD &&
	    fcntl(ends[1], F_SETFL, O_NONBLOCK))
		rc = -errno;
	stream->stamps = shared_memory(room * sizeof(*stream->stamps));
	if (!rc && !stream->stamps)
		rc = -ENOMEM;
	return rc;
}

static bool is_socket(const struct stream *stream)
{
	return stream->kind == KIND_UNIX || stream->kind == KIND_TCP;
}

int stream_wrap(struct stream *stream)
{
	int rc;

	if (is_socket(stream))
		rc = gmb_socket_wrap(&stream->socket, stream->out);
	else
		rc = gmb_file_wrap(&stream->file, stream->out);
	if (!rc)
		stream->out = -1;
	return rc;
}

void stream_close(struct stream *stream)
{
	if (stream->in >= 0)
		close(stream->in);
	if (stream->out >= 0)
		close(stream->out);
	stream->in = -1;
	stream->out = -1;
	gmb_socket_close(&stream->socket);
	gmb_file_close(&stream->file);
	if (stream->stamps)
		munmap(stream->stamps,
		       stream->room * sizeof(*stream->stamps));
	stream->stamps = NULL;
}

void stream_stamp(struct stream *stream, int64_t when)
{
	__atomic_store_n(&stream->stamps[stream->put++ % stream->room], when,
			 __ATOMIC_RELEASE);
}

int64_t stream_stamped(const struct stream *stream, uint64_t event)
{
	return __atomic_load_n(&stream->stamps[event % stream->room],
			       __ATOMIC_ACQUIRE);
}

static ssize_t put_in(struct stream *stream)
{
	uint64_t one = 1;

	if (is_socket(stream))
		return send(stream->in, &one, 1, MSG_NOSIGNAL);
	return write(stream->in, &one,
		     stream->kind == KIND_EVENTFD ? sizeof(one) : 1);
}

/*
 * If the source has been kept waiting, what became due meanwhile is late by the
 * receiver's fault, and counts from when it was due.
 */
int stream_put(struct stream *stream, int64_t due, uint64_t *blocked)
{
	struct pollfd room = { .fd = stream->in, .events = POLLOUT };
	bool waited = false;

	stream_stamp(stream, due < stream->unblocked ? due : units_now());
	while (put_in(stream) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		waited = true;
		poll(&room, 1, -1);
	}
	if (waited) {
		stream->unblocked = units_now();
		(*blocked)++;
	}
	return 0;
}

int64_t stream_take(struct stream *stream)
{
	char bytes[4096];
	uint64_t count;
	ssize_t n;

	if (stream->kind == KIND_EVENTFD) {
		n = gmb_read(&stream->file, &count, sizeof(count));
		return n == sizeof(count) ? (int64_t)count : n;
	}
	if (is_socket(stream))
		n = gmb_receive(&stream->socket, bytes, sizeof(bytes));
	else
		n = gmb_read(&stream->file, bytes, sizeof(bytes));
	return n ? n : -EPIPE;
}
