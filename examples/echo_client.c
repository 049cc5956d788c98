/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Clients of the echo server, each of them a task:
 * ./echo_client [PORT [CLIENTS [MESSAGES [PAUSE]]]], with PAUSE milliseconds
 * after each message. The first that sees a wrong answer ends them all.
 */
#include <giambio.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint16_t port = 1501;
static int clients = 1, messages = 1;
static gmb_time pause_ns;
static long echoed;

static int talk(struct gmb_socket *sock)
{
	char out[64], want[80], buf[256], *line;
	struct gmb_reader reader;
	int rc, i;

	gmb_reader_init(&reader, gmb_socket_file(sock), buf, sizeof(buf));
	rc = gmb_read_line(&reader, &line, NULL);
	if (rc < 0 || strcmp(line, "Welcome to the server pal!"))
		return rc < 0 ? rc : -EPROTO;
	for (i = 0; i < messages; i++) {
		snprintf(out, sizeof(out), "message %d of %llu\n", i,
			 (unsigned long long)gmb_task_id(gmb_self()));
		rc = gmb_send_all(sock, out, strlen(out), NULL);
		if (rc < 0)
			return rc;
		rc = gmb_read_line(&reader, &line, NULL);
		if (rc < 0)
			return rc;
		snprintf(want, sizeof(want), "Got: %.*s",
			 (int)strlen(out) - 1, out);
		if (strcmp(line, want))
			return -EPROTO;
		echoed++;
		rc = gmb_sleep(pause_ns);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static intptr_t client(void *arg)
{
	struct gmb_socket sock;
	int rc = gmb_tcp_connect(&sock, "127.0.0.1", port);

	(void)arg;
	if (rc < 0)
		return rc;
	rc = talk(&sock);
	gmb_socket_close(&sock);
	return rc;
}

static intptr_t run_clients(void *arg)
{
	intptr_t rc = 0;
	int i;

	(void)arg;
	gmb_manager(m, rc)
		for (i = 0; i < clients; i++)
			gmb_spawn(m, client, NULL);
	return rc;
}

int main(int argc, char **argv)
{
	intptr_t rc;

	if (argc > 1)
		port = (uint16_t)atoi(argv[1]);
	if (argc > 2)
		clients = atoi(argv[2]);
	if (argc > 3)
		messages = atoi(argv[3]);
	if (argc > 4)
		pause_ns = atoi(argv[4]) * GMB_MS;
	rc = gmb_run(run_clients, NULL);
	printf("%ld messages echoed to %d clients: %s\n", echoed, clients,
	       gmb_strerror(rc));
	return rc < 0;
}
