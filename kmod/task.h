/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A registered task: something of the program's own that others may wake.
 *
 * A wake sets GMB_PERMIT; who sets it pushes the node on ctx->woken. The trap
 * clears it, before it posts the completion. So two wakes before that are one,
 * nothing is allocated, and no wake can fail for want of anything.
 *
 * The loop adds and drops tasks under ctx->lock. Wakers find them under RCU.
 * A dropped task is GMB_DROPPED; if its permit is set then, its node is on a
 * list or about to be pushed, and whoever takes it off frees it.
 */
#ifndef GMB_TASK_H
#define GMB_TASK_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct gmb_ctx;
struct gmb_histograms;

/* gmb_task.state */
#define GMB_PERMIT	1
#define GMB_DROPPED	2

struct gmb_task {
	struct llist_node	node;
	atomic_t		state;
	u32			tag;
	u32			slack_ns;
	u64			user_data;
	u64			stamp;	/* when the permit was set */
	struct gmb_histograms	*histograms; /* NULL: none yet; see stats.h */
	struct rcu_head		rcu;
};

int gmb_task_add(struct gmb_ctx *ctx, u32 slot, u32 tag, u64 user_data,
		 u32 slack_ns);
int gmb_task_drop(struct gmb_ctx *ctx, u32 slot);
void gmb_task_drop_all(struct gmb_ctx *ctx);
int gmb_task_wake(struct gmb_ctx *ctx, u64 target, int wake_flags);
void gmb_task_run(struct gmb_ctx *ctx, struct gmb_task *task);
void gmb_task_free_woken(struct gmb_ctx *ctx);
int gmb_task_global_init(void);
void gmb_task_global_fini(void);

#endif /* GMB_TASK_H */
