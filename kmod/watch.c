/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/file.h>
#include <linux/net.h>
#include <linux/slab.h>

#include "compat.h"
#include "context.h"
#include "device.h"
#include "ops.h"
#include "stats.h"
#include "user.h"
#include "watch.h"

static struct kmem_cache *watch_cache;

static inline void gmb_watch_push(struct gmb_ctx *ctx, struct gmb_watch *w,
				  u32 slack, int wake_flags)
{
	if (gmb_stats_on())
		w->stamp = gmb_stats_now();
	llist_add(&w->node, slack ? &ctx->lazy : &ctx->ready);
	gmb_ctx_notify(ctx, slack, wake_flags);
}

/* The shorter slack of those that wait for one of the events. */
static inline u32 gmb_watch_slack(const struct gmb_watch *w, u32 armed,
				  u32 events)
{
	u32 slack = GMB_SLACK_MAX;

	if (armed & events)
		slack = READ_ONCE(w->slack_read);
	if (armed >> 16 & events)
		slack = min(slack, READ_ONCE(w->slack_write));
	return slack;
}

static void gmb_watch_wake(struct gmb_watch *w, int wake_flags, void *key)
{
	u32 events = (__force u32)key_to_poll(key) & GMB_EVENTS_ANY;
	u32 bits = 0, armed, old, queued;
	struct gmb_ctx *ctx;

	/* No key: anything may have happened. */
	if (!key)
		events = GMB_EVENTS_ANY;
	if (events & (GMB_EVENTS_IN | GMB_EVENTS_END))
		bits |= GMB_CAN_READ;
	if (events & (GMB_EVENTS_OUT | GMB_EVENTS_END))
		bits |= GMB_CAN_WRITE;
	if (!bits)
		return;

	/*
	 * Not every producer has a full barrier between its data and the
	 * wakeup; all hold the lock of the wait queue. Pairs with (b) where the
	 * loop looks at the file itself.
	 */
	smp_mb__after_spinlock();
	ctx = w->wait.private;
	armed = READ_ONCE(w->armed);
	if ((armed | armed >> 16) & events) {
		old = atomic_fetch_or(bits | GMB_QUEUED, &w->ready);
		queued = old & GMB_QUEUED;
	} else {
		/* (a) in watch.h */
		old = atomic_fetch_or(bits, &w->ready);
		if ((old & bits) == bits)
			return;
		armed = READ_ONCE(w->armed);
		if (likely(!((armed | armed >> 16) & events)))
			return;
		queued = atomic_fetch_or(GMB_QUEUED, &w->ready) & GMB_QUEUED;
	}
	if (!queued) {
		trace_gmb_ready(ctx->id, w->file, events);
		gmb_watch_push(ctx, w, gmb_watch_slack(w, armed, events),
			       wake_flags);
		/* The end of a file is an event for each side. */
		if (unlikely(armed & events && armed >> 16 & events))
			gmb_ctx_notify(ctx, GMB_SLACK_MAX, wake_flags);
	} else if (bits & ~old) {
		/* Queued for one side: the other has a budget of its own. */
		gmb_ctx_notify(ctx, gmb_watch_slack(w, armed, events),
			       wake_flags);
	}
}

/*
 * The wait queue is about to be freed: leave it. The store of NULL must come
 * last, gmb_watch_unhook() may free the entry as soon as it sees it.
 */
static void gmb_watch_pollfree(struct wait_queue_entry *wait,
			       struct wait_queue_head **head)
{
	list_del_init(&wait->entry);
	smp_store_release(head, NULL);
}

static int gmb_watch_wake_first(struct wait_queue_entry *wait,
				unsigned int mode, int wake_flags, void *key)
{
	struct gmb_watch *w = container_of(wait, struct gmb_watch, wait);

	gmb_watch_wake(w, wake_flags, key);
	if (unlikely((__force u32)key_to_poll(key) & (__force u32)POLLFREE))
		gmb_watch_pollfree(wait, &w->head);
	return 1;
}

static int gmb_watch_wake_second(struct wait_queue_entry *wait,
				 unsigned int mode, int wake_flags, void *key)
{
	struct gmb_hook *hook = container_of(wait, struct gmb_hook, wait);

	gmb_watch_wake(wait->private, wake_flags, key);
	if (unlikely((__force u32)key_to_poll(key) & (__force u32)POLLFREE))
		gmb_watch_pollfree(wait, &hook->head);
	return 1;
}

/*
 * Take an entry off its wait queue. RCU keeps the queue while it is looked at:
 * whoever frees it waits a grace period after POLLFREE.
 */
static void gmb_watch_unhook(struct wait_queue_entry *wait,
			     struct wait_queue_head **where)
{
	struct wait_queue_head *head;

	rcu_read_lock();
	/* Pairs with the release in gmb_watch_pollfree(). */
	head = smp_load_acquire(where);
	if (head)
		remove_wait_queue(head, wait);
	rcu_read_unlock();
}

struct gmb_hooking {
	poll_table		table;
	struct gmb_watch	*watch;
	int			error;
};

