/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Echo server on bare epoll, the limit for anything built on epoll: one
 * thread, no state per connection, one receive and one send per request,
 * no call that only returns EAGAIN. MODE "lt" is level-triggered; "et" is
 * edge-triggered and takes a short read as the proof that the socket is
 * empty. A client that does not read its answers is dropped: with one
 * request outstanding that cannot happen, and it keeps the loop bare.
 */

#include <errno.h>
#include <sys/epoll.h>
#include "server.h"

static char buffer[ECHO_BUFFER];
static uint32_t interest = EPOLLIN | EPOLLRDHUP;

static void accept_all(int ep, int listener)
{
	struct epoll_event ev = { .events = interest };
	int fd;

	while ((fd = accept4(listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		ev.data.fd = fd;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
			echo_die("epoll_ctl");
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		echo_die("accept");
}

/*
 * One request. Reads on only when there may be more: the buffer was full,
 * or the peer has hung up and the end of the stream must be seen.
 */
static void serve(int fd, uint32_t events)
{
	ssize_t n;

	do {
		n = recv(fd, buffer, sizeof(buffer), 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || send(fd, buffer, (size_t)n, 0) != n) {
			close(fd);
			return;
		}
	} while (n == sizeof(buffer) || (events & ~(uint32_t)EPOLLIN));
}

int main(int argc, char **argv)
{
	static struct epoll_event events[ECHO_BATCH];
	int listener = echo_listen(argc, argv, SOCK_NONBLOCK);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = listener };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	int i, n;

	if (argc > 3 && !strcmp(argv[3], "et"))
		interest |= EPOLLET;
	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev))
		echo_die("epoll");
	for (;;) {
		n = epoll_wait(ep, events, ECHO_BATCH, -1);
		if (n < 0 && errno != EINTR)
			echo_die("epoll_wait");
		for (i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				accept_all(ep, listener);
			else
				serve(events[i].data.fd, events[i].events);
		}
	}
}
