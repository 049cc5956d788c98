/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include "coro/mem.h"
#include "sync/queue.h"

int gmb__queue_init(struct gmb_queue *queue, size_t item_size, size_t capacity,
		    void *storage)
{
	size_t bytes;

	if (__builtin_mul_overflow(item_size, capacity, &bytes))
		return -EINVAL;
	*queue = (struct gmb_queue){
		.loop = gmb__loop,
		.items = (char *)storage,
		.item_size = item_size,
		.capacity = capacity,
	};
	gmb__waitq_init(&queue->getters);
	gmb__waitq_init(&queue->putters);
	if (storage || !bytes)
		return 0;
	queue->items = (char *)gmb__mem_alloc(bytes);
	if (!queue->items)
		return -ENOMEM;
	queue->allocated = 1;
	return 0;
}

int gmb_queue_init(struct gmb_queue *queue, size_t item_size, size_t capacity,
		   void *storage)
{
	if (capacity == 0)
		return -EINVAL;
	return gmb__queue_init(queue, item_size, capacity, storage);
}

void gmb_queue_fini(struct gmb_queue *queue)
{
	gmb__owner_fini(&queue->loop, gmb__queue_busy(queue), __func__);
	if (queue->allocated)
		gmb__mem_free(queue->items);
	queue->items = NULL;
	queue->allocated = 0;
}

/* Moving items */

static void append(struct gmb_queue *queue, const void *item)
{
	size_t at = queue->head + queue->length;

	if (at >= queue->capacity)
		at -= queue->capacity;
	queue->length++;
	gmb__item_copy(queue->items + at * queue->item_size, item,
		       queue->item_size);
}

static void take_oldest(struct gmb_queue *queue, void *item)
{
	gmb__item_copy(item, queue->items + queue->head * queue->item_size,
		       queue->item_size);
	if (++queue->head == queue->capacity)
		queue->head = 0;
	queue->length--;
}

int gmb__queue_put_now(struct gmb_queue *queue, const void *item)
{
	struct gmb__wait *wait;

	if (gmb__unlikely(queue->closed))
		return -EPIPE;
	wait = gmb__waitq_pop(&queue->getters);
	if (wait) {
		gmb__item_copy(gmb__transfer_of(wait)->item, item,
			       queue->item_size);
		gmb__wait_complete(wait, 0);
		return 0;
	}
	if (queue->length == queue->capacity)
		return -EAGAIN;
	append(queue, item);
	return 0;
}

int gmb__queue_get_now(struct gmb_queue *queue, void *item)
{
	struct gmb__wait *wait;

	if (queue->length) {
		take_oldest(queue, item);
		wait = gmb__waitq_pop(&queue->putters);
		if (wait) {
			append(queue, gmb__transfer_of(wait)->item);
			gmb__wait_complete(wait, 0);
		}
		return 0;
	}
	/* Only a rendezvous is empty while somebody waits to put. */
	wait = gmb__waitq_pop(&queue->putters);
	if (wait) {
		gmb__item_copy(item, gmb__transfer_of(wait)->item,
			       queue->item_size);
		gmb__wait_complete(wait, 0);
		return 0;
	}
	return queue->closed ? -ENODATA : -EAGAIN;
}

void gmb__queue_end(struct gmb_queue *queue)
{
	queue->closed = 1;
	gmb__waitq_complete_all(&queue->putters, -EPIPE);
	gmb__waitq_complete_all(&queue->getters, -ENODATA);
}

/* The calls */

int gmb_queue_try_put(struct gmb_queue *queue, const void *item)
{
	int rc = gmb__owner_check(queue, gmb__queue_busy(queue));

	return rc ? rc : gmb__queue_put_now(queue, item);
}

int gmb_queue_try_get(struct gmb_queue *queue, void *item)
{
	int rc = gmb__owner_check(queue, gmb__queue_busy(queue));

	return rc ? rc : gmb__queue_get_now(queue, item);
}

int gmb_queue_put(struct gmb_queue *queue, const void *item)
{
	struct gmb__transfer transfer;
	struct gmb__trap trap;
	int rc = gmb__trap_init(&trap);

	if (rc)
		return rc;
	rc = gmb_queue_try_put(queue, item);
	if (rc == -EAGAIN) {
		gmb__queue_join(&queue->putters, &trap, &transfer,
				(void *)(uintptr_t)item, NULL);
		return (int)gmb__trap_park(&trap, GMB_WAIT_QUEUE_PUT, queue,
					   queue->length);
	}
	if (rc == 0)
		gmb__pass();
	return rc;
}

int gmb_queue_get(struct gmb_queue *queue, void *item)
{
	struct gmb__transfer transfer;
	struct gmb__trap trap;
	int rc = gmb__trap_init(&trap);

	if (rc)
		return rc;
	rc = gmb_queue_try_get(queue, item);
	if (rc == -EAGAIN) {
		gmb__queue_join(&queue->getters, &trap, &transfer, item, NULL);
		return (int)gmb__trap_park(&trap, GMB_WAIT_QUEUE_GET, queue, 0);
	}
	if (rc == 0)
		gmb__pass();
	return rc;
}

int gmb_queue_close(struct gmb_queue *queue)
{
	int rc = gmb__owner_check(queue, gmb__queue_busy(queue));

	if (rc == 0)
		gmb__queue_end(queue);
	return rc;
}

size_t gmb_queue_length(const struct gmb_queue *queue)
{
	return queue->length;
}
