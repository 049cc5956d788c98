/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include "common/memory.h"
#include "common/module.h"

#define RECEIVE_BUFFER	(8 << 20)	/* of the socket of events, bytes */

struct module {
	struct nl_sock *ask;
	struct nl_sock *events;	/* NULL until subscribed */
	int family;
};

/* What answers are collected into: an array that grows. */
struct answers {
	size_t size;	/* of one */
	size_t count;
	char *list;
	int attr;	/* the nested attribute */
	void (*take)(void *one, struct nlattr *attr);
};

/* Errors of libnl as far as they are errors of a system call. */
static int error_of(int rc)
{
	switch (-rc) {
	case NLE_SUCCESS:
		return 0;
	case NLE_OBJ_NOTFOUND:
	case NLE_NODEV:
		return -ENOENT;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_AGAIN:
	case NLE_INTR:
		return -EAGAIN;
	case NLE_BUSY:
		return -EBUSY;
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	case NLE_INVAL:
		return -EINVAL;
	default:
		return -EIO;
	}
}

int module_open(struct module **out)
{
	struct module *module = memory_zeroed(1, sizeof(*module));
	int rc;

	*out = NULL;
	module->ask = nl_socket_alloc();
	if (!module->ask)
		memory_out();
	rc = genl_connect(module->ask);
	if (!rc)
		rc = genl_ctrl_resolve(module->ask, GMB_NL_FAMILY);
	if (rc < 0) {
		module_close(module);
		return error_of(rc);
	}
	module->family = rc;
	*out = module;
	return 0;
}

void module_close(struct module *module)
{
	if (!module)
		return;
	nl_socket_free(module->ask);
	if (module->events)
		nl_socket_free(module->events);
	free(module);
}

static struct nl_msg *request(struct module *module, int command, int flags,
			      uint32_t context)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ,
				 module->family, 0, NLM_F_REQUEST | flags,
				 (uint8_t)command, GMB_NL_VERSION))
		memory_out();
	if (context != MODULE_ALL)
		nla_put_u32(msg, GMB_NL_A_CONTEXT_ID, context);
	return msg;
}

static int collect(struct nl_msg *msg, void *user)
{
	struct answers *a = user;
	struct nlattr *attr = genlmsg_attrdata(nlmsg_data(nlmsg_hdr(msg)), 0);
	int left = genlmsg_attrlen(nlmsg_data(nlmsg_hdr(msg)), 0);
	struct nlattr *nested = nla_find(attr, left, a->attr);
	char *one;

	if (!nested)
		return NL_SKIP;
	a->list = memory_get(a->list, (a->count + 1) * a->size);
	one = a->list + a->count++ * a->size;
	memset(one, 0, a->size);
	nla_for_each_nested(attr, nested, left)
		a->take(one, attr);
	return NL_OK;
}

static int note_error(struct sockaddr_nl *from, struct nlmsgerr *error,
		      void *user)
{
	(void)from;
	*(int *)user = error->error;
	return NL_STOP;
}

static int note_end(struct nl_msg *msg, void *user)
{
	(void)msg;
	*(bool *)user = true;
	return NL_STOP;
}

/*
 * Send a request and hear the answers to the end, which is that of a dump or an
 * acknowledgement. Errors of the kernel come as they are.
 */
static int ask(struct module *module, struct nl_msg *msg,
	       struct answers *answers)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	bool ended = false;
	int error = 0, rc;

	if (!cb)
		memory_out();
	nl_cb_err(cb, NL_CB_CUSTOM, note_error, &error);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, note_end, &ended);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, note_end, &ended);
	if (answers)
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, collect, answers);
	rc = nl_send_auto(module->ask, msg);
	nlmsg_free(msg);
	while (rc >= 0 && !ended && !error)
		rc = nl_recvmsgs(module->ask, cb);
	nl_cb_put(cb);
	if (error)
		return error;
	return rc < 0 ? error_of(rc) : 0;
}

static ssize_t dump(struct module *module, int command, uint32_t context,
		    struct answers *answers, void *out)
{
	int rc = ask(module, request(module, command, NLM_F_DUMP, context),
		     answers);

	if (rc) {
		free(answers->list);
		answers->list = NULL;
	}
	*(void **)out = answers->list;
	return rc ? rc : (ssize_t)answers->count;
}

/* An unsigned number, as long as it was sent. */
static uint64_t number(struct nlattr *attr)
{
	if (nla_len(attr) >= (int)sizeof(uint64_t))
		return nla_get_u64(attr);
	return nla_len(attr) >= (int)sizeof(uint32_t) ? nla_get_u32(attr) : 0;
}

