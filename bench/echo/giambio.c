/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Echo server on giambio: a task per connection. GMB_BACKEND says on what.
 */

#include <giambio.h>
#include "server.h"

static void must(intptr_t rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, gmb_strerror(rc));
	exit(1);
}

static intptr_t echo(struct gmb_socket *conn, void *arg)
{
	char buf[ECHO_BUFFER];
	ssize_t n = gmb_receive(conn, buf, sizeof(buf));

	(void)arg;
	while (n > 0)
		n = gmb_exchange(conn, buf, (size_t)n, buf, sizeof(buf));
	return 0;	/* a client that resets is no news */
}

static intptr_t server(void *arg)
{
	struct gmb_socket listener;

	must(gmb_socket_wrap(&listener, *(int *)arg), "gmb_socket_wrap");
	return gmb_serve(&listener, echo, NULL, NULL);
}

int main(int argc, char **argv)
{
	int fd = echo_listen(argc, argv, SOCK_NONBLOCK);

	must(gmb_run(server, &fd), "gmb_run");
	return 1;
}
