/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <giambio/manager.h>
#include <giambio/page.h>
#include <giambio/serve.h>
#include <giambio/task.h>
#include "io/file.h"
#include "io/socket.h"
#include "loop/trap.h"

#define PAUSE	(100 * GMB_MS)

/**
 * struct server - on the stack of gmb_serve()
 * @listener: the caller's
 * @handler:  the caller's
 * @arg:      the caller's
 * @opts:     the caller's, or all zero
 * @manager:  of the connections
 * @alive:    connections
 * @count:    connections so far
 * @room:     the accepting task, while there are too many connections
 * @is_short: of descriptors or memory, and it was logged
 */
struct server {
	struct gmb_socket *listener;
	gmb_serve_fn handler;
	void *arg;
	const struct gmb_serve_opts *opts;
	struct gmb_manager manager;
	size_t alive;
	unsigned long long count;
	struct gmb__waitq room;
	bool is_short;
};

/* The argument of a connection's task, copied onto its stack. */
struct connection {
	struct server *server;
	int fd;
	enum gmb__file_kind kind;
	struct gmb_address peer;
};

static void log_error(const struct server *server,
		      const struct gmb_address *peer, intptr_t error)
{
	char text[GMB_ADDRESS_TEXT];

	if (peer)
		gmb_address_format(peer, text, sizeof(text));
	if (server->opts->log)
		server->opts->log(server->opts->user, peer ? text : NULL,
				  error);
	else if (peer)
		fprintf(stderr, "giambio: connection of %s failed: %s\n", text,
			gmb_strerror(error));
	else
		fprintf(stderr,
			"giambio: connections have to wait, trying again every %d ms: %s\n",
			(int)(PAUSE / GMB_MS), gmb_strerror(error));
}

static intptr_t handle(struct connection *connection)
{
	struct server *server = connection->server;
	struct gmb_socket sock;
	intptr_t rc;

	rc = gmb__file_open(&sock.file, connection->fd, connection->kind);
	if (rc) {
		close(connection->fd);
		return rc;
	}
	rc = server->handler(&sock, server->arg);
	gmb_socket_close(&sock);
	return rc;
}

static intptr_t connection_main(void *arg)
{
	struct connection *connection = arg;
	struct server *server = connection->server;
	struct gmb__wait *wait;
	intptr_t rc;

	rc = handle(connection);
	/* A connection that ends because it was cancelled is not in error. */
	if (rc < 0 && !(rc == -ECANCELED && gmb_checkpoint() == -ECANCELED))
		log_error(server, &connection->peer, rc);
	server->alive--;
	wait = gmb__waitq_pop(&server->room);
	if (wait)
		gmb__wait_complete(wait, 0);
	return 0;
}

/*
 * After the peer, if its address says something and there is room for it; else
 * by number. A name that is too long makes room for its number.
 */
static void name_connection(const struct server *server,
			    const struct gmb_address *peer,
			    char name[GMB_TASK_NAME_SIZE])
{
	const char *base = server->opts->name;
	sa_family_t family = peer->len ? peer->storage.ss_family : AF_UNSPEC;
	char number[GMB_TASK_NAME_SIZE];
	size_t len, n;

	if (!base && (family == AF_INET || family == AF_INET6) &&
	    gmb_address_format(peer, name, GMB_TASK_NAME_SIZE) > 0)
		return;
	if (!base)
		base = "connection";
	n = (size_t)snprintf(number, sizeof(number), "-%llu", server->count);
	len = strnlen(base, GMB_TASK_NAME_SIZE - 1 - n);
	memcpy(name, base, len);
	memcpy(name + len, number, n + 1);
}

static int start_connection(struct server *server,
			    struct connection *connection)
{
	const struct gmb_serve_opts *opts = server->opts;
	char name[GMB_TASK_NAME_SIZE];
	const struct gmb_spawn_opts spawn = {
		.name = name,
		.stack_size = opts->stack_size,
		.copy_size = sizeof(*connection),
		.flags = GMB_SPAWN_FORGET,
	};
	int rc;

	server->count++;
	name_connection(server, &connection->peer, name);
	rc = gmb_spawn_with(&server->manager, &spawn, connection_main,
			    connection, NULL);
	if (rc)
		close(connection->fd);
	else
		server->alive++;
	return rc;
}

/* It also ends when the listener does: POLLPRI stands for no event of it. */
static int wait_for_room(struct server *server)
{
	size_t max = server->opts->max_connections;
	struct gmb__trap trap;
	struct gmb__wait wait;
	struct gmb__op end;
	intptr_t result;
	int rc = 0;

	while (!rc && max && server->alive >= max) {
		rc = gmb__trap_init(&trap);
		if (rc)
			return rc;
		end = (struct gmb__op){
			.file = &server->listener->file,
			.code = GMB__OP_READY,
			.events = POLLPRI,
		};
		rc = gmb__op_start(&end, &trap, &result);
		if (rc)
			break;
		gmb__trap_add(&trap, &wait, NULL);
		gmb__waitq_push(&server->room, &wait);
		rc = (int)gmb__trap_park(&trap, GMB_WAIT_LIMITER, server,
					 server->alive);
	}
	/* Accepting says why it has ended. */
	return rc > 0 ? 0 : rc;
}

static bool is_shortage(int error)
{
	switch (error) {
	case -EMFILE:
	case -ENFILE:
	case -ENOBUFS:
	case -ENOMEM:
	case -ENOSPC:
	case -EAGAIN:
		return true;
	}
	return false;
}

/* Wait until there may be more of what the system is short of. */
static int pause_for(struct server *server, int error)
{
	if (!server->is_short)
		log_error(server, NULL, error);
	server->is_short = true;
	return gmb_sleep(PAUSE);
}

/* Accept one connection and start its task, or pause. */
static int serve_one(struct server *server)
{
	struct connection connection = {
		.server = server,
		.kind = server->listener->file.kind,
	};
	int rc;

	rc = wait_for_room(server);
	if (!rc)
		rc = gmb__socket_accept(server->listener, &connection.peer);
	if (rc >= 0) {
		connection.fd = rc;
		rc = start_connection(server, &connection);
	}
	if (is_shortage(rc))
		return pause_for(server, rc);
	server->is_short = false;
	return rc;
}

int gmb_serve(struct gmb_socket *listener, gmb_serve_fn handler, void *arg,
	      const struct gmb_serve_opts *opts)
{
	static const struct gmb_serve_opts none;
	struct server server = {
		.listener = listener,
		.handler = handler,
		.arg = arg,
		.opts = opts ? opts : &none,
	};
	int rc;

	rc = gmb_manager_open(&server.manager);
	if (rc)
		return rc;
	gmb_manager_set_name(&server.manager, "serve");
	gmb__waitq_init(&server.room);
	do
		rc = serve_one(&server);
	while (!rc);
	gmb_manager_cancel(&server.manager);
	gmb_manager_close(&server.manager);
	return rc;
}
