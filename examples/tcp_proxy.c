/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A TCP proxy: ./tcp_proxy LISTEN_PORT TARGET_HOST TARGET_PORT. Two tasks for
 * each connection, one in each direction; when one direction ends, its end is
 * passed on, when one fails, the other is cancelled.
 */
#include <giambio.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static const char *target_host;
static uint16_t listen_port, target_port;

struct direction {
	struct gmb_socket *from, *to;
};

static intptr_t copy(void *arg)
{
	struct direction *d = arg;
	char buf[4096];
	ssize_t n;
	int rc;

	while ((n = gmb_receive(d->from, buf, sizeof(buf))) > 0) {
		rc = gmb_send_all(d->to, buf, (size_t)n, NULL);
		if (rc < 0)
			return rc;
	}
	gmb_socket_shutdown(d->to, SHUT_WR);
	return n;
}

static intptr_t proxy(struct gmb_socket *client, void *arg)
{
	struct gmb_socket server;
	struct direction up = { client, &server }, down = { &server, client };
	intptr_t rc = gmb_tcp_connect(&server, target_host, target_port);

	(void)arg;
	if (rc < 0)
		return rc;
	gmb_manager(m, rc) {
		gmb_spawn(m, copy, &up);
		gmb_spawn(m, copy, &down);
	}
	gmb_socket_close(&server);
	return rc;
}

static intptr_t run_proxy(void *arg)
{
	struct gmb_socket listener;
	struct gmb_address addr;
	int rc = gmb_tcp_listen(&listener, "127.0.0.1", listen_port, NULL);

	(void)arg;
	if (rc < 0)
		return rc;
	if (gmb_socket_local(&listener, &addr) == 0)
		printf("proxy on port %d\n", gmb_address_port(&addr));
	fflush(stdout);
	rc = gmb_serve(&listener, proxy, NULL, NULL);
	gmb_socket_close(&listener);
	return rc;
}

int main(int argc, char **argv)
{
	intptr_t rc;

	if (argc != 4) {
		fprintf(stderr, "usage: tcp_proxy LISTEN_PORT HOST PORT\n");
		return 2;
	}
	listen_port = (uint16_t)atoi(argv[1]);
	target_host = argv[2];
	target_port = (uint16_t)atoi(argv[3]);
	rc = gmb_run(run_proxy, NULL);
	if (rc < 0 && rc != -EINTR)
		fprintf(stderr, "tcp_proxy: %s\n", gmb_strerror(rc));
	return rc < 0 && rc != -EINTR;
}
