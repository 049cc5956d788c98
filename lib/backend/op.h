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

/* First those that read, then those that write; transfers in the middle. */
enum gmb__op_code {
	GMB__OP_READY,		/* wait for poll events */
	GMB__OP_ACCEPT,		/* accept4; the result is the descriptor */
	GMB__OP_RECEIVE,	/* recv, recvmsg */
	GMB__OP_READ,		/* read, readv */
	GMB__OP_SEND,		/* send, sendmsg */
	GMB__OP_WRITE,		/* write, writev */
	GMB__OP_CONNECT,	/* connect */
	GMB__OP_COUNT,
};

enum gmb__op_flags {
	GMB__OP_ALL = 1 << 0,	/* until all is through or the file ends */
	GMB__OP_STARTED = 1 << 1,	/* CONNECT: the kernel is at it */
	GMB__OP_PARKED = 1 << 2,	/* the backend has it */
	GMB__OP_DRAINED = 1 << 3,	/* [out] short read: it is empty */
	GMB__OP_PLAIN = 1 << 4,		/* the backend's own, as are these: */
	GMB__OP_PAIR = 1 << 5,
	GMB__OP_WITHDRAWN = 1 << 6,
	GMB__OP_REFUSED = 1 << 7,	/* PAIR: see start_pair() */
};

/* What is known of a descriptor; gmb_file.kind. */
enum gmb__file_kind {
	GMB__FILE_OTHER,	/* read, write */
	GMB__FILE_SOCKET,	/* recv, send; nothing more is known */
	GMB__FILE_TCP,		/* a short recv means that it is empty */
	GMB__FILE_UNIX,		/* likewise, but for descriptors in flight */
};

/* gmb_file.flags */
enum gmb__file_flags {
	GMB__FILE_LEVEL = 1 << 0,	/* what a read leaves is told again */
};

/* The most that one system call moves, whatever it is asked for. */
#define GMB__OP_LEN_MAX		((size_t)0x7ffff000)

/**
 * struct gmb__op - see above
 * @wait:      must be first
 * @file:      what it is done with; NULL once it was closed under the operation
 * @code:      enum gmb__op_code
 * @flags:     enum gmb__op_flags
 * @events:    READY: the poll events wanted
 * @msg_flags: RECEIVE, SEND: MSG_* flags beside MSG_DONTWAIT, MSG_NOSIGNAL
 * @iov:       the buffers that are left to fill or to empty; points to @one for
 *	a single buffer; with ALL it is the operation's to change, and moves on
 * @iovcnt:    how many
 * @one:       room for a single buffer
 * @done:      bytes that are through so far (ALL)
 * @addr:      ACCEPT: [out] the peer, may be NULL; CONNECT: the peer
 * @addrlen:   ACCEPT: [in,out] size of @addr; CONNECT: its length
 * @cookie:    the backend's own
 * @slack:     the backend's own: how long the completion may be held back, ns
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
	uint32_t slack;
};

/*
 * Not the end of an operation with ALL: it has moved much, and others come
 * first. No -errno is as low.
 */
#define GMB__OP_PAUSED		(-(intptr_t)4096)

/* The direction that an operation occupies in its file: reader or writer. */
static inline bool gmb__op_writes(const struct gmb__op *op)
{
	return op->code >= GMB__OP_SEND;
}

static inline bool gmb__file_is_socket(const struct gmb_file *file)
{
	return file->kind != GMB__FILE_OTHER;
}

/* Make an operation that moves bytes to or from one buffer. */
static inline void gmb__op_init_one(struct gmb__op *op, struct gmb_file *file,
				    enum gmb__op_code code, const void *buf,
				    size_t len)
{
	op->file = file;
	op->code = (uint8_t)code;
	op->flags = 0;
	op->events = 0;
	op->msg_flags = 0;
	op->iov = &op->one;
	op->iovcnt = 1;
	op->one.iov_base = (void *)(uintptr_t)buf;
	op->one.iov_len = len;
	op->done = 0;
	op->addr = NULL;
}

