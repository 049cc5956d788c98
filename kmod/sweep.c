/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/fs.h>
#include <linux/minmax.h>

#include "context.h"
#include "ops.h"
#include "stats.h"
#include "sweep.h"
#include "watch.h"

/**
 * gmb_sweep_restart() - a trap begins: all watches are to be looked at again
 * @ctx: context; lock held
 */
void gmb_sweep_restart(struct gmb_ctx *ctx)
{
	ctx->sweep_left = 0;
	if (ctx->watches.count)
		ctx->sweep_left = gmb_table_size(&ctx->watches);
}

/**
 * gmb_sweep() - look at some watches, drop those whose file is closed
 * @ctx: context; lock held, in a trap
 * @n:   how many indices to look at; fewer are when the round is complete
 *       or the completion ring is full
 *
 * Files are released on the way back to the program.
 */
void gmb_sweep(struct gmb_ctx *ctx, u32 n)
{
	u32 size = gmb_table_size(&ctx->watches);
	struct gmb_watch *w;

	for (n = min(n, ctx->sweep_left); n; n--) {
		if (ctx->sweep_at >= size)
			ctx->sweep_at = 0;
		w = gmb_table_get(&ctx->watches, ctx->sweep_at);
		if (w && file_count(w->file) == 1) {
			if (!gmb_ring_room(&ctx->ring, GMB_RING_RESERVE))
				return;
			gmb_stats_ready(ctx, 0);
			gmb_ops_end(ctx, ctx->sweep_at, w, -EBADF);
			gmb_count(ctx, GMB_COUNT_SWEPT, 1);
		}
		ctx->sweep_at++;
		ctx->sweep_left--;
	}
}
