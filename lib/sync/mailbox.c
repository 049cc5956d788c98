/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The way of a message: a poster pushes it on `posted`, a stack that any thread
 * may touch, and sees to it that the note is in the loop's inbox. The loop's
 * thread takes the whole stack, turns it over, and hands the messages to those
 * who wait; the others stay in `first`, which belongs to that thread.
 *
 * Lifetimes. The memory is counted in `refs`: one for every holder and one for
 * the loop, until it detaches. A poster is behind the gate from before it looks
 * at the loop until it has left the inbox, and the loop waits for the gate to
 * be empty before it detaches; so no poster meets a loop that is gone.
 *
 * Barriers: a poster pushes, then swaps `noted`; the loop clears `noted`, then
 * takes the stack. All sequentially consistent: a message whose poster found
 * `noted` set is seen by the call of the note that is still to come.
 */
#include <errno.h>
#include <stdatomic.h>
#include "coro/mem.h"
#include "sync/gate.h"
#include "sync/mailbox.h"

struct message {
	struct message *next;
	char item[];
};

struct gmb_mailbox {
	/* Any thread. */
	struct gmb__gate gate;
	atomic_size_t refs;
	_Atomic(struct message *) posted;	/* newest first */
	atomic_bool noted;		/* @note is in the inbox */
	atomic_size_t length;		/* posted, not yet received */
	size_t item_size;		/* constant, as are these */
	size_t capacity;		/* 0: no bound */
	struct gmb_loop *loop;
	struct gmb__note note;

	/* The loop's thread. */
	struct message *first;
	struct message *last;
	struct gmb__waitq waiters;	/* empty unless there is no message */
	struct gmb__ender ender;
	bool detached;			/* the loop has let go of it */
};

/* Lifetimes */

static void free_messages(struct message *message)
{
	struct message *next;

	for (; message; message = next) {
		next = message->next;
		gmb__mem_free(message);
	}
}

struct gmb_mailbox *gmb_mailbox_get(struct gmb_mailbox *mailbox)
{
	atomic_fetch_add_explicit(&mailbox->refs, 1, memory_order_relaxed);
	return mailbox;
}

void gmb_mailbox_put(struct gmb_mailbox *mailbox)
{
	if (!mailbox)
		return;
	if (atomic_fetch_sub(&mailbox->refs, 1) > 1)
		return;
	free_messages(atomic_load(&mailbox->posted));
	free_messages(mailbox->first);
	gmb__mem_free(mailbox);
}

/* The loop's side */

/* Move what was posted to the end of the messages, oldest first. */
static void collect(struct gmb_mailbox *mailbox)
{
	struct message *message, *next, *oldest = NULL, *newest;

	message = atomic_exchange(&mailbox->posted, NULL);
	newest = message;
	for (; message; message = next) {
		next = message->next;
		message->next = oldest;
		oldest = message;
	}
	if (!oldest)
		return;
	if (mailbox->first)
		mailbox->last->next = oldest;
	else
		mailbox->first = oldest;
	mailbox->last = newest;
}

static void take_oldest(struct gmb_mailbox *mailbox, void *item)
{
	struct message *message = mailbox->first;

	mailbox->first = message->next;
	gmb__item_copy(item, message->item, mailbox->item_size);
	gmb__mem_free(message);
	atomic_fetch_sub_explicit(&mailbox->length, 1, memory_order_relaxed);
}

static void deliver(struct gmb_mailbox *mailbox)
{
	struct gmb__wait *wait;

	collect(mailbox);
	while (mailbox->first && (wait = gmb__waitq_pop(&mailbox->waiters))) {
		take_oldest(mailbox, gmb__transfer_of(wait)->item);
		gmb__wait_complete(wait, 0);
	}
}

/* The gate is closed and empty: what is here now is all there will be. */
static void detach(struct gmb_mailbox *mailbox)
{
	mailbox->detached = true;
	gmb__list_del(&mailbox->ender.link);
	deliver(mailbox);
	gmb__waitq_complete_all(&mailbox->waiters, -ENODATA);
	gmb_mailbox_put(mailbox);
}

static void on_note(struct gmb_loop *loop, struct gmb__note *note)
{
	struct gmb_mailbox *mailbox =
		gmb__entry(note, struct gmb_mailbox, note);

	(void)loop;
	atomic_store(&mailbox->noted, false);
	deliver(mailbox);
	if (!gmb__gate_closed(&mailbox->gate))
		return;
	gmb__gate_wait(&mailbox->gate);
	/* One of the last posters may have sent the note once more. */
	if (!atomic_load(&mailbox->noted))
		detach(mailbox);
}

/* The loop ends. It must find no note of ours in its inbox afterwards. */
static void on_end(struct gmb_loop *loop, struct gmb__ender *ender)
{
	struct gmb_mailbox *mailbox =
		gmb__entry(ender, struct gmb_mailbox, ender);

	gmb__gate_close(&mailbox->gate);
	gmb__gate_wait(&mailbox->gate);
	if (atomic_load(&mailbox->noted))
		gmb__inbox_drain(loop);
	else
		detach(mailbox);
}

int gmb_mailbox_open(struct gmb_mailbox **out, size_t item_size,
		     size_t capacity)
{
	struct gmb_mailbox *mailbox;

	if (!gmb__strand_self())
		return -EPERM;
	mailbox = (struct gmb_mailbox *)gmb__mem_zalloc(1, sizeof(*mailbox));
	if (!mailbox)
		return -ENOMEM;
	gmb__gate_init(&mailbox->gate, 0);
	atomic_init(&mailbox->refs, 2);
	mailbox->item_size = item_size;
	mailbox->capacity = capacity;
	mailbox->loop = gmb__loop;
	mailbox->note.fn = on_note;
	gmb__waitq_init(&mailbox->waiters);
	gmb__loop_at_end(gmb__loop, &mailbox->ender, on_end);
	*out = mailbox;
	return 0;
}

