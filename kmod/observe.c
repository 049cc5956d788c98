/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/cred.h>
#include <linux/list.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "context.h"
#include "netlink.h"
#include "observe.h"
#include "stats.h"

/* Observing sockets that one user may have. */
#define GMB_USER_LEASES	64

struct gmb_lease {
	struct list_head	link;	/* leases */
	struct gmb_viewer	viewer;
	u32			portid;	/* 0: the multicast group's lease */
	u32			id;	/* of the one context; 0: of all */
	u32			what;	/* GMB_NL_OBSERVE_ bits */
	struct gmb_group	group;	/* its numbers, if it is the group's */
};

struct gmb_observer {
	struct list_head	link;	/* ctx->stats.observers */
	struct gmb_lease	*lease;
	u64			seq;	/* batches */
	u64			lost;	/* events */
	u64			before;	/* events that were sent, or lost */
	u64			from;	/* those noted before are not for it */
};

static LIST_HEAD(leases);
static DEFINE_MUTEX(leases_lock);

/*
 * Whether a context is somebody's own. That he started the program is not
 * enough: what one with the rights of another user does is not his to see.
 */
static bool gmb_observe_owns(const struct gmb_viewer *viewer,
			     const struct gmb_ctx *ctx)
{
	const struct cred *cred;
	struct task_struct *task;
	bool owns = false;

	if (!uid_eq(viewer->uid, ctx->uid))
		return false;
	rcu_read_lock();
	task = pid_task(ctx->tgid, PIDTYPE_TGID);
	if (task) {
		cred = __task_cred(task);
		owns = uid_eq(viewer->uid, cred->euid) &&
		       uid_eq(viewer->uid, cred->suid);
	}
	rcu_read_unlock();
	return owns;
}

/**
 * gmb_observe_may() - whether a context exists for somebody
 * @viewer: who asks
 * @ctx:    context
 *
 * What was set up is seen whole if this says yes.
 */
bool gmb_observe_may(const struct gmb_viewer *viewer, struct gmb_ctx *ctx)
{
	/* Pairs with the release in gmb_observe_list(). */
	if (!smp_load_acquire(&ctx->stats.listed) || READ_ONCE(ctx->dead))
		return false;
	if (viewer->net != ctx->net && viewer->net != &init_net)
		return false;
	return viewer->all || gmb_observe_owns(viewer, ctx);
}

static void __gmb_observe_sum(struct gmb_ctx *ctx)
{
	struct gmb_observer *o;
	u32 what = 0;

	lockdep_assert_held(&ctx->stats.lock);
	list_for_each_entry(o, &ctx->stats.observers, link)
		what |= o->lease->what;
	WRITE_ONCE(ctx->stats.observed, what);
}

static int __gmb_observe_add(struct gmb_ctx *ctx, struct gmb_lease *lease)
{
	struct gmb_observer *o = kzalloc(sizeof(*o), GFP_KERNEL_ACCOUNT);
	/* Pairs with the release in gmb_stats_note(). */
	const struct gmb_events *events = smp_load_acquire(&ctx->stats.events);

	lockdep_assert_held(&leases_lock);
	if (!o)
		return -ENOMEM;
	o->lease = lease;
	o->from = events ? READ_ONCE(events->noted) : 0;
	mutex_lock(&ctx->stats.lock);
	list_add_tail(&o->link, &ctx->stats.observers);
	__gmb_observe_sum(ctx);
	mutex_unlock(&ctx->stats.lock);
	return 0;
}

/* End the interest of one lease, or with NULL of all, in a context. */
static void __gmb_observe_remove(struct gmb_ctx *ctx,
				 const struct gmb_lease *lease)
{
	struct gmb_observer *o, *next;

	lockdep_assert_held(&leases_lock);
	mutex_lock(&ctx->stats.lock);
	list_for_each_entry_safe(o, next, &ctx->stats.observers, link) {
		if (lease && o->lease != lease)
			continue;
		list_del(&o->link);
		kfree(o);
	}
	__gmb_observe_sum(ctx);
	mutex_unlock(&ctx->stats.lock);
}

static void __gmb_lease_end(struct gmb_lease *lease)
{
	struct gmb_ctx *ctx;
	u32 id;

	lockdep_assert_held(&leases_lock);
	for (id = 0; (ctx = gmb_ctx_next(&id)); id++) {
		__gmb_observe_remove(ctx, lease);
		gmb_ctx_put(ctx);
		cond_resched();
	}
	list_del(&lease->link);
	kfree(lease);
	gmb_stats_end();
}

