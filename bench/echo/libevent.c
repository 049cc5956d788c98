/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Echo server on libevent: plain persistent events with recv and send, which
 * is quicker than its buffered events for small answers. MODE "et" asks for
 * edge-triggered events.
 */

#include <errno.h>
#include <event2/event.h>
#include "server.h"

static struct event_base *base;
static short edge;
static char buffer[ECHO_BUFFER];

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct event *ev = *(struct event **)arg;
	ssize_t n;

	(void)what;
	do {
		n = recv(fd, buffer, sizeof(buffer), 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || send(fd, buffer, (size_t)n, 0) != n) {
			event_free(ev);
			close(fd);
			free(arg);
			return;
		}
	} while (n == sizeof(buffer));
}

static void on_connection(evutil_socket_t listener, short what, void *arg)
{
	struct event **slot;
	int fd;

	(void)what;
	(void)arg;
	while ((fd = accept4(listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		slot = malloc(sizeof(*slot));
		if (!slot)
			echo_die("malloc");
		*slot = event_new(base, fd, EV_READ | EV_PERSIST | edge,
				  on_ready, slot);
		if (!*slot || event_add(*slot, NULL))
			echo_die("event_add");
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		echo_die("accept");
}

int main(int argc, char **argv)
{
	int listener = echo_listen(argc, argv, SOCK_NONBLOCK);
	struct event_config *config = event_config_new();
	struct event *ev;

	if (argc > 3 && !strcmp(argv[3], "et"))
		edge = EV_ET;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	if (!base)
		echo_die("event_base_new");
	ev = event_new(base, listener, EV_READ | EV_PERSIST, on_connection,
		       NULL);
	if (!ev || event_add(ev, NULL))
		echo_die("event_add");
	return event_base_dispatch(base) < 0;
}
