/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * No request takes ctx->lock: its holder may be stuck in a page fault for as
 * long as the program likes, and who looks at a program must not be at its
 * mercy. Contexts are found with a reference, what is in their tables under
 * RCU. A dump remembers only numbers from one message to the next.
 */
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "compat.h"
#include "context.h"
#include "message.h"
#include "netlink.h"
#include "observe.h"
#include "stats.h"
#include "watch.h"

/* Indices of a table looked at in one RCU section. */
#define GMB_DUMP_STRIDE	1024

/* A histogram of which every bucket is in use, and what is around it. */
#define GMB_HISTOGRAM_ROOM	8192

/* What a dump remembers; in cb->args. */
struct gmb_dump {
	unsigned long	id;	/* of the context, or the next one */
	unsigned long	next;	/* slot or stage */
	unsigned long	slot;	/* histograms: of which task, */
	bool		of_task; /* if of one */
	bool		done;	/* nothing is left to tell */
};

/* Multicast groups, by index. */
enum { GMB_NL_EVENTS };

static struct genl_family family;

static struct gmb_dump *gmb_dump(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct gmb_dump) > sizeof(cb->args));
	return (struct gmb_dump *)cb->args;
}

/* Who opened the socket counts; and for the capability, who sends as well. */
static void gmb_nl_viewer(struct gmb_viewer *viewer, struct sk_buff *request)
{
	struct sock *sk = NETLINK_CB(request).sk;

	viewer->net = sock_net(sk);
	viewer->uid = READ_ONCE(sk->sk_uid);
	viewer->all = netlink_capable(request, CAP_SYS_ADMIN);
}

/* The context with a number, with a reference, if it exists for who asks. */
static struct gmb_ctx *gmb_nl_context(struct sk_buff *request, u32 id)
{
	struct gmb_ctx *ctx = gmb_ctx_get(id);
	struct gmb_viewer viewer;

	if (!ctx)
		return NULL;
	gmb_nl_viewer(&viewer, request);
	if (!gmb_observe_may(&viewer, ctx)) {
		gmb_ctx_put(ctx);
		ctx = NULL;
	}
	return ctx;
}

/* The context that a request names, with a reference, or ERR_PTR(). */
static struct gmb_ctx *gmb_nl_named(struct sk_buff *request,
				    struct genl_info *info)
{
	struct gmb_ctx *ctx;

	if (GENL_REQ_ATTR_CHECK(info, GMB_NL_A_CONTEXT_ID))
		return ERR_PTR(-EINVAL);
	ctx = gmb_nl_context(request,
			     nla_get_u32(info->attrs[GMB_NL_A_CONTEXT_ID]));
	return ctx ?: ERR_PTR(-ENOENT);
}

/* ---- writing messages ---- */

struct gmb_nl_message {
	struct sk_buff	*skb;
	void		*header;
	struct nlattr	*nest;
};

/* What each request gets is nested in an attribute of its own. */
static int gmb_nl_begin(struct gmb_nl_message *m, struct sk_buff *skb,
			u32 portid, const struct nlmsghdr *request, int flags,
			u32 id)
{
	u8 cmd = ((struct genlmsghdr *)nlmsg_data(request))->cmd;
	int nest = GMB_NL_A_CONTEXT + cmd - GMB_NL_CMD_CONTEXT_GET;

	BUILD_BUG_ON(GMB_NL_A_HISTOGRAM - GMB_NL_A_CONTEXT !=
		     GMB_NL_CMD_HISTOGRAM_GET - GMB_NL_CMD_CONTEXT_GET);
	m->skb = skb;
	m->header = genlmsg_put(skb, portid, request->nlmsg_seq, &family,
				flags, cmd);
	if (!m->header)
		return -EMSGSIZE;
	if (!nla_put_u32(skb, GMB_NL_A_CONTEXT_ID, id)) {
		m->nest = nla_nest_start(skb, nest);
		if (m->nest)
			return 0;
	}
	genlmsg_cancel(skb, m->header);
	return -EMSGSIZE;
}

static int gmb_nl_part(struct gmb_nl_message *m, struct sk_buff *skb,
		       struct netlink_callback *cb, u32 id)
{
	return gmb_nl_begin(m, skb, NETLINK_CB(cb->skb).portid, cb->nlh,
			    NLM_F_MULTI, id);
}

