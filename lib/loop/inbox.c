/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include "backend/backend.h"
#include "loop/inbox.h"
#include "loop/loop.h"

/* Returns whether the loop is to be woken; true for only one poster. */
static bool push(struct gmb_loop *loop, struct gmb__note *note)
{
	struct gmb__inbox *inbox = &loop->inbox;
	struct gmb__note *first = atomic_load_explicit(&inbox->notes,
						       memory_order_relaxed);

	do
		note->next = first;
	while (!atomic_compare_exchange_weak(&inbox->notes, &first, note));
	/* Pairs with gmb__inbox_sleep(). */
	return atomic_load(&inbox->asleep) &&
	       atomic_exchange(&inbox->asleep, false);
}

void gmb__inbox_post(struct gmb_loop *loop, struct gmb__note *note)
{
	if (push(loop, note))
		loop->backend->wake(loop);
}

void gmb__inbox_post_soon(struct gmb_loop *loop, struct gmb__note *note,
			  struct gmb_loop *self)
{
	if (!push(loop, note))
		return;
	if (!self->backend->wake_soon ||
	    !self->backend->wake_soon(self, loop))
		loop->backend->wake(loop);
}

void gmb__inbox_flush(struct gmb_loop *self)
{
	if (!self->unsent)
		return;
	self->backend->flush(self);
}

bool gmb__inbox_drain(struct gmb_loop *loop)
{
	struct gmb__inbox *inbox = &loop->inbox;
	struct gmb__note *note, *next, *oldest = NULL;

	if (gmb__likely(!atomic_load_explicit(&inbox->notes,
					      memory_order_relaxed)))
		return false;
	note = atomic_exchange(&inbox->notes, NULL);
	for (; note; note = next) {
		next = note->next;
		note->next = oldest;
		oldest = note;
	}
	for (note = oldest; note; note = next) {
		next = note->next;
		loop->page->messages++;
		note->fn(loop, note);
	}
	return true;
}

bool gmb__inbox_sleep(struct gmb_loop *loop)
{
	struct gmb__inbox *inbox = &loop->inbox;

	atomic_store(&inbox->asleep, true);
	/* Pairs with gmb__inbox_post(). */
	if (gmb__likely(!atomic_load(&inbox->notes)))
		return true;
	atomic_store_explicit(&inbox->asleep, false, memory_order_relaxed);
	return false;
}

void gmb__inbox_awake(struct gmb_loop *loop)
{
	if (!atomic_exchange_explicit(&loop->inbox.asleep, false,
				      memory_order_relaxed))
		loop->page->wakes++;
}
