/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * ctx->lock is held throughout, except while the thread sleeps. The thread
 * that runs a trap is the only one to take nodes off the lists, so at most one
 * can: ctx->sleeping keeps others out while the lock is free.
 */
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seccomp.h>
#include <linux/task_work.h>
#include <linux/timekeeping.h>

#include "context.h"
#include "ops.h"
#include "stats.h"
#include "sweep.h"
#include "task.h"
#include "trap.h"
#include "watch.h"

static bool allow_seccomp;
module_param(allow_seccomp, bool, 0644);
MODULE_PARM_DESC(allow_seccomp, "Let programs under seccomp transfer data, unseen by their filters (default: N)");

/* After so many operations in one go others may run. */
#define GMB_TRAP_BREATH		64
/*
 * Watches that one go takes on when the trap has what it was asked for. A
 * program that answers each request then has memory of the last ones to use
 * again: 1,000 receives before the first send cost half as much again.
 */
#define GMB_TRAP_WATCHES	64
/* A loop that never sleeps looks at so many, once in so many traps. */
#define GMB_TRAP_SWEEP_BUSY	8
#define GMB_TRAP_SWEEP_TRAPS	32

/**
 * gmb_trap_may_io() - whether the caller may transfer data
 *
 * A seccomp filter that forbids, say, sendto would be got round otherwise.
 */
bool gmb_trap_may_io(void)
{
	return !seccomp_mode(&current->seccomp) || READ_ONCE(allow_seccomp);
}

/* Returns whether to go on after n operations. */
static bool gmb_trap_breathe(u32 n)
{
	if (likely(n % GMB_TRAP_BREATH))
		return true;
	cond_resched();
	return !fatal_signal_pending(current);
}

static void gmb_trap_submit(struct gmb_ctx *ctx)
{
	struct gmb_ring *ring = &ctx->ring;
	u32 i, n = gmb_ring_waiting(ring), first = ring->sq_head;

	for (i = 1; i <= n; i++) {
		if (!gmb_ring_room(ring, GMB_RING_RESERVE))
			break;
		gmb_ops_start(ctx, &ring->sq[ring->sq_head & ring->sq_mask]);
		ring->sq_head++;
		if (!gmb_trap_breathe(i))
			break;
	}
	gmb_count(ctx, GMB_COUNT_OPS, ring->sq_head - first);
}

/* Nodes are pushed at the front; serve them in the order of arrival. */
static struct llist_node *gmb_trap_take(struct llist_head *list)
{
	if (llist_empty(list))
		return NULL;
	return llist_reverse_order(llist_del_all(list));
}

static void gmb_trap_run_tasks(struct gmb_ctx *ctx)
{
	struct llist_node *node;
	u32 n = 0;

	if (!ctx->awake)
		ctx->awake = gmb_trap_take(&ctx->woken);
	while ((node = ctx->awake) && gmb_ring_room(&ctx->ring, 1)) {
		ctx->awake = node->next;
		gmb_task_run(ctx, llist_entry(node, struct gmb_task, node));
		if (!gmb_trap_breathe(++n))
			break;
	}
}

static void gmb_trap_run_watches(struct gmb_ctx *ctx, struct llist_head *list,
				 struct llist_node **todo, u32 min)
{
	struct llist_node *node;
	u32 n = 0;

	if (!*todo)
		*todo = gmb_trap_take(list);
	while ((node = *todo) &&
	       (n < GMB_TRAP_WATCHES || ctx->posted < min) &&
	       gmb_ring_room(&ctx->ring, GMB_RING_RESERVE)) {
		*todo = node->next;
		gmb_ops_run(ctx, llist_entry(node, struct gmb_watch, node));
		if (!gmb_trap_breathe(++n))
			break;
	}
}

/* Whether there is nothing to perform. */
static bool gmb_trap_idle(const struct gmb_ctx *ctx)
{
	return llist_empty(&ctx->ready) && llist_empty(&ctx->woken) &&
	       llist_empty(&ctx->lazy) && !ctx->todo && !ctx->awake &&
	       !ctx->lazy_todo;
}

