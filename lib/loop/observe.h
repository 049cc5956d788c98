/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Hooks, timed histograms and the trace: what happens while loop->slow is set.
 *
 * All run on the loop's thread. A hook runs with no current task, so whatever
 * would suspend fails with -EPERM instead.
 *
 * Reading the clock is much of the cost, so readings are shared where nothing
 * lies between two moments: the end of a step and the beginning of the next,
 * the end of the wait and all that it made ready. Within steps the processor's
 * counter is read instead (see loop/tick.h).
 */
#ifndef GMB_LOOP_OBSERVE_H
#define GMB_LOOP_OBSERVE_H

#include <giambio/trace.h>
#include "loop/loop.h"

/**
 * gmb__observe_steps() - let ready strands run, while loop->times_only is set
 * @loop: it has a ready strand and budget left
 *
 * What the two below do for each of them, as cheaply as can be. It comes back
 * when none is ready, the budget is used up, or something else is wanted; in
 * that case it is after a step, whose end has not been told.
 */
void gmb__observe_steps(struct gmb_loop *loop);

void gmb__observe_step_begin(struct gmb_loop *loop, struct gmb__strand *strand);
void gmb__observe_step_end(struct gmb_loop *loop);

/* Have the backend look for events; as its poll(). */
int gmb__observe_poll(struct gmb_loop *loop, gmb_time span);

/*
 * The real time at the end of a turn. While there are no timers, which would
 * notice some nanoseconds, the counter tells it.
 */
gmb_time gmb__observe_now(struct gmb_loop *loop);

/* Fire the timers that are due: the last thing in a turn. */
unsigned int gmb__observe_timers(struct gmb_loop *loop);

/* Write an event, if a trace is wanted; see enum gmb_trace_kind. */
void gmb__observe_event(struct gmb_loop *loop, enum gmb_trace_kind kind,
			const struct gmb__strand *strand, uint64_t arg,
			uint64_t arg2, uint16_t extra);

/* The same for the name that a strand has, or none. */
void gmb__observe_name(struct gmb_loop *loop, const struct gmb__strand *strand);

/* Write an event: off, it costs one branch. */
#define gmb__trace(loop, kind, strand, arg, arg2, extra)                  \
	do {                                                              \
		if (gmb__is_slow(loop))                                   \
			gmb__observe_event((loop), GMB_TRACE_##kind,      \
					   (strand), (uint64_t)(arg),     \
					   (uint64_t)(arg2), (extra));    \
	} while (0)

/*
 * Call a hook of the loop, if there is one. The strand that runs is put aside
 * meanwhile.
 */
#define gmb__hook(loop, name, ...)                                        \
	do {                                                              \
		struct gmb_loop *loop__ = (loop);                         \
		struct gmb__strand *self__ = loop__->current;             \
									  \
		if (GMB__OBSERVE && gmb__unlikely(loop__->hooks) &&       \
		    loop__->hooks->name) {                                \
			loop__->current = NULL;                           \
			loop__->hooks->name(loop__->hooks->user,          \
					    __VA_ARGS__);                 \
			loop__->current = self__;                         \
		}                                                         \
	} while (0)

#endif
