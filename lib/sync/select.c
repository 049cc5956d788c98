/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Select: first each case is tried, in an order that begins anywhere; if none
 * can happen the task stands in every line at once, with one wait per case in
 * one trap, and the trap sees to it that exactly one of them wins.
 *
 * Nothing else runs between the trying and the standing in line, so what could
 * not happen before cannot have become possible, except what the kernel knows:
 * a file may have become ready. Readiness takes nothing from anybody, so then
 * the other waits are simply withdrawn again.
 */
#include <errno.h>
#include <giambio/select.h>
#include <poll.h>
#include "backend/op.h"
#include "sync/channel.h"
#include "sync/mailbox.h"
#include "sync/owner.h"
#include "task/task.h"

/* What a case puts into a line; each begins with its wait. */
union node {
	struct gmb__wait wait;
	struct gmb__transfer transfer;
	struct gmb__joiner joiner;
	struct gmb__op op;
	struct {
		struct gmb__wait wait;
		uint32_t handle;
	} timer;
};

/* Trying a case: a result, or -EAGAIN */

static intptr_t try_event(struct gmb_event *event, intptr_t *value)
{
	int rc = gmb__owner_check(event, !gmb__waitq_empty(&event->waiters));

	if (rc)
		return rc;
	if (!event->set)
		return -EAGAIN;
	if (value)
		*value = event->value;
	return 0;
}

static intptr_t try_join(struct gmb_task *task, intptr_t *result)
{
	if (gmb__task_is_foreign(task))
		return -EXDEV;
	if (!gmb__task_ended(task))
		return -EAGAIN;
	if (result)
		*result = task->result;
	return 0;
}

static void make_op(const struct gmb_case *c, struct gmb__op *op)
{
	*op = (struct gmb__op){
		.file = (struct gmb_file *)c->object,
		.code = GMB__OP_READY,
		.events = (uint16_t)c->events,
	};
}

static intptr_t try_ready(const struct gmb_case *c)
{
	const struct gmb_file *file = (const struct gmb_file *)c->object;
	struct gmb__op op;

	if (!c->events ||
	    c->events & ~(POLLIN | POLLOUT | POLLPRI | POLLRDHUP))
		return -EINVAL;
	if (file->fd < 0)
		return -EBADF;
	if (file->loop != gmb__loop)
		return -EXDEV;
	make_op(c, &op);
	return gmb__op_perform(&op);
}

static intptr_t try_case(const struct gmb_case *c)
{
	switch (c->kind) {
	case GMB__CASE_GET:
		return gmb_queue_try_get((struct gmb_queue *)c->object,
					 c->item);
	case GMB__CASE_PUT:
		return gmb_queue_try_put((struct gmb_queue *)c->object,
					 c->item);
	case GMB__CASE_RECEIVE:
		return gmb_channel_try_receive(
			(struct gmb_receiver *)c->object, c->item);
	case GMB__CASE_SEND:
		return gmb_channel_try_send((struct gmb_sender *)c->object,
					    c->item);
	case GMB__CASE_EVENT:
		return try_event((struct gmb_event *)c->object,
				 (intptr_t *)c->item);
	case GMB__CASE_MESSAGE:
		return gmb_mailbox_try_receive((struct gmb_mailbox *)c->object,
					       c->item);
	case GMB__CASE_JOIN:
		return try_join((struct gmb_task *)c->object,
				(intptr_t *)c->item);
	case GMB__CASE_READY:
		return try_ready(c);
	case GMB__CASE_DEADLINE:
		return c->when <= gmb_now() ? 0 : -EAGAIN;
	case GMB__CASE_NONE:
		break;
	}
	return -EAGAIN;
}

/* Where to begin. Drawn by lot: a counter can march in step with its caller. */
static size_t draw(size_t count)
{
	static gmb__thread_local uint32_t seed = 1;

	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return ((uint64_t)seed * count) >> 32;
}

/* The index of the case that happened; -EAGAIN; or an error. */
static int try_all(struct gmb_case *cases, size_t count)
{
	size_t at = count > 1 ? draw(count) : 0;
	intptr_t rc;
	size_t i;

	for (i = 0; i < count; i++) {
		rc = try_case(&cases[at]);
		if (rc == -EXDEV)
			return -EXDEV;
		if (rc != -EAGAIN) {
			cases[at].result = rc;
			return (int)at;
		}
		if (++at == count)
			at = 0;
	}
	return -EAGAIN;
}

/* Standing in line */

static bool withdraw_nothing(struct gmb__wait *wait)
{
	(void)wait;
	return false;
}

static void on_deadline(void *arg)
{
	gmb__wait_complete(&((union node *)arg)->wait, 0);
}

static bool stop_timer(struct gmb__wait *wait)
{
	union node *node = gmb__entry(wait, union node, wait);

	gmb__timer_stop(&gmb__loop->timers, node->timer.handle);
	return false;
}

static int start_timer(struct gmb__trap *trap, union node *node, gmb_time when)
{
	int rc;

	if (when == GMB_NEVER) {
		gmb__trap_add(trap, &node->wait, withdraw_nothing);
		return 0;
	}
	rc = gmb__timer_start(&gmb__loop->timers, when, on_deadline, node,
			      &node->timer.handle);
	if (rc == 0)
		gmb__trap_add(trap, &node->wait, stop_timer);
	return rc;
}

