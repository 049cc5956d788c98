/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Listening and accepting.
 *
 * Linux copies TCP_NODELAY from a listener to its connections, so it is set
 * once and accepting costs one system call.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "io/file.h"
#include "io/socket.h"
#include "loop/loop.h"

#define BACKLOG_MAX	65535
#define ALL_FLAGS                                       \
	(GMB_LISTEN_REUSE_PORT | GMB_LISTEN_IPV6_ONLY | \
	 GMB_LISTEN_DELAY | GMB_LISTEN_REPLACE)

static const struct gmb_listen_opts no_opts;

static int set_tcp_options(int fd, int family, unsigned int flags)
{
	int rc;

	rc = gmb__socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!rc && flags & GMB_LISTEN_REUSE_PORT)
		rc = gmb__socket_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!rc && family == AF_INET6)
		rc = gmb__socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY,
				     !!(flags & GMB_LISTEN_IPV6_ONLY));
	if (!rc && !(flags & GMB_LISTEN_DELAY))
		rc = gmb__socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return rc;
}

static int start_listening(int fd, const struct gmb_address *address,
			   const struct gmb_listen_opts *opts)
{
	if (bind(fd, (const struct sockaddr *)&address->storage, address->len))
		return -errno;
	if (listen(fd, opts->backlog > 0 ? opts->backlog : BACKLOG_MAX))
		return -errno;
	return 0;
}

/* Returns a descriptor or -errno. */
static int listen_tcp(const struct gmb_address *address,
		      const struct gmb_listen_opts *opts)
{
	int family = address->storage.ss_family;
	int fd, rc;

	fd = gmb__socket_make(family);
	if (fd < 0)
		return fd;
	rc = set_tcp_options(fd, family, opts->flags);
	if (!rc)
		rc = start_listening(fd, address, opts);
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

/* As above; "every address" is IPv4's alone where there is no IPv6. */
static int listen_host(const char *host, uint16_t port,
		       const struct gmb_listen_opts *opts)
{
	struct gmb_address address;
	int rc;

	if (opts->flags & ~(unsigned int)ALL_FLAGS || opts->backlog < 0)
		return -EINVAL;
	rc = gmb_address_parse(&address, host, port);
	if (rc)
		return rc;
	rc = listen_tcp(&address, opts);
	if (host || (rc != -EAFNOSUPPORT && rc != -EADDRNOTAVAIL))
		return rc;
	rc = gmb_address_parse(&address, "0.0.0.0", port);
	return rc ? rc : listen_tcp(&address, opts);
}

int gmb_tcp_listen(struct gmb_socket *listener, const char *host, uint16_t port,
		   const struct gmb_listen_opts *opts)
{
	int fd, rc;

	gmb__socket_clear(listener);
	rc = gmb__socket_in_task();
	if (rc)
		return rc;
	fd = listen_host(host, port, opts ? opts : &no_opts);
	if (fd < 0)
		return fd;
	return gmb__socket_adopt(listener, fd, false);
}

static int port_of(int fd)
{
	struct gmb_address address = { .len = sizeof(address.storage) };

	if (getsockname(fd, (struct sockaddr *)&address.storage, &address.len))
		return -errno;
	return gmb_address_port(&address);
}

int gmb_tcp_listen_group(int *fds, unsigned int count, const char *host,
			 uint16_t port, const struct gmb_listen_opts *opts)
{
	struct gmb_listen_opts group = opts ? *opts : no_opts;
	unsigned int i;
	int rc = 0;

	if (!count)
		return -EINVAL;
	group.flags |= GMB_LISTEN_REUSE_PORT;
	for (i = 0; i < count; i++) {
		fds[i] = listen_host(host, port, &group);
		if (fds[i] < 0) {
			rc = fds[i];
			break;
		}
		rc = port_of(fds[i]);
		port = (uint16_t)rc;
	}
	if (rc >= 0)
		return 0;
	while (i--)
		close(fds[i]);
	return rc;
}

/* Is there a socket at this path to which nobody listens? */
static bool is_stale(const struct gmb_address *address)
{
	const struct sockaddr_un *un = (const void *)&address->storage;
	struct stat st;
	bool stale;
	int fd;

	if (!un->sun_path[0] || lstat(un->sun_path, &st) ||
	    !S_ISSOCK(st.st_mode))
		return false;
	fd = gmb__socket_make(AF_UNIX);
	if (fd < 0)
		return false;
	stale = connect(fd, (const void *)un, address->len) &&
		errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int listen_unix(const struct gmb_address *address,
		       const struct gmb_listen_opts *opts)
{
	const struct sockaddr_un *un = (const void *)&address->storage;
	int fd, rc;

	fd = gmb__socket_make(AF_UNIX);
	if (fd < 0)
		return fd;
	rc = start_listening(fd, address, opts);
	if (rc == -EADDRINUSE && opts->flags & GMB_LISTEN_REPLACE &&
	    is_stale(address) && !unlink(un->sun_path))
		rc = start_listening(fd, address, opts);
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

int gmb_unix_listen(struct gmb_socket *listener, const char *path,
		    const struct gmb_listen_opts *opts)
{
	struct gmb_address address;
	int fd, rc;

	gmb__socket_clear(listener);
	rc = gmb__socket_in_task();
	if (rc)
		return rc;
	if (!opts)
		opts = &no_opts;
	if (opts->flags & ~(unsigned int)ALL_FLAGS || opts->backlog < 0)
		return -EINVAL;
	rc = gmb_address_unix(&address, path);
	if (rc)
		return rc;
	fd = listen_unix(&address, opts);
	if (fd < 0)
		return fd;
	return gmb__socket_adopt(listener, fd, true);
}

int gmb__socket_accept(struct gmb_socket *listener, struct gmb_address *peer)
{
	struct gmb__op op = {
		.file = &listener->file,
		.code = GMB__OP_ACCEPT,
	};
	int fd;

	if (peer) {
		peer->len = 0;
		op.addr = (struct sockaddr *)&peer->storage;
		op.addrlen = sizeof(peer->storage);
	}
	fd = (int)gmb__op_run(&op);
	if (fd >= 0 && peer)
		peer->len = op.addrlen;
	return fd;
}

int gmb_accept(struct gmb_socket *listener, struct gmb_socket *sock,
	       struct gmb_address *peer)
{
	/* The listener may be closed and gone when the wait ends. */
	enum gmb__file_kind kind = listener->file.kind;
	int fd, rc;

	gmb__socket_clear(sock);
	fd = gmb__socket_accept(listener, peer);
	if (fd < 0)
		return fd;
	rc = gmb__file_open(&sock->file, fd, kind);
	if (rc)
		close(fd);
	return rc;
}
