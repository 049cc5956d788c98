/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include "coro/mem.h"
#include "sync/channel.h"

int gmb_channel_open(struct gmb_sender *sender, struct gmb_receiver *receiver,
		     size_t item_size, size_t capacity)
{
	struct gmb__channel *channel;
	int rc;

	sender->channel = NULL;
	receiver->channel = NULL;
	channel = (struct gmb__channel *)gmb__mem_alloc(sizeof(*channel));
	if (!channel)
		return -ENOMEM;
	rc = gmb__queue_init(&channel->queue, item_size, capacity, NULL);
	if (rc) {
		gmb__mem_free(channel);
		return rc;
	}
	channel->senders = 1;
	channel->receivers = 1;
	sender->channel = channel;
	receiver->channel = channel;
	return 0;
}

/* Sending and receiving */

static gmb__always_inline int send_now(struct gmb_sender *sender,
				       const void *item)
{
	struct gmb__channel *channel = sender->channel;
	int rc;

	if (gmb__unlikely(!channel))
		return -EBADF;
	rc = gmb__owner_check(&channel->queue,
			      gmb__queue_busy(&channel->queue));
	if (gmb__unlikely(rc))
		return rc;
	return gmb__queue_put_now(&channel->queue, item);
}

static gmb__always_inline int receive_now(struct gmb_receiver *receiver,
					  void *item)
{
	struct gmb__channel *channel = receiver->channel;
	int rc;

	if (gmb__unlikely(!channel))
		return -EBADF;
	rc = gmb__owner_check(&channel->queue,
			      gmb__queue_busy(&channel->queue));
	if (gmb__unlikely(rc))
		return rc;
	return gmb__queue_get_now(&channel->queue, item);
}

int gmb_channel_try_send(struct gmb_sender *sender, const void *item)
{
	return send_now(sender, item);
}

int gmb_channel_try_receive(struct gmb_receiver *receiver, void *item)
{
	return receive_now(receiver, item);
}

static int send_later(void *end, void *item)
{
	struct gmb_sender *sender = end;
	struct gmb__transfer transfer;
	struct gmb__trap trap;

	gmb__trap_make(&trap, gmb__loop->current);
	gmb__queue_join(&sender->channel->queue.putters, &trap, &transfer, item,
			sender);
	return (int)gmb__trap_park(&trap, GMB_WAIT_SEND, sender->channel,
				   sender->channel->queue.length);
}

static int receive_later(void *end, void *item)
{
	struct gmb_receiver *receiver = end;
	struct gmb__transfer transfer;
	struct gmb__trap trap;

	gmb__trap_make(&trap, gmb__loop->current);
	gmb__queue_join(&receiver->channel->queue.getters, &trap, &transfer,
			item, receiver);
	return (int)gmb__trap_park(&trap, GMB_WAIT_RECEIVE, receiver->channel,
				   0);
}

int gmb_channel_send(struct gmb_sender *sender, const void *item)
{
	int rc = gmb__trap_enter();

	if (gmb__unlikely(rc))
		return rc;
	rc = send_now(sender, item);
	if (rc == -EAGAIN)
		return gmb__context_call(sender, (void *)(uintptr_t)item,
					 send_later);
	if (gmb__likely(rc == 0))
		gmb__pass();
	return rc;
}

int gmb_channel_receive(struct gmb_receiver *receiver, void *item)
{
	int rc = gmb__trap_enter();

	if (gmb__unlikely(rc))
		return rc;
	rc = receive_now(receiver, item);
	if (rc == -EAGAIN)
		return gmb__context_call(receiver, item, receive_later);
	if (gmb__likely(rc == 0))
		gmb__pass();
	return rc;
}

size_t gmb_channel_length(const struct gmb_receiver *receiver)
{
	return receiver->channel ? receiver->channel->queue.length : 0;
}

/* Ends */

int gmb_sender_clone(struct gmb_sender *clone, const struct gmb_sender *sender)
{
	clone->channel = sender->channel;
	if (!clone->channel)
		return -EBADF;
	clone->channel->senders++;
	return 0;
}

int gmb_receiver_clone(struct gmb_receiver *clone,
		       const struct gmb_receiver *receiver)
{
	clone->channel = receiver->channel;
	if (!clone->channel)
		return -EBADF;
	clone->channel->receivers++;
	return 0;
}

/*
 * Wake those who wait by an end that is being closed. They are moved aside
 * first, because a completion may take other waits out of the line.
 */
static void evict(struct gmb__waitq *line, const void *end)
{
	struct gmb__link *link, *after;
	struct gmb__waitq evicted;

	gmb__waitq_init(&evicted);
	gmb__list_for_each_safe(link, after, &line->waits) {
		if (gmb__entry(link, struct gmb__transfer, wait.link)->end !=
		    end)
			continue;
		gmb__list_del(link);
		gmb__list_add_tail(&evicted.waits, link);
	}
	gmb__waitq_complete_all(&evicted, -EBADF);
}

/*
 * An end is being closed, of which there are @ends: tell the other side if it
 * is the last, and free all if that has none. It counts as long as tasks are
 * woken, because a hook that is told of them may close other ends.
 */
static void leave(struct gmb__channel *channel, size_t *ends)
{
	if (*ends == 1)
		gmb__queue_end(&channel->queue);
	--*ends;
	if (channel->senders || channel->receivers)
		return;
	gmb_queue_fini(&channel->queue);
	gmb__mem_free(channel);
}

int gmb_sender_close(struct gmb_sender *sender)
{
	struct gmb__channel *channel = sender->channel;
	int rc;

	if (!channel)
		return -EBADF;
	rc = gmb__owner_check(&channel->queue,
			      gmb__queue_busy(&channel->queue));
	if (rc)
		return rc;
	sender->channel = NULL;
	evict(&channel->queue.putters, sender);
	leave(channel, &channel->senders);
	return 0;
}

int gmb_receiver_close(struct gmb_receiver *receiver)
{
	struct gmb__channel *channel = receiver->channel;
	int rc;

	if (!channel)
		return -EBADF;
	rc = gmb__owner_check(&channel->queue,
			      gmb__queue_busy(&channel->queue));
	if (rc)
		return rc;
	receiver->channel = NULL;
	evict(&channel->queue.getters, receiver);
	leave(channel, &channel->receivers);
	return 0;
}
