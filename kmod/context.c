/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "context.h"
#include "observe.h"
#include "peer.h"
#include "stats.h"
#include "sweep.h"
#include "task.h"
#include "user.h"
#include "watch.h"

/* By number. Numbers come round slowly, so that one means one context. */
static DEFINE_XARRAY_ALLOC1(contexts);
static u32 last_id;
struct workqueue_struct *gmb_queue;

static uint max_watches = 1U << 20;
module_param(max_watches, uint, 0644);
MODULE_PARM_DESC(max_watches, "Watches that one context may have, if RLIMIT_NOFILE allows them (default: 1048576)");

/*
 * The last close of the descriptor mostly follows an unmapping, as when the
 * process exits, and ends the context where files are released before anybody
 * learns of the exit: who starts a server anew finds its port free. What a
 * work item lets go of is released later. So that leaves the close some time.
 */
#define GMB_END_DELAY	msecs_to_jiffies(100)
/* How long gmb_ctx_end() waits for a trap that is on its way out. */
#define GMB_END_RETRY	msecs_to_jiffies(10)

static void gmb_ctx_end(struct gmb_ctx *ctx)
{
	lockdep_assert_held(&ctx->lock);
	if (ctx->ended)
		return;
	ctx->ended = true;
	gmb_stats_flush(ctx);
	gmb_observe_unlist(ctx);
	gmb_watch_drop_all(ctx);
	gmb_task_drop_all(ctx);
	gmb_peer_drop_all(ctx);
}

/*
 * Never waits for the lock: its holder may be stuck in a page fault for as
 * long as the program likes, and others' contexts need this work queue too.
 */
static void gmb_ctx_end_work(struct work_struct *work)
{
	struct gmb_ctx *ctx = container_of(to_delayed_work(work),
					   struct gmb_ctx, end_work);

	if (!mutex_trylock(&ctx->lock)) {
		queue_delayed_work(gmb_queue, &ctx->end_work, GMB_END_RETRY);
		return;
	}
	gmb_ctx_end(ctx);
	mutex_unlock(&ctx->lock);
}

static void gmb_ctx_wake(struct gmb_ctx *ctx, enum gmb_wake_reason reason,
			 int wake_flags)
{
	struct wait_queue_entry entry;

	/* One wakeup is enough: who takes the waiter off does it. */
	entry.private = xchg(&ctx->waiter, NULL);
	if (!entry.private)
		return;
	WRITE_ONCE(ctx->wake_reason, reason);
	if (gmb_stats_on())
		WRITE_ONCE(ctx->woken_ns, gmb_stats_now());
	trace_gmb_wake(ctx->id, reason, atomic_read(&ctx->events));
	default_wake_function(&entry, TASK_INTERRUPTIBLE, wake_flags, NULL);
}

static enum hrtimer_restart gmb_ctx_due(struct hrtimer *timer)
{
	struct gmb_ctx *ctx = container_of(timer, struct gmb_ctx, slack_timer);

	/* Past aims must not keep later events from setting theirs. */
	atomic64_cmpxchg(&ctx->due, hrtimer_get_expires(timer), GMB_NO_DUE);
	WRITE_ONCE(ctx->urgent, true);
	/* Pairs with the counting in __gmb_ctx_notify(). */
	smp_mb();
	rcu_read_lock();
	if (atomic_read(&ctx->events) >= READ_ONCE(ctx->need))
		gmb_ctx_wake(ctx, GMB_WAKE_BUDGET, 0);
	rcu_read_unlock();
	return HRTIMER_NORESTART;
}

/* Let the timer expire in slack_ns, unless it does so earlier anyway. */
static void gmb_ctx_arm(struct gmb_ctx *ctx, u32 slack_ns)
{
	s64 mine = ktime_get() + slack_ns;
	s64 due = atomic64_read(&ctx->due);

	while (mine < due) {
		if (!atomic64_try_cmpxchg(&ctx->due, &due, mine))
			continue;
		/*
		 * Two wakers may start the timer in the other order than they
		 * set the aim: start again until the aim is the one started.
		 */
		do {
			due = mine;
			hrtimer_start(&ctx->slack_timer, due, HRTIMER_MODE_ABS);
			mine = atomic64_read(&ctx->due);
		} while (mine < due);
		return;
	}
}

