/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <net/netlink.h>

#include "context.h"
#include "histogram.h"
#include "message.h"
#include "netlink.h"
#include "stats.h"
#include "task.h"
#include "watch.h"

/* The thread with a global number, if it is one of the context's. */
static u32 gmb_message_tid(const struct gmb_ctx *ctx, struct pid_namespace *ns)
{
	struct task_struct *task;
	struct pid *pid;
	u32 nr = 0;

	rcu_read_lock();
	pid = find_pid_ns(READ_ONCE(ctx->tid), &init_pid_ns);
	task = pid ? pid_task(pid, PIDTYPE_PID) : NULL;
	if (task && READ_ONCE(task->mm) == ctx->mm)
		nr = pid_nr_ns(pid, ns);
	rcu_read_unlock();
	return nr;
}

static int gmb_message_process(struct sk_buff *skb, const struct gmb_ctx *ctx)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct task_struct *task;
	char comm[TASK_COMM_LEN];
	u32 pid = 0;

	strscpy(comm, ctx->comm, sizeof(comm));
	rcu_read_lock();
	task = pid_task(ctx->tgid, PIDTYPE_TGID);
	if (task && READ_ONCE(task->mm) == ctx->mm) {
		pid = pid_nr_ns(ctx->tgid, ns);
		strscpy(comm, task->comm, sizeof(comm));
	}
	rcu_read_unlock();
	return nla_put_u32(skb, GMB_NL_CONTEXT_PID, pid) ||
	       nla_put_u32(skb, GMB_NL_CONTEXT_TID, gmb_message_tid(ctx, ns)) ||
	       nla_put_u32(skb, GMB_NL_CONTEXT_UID,
			   from_kuid_munged(current_user_ns(), ctx->uid)) ||
	       nla_put_string(skb, GMB_NL_CONTEXT_COMM, comm);
}

static int gmb_message_sizes(struct sk_buff *skb, const struct gmb_ctx *ctx)
{
	return nla_put_u32(skb, GMB_NL_CONTEXT_OBSERVED,
			   READ_ONCE(ctx->stats.observed)) ||
	       nla_put_u32(skb, GMB_NL_CONTEXT_SLEEPING,
			   READ_ONCE(ctx->sleeping)) ||
	       nla_put_u32(skb, GMB_NL_CONTEXT_SQ_ENTRIES,
			   ctx->ring.sq_mask + 1) ||
	       nla_put_u32(skb, GMB_NL_CONTEXT_CQ_ENTRIES,
			   ctx->ring.cq_mask + 1) ||
	       nla_put_u32(skb, GMB_NL_CONTEXT_WATCHES,
			   READ_ONCE(ctx->watches.count)) ||
	       nla_put_u32(skb, GMB_NL_CONTEXT_TASKS,
			   READ_ONCE(ctx->tasks.count)) ||
	       nla_put_u32(skb, GMB_NL_CONTEXT_PEERS,
			   READ_ONCE(ctx->peers.count));
}

/**
 * gmb_message_context() - enum gmb_nl_context
 * @skb: message
 * @ctx: context that exists for the calling process
 *
 * Return: whether there was room for all of it.
 */
bool gmb_message_context(struct sk_buff *skb, const struct gmb_ctx *ctx)
{
	bool done;
	u32 i;

	done = !nla_put_u32(skb, GMB_NL_CONTEXT_ID, ctx->id) &&
	       !gmb_message_process(skb, ctx) && !gmb_message_sizes(skb, ctx);
	for (i = 0; done && i < GMB_COUNTS; i++)
		done = !nla_put_u64_64bit(skb, GMB_NL_CONTEXT_TRAPS + i,
					  gmb_stats_read(ctx, i),
					  GMB_NL_CONTEXT_PAD);
	return done;
}

/* One of the two that can be parked on a watch. */
static bool gmb_message_parked(struct sk_buff *skb, int attr, u8 opcode,
			       int data, u64 cookie)
{
	if (!opcode)
		return true;
	return !nla_put_u32(skb, attr, opcode) &&
	       !nla_put_u64_64bit(skb, data, cookie, GMB_NL_WATCH_PAD);
}

/**
 * gmb_message_watch() - enum gmb_nl_watch
 * @skb:  message
 * @slot: index of the watch
 * @look: what was seen of it
 *
 * Return: whether there was room for all of it.
 */
