/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A registered file outlives close(2): the watch holds a reference. The sweep
 * finds files to which nobody else does and drops their watches, so that the
 * other end of a connection hears of the close.
 *
 * It goes round the table. A loop that never sleeps looks at a few watches now
 * and then. Before a sleep only a timer is started, unless it runs; when it
 * has expired the next sleep, or the one that it interrupts, begins a round. So
 * a round is made every GMB_SWEEP_NS at most, and once after the last trap.
 *
 * A file's count can only be one when no descriptor of any process is left, and
 * nobody can make a new one from it then.
 */
#ifndef GMB_SWEEP_H
#define GMB_SWEEP_H

#include <linux/types.h>

#include "context.h"

/* Watches that one look takes in, and how long the next look may wait. */
#define GMB_SWEEP_STEP		256
#define GMB_SWEEP_NS		(100 * NSEC_PER_MSEC)

void gmb_sweep_init(struct gmb_ctx *ctx);
void gmb_sweep_fini(struct gmb_ctx *ctx);
void gmb_sweep(struct gmb_ctx *ctx, u32 n);
void __gmb_sweep_idle(struct gmb_ctx *ctx);

/**
 * gmb_sweep_idle() - a trap is about to sleep
 * @ctx: context; lock held. Completions may be posted.
 */
static inline void gmb_sweep_idle(struct gmb_ctx *ctx)
{
	if (unlikely(READ_ONCE(ctx->sweep_due)) ||
	    (ctx->sweep_wanted && !ctx->sweep_armed))
		__gmb_sweep_idle(ctx);
}

#endif /* GMB_SWEEP_H */