static void take_context(void *one, struct nlattr *attr)
{
	struct module_context *context = one;

	if (nla_type(attr) == GMB_NL_CONTEXT_COMM)
		nla_strlcpy(context->comm, attr, sizeof(context->comm));
	else if (nla_type(attr) <= GMB_NL_CONTEXT_MAX)
		context->value[nla_type(attr)] = number(attr);
}

static void take_watch(void *one, struct nlattr *attr)
{
	struct module_watch *watch = one;

	if (nla_type(attr) > GMB_NL_WATCH_MAX)
		return;
	watch->value[nla_type(attr)] = number(attr);
	watch->set |= 1u << nla_type(attr);
}

static void take_task(void *one, struct nlattr *attr)
{
	struct module_task *task = one;

	if (nla_type(attr) <= GMB_NL_TASK_MAX)
		task->value[nla_type(attr)] = number(attr);
}

ssize_t module_contexts(struct module *module, struct module_context **out)
{
	struct answers answers = { sizeof(**out), 0, NULL, GMB_NL_A_CONTEXT,
				   take_context };

	return dump(module, GMB_NL_CMD_CONTEXT_GET, MODULE_ALL, &answers, out);
}

ssize_t module_watches(struct module *module, uint32_t context,
		       struct module_watch **out)
{
	struct answers answers = { sizeof(**out), 0, NULL, GMB_NL_A_WATCH,
				   take_watch };

	return dump(module, GMB_NL_CMD_WATCH_GET, context, &answers, out);
}

ssize_t module_tasks(struct module *module, uint32_t context,
		     struct module_task **out)
{
	struct answers answers = { sizeof(**out), 0, NULL, GMB_NL_A_TASK,
				   take_task };

	return dump(module, GMB_NL_CMD_TASK_GET, context, &answers, out);
}

/* A histogram as it was sent, before it is known which stage it is of. */
struct sent {
	uint32_t stage;
	struct histogram h;
};

static void take_buckets(struct histogram *h, struct nlattr *attr)
{
	const struct gmb_nl_bucket *bucket = nla_data(attr);
	size_t n = (size_t)nla_len(attr) / sizeof(*bucket);

	for (; n; n--, bucket++) {
		if (bucket->index < GMB_NL_BUCKETS)
			h->buckets[bucket->index] += bucket->count;
	}
}

static void take_histogram(void *one, struct nlattr *attr)
{
	struct sent *sent = one;

	switch (nla_type(attr)) {
	case GMB_NL_HISTOGRAM_STAGE:
		sent->stage = (uint32_t)number(attr);
		break;
	case GMB_NL_HISTOGRAM_COUNT:
		sent->h.count = number(attr);
		break;
	case GMB_NL_HISTOGRAM_SUM:
		sent->h.sum = number(attr);
		break;
	case GMB_NL_HISTOGRAM_MAX_NS:
		sent->h.max = number(attr);
		break;
	case GMB_NL_HISTOGRAM_BUCKETS:
		take_buckets(&sent->h, attr);
		break;
	}
}

int module_histograms(struct module *module, uint32_t context, uint32_t slot,
		      struct histogram stages[__GMB_NL_STAGE_MAX])
{
	struct answers answers = { sizeof(struct sent), 0, NULL,
				   GMB_NL_A_HISTOGRAM, take_histogram };
	struct nl_msg *msg = request(module, GMB_NL_CMD_HISTOGRAM_GET,
				     NLM_F_DUMP, context);
	struct sent *sent;
	size_t i;
	int rc;

	memset(stages, 0, __GMB_NL_STAGE_MAX * sizeof(*stages));
	if (slot != MODULE_ALL)
		nla_put_u32(msg, GMB_NL_A_TASK_SLOT, slot);
	rc = ask(module, msg, &answers);
	sent = (struct sent *)answers.list;
	for (i = 0; i < answers.count; i++) {
		if (sent[i].stage < __GMB_NL_STAGE_MAX)
			stages[sent[i].stage] = sent[i].h;
	}
	free(sent);
	return rc;
}

int module_reset(struct module *module, uint32_t context)
{
	return ask(module,
		   request(module, GMB_NL_CMD_RESET, NLM_F_ACK, context), NULL);
}

