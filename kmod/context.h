/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A context: what one open of /dev/giambio is. It serves one loop.
 *
 * Locks, in the order they are taken
 * ----------------------------------
 *	mmap_lock		not under ctx->lock in the reverse sense: a trap
 *				faults in the program's memory under ctx->lock,
 *				so nothing under mmap_lock may take ctx->lock
 *	ctx->lock	mutex	all but the first part of struct gmb_ctx; held
 *				by a trap except while it sleeps
 *	  wait queue locks	hooking and unhooking a watch
 *	  leases_lock, stats.lock	see observe.h
 *
 * Wakers (wait queue callbacks in any context, other contexts' wakes, timers)
 * take no lock. They touch only the first part of struct gmb_ctx, with atomic
 * operations, and the nodes that they push.
 *
 * Lifetime
 * --------
 * The open file holds a reference; so does every context that has this one as
 * a peer. The end comes in three steps:
 *
 *	gmb_ctx_shut()	marks it dead: traps and wakes fail from now on. When
 *			the ring mapping goes away (exit, execve, munmap).
 *	gmb_ctx_end()	drops watches, tasks and peers. Soon after, from a work
 *			item, or when the file is released. It is a work item
 *			because the mapping goes away under mmap_lock.
 *	gmb_ctx_fini()	frees the rings and what else is large, a grace period
 *			after the file was released: wakers that found a task
 *			or the context under RCU are done with them.
 *	last put	frees the rest; again after a grace period, since it is
 *			looked up by its number under RCU.
 */
#ifndef GMB_CONTEXT_H
#define GMB_CONTEXT_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

#include "clock.h"
#include "ring.h"
#include "table.h"

struct file;
struct gmb_events;
struct gmb_histograms;
struct gmb_task;
struct gmb_user;
struct mm_struct;
struct net;
struct pid;
struct task_struct;

#define GMB_NO_DUE	((s64)KTIME_MAX)

/* Why a sleeping trap was woken: GMB_NL_REASON_. */
enum gmb_wake_reason {
	GMB_WAKE_URGENT,	/* an event without slack */
	GMB_WAKE_COUNT,		/* as many events as the trap's batch */
	GMB_WAKE_BUDGET,	/* the timer: some event's slack is over */
	GMB_WAKE_KICK,		/* GMB_WAKE_TRAP, or the end of the context */
	GMB_WAKE_END,		/* nobody woke it: its time, a signal */
	GMB_WAKE_SWEEP,		/* for what the sweep found; it may sleep on */
};

/* What is counted: in the order of GMB_NL_CONTEXT_TRAPS and what follows. */
enum gmb_count {
	GMB_COUNT_TRAPS,
	GMB_COUNT_SLEEPS,
	GMB_COUNT_OPS,
	GMB_COUNT_COMPLETIONS,
	GMB_COUNT_WAKES,	/* the first of four, by reason */
	GMB_COUNT_FULL = GMB_COUNT_WAKES + GMB_WAKE_END,
	GMB_COUNT_SWEPT,
	GMB_COUNT_EVENTS_LOST,
	GMB_COUNTS
};

/* See stats.h. */
struct gmb_stats {
	/* Written by the trap, under ctx->lock. */
	u64			count[GMB_COUNTS];
	u64			woken;	/* when the last sleep's end began */
	u32			reason;	/* of that, enum gmb_wake_reason */
	u32			task_histograms; /* tasks that have some */
	struct gmb_histograms	*histograms; /* freed with the context */
	struct gmb_events	*events; /* not sent yet */
	struct gmb_clock	clock;
	struct delayed_work	flush_work;

	/* Written by observers, under lock. */
	struct mutex		lock;
	u64			base[GMB_COUNTS]; /* at the last reset */
	u32			epoch;	/* resets */
	u32			observed; /* GMB_NL_OBSERVE_ bits */
	struct list_head	observers;
	bool			listed;	/* under leases_lock; observe.h */
};

struct gmb_ctx {
	/* What wakers touch. */
	struct llist_head	ready;	/* watches with something to try */
	struct llist_head	lazy;	/* likewise, and with slack */
	struct llist_head	woken;	/* tasks with a permit */
	struct task_struct	*waiter; /* asleep in a trap; NULL once woken */
	u32			*pending; /* ring->shared->pending */
	u32			need;	/* events that a sleep waits for */
	u32			batch;	/* events that end slack */
	atomic_t		events;	/* since the sleep began, if counted */
	bool			urgent;	/* slack of some event has run out */
	bool			dead;
	bool			kicked;	/* GMB_WAKE_TRAP */
	u64			woken_ns; /* when the waiter was woken, or 0 */
	enum gmb_wake_reason	wake_reason;
	atomic64_t		due;	/* slack_timer's aim, or GMB_NO_DUE */
	struct hrtimer		slack_timer;

	/* The loop's own. */
	struct mutex		lock ____cacheline_aligned;
	struct gmb_ring		ring;
	struct llist_node	*todo;	/* taken off ready, not tried yet */
	struct llist_node	*lazy_todo; /* taken off lazy, likewise */
	struct llist_node	*awake;	/* taken off woken, not posted yet */
	struct gmb_table	watches;
	struct gmb_table	tasks;
	struct gmb_table	peers;
	u32			posted;	/* completions of this trap */
	u64			ready_ns; /* of what is performed; 0: at once */
	u64			running_ns; /* when this trap last woke, or 0 */
	struct gmb_task		*running_task; /* whose wake is posted */
	pid_t			tid;	/* thread of the last trap, globally */
	struct gmb_stats	stats;
	bool			may_io;	/* this trap may transfer data */
	bool			sleeping; /* a thread sleeps in a trap */
	bool			put_off; /* the last trap left lazy alone */
	bool			sweep_wanted; /* traps since the last round */
	bool			sweep_armed; /* sweep_work is to come */
	bool			sweep_due; /* it has found something */
	bool			ended;	/* gmb_ctx_end() is done */
	u32			sweep_at; /* next watch to look at */
	u32			sweep_left; /* until a round is complete */
	u32			busy;	/* traps that did not have to wait */

	/* Fixed, or atomic. */
	bool			set_up;	/* release: ring is valid */
	bool			stamped; /* it counts in gmb_stamping */
	atomic_t		mapped;	/* 0 never; else areas + 1 */
	u32			id;
	u32			locked_pages;
	struct mm_struct	*mm;
	struct gmb_user		*user;
	kuid_t			uid;	/* of user, who may be gone */
	struct net		*net;	/* where it was opened */
	struct pid		*tgid;	/* process that opened it */
	char			comm[TASK_COMM_LEN]; /* its name then */
	struct kref		refs;
	struct delayed_work	end_work;
	struct delayed_work	sweep_work;
	struct rcu_work		fini_work;
	struct rcu_head		rcu;
};

/* For what must not wait, or must not be done where it comes up. */
extern struct workqueue_struct *gmb_queue;

struct gmb_ctx *gmb_ctx_new(void);
int gmb_ctx_setup(struct gmb_ctx *ctx, struct gmb_ioc_setup *setup);
int gmb_ctx_map(struct gmb_ctx *ctx, struct vm_area_struct *vma);
void gmb_ctx_shut(struct gmb_ctx *ctx);
void gmb_ctx_release(struct gmb_ctx *ctx);
struct gmb_ctx *gmb_ctx_get(u32 id);
struct gmb_ctx *gmb_ctx_next(u32 *id);
void gmb_ctx_put(struct gmb_ctx *ctx);
void __gmb_ctx_notify(struct gmb_ctx *ctx, u32 slack_ns, int wake_flags);
void gmb_ctx_rouse(struct gmb_ctx *ctx, enum gmb_wake_reason reason,
		   int wake_flags);
void gmb_ctx_kick(struct gmb_ctx *ctx, int wake_flags);
u32 gmb_ctx_max_watches(void);
int gmb_ctx_global_init(void);
void gmb_ctx_global_fini(void);

#define GMB_MAX_TASKS	(1U << 20)
#define GMB_MAX_PEERS	4096U

/**
 * gmb_ctx_notify() - tell the loop that a node was pushed
 * @ctx:        context
 * @slack_ns:   how long the event may wait
 * @wake_flags: WF_ flags of the wakeup that brought it, for the scheduler
 *
 * The push was a fully ordered operation; it pairs with the barrier in
 * gmb_trap_sleep(), between naming the waiter and looking at the lists.
 *
 * Context: any; RCU read side, or a wait queue's lock, is held.
 */
static inline void gmb_ctx_notify(struct gmb_ctx *ctx, u32 slack_ns,
				  int wake_flags)
{
	if (!READ_ONCE(*ctx->pending))
		WRITE_ONCE(*ctx->pending, 1);
	if (READ_ONCE(ctx->waiter))
		__gmb_ctx_notify(ctx, slack_ns, wake_flags);
}

#endif /* GMB_CONTEXT_H */
