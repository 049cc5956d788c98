/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A registered file outlives close(2): the watch holds a reference. The sweep
 * finds files to which nobody else does and drops their watches, so that the
 * other end of a connection hears of the close. It also comes back to writers
 * that found no memory: nobody else would tell them when there is some.
 *
 * It goes round the table. A loop that never sleeps looks at a few watches now
 * and then. A trap that is about to sleep only starts a work item's timer,
 * unless it runs. The work item looks, and wakes the trap if it finds something
 * to be done: only a trap posts completions. So a sleeping loop is not woken,
 * nor any slack cut short, for a look. A round is made every GMB_SWEEP_MS at
 * most, and once after the last trap; its looks are 10 ms apart.
 *
 * A file's count can only be one when no descriptor of any process is left, and
 * nobody can make a new one from it then. It is more for a moment when somebody
 * is just looking the file up, in vain.
 */
#ifndef GMB_SWEEP_H
#define GMB_SWEEP_H

#include <linux/types.h>

#include "context.h"

/* Watches that one look takes in, and how long the next round may wait. */
#define GMB_SWEEP_STEP		256
#define GMB_SWEEP_MS		100

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
	if (unlikely(ctx->sweep_due) ||
	    (ctx->sweep_wanted && !ctx->sweep_armed))
		__gmb_sweep_idle(ctx);
}

#endif /* GMB_SWEEP_H */