static int gmb_nl_end(struct gmb_nl_message *m, bool done)
{
	if (!done) {
		genlmsg_cancel(m->skb, m->header);
		return -EMSGSIZE;
	}
	nla_nest_end(m->skb, m->nest);
	genlmsg_end(m->skb, m->header);
	return 0;
}

/* ---- contexts ---- */

static int gmb_nl_context_get(struct sk_buff *request, struct genl_info *info)
{
	struct gmb_ctx *ctx = gmb_nl_named(request, info);
	struct gmb_nl_message m;
	struct sk_buff *skb;
	int ret;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	ret = -ENOMEM;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		goto out;
	ret = gmb_nl_begin(&m, skb, info->snd_portid, info->nlhdr, 0,
			   ctx->id);
	if (!ret)
		ret = gmb_nl_end(&m, gmb_message_context(skb, ctx));
	if (ret)
		nlmsg_free(skb);
	else
		ret = genlmsg_reply(skb, info);
out:
	gmb_ctx_put(ctx);
	return ret;
}

static int gmb_nl_contexts_start(struct netlink_callback *cb)
{
	if (!genl_info_dump(cb)->attrs[GMB_NL_A_CONTEXT_ID])
		return 0;
	NL_SET_ERR_MSG(cb->extack, "a dump is of all contexts");
	return -EINVAL;
}

static int gmb_nl_contexts_dump(struct sk_buff *skb,
				struct netlink_callback *cb)
{
	struct gmb_dump *dump = gmb_dump(cb);
	struct gmb_viewer viewer;
	struct gmb_nl_message m;
	struct gmb_ctx *ctx;
	u32 id = dump->id;
	int ret = 0;

	gmb_nl_viewer(&viewer, cb->skb);
	while ((ctx = gmb_ctx_next(&id))) {
		if (gmb_observe_may(&viewer, ctx))
			ret = gmb_nl_part(&m, skb, cb, id) ?:
			      gmb_nl_end(&m, gmb_message_context(skb, ctx));
		gmb_ctx_put(ctx);
		if (ret || fatal_signal_pending(current))
			break;
		id++;
		cond_resched();
	}
	dump->id = id;
	return skb->len;
}

/* ---- what is in a context ---- */

static int gmb_nl_dump_start(struct netlink_callback *cb)
{
	struct nlattr **attrs = genl_info_dump(cb)->attrs;
	struct gmb_dump *dump = gmb_dump(cb);
	struct gmb_ctx *ctx;

	if (!attrs[GMB_NL_A_CONTEXT_ID]) {
		NL_SET_ERR_MSG(cb->extack, "a context must be named");
		return -EINVAL;
	}
	dump->id = nla_get_u32(attrs[GMB_NL_A_CONTEXT_ID]);
	ctx = gmb_nl_context(cb->skb, dump->id);
	if (!ctx)
		return -ENOENT;
	gmb_ctx_put(ctx);
	return 0;
}

static int gmb_nl_watch(struct sk_buff *skb, struct netlink_callback *cb,
			u32 slot, void *item)
{
	struct gmb_watch_look look;
	struct gmb_nl_message m;

	if (!gmb_watch_look(item, &look))
		return 0;
	return gmb_nl_part(&m, skb, cb, gmb_dump(cb)->id) ?:
	       gmb_nl_end(&m, gmb_message_watch(skb, slot, &look));
}

static int gmb_nl_task(struct sk_buff *skb, struct netlink_callback *cb,
		       u32 slot, void *item)
{
	struct gmb_nl_message m;

	return gmb_nl_part(&m, skb, cb, gmb_dump(cb)->id) ?:
	       gmb_nl_end(&m, gmb_message_task(skb, slot, item));
}

typedef int gmb_nl_item_fn(struct sk_buff *skb, struct netlink_callback *cb,
			   u32 slot, void *item);

