/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include "coro/compiler.h"
#include "coro/mem.h"
#include "loop/timer.h"

/* The children of entry i are i * ARITY + 1 … + ARITY. */
#define ARITY		4
#define FIRST_CAPACITY	64

void gmb__timers_init(struct gmb__timers *timers)
{
	*timers = (struct gmb__timers){ 0 };
}

void gmb__timers_fini(struct gmb__timers *timers)
{
	gmb__mem_free(timers->heap);
	gmb__mem_free(timers->slots);
	gmb__timers_init(timers);
}

/* Order counts round; the distance between two running timers does not. */
static bool before(const struct gmb__timer_entry *a,
		   const struct gmb__timer_entry *b)
{
	if (a->when != b->when)
		return a->when < b->when;
	return (int32_t)(a->order - b->order) < 0;
}

static void place(struct gmb__timers *timers, uint32_t at,
		  struct gmb__timer_entry entry)
{
	timers->heap[at] = entry;
	timers->slots[entry.slot].at = at;
}

/* Put an entry where it belongs at or above a hole. */
static void sift_up(struct gmb__timers *timers, uint32_t at,
		    struct gmb__timer_entry entry)
{
	while (at) {
		uint32_t parent = (at - 1) / ARITY;

		if (!before(&entry, &timers->heap[parent]))
			break;
		place(timers, at, timers->heap[parent]);
		at = parent;
	}
	place(timers, at, entry);
}

static uint32_t least_child(const struct gmb__timers *timers, uint32_t first)
{
	uint32_t end = first + ARITY;
	uint32_t least = first;
	uint32_t i;

	if (end > timers->count)
		end = timers->count;
	for (i = first + 1; i < end; i++)
		if (before(&timers->heap[i], &timers->heap[least]))
			least = i;
	return least;
}

/* Put an entry where it belongs at or below a hole. */
static void sift_down(struct gmb__timers *timers, uint32_t at,
		      struct gmb__timer_entry entry)
{
	uint32_t child;

	while ((child = at * ARITY + 1) < timers->count) {
		child = least_child(timers, child);
		if (!before(&timers->heap[child], &entry))
			break;
		place(timers, at, timers->heap[child]);
		at = child;
	}
	place(timers, at, entry);
}

/* Slot 0 is never handed out, so slots are one more than entries. */
static int grow(struct gmb__timers *timers)
{
	uint32_t capacity = timers->capacity ? timers->capacity * 2
					     : FIRST_CAPACITY;
	struct gmb__timer_entry *heap;
	struct gmb__timer_slot *slots;
	uint32_t i;

	if (capacity > UINT32_MAX / ARITY)
		return -ENOMEM;
	heap = gmb__mem_realloc(timers->heap, capacity * sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	timers->heap = heap;
	slots = gmb__mem_realloc(timers->slots,
				 ((size_t)capacity + 1) * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	timers->slots = slots;
	for (i = capacity; i > timers->capacity; i--) {
		slots[i].at = timers->free;
		timers->free = i;
	}
	timers->capacity = capacity;
	return 0;
}

int gmb__timer_start(struct gmb__timers *timers, gmb_time when,
		     gmb__timer_fn fn, void *arg, uint32_t *handle)
{
	struct gmb__timer_entry entry = { .when = when };
	struct gmb__timer_slot *slot;

	if (!timers->free && grow(timers) < 0)
		return -ENOMEM;
	entry.slot = timers->free;
	entry.order = timers->order++;
	slot = &timers->slots[entry.slot];
	timers->free = slot->at;
	slot->fn = fn;
	slot->arg = arg;
	sift_up(timers, timers->count++, entry);
	*handle = entry.slot;
	return 0;
}

void gmb__timer_stop(struct gmb__timers *timers, uint32_t handle)
{
	uint32_t at = timers->slots[handle].at;
	struct gmb__timer_entry last = timers->heap[--timers->count];

	timers->slots[handle].at = timers->free;
	timers->free = handle;
	if (at == timers->count)
		return;
	if (at && before(&last, &timers->heap[(at - 1) / ARITY]))
		sift_up(timers, at, last);
	else
		sift_down(timers, at, last);
}

unsigned int gmb__timers_expire(struct gmb__timers *timers, gmb_time now)
{
	unsigned int fired = 0;

	while (timers->count && timers->heap[0].when <= now) {
		uint32_t handle = timers->heap[0].slot;
		struct gmb__timer_slot slot = timers->slots[handle];

		gmb__timer_stop(timers, handle);
		slot.fn(slot.arg);
		fired++;
	}
	return fired;
}
