/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Queues from inside: the moving of items that queues and channels share.
 *
 * An item that somebody waits for goes straight from the one task's memory to
 * the other's. Hence two rules: a task waits to get only while there is no item
 * and nobody waits to put, and it waits to put only while there is no room and
 * nobody waits to get. A capacity of 0 makes a rendezvous.
 */
#ifndef GMB_SYNC_QUEUE_H
#define GMB_SYNC_QUEUE_H

#include <errno.h>
#include <string.h>
#include <giambio/queue.h>
#include "sync/owner.h"

/**
 * struct gmb__transfer - a wait for an item to be moved
 * @wait: in the queue's getters or putters, or in a mailbox's waiters
 * @item: where the item goes to or comes from; the completer moves it
 * @end:  the channel end that is used, so that closing it finds the wait
 */
struct gmb__transfer {
	struct gmb__wait wait;
	void *item;
	const void *end;
};

static inline struct gmb__transfer *gmb__transfer_of(struct gmb__wait *wait)
{
	return gmb__entry(wait, struct gmb__transfer, wait);
}

/* Most items are a pointer or a number, for which memcpy() is a long way. */
static gmb__always_inline void gmb__item_copy(void *to, const void *from,
					      size_t size)
{
	if (size == 8)
		memcpy(to, from, 8);
	else if (size == 4)
		memcpy(to, from, 4);
	else if (size)
		memcpy(to, from, size);
}

static inline bool gmb__queue_busy(const struct gmb_queue *queue)
{
	return !gmb__waitq_empty(&queue->getters) ||
	       !gmb__waitq_empty(&queue->putters);
}

/* As gmb_queue_init(), also with capacity 0. */
int gmb__queue_init(struct gmb_queue *queue, size_t item_size, size_t capacity,
		    void *storage);

static inline void gmb__queue_append(struct gmb_queue *queue, const void *item)
{
	size_t at = queue->head + queue->length;

	if (at >= queue->capacity)
		at -= queue->capacity;
	queue->length++;
	gmb__item_copy(queue->items + at * queue->item_size, item,
		       queue->item_size);
}

static inline void gmb__queue_take_oldest(struct gmb_queue *queue, void *item)
{
	gmb__item_copy(item, queue->items + queue->head * queue->item_size,
		       queue->item_size);
	if (++queue->head == queue->capacity)
		queue->head = 0;
	queue->length--;
}

/* 0; -EAGAIN it must wait; -EPIPE. */
static gmb__always_inline int gmb__queue_put_now(struct gmb_queue *queue,
						 const void *item)
{
	struct gmb__wait *wait;

	if (gmb__unlikely(queue->closed))
		return -EPIPE;
	wait = gmb__waitq_pop(&queue->getters);
	if (wait) {
		gmb__item_copy(gmb__transfer_of(wait)->item, item,
			       queue->item_size);
		gmb__wait_grant(wait, 0);
		return 0;
	}
	if (queue->length == queue->capacity)
		return -EAGAIN;
	gmb__queue_append(queue, item);
	return 0;
}

/* 0; -EAGAIN it must wait; -ENODATA. */
static gmb__always_inline int gmb__queue_get_now(struct gmb_queue *queue,
						 void *item)
{
	struct gmb__wait *wait;

	if (queue->length) {
		gmb__queue_take_oldest(queue, item);
		wait = gmb__waitq_pop(&queue->putters);
		if (wait) {
			gmb__queue_append(queue, gmb__transfer_of(wait)->item);
			gmb__wait_grant(wait, 0);
		}
		return 0;
	}
	/* Only a rendezvous is empty while somebody waits to put. */
	wait = gmb__waitq_pop(&queue->putters);
	if (wait) {
		gmb__item_copy(item, gmb__transfer_of(wait)->item,
			       queue->item_size);
		gmb__wait_grant(wait, 0);
		return 0;
	}
	return queue->closed ? -ENODATA : -EAGAIN;
}

/* Stand in line after a -EAGAIN; @transfer is the trap's from here on. */
static inline void gmb__queue_join(struct gmb__waitq *line,
				   struct gmb__trap *trap,
				   struct gmb__transfer *transfer, void *item,
				   const void *end)
{
	transfer->item = item;
	transfer->end = end;
	gmb__trap_add(trap, &transfer->wait, NULL);
	gmb__waitq_push(line, &transfer->wait);
}

/* Nothing more comes in; who waits is told so. */
void gmb__queue_end(struct gmb_queue *queue);

#endif