/**
 * __gmb_ctx_notify() - wake the sleeping loop, now or when it is due
 * @ctx:        context
 * @slack_ns:   as for gmb_ctx_notify()
 * @wake_flags: as for gmb_ctx_notify()
 *
 * Context: any; RCU read side, or a wait queue's lock, is held. RCU keeps the
 * sleeping thread's task_struct while it is woken.
 */
void __gmb_ctx_notify(struct gmb_ctx *ctx, u32 slack_ns, int wake_flags)
{
	u32 n, need = READ_ONCE(ctx->need), batch = READ_ONCE(ctx->batch);
	enum gmb_wake_reason reason = GMB_WAKE_URGENT;

	rcu_read_lock();
	if (!slack_ns && need <= 1)
		goto wake;
	if (!slack_ns)
		WRITE_ONCE(ctx->urgent, true);
	/* Full barrier between urgent and events, both ways. */
	n = atomic_inc_return(&ctx->events);
	if (n >= need && READ_ONCE(ctx->urgent))
		goto wake;
	reason = GMB_WAKE_COUNT;
	if (n >= need && batch && n >= batch)
		goto wake;
	if (slack_ns && slack_ns != GMB_SLACK_MAX)
		gmb_ctx_arm(ctx, slack_ns);
	goto out;
wake:
	gmb_ctx_wake(ctx, reason, wake_flags);
out:
	rcu_read_unlock();
}

/**
 * gmb_ctx_rouse() - have the sleeping trap look round, if there is one
 * @ctx:        context; the caller has set what it is to see
 * @reason:     for traces
 * @wake_flags: for the scheduler
 *
 * Context: any.
 */
void gmb_ctx_rouse(struct gmb_ctx *ctx, enum gmb_wake_reason reason,
		   int wake_flags)
{
	/* Pairs with the barrier in gmb_trap_sleep(). */
	smp_mb();
	rcu_read_lock();
	gmb_ctx_wake(ctx, reason, wake_flags);
	rcu_read_unlock();
}

/**
 * gmb_ctx_kick() - let the sleeping trap, or the next one, return at once
 * @ctx:        context
 * @wake_flags: for the scheduler
 *
 * Context: any.
 */
void gmb_ctx_kick(struct gmb_ctx *ctx, int wake_flags)
{
	/* What the caller wrote before is seen by the trap that clears it. */
	smp_mb();
	WRITE_ONCE(ctx->kicked, true);
	gmb_ctx_rouse(ctx, GMB_WAKE_KICK, wake_flags);
}

/*
 * As pinned pages, which takes no lock: mmap_lock may be held for as long as
 * the program likes, and others' contexts need this work queue too.
 */
static bool gmb_ctx_try_pin(struct mm_struct *mm, u32 pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned long pinned = atomic64_add_return(pages, &mm->pinned_vm);

	if (pinned + READ_ONCE(mm->locked_vm) <= limit ||
	    capable(CAP_IPC_LOCK))
		return true;
	atomic64_sub(pages, &mm->pinned_vm);
	return false;
}

static int gmb_ctx_pin(struct mm_struct *mm, u32 pages)
{
	if (gmb_ctx_try_pin(mm, pages))
		return 0;
	/* Those of contexts that were closed just now are not free yet. */
	rcu_barrier();
	flush_workqueue(gmb_queue);
	return gmb_ctx_try_pin(mm, pages) ? 0 : -ENOMEM;
}

static void gmb_ctx_fini(struct work_struct *work)
{
	struct gmb_ctx *ctx = container_of(to_rcu_work(work), struct gmb_ctx,
					   fini_work);

	hrtimer_cancel(&ctx->slack_timer);
	gmb_task_free_woken(ctx);
	gmb_ring_fini(&ctx->ring);
	if (ctx->stamped)
		gmb_stats_end();
	atomic64_sub(ctx->locked_pages, &ctx->mm->pinned_vm);
	mmdrop(ctx->mm);
	gmb_user_put(ctx->user);
	gmb_ctx_put(ctx);
}

/**
 * gmb_ctx_new() - a context for the calling process
 *
 * Context: process; may sleep.
 * Return: a context with one reference, or ERR_PTR(-ENOMEM).
 */
struct gmb_ctx *gmb_ctx_new(void)
{
	struct gmb_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	ctx->uid = current_uid();
	ctx->user = gmb_user_get(ctx->uid);
	if (!ctx->user)
		goto err_ctx;

