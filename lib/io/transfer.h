/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * What reading, writing, receiving and sending have in common: some bytes or
 * all of them, to or from one buffer or several.
 */
#ifndef GMB_IO_TRANSFER_H
#define GMB_IO_TRANSFER_H

#include "backend/op.h"

/**
 * gmb__transfer_some() - move at least one byte
 * @file: any state
 * @code: RECEIVE, SEND, READ or WRITE; for the last two a socket is served
 *	with the first two
 * @buf:  @len bytes
 * @len:  0 only makes the checkpoint
 *
 * Return: bytes; 0 at the end of the file; -errno.
 */
ssize_t gmb__transfer_some(struct gmb_file *file, enum gmb__op_code code,
			   const void *buf, size_t len);

/**
 * gmb__transfer_all() - move all bytes
 * @file: any state
 * @code: as above
 * @buf:  @len bytes
 * @len:  0 only makes the checkpoint
 * @done: [out] bytes that were moved, also on an error; may be NULL
 *
 * Return: 0; -ENODATA the file ended first; -errno.
 */
int gmb__transfer_all(struct gmb_file *file, enum gmb__op_code code,
		      const void *buf, size_t len, size_t *done);

/* As above, with @count buffers; -EINVAL when that is not 1 to IOV_MAX. */
ssize_t gmb__transfer_some_v(struct gmb_file *file, enum gmb__op_code code,
			     const struct iovec *iov, int count);

/* As above; more than a few buffers are copied to the heap: -ENOMEM. */
int gmb__transfer_all_v(struct gmb_file *file, enum gmb__op_code code,
			const struct iovec *iov, int count, size_t *done);

#endif
