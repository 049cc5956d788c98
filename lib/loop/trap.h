/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The trap: the one way in which a task suspends.
 *
 * A task that must wait makes a trap on its stack, adds one or more waits to
 * it, queues each wait where its completer will find it, and parks. Exactly one
 * wait wins; the others are withdrawn before the task runs again.
 *
 *	OPEN ──complete──► WON ──────────────┐ last held wait
 *	  │                                  ├───────────────► ready
 *	  └──abort (cancel, close)─► ABORTED ┘ is released
 *
 * A wait whose withdrawal takes time (a kernel still holds its buffer) is
 * "held": the task stays parked until its completion arrives. If an aborted
 * trap's held wait completes with anything but -ECANCELED, that result wins:
 * a completion is never lost to a cancellation.
 *
 * Everything here belongs to the loop's thread; there are no locks.
 */
#ifndef GMB_LOOP_TRAP_H
#define GMB_LOOP_TRAP_H

#include <errno.h>
#include <stdbool.h>
#include <giambio/base.h>
#include <giambio/page.h>
#include "loop/list.h"
#include "loop/loop.h"

struct gmb__trap;

enum gmb__trap_state {
	GMB__TRAP_OPEN,
	GMB__TRAP_WON,
	GMB__TRAP_ABORTED,
};

/**
 * struct gmb__wait - one thing that a parked task waits for
 * @link:     in the queue of what is waited for
 * @trap:     the trap it belongs to
 * @peer:     the next wait of the same trap
 * @withdraw: takes the wait back; returns true if it is held, that is: its
 *	gmb__wait_complete() will still come. NULL: unlink @link
 */
struct gmb__wait {
	struct gmb__link link;
	struct gmb__trap *trap;
	struct gmb__wait *peer;
	bool (*withdraw)(struct gmb__wait *wait);
};

/**
 * struct gmb__trap - what a task is parked on; lives on its stack
 * @strand:      who is parked
 * @waits:      the waits, last added first
 * @winner:     the wait that completed, NULL if none did
 * @result:     what gmb__trap_park() returns
 * @held:       withdrawn waits whose completion is still to come
 * @state:      enum gmb__trap_state
 * @shielded:   cancellation does not end it
 * @cancelled:  it was cancellation that aborted it
 */
struct gmb__trap {
	struct gmb__strand *strand;
	struct gmb__wait *waits;
	struct gmb__wait *winner;
	intptr_t result;
	uint16_t held;
	uint8_t state;
	bool shielded;
	bool cancelled;
};

/* A trap of the running strand, which exists. */
static gmb__always_inline void gmb__trap_make(struct gmb__trap *trap,
					      struct gmb__strand *self)
{
	trap->strand = self;
	trap->waits = NULL;
	trap->winner = NULL;
	trap->result = 0;
	trap->held = 0;
	trap->state = GMB__TRAP_OPEN;
	trap->shielded = false;
	trap->cancelled = false;
}

/* Why the caller may not begin a wait: -EPERM, -ECANCELED. */
int gmb__trap_refuse(void);

/**
 * gmb__trap_enter() - the cancellation point of every call
 *
 * Context: any. Return: 0; -EPERM outside a task; -ECANCELED the task is
 * cancelled (and the scope that did it now knows that this was noticed).
 */
static gmb__always_inline int gmb__trap_enter(void)
{
	struct gmb_loop *loop = gmb__loop;
	struct gmb__strand *self;

	if (gmb__unlikely(!loop))
		return -EPERM;
	self = loop->current;
	if (gmb__unlikely(!self || self->cancel))
		return gmb__trap_refuse();
	return 0;
}

/**
 * gmb__trap_init() - begin a wait: the cancellation point and the trap
 * @trap: [out] on the stack of the task that will park
 *
 * Context: any. Return: as gmb__trap_enter().
 */
static gmb__always_inline int gmb__trap_init(struct gmb__trap *trap)
{
	int rc = gmb__trap_enter();

	if (gmb__likely(rc == 0))
		gmb__trap_make(trap, gmb__loop->current);
	return rc;
}

/**
 * gmb__trap_init_shielded() - begin a wait that cancellation does not end
 * @trap: [out] on the stack of the task that will park
 *
 * Context: task only.
 */
void gmb__trap_init_shielded(struct gmb__trap *trap);

/**
 * gmb__trap_add() - add a wait to a trap
 * @trap:     not parked yet
 * @wait:     must stay until gmb__trap_park() has returned
 * @withdraw: see struct gmb__wait
 */
static inline void gmb__trap_add(struct gmb__trap *trap, struct gmb__wait *wait,
				 bool (*withdraw)(struct gmb__wait *wait))
{
	wait->trap = trap;
	wait->withdraw = withdraw;
	wait->peer = trap->waits;
	trap->waits = wait;
}

/**
 * gmb__trap_park() - suspend the calling task until its trap is decided
 * @trap:   with its waits queued; if one has completed already the call
 *	returns at once
 * @kind:   for dumps
 * @object: for dumps
 * @arg:    for dumps
 *
 * It is inline because a return after a switch is mispredicted: the processor
 * predicts the caller of whoever ran last. Each function less between the
 * switch and the program is a misprediction less.
 *
 * Return: the result of the winner; -ECANCELED or the reason of the abort.
 */
