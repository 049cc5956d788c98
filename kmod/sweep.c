/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/fs.h>
#include <linux/minmax.h>

#include "compat.h"
#include "ops.h"
#include "stats.h"
#include "sweep.h"
#include "watch.h"

static enum hrtimer_restart gmb_sweep_expired(struct hrtimer *timer)
{
	struct gmb_ctx *ctx = container_of(timer, struct gmb_ctx, sweep_timer);

	WRITE_ONCE(ctx->sweep_due, true);
	/* Not to cut the slack of others short: their end is soon enough. */
	if (llist_empty(&ctx->lazy))
		gmb_ctx_rouse(ctx, GMB_WAKE_SWEEP, 0);
	return HRTIMER_NORESTART;
}

/**
 * gmb_sweep_init() - a context begins
 * @ctx: context
 */
void gmb_sweep_init(struct gmb_ctx *ctx)
{
	hrtimer_setup(&ctx->sweep_timer, gmb_sweep_expired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
}

/**
 * gmb_sweep_fini() - a context ends
 * @ctx: context, in which no trap is under way
 *
 * Context: process; may sleep.
 */
void gmb_sweep_fini(struct gmb_ctx *ctx)
{
	hrtimer_cancel(&ctx->sweep_timer);
}

/**
 * gmb_sweep() - look at some watches, drop those whose file is closed
 * @ctx: context; lock held, in a trap
 * @n:   how many indices to look at; fewer are when the completion ring is full
 *
 * Files are released on the way back to the program.
 */
void gmb_sweep(struct gmb_ctx *ctx, u32 n)
{
	u32 size = gmb_table_size(&ctx->watches);
	struct gmb_watch *w;

	for (n = min(n, size); n; n--) {
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
		if (ctx->sweep_left)
			ctx->sweep_left--;
	}
}

/**
 * __gmb_sweep_idle() - go on with a round, see to it that the next one comes
 * @ctx: as for gmb_sweep_idle()
 */
void __gmb_sweep_idle(struct gmb_ctx *ctx)
{
	if (READ_ONCE(ctx->sweep_due)) {
		WRITE_ONCE(ctx->sweep_due, false);
		ctx->sweep_armed = false;
		if (!ctx->sweep_left) {
			ctx->sweep_left = gmb_table_size(&ctx->watches);
			ctx->sweep_wanted = false;
		}
		gmb_sweep(ctx, min(ctx->sweep_left, (u32)GMB_SWEEP_STEP));
	}
	if (ctx->sweep_armed || !ctx->watches.count ||
	    !(ctx->sweep_wanted || ctx->sweep_left))
		return;
	ctx->sweep_armed = true;
	hrtimer_start(&ctx->sweep_timer, GMB_SWEEP_NS, HRTIMER_MODE_REL);
}