/*
 * What has slack does not hold up what has none: when there is enough for the
 * program to go on with, it is left for the next trap. That one performs it.
 */
static void gmb_trap_run_lazy(struct gmb_ctx *ctx, u32 min)
{
	if (likely(llist_empty(&ctx->lazy) && !ctx->lazy_todo))
		return;
	if (min && ctx->posted >= min && !ctx->put_off) {
		ctx->put_off = true;
		return;
	}
	ctx->put_off = false;
	gmb_trap_run_watches(ctx, &ctx->lazy, &ctx->lazy_todo, min);
}

/*
 * Perform what is ready by now, if it is not too much; what becomes so
 * meanwhile is for later.
 */
static void gmb_trap_perform(struct gmb_ctx *ctx, u32 min)
{
	/* Who pushes after the lists are emptied finds it clear, sets it. */
	if (READ_ONCE(*ctx->pending)) {
		WRITE_ONCE(*ctx->pending, 0);
		smp_mb();
	}
	gmb_trap_run_tasks(ctx);
	gmb_trap_run_watches(ctx, &ctx->ready, &ctx->todo, min);
	gmb_trap_run_lazy(ctx, min);
}

/* Why a trap returns although it has not posted what it was asked for. */
static bool gmb_trap_over(struct gmb_ctx *ctx, int *error)
{
	if (unlikely(READ_ONCE(ctx->dead)))
		*error = -ESHUTDOWN;
	else if (READ_ONCE(ctx->kicked))
		/* A full barrier after it; pairs with gmb_ctx_kick(). */
		smp_store_mb(ctx->kicked, false);
	else if (task_sigpending(current))
		*error = -EINTR;
	else if (gmb_ring_room(&ctx->ring, GMB_RING_RESERVE) &&
		 !task_work_pending(current) && !signal_pending(current))
		return false;
	return true;
}

static void gmb_trap_spin(struct gmb_ctx *ctx, u32 spin_ns)
{
	u64 end = ktime_get_mono_fast_ns() + spin_ns;

	while (gmb_trap_idle(ctx) && !READ_ONCE(ctx->kicked) &&
	       !need_resched() && !signal_pending(current) &&
	       ktime_get_mono_fast_ns() < end)
		cpu_relax();
}

static void gmb_trap_disarm(struct gmb_ctx *ctx)
{
	if (atomic64_read(&ctx->due) == GMB_NO_DUE)
		return;
	hrtimer_cancel(&ctx->slack_timer);
	atomic64_set(&ctx->due, GMB_NO_DUE);
}

/*
 * Sleep until need events are pending and one of them is due, or a signal, or
 * the time. A waker that came too early for one sleep may still count in the
 * next: a sleep can be shorter, never longer, than it should be.
 */
static void gmb_trap_sleep(struct gmb_ctx *ctx, u32 need, u32 batch,
			   ktime_t until)
{
	WRITE_ONCE(ctx->sleeping, true);
	WRITE_ONCE(ctx->wake_reason, GMB_WAKE_END);
	WRITE_ONCE(ctx->woken_ns, 0);
	WRITE_ONCE(ctx->need, need);
	WRITE_ONCE(ctx->batch, batch);
	WRITE_ONCE(ctx->urgent, false);
	atomic_set(&ctx->events, 0);
	/* Publishes the above together with the waiter. */
	smp_store_release(&ctx->waiter, current);
	/* Full barrier; pairs with the push before gmb_ctx_notify(). */
	set_current_state(TASK_INTERRUPTIBLE);

	if (gmb_trap_idle(ctx) && !READ_ONCE(ctx->kicked) &&
	    !READ_ONCE(ctx->dead)) {
		mutex_unlock(&ctx->lock);
		if (until == KTIME_MAX)
			schedule();
		else
			/* Exact: slack is what operations are given. */
			schedule_hrtimeout_range(&until, 0, HRTIMER_MODE_ABS);
		__set_current_state(TASK_RUNNING);
		WRITE_ONCE(ctx->waiter, NULL);
		mutex_lock(&ctx->lock);
		gmb_stats_woke(ctx);
	} else {
		__set_current_state(TASK_RUNNING);
		WRITE_ONCE(ctx->waiter, NULL);
	}
	gmb_trap_disarm(ctx);
	WRITE_ONCE(ctx->sleeping, false);
}