static gmb__always_inline intptr_t
gmb__trap_park(struct gmb__trap *trap, enum gmb_wait_kind kind,
	       const void *object, uint64_t arg)
{
	struct gmb__strand *self = trap->strand;
	struct gmb_loop *loop = gmb__loop;

	if (gmb__likely(trap->state == GMB__TRAP_OPEN || trap->held)) {
		self->row.wait_kind = (uint8_t)kind;
		self->row.wait_object = (uintptr_t)object;
		self->row.wait_arg = arg;
		self->row.since = loop->now;
		self->row.state = GMB_TASK_WAITING;
		self->trap = trap;
		gmb__loop_switch(loop, self);
		self->row.wait_kind = GMB_WAIT_NONE;
	}
	/* The cancellation is noticed only if nothing won after all. */
	if (gmb__unlikely(trap->cancelled && !trap->winner && self->cancel))
		self->cancel->caught = 1;
	return trap->result;
}

/**
 * gmb__wait_complete() - say that what was waited for has happened
 * @wait:   no longer in any queue of its completer
 * @result: handed to the task if this wait wins
 *
 * For a wait that was not withdrawn it always wins. For a held wait it is the
 * end of the withdrawal.
 *
 * Return: true if the wait won.
 */
bool gmb__wait_complete(struct gmb__wait *wait, intptr_t result);

/* A trap is decided: its task goes on, if it has parked on it by now. */
static gmb__always_inline void gmb__trap_resume(struct gmb__trap *trap)
{
	struct gmb__strand *strand = trap->strand;

	if (strand->trap != trap)
		return;
	strand->trap = NULL;
	if (GMB__OBSERVE)
		strand->row.since = gmb__loop->now;
	gmb__loop_ready(gmb__loop, strand);
}

/**
 * gmb__wait_grant() - complete a wait that has just been taken out of a queue
 * @wait:   of a trap that is open, as that of every wait in a queue is
 * @result: handed to the task
 *
 * gmb__wait_complete() for whoever is on the way from one task to another.
 */
static gmb__always_inline void gmb__wait_grant(struct gmb__wait *wait,
					       intptr_t result)
{
	struct gmb__trap *trap = wait->trap;

	if (gmb__unlikely(trap->waits->peer)) {
		gmb__wait_complete(wait, result);
		return;
	}
	trap->state = GMB__TRAP_WON;
	trap->winner = wait;
	trap->result = result;
	gmb__trap_resume(trap);
}

/**
 * gmb__trap_abort() - end a parked trap from outside
 * @trap:   parked or not, any state
 * @reason: result of the trap if no held wait completes after all
 */
void gmb__trap_abort(struct gmb__trap *trap, intptr_t reason);

/**
 * gmb__trap_cancel() - the abort that cancellation makes
 * @trap: a trap that may be shielded
 */
void gmb__trap_cancel(struct gmb__trap *trap);

/*
 * A hook may have cancelled the task since gmb__trap_init(), when it was told
 * of another that this call made ready. That found nothing to end, and no other
 * cancellation comes; so the trap is ended before it is parked.
 */
static inline void gmb__trap_look_again(struct gmb__trap *trap)
{
	if (gmb__unlikely(trap->strand->cancel))
		gmb__trap_cancel(trap);
}

/* Let the others run that are ready. */
void gmb__give_way(void);

/**
 * gmb__pass() - the scheduling point of a call that did not have to wait
 *
 * The calling task gives way when it has passed GMB__CREDIT of them in a row:
 * often enough that nobody starves, and seldom enough that a send which finds
 * its receiver waiting does not cost two switches. It is no cancellation point,
 * since the call has succeeded.
 */
static inline void gmb__pass(void)
{
	if (gmb__unlikely(--gmb__loop->credit <= 0))
		gmb__give_way();
}

/* A queue of waits: what every sync primitive keeps. */

static inline void gmb__waitq_init(struct gmb__waitq *q)
{
	gmb__list_init(&q->waits);
}

static inline bool gmb__waitq_empty(const struct gmb__waitq *q)
{
	return gmb__list_empty(&q->waits);
}

static inline struct gmb__wait *gmb__waitq_first(const struct gmb__waitq *q)
{
	if (gmb__list_empty(&q->waits))
		return NULL;
	return gmb__entry(q->waits.next, struct gmb__wait, link);
}

/*
 * Take the oldest wait out of the queue; NULL when it is empty. Its link leads
 * nowhere afterwards.
 */
static gmb__always_inline struct gmb__wait *
gmb__waitq_pop(struct gmb__waitq *q)
{
	struct gmb__link *link = q->waits.next;
	struct gmb__link *after = link->next;

	if (link == &q->waits)
		return NULL;
	q->waits.next = after;
	after->prev = &q->waits;
	return gmb__entry(link, struct gmb__wait, link);
}

static inline void gmb__waitq_push(struct gmb__waitq *q, struct gmb__wait *wait)
{
	gmb__list_add_tail(&q->waits, &wait->link);
}

/* Complete all that wait, oldest first; they leave the queue. */
void gmb__waitq_complete_all(struct gmb__waitq *q, intptr_t result);

#endif
