/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The generic netlink family: see <linux/giambio_netlink.h>. Nothing else of
 * the module knows that it is netlink through which contexts are seen.
 */
#ifndef GMB_NETLINK_H
#define GMB_NETLINK_H

#include <linux/giambio_netlink.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct net;

/* What was sent to the multicast group of a network namespace so far. */
struct gmb_group {
	struct mutex	lock;	/* messages leave as they are numbered */
	u64		seq;	/* messages */
	u64		before;	/* events, of all contexts */
};

/* Events of one context, for one observer. */
struct gmb_batch {
	u32				id;	/* of the context */
	u32				count;
	u64				seq;
	u64				lost;
	u64				before;
	const struct gmb_nl_event	*event;
};

int gmb_netlink_send(struct net *net, u32 portid,
		     const struct gmb_batch *batch);
int gmb_netlink_multicast(struct net *net, struct gmb_group *group,
			  const struct gmb_batch *batch);
int gmb_netlink_init(void);
void gmb_netlink_fini(void);

#endif /* GMB_NETLINK_H */