static void gmb_watch_hook(struct file *file, struct wait_queue_head *head,
			   poll_table *table)
{
	struct gmb_hooking *h = container_of(table, struct gmb_hooking, table);
	struct gmb_watch *w = h->watch;
	struct gmb_hook *second;

	if (h->error || w->head == head ||
	    (w->second && w->second->head == head))
		return;
	if (!w->head) {
		w->head = head;
		add_wait_queue(head, &w->wait);
		return;
	}
	second = w->second ? NULL : kmalloc(sizeof(*second),
					    GFP_KERNEL_ACCOUNT);
	if (!second) {
		h->error = w->second ? -EOPNOTSUPP : -ENOMEM;
		return;
	}
	init_waitqueue_func_entry(&second->wait, gmb_watch_wake_second);
	second->wait.private = w;
	second->head = head;
	w->second = second;
	add_wait_queue(head, &second->wait);
}

static void gmb_watch_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(watch_cache, container_of(rcu, struct gmb_watch, rcu));
}

/**
 * gmb_watch_free() - free a watch that is dropped and not queued
 * @w: watch; its context's lock is held
 */
void gmb_watch_free(struct gmb_watch *w)
{
	struct gmb_ctx *ctx = w->wait.private;

	/* Only now: dropped ones that are queued take memory, too. */
	gmb_user_uncharge(ctx->user);
	/* Pairs with gmb_watch_look(): dropped, before the unions change. */
	smp_wmb();
	call_rcu(&w->rcu, gmb_watch_free_rcu);
}

/* Undo hooking; after this no callback of the watch runs. */
static void gmb_watch_unhook_all(struct gmb_watch *w)
{
	gmb_watch_unhook(&w->wait, &w->head);
	if (w->second) {
		gmb_watch_unhook(&w->second->wait, &w->second->head);
		kfree(w->second);
		w->second = NULL;
	}
}

static int gmb_watch_start(struct gmb_watch *w)
{
	struct gmb_hooking h = { .watch = w };
	u32 events;

	init_poll_funcptr(&h.table, gmb_watch_hook);
	events = (__force u32)vfs_poll(w->file, &h.table);
	if (h.error) {
		gmb_watch_unhook_all(w);
		return h.error;
	}
	if (events & (GMB_EVENTS_IN | GMB_EVENTS_END))
		atomic_or(GMB_CAN_READ, &w->ready);
	if (events & (GMB_EVENTS_OUT | GMB_EVENTS_END))
		atomic_or(GMB_CAN_WRITE, &w->ready);
	return 0;
}

static struct gmb_watch *gmb_watch_new(struct gmb_ctx *ctx, struct file *file)
{
	struct gmb_watch *w;
	int ret;

	ret = gmb_user_charge(ctx->user);
	if (ret)
		return ERR_PTR(ret);
	w = kmem_cache_zalloc(watch_cache, GFP_KERNEL_ACCOUNT);
	if (!w) {
		gmb_user_uncharge(ctx->user);
		return ERR_PTR(-ENOMEM);
	}
	init_waitqueue_func_entry(&w->wait, gmb_watch_wake_first);
	w->wait.private = ctx;
	w->file = file;
	w->kind = sock_from_file(file) ? GMB_KIND_SOCKET : GMB_KIND_FILE;
	ret = gmb_watch_start(w);
	if (ret) {
		/* Nothing was armed, so it is not queued. */
		gmb_watch_free(w);
		return ERR_PTR(ret);
	}
	return w;
}

static int gmb_watch_check(struct gmb_ctx *ctx, u32 slot, struct file *file,
			   bool replace)
{
	struct gmb_watch *old;
	int ret;

	if (gmb_device_context(file))
		return -ELOOP;
	if (!file_can_poll(file))
		return -EPERM;
	ret = gmb_table_reserve(&ctx->watches, slot);
	if (ret)
		return ret;
	old = gmb_table_get(&ctx->watches, slot);
	if (old && !replace)
		return -EEXIST;
	if (old)
		gmb_ops_end(ctx, slot, old, -ECANCELED);
	return 0;
}

/**
 * gmb_watch_add() - register a file
 * @ctx:     context; lock held
 * @slot:    index for the watch, any number
 * @fd:      descriptor of the caller's
 * @replace: drop what is at the index
 *
 * The file's poll method is called, which may sleep.
 *
 * Return: 0 or an error of %GMB_OP_WATCH_ADD.
 */
int gmb_watch_add(struct gmb_ctx *ctx, u32 slot, int fd, bool replace)
{
	struct file *file = fget(fd);
	struct gmb_watch *w;
	int ret;

	if (!file)
		return -EBADF;
	ret = gmb_watch_check(ctx, slot, file, replace);
	if (ret)
		goto err_file;
	w = gmb_watch_new(ctx, file);
	if (IS_ERR(w)) {
		ret = PTR_ERR(w);
		goto err_file;
	}
	gmb_table_set(&ctx->watches, slot, w);
	return 0;

err_file:
	fput(file);
	return ret;
}

