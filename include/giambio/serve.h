/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * A server: a task per connection, until it is cancelled.
 *
 *	static intptr_t echo(struct gmb_socket *sock, void *arg)
 *	{
 *		char buf[1024];
 *		ssize_t n;
 *
 *		while ((n = gmb_receive(sock, buf, sizeof(buf))) > 0)
 *			if ((n = gmb_send_all(sock, buf, n, NULL)) < 0)
 *				break;
 *		return n;
 *	}
 *
 *	rc = gmb_serve(&listener, echo, NULL, NULL);
 */
#ifndef GIAMBIO_SERVE_H
#define GIAMBIO_SERVE_H

#include <giambio/base.h>
#include <giambio/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * typedef gmb_serve_fn - what is done with a connection
 * @socket: the connection; is closed when the function returns, unless it was
 *	closed or released before
 * @arg:    as given to gmb_serve()
 *
 * It runs in a task of its own.
 *
 * Return: >= 0; an error is told to the log and ends this connection only.
 */
typedef intptr_t (*gmb_serve_fn)(struct gmb_socket *socket, void *arg);

/**
 * struct gmb_serve_opts - what gmb_serve() can be told; zero is default
 * @max_connections: at most this many at a time; further ones wait with the
 *	system; 0: no limit
 * @stack_size:      of a connection's task, in bytes; 0: the loop's default
 * @name:            of the connections' tasks, before each one's number:
 *	"NAME-1" and so on; NULL: the peer's address if it fits, else
 *	"connection-1" and so on
 * @log:             told what went wrong with a connection (@peer is its
 *	address as text) or with accepting (@peer is NULL); must not wait. NULL:
 *	one line on standard error
 * @user:            handed to @log
 */
struct gmb_serve_opts {
	size_t max_connections;
	size_t stack_size;
	const char *name;
	void (*log)(void *user, const char *peer, intptr_t error);
	void *user;
};

/**
 * gmb_serve() - accept connections and handle each in a task of its own
 * @listener: listening; stays open and the caller's
 * @handler:  what is done with each
 * @arg:      handed to @handler; must live until return
 * @opts:     NULL for defaults
 *
 * It goes on until it is cancelled or the listener is closed. Then the
 * connections are cancelled and waited for. For a slow end, run it in a manager
 * of its own and shield the handlers' last steps.
 *
 * When the system has no descriptor or no memory for a connection (EMFILE,
 * ENFILE, ENOBUFS, ENOMEM) that is logged once, and accepting pauses 100 ms at
 * a time until there is.
 *
 * Context: task only; suspends; cancellation point.
 * Return: -ECANCELED; -EBADF the listener was closed; -EINVAL it does not
 *	listen; -EBUSY another task accepts from it; -EXDEV it belongs to
 *	another loop; -EPERM outside a task.
 */
GMB_API int gmb_serve(struct gmb_socket *listener, gmb_serve_fn handler,
		      void *arg, const struct gmb_serve_opts *opts);

#ifdef __cplusplus
}
#endif

#endif
