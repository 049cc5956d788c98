/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "histogram.h"
#include "observe.h"
#include "stats.h"
#include "task.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * Switching patches code on all CPUs, and any user can cause it: it is
 * switched off at most once a second.
 */
DEFINE_STATIC_KEY_DEFERRED_FALSE(gmb_stamping, HZ);

u64 gmb_stamping_since;
static atomic_t stamping_users;

static uint max_task_histograms = 256;
module_param(max_task_histograms, uint, 0644);
MODULE_PARM_DESC(max_task_histograms, "Registered tasks of one context that get histograms of their own while it is observed, 10 KiB each: the first that are woken (default: 256)");

/**
 * gmb_stats_begin() - one more wants moments to be noted
 *
 * Context: process; may sleep.
 */
void gmb_stats_begin(void)
{
	gmb_clock_begin();
	if (atomic_inc_return(&stamping_users) == 1)
		WRITE_ONCE(gmb_stamping_since, ktime_get_mono_fast_ns());
	static_branch_deferred_inc(&gmb_stamping);
}

/**
 * gmb_stats_end() - one less does
 *
 * Context: process; may sleep.
 */
void gmb_stats_end(void)
{
	atomic_dec(&stamping_users);
	static_branch_slow_dec_deferred(&gmb_stamping);
}

static void gmb_stats_flush_work(struct work_struct *work)
{
	struct gmb_ctx *ctx = container_of(to_delayed_work(work),
					   struct gmb_ctx, stats.flush_work);

	if (!mutex_trylock(&ctx->lock)) {
		queue_delayed_work(gmb_queue, &ctx->stats.flush_work,
				   GMB_EVENTS_DELAY);
		return;
	}
	gmb_stats_flush(ctx);
	mutex_unlock(&ctx->lock);
}

/**
 * gmb_stats_init() - nothing is counted yet
 * @ctx: context, zeroed
 */
void gmb_stats_init(struct gmb_ctx *ctx)
{
	mutex_init(&ctx->stats.lock);
	INIT_LIST_HEAD(&ctx->stats.observers);
	INIT_DELAYED_WORK(&ctx->stats.flush_work, gmb_stats_flush_work);
}

/**
 * gmb_stats_fini() - free what was allocated meanwhile
 * @ctx: context that nobody else knows any more, a grace period ago
 *
 * Context: any.
 */
void gmb_stats_fini(struct gmb_ctx *ctx)
{
	gmb_histograms_free(ctx->stats.histograms);
	kfree(ctx->stats.events);
}

/**
 * gmb_stats_reset() - counters and histograms begin anew
 * @ctx: context, of which the caller has a reference
 *
 * The trap empties the histograms when it adds to them next; until then they
 * are taken for empty.
 *
 * Context: process; may sleep.
 */
void gmb_stats_reset(struct gmb_ctx *ctx)
{
	u32 i;

	mutex_lock(&ctx->stats.lock);
	for (i = 0; i < GMB_COUNTS; i++)
		WRITE_ONCE(ctx->stats.base[i], READ_ONCE(ctx->stats.count[i]));
	WRITE_ONCE(ctx->stats.epoch, ctx->stats.epoch + 1);
	mutex_unlock(&ctx->stats.lock);
}

/**
 * gmb_stats_read() - a counter
 * @ctx:  context, of which the caller has a reference
 * @what: which
 *
 * Return: how many there were since the last reset.
 */
u64 gmb_stats_read(const struct gmb_ctx *ctx, enum gmb_count what)
{
	/* In this order, so that a reset in between cannot exceed it. */
	u64 base = READ_ONCE(ctx->stats.base[what]);

	smp_rmb();
	return READ_ONCE(ctx->stats.count[what]) - base;
}

static const struct gmb_histograms *
gmb_stats_current(const struct gmb_ctx *ctx, struct gmb_histograms *const *at)
{
	/* Pairs with the release in gmb_stats_renew(). */
	const struct gmb_histograms *h = smp_load_acquire(at);

	if (h && READ_ONCE(h->epoch) != READ_ONCE(ctx->stats.epoch))
		return NULL;
	return h;
}

/**
 * gmb_stats_histograms() - the histograms of a context
 * @ctx: context, of which the caller has a reference
 *
 * Return: histograms, as long as the reference is held; NULL: all are empty.
 */
const struct gmb_histograms *gmb_stats_histograms(const struct gmb_ctx *ctx)
{
	return gmb_stats_current(ctx, &ctx->stats.histograms);
}

/**
 * gmb_stats_task_histograms() - the histograms of a registered task
 * @ctx:  context, of which the caller has a reference
 * @task: task of it, found under RCU
 * @h:    [out] histograms, as long as RCU is held; NULL: all are empty
 *
 * Return: 0; -ENOSPC other tasks have taken all that there are.
 */
