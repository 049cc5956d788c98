/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nl.h"

#define ATTR_TYPE(a)	((a)->nla_type & NLA_TYPE_MASK)
#define ATTR_DATA(a)	((void *)((char *)(a) + NLA_HDRLEN))
#define ATTR_LEN(a)	((int)(a)->nla_len - NLA_HDRLEN)

/* Whether there is an attribute at *at; moves on to the next. */
static struct nlattr *attr_next(char **at, char *end)
{
	struct nlattr *attr = (void *)*at;

	if (end - *at < NLA_HDRLEN || attr->nla_len < NLA_HDRLEN ||
	    end - *at < attr->nla_len)
		return NULL;
	*at += NLA_ALIGN(attr->nla_len);
	return attr;
}

static unsigned long long attr_number(struct nlattr *attr)
{
	unsigned long long wide = 0;
	unsigned int narrow = 0;

	if (ATTR_LEN(attr) == sizeof(wide)) {
		memcpy(&wide, ATTR_DATA(attr), sizeof(wide));
		return wide;
	}
	if (ATTR_LEN(attr) == sizeof(narrow))
		memcpy(&narrow, ATTR_DATA(attr), sizeof(narrow));
	return narrow;
}

static struct nlattr *attr_find(char *at, char *end, int type)
{
	struct nlattr *attr;

	while ((attr = attr_next(&at, end)) && ATTR_TYPE(attr) != type)
		;
	return attr;
}

static void item_take(struct nl_item *item, struct nlattr *nest, int kind)
{
	char *at = ATTR_DATA(nest), *end = at + ATTR_LEN(nest);
	struct nlattr *attr;
	size_t len;

	memset(item, 0, sizeof(*item));
	while ((attr = attr_next(&at, end))) {
		if (ATTR_TYPE(attr) >= NL_MAX)
			continue;
		item->set |= 1U << ATTR_TYPE(attr);
		item->value[ATTR_TYPE(attr)] = attr_number(attr);
		len = ATTR_LEN(attr);
		if (kind == GMB_NL_A_CONTEXT &&
		    ATTR_TYPE(attr) == GMB_NL_CONTEXT_COMM &&
		    len < sizeof(item->comm))
			memcpy(item->comm, ATTR_DATA(attr), len);
		if (kind == GMB_NL_A_HISTOGRAM &&
		    ATTR_TYPE(attr) == GMB_NL_HISTOGRAM_BUCKETS &&
		    len <= sizeof(item->bucket)) {
			item->buckets = len / sizeof(item->bucket[0]);
			memcpy(item->bucket, ATTR_DATA(attr), len);
		}
	}
}

/* What the answers to a command are nested in. */
static int nest_of(int cmd)
{
	switch (cmd) {
	case GMB_NL_CMD_WATCH_GET:
		return GMB_NL_A_WATCH;
	case GMB_NL_CMD_TASK_GET:
		return GMB_NL_A_TASK;
	case GMB_NL_CMD_HISTOGRAM_GET:
		return GMB_NL_A_HISTOGRAM;
	}
	return GMB_NL_A_CONTEXT;
}

static void answer_take(struct nl_answers *answers, struct nlmsghdr *h)
{
	int nest = nest_of(((struct genlmsghdr *)NLMSG_DATA(h))->cmd);
	char *at = (char *)NLMSG_DATA(h) + GENL_HDRLEN;
	char *end = (char *)h + h->nlmsg_len;
	struct nlattr *attr;

	while ((attr = attr_next(&at, end))) {
		if (ATTR_TYPE(attr) != nest)
			continue;
		if (answers->count < answers->max)
			item_take(&answers->item[answers->count], attr, nest);
		answers->count++;
	}
}

/* Which attribute of the request an error is about, if it says so. */
static int error_attr(struct nlmsghdr *h, struct nl_request *r)
{
	struct nlmsgerr *error = NLMSG_DATA(h);
	size_t skip = sizeof(*error);
	struct nlattr *attr, *bad;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return -1;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(error->msg);
	attr = attr_find((char *)error + skip, (char *)h + h->nlmsg_len,
			 NLMSGERR_ATTR_OFFS);
	if (!attr)
		return -1;
	bad = (void *)((char *)r + attr_number(attr));
	return ATTR_TYPE(bad);
}

void nl_begin(struct nl *nl, struct nl_request *r, int cmd, int flags)
{
	memset(r, 0, sizeof(*r));
	r->h.nlmsg_len = sizeof(r->h) + sizeof(r->g);
	r->h.nlmsg_type = nl->family;
	r->h.nlmsg_flags = NLM_F_REQUEST | flags;
	r->h.nlmsg_seq = ++nl->seq;
	r->g.cmd = cmd;
	r->g.version = GMB_NL_VERSION;
}

