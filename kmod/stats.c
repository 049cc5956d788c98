/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include "stats.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * Switching patches code on all CPUs, and any user can cause it: it is
 * switched off at most once a second.
 */
DEFINE_STATIC_KEY_DEFERRED_FALSE(gmb_stamping, HZ);

/**
 * gmb_stats_begin() - one more context wants stamps
 *
 * Context: process; may sleep.
 */
void gmb_stats_begin(void)
{
	static_branch_deferred_inc(&gmb_stamping);
}

/**
 * gmb_stats_end() - one context less wants stamps
 *
 * Context: process; may sleep.
 */
void gmb_stats_end(void)
{
	static_branch_slow_dec_deferred(&gmb_stamping);
}

/**
 * gmb_stats_global_fini() - finish switching; no context is left
 */
void gmb_stats_global_fini(void)
{
	static_key_deferred_flush(&gmb_stamping);
}

/**
 * __gmb_stats_stamp() - write the stamp of the completion that is posted next
 * @ctx: context; lock held
 *
 * What became ready after the thread ran again was not woken for.
 */
void __gmb_stats_stamp(struct gmb_ctx *ctx)
{
	struct gmb_ring *ring = &ctx->ring;
	struct gmb_ioc_stamp *stamp;
	u64 woken = READ_ONCE(ctx->woken_ns);
	bool slept = ctx->ready_ns && ctx->ready_ns <= ctx->running_ns;

	if (!ring->stamps)
		return;
	stamp = &ring->stamps[ring->cq_tail & ring->cq_mask];
	WRITE_ONCE(stamp->ready, ctx->ready_ns);
	WRITE_ONCE(stamp->woken, slept ? woken : 0);
	WRITE_ONCE(stamp->running, slept ? ctx->running_ns : 0);
	WRITE_ONCE(stamp->done, ktime_get_mono_fast_ns());
}
