/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Whose object this is.
 *
 * The objects of this layer carry no lock: they serve the tasks of one loop at
 * a time. Each remembers the loop that used it last. While nobody waits in it
 * another loop may take it over; while somebody does, a call from elsewhere is
 * a mistake that is answered with -EXDEV. An object whose use has ended belongs
 * to nobody, and every call dies.
 */
#ifndef GMB_SYNC_OWNER_H
#define GMB_SYNC_OWNER_H

#include <stdbool.h>
#include "loop/loop.h"
#include "loop/trap.h"

/**
 * gmb__owner_change() - let another loop use an object, if that is right
 * @loop: the object's
 * @busy: tasks of the loop so far are involved
 * @call: for the message
 *
 * Return: 0; -EXDEV.
 */
int gmb__owner_change(struct gmb_loop **loop, bool busy, const char *call);

/* May the calling thread use an object, which has a member `loop`? */
#define gmb__owner_check(obj, busy)                                       \
	(gmb__likely((obj)->loop == gmb__loop)                            \
		 ? 0                                                      \
		 : gmb__owner_change(&(obj)->loop, (busy), __func__))

/* Nobody may use the object from here on; dies if it is busy. */
void gmb__owner_fini(struct gmb_loop **loop, bool busy, const char *call);

/* Wait in one queue, without more: what most objects need. */
static gmb__always_inline intptr_t
gmb__sync_park(struct gmb__trap *trap, struct gmb__waitq *q,
	       enum gmb_wait_kind kind, const void *object, uint64_t arg)
{
	struct gmb__wait wait;

	gmb__trap_add(trap, &wait, NULL);
	gmb__waitq_push(q, &wait);
	return gmb__trap_park(trap, kind, object, arg);
}

#endif