int module_observe(struct module *module, uint32_t context, uint32_t what)
{
	struct nl_msg *msg = request(module, GMB_NL_CMD_OBSERVE, NLM_F_ACK,
				     context);

	nla_put_u32(msg, GMB_NL_A_OBSERVE, what);
	return ask(module, msg, NULL);
}

/*
 * Who may see all hears the multicast group, which costs the kernel one message
 * however many listen; it is asked for through the other socket, so that no
 * answer stands in the way of an event.
 */
static int join(struct module *module)
{
	int group = genl_ctrl_resolve_grp(module->ask, GMB_NL_FAMILY,
					  GMB_NL_GROUP_EVENTS);
	int rc;

	if (group < 0)
		return error_of(group);
	rc = nl_socket_add_membership(module->events, group);
	if (rc < 0)
		return error_of(rc);
	rc = module_observe(module, MODULE_ALL, GMB_NL_OBSERVE_GROUP |
						GMB_NL_OBSERVE_HISTOGRAMS);
	if (rc < 0)
		nl_socket_drop_membership(module->events, group);
	return rc;
}

/* Everybody else is sent the events of his own contexts. */
static int subscribe(struct module *module)
{
	struct nl_msg *msg = request(module, GMB_NL_CMD_OBSERVE, NLM_F_ACK,
				     MODULE_ALL);

	nla_put_u32(msg, GMB_NL_A_OBSERVE,
		    GMB_NL_OBSERVE_EVENTS | GMB_NL_OBSERVE_HISTOGRAMS);
	return error_of(nl_send_sync(module->events, msg));
}

/* As large as asked, or as large as the administrator lets users have it. */
static void set_room(struct nl_sock *sock)
{
	const int size = RECEIVE_BUFFER;

	if (setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVBUFFORCE,
		       &size, sizeof(size)))
		nl_socket_set_buffer_size(sock, size, 0);
}

int module_subscribe(struct module *module)
{
	int rc;

	module->events = nl_socket_alloc();
	if (!module->events)
		memory_out();
	nl_socket_disable_seq_check(module->events);
	rc = genl_connect(module->events);
	if (rc < 0)
		return error_of(rc);
	set_room(module->events);
	nl_socket_set_msg_buf_size(module->events, 1 << 16);
	if (join(module) < 0) {
		rc = subscribe(module);
		if (rc < 0)
			return rc;
	}
	rc = nl_socket_set_nonblocking(module->events);
	return rc < 0 ? error_of(rc) : nl_socket_get_fd(module->events);
}

struct receiver {
	void (*each)(void *user, const struct module_batch *batch);
	void *user;
	int batches;
};

static int take_batch(struct nl_msg *msg, void *user)
{
	struct genlmsghdr *head = nlmsg_data(nlmsg_hdr(msg));
	struct receiver *receiver = user;
	struct nlattr *a[GMB_NL_A_MAX + 1];
	struct module_batch batch;

	if (head->cmd != GMB_NL_CMD_EVENTS ||
	    genlmsg_parse(nlmsg_hdr(msg), 0, a, GMB_NL_A_MAX, NULL) < 0 ||
	    !a[GMB_NL_A_CONTEXT_ID] || !a[GMB_NL_A_EVENTS])
		return NL_SKIP;
	batch = (struct module_batch){
		.context = (uint32_t)number(a[GMB_NL_A_CONTEXT_ID]),
		.count = (size_t)nla_len(a[GMB_NL_A_EVENTS]) /
			 sizeof(struct gmb_nl_event),
	};
	if (a[GMB_NL_A_BEFORE])
		batch.before = number(a[GMB_NL_A_BEFORE]);
	/* An attribute is aligned to four bytes only. */
	batch.events = memcpy(memory_get(NULL, batch.count *
						      sizeof(*batch.events)),
			      nla_data(a[GMB_NL_A_EVENTS]),
			      batch.count * sizeof(*batch.events));
	receiver->each(receiver->user, &batch);
	free((void *)batch.events);
	receiver->batches++;
	return NL_OK;
}

int module_receive(struct module *module,
		   void (*each)(void *user, const struct module_batch *batch),
		   void *user)
{
	struct receiver receiver = { each, user, 0 };
	int rc;

	nl_socket_modify_cb(module->events, NL_CB_VALID, NL_CB_CUSTOM,
			    take_batch, &receiver);
	do {
		errno = 0;
		rc = nl_recvmsgs_default(module->events);
	} while (rc >= 0);
	if (rc == -NLE_AGAIN)
		return receiver.batches;
	return errno == ENOBUFS ? -ENOBUFS : error_of(rc);
}