	kref_init(&ctx->refs);
	mutex_init(&ctx->lock);
	gmb_stats_init(ctx);
	init_llist_head(&ctx->ready);
	init_llist_head(&ctx->lazy);
	init_llist_head(&ctx->woken);
	atomic64_set(&ctx->due, GMB_NO_DUE);
	hrtimer_setup(&ctx->slack_timer, gmb_ctx_due, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS);
	gmb_sweep_init(ctx);
	INIT_DELAYED_WORK(&ctx->end_work, gmb_ctx_end_work);
	INIT_RCU_WORK(&ctx->fini_work, gmb_ctx_fini);
	/* From here others find it; they look no further until it is set up. */
	if (xa_alloc_cyclic(&contexts, &ctx->id, ctx, XA_LIMIT(1, INT_MAX),
			    &last_id, GFP_KERNEL_ACCOUNT) < 0)
		goto err_user;
	mmgrab(current->mm);
	ctx->mm = current->mm;
	ctx->net = get_net(current->nsproxy->net_ns);
	ctx->tgid = get_pid(task_tgid(current));
	strscpy(ctx->comm, current->group_leader->comm, sizeof(ctx->comm));
	return ctx;

err_user:
	gmb_user_put(ctx->user);
err_ctx:
	kfree(ctx);
	return ERR_PTR(-ENOMEM);
}

/**
 * gmb_ctx_max_watches() - most watches that the caller may ask for
 */
u32 gmb_ctx_max_watches(void)
{
	return min_t(unsigned long, READ_ONCE(max_watches),
		     rlimit(RLIMIT_NOFILE));
}

static int gmb_ctx_limits(struct gmb_ctx *ctx, struct gmb_ioc_setup *setup)
{
	u32 most = gmb_ctx_max_watches();

	if (!setup->max_watches)
		setup->max_watches = most;
	if (!setup->max_tasks)
		setup->max_tasks = GMB_MAX_TASKS;
	if (setup->max_watches > most)
		return -EMFILE;
	if (setup->max_tasks > GMB_MAX_TASKS)
		return -EINVAL;
	ctx->watches.limit = setup->max_watches;
	ctx->tasks.limit = setup->max_tasks;
	ctx->peers.limit = GMB_MAX_PEERS;
	return 0;
}

/**
 * gmb_ctx_setup() - make the rings
 * @ctx:   context of the caller's
 * @setup: [in/out] checked for everything but size; outputs are filled in
 *
 * Context: process; may sleep.
 * Return: 0 or an error of GMB_IOC_SETUP.
 */
int gmb_ctx_setup(struct gmb_ctx *ctx, struct gmb_ioc_setup *setup)
{
	u32 pages;
	int ret;

	if (setup->flags & ~GMB_SETUP_STAMPS || setup->reserved)
		return -EINVAL;
	ret = mutex_lock_interruptible(&ctx->lock);
	if (ret)
		return ret;
	ret = -EBUSY;
	if (ctx->set_up)
		goto out;
	ret = gmb_ctx_limits(ctx, setup);
	if (ret)
		goto out;
	ret = gmb_ring_init(&ctx->ring, setup);
	if (ret)
		goto out;
	pages = ctx->ring.npages;
	ret = gmb_ctx_pin(ctx->mm, pages);
	if (ret)
		goto err_ring;
	ret = gmb_observe_list(ctx);
	if (ret)
		goto err_pages;
	ctx->locked_pages = pages;
	ctx->pending = &ctx->ring.shared->pending;
	setup->id = ctx->id;
	if (ctx->ring.stamps) {
		ctx->stamped = true;
		gmb_stats_begin();
	}
	/* Pairs with the acquire of those who do not hold the lock. */
	smp_store_release(&ctx->set_up, true);
	goto out;

err_pages:
	atomic64_sub(pages, &ctx->mm->pinned_vm);
err_ring:
	gmb_ring_fini(&ctx->ring);
out:
	mutex_unlock(&ctx->lock);
	return ret;
}

/**
 * gmb_ctx_map() - map the rings, once in a context's life
 * @ctx: context of the caller's
 * @vma: area for them
 *
 * Context: under mmap_lock, so not ctx->lock.
 * Return: 0; -ENXIO not set up; -EBUSY mapped before; -EINVAL; -ENOMEM.
 */
