/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * What the parts of the socket code share.
 */
#ifndef GMB_IO_SOCKET_H
#define GMB_IO_SOCKET_H

#include <stdbool.h>
#include <giambio/socket.h>

/* A stream socket that does not block; a descriptor or -errno. */
int gmb__socket_make(int family);

/* setsockopt() of an int; 0 or -errno. */
int gmb__socket_set(int fd, int level, int name, int value);

/* The socket is closed, so that calls on it fail with -EBADF. */
void gmb__socket_clear(struct gmb_socket *sock);

/* Are we in a task: 0 or -EPERM. */
int gmb__socket_in_task(void);

/*
 * Make a socket of a descriptor of the library's own; on an error that is
 * closed.
 */
int gmb__socket_adopt(struct gmb_socket *sock, int fd, bool is_unix);

/* Take the next connection; a descriptor or -errno, see gmb_accept(). */
int gmb__socket_accept(struct gmb_socket *listener, struct gmb_address *peer);

#endif
