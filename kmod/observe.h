/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Who looks at which contexts. A lease is what one netlink socket has asked
 * for; an observer is one lease's interest in one context.
 *
 * Locks, in the order they are taken, below ctx->lock
 * ----------------------------------------------------
 *	leases_lock	mutex	the list of leases, who is listed, and the
 *				making and ending of observers
 *	  stats.lock	mutex	of one context: its observers. Held while
 *				events are sent, which does not wait.
 *	    group.lock	mutex	of a network namespace's multicast group: its
 *				numbers; held while a message is sent
 *
 * A lease lives as long as its socket, so the socket's network namespace lives
 * as long as the lease. A multicast group has a lease as long as some socket of
 * its namespace has one that asks for it. Contexts are listed from their setup
 * to their end; whichever of lease and context ends first takes the observers
 * along.
 */
#ifndef GMB_OBSERVE_H
#define GMB_OBSERVE_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct gmb_ctx;
struct net;

/* Who asks. */
struct gmb_viewer {
	struct net	*net;
	kuid_t		uid;
	bool		all;	/* has CAP_SYS_ADMIN */
};

bool gmb_observe_may(const struct gmb_viewer *viewer, struct gmb_ctx *ctx);
int gmb_observe_begin(const struct gmb_viewer *viewer, u32 portid, u32 id,
		      u32 what);
void gmb_observe_end(struct net *net, u32 portid);
int gmb_observe_list(struct gmb_ctx *ctx);
void gmb_observe_unlist(struct gmb_ctx *ctx);
void gmb_observe_send(struct gmb_ctx *ctx);
void gmb_observe_global_fini(void);

#endif /* GMB_OBSERVE_H */
