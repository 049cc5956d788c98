/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Channels: a way for items, with ends that many tasks can hold.
 *
 * A channel has sending and receiving ends. Each end belongs to whoever closes
 * it; cloning makes another one. When the last sending end is closed the
 * receivers take what is left and then get -ENODATA: the end. When the last
 * receiving end is closed the senders get -EPIPE. So producers and consumers
 * need not know of each other when they stop:
 *
 *	struct gmb_sender tx;
 *	struct gmb_receiver rx;
 *	int rc = gmb_channel_open(&tx, &rx, sizeof(int), 0);
 *
 * With capacity 0 a channel is a rendezvous: a send returns when a receiver has
 * got the item, which is copied straight from the one to the other. Otherwise
 * that many items fit in between. Tasks that wait are served in the order of
 * their arrival.
 */
#ifndef GIAMBIO_CHANNEL_H
#define GIAMBIO_CHANNEL_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gmb__channel;

/**
 * struct gmb_sender - a sending end, in storage of its owner
 *
 * All members are private. It must stay where it is until it is closed, and
 * must not be copied: clone it. A zeroed one is closed.
 */
struct gmb_sender {
	/* private: */
	struct gmb__channel *channel;	/* NULL: closed */
};

/**
 * struct gmb_receiver - a receiving end, in storage of its owner
 *
 * As struct gmb_sender.
 */
struct gmb_receiver {
	/* private: */
	struct gmb__channel *channel;	/* NULL: closed */
};

/**
 * gmb_channel_open() - make a channel with one end of each kind
 * @sender:    [out] caller's storage
 * @receiver:  [out] caller's storage
 * @item_size: bytes of an item; 0: items are only counted, and the item
 *	pointers of all calls may be NULL
 * @capacity:  how many items fit in between; 0 for a rendezvous
 *
 * What lies in between is freed when the last end is closed.
 *
 * Context: any. Never suspends.
 * Return: 0; -EINVAL @item_size * @capacity overflows; -ENOMEM. On an error
 *	both ends are closed.
 */
GMB_API GMB_MUST_CHECK int gmb_channel_open(struct gmb_sender *sender,
					    struct gmb_receiver *receiver,
					    size_t item_size, size_t capacity);

/**
 * gmb_channel_send() - send an item, waiting for a receiver or for room
 * @sender: an open end
 * @item:   item_size bytes, which are copied
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * O(item_size).
 * Return: 0; -EPIPE the last receiving end is closed, also meanwhile; -EBADF
 *	this end is closed, also meanwhile; -ECANCELED; -EXDEV tasks of another
 *	loop wait in the channel; -EPERM outside a task. On an error nobody got
 *	the item.
 */
GMB_API GMB_MUST_CHECK int gmb_channel_send(struct gmb_sender *sender,
					    const void *item);

/**
 * gmb_channel_receive() - take the oldest item, waiting for one to be sent
 * @receiver: an open end
 * @item:     [out] item_size bytes, written only on 0
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * O(item_size).
 * Return: 0; -ENODATA the end: the last sending end is closed, also meanwhile,
 *	and nothing is left; -EBADF this end is closed, also meanwhile;
 *	-ECANCELED, and no item was taken; -EXDEV tasks of another loop wait in
 *	the channel; -EPERM outside a task.
 */
GMB_API GMB_MUST_CHECK int gmb_channel_receive(struct gmb_receiver *receiver,
					       void *item);

/**
 * gmb_channel_try_send() - send an item if nobody has to be waited for
 * @sender: an open end
 * @item:   item_size bytes, which are copied
 *
 * Context: any task or hook of the loop. Never suspends; no cancellation point.
 * Return: 0; -EAGAIN no receiver waits and there is no room; else as
 *	gmb_channel_send().
 */
GMB_API GMB_MUST_CHECK int gmb_channel_try_send(struct gmb_sender *sender,
						const void *item);

/**
 * gmb_channel_try_receive() - take the oldest item if there is one
 * @receiver: an open end
 * @item:     [out] item_size bytes, written only on 0
 *
 * Context: any task or hook of the loop. Never suspends; no cancellation point.
 * Return: 0; -EAGAIN there is none; else as gmb_channel_receive().
 */
GMB_API GMB_MUST_CHECK int
gmb_channel_try_receive(struct gmb_receiver *receiver, void *item);

/**
 * gmb_sender_clone() - make another sending end of the same channel
 * @clone:  [out] caller's storage
 * @sender: an open end
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: 0; -EBADF @sender is closed, and so is @clone.
 */
GMB_API GMB_MUST_CHECK int gmb_sender_clone(struct gmb_sender *clone,
					    const struct gmb_sender *sender);

/**
 * gmb_sender_close() - close a sending end
 * @sender: open, closed or zeroed
 *
 * Tasks that wait to send by this very end fail with -EBADF. If it was the last
 * one, tasks that wait to receive fail with -ENODATA. Closing twice is
 * harmless. O(waiters).
 *
 * Context: any task or hook of the loop, and after the loop has ended. Never
 * suspends.
 * Return: 0; -EBADF it was closed before; -EXDEV tasks of another loop wait in
 *	the channel, and nothing happened.
 */
GMB_API int gmb_sender_close(struct gmb_sender *sender);

/**
 * gmb_receiver_clone() - make another receiving end of the same channel
 * @clone:    [out] caller's storage
 * @receiver: an open end
 *
 * Every item goes to one receiver: the one that waits longest.
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: 0; -EBADF @receiver is closed, and so is @clone.
 */
GMB_API GMB_MUST_CHECK int
gmb_receiver_clone(struct gmb_receiver *clone,
		   const struct gmb_receiver *receiver);

/**
 * gmb_receiver_close() - close a receiving end
 * @receiver: open, closed or zeroed
 *
 * Tasks that wait to receive by this very end fail with -EBADF. If it was the
 * last one, tasks that wait to send fail with -EPIPE, and items that nobody has
 * taken are dropped. Closing twice is harmless. O(waiters).
 *
 * Context: any task or hook of the loop, and after the loop has ended. Never
 * suspends.
 * Return: 0; -EBADF it was closed before; -EXDEV tasks of another loop wait in
 *	the channel, and nothing happened.
 */
GMB_API int gmb_receiver_close(struct gmb_receiver *receiver);

/**
 * gmb_channel_length() - how many items are between the ends of a channel
 * @receiver: any receiving end
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: the number, from 0 to the capacity; 0 for a closed end.
 */
GMB_API size_t gmb_channel_length(const struct gmb_receiver *receiver);

#ifdef __cplusplus
}
#endif

#endif
