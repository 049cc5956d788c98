/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/sched.h>
#include <linux/slab.h>

#include "context.h"
#include "histogram.h"
#include "stats.h"
#include "task.h"

static struct kmem_cache *task_cache;

static void gmb_task_free(struct gmb_task *task)
{
	gmb_histograms_free(task->histograms);
	kmem_cache_free(task_cache, task);
}

static void gmb_task_free_rcu(struct rcu_head *rcu)
{
	gmb_task_free(container_of(rcu, struct gmb_task, rcu));
}

/**
 * gmb_task_add() - register a task
 * @ctx:       context; lock held
 * @slot:      index for it, any number
 * @tag:       what wakers must know besides the index
 * @user_data: of its completions
 * @slack_ns:  how long its wakes may wait
 *
 * Return: 0 or an error of %GMB_OP_TASK_ADD.
 */
int gmb_task_add(struct gmb_ctx *ctx, u32 slot, u32 tag, u64 user_data,
		 u32 slack_ns)
{
	struct gmb_task *task;
	int ret;

	ret = gmb_table_reserve(&ctx->tasks, slot);
	if (ret)
		return ret;
	if (gmb_table_get(&ctx->tasks, slot))
		return -EEXIST;
	task = kmem_cache_zalloc(task_cache, GFP_KERNEL_ACCOUNT);
	if (!task)
		return -ENOMEM;
	task->tag = tag;
	task->user_data = user_data;
	task->slack_ns = slack_ns;
	gmb_table_set(&ctx->tasks, slot, task);
	return 0;
}

/**
 * gmb_task_drop() - forget a task, and a wake of it that is not posted yet
 * @ctx:  context; lock held
 * @slot: index, any number
 *
 * Return: 0; -ENOENT there is no such task.
 */
int gmb_task_drop(struct gmb_ctx *ctx, u32 slot)
{
	struct gmb_task *task = gmb_table_get(&ctx->tasks, slot);

	if (!task)
		return -ENOENT;
	gmb_table_set(&ctx->tasks, slot, NULL);
	if (task->histograms)
		gmb_stats_task_gone(ctx);
	if (!(atomic_fetch_or(GMB_DROPPED, &task->state) & GMB_PERMIT))
		call_rcu(&task->rcu, gmb_task_free_rcu);
	return 0;
}

/**
 * gmb_task_drop_all() - forget all tasks
 * @ctx: context; lock held, no trap follows
 *
 * Those with a permit stay on ctx->woken until gmb_task_free_woken(), since
 * their wakers may not have pushed them yet.
 */
void gmb_task_drop_all(struct gmb_ctx *ctx)
{
	struct llist_node *node;
	struct gmb_task *task;
	u32 i;

	for (i = 0; i < gmb_table_size(&ctx->tasks); i++) {
		gmb_task_drop(ctx, i);
		cond_resched();
	}
	gmb_table_free(&ctx->tasks);
	while ((node = ctx->awake)) {
		ctx->awake = node->next;
		task = llist_entry(node, struct gmb_task, node);
		call_rcu(&task->rcu, gmb_task_free_rcu);
		cond_resched();
	}
}

/**
 * gmb_task_free_woken() - free the tasks that wakers pushed last
 * @ctx: context that was found dead by wakers, a grace period ago
 *
 * There may be %GMB_MAX_TASKS of them: too many for an RCU callback.
 *
 * Context: process; may sleep.
 */
void gmb_task_free_woken(struct gmb_ctx *ctx)
{
	struct llist_node *node, *next;

	llist_for_each_safe(node, next, llist_del_all(&ctx->woken)) {
		gmb_task_free(llist_entry(node, struct gmb_task, node));
		cond_resched();
	}
}

/**
 * gmb_task_wake() - wake a task
 * @ctx:        its context, on which the caller has a reference
 * @target:     GMB_TASK(slot, tag)
 * @wake_flags: for the scheduler
 *
 * Context: any.
 * Return: 0; -ESRCH no task, or another tag; -ESHUTDOWN the context has ended.
 */
int gmb_task_wake(struct gmb_ctx *ctx, u64 target, int wake_flags)
{
	struct gmb_task *task;
	int ret = 0, old;

	rcu_read_lock();
	if (READ_ONCE(ctx->dead)) {
		ret = -ESHUTDOWN;
		goto out;
	}
	task = gmb_table_get_rcu(&ctx->tasks, target);
	if (!task || task->tag != target >> 32) {
		ret = -ESRCH;
		goto out;
	}
	/*
	 * Fully ordered, also when the permit is set already: the trap that
	 * clears it sees what the waker wrote before.
	 */
	old = atomic_fetch_or(GMB_PERMIT, &task->state);
	if (old & GMB_DROPPED) {
		ret = -ESRCH;
	} else if (!(old & GMB_PERMIT)) {
		if (gmb_stats_on())
			task->stamp = gmb_stats_now();
		trace_gmb_task_ready(ctx->id, task->user_data);
		llist_add(&task->node, &ctx->woken);
		gmb_ctx_notify(ctx, task->slack_ns, wake_flags);
	}
out:
	rcu_read_unlock();
	return ret;
}

/**
 * gmb_task_run() - post the completion of a woken task
 * @ctx:  context; lock held; there is room for it
 * @task: taken off ctx->woken
 */
void gmb_task_run(struct gmb_ctx *ctx, struct gmb_task *task)
{
	/* In any case: stamping may begin before the completion is posted. */
	ctx->running_task = task;
	ctx->ready_ns = gmb_stats_on() ? gmb_stats_since(task->stamp) : 0;
	/* From here the task can be pushed again. */
	if (atomic_fetch_andnot(GMB_PERMIT, &task->state) & GMB_DROPPED) {
		call_rcu(&task->rcu, gmb_task_free_rcu);
		return;
	}
	gmb_stats_post(ctx, task->user_data, 0, 0, GMB_CQE_WAKE);
}

/**
 * gmb_task_global_init() - what all tasks share
 *
 * Return: 0 or -ENOMEM.
 */
int gmb_task_global_init(void)
{
	BUILD_BUG_ON(sizeof(struct gmb_task) > 64);
	task_cache = kmem_cache_create("gmb_task", sizeof(struct gmb_task), 64,
				       SLAB_ACCOUNT, NULL);
	return task_cache ? 0 : -ENOMEM;
}

/**
 * gmb_task_global_fini() - undo gmb_task_global_init(); no task is left
 */
void gmb_task_global_fini(void)
{
	rcu_barrier();
	kmem_cache_destroy(task_cache);
}
