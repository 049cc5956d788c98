/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * An echo server: ./echo_server [PORT], then talk to it with nc or echo_client.
 * Ctrl-C ends it; kill -USR1 shows its tasks.
 */
#include <giambio.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static intptr_t echo(struct gmb_socket *sock, void *arg)
{
	static const char hello[] = "Welcome to the server pal!\n";
	char data[1024] = "Got: ";
	ssize_t n;
	int rc;

	(void)arg;
	rc = gmb_send_all(sock, hello, strlen(hello), NULL);
	while (rc == 0) {
		n = gmb_receive(sock, data + 5, sizeof(data) - 5);
		if (n <= 0)
			return n;
		rc = gmb_send_all(sock, data, 5 + (size_t)n, NULL);
	}
	return rc;
}

static intptr_t make_srv(void *arg)
{
	struct gmb_address addr;
	struct gmb_socket listener;
	char name[64];
	int rc;

	rc = gmb_tcp_listen(&listener, "127.0.0.1", *(uint16_t *)arg, NULL);
	if (rc < 0)
		return rc;
	rc = gmb_socket_local(&listener, &addr);
	if (rc == 0 && gmb_address_format(&addr, name, sizeof(name)) >= 0)
		printf("Echo server serving asynchronously at %s (%s)\n", name,
		       gmb_loop_backend_name(NULL));
	fflush(stdout);
	rc = gmb_serve(&listener, echo, NULL, NULL);
	gmb_socket_close(&listener);
	return rc;
}

int main(int argc, char **argv)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.name = "echo_server",
		.dump_signal = SIGUSR1,
	};
	uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 1501;
	intptr_t rc = gmb_run_with(&opts, make_srv, &port);

	if (rc == -EINTR) {
		puts("Goodbye!");
		return 0;
	}
	fprintf(stderr, "echo_server: %s\n", gmb_strerror(rc));
	return 1;
}
