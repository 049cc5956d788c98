/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * One attempt at a transfer between a registered file and the program's
 * memory, by the calling thread, with its credentials, never waiting.
 */
#ifndef GMB_IO_H
#define GMB_IO_H

#include <linux/types.h>

#include "watch.h"

int gmb_io_check_file(const struct gmb_watch *w, u8 opcode);
int gmb_io_recv(struct gmb_watch *w, u64 addr, u32 len, u32 msg, bool *more);
int gmb_io_send(struct gmb_watch *w, u64 addr, u32 len, u32 msg);
int gmb_io_read(struct gmb_watch *w, u64 addr, u32 len, bool *more);
int gmb_io_write(struct gmb_watch *w, u64 addr, u32 len);

/**
 * gmb_io_check() - whether a transfer can be asked of a watch's file
 * @w:      watch
 * @opcode: RECV, SEND, EXCHANGE, READ or WRITE
 *
 * Return: 0; -ENOTSOCK; -EBADF not open for that; -EINVAL it has no such
 * method; -ESPIPE it has a position; -EOPNOTSUPP it might wait.
 */
static inline int gmb_io_check(const struct gmb_watch *w, u8 opcode)
{
	if (likely(w->kind == GMB_KIND_SOCKET))
		return 0;
	return gmb_io_check_file(w, opcode);
}

/**
 * gmb_io_in() - try to receive or read
 * @w:    watch that gmb_io_check() was content with
 * @addr: buffer of the program's
 * @len:  its bytes, at most INT_MAX
 * @msg:  MSG_ flags, checked
 * @more: [out] on success whether another attempt may succeed at once
 *
 * Return: bytes; -EAGAIN nothing is there; other errors.
 */
static inline int gmb_io_in(struct gmb_watch *w, u64 addr, u32 len, u32 msg,
			    bool *more)
{
	if (likely(w->kind == GMB_KIND_SOCKET))
		return gmb_io_recv(w, addr, len, msg, more);
	return gmb_io_read(w, addr, len, more);
}

/**
 * gmb_io_out() - try to send or write
 * @w:    watch that gmb_io_check() was content with
 * @addr: buffer of the program's
 * @len:  its bytes, at most INT_MAX
 * @msg:  MSG_ flags, checked
 *
 * Return: bytes; -EAGAIN no room; other errors.
 */
static inline int gmb_io_out(struct gmb_watch *w, u64 addr, u32 len, u32 msg)
{
	if (likely(w->kind == GMB_KIND_SOCKET))
		return gmb_io_send(w, addr, len, msg);
	return gmb_io_write(w, addr, len);
}

#endif /* GMB_IO_H */
