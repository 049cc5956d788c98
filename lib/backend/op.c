/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Operations: how a task runs one, and how one is performed by plain system
 * calls.
 *
 * A file has one place for a reader and one for a writer. An operation takes
 * its place when the backend takes the operation, and gives it back when it is
 * finished or withdrawn; the loop counts those in between, because they are
 * what can wake it. READY may take both places.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>
#include "backend/backend.h"
#include "backend/op.h"
#include "loop/loop.h"

/* Performing */

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

static ssize_t do_receive(struct gmb__op *op)
{
	int flags = op->msg_flags | MSG_DONTWAIT;
	struct msghdr msg = { 0 };
	bool known;
	ssize_t n;

	if (gmb__likely(op->iovcnt == 1 &&
			(op->file->kind != GMB__FILE_UNIX ||
			 op->file->flags & GMB__FILE_LEVEL))) {
		n = recv(op->file->fd, op->iov->iov_base, op->iov->iov_len,
			 flags);
		note_drained(op, n, op->file->kind >= GMB__FILE_TCP);
		return n;
	}
	msg.msg_iov = op->iov;
	msg.msg_iovlen = (size_t)op->iovcnt;
	n = recvmsg(op->file->fd, &msg, flags);
	known = op->file->kind >= GMB__FILE_TCP;
	if (msg.msg_flags & MSG_CTRUNC)
		known = false;
	note_drained(op, n, known);
	return n;
}

static ssize_t do_send(struct gmb__op *op)
{
	int flags = op->msg_flags | MSG_DONTWAIT | MSG_NOSIGNAL;
	struct msghdr msg = { 0 };

	if (gmb__likely(op->iovcnt == 1))
		return send(op->file->fd, op->iov->iov_base, op->iov->iov_len,
			    flags);
	msg.msg_iov = op->iov;
	msg.msg_iovlen = (size_t)op->iovcnt;
	return sendmsg(op->file->fd, &msg, flags);
}

