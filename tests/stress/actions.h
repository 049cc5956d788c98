/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * What a task of a random schedule can do with the things of its world, but for
 * tasks, managers and scopes, which are in schedule.c.
 */
#ifndef TESTS_STRESS_ACTIONS_H
#define TESTS_STRESS_ACTIONS_H

#include "streams.h"

static inline void act_lock(struct world *w)
{
	int i = below(w, LOCKS);
	struct gmb_lock *lock = &w->locks[i];
	int rc = one_in(w, 4) ? gmb_lock_try_acquire(lock) :
				gmb_lock_acquire(lock);

	if (told(rc) == -EDEADLK)
		must(w->owners[i] == gmb_self());
	if (rc) {
		must(rc == -ECANCELED || rc == -EDEADLK || rc == -EAGAIN);
		return;
	}
	must(!w->owners[i]);
	must(gmb_lock_owner(lock) == gmb_self());
	w->owners[i] = gmb_self();
	while (one_in(w, 2))
		(void)told(gmb_sleep(some_span(w)));
	if (i == 0 && one_in(w, 2))
		must(gmb_condition_notify(&w->condition, 2) >= 0);
	if (i == 0 && one_in(w, 3)) {
		w->owners[i] = NULL;
		told(gmb_condition_wait(&w->condition));
		must(!w->owners[i]);
		must(gmb_lock_owner(lock) == gmb_self());
		w->owners[i] = gmb_self();
	}
	must(w->owners[i] == gmb_self());
	w->owners[i] = NULL;
	must_be(gmb_lock_release(lock), 0);
}

static inline void act_put(struct world *w)
{
	struct gmb_queue *queue = &w->queues[below(w, QUEUES)];
	int item = item_new(w);
	int rc;

	if (item < 0)
		return;
	rc = one_in(w, 4) ? gmb_queue_try_put(queue, &item) :
			    gmb_queue_put(queue, &item);
	told(rc);
	must(rc == 0 || rc == -ECANCELED || rc == -EPIPE || rc == -EAGAIN);
	item_settle(w, item, rc == 0);
}

static inline void act_get(struct world *w)
{
	struct gmb_queue *queue = &w->queues[below(w, QUEUES)];
	int item = -1;
	int rc = one_in(w, 4) ? gmb_queue_try_get(queue, &item) :
				gmb_queue_get(queue, &item);

	if (told(rc) == 0)
		item_arrived(w, item);
	else
		must(item == -1);
}

/* An end of one's own, or the one that all share and anybody may close. */
static inline void act_send(struct world *w)
{
	struct gmb_sender own, *sender = &w->sender;
	int item = item_new(w);
	int rc;

	if (item < 0)
		return;
	if (one_in(w, 2) && gmb_sender_clone(&own, sender) == 0)
		sender = &own;
	rc = one_in(w, 4) ? gmb_channel_try_send(sender, &item) :
			    gmb_channel_send(sender, &item);
	told(rc);
	if (rc == -EBADF)
		must(sender != &own);
	else
		must(rc == 0 || rc == -ECANCELED || rc == -EPIPE ||
		     rc == -EAGAIN);
	item_settle(w, item, rc == 0);
	if (sender == &own)
		must_be(gmb_sender_close(&own), 0);
}

/* What nobody can receive any more is dropped with the last end. */
static inline void close_receiver(struct world *w, struct gmb_receiver *end)
{
	struct gmb_sender *sender = &w->sender;
	size_t left = gmb_channel_length(end);
	int item = item_new(w);
	int rc;

	must_be(gmb_receiver_close(end), 0);
	if (item < 0)
		return;
	/* Nobody listens any more, if and only if that is what one is told. */
	rc = gmb_channel_try_send(sender, &item);
	item_settle(w, item, rc == 0);
	if (rc == -EPIPE)
		w->dropped += (int)left;
}

static inline void act_receive(struct world *w)
{
	struct gmb_receiver *receiver = &w->receiver;
	int item = -1;
	int rc = one_in(w, 4) ? gmb_channel_try_receive(receiver, &item) :
				gmb_channel_receive(receiver, &item);

	if (told(rc) == 0)
		item_arrived(w, item);
	else
		must(item == -1);
}

static inline void act_event(struct world *w)
{
	int i = below(w, EVENTS);
	struct gmb_event *event = &w->events[i];
	bool was_set = gmb_event_is_set(event);
	intptr_t value = -1;
	int rc;

	if (one_in(w, 4)) {
		must_be(gmb_event_trigger(event, 1000 + i),
			was_set ? -EALREADY : 0);
		return;
	}
	rc = gmb_event_wait(event, &value);
	must(told(rc) == 0 || rc == -ECANCELED);
	must_be(value, rc ? -1 : 1000 + i);
}