/* Part of a table, under RCU. Return: whether there may be more of it. */
static bool gmb_nl_table_part(const struct gmb_table *table,
			      struct sk_buff *skb, struct netlink_callback *cb,
			      gmb_nl_item_fn *put, int *error)
{
	struct gmb_dump *dump = gmb_dump(cb);
	const struct gmb_slots *slots;
	u32 n, size;
	void *item;

	rcu_read_lock();
	slots = rcu_dereference(table->slots);
	size = slots ? slots->size : 0;
	for (n = 0; n < GMB_DUMP_STRIDE && dump->next < size; n++) {
		item = gmb_slots_get(slots, dump->next);
		*error = item ? put(skb, cb, dump->next, item) : 0;
		if (*error)
			break;
		dump->next++;
	}
	rcu_read_unlock();
	return !*error && dump->next < size;
}

static int gmb_nl_table(const struct gmb_table *table, struct sk_buff *skb,
			struct netlink_callback *cb, gmb_nl_item_fn *put)
{
	int error = 0;

	while (gmb_nl_table_part(table, skb, cb, put, &error)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	gmb_dump(cb)->done = !error;
	return skb->len;
}

/* The context of a dump that goes on, with a reference; or why it does not. */
static struct gmb_ctx *gmb_nl_dump_context(struct netlink_callback *cb)
{
	struct gmb_ctx *ctx;

	if (gmb_dump(cb)->done)
		return NULL;
	ctx = gmb_nl_context(cb->skb, gmb_dump(cb)->id);
	return ctx ?: ERR_PTR(-ENOENT);
}

static int gmb_nl_dump_table(struct sk_buff *skb, struct netlink_callback *cb)
{
	u8 cmd = ((struct genlmsghdr *)nlmsg_data(cb->nlh))->cmd;
	struct gmb_ctx *ctx = gmb_nl_dump_context(cb);
	int ret;

	if (IS_ERR_OR_NULL(ctx))
		return PTR_ERR(ctx);
	if (cmd == GMB_NL_CMD_WATCH_GET)
		ret = gmb_nl_table(&ctx->watches, skb, cb, gmb_nl_watch);
	else
		ret = gmb_nl_table(&ctx->tasks, skb, cb, gmb_nl_task);
	gmb_ctx_put(ctx);
	return ret;
}

/* ---- histograms ---- */

static int gmb_nl_histograms_start(struct netlink_callback *cb)
{
	struct nlattr *slot = genl_info_dump(cb)->attrs[GMB_NL_A_TASK_SLOT];

	gmb_dump(cb)->of_task = slot;
	if (slot)
		gmb_dump(cb)->slot = nla_get_u32(slot);
	cb->min_dump_alloc = GMB_HISTOGRAM_ROOM;
	return gmb_nl_dump_start(cb);
}

/* All stages from dump->next on that there is room for. RCU is held. */
static int gmb_nl_put_histograms(struct sk_buff *skb,
				 struct netlink_callback *cb,
				 const struct gmb_histograms *h)
{
	struct gmb_dump *dump = gmb_dump(cb);
	struct gmb_nl_message m;

	while (dump->next < __GMB_NL_STAGE_MAX) {
		if (gmb_nl_part(&m, skb, cb, dump->id) ||
		    gmb_nl_end(&m, gmb_message_histogram(skb, dump->next,
							 h)))
			return skb->len;
		dump->next++;
	}
	dump->done = true;
	return skb->len;
}

static int gmb_nl_task_histograms(struct sk_buff *skb,
				  struct netlink_callback *cb,
				  const struct gmb_ctx *ctx)
{
	const struct gmb_histograms *h;
	const struct gmb_task *task;
	int ret = -ENOENT;

	rcu_read_lock();
	task = gmb_table_get_rcu(&ctx->tasks, gmb_dump(cb)->slot);
	if (task)
		ret = gmb_stats_task_histograms(ctx, task, &h) ?:
		      gmb_nl_put_histograms(skb, cb, h);
	rcu_read_unlock();
	return ret;
}

static int gmb_nl_histograms_dump(struct sk_buff *skb,
				  struct netlink_callback *cb)
{
	struct gmb_ctx *ctx = gmb_nl_dump_context(cb);
	int ret;

