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

void gmb__queue_end(struct gmb_queue *queue)
{
	queue->closed = 1;
	gmb__waitq_complete_all(&queue->putters, -EPIPE);
	gmb__waitq_complete_all(&queue->getters, -ENODATA);
}

/* The calls */

int gmb_queue_try_put(struct gmb_queue *queue, const void *item)
{
	return gmb__owner_check(queue, gmb__queue_busy(queue)) ?:
	       gmb__queue_put_now(queue, item);
}

int gmb_queue_try_get(struct gmb_queue *queue, void *item)
{
	return gmb__owner_check(queue, gmb__queue_busy(queue)) ?:
	       gmb__queue_get_now(queue, item);
}

static int put_later(void *object, void *item)
{
	struct gmb_queue *queue = object;
	struct gmb__transfer transfer;
	struct gmb__trap trap;

	gmb__trap_make(&trap, gmb__loop->current);
	gmb__queue_join(&queue->putters, &trap, &transfer, item, NULL);
	return (int)gmb__trap_park(&trap, GMB_WAIT_QUEUE_PUT, queue,
				   queue->length);
}

static int get_later(void *object, void *item)
{
	struct gmb_queue *queue = object;
	struct gmb__transfer transfer;
	struct gmb__trap trap;

	gmb__trap_make(&trap, gmb__loop->current);
	gmb__queue_join(&queue->getters, &trap, &transfer, item, NULL);
	return (int)gmb__trap_park(&trap, GMB_WAIT_QUEUE_GET, queue, 0);
}

int gmb_queue_put(struct gmb_queue *queue, const void *item)
{
	int rc = gmb__trap_enter();

	if (gmb__unlikely(rc))
		return rc;
	rc = gmb__owner_check(queue, gmb__queue_busy(queue)) ?:
	     gmb__queue_put_now(queue, item);
	if (rc == -EAGAIN)
		return gmb__context_call(queue, (void *)(uintptr_t)item,
					 put_later);
	if (gmb__likely(rc == 0))
		gmb__pass();
	return rc;
}

int gmb_queue_get(struct gmb_queue *queue, void *item)
{
	int rc = gmb__trap_enter();

	if (gmb__unlikely(rc))
		return rc;
	rc = gmb__owner_check(queue, gmb__queue_busy(queue)) ?:
	     gmb__queue_get_now(queue, item);
	if (rc == -EAGAIN)
		return gmb__context_call(queue, item, get_later);
	if (gmb__likely(rc == 0))
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
