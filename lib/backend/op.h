/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * A resource operation: what a task wants done with a descriptor.
 *
 * It lives on the stack of the task that waits for it and begins with the wait
 * that the trap knows. Whoever catches it performs it as soon as it can:
 * gmb__op_perform() does so by a system call that does not block; a backend may
 * have a better way (an SQE, the module's trap).
 */
#ifndef GMB_BACKEND_OP_H
#define GMB_BACKEND_OP_H

#include <sys/socket.h>
#include <sys/uio.h>
#include <giambio/file.h>
#include "loop/trap.h"

enum gmb__op_code {
	GMB__OP_READY,		/* wait for poll events */
	GMB__OP_RECEIVE,	/* recv, recvmsg */
	GMB__OP_SEND,		/* send, sendmsg */
	GMB__OP_READ,		/* read, readv */
	GMB__OP_WRITE,		/* write, writev */
	GMB__OP_ACCEPT,		/* accept4; the result is the descriptor */
	GMB__OP_CONNECT,	/* connect */
	GMB__OP_COUNT,
};

enum gmb__op_flags {
	GMB__OP_ALL = 1 << 0,	/* SEND, WRITE: until all bytes are out */
	GMB__OP_STARTED = 1 << 1,	/* CONNECT: the kernel is at it */
	GMB__OP_PARKED = 1 << 2,	/* the backend has it */
};

/**
 * struct gmb__op - see above
 * @wait:      must be first
 * @file:      what it is done with
 * @code:      enum gmb__op_code
 * @flags:     enum gmb__op_flags
 * @events:    READY: the poll events wanted
 * @msg_flags: RECEIVE, SEND: MSG_* flags beside MSG_DONTWAIT, MSG_NOSIGNAL
 * @iov:       the buffers that are left to fill or to empty; points to @one for
 *	a single buffer; a partial SEND or WRITE with ALL moves it on
 * @iovcnt:    how many
 * @one:       room for a single buffer
 * @done:      bytes that went out so far (ALL)
 * @addr:      ACCEPT: [out] the peer, may be NULL; CONNECT: the peer
 * @addrlen:   ACCEPT: [in,out] size of @addr; CONNECT: its length
 * @cookie:    the backend's own
 */
struct gmb__op {
	struct gmb__wait wait;
	struct gmb_file *file;
	uint8_t code;
	uint8_t flags;
	uint16_t events;
	int msg_flags;
	struct iovec *iov;
	int iovcnt;
	socklen_t addrlen;
	struct iovec one;
	size_t done;
	struct sockaddr *addr;
	uint64_t cookie;
};

/* The direction that an operation occupies in its file: reader or writer. */
static inline bool gmb__op_writes(const struct gmb__op *op)
{
	return op->code == GMB__OP_SEND || op->code == GMB__OP_WRITE ||
	       op->code == GMB__OP_CONNECT;
}

/**
 * gmb__op_perform() - do it now, by system calls that do not block
 * @op: not parked
 *
 * EINTR is retried. With ALL it goes on until everything is out or the
 * descriptor takes no more; @done and @iov say how far it got.
 *
 * Return: what the system call returned (with ALL: @done at the end); -EAGAIN
 *	it must wait; -errno.
 */
intptr_t gmb__op_perform(struct gmb__op *op);

/**
 * gmb__op_run() - do it, suspending the calling task if it must wait
 * @op: filled in but for @wait; on the caller's stack
 *
 * Checks the file (-EBADF, -EXDEV), takes its direction (-EBUSY), starts the
 * operation with the backend, parks, and makes the scheduling point when it
 * did not have to park. Cancellation point.
 *
 * Return: the operation's result, or -errno; -ECANCELED: it did not happen
 *	(with ALL: @done bytes did go out).
 */
intptr_t gmb__op_run(struct gmb__op *op);

/**
 * gmb__op_start() - begin an operation as one wait of a trap
 * @op:     as for gmb__op_run(); a select may use READY only
 * @trap:   initialised, not parked
 * @result: [out] the result if it is done already
 *
 * Return: 1 done, @result holds it; 0 started and added to the trap; -errno.
 */
int gmb__op_start(struct gmb__op *op, struct gmb__trap *trap, intptr_t *result);

/**
 * gmb__op_finish() - a backend says that an operation is over
 * @op:     started and not done; the backend no longer knows it
 * @result: >= 0 or -errno; -ECANCELED only if it was withdrawn
 *
 * Frees the file's direction and completes the wait.
 */
void gmb__op_finish(struct gmb__op *op, intptr_t result);

#endif