	if (IS_ERR_OR_NULL(ctx))
		return PTR_ERR(ctx);
	if (gmb_dump(cb)->of_task)
		ret = gmb_nl_task_histograms(skb, cb, ctx);
	else
		ret = gmb_nl_put_histograms(skb, cb,
					    gmb_stats_histograms(ctx));
	gmb_ctx_put(ctx);
	return ret;
}

/* ---- requests that change something ---- */

static int gmb_nl_reset(struct sk_buff *request, struct genl_info *info)
{
	struct gmb_ctx *ctx = gmb_nl_named(request, info);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	gmb_stats_reset(ctx);
	gmb_ctx_put(ctx);
	return 0;
}

/*
 * Whether somebody may have the multicast group hear of all contexts that he
 * sees. Who joined it had CAP_SYS_ADMIN over its network namespace. That tells
 * enough only where this means: in the initial user namespace.
 */
static int gmb_nl_may_multicast(const struct gmb_viewer *viewer,
				struct genl_info *info)
{
	if (info->attrs[GMB_NL_A_CONTEXT_ID]) {
		NL_SET_ERR_MSG(info->extack, "the group hears of all contexts");
		return -EINVAL;
	}
	if (!viewer->all || viewer->net->user_ns != &init_user_ns)
		return -EPERM;
	return family.n_mcgrps ? 0 : -EOPNOTSUPP;
}

static int gmb_nl_observe(struct sk_buff *request, struct genl_info *info)
{
	struct gmb_viewer viewer;
	struct gmb_ctx *ctx;
	u32 id = 0, what;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, GMB_NL_A_OBSERVE))
		return -EINVAL;
	what = nla_get_u32(info->attrs[GMB_NL_A_OBSERVE]);
	gmb_nl_viewer(&viewer, request);
	if (what & GMB_NL_OBSERVE_GROUP) {
		ret = gmb_nl_may_multicast(&viewer, info);
		if (ret)
			return ret;
	}
	if (info->attrs[GMB_NL_A_CONTEXT_ID]) {
		ctx = gmb_nl_named(request, info);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
		id = ctx->id;
		gmb_ctx_put(ctx);
	}
	return gmb_observe_begin(&viewer, info->snd_portid, id, what);
}

static int gmb_nl_event(struct notifier_block *block, unsigned long what,
			void *data)
{
	const struct netlink_notify *n = data;

	if (what == NETLINK_URELEASE && n->protocol == NETLINK_GENERIC)
		gmb_observe_end(n->net, n->portid);
	return NOTIFY_DONE;
}

static struct notifier_block gmb_nl_notifier = {
	.notifier_call = gmb_nl_event,
};

/* ---- events ---- */

/* Attributes of a message of events, without the events. */
#define GMB_EVENTS_ROOM	128

static struct sk_buff *gmb_nl_events_new(const struct gmb_batch *batch)
{
	return genlmsg_new(nla_total_size(batch->count *
					  sizeof(*batch->event)) +
			   GMB_EVENTS_ROOM, GFP_KERNEL);
}