static int __gmb_lease_fill(struct gmb_lease *lease)
{
	struct gmb_ctx *ctx;
	int ret = 0;
	u32 id;

	lockdep_assert_held(&leases_lock);
	if (lease->id) {
		ctx = gmb_ctx_get(lease->id);
		if (!ctx)
			return -ENOENT;
		ret = gmb_observe_may(&lease->viewer, ctx) ?
			__gmb_observe_add(ctx, lease) : -ENOENT;
		gmb_ctx_put(ctx);
		return ret;
	}
	for (id = 0; !ret && (ctx = gmb_ctx_next(&id)); id++) {
		if (gmb_observe_may(&lease->viewer, ctx))
			ret = __gmb_observe_add(ctx, lease);
		gmb_ctx_put(ctx);
		cond_resched();
	}
	return ret;
}

static struct gmb_lease *__gmb_lease_find(const struct net *net, u32 portid)
{
	struct gmb_lease *lease;

	lockdep_assert_held(&leases_lock);
	list_for_each_entry(lease, &leases, link)
		if (lease->portid == portid && lease->viewer.net == net)
			return lease;
	return NULL;
}

static bool __gmb_lease_allowed(kuid_t uid)
{
	struct gmb_lease *lease;
	u32 n = 0;

	lockdep_assert_held(&leases_lock);
	list_for_each_entry(lease, &leases, link)
		n += uid_eq(lease->viewer.uid, uid);
	return n < GMB_USER_LEASES;
}

static int __gmb_lease_begin(const struct gmb_viewer *viewer, u32 portid,
			     u32 id, u32 what)
{
	struct gmb_lease *lease;
	int ret;

	lockdep_assert_held(&leases_lock);
	lease = kzalloc(sizeof(*lease), GFP_KERNEL_ACCOUNT);
	if (!lease)
		return -ENOMEM;
	lease->viewer = *viewer;
	lease->portid = portid;
	lease->id = id;
	lease->what = what;
	mutex_init(&lease->group.lock);
	list_add_tail(&lease->link, &leases);
	gmb_stats_begin();
	ret = __gmb_lease_fill(lease);
	if (ret)
		__gmb_lease_end(lease);
	return ret;
}

/*
 * The multicast group of a network namespace hears of all contexts seen from
 * there while some socket wants it to. It has a lease of its own, no user's.
 */
static int __gmb_group_update(struct net *net)
{
	struct gmb_viewer viewer = { net, INVALID_UID, true };
	struct gmb_lease *lease, *group = NULL;
	bool wanted = false;

	lockdep_assert_held(&leases_lock);
	list_for_each_entry(lease, &leases, link) {
		if (lease->viewer.net != net)
			continue;
		if (!lease->portid)
			group = lease;
		else if (lease->what & GMB_NL_OBSERVE_GROUP)
			wanted = true;
	}
	if (wanted && !group)
		return __gmb_lease_begin(&viewer, 0, 0,
					 GMB_NL_OBSERVE_EVENTS |
						 GMB_NL_OBSERVE_GROUP);
	if (!wanted && group)
		__gmb_lease_end(group);
	return 0;
}

static int __gmb_observe_begin(const struct gmb_viewer *viewer, u32 portid,
			       u32 id, u32 what)
{
	int ret;

	lockdep_assert_held(&leases_lock);
	if (!__gmb_lease_allowed(viewer->uid))
		return -EUSERS;
	ret = __gmb_lease_begin(viewer, portid, id, what);
	if (ret)
		return ret;
	ret = __gmb_group_update(viewer->net);
	if (ret)
		__gmb_lease_end(__gmb_lease_find(viewer->net, portid));
	return ret;
}

/**
 * gmb_observe_begin() - a netlink socket wants to observe
 * @viewer: who it is
 * @portid: the socket's; it stays open until gmb_observe_end()
 * @id:     of the one context that is meant, or 0: all that @viewer may see
 * @what:   GMB_NL_OBSERVE_ bits; 0 ends it
 *
 * What the socket had asked for before ends, also when this fails.
 *
 * Context: process; may sleep.
 * Return: 0; -ENOENT no such context; -EUSERS too many; -ENOMEM.
 */
