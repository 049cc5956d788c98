/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A chat server: ./chat_server [PORT]. Whatever a client says, all others hear.
 * Each client has a task that listens to it and a queue of what it is to hear;
 * who does not keep up with his queue misses lines, but holds up nobody.
 */
#include <giambio.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE	200

struct client {
	struct client *next;
	struct gmb_socket *sock;
	struct gmb_queue heard;
};

static struct client *clients;

static void say(struct client *from, const char *line)
{
	char text[LINE + 32];
	struct client *c;

	snprintf(text, sizeof(text), "%s: %.*s\n", gmb_task_name(gmb_self()),
		 LINE, line);
	for (c = clients; c; c = c->next)
		if (c != from && gmb_queue_try_put(&c->heard, text) == -EAGAIN)
			fprintf(stderr, "a client is too slow\n");
}

static intptr_t write_lines(void *arg)
{
	struct client *c = arg;
	char text[LINE + 32];
	int rc;

	while ((rc = gmb_queue_get(&c->heard, text)) == 0) {
		rc = gmb_send_all(c->sock, text, strlen(text), NULL);
		if (rc < 0)
			break;
	}
	return rc;
}

static intptr_t chat(struct gmb_socket *sock, void *arg)
{
	struct client me = { .next = clients, .sock = sock }, **p;
	char buf[LINE], *line;
	struct gmb_reader reader;
	intptr_t rc = gmb_queue_init(&me.heard, LINE + 32, 16, NULL);

	(void)arg;
	if (rc < 0)
		return rc;
	clients = &me;
	gmb_reader_init(&reader, gmb_socket_file(sock), buf, sizeof(buf));
	gmb_manager(m, rc) {
		gmb_spawn(m, write_lines, &me);
		while ((rc = gmb_read_line(&reader, &line, NULL)) > 0)
			say(&me, line);
		gmb_manager_cancel(m);
	}
	for (p = &clients; *p != &me; p = &(*p)->next)
		;
	*p = me.next;
	gmb_queue_fini(&me.heard);
	return rc;
}

static intptr_t host(void *arg)
{
	struct gmb_socket listener;
	struct gmb_address addr;
	int rc = gmb_tcp_listen(&listener, "127.0.0.1", *(uint16_t *)arg, NULL);

	if (rc < 0)
		return rc;
	if (gmb_socket_local(&listener, &addr) == 0)
		printf("chat on port %d\n", gmb_address_port(&addr));
	fflush(stdout);
	rc = gmb_serve(&listener, chat, NULL, NULL);
	gmb_socket_close(&listener);
	return rc;
}

int main(int argc, char **argv)
{
	uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 1502;
	intptr_t rc = gmb_run(host, &port);

	if (rc < 0 && rc != -EINTR)
		fprintf(stderr, "chat_server: %s\n", gmb_strerror(rc));
	return rc < 0 && rc != -EINTR;
}
