/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Operations: how one is performed by plain system calls.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>
#include "backend/op.h"
#include "loop/loop.h"

/* What one attempt moves at most, give or take a system call: some 100 µs. */
#define BURST	((size_t)1 << 20)

static size_t asked_for(const struct gmb__op *op)
{
	size_t sum = op->iov[0].iov_len;
	int i;

	for (i = 1; i < op->iovcnt && sum < GMB__OP_LEN_MAX; i++)
		sum += op->iov[i].iov_len;
	return sum < GMB__OP_LEN_MAX ? sum : GMB__OP_LEN_MAX;
}

/*
 * A stream that gave less than it was asked for has nothing left, so trying
 * again would only return EAGAIN. Not so a unix stream that carries
 * descriptors: it stops behind each of them. Where that would not be told again
 * by the poll it takes a recvmsg(), which is slower and says MSG_CTRUNC, since
 * there is no room for a descriptor. Out-of-band data is the business of
 * whoever polls.
 */
static inline void note_drained(struct gmb__op *op, ssize_t n, bool known)
{
	if (known && n > 0 && (size_t)n < asked_for(op) && !op->msg_flags)
		op->flags |= GMB__OP_DRAINED;
	else
		op->flags &= (uint8_t)~GMB__OP_DRAINED;
}

static __attribute__((noinline)) ssize_t do_receive_message(struct gmb__op *op)
{
	struct msghdr msg = { 0 };
	ssize_t n;

	msg.msg_iov = op->iov;
	msg.msg_iovlen = (size_t)op->iovcnt;
	n = recvmsg(op->file->fd, &msg, op->msg_flags | MSG_DONTWAIT);
	note_drained(op, n, op->file->kind >= GMB__FILE_TCP &&
				    !(msg.msg_flags & MSG_CTRUNC));
	return n;
}

static gmb__always_inline ssize_t do_receive(struct gmb__op *op)
{
	const struct gmb_file *file = op->file;
	ssize_t n;

	if (gmb__unlikely(op->iovcnt != 1 ||
			  (file->kind == GMB__FILE_UNIX &&
			   !(file->flags & GMB__FILE_LEVEL))))
		return do_receive_message(op);
	n = recv(file->fd, op->iov->iov_base, op->iov->iov_len,
		 op->msg_flags | MSG_DONTWAIT);
	note_drained(op, n, file->kind >= GMB__FILE_TCP);
	return n;
}

static __attribute__((noinline)) ssize_t do_send_message(struct gmb__op *op)
{
	struct msghdr msg = { 0 };

	msg.msg_iov = op->iov;
	msg.msg_iovlen = (size_t)op->iovcnt;
	return sendmsg(op->file->fd, &msg,
		       op->msg_flags | MSG_DONTWAIT | MSG_NOSIGNAL);
}

