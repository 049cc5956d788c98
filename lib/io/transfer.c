/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include "coro/mem.h"
#include "io/transfer.h"

/* Buffers that are copied to the stack of the task. */
#define FEW	16

static inline enum gmb__op_code code_for(const struct gmb_file *file,
					 enum gmb__op_code code)
{
	if (code == GMB__OP_READ && gmb__file_is_socket(file))
		return GMB__OP_RECEIVE;
	if (code == GMB__OP_WRITE && gmb__file_is_socket(file))
		return GMB__OP_SEND;
	return code;
}

/* What an operation with ALL says in the end. */
static int sum_up(const struct gmb__op *op, intptr_t result, size_t len,
		  size_t *done)
{
	if (done)
		*done = op->done;
	if (result < 0)
		return (int)result;
	return op->done < len ? -ENODATA : 0;
}

ssize_t gmb__transfer_some(struct gmb_file *file, enum gmb__op_code code,
			   const void *buf, size_t len)
{
	struct gmb__op op;

	if (gmb__unlikely(!len))
		return gmb__op_run_nothing(file);
	/* A range beyond all memory would be refused, not cut. */
	if (gmb__unlikely(len > GMB__OP_LEN_MAX))
		len = GMB__OP_LEN_MAX;
	gmb__op_init_one(&op, file, code_for(file, code), buf, len);
	return gmb__op_run(&op);
}

int gmb__transfer_all(struct gmb_file *file, enum gmb__op_code code,
		      const void *buf, size_t len, size_t *done)
{
	struct gmb__op op;

	gmb__op_init_one(&op, file, code_for(file, code), buf, len);
	op.flags = GMB__OP_ALL;
	return sum_up(&op, len ? gmb__op_run(&op) : gmb__op_run_nothing(file),
		      len, done);
}

/* How many bytes several buffers hold. */
static int measure(const struct iovec *iov, int count, size_t *len)
{
	int i;

	*len = 0;
	if (count < 1 || count > IOV_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++)
		if (__builtin_add_overflow(*len, iov[i].iov_len, len))
			return -EINVAL;
	return 0;
}

ssize_t gmb__transfer_some_v(struct gmb_file *file, enum gmb__op_code code,
			     const struct iovec *iov, int count)
{
	struct gmb__op op;
	size_t len;
	int rc;

	rc = measure(iov, count, &len);
	if (rc)
		return rc;
	if (!len)
		return gmb__op_run_nothing(file);
	gmb__op_init_one(&op, file, code_for(file, code), NULL, 0);
	/* Without ALL nobody writes to it. */
	op.iov = (struct iovec *)(uintptr_t)iov;
	op.iovcnt = count;
	return gmb__op_run(&op);
}

int gmb__transfer_all_v(struct gmb_file *file, enum gmb__op_code code,
			const struct iovec *iov, int count, size_t *done)
{
	struct iovec few[FEW], *copy = few;
	struct gmb__op op;
	size_t len;
	int rc;

	if (done)
		*done = 0;
	rc = measure(iov, count, &len);
	if (rc)
		return rc;
	if (count > FEW)
		copy = gmb__mem_alloc((size_t)count * sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	memcpy(copy, iov, (size_t)count * sizeof(*copy));
	gmb__op_init_one(&op, file, code_for(file, code), NULL, 0);
	op.flags = GMB__OP_ALL;
	op.iov = copy;
	op.iovcnt = count;
	rc = sum_up(&op, len ? gmb__op_run(&op) : gmb__op_run_nothing(file),
		    len, done);
	if (copy != few)
		gmb__mem_free(copy);
	return rc;
}
