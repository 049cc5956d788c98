/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Queues: items of one size, copied in and out, first in, first out.
 *
 * A queue is bounded: who puts into a full one waits, so a fast producer does
 * not run away from a slow consumer. Tasks that wait are served in the order of
 * their arrival. Closing a queue says that nothing more will come: what is in
 * it can still be taken.
 *
 * Where several producers and consumers come and go, a channel closes itself
 * at the right moment: <giambio/channel.h>.
 */
#ifndef GIAMBIO_QUEUE_H
#define GIAMBIO_QUEUE_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gmb_queue - a bounded queue
 *
 * All members are private. It must stay where it is until gmb_queue_fini().
 */
struct gmb_queue {
	/* private: */
	struct gmb__waitq getters;	/* empty unless there is no item */
	struct gmb__waitq putters;	/* empty unless it is full */
	struct gmb_loop *loop;		/* whose tasks wait */
	char *items;			/* a ring of capacity items */
	size_t item_size;
	size_t capacity;
	size_t length;
	size_t head;			/* index of the oldest item */
	uint8_t closed;
	uint8_t allocated;		/* @items is ours to free */
};

/**
 * gmb_queue_init() - make an empty queue
 * @queue:     [out] caller's storage
 * @item_size: bytes of an item; 0: the queue only counts, and the item pointers
 *	of all calls may be NULL
 * @capacity:  how many items it holds, at least 1
 * @storage:   @item_size * @capacity bytes that must stay until
 *	gmb_queue_fini(); NULL: allocated
 *
 * Context: any. Never suspends.
 * Return: 0; -EINVAL @capacity is 0 or the product overflows; -ENOMEM. On an
 *	error there is nothing to be freed.
 */
GMB_API GMB_MUST_CHECK int gmb_queue_init(struct gmb_queue *queue,
					  size_t item_size, size_t capacity,
					  void *storage);

/**
 * gmb_queue_fini() - end the use of a queue
 * @queue: nobody may be waiting: that aborts the program with a sentence
 *
 * Items that are left are dropped. Using it afterwards aborts, too, for as long
 * as the memory is left alone.
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_queue_fini(struct gmb_queue *queue);

/**
 * gmb_queue_put() - append an item, waiting while the queue is full
 * @queue: any queue
 * @item:  item_size bytes, which are copied
 *
 * Tasks that wait are served in the order of their arrival. O(item_size).
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0; -EPIPE the queue is closed, also meanwhile, and the item was not
 *	taken; -ECANCELED, and the item was not taken; -EXDEV tasks of another
 *	loop wait in it; -EPERM outside a task.
 */
GMB_API GMB_MUST_CHECK int gmb_queue_put(struct gmb_queue *queue,
					 const void *item);

/**
 * gmb_queue_get() - take the oldest item, waiting while the queue is empty
 * @queue: any queue
 * @item:  [out] item_size bytes, written only on 0
 *
 * Tasks that wait are served in the order of their arrival. O(item_size).
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0; -ENODATA the queue is closed, also meanwhile, and empty;
 *	-ECANCELED, and no item was taken; -EXDEV tasks of another loop wait in
 *	it; -EPERM outside a task.
 */
GMB_API GMB_MUST_CHECK int gmb_queue_get(struct gmb_queue *queue, void *item);

/**
 * gmb_queue_try_put() - append an item if there is room
 * @queue: any queue
 * @item:  item_size bytes, which are copied
 *
 * Context: any task or hook of the loop. Never suspends; no cancellation point.
 * Return: 0; -EAGAIN the queue is full; -EPIPE it is closed; -EXDEV tasks of
 *	another loop wait in it.
 */
GMB_API GMB_MUST_CHECK int gmb_queue_try_put(struct gmb_queue *queue,
					     const void *item);

/**
 * gmb_queue_try_get() - take the oldest item if there is one
 * @queue: any queue
 * @item:  [out] item_size bytes, written only on 0
 *
 * Context: any task or hook of the loop. Never suspends; no cancellation point.
 * Return: 0; -EAGAIN the queue is empty; -ENODATA it is empty and closed;
 *	-EXDEV tasks of another loop wait in it.
 */
GMB_API GMB_MUST_CHECK int gmb_queue_try_get(struct gmb_queue *queue,
					     void *item);

/**
 * gmb_queue_close() - say that nothing more will be put into a queue
 * @queue: any queue
 *
 * Tasks that wait to put fail with -EPIPE, their items are not taken. Tasks
 * that wait to get fail with -ENODATA. Closing twice is harmless. O(waiters).
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: 0; -EXDEV tasks of another loop wait in it.
 */
GMB_API int gmb_queue_close(struct gmb_queue *queue);

/**
 * gmb_queue_length() - how many items are in a queue
 * @queue: any queue
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: the number, from 0 to the capacity.
 */
GMB_API size_t gmb_queue_length(const struct gmb_queue *queue);

#ifdef __cplusplus
}
#endif

#endif
