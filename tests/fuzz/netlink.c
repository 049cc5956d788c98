/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Requests to the netlink family "giambio", sensible ones and rubbish. The
 * sockets are files of the world like others: they are closed, passed around
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

static int family(void)
{
	static int known;
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
	if (chance(w, 20))
		value = odd_number(w);
	put(r, type, &value, chance(w, 40) ? pick(w, 5) : sizeof(value));
}

/*
 * One request and a few answers through any of the world's files, of which
 * some are sockets for it.
 */
void netlink_step(struct world *w, int fd)
{
	struct context *c = &w->context[pick(w, CONTEXTS)];
	uint64_t rubbish[4];
	struct request r;
	int i;

	begin(&r, chance(w, 50) ? (int)odd_number(w) : family(), pick(w, 9),
	      chance(w, 2) ? NLM_F_DUMP : NLM_F_ACK);
	if (!chance(w, 8))
		put_number(w, &r, GMB_NL_A_CONTEXT_ID, c->setup.id);
	if (chance(w, 3))
		put_number(w, &r, GMB_NL_A_TASK_SLOT, pick(w, 16));
	if (chance(w, 3))
		put_number(w, &r, GMB_NL_A_OBSERVE, pick(w, 4));
	if (chance(w, 10)) {
		for (i = 0; i < 4; i++)
			rubbish[i] = odd_number(w);
		put(&r, odd_number(w), rubbish, pick(w, sizeof(rubbish)));
	}
	if (chance(w, 40))
		((char *)&r)[pick(w, sizeof(r))] = odd_number(w);
	send(fd, &r, r.h.nlmsg_len < sizeof(r) ? r.h.nlmsg_len : sizeof(r),
	     MSG_DONTWAIT | MSG_NOSIGNAL);
	for (i = pick(w, 4); i; i--)
		recv(fd, w->arena, 8192, MSG_DONTWAIT);
}
