/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Mailboxes: messages from any thread to the tasks of one loop.
 *
 * A mailbox is opened by a task and read by tasks of that loop. Everybody who
 * holds a reference may post to it: tasks of other loops, threads without a
 * loop. Posting never waits; it makes a system call only when the loop sleeps.
 * Messages of one thread arrive in the order in which they were posted.
 *
 * References are counted: hand one to each thread, and let each give it back
 * with gmb_mailbox_put() when it needs it no more. A mailbox is closed by
 * anybody, at the latest when its loop ends; from then on a post fails with
 * -EPIPE, at any time and from any thread, and what was posted before can still
 * be received while the loop runs.
 */
#ifndef GIAMBIO_MAILBOX_H
#define GIAMBIO_MAILBOX_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gmb_mailbox;

/**
 * gmb_mailbox_open() - make a mailbox for the tasks of this loop
 * @out:       [out] the mailbox; the caller holds its first reference
 * @item_size: bytes of a message; 0: messages are only counted, and the item
 *	pointers of all calls may be NULL
 * @capacity:  how many messages may wait in it; 0 for no bound
 *
 * Context: task only. Never suspends.
 * Return: 0; -ENOMEM; -EPERM outside a task.
 */
GMB_API GMB_MUST_CHECK int gmb_mailbox_open(struct gmb_mailbox **out,
					    size_t item_size, size_t capacity);

/**
 * gmb_mailbox_get() - take another reference
 * @mailbox: the caller holds a reference
 *
 * Context: any thread. Never suspends.
 * Return: @mailbox, to be given back with gmb_mailbox_put().
 */
GMB_API struct gmb_mailbox *gmb_mailbox_get(struct gmb_mailbox *mailbox);

/**
 * gmb_mailbox_put() - give a reference back
 * @mailbox: the caller holds a reference and must not use it afterwards; NULL
 *	is allowed
 *
 * It does not close the mailbox. With the last reference messages that nobody
 * has received are dropped.
 *
 * Context: any thread. Never suspends.
 */
GMB_API void gmb_mailbox_put(struct gmb_mailbox *mailbox);

/**
 * gmb_mailbox_post() - send a message to the tasks of the mailbox's loop
 * @mailbox: the caller holds a reference
 * @item:    item_size bytes, which are copied
 *
 * O(item_size), one allocation.
 *
 * Context: any thread, any task; not signal handlers. Never suspends and takes
 * no lock.
 * Return: 0; -EAGAIN it is full; -EPIPE it is closed; -ENOMEM. On an error
 *	nobody gets the message.
 */
GMB_API GMB_MUST_CHECK int gmb_mailbox_post(struct gmb_mailbox *mailbox,
					    const void *item);

/**
 * gmb_mailbox_receive() - take the oldest message, waiting for one
 * @mailbox: the caller holds a reference
 * @item:    [out] item_size bytes, written only on 0
 *
 * Tasks that wait are served in the order of their arrival. A loop that waits
 * for nothing but messages is not stuck, because any thread may post.
 *
 * Context: a task of the loop that opened it; may suspend; cancellation and
 * scheduling point.
 * Return: 0; -ENODATA it is closed, also meanwhile, and empty; -ECANCELED, and
 *	no message was taken; -EXDEV a task of another loop; -EPERM outside a
 *	task.
 */
GMB_API GMB_MUST_CHECK int gmb_mailbox_receive(struct gmb_mailbox *mailbox,
					       void *item);

/**
 * gmb_mailbox_exchange() - send a message, then wait for one
 * @to:    where @item goes, as for gmb_mailbox_post()
 * @item:  what is sent
 * @from:  where @reply comes from, as for gmb_mailbox_receive()
 * @reply: [out] what was received, written only on 0
 *
 * What two loops do that talk to one another: ask and wait for the answer, or
 * answer and wait for the next question. A loop that has nothing else to do
 * then wakes the other and goes to sleep with one system call, where the system
 * can do both at once.
 *
 * Context: a task of the loop that opened @from; may suspend; cancellation and
 * scheduling point.
 * Return: 0; errors of gmb_mailbox_post(), and nothing was received; -ENODATA,
 *	-EXDEV, -EPERM as gmb_mailbox_receive(); -ECANCELED. After -ENODATA and
 *	-ECANCELED it is not known whether @item was sent: where that matters,
 *	call the two.
 */
GMB_API GMB_MUST_CHECK int gmb_mailbox_exchange(struct gmb_mailbox *to,
						const void *item,
						struct gmb_mailbox *from,
						void *reply);

/**
 * gmb_mailbox_try_receive() - take the oldest message if there is one
 * @mailbox: the caller holds a reference
 * @item:    [out] item_size bytes, written only on 0
 *
 * Context: any task or hook of the loop that opened it. Never suspends; no
 * cancellation point.
 * Return: 0; -EAGAIN there is none; -ENODATA there is none and it is closed;
 *	-EXDEV another loop, or none.
 */
GMB_API GMB_MUST_CHECK int gmb_mailbox_try_receive(struct gmb_mailbox *mailbox,
						   void *item);

/**
 * gmb_mailbox_close() - say that no more messages are to come
 * @mailbox: the caller holds a reference
 *
 * Tasks that wait get what was posted before, then -ENODATA. Closing twice is
 * harmless. References stay valid.
 *
 * Context: any thread, any task; not signal handlers. Never suspends.
 * Return: 0; -EALREADY it was closed before.
 */
GMB_API int gmb_mailbox_close(struct gmb_mailbox *mailbox);

#ifdef __cplusplus
}
#endif

#endif