static inline void act_permit(struct world *w)
{
	struct gmb_token token = { 0 };
	int rc;

	if (one_in(w, 2)) {
		rc = told(gmb_semaphore_acquire(&w->semaphore));
		if (rc)
			return;
		told(gmb_sleep(some_span(w)));
		must_be(gmb_semaphore_release(&w->semaphore), 0);
		return;
	}
	if (one_in(w, 4))
		must_be(gmb_limiter_set_total(&w->limiter,
					      (size_t)below(w, 3)), 0);
	rc = told(gmb_limiter_acquire(&w->limiter, &token));
	if (rc)
		return;
	told(gmb_sleep(some_span(w)));
	must_be(gmb_limiter_release(&w->limiter, &token), 0);
}

static inline void act_message(struct world *w)
{
	int item = -1;
	int rc;

	if (one_in(w, 2)) {
		item = item_new(w);
		if (item < 0)
			return;
		rc = gmb_mailbox_post(w->mailbox, &item);
		item_settle(w, item, rc == 0);
		must(rc == 0 || rc == -EPIPE || rc == -EAGAIN);
		return;
	}
	rc = gmb_mailbox_receive(w->mailbox, &item);
	if (told(rc) == 0)
		item_arrived(w, item);
	else
		must(item == -1);
}

static inline void act_close(struct world *w)
{
	switch (below(w, 8)) {
	case 0:
		gmb_queue_close(&w->queues[below(w, QUEUES)]);
		break;
	case 1:
		gmb_sender_close(&w->sender);
		break;
	case 2:
		if (gmb_mailbox_close(w->mailbox) == 0)
			break;
		/* fall through */
	default:
		stream_break(w, &w->streams[below(w, STREAMS)]);
	}
}

/* A case of a select, and how its success is booked. */
struct choice {
	struct stream *reads;	/* its reader's place is taken */
	intptr_t value;
	int item;
	int kind;
};

static inline struct gmb_case make_case(struct world *w, struct choice *c)
{
	struct stream *s = &w->streams[below(w, STREAMS)];
	struct record *r;

	*c = (struct choice){ .item = -1, .kind = below(w, 9) };
	switch (c->kind) {
	case 0:
	case 1:
		c->item = item_new(w);
		if (c->item < 0)
			break;
		if (c->kind == 0)
			return gmb_case_put(&w->queues[below(w, QUEUES)],
					    &c->item);
		return gmb_case_send(&w->sender, &c->item);
	case 2:
		return gmb_case_get(&w->queues[below(w, QUEUES)], &c->item);
	case 3:
		return gmb_case_receive(&w->receiver, &c->item);
	case 4:
		return gmb_case_event(&w->events[0], &c->value);
	case 5:
		return gmb_case_message(w->mailbox, &c->item);
	case 6:
		if (s->reading)
			break;
		s->reading = true;
		c->reads = s;
		return gmb_case_ready(&s->in.file, POLLIN);
	case 7:
		r = &w->records[below(w, w->record_count)];
		if (r->task && r->task != gmb_self())
			return gmb_case_join(r->task, &c->value);
		break;
	}
	c->kind = 8;
	return gmb_case_deadline(gmb_after(some_span(w)));
}

static inline void book_case(struct world *w, struct choice *c,
			     const struct gmb_case *said, bool chosen)
{
	intptr_t rc = chosen ? said->result : -EAGAIN;

	if (c->reads) {
		if (rc == -EBADF)
			must(c->reads->in_closed);
		else if (chosen)
			must(rc > 0);
		c->reads->reading = false;
	} else if (c->kind <= 1 && c->item >= 0) {
		item_settle(w, c->item, rc == 0);
	} else if (c->kind == 2 || c->kind == 3 || c->kind == 5) {
		if (rc == 0)
			item_arrived(w, c->item);
		else
			must_be(c->item, -1);
	} else if (c->kind == 4 && chosen) {
		must_be(c->value, 1000);
	}
}

static inline void act_select(struct world *w)
{
	enum { CASES = 4 };
	struct choice choices[CASES];
	struct gmb_case cases[CASES];
	int count = 1 + below(w, CASES);
	int i, chosen;

	for (i = 0; i < count; i++)
		cases[i] = make_case(w, &choices[i]);
	chosen = one_in(w, 4) ? gmb_try_select(cases, (size_t)count) :
				gmb_select(cases, (size_t)count);
	told(chosen);
	must(chosen == -ECANCELED || chosen == -EAGAIN ||
	     (chosen >= 0 && chosen < count));
	for (i = 0; i < count; i++)
		book_case(w, &choices[i], &cases[i], i == chosen);
}

#endif