static gmb__always_inline ssize_t do_send(struct gmb__op *op)
{
	if (gmb__unlikely(op->iovcnt != 1))
		return do_send_message(op);
	return send(op->file->fd, op->iov->iov_base, op->iov->iov_len,
		    op->msg_flags | MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * How much a call is asked for that others may follow. Not one that writes: a
 * file may take what it is given as one record.
 */
static size_t one_burst(const struct gmb__op *op)
{
	size_t len = op->iov->iov_len;

	return op->flags & GMB__OP_ALL && len > BURST ? BURST : len;
}

static ssize_t do_read(struct gmb__op *op)
{
	if (op->iovcnt == 1)
		return read(op->file->fd, op->iov->iov_base, one_burst(op));
	return readv(op->file->fd, op->iov, op->iovcnt);
}

static ssize_t do_write(struct gmb__op *op)
{
	if (op->iovcnt == 1)
		return write(op->file->fd, op->iov->iov_base, op->iov->iov_len);
	return writev(op->file->fd, op->iov, op->iovcnt);
}

static intptr_t do_ready(struct gmb__op *op)
{
	struct pollfd poller = {
		.fd = op->file->fd,
		.events = (short)op->events,
	};
	int n;

	do
		n = poll(&poller, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n ? poller.revents : -EAGAIN;
}

bool gmb__op_is_peers_error(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return true;
	}
	return false;
}

static intptr_t do_accept(struct gmb__op *op)
{
	socklen_t len = op->addrlen;
	int fd;

	do {
		op->addrlen = len;
		fd = accept4(op->file->fd, op->addr,
			     op->addr ? &op->addrlen : NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (fd < 0 && gmb__op_is_peers_error(errno));
	return fd < 0 ? -errno : fd;
}

/*
 * Asking again is how one learns how a connect ended: the first call after that
 * returns 0 or the error.
 */
static intptr_t do_connect(struct gmb__op *op)
{
	if (connect(op->file->fd, op->addr, op->addrlen) == 0)
		return 0;
	switch (errno) {
	case EISCONN:
		return op->flags & GMB__OP_STARTED ? 0 : -EISCONN;
	case EINTR:
	case EINPROGRESS:
	case EALREADY:
		op->flags |= GMB__OP_STARTED;
		return -EAGAIN;
	case EAGAIN:
		/* No event will tell when there is room: not to be parked. */
		if (op->addr->sa_family == AF_UNIX)
			return -EBUSY;
		return -EADDRNOTAVAIL;
	}
	return -errno;
}

bool gmb__op_advance(struct gmb__op *op, size_t n)
{
	bool end = n == 0;

	op->done += n;
	while (op->iovcnt > 0 && n >= op->iov->iov_len) {
		n -= op->iov->iov_len;
		op->iov++;
		op->iovcnt--;
	}
	if (op->iovcnt > 0) {
		op->iov->iov_base = (char *)op->iov->iov_base + n;
		op->iov->iov_len -= n;
	}
	return end || op->iovcnt == 0;
}

static ssize_t transfer(struct gmb__op *op)
{
	switch (op->code) {
	case GMB__OP_RECEIVE:
		return do_receive(op);
	case GMB__OP_SEND:
		return do_send(op);
	case GMB__OP_READ:
		return do_read(op);
	default:
		return do_write(op);
	}
}

/* All that there is to say after a call has moved @n bytes, or failed. */
static intptr_t go_on(struct gmb__op *op, ssize_t n)
{
	size_t sum = 0;

	for (;; n = transfer(op)) {
		if (gmb__unlikely(n < 0)) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!(op->flags & GMB__OP_ALL))
			return n;
		if (gmb__op_advance(op, (size_t)n))
			return (intptr_t)op->done;
		if (op->flags & GMB__OP_DRAINED)
			return -EAGAIN;
		/* A peer that keeps up would keep us here. */
		sum += (size_t)n;
		if (gmb__unlikely(sum >= BURST))
			return GMB__OP_PAUSED;
	}
}

static __attribute__((noinline)) intptr_t perform_other(struct gmb__op *op)
{
	switch (op->code) {
	case GMB__OP_READY:
		return do_ready(op);
	case GMB__OP_ACCEPT:
		return do_accept(op);
	case GMB__OP_CONNECT:
		return do_connect(op);
	}
	return go_on(op, transfer(op));
}

intptr_t gmb__op_perform(struct gmb__op *op)
{
	ssize_t n;

	if (op->code == GMB__OP_RECEIVE)
		n = do_receive(op);
	else if (gmb__likely(op->code == GMB__OP_SEND))
		n = do_send(op);
	else
		return perform_other(op);
	/* The usual ends, in short. */
	if (gmb__likely(n > 0)) {
		if (!(op->flags & GMB__OP_ALL))
			return n;
		if (op->iovcnt == 1 && (size_t)n == op->iov->iov_len)
			return (intptr_t)(op->done += (size_t)n);
	}
	return go_on(op, n);
}
