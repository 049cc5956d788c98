/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Concurrent downloads with a deadline. A server in the same program is slower
 * for every file; what has not arrived after 300 ms is given up.
 */
#include <giambio.h>
#include <errno.h>
#include <stdio.h>

#define FILES	6

static struct gmb_socket listener;
static int port;

/* Sends file N in four parts, N * 30 ms apart: N is what the client sends. */
static intptr_t upload(struct gmb_socket *sock, void *arg)
{
	static const char part[1000];
	char n;
	int rc = gmb_receive_exactly(sock, &n, 1, NULL), i;

	(void)arg;
	for (i = 0; i < 4 && rc == 0; i++) {
		rc = gmb_sleep(n * 30 * GMB_MS);
		if (rc == 0)
			rc = gmb_send_all(sock, part, sizeof(part), NULL);
	}
	/* A client that has given up is no fault of the server. */
	return rc == -ECONNRESET || rc == -EPIPE || rc == -ENODATA ? 0 : rc;
}

static intptr_t serve(void *arg)
{
	(void)arg;
	return gmb_serve(&listener, upload, NULL, NULL);
}

static ssize_t fetch(char number)
{
	struct gmb_socket sock;
	char buf[4096];
	ssize_t n, sum = 0;
	int rc = gmb_tcp_connect(&sock, "127.0.0.1", (uint16_t)port);

	if (rc < 0)
		return rc;
	n = gmb_send_all(&sock, &number, 1, NULL);
	while (n >= 0 && (n = gmb_receive(&sock, buf, sizeof(buf))) > 0)
		sum += n;
	gmb_socket_close(&sock);
	return n < 0 ? n : sum;
}

static intptr_t download(void *arg)
{
	ssize_t got = 0;

	gmb_with_timeout(got, 300 * GMB_MS)
		got = fetch((char)(intptr_t)arg);
	printf("file %d: %s, %zd bytes\n", (int)(intptr_t)arg,
	       gmb_strerror(got < 0 ? got : 0), got < 0 ? 0 : got);
	return got == -ETIMEDOUT ? 0 : got;
}

static intptr_t all(void *arg)
{
	struct gmb_address addr;
	intptr_t rc = gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL), i;

	(void)arg;
	if (rc < 0)
		return rc;
	rc = gmb_socket_local(&listener, &addr);
	port = gmb_address_port(&addr);
	gmb_manager(server, rc) {
		gmb_spawn(server, serve, NULL);
		gmb_manager(m, rc)
			for (i = 0; i < FILES; i++)
				gmb_spawn(m, download, (void *)i);
		gmb_manager_cancel(server);
	}
	gmb_socket_close(&listener);
	return rc;
}

int main(void)
{
	return gmb_run(all, NULL) < 0;
}
