/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * A clock for moments within a turn: the processor's own counter, set by the
 * system's clock every now and then, between two turns.
 *
 * Reading the system's clock takes eighty instructions, and observation has to
 * read one for each step. What has passed since it was last read the time stamp
 * counter tells in eight.
 *
 * The counter is used only where the kernel itself keeps the time by it, which
 * it does only as long as all processors count alike. How long a tick is comes
 * from comparing both clocks; if a turn shows that they do not agree (the
 * machine slept, or was moved to another one), that begins anew. Until it is
 * known, and everywhere else, the system's clock is read.
 */
#ifndef GMB_LOOP_TICK_H
#define GMB_LOOP_TICK_H

#include <stdbool.h>
#include <stdint.h>
#include <giambio/base.h>
#include "coro/compiler.h"

#if defined(__x86_64__) && !defined(__ILP32__)
#define GMB__TICKS	1
#else
#define GMB__TICKS	0
#endif

/* How often it is set, and for how long the counter is relied on. */
#define GMB__TICK_DUE		(5 * GMB_MS)
#define GMB__TICK_LONG		(10 * GMB_MS)

/**
 * struct gmb__tick - the counter beside the clock
 * @length:      of a tick in ns, in units of 2^-32; 0: not known
 * @ticks:       the counter when the clock was read
 * @time:        what it said
 * @first_ticks: the counter where the comparison began
 * @first_time:  the clock there; 0: nowhere
 * @span:        how long the comparison took that gave @length
 */
struct gmb__tick {
	uint64_t length;
	uint64_t ticks;
	gmb_time time;
	uint64_t first_ticks;
	gmb_time first_time;
	gmb_time span;
};

static inline uint64_t gmb__tick_count(void)
{
#if GMB__TICKS
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

/* The time now; @tick->length is known. */
static inline gmb_time gmb__tick_now(const struct gmb__tick *tick)
{
	unsigned __int128 passed = gmb__tick_count() - tick->ticks;

	return tick->time + (gmb_time)(passed * tick->length >> 32);
}

static inline bool gmb__tick_is_due(const struct gmb__tick *tick, gmb_time now)
{
	return GMB__TICKS && now - tick->time >= GMB__TICK_DUE;
}

/**
 * gmb__tick_set() - set the counter by the clock
 * @tick: zeroed at first
 *
 * Context: the loop's thread. Reads a file the first time in a process.
 */
void gmb__tick_set(struct gmb__tick *tick);

#endif
