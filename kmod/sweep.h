/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A registered file outlives close(2): the watch holds a reference. The sweep
 * finds files to which nobody else does and drops their watches, so that the
 * other end of a connection hears of the close.
 *
 * It goes round the table, now and then, and all of it before a long sleep. A
 * file's count can only be one when no descriptor of any process is left, and
 * nobody can make a new one from it then.
 */
#ifndef GMB_SWEEP_H
#define GMB_SWEEP_H

#include <linux/types.h>

struct gmb_ctx;

void gmb_sweep(struct gmb_ctx *ctx, u32 n);
void gmb_sweep_restart(struct gmb_ctx *ctx);

#endif /* GMB_SWEEP_H */