int gmb_stats_task_histograms(const struct gmb_ctx *ctx,
			      const struct gmb_task *task,
			      const struct gmb_histograms **h)
{
	*h = gmb_stats_current(ctx, &task->histograms);
	if (!READ_ONCE(task->histograms) &&
	    READ_ONCE(ctx->stats.task_histograms) >=
	    READ_ONCE(max_task_histograms))
		return -ENOSPC;
	return 0;
}

/* Histograms at *at that can be added to: made, or emptied after a reset. */
static noinline struct gmb_histograms *
gmb_stats_renew(struct gmb_ctx *ctx, struct gmb_histograms **at, u32 epoch)
{
	struct gmb_histograms *h = *at;

	if (h) {
		gmb_histograms_clear(h);
		/* Not before it is empty; readers in between see no more. */
		smp_store_release(&h->epoch, epoch);
		return h;
	}
	h = gmb_histograms_new();
	if (!h) {
		gmb_count(ctx, GMB_COUNT_EVENTS_LOST, 1);
		return NULL;
	}
	h->epoch = epoch;
	/* Readers must not see what was there before. */
	smp_store_release(at, h);
	return h;
}

static struct gmb_histograms *gmb_stats_get(struct gmb_ctx *ctx,
					    struct gmb_histograms **at)
{
	u32 epoch = READ_ONCE(ctx->stats.epoch);
	struct gmb_histograms *h = *at;

	if (likely(h && h->epoch == epoch))
		return h;
	return gmb_stats_renew(ctx, at, epoch);
}

/* The moments of a completion; see struct gmb_nl_event. */
struct gmb_moments {
	u64	ready;
	u64	woken;
	u64	running; /* woken and this are 0: it was not waited for */
	u64	done;
};

static __always_inline void gmb_stats_record(struct gmb_histograms *h,
					     const struct gmb_moments *m)
{
	struct gmb_histogram *stage = h->stage;
	u64 woken = m->woken, running = m->running;

	if (running) {
		/* What came while the thread was being woken was not held. */
		if (woken == m->ready)
			gmb_histogram_add_zero(&stage[GMB_NL_STAGE_HELD]);
		else
			gmb_histogram_add(&stage[GMB_NL_STAGE_HELD],
					  woken - m->ready);
		gmb_histogram_add(&stage[GMB_NL_STAGE_SCHED], running - woken);
		gmb_histogram_add(&stage[GMB_NL_STAGE_TRAP], m->done - running);
	}
	gmb_histogram_add(&stage[GMB_NL_STAGE_TOTAL], m->done - m->ready);
}

static void gmb_stats_record_task(struct gmb_ctx *ctx,
				  const struct gmb_moments *m)
{
	struct gmb_task *task = ctx->running_task;
	struct gmb_histograms *h;

	if (!task->histograms) {
		if (ctx->stats.task_histograms >=
		    READ_ONCE(max_task_histograms))
			return;
		WRITE_ONCE(ctx->stats.task_histograms,
			   ctx->stats.task_histograms + 1);
	}
	h = gmb_stats_get(ctx, &task->histograms);
	if (h)
		gmb_stats_record(h, m);
	else
		gmb_stats_task_gone(ctx);
}

static void gmb_stats_note(struct gmb_ctx *ctx, const struct gmb_nl_event *e)
{
	struct gmb_events *events = ctx->stats.events;

	if (unlikely(!events)) {
		events = kzalloc(sizeof(*events), GFP_KERNEL_ACCOUNT);
		if (!events) {
			gmb_count(ctx, GMB_COUNT_EVENTS_LOST, 1);
			return;
		}
		smp_store_release(&ctx->stats.events, events);
	}
	events->event[events->count++] = *e;
	WRITE_ONCE(events->noted, events->noted + 1);
	if (events->count == 1)
		queue_delayed_work(gmb_queue, &ctx->stats.flush_work,
				   GMB_EVENTS_DELAY);
	if (events->count == GMB_EVENTS_MAX)
		gmb_stats_flush(ctx);
}

/**
 * __gmb_stats_woke() - note when the thread was woken, and when it ran
 * @ctx: context; lock held
 *
 * A waker that comes when the sleep has ended by itself is no reason.
 */
void __gmb_stats_woke(struct gmb_ctx *ctx)
{
	u64 woken = gmb_stats_since(READ_ONCE(ctx->woken_ns));

	ctx->running_ns = gmb_clock_set(&ctx->stats.clock);
	if (!woken || woken > ctx->running_ns)
		woken = ctx->running_ns;
	ctx->stats.woken = woken;
	ctx->stats.reason = READ_ONCE(ctx->wake_reason);
}

static u64 gmb_stats_done(struct gmb_ctx *ctx)
{
	return gmb_clock_told(&ctx->stats.clock) ?:
	       gmb_clock_set(&ctx->stats.clock);
}

