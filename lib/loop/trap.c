/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include "loop/trap.h"

int gmb__trap_refuse(void)
{
	struct gmb__strand *self = gmb__strand_self();

	if (!self)
		return -EPERM;
	self->cancel->caught = 1;
	return -ECANCELED;
}

void gmb__trap_init_shielded(struct gmb__trap *trap)
{
	gmb__trap_make(trap, gmb__strand_self());
	trap->shielded = true;
}

void gmb__give_way(void)
{
	struct gmb_loop *loop = gmb__loop;
	struct gmb__strand *self = loop->current;

	if (!loop->ready_first && --loop->budget > 0) {
		loop->credit = GMB__CREDIT;
		return;
	}
	gmb__loop_ready(loop, self);
	gmb__loop_switch(loop, self);
}

/* Take one wait back; true if its completion is still to come. */
static bool withdraw(struct gmb__wait *wait)
{
	if (wait->withdraw)
		return wait->withdraw(wait);
	gmb__list_del(&wait->link);
	return false;
}

static void withdraw_all(struct gmb__trap *trap, struct gmb__wait *except)
{
	struct gmb__wait *wait, *next;

	/* A wait that is withdrawn may be gone: its other end frees it. */
	for (wait = trap->waits; wait; wait = next) {
		next = wait->peer;
		if (wait != except && withdraw(wait))
			trap->held++;
	}
}

bool gmb__wait_complete(struct gmb__wait *wait, intptr_t result)
{
	struct gmb__trap *trap = wait->trap;
	bool won = false;

	if (gmb__likely(trap->state == GMB__TRAP_OPEN)) {
		trap->state = GMB__TRAP_WON;
		trap->winner = wait;
		trap->result = result;
		if (gmb__unlikely(trap->waits->peer))
			withdraw_all(trap, wait);
		won = true;
	} else {
		trap->held--;
		if (trap->state == GMB__TRAP_ABORTED && !trap->winner &&
		    result != -ECANCELED) {
			trap->winner = wait;
			trap->result = result;
			won = true;
		}
	}
	if (gmb__likely(!trap->held))
		gmb__trap_resume(trap);
	return won;
}

void gmb__trap_abort(struct gmb__trap *trap, intptr_t reason)
{
	if (trap->state != GMB__TRAP_OPEN)
		return;
	trap->state = GMB__TRAP_ABORTED;
	trap->result = reason;
	withdraw_all(trap, NULL);
	if (!trap->held)
		gmb__trap_resume(trap);
}

void gmb__trap_cancel(struct gmb__trap *trap)
{
	if (trap->shielded || trap->state != GMB__TRAP_OPEN)
		return;
	trap->cancelled = true;
	gmb__loop->page->cancels++;
	gmb__trap_abort(trap, -ECANCELED);
}

void gmb__waitq_complete_all(struct gmb__waitq *q, intptr_t result)
{
	struct gmb__wait *wait;

	while ((wait = gmb__waitq_pop(q)))
		gmb__wait_complete(wait, result);
}