/* Any thread */

static bool reserve(struct gmb_mailbox *mailbox)
{
	size_t length = atomic_load_explicit(&mailbox->length,
					     memory_order_relaxed);

	do {
		if (mailbox->capacity && length >= mailbox->capacity)
			return false;
	} while (!atomic_compare_exchange_weak(&mailbox->length, &length,
					       length + 1));
	return true;
}

/* @self: not NULL: see gmb__inbox_post_soon() */
static void send_note(struct gmb_mailbox *mailbox, struct gmb_loop *self)
{
	if (atomic_exchange(&mailbox->noted, true))
		return;
	if (self)
		gmb__inbox_post_soon(mailbox->loop, &mailbox->note, self);
	else
		gmb__inbox_post(mailbox->loop, &mailbox->note);
}

/* Behind the gate. */
static int push(struct gmb_mailbox *mailbox, const void *item,
		struct gmb_loop *self)
{
	struct message *message, *first;
	size_t size;

	if (__builtin_add_overflow(sizeof(*message), mailbox->item_size, &size))
		return -ENOMEM;
	if (!reserve(mailbox))
		return -EAGAIN;
	message = (struct message *)gmb__mem_alloc(size);
	if (!message) {
		atomic_fetch_sub(&mailbox->length, 1);
		return -ENOMEM;
	}
	gmb__item_copy(message->item, item, mailbox->item_size);
	first = atomic_load_explicit(&mailbox->posted, memory_order_relaxed);
	do
		message->next = first;
	while (!atomic_compare_exchange_weak(&mailbox->posted, &first,
					     message));
	send_note(mailbox, self);
	return 0;
}

static int post(struct gmb_mailbox *mailbox, const void *item,
		struct gmb_loop *self)
{
	int rc;

	if (!gmb__gate_enter(&mailbox->gate))
		return -EPIPE;
	rc = push(mailbox, item, self);
	gmb__gate_leave(&mailbox->gate);
	return rc;
}

int gmb_mailbox_post(struct gmb_mailbox *mailbox, const void *item)
{
	return post(mailbox, item, NULL);
}

int gmb_mailbox_close(struct gmb_mailbox *mailbox)
{
	bool first;

	/* Behind the gate, because the loop may end at any time. */
	if (!gmb__gate_enter(&mailbox->gate))
		return -EALREADY;
	first = gmb__gate_close(&mailbox->gate);
	if (first)
		send_note(mailbox, NULL);
	gmb__gate_leave(&mailbox->gate);
	return first ? 0 : -EALREADY;
}

/* Receiving */

int gmb_mailbox_try_receive(struct gmb_mailbox *mailbox, void *item)
{
	if (mailbox->loop != gmb__loop)
		return -EXDEV;
	if (!mailbox->first) {
		bool closed = gmb__gate_closed(&mailbox->gate);

		/* Those who are still behind it have not failed yet. */
		if (closed)
			gmb__gate_wait(&mailbox->gate);
		/* Those who wait come first. */
		deliver(mailbox);
		if (!mailbox->first)
			return closed ? -ENODATA : -EAGAIN;
	}
	take_oldest(mailbox, item);
	return 0;
}

void gmb__mailbox_join(struct gmb_mailbox *mailbox, struct gmb__trap *trap,
		       struct gmb__transfer *transfer, void *item)
{
	gmb__queue_join(&mailbox->waiters, trap, transfer, item, NULL);
}

static int park(struct gmb_mailbox *mailbox, struct gmb__trap *trap,
		void *item)
{
	struct gmb_loop *loop = gmb__loop;
	struct gmb__transfer transfer;
	int rc;

	gmb__mailbox_join(mailbox, trap, &transfer, item);
	gmb__trap_look_again(trap);
	loop->outside++;
	rc = (int)gmb__trap_park(trap, GMB_WAIT_MAILBOX, mailbox, 0);
	loop->outside--;
	return rc;
}

int gmb_mailbox_receive(struct gmb_mailbox *mailbox, void *item)
{
	struct gmb__trap trap;
	int rc = gmb__trap_init(&trap);

	if (rc)
		return rc;
	rc = gmb_mailbox_try_receive(mailbox, item);
	if (rc == -EAGAIN)
		return park(mailbox, &trap, item);
	if (rc == 0)
		gmb__pass();
	return rc;
}

int gmb_mailbox_exchange(struct gmb_mailbox *to, const void *item,
			 struct gmb_mailbox *from, void *reply)
{
	struct gmb__trap trap;
	struct gmb_loop *loop;
	bool soon;
	int rc = gmb__trap_init(&trap);

	if (rc)
		return rc;
	loop = gmb__loop;
	if (from->loop != loop)
		return -EXDEV;
	/* Whoever would run before the loop waits is not to delay the other. */
	soon = !from->first && !loop->ready_first;
	rc = post(to, item, soon ? loop : NULL);
	if (rc)
		return rc;
	rc = gmb_mailbox_try_receive(from, reply);
	if (rc == -EAGAIN)
		return park(from, &trap, reply);
	gmb__inbox_flush(loop);
	if (rc == 0)
		gmb__pass();
	return rc;
}
