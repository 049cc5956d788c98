/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What is counted and measured of a context.
 *
 * Counters always are: plain numbers of the trap's, which others read and
 * nobody else writes. A reset notes where they stood.
 *
 * The moments of a wakeup are noted while somebody wants them, for contexts
 * that asked for stamps or that are observed: when the file was ready, when the
 * sleeping thread was woken, when it ran, when the completion was posted. A
 * static branch is off while nobody does. The waker writes ctx->woken_ns and
 * ctx->wake_reason, before the wakeup; a watch's or task's stamp is written by
 * who pushes its node and read by who takes it off the list; everything else is
 * the trap's. Histograms and the batch of events are allocated by the trap,
 * when it has the first thing to put there, and freed with the context. What
 * waits to be sent is sent by the trap when the batch is full, and otherwise by
 * a work item, which takes ctx->lock, but never waits for it.
 */
#ifndef GMB_STATS_H
#define GMB_STATS_H

#include <linux/giambio_netlink.h>
#include <linux/jump_label_ratelimit.h>
#include <linux/timekeeping.h>

#include "context.h"
#include "trace.h"

struct gmb_histograms;
struct gmb_task;

/* So many events are sent together, or those that there are after a while. */
#define GMB_EVENTS_MAX		64
#define GMB_EVENTS_DELAY	msecs_to_jiffies(10)

struct gmb_events {
	u32			count;
	u64			noted;	/* ever, these included */
	struct gmb_nl_event	event[GMB_EVENTS_MAX];
};

extern struct static_key_false_deferred gmb_stamping;

/*
 * Stamps from before this moment are left over from when somebody last wanted
 * them: what was pushed in between has none of its own.
 */
extern u64 gmb_stamping_since;

void gmb_stats_begin(void);
void gmb_stats_end(void);
void gmb_stats_init(struct gmb_ctx *ctx);
void gmb_stats_fini(struct gmb_ctx *ctx);
void gmb_stats_reset(struct gmb_ctx *ctx);
u64 gmb_stats_read(const struct gmb_ctx *ctx, enum gmb_count what);
const struct gmb_histograms *gmb_stats_histograms(const struct gmb_ctx *ctx);
int gmb_stats_task_histograms(const struct gmb_ctx *ctx,
			      const struct gmb_task *task,
			      const struct gmb_histograms **h);
int gmb_stats_global_init(void);
void gmb_stats_global_fini(void);
void __gmb_stats_woke(struct gmb_ctx *ctx);
void __gmb_stats_keep(struct gmb_ctx *ctx, u64 user_data, s32 res, u16 flags);
void __gmb_stats_measure(struct gmb_ctx *ctx, u16 flags);
void gmb_stats_flush(struct gmb_ctx *ctx);

static inline bool gmb_stats_on(void)
{
	return static_branch_unlikely(&gmb_stamping.key);
}

/* Now, if anybody wants to know. Any context, NMI too. */
static inline u64 gmb_stats_now(void)
{
	return gmb_stats_on() ? ktime_get_mono_fast_ns() : 0;
}

/* A stamp, or 0 if it is a relic. */
static inline u64 gmb_stats_since(u64 stamp)
{
	return stamp > READ_ONCE(gmb_stamping_since) ? stamp : 0;
}

/**
 * gmb_count() - count something
 * @ctx:  context; lock held
 * @what: of which there were
 * @n:    so many
 */
static inline void gmb_count(struct gmb_ctx *ctx, enum gmb_count what, u32 n)
{
	/* Readers take what they find: one instruction, and not torn. */
	data_race(ctx->stats.count[what] += n);
}

/**
 * gmb_stats_ready() - the moment of what the trap performs next
 * @ctx:   context; lock held
 * @stamp: when it was pushed; 0: it is performed without having waited
 */
static inline void gmb_stats_ready(struct gmb_ctx *ctx, u64 stamp)
{
	if (gmb_stats_on())
		ctx->ready_ns = stamp ? gmb_stats_since(stamp) : 0;
}

/**
 * gmb_stats_task_gone() - a task with histograms was dropped
 * @ctx: context; lock held
 */
static inline void gmb_stats_task_gone(struct gmb_ctx *ctx)
{
	WRITE_ONCE(ctx->stats.task_histograms, ctx->stats.task_histograms - 1);
}

/**
 * gmb_stats_woke() - the thread is back from its sleep
 * @ctx: context; lock held
 */
static inline void gmb_stats_woke(struct gmb_ctx *ctx)
{
	enum gmb_wake_reason reason = READ_ONCE(ctx->wake_reason);

	/* For those who count it is one sleep. */
	if (unlikely(reason == GMB_WAKE_SWEEP))
		return;
	gmb_count(ctx, GMB_COUNT_SLEEPS, 1);
	if (reason != GMB_WAKE_END)
		gmb_count(ctx, GMB_COUNT_WAKES + reason, 1);
	if (gmb_stats_on())
		__gmb_stats_woke(ctx);
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
	if (gmb_stats_on()) {
		u32 observed = READ_ONCE(ctx->stats.observed);

		if (observed & GMB_NL_OBSERVE_HISTOGRAMS && ctx->ready_ns)
			__gmb_stats_measure(ctx, flags);
		if (unlikely(observed & GMB_NL_OBSERVE_EVENTS ||
			     ctx->ring.stamps))
			__gmb_stats_keep(ctx, user_data, res, flags);
	}
	trace_gmb_complete(ctx->id, user_data, res, flags);
	gmb_ring_post(&ctx->ring, user_data, res, err, flags);
	ctx->posted++;
}

/**
 * gmb_stats_trap() - a trap is at its end
 * @ctx: context; lock held
 */
static inline void gmb_stats_trap(struct gmb_ctx *ctx)
{
	gmb_count(ctx, GMB_COUNT_TRAPS, 1);
	gmb_count(ctx, GMB_COUNT_COMPLETIONS, ctx->posted);
	if (unlikely(ctx->ring.refused)) {
		ctx->ring.refused = false;
		gmb_count(ctx, GMB_COUNT_FULL, 1);
	}
}

#endif /* GMB_STATS_H */
