/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>
#include "backend/backend.h"
#include "io/file.h"
#include "io/transfer.h"
#include "loop/loop.h"

#define READY_EVENTS	(POLLIN | POLLOUT | POLLPRI | POLLRDHUP)

/* Opening */

static int socket_option(int fd, int name)
{
	socklen_t len = sizeof(int);
	int value;

	if (getsockopt(fd, SOL_SOCKET, name, &value, &len))
		return -1;
	return value;
}

enum gmb__file_kind gmb__file_socket_kind(int fd)
{
	if (socket_option(fd, SO_TYPE) != SOCK_STREAM)
		return GMB__FILE_SOCKET;
	switch (socket_option(fd, SO_DOMAIN)) {
	case AF_UNIX:
		return GMB__FILE_UNIX;
	case AF_INET:
	case AF_INET6:
		if (socket_option(fd, SO_PROTOCOL) == IPPROTO_TCP)
			return GMB__FILE_TCP;
	}
	return GMB__FILE_SOCKET;
}

/* Only epoll itself says of a device or a regular file whether it can wait. */
static int check_pollable(int fd)
{
	struct epoll_event event = { 0 };
	int probe, rc = 0;

	probe = epoll_create1(EPOLL_CLOEXEC);
	if (probe < 0)
		return -errno;
	if (epoll_ctl(probe, EPOLL_CTL_ADD, fd, &event))
		rc = -errno;
	close(probe);
	return rc;
}

static int find_kind(int fd, enum gmb__file_kind *kind)
{
	struct stat st;

	*kind = GMB__FILE_OTHER;
	if (fstat(fd, &st))
		return -errno;
	if (S_ISFIFO(st.st_mode))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return check_pollable(fd);
	*kind = gmb__file_socket_kind(fd);
	return 0;
}

int gmb__file_open(struct gmb_file *file, int fd, enum gmb__file_kind kind)
{
	struct gmb_loop *loop = gmb__loop;
	int rc;

	if (!loop)
		return -EPERM;
	*file = (struct gmb_file){
		.loop = loop,
		.fd = fd,
		.kind = (uint8_t)kind,
	};
	rc = loop->backend->attach(loop, file);
	if (rc)
		*file = (struct gmb_file){ .fd = -1 };
	return rc;
}

static void forget(struct gmb_file *file)
{
	file->loop = NULL;
	file->fd = -1;
}

int gmb_file_wrap(struct gmb_file *file, int fd)
{
	enum gmb__file_kind kind;
	int flags, rc;

	*file = (struct gmb_file){ .fd = -1 };
	if (!gmb__loop || !gmb__loop->current)
		return -EPERM;
	rc = find_kind(fd, &kind);
	if (rc)
		return rc;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -errno;
	rc = gmb__file_open(file, fd, kind);
	if (rc || flags & O_NONBLOCK)
		return rc;
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK)) {
		rc = -errno;
		gmb__loop->backend->detach(gmb__loop, file);
		forget(file);
	}
	return rc;
}

/* Closing */

int gmb__file_check(const struct gmb_file *file)
{
	if (!file->loop)
		return -EBADF;
	return file->loop == gmb__loop ? 0 : -EXDEV;
}

int gmb_file_close(struct gmb_file *file)
{
	int fd = file->fd;

	if (!file->loop)
		return -EBADF;
	if (gmb__loop) {
		if (file->loop != gmb__loop)
			return -EXDEV;
		/* A hook that is told of its tasks may close it, too. */
		file->loop = NULL;
		gmb__op_evict(file, -EBADF);
		gmb__loop->backend->detach(gmb__loop, file);
	}
	forget(file);
	close(fd);
	return 0;
}

int gmb_file_release(struct gmb_file *file)
{
	int fd = file->fd;
	int rc;

	rc = gmb__file_check(file);
	if (rc)
		return rc;
	if (file->reader || file->writer)
		return -EBUSY;
	gmb__loop->backend->detach(gmb__loop, file);
	forget(file);
	return fd;
}

int gmb_file_fd(const struct gmb_file *file)
{
	return file->loop ? file->fd : -EBADF;
}

/* Moving bytes */

ssize_t gmb_read(struct gmb_file *file, void *buf, size_t len)
{
	return gmb__transfer_some(file, GMB__OP_READ, buf, len);
}

ssize_t gmb_readv(struct gmb_file *file, const struct iovec *iov, int count)
{
	return gmb__transfer_some_v(file, GMB__OP_READ, iov, count);
}

int gmb_read_exactly(struct gmb_file *file, void *buf, size_t len, size_t *got)
{
	return gmb__transfer_all(file, GMB__OP_READ, buf, len, got);
}

ssize_t gmb_write(struct gmb_file *file, const void *buf, size_t len)
{
	return gmb__transfer_some(file, GMB__OP_WRITE, buf, len);
}

ssize_t gmb_writev(struct gmb_file *file, const struct iovec *iov, int count)
{
	return gmb__transfer_some_v(file, GMB__OP_WRITE, iov, count);
}

int gmb_write_all(struct gmb_file *file, const void *buf, size_t len,
		  size_t *put)
{
	return gmb__transfer_all(file, GMB__OP_WRITE, buf, len, put);
}

int gmb_ready(struct gmb_file *file, short events)
{
	struct gmb__op op = {
		.file = file,
		.code = GMB__OP_READY,
		.events = (uint16_t)events,
	};

	if (!events || events & ~READY_EVENTS)
		return -EINVAL;
	return (int)gmb__op_run(&op);
}
