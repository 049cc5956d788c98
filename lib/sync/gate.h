/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * A gate: threads go in and out until it is closed, and the one who tears down
 * what lies behind waits until all are out.
 *
 * It makes "may I still?" and "nobody is in there any more" safe without a
 * lock. Whoever goes in must hold the memory of the gate by other means.
 *
 * Barriers: going out releases, waiting acquires; so what was done behind the
 * gate is seen by the one who waited.
 */
#ifndef GMB_SYNC_GATE_H
#define GMB_SYNC_GATE_H

#include <stdatomic.h>
#include <stdbool.h>

struct gmb__gate {
	atomic_uint state;	/* bit 0: closed; above: how many are in */
};

#define GMB__GATE_CLOSED	1u
#define GMB__GATE_ONE		2u

/* With @inside threads in it. */
static inline void gmb__gate_init(struct gmb__gate *gate, unsigned int inside)
{
	atomic_init(&gate->state, inside * GMB__GATE_ONE);
}

static inline bool gmb__gate_closed(struct gmb__gate *gate)
{
	return atomic_load(&gate->state) & GMB__GATE_CLOSED;
}

/* Go in; false: it is closed. Any thread. */
bool gmb__gate_enter(struct gmb__gate *gate);

/*
 * Go out. Any thread. The gate's memory may be gone as soon as the last one is
 * out, so this touches it only once.
 */
void gmb__gate_leave(struct gmb__gate *gate);

/* Let nobody in any more; false: it was closed before. Any thread. */
bool gmb__gate_close(struct gmb__gate *gate);

/* Block the thread until a closed gate is empty: for moments only. */
void gmb__gate_wait(struct gmb__gate *gate);

#endif