static ssize_t do_read(struct gmb__op *op)
{
	if (op->iovcnt == 1)
		return read(op->file->fd, op->iov->iov_base, op->iov->iov_len);
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

static inline ssize_t transfer(struct gmb__op *op)
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

intptr_t gmb__op_perform(struct gmb__op *op)
{
	ssize_t n;

	switch (op->code) {
	case GMB__OP_READY:
		return do_ready(op);
	case GMB__OP_ACCEPT:
		return do_accept(op);
	case GMB__OP_CONNECT:
		return do_connect(op);
	}
	for (;;) {
		n = transfer(op);
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
	}
}

/* Running */

static const uint8_t wait_kinds[GMB__OP_COUNT] = {
	[GMB__OP_READY] = GMB_WAIT_READY,
	[GMB__OP_RECEIVE] = GMB_WAIT_READABLE,
	[GMB__OP_SEND] = GMB_WAIT_WRITABLE,
	[GMB__OP_READ] = GMB_WAIT_READABLE,
	[GMB__OP_WRITE] = GMB_WAIT_WRITABLE,
	[GMB__OP_ACCEPT] = GMB_WAIT_ACCEPT,
	[GMB__OP_CONNECT] = GMB_WAIT_CONNECT,
};

static inline bool wants_reader(const struct gmb__op *op)
{
	if (gmb__unlikely(op->code == GMB__OP_READY))
		return op->events & (POLLIN | POLLPRI | POLLRDHUP);
	return !gmb__op_writes(op);
}

static inline bool wants_writer(const struct gmb__op *op)
{
	if (gmb__unlikely(op->code == GMB__OP_READY))
		return op->events & POLLOUT;
	return gmb__op_writes(op);
}

static int why_unusable(const struct gmb_file *file)
{
	return file->loop ? -EXDEV : -EBADF;
}

/* The operation no longer occupies its file or the loop. */
static void release(struct gmb__op *op)
{
	struct gmb_file *file = op->file;

	op->flags &= (uint8_t)~GMB__OP_PARKED;
	gmb__loop->pending--;
	if (gmb__unlikely(!file))
		return;
	if (file->reader == op)
		file->reader = NULL;
	if (file->writer == op)
		file->writer = NULL;
}

static bool withdraw(struct gmb__wait *wait)
{
	struct gmb__op *op = gmb__entry(wait, struct gmb__op, wait);
	struct gmb_loop *loop = gmb__loop;

	if (loop->backend->withdraw(loop, op))
		return true;
	release(op);
	return false;
}

/* The operation has its places in the file, and the loop counts it. */
static inline void occupy(struct gmb__op *op, struct gmb__trap *trap)
{
	op->flags |= GMB__OP_PARKED;
	gmb__loop->pending++;
	gmb__trap_add(trap, &op->wait, withdraw);
}

static inline int start(struct gmb__op *op, struct gmb__trap *trap,
			intptr_t *result)
{
	struct gmb_loop *loop = gmb__loop;
	struct gmb_file *file = op->file;
	int rc;

	if (gmb__unlikely(file->loop != loop))
		return why_unusable(file);
	if (gmb__unlikely((wants_reader(op) && file->reader) ||
			  (wants_writer(op) && file->writer)))
		return -EBUSY;
	rc = loop->backend->start(loop, op, result);
	if (rc)
		return rc;
	if (wants_reader(op))
		file->reader = op;
	if (wants_writer(op))
		file->writer = op;
	occupy(op, trap);
	return 0;
}

static inline intptr_t park(struct gmb__op *op, struct gmb__trap *trap)
{
	struct gmb_row *row = &gmb__loop->current->row;
	intptr_t result;

	row->wait_fd = op->file->fd;
	result = gmb__trap_park(trap, wait_kinds[op->code], op->file,
				op->events);
	row->wait_fd = -1;
	return result;
}

int gmb__op_start(struct gmb__op *op, struct gmb__trap *trap, intptr_t *result)
{
	return start(op, trap, result);
}

intptr_t gmb__op_run(struct gmb__op *op)
{
	struct gmb__trap trap;
	intptr_t result;
	int rc;

	rc = gmb__trap_init(&trap);
	if (gmb__unlikely(rc))
		return rc;
	rc = start(op, &trap, &result);
	if (rc == 0)
		return park(op, &trap);
	if (gmb__unlikely(rc < 0))
		return rc;
	if (gmb__likely(result >= 0))
		gmb__pass();
	return result;
}

/* Hand over both at once. Return: as start(). */
static int start_pair(struct gmb__op *send, struct gmb__op *receive,
		      struct gmb__trap *trap)
{
	struct gmb_loop *loop = gmb__loop;
	struct gmb_file *file = receive->file;
	int rc;

	if (gmb__unlikely(file->loop != loop))
		return why_unusable(file);
	if (gmb__unlikely(file->reader || file->writer))
		return -EBUSY;
	rc = loop->backend->start_pair(loop, send, receive);
	if (rc)
		return rc;
	file->reader = receive;
	file->writer = receive;
	occupy(receive, trap);
	return 0;
}

intptr_t gmb__op_run_pair(struct gmb__op *send, struct gmb__op *receive)
{
	struct gmb__trap trap;
	intptr_t result;
	int rc;

	rc = gmb__trap_init(&trap);
	if (gmb__unlikely(rc))
		return rc;
	if (gmb__loop->backend->start_pair) {
		rc = start_pair(send, receive, &trap);
		if (rc == 0)
			return park(receive, &trap);
		if (rc != -ENOTSUP)
			return rc;
	}
	if (gmb__unlikely(receive->file->reader))
		return receive->file->loop == gmb__loop ? -EBUSY : -EXDEV;
	rc = start(send, &trap, &result);
	if (rc == 0)
		result = park(send, &trap);
	else if (gmb__unlikely(rc < 0))
		return rc;
	if (gmb__unlikely(result < 0))
		return result;
	return gmb__op_run(receive);
}

intptr_t gmb__op_run_nothing(struct gmb_file *file)
{
	struct gmb__trap trap;
	int rc;

	rc = gmb__trap_init(&trap);
	if (rc)
		return rc;
	if (file->loop != gmb__loop)
		return why_unusable(file);
	gmb__pass();
	return 0;
}

void gmb__op_finish(struct gmb__op *op, intptr_t result)
{
	release(op);
	gmb__wait_complete(&op->wait, result);
}

static void evict(struct gmb__op *op, intptr_t reason)
{
	struct gmb_file *file = op->file;

	gmb__trap_abort(op->wait.trap, reason);
	if (file->reader == op)
		file->reader = NULL;
	if (file->writer == op)
		file->writer = NULL;
	op->file = NULL;
}

void gmb__op_evict(struct gmb_file *file, intptr_t reason)
{
	if (file->reader)
		evict(file->reader, reason);
	if (file->writer)
		evict(file->writer, reason);
}