static void stand(struct gmb__trap *trap, struct gmb__wait *wait,
		  struct gmb__waitq *line)
{
	gmb__trap_add(trap, wait, NULL);
	gmb__waitq_push(line, wait);
}

/* 0: it stands in line; 1: it happened after all, see result; -errno. */
static int start_case(struct gmb_case *c, struct gmb__trap *trap,
		      union node *node)
{
	void *end = c->object;

	switch (c->kind) {
	case GMB__CASE_GET:
		gmb__queue_join(&((struct gmb_queue *)end)->getters, trap,
				&node->transfer, c->item, NULL);
		break;
	case GMB__CASE_PUT:
		gmb__queue_join(&((struct gmb_queue *)end)->putters, trap,
				&node->transfer, c->item, NULL);
		break;
	case GMB__CASE_RECEIVE:
		gmb__queue_join(
			&((struct gmb_receiver *)end)->channel->queue.getters,
			trap, &node->transfer, c->item, end);
		break;
	case GMB__CASE_SEND:
		gmb__queue_join(
			&((struct gmb_sender *)end)->channel->queue.putters,
			trap, &node->transfer, c->item, end);
		break;
	case GMB__CASE_EVENT:
		stand(trap, &node->wait, &((struct gmb_event *)end)->waiters);
		break;
	case GMB__CASE_MESSAGE:
		gmb__mailbox_join((struct gmb_mailbox *)end, trap,
				  &node->transfer, c->item);
		break;
	case GMB__CASE_JOIN:
		stand(trap, &node->wait, &((struct gmb_task *)end)->joiners);
		break;
	case GMB__CASE_READY:
		make_op(c, &node->op);
		return gmb__op_start(&node->op, trap, &c->result);
	case GMB__CASE_DEADLINE:
		return start_timer(trap, node, c->when);
	case GMB__CASE_NONE:
		break;
	}
	return 0;
}

/* How many cases are up to other threads. */
static size_t count_outside(const struct gmb_case *cases, size_t count)
{
	size_t i, outside = 0;

	for (i = 0; i < count; i++)
		outside += cases[i].kind == GMB__CASE_MESSAGE;
	return outside;
}

/* What the winner's completion said, in the terms of its case. */
static void settle(struct gmb_case *c, const union node *node, intptr_t result)
{
	intptr_t *value = (intptr_t *)c->item;

	c->result = result;
	if (c->kind == GMB__CASE_EVENT) {
		c->result = 0;
		if (value)
			*value = result;
	} else if (c->kind == GMB__CASE_JOIN && value) {
		*value = node->joiner.result;
	}
}

/* The case whose file was closed: that ends the trap with nobody as winner. */
static int find_closed(const struct gmb_case *cases, const union node *nodes,
		       size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (cases[i].kind == GMB__CASE_READY && !nodes[i].op.file)
			return (int)i;
	return -1;
}

/* Stand in all lines until one case happens; one that cannot start ends it. */
static int wait_all(struct gmb_case *cases, size_t count,
		    struct gmb__trap *trap)
{
	struct gmb_loop *loop = gmb__loop;
	size_t outside = count_outside(cases, count);
	union node nodes[count];
	int chosen = -1;
	intptr_t rc = 0;
	size_t i;

	for (i = 0; i < count && rc == 0; i++) {
		rc = start_case(&cases[i], trap, &nodes[i]);
		/* An error of the file is a result; a want of memory is not. */
		if (rc < 0 && rc != -ENOMEM &&
		    cases[i].kind == GMB__CASE_READY) {
			cases[i].result = rc;
			rc = 1;
		}
		if (rc > 0)
			chosen = (int)i;
	}
	if (rc)
		gmb__trap_abort(trap, rc);
	gmb__trap_look_again(trap);
	loop->outside += outside;
	rc = gmb__trap_park(trap, GMB_WAIT_SELECT, cases, count);
	loop->outside -= outside;
	if (trap->winner) {
		chosen = (int)(gmb__entry(trap->winner, union node, wait) -
			       nodes);
		settle(&cases[chosen], &nodes[chosen], rc);
	} else if (rc == -EBADF) {
		chosen = find_closed(cases, nodes, count);
		cases[chosen].result = rc;
	}
	return chosen >= 0 ? chosen : (int)rc;
}

/* The calls */

int gmb_try_select(struct gmb_case *cases, size_t count)
{
	if (!gmb__strand_self())
		return -EPERM;
	if (count == 0 || count > GMB_SELECT_MAX)
		return -EINVAL;
	return try_all(cases, count);
}

int gmb_select(struct gmb_case *cases, size_t count)
{
	struct gmb__trap trap;
	int rc = gmb__trap_init(&trap);

	if (rc)
		return rc;
	rc = gmb_try_select(cases, count);
	if (rc == -EAGAIN)
		return wait_all(cases, count, &trap);
	if (rc >= 0)
		gmb__pass();
	return rc;
}
