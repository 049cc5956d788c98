/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>
#include "io/file.h"
#include "io/socket.h"
#include "io/transfer.h"
#include "loop/loop.h"

/* Opening and closing */

int gmb__socket_in_task(void)
{
	return gmb__loop && gmb__loop->current ? 0 : -EPERM;
}

void gmb__socket_clear(struct gmb_socket *sock)
{
	sock->file = (struct gmb_file){ .fd = -1 };
}

int gmb__socket_make(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int gmb__socket_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

int gmb__socket_adopt(struct gmb_socket *sock, int fd, bool is_unix)
{
	int rc = gmb__file_open(&sock->file, fd,
				is_unix ? GMB__FILE_UNIX : GMB__FILE_TCP);

	if (rc)
		close(fd);
	return rc;
}

int gmb_socket_pair(struct gmb_socket *one, struct gmb_socket *other)
{
	int fds[2], rc;

	gmb__socket_clear(one);
	gmb__socket_clear(other);
	rc = gmb__socket_in_task();
	if (rc)
		return rc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       fds))
		return -errno;
	rc = gmb__socket_adopt(one, fds[0], true);
	if (rc) {
		close(fds[1]);
		return rc;
	}
	rc = gmb__socket_adopt(other, fds[1], true);
	if (rc)
		gmb_socket_close(one);
	return rc;
}

int gmb_socket_wrap(struct gmb_socket *sock, int fd)
{
	struct stat st;

	gmb__socket_clear(sock);
	if (gmb__socket_in_task())
		return -EPERM;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	return gmb_file_wrap(&sock->file, fd);
}

int gmb_socket_shutdown(struct gmb_socket *sock, int how)
{
	int rc = gmb__file_check(&sock->file);
	const struct gmb__op *writer;

	if (rc)
		return rc;
	if (shutdown(sock->file.fd, how))
		return -errno;
	/* poll() does not tell it of a unix socket that has no room. */
	writer = sock->file.writer;
	if (how != SHUT_RD && writer && writer->code == GMB__OP_SEND)
		gmb__trap_abort(writer->wait.trap, -EPIPE);
	return 0;
}

int gmb_socket_close(struct gmb_socket *sock)
{
	return gmb_file_close(&sock->file);
}

int gmb_socket_release(struct gmb_socket *sock)
{
	return gmb_file_release(&sock->file);
}

/* Looking */

int gmb_socket_fd(const struct gmb_socket *sock)
{
	return gmb_file_fd(&sock->file);
}

int gmb_socket_local(const struct gmb_socket *sock,
		     struct gmb_address *address)
{
	int fd = gmb_socket_fd(sock);

	address->len = sizeof(address->storage);
	if (fd >= 0 && !getsockname(fd, (struct sockaddr *)&address->storage,
				    &address->len))
		return 0;
	address->len = 0;
	return fd < 0 ? fd : -errno;
}

int gmb_socket_peer(const struct gmb_socket *sock,
		    struct gmb_address *address)
{
	int fd = gmb_socket_fd(sock);

	address->len = sizeof(address->storage);
	if (fd >= 0 && !getpeername(fd, (struct sockaddr *)&address->storage,
				    &address->len))
		return 0;
	address->len = 0;
	return fd < 0 ? fd : -errno;
}

int gmb_socket_set_nodelay(struct gmb_socket *sock, int on)
{
	int fd = gmb_socket_fd(sock);

	if (fd < 0)
		return fd;
	return gmb__socket_set(fd, IPPROTO_TCP, TCP_NODELAY, !!on);
}

/* Moving bytes */

ssize_t gmb_receive(struct gmb_socket *sock, void *buf, size_t len)
{
	return gmb__transfer_some(&sock->file, GMB__OP_RECEIVE, buf, len);
}

ssize_t gmb_receivev(struct gmb_socket *sock, const struct iovec *iov,
		     int count)
{
	return gmb__transfer_some_v(&sock->file, GMB__OP_RECEIVE, iov, count);
}

int gmb_receive_exactly(struct gmb_socket *sock, void *buf, size_t len,
			size_t *got)
{
	return gmb__transfer_all(&sock->file, GMB__OP_RECEIVE, buf, len, got);
}

ssize_t gmb_send(struct gmb_socket *sock, const void *buf, size_t len)
{
	return gmb__transfer_some(&sock->file, GMB__OP_SEND, buf, len);
}

ssize_t gmb_sendv(struct gmb_socket *sock, const struct iovec *iov, int count)
{
	return gmb__transfer_some_v(&sock->file, GMB__OP_SEND, iov, count);
}

int gmb_send_all(struct gmb_socket *sock, const void *buf, size_t len,
		 size_t *put)
{
	return gmb__transfer_all(&sock->file, GMB__OP_SEND, buf, len, put);
}

int gmb_sendv_all(struct gmb_socket *sock, const struct iovec *iov, int count,
		  size_t *put)
{
	return gmb__transfer_all_v(&sock->file, GMB__OP_SEND, iov, count, put);
}

ssize_t gmb_exchange(struct gmb_socket *sock, const void *out, size_t out_len,
		     void *in, size_t in_len)
{
	if (gmb__unlikely(!out_len))
		return gmb_receive(sock, in, in_len);
	if (gmb__unlikely(!in_len))
		return gmb_send_all(sock, out, out_len, NULL);
	return gmb__op_run_pair(&sock->file, out, out_len, in, in_len);
}
