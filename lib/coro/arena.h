/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * An arena: one mapping, cut into slots of one size, each a guard with a stack
 * above it.
 *
 *	base                                              base + bytes
 *	| guard |   stack 0   | guard |   stack 1   | ...          |
 *	|<----- stride ------>|
 *
 * A slot is in one of three states.  *Fresh*: never used; these are the slots
 * from @fresh on.  *Cold*: guarded, its pages were given back;
 * its bit in @cold is set.  *Taken*: everything else, counted by @taken; that a
 * taken slot may be lying in a cache is not the arena's business.
 *
 * One thread only, except that the overflow handler may interrupt that thread
 * anywhere and read @next, @base, @bytes, @stride, @size and @slots, which
 * therefore do not change while an arena is in a list.
 */
#ifndef GMB_LIB_CORO_ARENA_H
#define GMB_LIB_CORO_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct gmb__arena - a mapping cut into stacks
 * @next:   next in the owner's list
 * @pprev:  what points to this one in that list
 * @base:   the mapping
 * @bytes:  its size
 * @stride: bytes per slot, guard included
 * @size:   bytes of a stack
 * @class:  the owner's note, which of its lists this is in
 * @slots:  how many
 * @fresh:  the first one that was never used
 * @guarded: the first one that has no guard; guards are made in advance, the
 *          more the more there are
 * @taken:  how many are in use
 * @colds:  how many bits of @cold are set
 * @splits: guards that are to be released with gmb__guard_release()
 * @hint:   no word of @cold below this one has a bit set
 * @queued: is in the owner's list of arenas that have marked slots
 * @queue:  next in that list
 * @marked: a bit per slot, to be made cold by gmb__arena_chill()
 * @cold:   a bit per slot
 */
struct gmb__arena {
	struct gmb__arena	*next;
	struct gmb__arena	**pprev;
	char			*base;
	size_t			bytes;
	size_t			stride;
	size_t			size;
	unsigned int		class;
	unsigned int		slots;
	unsigned int		fresh;
	unsigned int		guarded;
	unsigned int		taken;
	unsigned int		colds;
	unsigned int		splits;
	unsigned int		hint;
	bool			queued;
	struct gmb__arena	*queue;
	uint64_t		*marked;
	uint64_t		cold[];
};

/**
 * gmb__arena_new() - map an arena
 * @size:  bytes of a stack, whole pages
 * @slots: how many are wanted, at least 1; fewer are made when the address
 *         space has no room for all of them
 *
 * Context: any thread.  A few system calls.
 * Return: an arena in no list; NULL when not even one slot could be had.
 */
struct gmb__arena *gmb__arena_new(size_t size, unsigned int slots);

/**
 * gmb__arena_free() - unmap an arena with everything in it
 * @arena: in no list
 *
 * Context: any thread.  One system call.
 */
void gmb__arena_free(struct gmb__arena *arena);

/**
 * gmb__arena_full() - tell whether every slot is taken
 * @arena: any
 *
 * Return: true if gmb__arena_take() would find nothing.
 */
static inline bool gmb__arena_full(const struct gmb__arena *arena)
{
	return arena->colds == 0 && arena->fresh == arena->slots;
}

/**
 * gmb__arena_take() - take a slot
 * @arena: not full
 * @slot:  [out] its number
 *
 * Its pages are zero or, if the kernel would not take them back, hold what they
 * held.  Context: the owner's thread.  A system call for a fresh slot.
 * Return: 0; -ENOMEM when its guard could not be made for want of memory.
 */
int gmb__arena_take(struct gmb__arena *arena, unsigned int *slot);

/**
 * gmb__arena_mark() - say that a taken slot is to become cold
 * @arena: any
 * @slot:  taken
 *
 * Context: the owner's thread.
 */
void gmb__arena_mark(struct gmb__arena *arena, unsigned int slot);

/**
 * gmb__arena_chill() - give back the pages of all marked slots
 * @arena: any
 *
 * Context: the owner's thread.  A system call for each run of neighbours.
 */
void gmb__arena_chill(struct gmb__arena *arena);

/**
 * gmb__arena_stack() - where the stack in a slot begins
 * @arena: any
 * @slot:  less than @arena->slots
 *
 * Return: its lowest address; @arena->size bytes from there are the stack.
 */
static inline char *gmb__arena_stack(const struct gmb__arena *arena,
				     unsigned int slot)
{
	return arena->base + slot * arena->stride +
	       (arena->stride - arena->size);
}

/**
 * gmb__arena_slot() - which slot an address lies in
 * @arena:   any
 * @address: inside the arena's mapping
 *
 * Return: the number of the slot whose guard or stack holds @address.
 */
static inline unsigned int gmb__arena_slot(const struct gmb__arena *arena,
					   const char *address)
{
	return (unsigned int)((size_t)(address - arena->base) / arena->stride);
}

/* Put an arena into a list whose head is @head, and take it out again. */
void gmb__arena_link(struct gmb__arena *arena, struct gmb__arena **head);
void gmb__arena_unlink(struct gmb__arena *arena);

#endif /* GMB_LIB_CORO_ARENA_H */
