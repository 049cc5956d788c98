/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/fs.h>
#include <linux/minmax.h>

#include "compat.h"
#include "ops.h"
#include "stats.h"
#include "sweep.h"
#include "watch.h"

#define GMB_SWEEP_DELAY	msecs_to_jiffies(GMB_SWEEP_MS)
/* Between the steps of a round: a closed file is not to wait for many. */
#define GMB_SWEEP_NEXT	msecs_to_jiffies(10)
/* How long the work item leaves a trap alone that holds the lock. */
#define GMB_SWEEP_RETRY	msecs_to_jiffies(10)

/*
 * Step over at most *n indices to a watch that needs the trap, and stay there.
 * NULL: there is none; *n is 0.
 */
static struct gmb_watch *gmb_sweep_find(struct gmb_ctx *ctx, u32 *n)
{
	u32 size = gmb_table_size(&ctx->watches);
	struct gmb_watch *w;

	for (*n = min(*n, size); *n; --*n) {
		if (ctx->sweep_at >= size)
			ctx->sweep_at = 0;
		w = gmb_table_get(&ctx->watches, ctx->sweep_at);
		if (w && (file_count(w->file) == 1 || gmb_watch_starved(w)))
			return w;
		ctx->sweep_at++;
		if (ctx->sweep_left)
			ctx->sweep_left--;
	}
	return NULL;
}

static void gmb_sweep_begin(struct gmb_ctx *ctx)
{
	if (ctx->sweep_left)
		return;
	ctx->sweep_left = gmb_table_size(&ctx->watches);
	ctx->sweep_wanted = false;
}

/* See to it that the round goes on, or another one comes. */
static void gmb_sweep_arm(struct gmb_ctx *ctx)
{
	if (ctx->sweep_armed || !ctx->watches.count ||
	    !(ctx->sweep_wanted || ctx->sweep_left))
		return;
	ctx->sweep_armed = true;
	queue_delayed_work(gmb_queue, &ctx->sweep_work,
			   ctx->sweep_left ? GMB_SWEEP_NEXT : GMB_SWEEP_DELAY);
}

/*
 * Look while the trap sleeps, and wake it only for what it has to do. Never
 * waits for the lock: see gmb_ctx_end_work().
 */
static void gmb_sweep_work(struct work_struct *work)
{
	struct gmb_ctx *ctx = container_of(to_delayed_work(work),
					   struct gmb_ctx, sweep_work);
	u32 n = GMB_SWEEP_STEP;

	if (!mutex_trylock(&ctx->lock)) {
		queue_delayed_work(gmb_queue, &ctx->sweep_work,
				   GMB_SWEEP_RETRY);
		return;
	}
	ctx->sweep_armed = false;
	gmb_sweep_begin(ctx);
	if (gmb_sweep_find(ctx, &n)) {
		/* Whoever sleeps next does it, if nobody does now. */
		ctx->sweep_due = true;
		gmb_ctx_rouse(ctx, GMB_WAKE_SWEEP, 0);
	} else {
		gmb_sweep_arm(ctx);
	}
	mutex_unlock(&ctx->lock);
}

/**
 * gmb_sweep_init() - a context begins
 * @ctx: context
 */
void gmb_sweep_init(struct gmb_ctx *ctx)
{
	INIT_DELAYED_WORK(&ctx->sweep_work, gmb_sweep_work);
}

/**
 * gmb_sweep_fini() - a context ends
 * @ctx: context, in which no trap is under way; lock not held
 *
 * Context: process; may sleep.
 */
void gmb_sweep_fini(struct gmb_ctx *ctx)
{
	cancel_delayed_work_sync(&ctx->sweep_work);
}

/**
 * gmb_sweep() - look at some watches, do for them what must be done
 * @ctx: context; lock held, in a trap
 * @n:   how many indices to look at; fewer are when the completion ring is full
 *
 * Drops those whose file is closed; the files are released on the way back to
 * the program. Has those tried again that memory was wanting for.
 */
void gmb_sweep(struct gmb_ctx *ctx, u32 n)
{
	struct gmb_watch *w;

	while ((w = gmb_sweep_find(ctx, &n))) {
		/* Who looks a file up just now counts for a moment. */
		if (file_count(w->file) != 1) {
			if (gmb_watch_starved(w))
				gmb_watch_retry(ctx, w);
			continue;
		}
		if (!gmb_ring_room(&ctx->ring, GMB_RING_RESERVE))
			return;
		gmb_stats_ready(ctx, 0);
		gmb_ops_end(ctx, ctx->sweep_at, w, -EBADF);
		gmb_count(ctx, GMB_COUNT_SWEPT, 1);
	}
}

/**
 * __gmb_sweep_idle() - do what the last look found, see to the next one
 * @ctx: as for gmb_sweep_idle()
 */
void __gmb_sweep_idle(struct gmb_ctx *ctx)
{
	if (ctx->sweep_due) {
		ctx->sweep_due = false;
		gmb_sweep_begin(ctx);
		gmb_sweep(ctx, min(ctx->sweep_left, (u32)GMB_SWEEP_STEP));
	}
	gmb_sweep_arm(ctx);
}
