/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>
#include <giambio/task.h>
#include "backend/op.h"
#include "io/socket.h"

#define ADDRESSES_MAX	8

#define FIRST_PAUSE	(1 * GMB_MS)
#define LONGEST_PAUSE	(64 * GMB_MS)

static intptr_t connect_once(struct gmb_socket *sock,
			     const struct gmb_address *address)
{
	struct gmb__op op = {
		.file = &sock->file,
		.code = GMB__OP_CONNECT,
		/* connect() reads it only. */
		.addr = (struct sockaddr *)(uintptr_t)&address->storage,
		.addrlen = address->len,
	};

	return gmb__op_run(&op);
}

/* For -EBUSY see gmb__op_perform(): a unix listener's queue is full. */
static intptr_t connect_patiently(struct gmb_socket *sock,
				  const struct gmb_address *address)
{
	gmb_time pause = FIRST_PAUSE;
	intptr_t rc;

	while ((rc = connect_once(sock, address)) == -EBUSY) {
		rc = gmb_sleep(pause);
		if (rc)
			return rc;
		if (pause < LONGEST_PAUSE)
			pause *= 2;
	}
	return rc;
}

int gmb_connect(struct gmb_socket *sock, const struct gmb_address *address)
{
	int family = address->storage.ss_family;
	int fd, rc;

	gmb__socket_clear(sock);
	rc = gmb__socket_in_task();
	if (rc)
		return rc;
	if (!address->len || (family != AF_UNIX && family != AF_INET &&
			      family != AF_INET6))
		return -EAFNOSUPPORT;
	fd = gmb__socket_make(family);
	if (fd < 0)
		return fd;
	rc = gmb__socket_adopt(sock, fd, family == AF_UNIX);
	if (rc)
		return rc;
	if (family != AF_UNIX)
		rc = gmb__socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (!rc)
		rc = (int)connect_patiently(sock, address);
	if (rc)
		gmb_socket_close(sock);
	return rc;
}

int gmb_tcp_connect(struct gmb_socket *sock, const char *host, uint16_t port)
{
	struct gmb_address addresses[ADDRESSES_MAX];
	int i, n, rc = 0;

	gmb__socket_clear(sock);
	rc = gmb_address_parse(&addresses[0], host, port);
	if (!rc && host)
		return gmb_connect(sock, &addresses[0]);
	n = gmb_resolve(host, port, addresses, ADDRESSES_MAX);
	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		rc = gmb_connect(sock, &addresses[i]);
		if (!rc || rc == -ECANCELED)
			break;
	}
	return rc;
}

int gmb_unix_connect(struct gmb_socket *sock, const char *path)
{
	struct gmb_address address;
	int rc;

	gmb__socket_clear(sock);
	rc = gmb_address_unix(&address, path);
	return rc ? rc : gmb_connect(sock, &address);
}
