/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Descriptors that a loop can wait for: pipes, terminals, eventfds, FIFOs,
 * character devices - anything that poll() takes. For sockets there is more in
 * <giambio/socket.h>. Regular files never make a task wait, so a file on a slow
 * disk blocks the loop's thread.
 */
#ifndef GIAMBIO_FILE_H
#define GIAMBIO_FILE_H

#include <sys/uio.h>
#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gmb__op;

/**
 * struct gmb_file - a descriptor and what a loop knows of it
 *
 * Caller's storage; all members are private. It belongs to the loop in which it
 * was opened and must stay where it is until gmb_file_close(). Using it after
 * that gives -EBADF for as long as the memory lives.
 */
struct gmb_file {
	/* private: */
	struct gmb_loop *loop;
	struct gmb__op *reader;		/* parked; one per direction */
	struct gmb__op *writer;
	int fd;				/* -1: closed */
	uint32_t slot;			/* the backend's name for it */
	uint8_t ready;			/* the backend's knowledge */
	uint8_t kind;			/* socket, stream, … */
	uint16_t flags;
};

/**
 * gmb_file_wrap() - hand a descriptor that the program opened to the loop
 * @file: [out] caller's storage
 * @fd:   a descriptor that poll() takes; is made non-blocking
 *
 * The descriptor belongs to the library from here on and is closed by
 * gmb_file_close(). Wrap each descriptor once: a second file of the same one
 * gets -EEXIST where it would have to wait (a dup() is another one). O_NONBLOCK
 * is a property of the open file, so processes that share it (a terminal, say)
 * see it, too.
 *
 * Context: task only. Never suspends.
 * Return: 0; -EPERM outside a task, or a descriptor that cannot be waited for
 *	(a regular file); -EBADF no such descriptor; -ENOMEM. On an error the
 *	descriptor is still the caller's.
 */
GMB_API GMB_MUST_CHECK int gmb_file_wrap(struct gmb_file *file, int fd);

/**
 * gmb_file_close() - close a descriptor
 * @file: open, closed, or zeroed
 *
 * Tasks that wait for it get -EBADF; they may find that out after this call has
 * returned, but no byte goes to or from them any more. Closing twice is
 * harmless.
 *
 * Context: any task or hook of the loop, and after the loop has ended. Never
 * suspends.
 * Return: 0; -EBADF it was closed before; -EXDEV it belongs to another loop,
 *	and nothing happened.
 */
GMB_API int gmb_file_close(struct gmb_file *file);

/**
 * gmb_file_release() - take a descriptor back from the loop
 * @file: open, with nobody waiting for it
 *
 * Context: task only. Never suspends.
 * Return: the descriptor, non-blocking, which is the caller's again; -EBADF
 *	closed; -EBUSY somebody waits for it; -EXDEV it belongs to another loop.
 */
GMB_API GMB_MUST_CHECK int gmb_file_release(struct gmb_file *file);

/**
 * gmb_file_fd() - the descriptor, to look at
 * @file: open or closed
 *
 * For setsockopt(), ioctl() and the like. Do not close it and do not make it
 * blocking.
 *
 * Context: any. Never suspends.
 * Return: the descriptor; -EBADF closed.
 */
GMB_API int gmb_file_fd(const struct gmb_file *file);

/**
 * gmb_read() - read some bytes
 * @file: open for reading
 * @buf:  [out] @len bytes
 * @len:  greater than 0 to wait for data
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: bytes read, at least 1; 0 at the end of the file, or if @len is 0;
 *	-ECANCELED and nothing was read; -EBUSY another task waits to read;
 *	-EBADF closed, also meanwhile; -EXDEV another loop's; -EPERM outside a
 *	task; -ENOMEM; errors of read().
 */
GMB_API GMB_MUST_CHECK ssize_t gmb_read(struct gmb_file *file, void *buf,
					size_t len);

/**
 * gmb_readv() - read some bytes into several buffers
 * @file:  open for reading
 * @iov:   [out] buffers, filled in order; must stay until return
 * @count: how many, 1 to IOV_MAX
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: as gmb_read(); -EINVAL a bad @count.
 */
GMB_API GMB_MUST_CHECK ssize_t gmb_readv(struct gmb_file *file,
					 const struct iovec *iov, int count);

/**
 * gmb_read_exactly() - read a known number of bytes
 * @file: open for reading
 * @buf:  [out] @len bytes
 * @len:  how many
 * @got:  [out] how many bytes are in @buf, also on an error; may be NULL
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0 with @len bytes read; -ENODATA the file ended first; else as
 *	gmb_read(). What was read before an error stands in @buf.
 */
GMB_API GMB_MUST_CHECK int gmb_read_exactly(struct gmb_file *file, void *buf,
					    size_t len, size_t *got);

/**
 * gmb_write() - write some bytes
 * @file: open for writing
 * @buf:  @len bytes; must stay until return
 * @len:  how many
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: bytes written, at least 1 unless @len is 0; -ECANCELED and nothing
 *	was written; -EPIPE nobody can read it any more (no signal is raised for
 *	sockets; for pipes see SIGPIPE in giambio(7)); -EBUSY another task waits
 *	to write; else as gmb_read(); errors of write().
 */
GMB_API GMB_MUST_CHECK ssize_t gmb_write(struct gmb_file *file, const void *buf,
					 size_t len);

/**
 * gmb_writev() - write some bytes from several buffers
 * @file:  open for writing
 * @iov:   buffers; must stay until return
 * @count: how many, 1 to IOV_MAX
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: as gmb_write(); -EINVAL a bad @count.
 */
GMB_API GMB_MUST_CHECK ssize_t gmb_writev(struct gmb_file *file,
					  const struct iovec *iov, int count);

/**
 * gmb_write_all() - write all bytes
 * @file: open for writing
 * @buf:  @len bytes; must stay until return
 * @len:  how many
 * @put:  [out] how many bytes went out, also on an error; may be NULL
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0 with @len bytes written; else as gmb_write(), and @put says how far
 *	it got.
 */
GMB_API GMB_MUST_CHECK int gmb_write_all(struct gmb_file *file, const void *buf,
					 size_t len, size_t *put);

/**
 * gmb_ready() - wait until a descriptor is ready
 * @file:   open
 * @events: an or of POLLIN, POLLOUT, POLLPRI, POLLRDHUP
 *
 * For operations that the library does not have. Ready may turn out not to be:
 * operations must not block.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: the events that are, an or of @events, POLLERR and POLLHUP, greater
 *	than 0; -EINVAL other events; else as gmb_read().
 */
GMB_API GMB_MUST_CHECK int gmb_ready(struct gmb_file *file, short events);

#ifdef __cplusplus
}
#endif

#endif
