/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Select: wait for several things, and have exactly one of them happen.
 *
 *	struct gmb_case cases[] = {
 *		gmb_case_receive(&rx, &job),
 *		gmb_case_event(&stop, NULL),
 *		gmb_case_deadline(gmb_after(5 * GMB_SEC)),
 *	};
 *
 *	switch (gmb_select(cases, 3)) {
 *	case 0:
 *		if (cases[0].result == 0)
 *			work_on(&job);
 *		break;
 *	...
 *
 * What did not happen left no trace: no item was taken or given. If several
 * could happen at once one of them is chosen at random, so none starves. Tasks
 * that wait in a select stand in each queue in the order of their arrival, like
 * all others.
 */
#ifndef GIAMBIO_SELECT_H
#define GIAMBIO_SELECT_H

#include <giambio/base.h>
#include <giambio/channel.h>
#include <giambio/event.h>
#include <giambio/file.h>
#include <giambio/mailbox.h>
#include <giambio/queue.h>
#include <giambio/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many cases a select can have. */
#define GMB_SELECT_MAX	64

/* private: what a case waits for */
enum gmb__case_kind {
	GMB__CASE_NONE,
	GMB__CASE_GET,
	GMB__CASE_PUT,
	GMB__CASE_RECEIVE,
	GMB__CASE_SEND,
	GMB__CASE_EVENT,
	GMB__CASE_MESSAGE,
	GMB__CASE_JOIN,
	GMB__CASE_READY,
	GMB__CASE_DEADLINE,
};

/**
 * struct gmb_case - one of the things that a select waits for
 * @result: when this case was chosen: 0, or the error that the plain call would
 *	have returned; for gmb_case_ready() the events
 *
 * Made by the functions below. A table of them can be used again and again. A
 * zeroed case never happens.
 */
struct gmb_case {
	intptr_t result;
	/* private: */
	enum gmb__case_kind kind;
	short events;
	void *object;
	void *item;
	gmb_time when;
};

/**
 * gmb_select() - wait until one of several things happens
 * @cases: table of @count cases; must stay until return
 * @count: 1 to %GMB_SELECT_MAX
 *
 * O(@count), and a timer for each deadline. A file costs a system call if the
 * loop does not know already whether it is ready.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: the index of the one that happened, its result in its case;
 *	-ECANCELED, and none happened; -EINVAL a bad @count; -EXDEV one of the
 *	objects belongs to another loop; -ENOMEM; -EPERM outside a task.
 */
GMB_API GMB_MUST_CHECK int gmb_select(struct gmb_case *cases, size_t count);

/**
 * gmb_try_select() - have one of several things happen if one can
 * @cases: table of @count cases
 * @count: 1 to %GMB_SELECT_MAX
 *
 * Context: task only. Never suspends; no cancellation point.
 * Return: as gmb_select(); -EAGAIN none could happen.
 */
GMB_API GMB_MUST_CHECK int gmb_try_select(struct gmb_case *cases,
					  size_t count);

/* private: */
static inline struct gmb_case gmb__case(enum gmb__case_kind kind, void *object,
					void *item)
{
	struct gmb_case c;

	c.result = 0;
	c.kind = kind;
	c.events = 0;
	c.object = object;
	c.item = item;
	c.when = 0;
	return c;
}

/**
 * gmb_case_get() - the case that an item can be taken from a queue
 * @queue: as in gmb_queue_get()
 * @item:  [out] item_size bytes, written only when this happens with result 0
 *
 * Context: any. Never suspends.
 * Return: the case; its result is 0 or -ENODATA.
 */
static inline struct gmb_case gmb_case_get(struct gmb_queue *queue, void *item)
{
	return gmb__case(GMB__CASE_GET, queue, item);
}

/**
 * gmb_case_put() - the case that an item can be put into a queue
 * @queue: as in gmb_queue_put()
 * @item:  item_size bytes, which are copied when this happens
 *
 * Context: any. Never suspends.
 * Return: the case; its result is 0 or -EPIPE.
 */
static inline struct gmb_case gmb_case_put(struct gmb_queue *queue,
					   const void *item)
{
	return gmb__case(GMB__CASE_PUT, queue, (void *)(uintptr_t)item);
}

/**
 * gmb_case_receive() - the case that a channel has an item
 * @receiver: as in gmb_channel_receive()
 * @item:     [out] item_size bytes, written only when this happens with
 *	result 0
 *
 * Context: any. Never suspends.
 * Return: the case; its result is 0, -ENODATA or -EBADF.
 */
static inline struct gmb_case gmb_case_receive(struct gmb_receiver *receiver,
					       void *item)
{
	return gmb__case(GMB__CASE_RECEIVE, receiver, item);
}

/**
 * gmb_case_send() - the case that a channel takes an item
 * @sender: as in gmb_channel_send()
 * @item:   item_size bytes, which are copied when this happens
 *
 * Context: any. Never suspends.
 * Return: the case; its result is 0, -EPIPE or -EBADF.
 */
static inline struct gmb_case gmb_case_send(struct gmb_sender *sender,
					    const void *item)
{
	return gmb__case(GMB__CASE_SEND, sender, (void *)(uintptr_t)item);
}

/**
 * gmb_case_event() - the case that an event has happened
 * @event: as in gmb_event_wait()
 * @value: [out] the event's value; may be NULL
 *
 * Context: any. Never suspends.
 * Return: the case; its result is 0.
 */
static inline struct gmb_case gmb_case_event(struct gmb_event *event,
					     intptr_t *value)
{
	return gmb__case(GMB__CASE_EVENT, event, value);
}

/**
 * gmb_case_message() - the case that a mailbox has a message
 * @mailbox: as in gmb_mailbox_receive()
 * @item:    [out] item_size bytes, written only when this happens with result 0
 *
 * Context: any. Never suspends.
 * Return: the case; its result is 0 or -ENODATA.
 */
static inline struct gmb_case gmb_case_message(struct gmb_mailbox *mailbox,
					       void *item)
{
	return gmb__case(GMB__CASE_MESSAGE, mailbox, item);
}

/**
 * gmb_case_join() - the case that a task has ended
 * @task:   as in gmb_join()
 * @result: [out] the task's result; may be NULL
 *
 * Context: any. Never suspends.
 * Return: the case; its result is 0.
 */
static inline struct gmb_case gmb_case_join(struct gmb_task *task,
					    intptr_t *result)
{
	return gmb__case(GMB__CASE_JOIN, task, result);
}

/**
 * gmb_case_ready() - the case that a descriptor is ready
 * @file:   as in gmb_ready()
 * @events: an or of POLLIN, POLLOUT, POLLPRI, POLLRDHUP
 *
 * Context: any. Never suspends.
 * Return: the case; its result is the events that are, or the error of
 *	gmb_ready(), such as -EBUSY or -EBADF.
 */
static inline struct gmb_case gmb_case_ready(struct gmb_file *file,
					     short events)
{
	struct gmb_case c = gmb__case(GMB__CASE_READY, file, NULL);

	c.events = events;
	return c;
}

/**
 * gmb_case_deadline() - the case that a point in time has come
 * @when: absolute; %GMB_NEVER never happens
 *
 * Context: any. Never suspends.
 * Return: the case; its result is 0.
 */
static inline struct gmb_case gmb_case_deadline(gmb_time when)
{
	struct gmb_case c = gmb__case(GMB__CASE_DEADLINE, NULL, NULL);

	c.when = when;
	return c;
}

#ifdef __cplusplus
}
#endif

#endif