void nl_put(struct nl_request *r, int attr, const void *data, size_t len)
{
	struct nlattr *a = (void *)((char *)r + r->h.nlmsg_len);

	a->nla_type = attr;
	a->nla_len = NLA_HDRLEN + len;
	memcpy(ATTR_DATA(a), data, len);
	r->h.nlmsg_len += NLA_ALIGN(a->nla_len);
}

void nl_put_u32(struct nl_request *r, int attr, unsigned int value)
{
	nl_put(r, attr, &value, sizeof(value));
}

/* Returns whether the answers are complete. */
static bool ask_part(struct nl *nl, struct nl_request *r,
		     struct nl_answers *answers, struct nlmsghdr *h, int len,
		     int *error)
{
	for (; NLMSG_OK(h, (unsigned int)len); h = NLMSG_NEXT(h, len)) {
		/* Events may come in between. */
		if (h->nlmsg_seq != r->h.nlmsg_seq)
			continue;
		if (h->nlmsg_type == NLMSG_ERROR) {
			*error = ((struct nlmsgerr *)NLMSG_DATA(h))->error;
			nl->bad_attr = error_attr(h, r);
			return true;
		}
		if (h->nlmsg_type == NLMSG_DONE) {
			memcpy(error, NLMSG_DATA(h), sizeof(*error));
			return true;
		}
		if (answers)
			answer_take(answers, h);
	}
	return false;
}

int nl_ask(struct nl *nl, struct nl_request *r, struct nl_answers *answers)
{
	static __thread char buf[65536] __attribute__((aligned(8)));
	int error = 0, len;

	nl->bad_attr = -1;
	if (answers)
		answers->count = 0;
	if (send(nl->fd, r, r->h.nlmsg_len, 0) < 0)
		return -errno;
	do {
		len = recv(nl->fd, buf, sizeof(buf), 0);
		if (len < 0 && errno != ENOBUFS)
			return -errno;
	} while (len < 0 || !ask_part(nl, r, answers, (void *)buf, len,
				      &error));
	return error;
}

/* The number of the multicast group among those of the family. */
static int group_find(struct nlattr *groups)
{
	char *at = ATTR_DATA(groups), *end = at + ATTR_LEN(groups);
	struct nlattr *attr, *name, *id;
	char *in, *in_end;

	while ((attr = attr_next(&at, end))) {
		in = ATTR_DATA(attr);
		in_end = in + ATTR_LEN(attr);
		name = attr_find(in, in_end, CTRL_ATTR_MCAST_GRP_NAME);
		id = attr_find(in, in_end, CTRL_ATTR_MCAST_GRP_ID);
		if (name && id &&
		    !strcmp(ATTR_DATA(name), GMB_NL_GROUP_EVENTS))
			return attr_number(id);
	}
	return 0;
}

static int family_resolve(struct nl *nl)
{
	char buf[8192] __attribute__((aligned(8)));
	struct nlmsghdr *h = (void *)buf;
	struct nlattr *attr = NULL;
	struct nl_request r;
	int len;

	nl->family = GENL_ID_CTRL;
	nl_begin(nl, &r, CTRL_CMD_GETFAMILY, 0);
	nl_put(&r, CTRL_ATTR_FAMILY_NAME, GMB_NL_FAMILY,
	       sizeof(GMB_NL_FAMILY));
	if (send(nl->fd, &r, r.h.nlmsg_len, 0) < 0)
		return -errno;
	len = recv(nl->fd, buf, sizeof(buf), 0);
	if (len < 0)
		return -errno;
	if (h->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
	attr = attr_find((char *)NLMSG_DATA(h) + GENL_HDRLEN, buf + len,
			 CTRL_ATTR_FAMILY_ID);
	if (!attr)
		return -EBADMSG;
	nl->family = *(unsigned short *)ATTR_DATA(attr);
	attr = attr_find((char *)NLMSG_DATA(h) + GENL_HDRLEN, buf + len,
			 CTRL_ATTR_MCAST_GROUPS);
	nl->group = attr ? group_find(attr) : 0;
	return 0;
}

int nl_join(struct nl *nl)
{
	return setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			  &nl->group, sizeof(nl->group)) ? -errno : 0;
}

int nl_open(struct nl *nl)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	int one = 1, ret;

	memset(nl, 0, sizeof(*nl));
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->fd < 0)
		return -errno;
	if (bind(nl->fd, (void *)&a, sizeof(a)) ||
	    setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one,
		       sizeof(one)) ||
	    setsockopt(nl->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one,
		       sizeof(one)))
		ret = -errno;
	else
		ret = family_resolve(nl);
	if (ret)
		nl_close(nl);
	return ret;
}

void nl_close(struct nl *nl)
{
	close(nl->fd);
	nl->fd = -1;
}

