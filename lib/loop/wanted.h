/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * What of a loop is to be observed: what its thread has chosen, and what other
 * processes ask for (struct gmb_control). loop->observe, loop->hooks,
 * loop->slow and loop->times_only are set here, and acted upon in
 * loop/observe.h.
 */
#ifndef GMB_LOOP_WANTED_H
#define GMB_LOOP_WANTED_H

#include "loop/loop.h"

/* Take over what the thread has chosen before the loop began. */
void gmb__wanted_init(struct gmb_loop *loop);

/* Free the trace. */
void gmb__wanted_fini(struct gmb_loop *loop);

/* What others want to see has begun, goes on, or is over. */
void gmb__wanted_look(struct gmb_loop *loop);

/* Do others want to see something, or have they? One branch, once a turn. */
static inline bool gmb__wanted_by_others(const struct gmb_loop *loop)
{
	const struct gmb_control *control = &loop->page->control;

	if (!GMB__OBSERVE)
		return false;
	return __atomic_load_n(&control->times_until, __ATOMIC_RELAXED) |
	       __atomic_load_n(&control->trace_until, __ATOMIC_RELAXED) |
	       loop->leased;
}

#endif