/*
 * The moments of the completion that is posted next. What became ready after
 * the thread ran again was not woken for. The clock may take a small step back
 * between two CPUs; moments may not.
 */
static __always_inline struct gmb_moments
gmb_stats_moments(const struct gmb_ctx *ctx, u64 now)
{
	struct gmb_moments m = { .ready = ctx->ready_ns };

	m.done = max3(now, m.ready, ctx->running_ns);
	if (m.ready && m.ready <= ctx->running_ns) {
		m.running = ctx->running_ns;
		m.woken = max(ctx->stats.woken, m.ready);
	}
	return m;
}

/**
 * __gmb_stats_keep() - keep the moments of the completion that is posted next
 * @ctx:       context; lock held; it has stamps, or its events are observed
 * @user_data: of the completion
 * @res:       of the completion
 * @flags:     of the completion
 */
void __gmb_stats_keep(struct gmb_ctx *ctx, u64 user_data, s32 res, u16 flags)
{
	struct gmb_moments m = gmb_stats_moments(ctx, gmb_stats_done(ctx));
	struct gmb_ring *ring = &ctx->ring;
	struct gmb_ioc_stamp *stamp;
	struct gmb_nl_event e = {
		.user_data = user_data,
		.ready = m.ready,
		.woken = m.woken,
		.running = m.running,
		.done = m.done,
		.res = res,
		.flags = flags,
		.reason = m.running ? ctx->stats.reason : GMB_NL_NO_SLEEP,
	};

	if (ring->stamps) {
		stamp = &ring->stamps[ring->cq_tail & ring->cq_mask];
		WRITE_ONCE(stamp->ready, e.ready);
		WRITE_ONCE(stamp->woken, e.woken);
		WRITE_ONCE(stamp->running, e.running);
		WRITE_ONCE(stamp->done, e.done);
	}
	if (READ_ONCE(ctx->stats.observed) & GMB_NL_OBSERVE_EVENTS)
		gmb_stats_note(ctx, &e);
}

/* Where something has to be called for it. */
static noinline void gmb_stats_measure(struct gmb_ctx *ctx, u16 flags)
{
	struct gmb_moments m = gmb_stats_moments(ctx, gmb_stats_done(ctx));
	struct gmb_histograms *h = gmb_stats_get(ctx, &ctx->stats.histograms);

	if (h)
		gmb_stats_record(h, &m);
	if (flags & GMB_CQE_WAKE)
		gmb_stats_record_task(ctx, &m);
}

/**
 * __gmb_stats_measure() - count the moments of the completion posted next
 * @ctx:   context; lock held; its histograms are observed; ready_ns is known
 * @flags: of the completion
 *
 * The usual case calls nothing, and so has no registers to save.
 */
void __gmb_stats_measure(struct gmb_ctx *ctx, u16 flags)
{
	u64 now = gmb_clock_told(&ctx->stats.clock);
	struct gmb_histograms *h = ctx->stats.histograms;
	struct gmb_moments m;

	if (unlikely(!now || !h || h->epoch != READ_ONCE(ctx->stats.epoch) ||
		     flags & GMB_CQE_WAKE)) {
		gmb_stats_measure(ctx, flags);
		return;
	}
	m = gmb_stats_moments(ctx, now);
	gmb_stats_record(h, &m);
}

/**
 * gmb_stats_flush() - send the events that were noted
 * @ctx: context; lock held
 */
void gmb_stats_flush(struct gmb_ctx *ctx)
{
	struct gmb_events *events = ctx->stats.events;

	if (!events || !events->count)
		return;
	gmb_observe_send(ctx);
	events->count = 0;
}

/**
 * gmb_stats_global_init() - what all contexts share
 *
 * Return: 0 or -ENOMEM.
 */
int gmb_stats_global_init(void)
{
	BUILD_BUG_ON((int)GMB_WAKE_URGENT != GMB_NL_REASON_URGENT ||
		     (int)GMB_WAKE_COUNT != GMB_NL_REASON_COUNT ||
		     (int)GMB_WAKE_BUDGET != GMB_NL_REASON_BUDGET ||
		     (int)GMB_WAKE_KICK != GMB_NL_REASON_KICK ||
		     (int)GMB_WAKE_END != GMB_NL_REASON_END);
	BUILD_BUG_ON(GMB_COUNTS != GMB_NL_CONTEXT_EVENTS_LOST -
				   GMB_NL_CONTEXT_TRAPS + 1);
	return gmb_histogram_global_init();
}

/**
 * gmb_stats_global_fini() - finish switching; no context is left
 */
void gmb_stats_global_fini(void)
{
	static_key_deferred_flush(&gmb_stamping);
	gmb_histogram_global_fini();
}