/* Frees the message if it fails. */
static int gmb_nl_events(struct sk_buff *skb, const struct gmb_batch *batch,
			 const struct gmb_group *group)
{
	void *header = genlmsg_put(skb, 0, 0, &family, 0, GMB_NL_CMD_EVENTS);

	if (!header || !gmb_message_events(skb, batch, group)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/**
 * gmb_netlink_send() - send events to a subscriber, without waiting for room
 * @net:    network namespace of its socket
 * @portid: its socket
 * @batch:  events
 *
 * Context: process; may sleep for memory.
 * Return: 0; negative: they are lost.
 */
int gmb_netlink_send(struct net *net, u32 portid,
		     const struct gmb_batch *batch)
{
	struct sk_buff *skb = gmb_nl_events_new(batch);
	int ret;

	if (!skb)
		return -ENOMEM;
	ret = gmb_nl_events(skb, batch, NULL);
	return ret ?: genlmsg_unicast(net, skb, portid);
}

/**
 * gmb_netlink_multicast() - send events to a group, without waiting for anybody
 * @net:   network namespace whose group it is
 * @group: its numbers, which count these events whatever becomes of them
 * @batch: events
 *
 * Who has no room, or no memory for a copy of the message, misses it; the
 * numbers of the next one tell him. The sending itself does not sleep: with
 * %GFP_KERNEL it would yield for members that are slow.
 *
 * Context: process; may sleep for memory.
 * Return: 0; negative: no member got them.
 */
int gmb_netlink_multicast(struct net *net, struct gmb_group *group,
			  const struct gmb_batch *batch)
{
	bool heard = genl_has_listeners(&family, net, GMB_NL_EVENTS);
	struct sk_buff *skb = heard ? gmb_nl_events_new(batch) : NULL;
	int ret = heard ? -ENOMEM : 0;

	mutex_lock(&group->lock);
	group->seq++;
	if (skb)
		ret = gmb_nl_events(skb, batch, group);
	group->before += batch->count;
	if (skb && !ret)
		genlmsg_multicast_netns(&family, net, skb, 0, GMB_NL_EVENTS,
					GFP_NOWAIT | __GFP_NOWARN);
	mutex_unlock(&group->lock);
	return ret;
}

/* ---- the family ---- */

static const struct nla_policy gmb_nl_context_policy[] = {
	[GMB_NL_A_CONTEXT_ID] = { .type = NLA_U32 },
};

static const struct nla_policy gmb_nl_histogram_policy[] = {
	[GMB_NL_A_CONTEXT_ID] = { .type = NLA_U32 },
	[GMB_NL_A_TASK_SLOT] = { .type = NLA_U32 },
};

static const struct nla_policy gmb_nl_observe_policy[] = {
	[GMB_NL_A_CONTEXT_ID] = { .type = NLA_U32 },
	[GMB_NL_A_OBSERVE] = NLA_POLICY_MASK(NLA_U32,
					     GMB_NL_OBSERVE_HISTOGRAMS |
						     GMB_NL_OBSERVE_EVENTS |
						     GMB_NL_OBSERVE_GROUP),
};

#define CHECK(name)	.policy = (name), .maxattr = ARRAY_SIZE(name) - 1
#define DUMP(begin, go_on)	.start = (begin), .dumpit = (go_on)

/* No flag asks for a capability, and none makes the checks less strict. */
/* clang-format off */
static const struct genl_ops gmb_nl_ops[] = {
	{ .cmd = GMB_NL_CMD_CONTEXT_GET, CHECK(gmb_nl_context_policy),
	  .doit = gmb_nl_context_get,
	  DUMP(gmb_nl_contexts_start, gmb_nl_contexts_dump) },
	{ .cmd = GMB_NL_CMD_WATCH_GET, CHECK(gmb_nl_context_policy),
	  DUMP(gmb_nl_dump_start, gmb_nl_dump_table) },
	{ .cmd = GMB_NL_CMD_TASK_GET, CHECK(gmb_nl_context_policy),
	  DUMP(gmb_nl_dump_start, gmb_nl_dump_table) },
	{ .cmd = GMB_NL_CMD_HISTOGRAM_GET, CHECK(gmb_nl_histogram_policy),
	  DUMP(gmb_nl_histograms_start, gmb_nl_histograms_dump) },
	{ .cmd = GMB_NL_CMD_RESET, CHECK(gmb_nl_context_policy),
	  .doit = gmb_nl_reset },
	{ .cmd = GMB_NL_CMD_OBSERVE, CHECK(gmb_nl_observe_policy),
	  .doit = gmb_nl_observe },
};
/* clang-format on */

static const struct genl_multicast_group gmb_nl_groups[] = {
	[GMB_NL_EVENTS] = {
		.name = GMB_NL_GROUP_EVENTS,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
};

static struct genl_family family __ro_after_init = {
	.name = GMB_NL_FAMILY,
	.version = GMB_NL_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.ops = gmb_nl_ops,
	.n_ops = ARRAY_SIZE(gmb_nl_ops),
	.mcgrps = gmb_nl_groups,
	.n_mcgrps = GENL_MCAST_CAP_SYS_ADMIN ? ARRAY_SIZE(gmb_nl_groups) : 0,
};

/**
 * gmb_netlink_init() - register the family
 *
 * Return: 0 or an error.
 */
int gmb_netlink_init(void)
{
	int ret = netlink_register_notifier(&gmb_nl_notifier);

	if (ret)
		return ret;
	ret = genl_register_family(&family);
	if (ret)
		netlink_unregister_notifier(&gmb_nl_notifier);
	return ret;
}

/**
 * gmb_netlink_fini() - undo gmb_netlink_init(); no request is under way after
 */
void gmb_netlink_fini(void)
{
	genl_unregister_family(&family);
	netlink_unregister_notifier(&gmb_nl_notifier);
}
