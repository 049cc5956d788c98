/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The moments of a wakeup: when the file was ready, when the sleeping thread
 * was woken, when it ran, when the completion was posted. Kept for contexts
 * that asked for stamps; a static branch is off while no context has.
 *
 * The waker writes ctx->woken_ns, before the wakeup; everything else is the
 * trap's. A watch's or task's stamp is written by who pushes its node and read
 * by who takes it off the list.
 */
#ifndef GMB_STATS_H
#define GMB_STATS_H

#include <linux/jump_label_ratelimit.h>
#include <linux/timekeeping.h>

#include "context.h"
#include "trace.h"

extern struct static_key_false_deferred gmb_stamping;

void gmb_stats_begin(void);
void gmb_stats_end(void);
void gmb_stats_global_fini(void);
void __gmb_stats_stamp(struct gmb_ctx *ctx);

static inline bool gmb_stats_on(void)
{
	return static_branch_unlikely(&gmb_stamping.key);
}

/* Now, if anybody wants to know. Any context, NMI too. */
static inline u64 gmb_stats_now(void)
{
	return gmb_stats_on() ? ktime_get_mono_fast_ns() : 0;
}

/**
 * gmb_stats_post() - post a completion, with its stamp and its trace event
 * @ctx:       context; lock held; there is room
 * @user_data: as for gmb_ring_post()
 * @res:       as for gmb_ring_post()
 * @err:       as for gmb_ring_post()
 * @flags:     as for gmb_ring_post()
 *
 * All completions go through here.
 */
static inline void gmb_stats_post(struct gmb_ctx *ctx, u64 user_data, s32 res,
				  u16 err, u16 flags)
{
	if (gmb_stats_on())
		__gmb_stats_stamp(ctx);
	trace_gmb_complete(ctx->id, user_data, res, flags);
	gmb_ring_post(&ctx->ring, user_data, res, err, flags);
	ctx->posted++;
}

#endif /* GMB_STATS_H */
