/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What messages tell of contexts and of what is in them: netlink attributes,
 * without the headers around them. Everything is read while the trap is at
 * work, each number for itself.
 */
#ifndef GMB_MESSAGE_H
#define GMB_MESSAGE_H

#include <linux/types.h>

struct gmb_batch;
struct gmb_ctx;
struct gmb_group;
struct gmb_histograms;
struct gmb_task;
struct gmb_watch_look;
struct sk_buff;

bool gmb_message_context(struct sk_buff *skb, const struct gmb_ctx *ctx);
bool gmb_message_watch(struct sk_buff *skb, u32 slot,
		       const struct gmb_watch_look *look);
bool gmb_message_task(struct sk_buff *skb, u32 slot,
		      const struct gmb_task *task);
bool gmb_message_histogram(struct sk_buff *skb, u32 stage,
			   const struct gmb_histograms *all);
bool gmb_message_events(struct sk_buff *skb, const struct gmb_batch *batch,
			const struct gmb_group *group);

#endif /* GMB_MESSAGE_H */
