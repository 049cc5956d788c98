/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The netlink family "giambio" on bare sockets: requests are put together
 * attribute by attribute, so that wrong ones can be, and answers are taken
 * apart into plain numbers. Calls return 0 or what the kernel said.
 */
#ifndef GMB_SELFTEST_NL_H
#define GMB_SELFTEST_NL_H

#include <linux/genetlink.h>
#include <linux/giambio_netlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>

/* A socket of one's own to the family. */
struct nl {
	int fd;
	int family;
	int group;	/* number of the multicast group; 0: there is none */
	unsigned int seq;
	int bad_attr;	/* the attribute that the last error named; -1: none */
};

/* What may stand in the header of an answer to a request. */
#define NL_DO	NLM_F_ACK
#define NL_DUMP	NLM_F_DUMP

struct nl_request {
	struct nlmsghdr h;
	struct genlmsghdr g;
	char attrs[512];
};

/* Numbers by attribute; set tells which were there. */
#define NL_MAX	32
struct nl_item {
	unsigned long long value[NL_MAX];
	unsigned int set;
	char comm[32];
	int buckets;
	struct gmb_nl_bucket bucket[GMB_NL_BUCKETS];
};

/* The answers to a request: of them all, the first max are kept. */
struct nl_answers {
	struct nl_item *item;
	int max;
	int count;
};

struct nl_batch {
	unsigned int id;
	unsigned long long seq;
	unsigned long long lost;
	unsigned long long before;
	unsigned long long group_seq;	/* 0: not from the group */
	unsigned long long group_before;
	int count;
	struct gmb_nl_event event[128];
};

int nl_open(struct nl *nl);
void nl_close(struct nl *nl);

/* Become a member of the multicast group. */
int nl_join(struct nl *nl);

void nl_begin(struct nl *nl, struct nl_request *r, int cmd, int flags);
void nl_put(struct nl_request *r, int attr, const void *data, size_t len);
void nl_put_u32(struct nl_request *r, int attr, unsigned int value);
int nl_ask(struct nl *nl, struct nl_request *r, struct nl_answers *answers);

/* The context with a number; -ENOENT if there is none to be seen. */
int nl_context(struct nl *nl, unsigned int id, struct nl_item *item);

/* Dumps: how many there are, the first max kept; or -errno. */
int nl_contexts(struct nl *nl, struct nl_item *item, int max);
int nl_items(struct nl *nl, int cmd, unsigned int id, struct nl_item *item,
	     int max);

/* The histograms of a context, or of a task of it if slot is not -1. */
int nl_histograms(struct nl *nl, unsigned int id, int slot,
		  struct nl_item stage[__GMB_NL_STAGE_MAX]);

int nl_reset(struct nl *nl, unsigned int id);
/* Of one context, or with 0 of all. */
int nl_observe(struct nl *nl, unsigned int id, unsigned int what);

/* The next batch of events: 0; -EAGAIN none came for so long; or -errno. */
int nl_batch(struct nl *nl, struct nl_batch *batch, int ms);

#endif /* GMB_SELFTEST_NL_H */
