/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Requests to the netlink family "giambio", sensible ones and rubbish. The
 * sockets are files of the crew like others: they are closed, passed around
 * and left behind, watched and read by whoever comes across them.
 */
#include <linux/genetlink.h>
#include <linux/giambio_netlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

struct request {
	struct nlmsghdr h;
	struct genlmsghdr g;
	char attrs[256];
};

static void put(struct request *r, int type, const void *data, uint32_t len)
{
	struct nlattr *a = (void *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	if (NLMSG_ALIGN(r->h.nlmsg_len) + NLA_HDRLEN + len > sizeof(*r))
		return;
	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	memcpy((char *)a + NLA_HDRLEN, data, len);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + NLA_ALIGN(a->nla_len);
}

static void begin(struct request *r, int family, int cmd, int flags)
{
	memset(r, 0, sizeof(*r));
	r->h.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	r->h.nlmsg_type = family;
	r->h.nlmsg_flags = NLM_F_REQUEST | flags;
	r->g.cmd = cmd;
	r->g.version = GMB_NL_VERSION;
}

int netlink_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		      NETLINK_GENERIC);
}

/* The number that the kernel gave the family, or 0. */
static int family_ask(int fd)
{
	struct request r;
	struct nlattr *a;
	char *at, *end;
	ssize_t n;

	begin(&r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	put(&r, CTRL_ATTR_FAMILY_NAME, GMB_NL_FAMILY, sizeof(GMB_NL_FAMILY));
	if (send(fd, &r, r.h.nlmsg_len, 0) < 0)
		return 0;
	n = recv(fd, &r, sizeof(r), 0);
	end = (char *)&r + (n < 0 ? 0 : n);
	for (at = r.attrs; end - at >= NLA_HDRLEN; ) {
		a = (void *)at;
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)(at + NLA_HDRLEN);
		if (a->nla_len < NLA_HDRLEN)
			break;
		at += NLA_ALIGN(a->nla_len);
	}
	return 0;
}

/* Every thread may find it out: it is the same for all. */
static int family(void)
{
	static atomic_int known;
	int fd;

	if (!known) {
		fd = netlink_open();
		known = family_ask(fd);
		close(fd);
	}
	return known;
}

static void put_number(struct world *w, struct request *r, int type,
		       uint32_t value)
{
	if (chance(w, 30))
		value = odd_number(w);
	if (chance(w, 60))
		type = pick(w, __GMB_NL_A_MAX);
	put(r, type, &value, chance(w, 60) ? pick(w, 5) : sizeof(value));
}

/* A request that the family has, with the attributes that it wants. */
static void sensible(struct world *w, struct request *r)
{
	static const struct {
		uint8_t cmd;
		bool dump;
		bool one;	/* of one context; 0 and 0: of all */
	} forms[] = {
		{ GMB_NL_CMD_CONTEXT_GET, false, true },
		{ GMB_NL_CMD_CONTEXT_GET, true, false },
		{ GMB_NL_CMD_WATCH_GET, true, true },
		{ GMB_NL_CMD_TASK_GET, true, true },
		{ GMB_NL_CMD_HISTOGRAM_GET, true, true },
		{ GMB_NL_CMD_HISTOGRAM_GET, true, true },
		{ GMB_NL_CMD_RESET, false, true },
		{ GMB_NL_CMD_OBSERVE, false, true },
		{ GMB_NL_CMD_OBSERVE, false, false },
	};
	uint32_t i = pick(w, sizeof(forms) / sizeof(forms[0]));
	int flags = chance(w, 2) ? NLM_F_ACK : 0;

	begin(r, family(), forms[i].cmd, forms[i].dump ? NLM_F_DUMP : flags);
	/* Numbers come one after the other: others' are near ours. */
	if (forms[i].one)
		put_number(w, r, GMB_NL_A_CONTEXT_ID, any_context(w)->id +
			   (chance(w, 3) ? pick(w, 8) - 4 : 0));
	if (forms[i].cmd == GMB_NL_CMD_HISTOGRAM_GET && chance(w, 2))
		put_number(w, r, GMB_NL_A_TASK_SLOT, pick(w, SLOTS));
	if (forms[i].cmd == GMB_NL_CMD_OBSERVE)
		put_number(w, r, GMB_NL_A_OBSERVE,
			   pick(w, forms[i].one ? 4 : 8));
}

/* Anything may be wrong with it. */
static void spoil(struct world *w, struct request *r)
{
	uint64_t rubbish[4];
	int i;

	switch (pick(w, 5)) {
	case 0:
		for (i = 0; i < 4; i++)
			rubbish[i] = odd_number(w);
		put(r, odd_number(w), rubbish, pick(w, sizeof(rubbish)));
		break;
	case 1:
		((char *)r)[pick(w, sizeof(*r))] = odd_number(w);
		break;
	case 2:
		r->h.nlmsg_type = odd_number(w);
		break;
	case 3:
		r->h.nlmsg_flags ^= 1 << pick(w, 12);
		break;
	case 4:
		r->g.cmd = pick(w, __GMB_NL_CMD_MAX + 2);
		break;
	}
}

/*
 * One request and some of what has come, through any of the crew's files, of
 * which some are sockets for it.
 */
void netlink_step(struct world *w, int fd)
{
	struct request r;
	int i;

	sensible(w, &r);
	if (chance(w, 6))
		spoil(w, &r);
	fail_some(w);
	send(fd, &r, r.h.nlmsg_len < sizeof(r) ? r.h.nlmsg_len : sizeof(r),
	     MSG_DONTWAIT | MSG_NOSIGNAL);
	fail_none(w);
	for (i = pick(w, 6); i; i--)
		if (recv(fd, w->arena, 8192, MSG_DONTWAIT) <= 0)
			break;
	count(w, REQUEST, 1);
}