int nl_context(struct nl *nl, unsigned int id, struct nl_item *item)
{
	struct nl_answers answers = { item, 1, 0 };
	struct nl_request r;
	int ret;

	nl_begin(nl, &r, GMB_NL_CMD_CONTEXT_GET, NL_DO);
	nl_put_u32(&r, GMB_NL_A_CONTEXT_ID, id);
	ret = nl_ask(nl, &r, &answers);
	if (!ret && answers.count != 1)
		ret = -EBADMSG;
	return ret;
}

int nl_contexts(struct nl *nl, struct nl_item *item, int max)
{
	struct nl_answers answers = { item, max, 0 };
	struct nl_request r;

	nl_begin(nl, &r, GMB_NL_CMD_CONTEXT_GET, NL_DUMP);
	return nl_ask(nl, &r, &answers) ?: answers.count;
}

int nl_items(struct nl *nl, int cmd, unsigned int id, struct nl_item *item,
	     int max)
{
	struct nl_answers answers = { item, max, 0 };
	struct nl_request r;

	nl_begin(nl, &r, cmd, NL_DUMP);
	nl_put_u32(&r, GMB_NL_A_CONTEXT_ID, id);
	return nl_ask(nl, &r, &answers) ?: answers.count;
}

int nl_histograms(struct nl *nl, unsigned int id, int slot,
		  struct nl_item stage[__GMB_NL_STAGE_MAX])
{
	struct nl_answers answers = { stage, __GMB_NL_STAGE_MAX, 0 };
	struct nl_request r;
	int ret, i;

	nl_begin(nl, &r, GMB_NL_CMD_HISTOGRAM_GET, NL_DUMP);
	nl_put_u32(&r, GMB_NL_A_CONTEXT_ID, id);
	if (slot >= 0)
		nl_put_u32(&r, GMB_NL_A_TASK_SLOT, slot);
	ret = nl_ask(nl, &r, &answers);
	if (ret)
		return ret;
	if (answers.count != __GMB_NL_STAGE_MAX)
		return -EBADMSG;
	for (i = 0; i < __GMB_NL_STAGE_MAX; i++)
		if (stage[i].value[GMB_NL_HISTOGRAM_STAGE] != (unsigned int)i)
			return -EBADMSG;
	return 0;
}

int nl_reset(struct nl *nl, unsigned int id)
{
	struct nl_request r;

	nl_begin(nl, &r, GMB_NL_CMD_RESET, NL_DO);
	nl_put_u32(&r, GMB_NL_A_CONTEXT_ID, id);
	return nl_ask(nl, &r, NULL);
}

int nl_observe(struct nl *nl, unsigned int id, unsigned int what)
{
	struct nl_request r;

	nl_begin(nl, &r, GMB_NL_CMD_OBSERVE, NL_DO);
	if (id)
		nl_put_u32(&r, GMB_NL_A_CONTEXT_ID, id);
	nl_put_u32(&r, GMB_NL_A_OBSERVE, what);
	return nl_ask(nl, &r, NULL);
}

int nl_batch(struct nl *nl, struct nl_batch *batch, int ms)
{
	struct pollfd readable = { .fd = nl->fd, .events = POLLIN };
	char buf[16384] __attribute__((aligned(8)));
	struct nlmsghdr *h = (void *)buf;
	struct genlmsghdr *g = NLMSG_DATA(h);
	struct nlattr *attr;
	char *at, *end;
	int len;

	memset(batch, 0, sizeof(*batch));
	poll(&readable, 1, ms);
	len = recv(nl->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (len < 0)
		return -errno;
	if (!NLMSG_OK(h, (unsigned int)len) || g->cmd != GMB_NL_CMD_EVENTS)
		return -EBADMSG;
	at = (char *)g + GENL_HDRLEN;
	end = (char *)h + h->nlmsg_len;
	while ((attr = attr_next(&at, end))) {
		switch (ATTR_TYPE(attr)) {
		case GMB_NL_A_CONTEXT_ID:
			batch->id = attr_number(attr);
			break;
		case GMB_NL_A_SEQ:
			batch->seq = attr_number(attr);
			break;
		case GMB_NL_A_LOST:
			batch->lost = attr_number(attr);
			break;
		case GMB_NL_A_BEFORE:
			batch->before = attr_number(attr);
			break;
		case GMB_NL_A_GROUP_SEQ:
			batch->group_seq = attr_number(attr);
			break;
		case GMB_NL_A_GROUP_BEFORE:
			batch->group_before = attr_number(attr);
			break;
		case GMB_NL_A_EVENTS:
			if (ATTR_LEN(attr) > (int)sizeof(batch->event))
				return -EBADMSG;
			batch->count = ATTR_LEN(attr) /
				       sizeof(batch->event[0]);
			memcpy(batch->event, ATTR_DATA(attr), ATTR_LEN(attr));
		}
	}
	return batch->count ? 0 : -EBADMSG;
}
