/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Arenas of stacks.  See arena.h.
 */
#include <errno.h>
#include <sys/mman.h>

#include "coro/arena.h"
#include "coro/compiler.h"
#include "coro/guard.h"
#include "coro/mem.h"

#define WORD_BITS	64u

/* Of the guards there are, the part that is made in advance at once. */
#define ROW_SHARE	8u

/*
 * Nothing is reserved: a stack is mostly never touched.  Huge pages are
 * refused, or the first touch of a stack would make 2 MiB resident.
 */
static char *map_slots(size_t bytes)
{
	char *base = gmb__mem_map(bytes, MAP_NORESERVE | MAP_STACK);

	if (base)
		madvise(base, bytes, MADV_NOHUGEPAGE);
	return base;
}

struct gmb__arena *gmb__arena_new(size_t size, unsigned int slots)
{
	unsigned int words = (slots + WORD_BITS - 1) / WORD_BITS;
	struct gmb__arena *arena;

	arena = gmb__mem_zalloc(1, sizeof(*arena) +
				2 * words * sizeof(arena->cold[0]));
	if (!arena)
		return NULL;
	arena->marked = arena->cold + words;
	arena->size = size;
	if (__builtin_add_overflow(size, gmb__guard_size(), &arena->stride))
		goto err_arena;
	for (arena->slots = slots; arena->slots; arena->slots /= 2) {
		if (__builtin_mul_overflow(arena->stride, arena->slots,
					   &arena->bytes))
			continue;
		arena->base = map_slots(arena->bytes);
		if (arena->base)
			return arena;
	}
err_arena:
	gmb__mem_free(arena);
	return NULL;
}

void gmb__arena_free(struct gmb__arena *arena)
{
	gmb__mem_unmap(arena->base, arena->bytes);
	gmb__guard_release(arena->splits);
	gmb__mem_free(arena);
}

static unsigned int take_cold(struct gmb__arena *arena)
{
	unsigned int word = arena->hint;
	unsigned int bit;

	while (!arena->cold[word])
		word++;
	bit = (unsigned int)__builtin_ctzll(arena->cold[word]);
	arena->cold[word] &= arena->cold[word] - 1;
	arena->colds--;
	arena->hint = word;
	return word * WORD_BITS + bit;
}

/* Guards cost page tables: a few more than needed, never many more. */
static int make_guards(struct gmb__arena *arena)
{
	unsigned int row = arena->guarded / ROW_SHARE;
	char *first = arena->base + arena->guarded * arena->stride;
	size_t size = arena->stride - arena->size;
	int kind;

	if (row > GMB__GUARD_ROW_MAX)
		row = GMB__GUARD_ROW_MAX;
	if (row > arena->slots - arena->guarded)
		row = arena->slots - arena->guarded;
	if (row > 1)
		row = gmb__guard_install_row(first, size, arena->stride, row);
	if (row > 1) {
		arena->guarded += row;
		return 0;
	}
	kind = gmb__guard_install(first, size);
	if (kind < 0)
		return kind;
	arena->splits += kind == GMB__GUARD_SPLIT;
	arena->guarded++;
	return 0;
}

int gmb__arena_take(struct gmb__arena *arena, unsigned int *slot)
{
	int err;

	if (arena->colds) {
		*slot = take_cold(arena);
	} else {
		err = arena->fresh < arena->guarded ? 0 : make_guards(arena);
		if (err)
			return err;
		*slot = arena->fresh++;
	}
	arena->taken++;
	return 0;
}

void gmb__arena_mark(struct gmb__arena *arena, unsigned int slot)
{
	arena->marked[slot / WORD_BITS] |= 1ull << (slot % WORD_BITS);
}

static bool is_marked(const struct gmb__arena *arena, unsigned int slot)
{
	return arena->marked[slot / WORD_BITS] >> (slot % WORD_BITS) & 1;
}

/*
 * Guards between neighbours lie in the range as well, and survive.  The kernel
 * refuses when memory is locked; then the pages stay, which is what locking
 * asked for.
 */
static void chill_run(struct gmb__arena *arena, unsigned int first,
		      unsigned int end)
{
	char *from = gmb__arena_stack(arena, first);
	char *to = gmb__arena_stack(arena, end - 1) + arena->size;

	madvise(from, (size_t)(to - from), MADV_DONTNEED);
	arena->taken -= end - first;
	arena->colds += end - first;
}

void gmb__arena_chill(struct gmb__arena *arena)
{
	unsigned int words = (arena->fresh + WORD_BITS - 1) / WORD_BITS;
	unsigned int slot = 0;
	unsigned int first;

	while (slot < arena->fresh) {
		if (!arena->marked[slot / WORD_BITS]) {
			slot = (slot / WORD_BITS + 1) * WORD_BITS;
			continue;
		}
		first = slot;
		while (slot < arena->fresh && is_marked(arena, slot))
			slot++;
		if (slot > first)
			chill_run(arena, first, slot);
		else
			slot++;
	}
	for (unsigned int word = 0; word < words; word++) {
		arena->cold[word] |= arena->marked[word];
		arena->marked[word] = 0;
	}
	arena->hint = 0;
}

void gmb__arena_link(struct gmb__arena *arena, struct gmb__arena **head)
{
	arena->next = *head;
	arena->pprev = head;
	if (arena->next)
		arena->next->pprev = &arena->next;
	/* The overflow handler follows the list: whole before it is seen. */
	__atomic_store_n(head, arena, __ATOMIC_RELEASE);
}

void gmb__arena_unlink(struct gmb__arena *arena)
{
	if (arena->next)
		arena->next->pprev = arena->pprev;
	__atomic_store_n(arena->pprev, arena->next, __ATOMIC_RELEASE);
}