bool gmb_message_watch(struct sk_buff *skb, u32 slot,
		       const struct gmb_watch_look *look)
{
	u32 ready = 0;

	if (look->ready & GMB_CAN_READ)
		ready |= (__force u32)EPOLLIN;
	if (look->ready & GMB_CAN_WRITE)
		ready |= (__force u32)EPOLLOUT;
	return !nla_put_u32(skb, GMB_NL_WATCH_SLOT, slot) &&
	       !nla_put_u64_64bit(skb, GMB_NL_WATCH_INO, look->ino,
				  GMB_NL_WATCH_PAD) &&
	       !nla_put_u32(skb, GMB_NL_WATCH_READY, ready) &&
	       gmb_message_parked(skb, GMB_NL_WATCH_READER, look->reader,
				  GMB_NL_WATCH_READER_DATA,
				  look->reader_cookie) &&
	       gmb_message_parked(skb, GMB_NL_WATCH_WRITER, look->writer,
				  GMB_NL_WATCH_WRITER_DATA,
				  look->writer_cookie);
}

/**
 * gmb_message_task() - enum gmb_nl_task
 * @skb:  message
 * @slot: index of the task
 * @task: registered task; RCU is held
 *
 * Return: whether there was room for all of it.
 */
bool gmb_message_task(struct sk_buff *skb, u32 slot,
		      const struct gmb_task *task)
{
	bool pending = atomic_read(&task->state) & GMB_PERMIT;

	return !nla_put_u32(skb, GMB_NL_TASK_SLOT, slot) &&
	       !nla_put_u32(skb, GMB_NL_TASK_TAG, task->tag) &&
	       !nla_put_u64_64bit(skb, GMB_NL_TASK_USER_DATA, task->user_data,
				  GMB_NL_TASK_PAD) &&
	       !nla_put_u32(skb, GMB_NL_TASK_SLACK, task->slack_ns) &&
	       !nla_put_u32(skb, GMB_NL_TASK_PENDING, pending);
}

static bool gmb_message_buckets(struct sk_buff *skb,
				const struct gmb_histogram *h)
{
	u32 n = gmb_histogram_list(h, NULL, 0), used;
	struct gmb_nl_bucket *list;
	struct nlattr *attr;

	attr = nla_reserve(skb, GMB_NL_HISTOGRAM_BUCKETS, n * sizeof(*list));
	if (!attr)
		return false;
	/* A reset may have emptied some since they were counted. */
	list = nla_data(attr);
	used = gmb_histogram_list(h, list, n);
	memset(list + used, 0, (n - used) * sizeof(*list));
	return true;
}

/**
 * gmb_message_histogram() - enum gmb_nl_histogram
 * @skb:   message
 * @stage: enum gmb_nl_stage
 * @all:   histograms of all stages, or NULL: empty ones
 *
 * Return: whether there was room for all of it.
 */
bool gmb_message_histogram(struct sk_buff *skb, u32 stage,
			   const struct gmb_histograms *all)
{
	static const struct gmb_histogram empty;
	const struct gmb_histogram *h = all ? &all->stage[stage] : &empty;

	return !nla_put_u32(skb, GMB_NL_HISTOGRAM_STAGE, stage) &&
	       !nla_put_u64_64bit(skb, GMB_NL_HISTOGRAM_COUNT,
				  gmb_histogram_count(h),
				  GMB_NL_HISTOGRAM_PAD) &&
	       !nla_put_u64_64bit(skb, GMB_NL_HISTOGRAM_SUM, READ_ONCE(h->sum),
				  GMB_NL_HISTOGRAM_PAD) &&
	       !nla_put_u64_64bit(skb, GMB_NL_HISTOGRAM_MAX_NS,
				  READ_ONCE(h->max), GMB_NL_HISTOGRAM_PAD) &&
	       gmb_message_buckets(skb, h);
}

/**
 * gmb_message_events() - a batch of events, with its numbers
 * @skb:   message
 * @batch: events
 * @group: the multicast group that it is for, lock held; NULL: a subscriber
 *
 * Return: whether there was room for all of it.
 */
bool gmb_message_events(struct sk_buff *skb, const struct gmb_batch *batch,
			const struct gmb_group *group)
{
	bool done;

	done = !group || (!nla_put_u64_64bit(skb, GMB_NL_A_GROUP_SEQ,
					     group->seq, GMB_NL_A_PAD) &&
			  !nla_put_u64_64bit(skb, GMB_NL_A_GROUP_BEFORE,
					     group->before, GMB_NL_A_PAD));
	return done && !nla_put_u32(skb, GMB_NL_A_CONTEXT_ID, batch->id) &&
	       !nla_put_u64_64bit(skb, GMB_NL_A_SEQ, batch->seq,
				  GMB_NL_A_PAD) &&
	       !nla_put_u64_64bit(skb, GMB_NL_A_LOST, batch->lost,
				  GMB_NL_A_PAD) &&
	       !nla_put_u64_64bit(skb, GMB_NL_A_BEFORE, batch->before,
				  GMB_NL_A_PAD) &&
	       !nla_put(skb, GMB_NL_A_EVENTS,
			batch->count * sizeof(*batch->event), batch->event);
}