/**
 * gmb__op_perform() - do it now, by system calls that do not block
 * @op: not parked
 *
 * EINTR is retried. With ALL it goes on until everything is through or the
 * descriptor gives or takes no more; @done and @iov say how far it got. READY
 * is a poll() with no timeout. CONNECT to a unix listener whose queue is full
 * is -EBUSY, since no event tells when there is room.
 *
 * Return: what the system call returned (with ALL: @done at the end); -EAGAIN
 *	it must wait; %GMB__OP_PAUSED, with ALL: it need not, but has moved
 *	enough for one time; -errno.
 */
intptr_t gmb__op_perform(struct gmb__op *op);

/**
 * gmb__op_advance() - count bytes that were moved for an operation with ALL
 * @op: RECEIVE, SEND, READ or WRITE
 * @n:  bytes, 0 at the end of the file
 *
 * Return: true when the operation is over; its result is @done.
 */
bool gmb__op_advance(struct gmb__op *op, size_t n);

/**
 * gmb__op_is_peers_error() - is an error of accept() only the connection's
 * @error: errno
 *
 * Linux hands errors of the new connection to accept(); they say nothing of the
 * listener, so the next connection is to be tried.
 *
 * Return: true: accept again.
 */
bool gmb__op_is_peers_error(int error);

/**
 * gmb__op_run() - do it, suspending the calling task if it must wait
 * @op: filled in but for @wait; on the caller's stack
 *
 * Checks the file (-EBADF, -EXDEV), takes its direction (-EBUSY), starts the
 * operation with the backend, parks, and makes the scheduling point when it
 * did not have to park. Cancellation point.
 *
 * Return: the operation's result, or -errno; -ECANCELED: it did not happen
 *	(with ALL: @done bytes are through).
 */
intptr_t gmb__op_run(struct gmb__op *op);

/**
 * gmb__op_run_pair() - send, then receive, with no scheduling point between
 * @file:    a socket; checked as by gmb__op_run()
 * @out:     what is sent, all of it
 * @out_len: its length, not 0
 * @in:      [out] what is received
 * @in_len:  at most so many bytes, not 0
 *
 * Return: the result of the RECEIVE; an error of either.
 */
intptr_t gmb__op_run_pair(struct gmb_file *file, const void *out,
			  size_t out_len, void *in, size_t in_len);

/**
 * gmb__op_run_nothing() - what an operation of no bytes does
 * @file: checked as by gmb__op_run()
 *
 * Return: 0 after a cancellation and scheduling point; -errno.
 */
intptr_t gmb__op_run_nothing(struct gmb_file *file);

/**
 * gmb__op_start() - begin an operation as one wait of a trap
 * @op:     as for gmb__op_run(); a select may use READY only
 * @trap:   initialised, not parked
 * @result: [out] the result if it is done already
 *
 * Return: 1 done, @result holds it; 0 started and added to the trap; -errno.
 */
int gmb__op_start(struct gmb__op *op, struct gmb__trap *trap, intptr_t *result);

/* The operation no longer occupies its file or the loop. */
static inline void gmb__op_release(struct gmb__op *op)
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

/**
 * gmb__op_finish() - a backend says that an operation is over
 * @op:     started and not done; the backend no longer knows it
 * @result: >= 0 or -errno; -ECANCELED only if it was withdrawn
 *
 * Frees the file's direction and completes the wait.
 */
static inline void gmb__op_finish(struct gmb__op *op, intptr_t result)
{
	gmb__op_release(op);
	if (gmb__likely(op->wait.trap->state == GMB__TRAP_OPEN))
		gmb__wait_grant(&op->wait, result);
	else
		gmb__wait_complete(&op->wait, result);
}

/* It is paused: its task goes on with it, and it keeps its places. */
static inline void gmb__op_pause(struct gmb__op *op)
{
	gmb__wait_grant(&op->wait, GMB__OP_PAUSED);
}

/* Is it still waited for? Not if it is paused and its task has not run yet. */
static inline bool gmb__op_is_parked(const struct gmb__op *op)
{
	return gmb__likely(op->wait.trap->state == GMB__TRAP_OPEN);
}

/**
 * gmb__op_evict() - end the operations that are parked on a file
 * @file:   about to be closed
 * @reason: what their tasks get
 *
 * They no longer know the file afterwards, so its memory may go, also if the
 * backend still holds them.
 */
void gmb__op_evict(struct gmb_file *file, intptr_t reason);

#endif