static ktime_t gmb_trap_until(const struct gmb_ioc_trap *args)
{
	if (args->timeout_ns >= KTIME_MAX)
		return KTIME_MAX;
	return ktime_add_safe(ktime_get(), args->timeout_ns);
}

static int gmb_trap_wait(struct gmb_ctx *ctx, const struct gmb_ioc_trap *args)
{
	ktime_t until = KTIME_MAX;
	bool timed = args->timeout_ns < KTIME_MAX;
	u32 spin = min_t(u64, args->spin_ns, args->timeout_ns);
	int error = 0;

	if (timed)
		until = gmb_trap_until(args);
	ctx->sweep_wanted = true;
	while (ctx->posted < args->min && !gmb_trap_over(ctx, &error)) {
		if (spin) {
			gmb_trap_spin(ctx, spin);
			spin = 0;
		} else if (gmb_trap_idle(ctx)) {
			gmb_sweep_idle(ctx);
			if (ctx->posted >= args->min ||
			    task_work_pending(current))
				break;
			if (timed && ktime_get() >= until)
				break;
			gmb_trap_sleep(ctx, args->min - ctx->posted,
				       args->batch, until);
		} else if (timed && ktime_get() >= until) {
			/* There may be something to perform all the time. */
			break;
		}
		gmb_trap_perform(ctx, args->min);
	}
	return error;
}

static int gmb_trap_check(struct gmb_ctx *ctx, const struct gmb_ioc_trap *args)
{
	if (unlikely(args->flags || args->reserved ||
		     args->spin_ns > GMB_TRAP_MAX_SPIN_NS))
		return -EINVAL;
	if (unlikely(!ctx->set_up || !atomic_read(&ctx->mapped)))
		return -ENXIO;
	if (unlikely(args->min > ctx->ring.cq_mask + 1))
		return -EINVAL;
	if (unlikely(READ_ONCE(ctx->dead)))
		return -ESHUTDOWN;
	if (unlikely(ctx->sleeping))
		return -EBUSY;
	return 0;
}

/**
 * gmb_trap() - submit, perform, wait
 * @ctx:  context of the caller's address space
 * @args: checked here for everything but size
 *
 * Context: process; sleeps.
 * Return: completions posted, or an error of GMB_IOC_TRAP.
 */
int gmb_trap(struct gmb_ctx *ctx, const struct gmb_ioc_trap *args)
{
	int ret;

	ret = mutex_lock_interruptible(&ctx->lock);
	if (unlikely(ret))
		return -EINTR;
	ret = gmb_trap_check(ctx, args);
	if (unlikely(ret))
		goto out;

	trace_gmb_trap_enter(ctx->id, gmb_ring_waiting(&ctx->ring), args->min,
			     args->timeout_ns);
	ctx->posted = 0;
	ctx->running_ns = 0;
	WRITE_ONCE(ctx->tid, task_pid_nr(current));
	ctx->may_io = gmb_trap_may_io();
	gmb_trap_submit(ctx);
	gmb_trap_perform(ctx, args->min);
	if (ctx->posted < args->min) {
		ret = gmb_trap_wait(ctx, args);
	} else if (unlikely(++ctx->busy % GMB_TRAP_SWEEP_TRAPS == 0)) {
		gmb_sweep(ctx, GMB_TRAP_SWEEP_BUSY);
	}
	if (!gmb_trap_idle(ctx))
		WRITE_ONCE(*ctx->pending, 1);
	gmb_ring_publish(&ctx->ring);
	if (ctx->posted)
		ret = ctx->posted;
	gmb_stats_trap(ctx);
	trace_gmb_trap_exit(ctx->id, ret);
out:
	mutex_unlock(&ctx->lock);
	return ret;
}