/**
 * gmb_watch_drop() - forget a file
 * @ctx:  context; lock held
 * @slot: index of the watch
 * @w:    watch at that index, on which nobody is parked
 *
 * The caller's reference to @w ends here.
 */
void gmb_watch_drop(struct gmb_ctx *ctx, u32 slot, struct gmb_watch *w)
{
	struct gmb_writer *writer = w->writer;
	struct file *file = w->file;

	gmb_table_set(&ctx->watches, slot, NULL);
	gmb_watch_unhook_all(w);
	WRITE_ONCE(w->dropped, true);
	WRITE_ONCE(w->file, NULL);
	WRITE_ONCE(w->writer, NULL);
	if (writer) {
		/* As in gmb_watch_free(). */
		smp_wmb();
		kfree_rcu(writer, rcu);
	}
	if (!(atomic_read(&w->ready) & GMB_QUEUED))
		gmb_watch_free(w);
	fput(file);
}

/**
 * gmb_watch_drop_all() - forget all files and what is parked on them
 * @ctx: context; lock held
 *
 * Completions are not posted: the program is past reading them.
 */
void gmb_watch_drop_all(struct gmb_ctx *ctx)
{
	struct llist_node *node, *next;
	struct gmb_watch *w;
	u32 i;

	for (i = 0; i < gmb_table_size(&ctx->watches); i++) {
		w = gmb_table_get(&ctx->watches, i);
		if (w)
			gmb_watch_drop(ctx, i, w);
		cond_resched();
	}
	gmb_table_free(&ctx->watches);

	/* Nobody pushes any more. The lists hold dropped watches only. */
	llist_for_each_safe(node, next, ctx->todo)
		gmb_watch_free(llist_entry(node, struct gmb_watch, node));
	ctx->todo = NULL;
	llist_for_each_safe(node, next, ctx->lazy_todo)
		gmb_watch_free(llist_entry(node, struct gmb_watch, node));
	ctx->lazy_todo = NULL;
	llist_for_each_safe(node, next, llist_del_all(&ctx->ready))
		gmb_watch_free(llist_entry(node, struct gmb_watch, node));
	llist_for_each_safe(node, next, llist_del_all(&ctx->lazy))
		gmb_watch_free(llist_entry(node, struct gmb_watch, node));
}

/**
 * gmb_watch_queue() - have the trap look at a watch again
 * @ctx: context; lock held, in a trap
 * @w:   watch
 */
void gmb_watch_queue(struct gmb_ctx *ctx, struct gmb_watch *w)
{
	if (atomic_fetch_or(GMB_QUEUED, &w->ready) & GMB_QUEUED)
		return;
	if (gmb_stats_on())
		w->stamp = gmb_stats_now();
	llist_add(&w->node, &ctx->ready);
}

/**
 * gmb_watch_retry() - have the trap try a starved writer again
 * @ctx: context; lock held, in a trap
 * @w:   watch of which gmb_watch_starved() is true
 */
void gmb_watch_retry(struct gmb_ctx *ctx, struct gmb_watch *w)
{
	w->writer->starved = false;
	atomic_or(GMB_CAN_WRITE, &w->ready);
	gmb_watch_queue(ctx, w);
}

/**
 * gmb_watch_look() - what can be told of a watch
 * @w:    watch, found under RCU
 * @look: [out] what was seen in passing
 *
 * Return: false if the watch was dropped meanwhile; @look is rubbish then.
 */
bool gmb_watch_look(struct gmb_watch *w, struct gmb_watch_look *look)
{
	struct gmb_writer *writer = READ_ONCE(w->writer);
	struct file *file = gmb_file_get_rcu(&w->file);

	if (!file)
		return false;
	memset(look, 0, sizeof(*look));
	look->ino = file_inode(file)->i_ino;
	fput(file);
	look->ready = atomic_read(&w->ready);
	look->reader = READ_ONCE(w->op);
	look->reader_cookie = READ_ONCE(w->cookie);
	if (writer) {
		look->writer = READ_ONCE(writer->op);
		look->writer_cookie = READ_ONCE(writer->cookie);
	}
	/* Pairs with gmb_watch_drop() and gmb_watch_free(). */
	smp_rmb();
	return !READ_ONCE(w->dropped);
}

/**
 * gmb_watch_global_init() - what all watches share
 *
 * Return: 0 or -ENOMEM.
 */
int gmb_watch_global_init(void)
{
	BUILD_BUG_ON(sizeof(struct gmb_watch) > 128);
	watch_cache = kmem_cache_create("gmb_watch", sizeof(struct gmb_watch),
					64, SLAB_ACCOUNT, NULL);
	return watch_cache ? 0 : -ENOMEM;
}

/**
 * gmb_watch_global_fini() - undo gmb_watch_global_init(); no watch is left
 */
void gmb_watch_global_fini(void)
{
	/* Frees of the last watches. */
	rcu_barrier();
	kmem_cache_destroy(watch_cache);
}