int gmb_observe_begin(const struct gmb_viewer *viewer, u32 portid, u32 id,
		      u32 what)
{
	struct gmb_lease *old;
	int ret = 0;

	mutex_lock(&leases_lock);
	old = __gmb_lease_find(viewer->net, portid);
	if (old)
		__gmb_lease_end(old);
	if (what)
		ret = __gmb_observe_begin(viewer, portid, id, what);
	if (old && (ret || !what))
		__gmb_group_update(viewer->net);
	mutex_unlock(&leases_lock);
	return ret;
}

/**
 * gmb_observe_end() - a netlink socket was closed
 * @net:    its network namespace
 * @portid: its number
 *
 * Another socket can have taken the number by now, within the moment that the
 * kernel takes to close one; then that one's lease is what ends.
 *
 * Context: process; may sleep.
 */
void gmb_observe_end(struct net *net, u32 portid)
{
	struct gmb_lease *lease;

	mutex_lock(&leases_lock);
	lease = __gmb_lease_find(net, portid);
	if (lease) {
		__gmb_lease_end(lease);
		__gmb_group_update(net);
	}
	mutex_unlock(&leases_lock);
}

/**
 * gmb_observe_list() - a context was set up: let it be seen
 * @ctx: context; lock held
 *
 * Return: 0; -ENOMEM, and it is not listed.
 */
int gmb_observe_list(struct gmb_ctx *ctx)
{
	struct gmb_lease *lease;
	int ret = 0;

	mutex_lock(&leases_lock);
	/* Release: who sees it listed sees what was set up before. */
	smp_store_release(&ctx->stats.listed, true);
	list_for_each_entry(lease, &leases, link) {
		if (lease->id || !gmb_observe_may(&lease->viewer, ctx))
			continue;
		ret = __gmb_observe_add(ctx, lease);
		if (ret)
			break;
	}
	if (ret) {
		WRITE_ONCE(ctx->stats.listed, false);
		__gmb_observe_remove(ctx, NULL);
	}
	mutex_unlock(&leases_lock);
	return ret;
}

/**
 * gmb_observe_unlist() - a context ends: nobody observes it from now on
 * @ctx: context; lock held
 */
void gmb_observe_unlist(struct gmb_ctx *ctx)
{
	mutex_lock(&leases_lock);
	WRITE_ONCE(ctx->stats.listed, false);
	__gmb_observe_remove(ctx, NULL);
	mutex_unlock(&leases_lock);
}

static void __gmb_observe_send(struct gmb_ctx *ctx, struct gmb_observer *o,
			       struct gmb_batch *batch)
{
	struct gmb_lease *lease = o->lease;
	int ret;

	lockdep_assert_held(&ctx->stats.lock);
	batch->seq = ++o->seq;
	batch->lost = o->lost;
	batch->before = o->before;
	o->before += batch->count;
	if (lease->portid)
		ret = gmb_netlink_send(lease->viewer.net, lease->portid, batch);
	else
		ret = gmb_netlink_multicast(lease->viewer.net, &lease->group,
					    batch);
	if (ret) {
		o->lost += batch->count;
		gmb_count(ctx, GMB_COUNT_EVENTS_LOST, batch->count);
	}
}

/**
 * gmb_observe_send() - send a batch of events to all who want it
 * @ctx: context; lock held
 */
void gmb_observe_send(struct gmb_ctx *ctx)
{
	const struct gmb_events *events = ctx->stats.events;
	u64 first = events->noted - events->count;
	struct gmb_batch batch = { .id = ctx->id };
	struct gmb_observer *o;
	u64 skip;

	mutex_lock(&ctx->stats.lock);
	list_for_each_entry(o, &ctx->stats.observers, link) {
		skip = max(o->from, first) - first;
		if (!(o->lease->what & GMB_NL_OBSERVE_EVENTS) ||
		    skip >= events->count)
			continue;
		batch.count = events->count - skip;
		batch.event = events->event + skip;
		__gmb_observe_send(ctx, o, &batch);
	}
	mutex_unlock(&ctx->stats.lock);
}

/**
 * gmb_observe_global_fini() - end the leases of sockets that are still open
 *
 * No context is left, and nobody can ask any more.
 */
void gmb_observe_global_fini(void)
{
	struct gmb_lease *lease, *next;

	mutex_lock(&leases_lock);
	list_for_each_entry_safe(lease, next, &leases, link)
		__gmb_lease_end(lease);
	mutex_unlock(&leases_lock);
}