int gmb_ctx_map(struct gmb_ctx *ctx, struct vm_area_struct *vma)
{
	int ret;

	if (!smp_load_acquire(&ctx->set_up))
		return -ENXIO;
	if (atomic_cmpxchg(&ctx->mapped, 0, 2))
		return -EBUSY;
	ret = gmb_ring_map(&ctx->ring, vma);
	if (ret)
		atomic_set(&ctx->mapped, 0);
	return ret;
}

/**
 * gmb_ctx_shut() - the program can no longer use the context
 * @ctx: context; the caller holds its file
 *
 * Context: under mmap_lock, so not ctx->lock.
 */
void gmb_ctx_shut(struct gmb_ctx *ctx)
{
	WRITE_ONCE(ctx->dead, true);
	gmb_ctx_kick(ctx, 0);
	queue_delayed_work(gmb_queue, &ctx->end_work, GMB_END_DELAY);
}

static void gmb_ctx_free_rcu(struct rcu_head *rcu)
{
	struct gmb_ctx *ctx = container_of(rcu, struct gmb_ctx, rcu);

	gmb_stats_fini(ctx);
	put_pid(ctx->tgid);
	put_net(ctx->net);
	kfree(ctx);
}

static void gmb_ctx_free(struct kref *refs)
{
	struct gmb_ctx *ctx = container_of(refs, struct gmb_ctx, refs);

	xa_erase(&contexts, ctx->id);
	call_rcu(&ctx->rcu, gmb_ctx_free_rcu);
}

/**
 * gmb_ctx_get() - the context with a number
 * @id: any number
 *
 * Return: the context, with a reference to be put; or NULL.
 */
struct gmb_ctx *gmb_ctx_get(u32 id)
{
	struct gmb_ctx *ctx;

	rcu_read_lock();
	ctx = xa_load(&contexts, id);
	if (ctx && !kref_get_unless_zero(&ctx->refs))
		ctx = NULL;
	rcu_read_unlock();
	return ctx;
}

/**
 * gmb_ctx_next() - the first context from a number on
 * @id: [in/out] where to begin; the number of what was found
 *
 * Return: the context, with a reference to be put; or NULL: no more.
 */
struct gmb_ctx *gmb_ctx_next(u32 *id)
{
	unsigned long index = *id;
	struct gmb_ctx *ctx;

	rcu_read_lock();
	ctx = xa_find(&contexts, &index, INT_MAX, XA_PRESENT);
	while (ctx && !kref_get_unless_zero(&ctx->refs))
		ctx = xa_find_after(&contexts, &index, INT_MAX, XA_PRESENT);
	rcu_read_unlock();
	*id = index;
	return ctx;
}

/**
 * gmb_ctx_put() - give a reference back
 * @ctx: context
 */
void gmb_ctx_put(struct gmb_ctx *ctx)
{
	kref_put(&ctx->refs, gmb_ctx_free);
}

/**
 * gmb_ctx_release() - the last descriptor was closed
 * @ctx: context; the file's reference is given back
 *
 * No trap is under way, since a trap holds the file. Peers may still wake:
 * they find the context dead, or push onto a list that is freed with it.
 *
 * Context: process; may sleep.
 */
void gmb_ctx_release(struct gmb_ctx *ctx)
{
	WRITE_ONCE(ctx->dead, true);
	cancel_delayed_work_sync(&ctx->end_work);
	gmb_sweep_fini(ctx);
	cancel_delayed_work_sync(&ctx->stats.flush_work);
	mutex_lock(&ctx->lock);
	gmb_ctx_end(ctx);
	mutex_unlock(&ctx->lock);
	/* A peer that saw dead unset may still be in its RCU section. */
	queue_rcu_work(gmb_queue, &ctx->fini_work);
}

/**
 * gmb_ctx_global_init() - what all contexts share
 *
 * Return: 0 or -ENOMEM.
 */
int gmb_ctx_global_init(void)
{
	gmb_queue = alloc_workqueue("giambio", WQ_UNBOUND, 0);
	return gmb_queue ? 0 : -ENOMEM;
}

/**
 * gmb_ctx_global_fini() - undo gmb_ctx_global_init()
 *
 * No file is open any more; frees that wait for a grace period are waited for.
 */
void gmb_ctx_global_fini(void)
{
	rcu_barrier();
	destroy_workqueue(gmb_queue);
	/* The work has put the last references. */
	rcu_barrier();
	xa_destroy(&contexts);
}
