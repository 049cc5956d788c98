/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * One attempt at a transfer between a registered file and the program's
 * memory, by the calling thread, with its credentials, never waiting.
 */
#ifndef GMB_IO_H
#define GMB_IO_H

#include <linux/types.h>

struct gmb_watch;

int gmb_io_check(const struct gmb_watch *w, u8 opcode);
int gmb_io_in(struct gmb_watch *w, u8 opcode, u64 addr, u32 len, u32 msg,
	      bool *more);
int gmb_io_out(struct gmb_watch *w, u8 opcode, u64 addr, u32 len, u32 msg);

#endif /* GMB_IO_H */
