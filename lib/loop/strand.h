/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * A strand is what the loop switches to: the lower half of a task.
 *
 * It begins with the row that other processes see. The loop knows its context,
 * whether it is ready or parked, and whether it is cancelled; managers, scopes
 * and results are the business of the task that embeds it.
 */
#ifndef GMB_LOOP_STRAND_H
#define GMB_LOOP_STRAND_H

#include <giambio/page.h>
#include <giambio/scope.h>
#include "coro/context.h"
#include "coro/stack.h"

struct gmb__trap;

/**
 * struct gmb__strand - see above
 * @row:      what other processes see; must be first
 * @context:  where it stands while it does not run
 * @stack:    what it runs on
 * @next:     in the ready queue
 * @trap:     what it is parked on; NULL while ready or running
 * @cancel:   the scope whose cancellation is in force for the innermost open
 *	scope of this strand; NULL: not cancelled. Kept by the scope code
 * @ready_at: when it became ready, while observed; 0: not known
 * @slack:    how long its operations may be held back, ns
 */
struct gmb__strand {
	struct gmb_row row;
	struct gmb__context context;
	struct gmb__stack stack;
	struct gmb__strand *next;
	struct gmb__trap *trap;
	struct gmb_scope *cancel;
	gmb_time ready_at;
	uint32_t slack;
};

#endif
