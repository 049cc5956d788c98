/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Timers: a four-ary heap of (when, order, slot).
 *
 * A timer is known by its handle, a slot number that is never 0. The heap moves
 * entries of 16 bytes and the slot table says where in the heap a slot stands,
 * so moving touches two dense arrays and never the memory of the sleepers: with
 * a million of them that is the difference between the cache and the RAM.
 * Timers of the same time fire in the order in which they were started.
 */
#ifndef GMB_LOOP_TIMER_H
#define GMB_LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <giambio/base.h>

typedef void (*gmb__timer_fn)(void *arg);

struct gmb__timer_entry {
	gmb_time when;
	uint32_t order;
	uint32_t slot;
};

/* A slot in use, or a link in the list of free ones. */
struct gmb__timer_slot {
	gmb__timer_fn fn;
	void *arg;
	uint32_t at;	/* index in the heap, or the next free slot */
};

struct gmb__timers {
	struct gmb__timer_entry *heap;
	struct gmb__timer_slot *slots;
	uint32_t count;
	uint32_t capacity;
	uint32_t free;		/* first free slot, 0 if none */
	uint32_t order;
};

void gmb__timers_init(struct gmb__timers *timers);
void gmb__timers_fini(struct gmb__timers *timers);

/**
 * gmb__timer_start() - call a function when a time has come
 * @timers: the loop's
 * @when:   absolute
 * @fn:     called once; the handle is free by then
 * @arg:    handed to @fn
 * @handle: [out] for gmb__timer_stop(); never 0
 *
 * Return: 0; -ENOMEM.
 */
int gmb__timer_start(struct gmb__timers *timers, gmb_time when,
		     gmb__timer_fn fn, void *arg, uint32_t *handle);

/* Forget a timer that has not fired. */
void gmb__timer_stop(struct gmb__timers *timers, uint32_t handle);

/* When the next timer is due; GMB_NEVER if there is none. */
static inline gmb_time gmb__timers_next(const struct gmb__timers *timers)
{
	return timers->count ? timers->heap[0].when : GMB_NEVER;
}

/* Fire what is due at that time; returns how many fired. */
unsigned int gmb__timers_expire(struct gmb__timers *timers, gmb_time now);

#endif
