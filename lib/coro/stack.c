/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Pools of stacks.  See stack.h; arena.c has the mappings.
 *
 * The pools of a thread are in a list that only this thread changes.  Its
 * overflow handler may read the list in the midst of a change, so that every
 * link is made whole before it is published.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "coro/arena.h"
#include "coro/compiler.h"
#include "coro/mem.h"
#include "coro/overflow.h"
#include "coro/stack.h"

#if GMB__ASAN
#include <sanitizer/asan_interface.h>
#endif
#if GMB__VALGRIND
#include <valgrind/memcheck.h>
#endif

#define CACHE_LINE		64u
#define COLOURS			16u

/* Of address space: the first arena of a class, and the largest. */
#define ARENA_SLOTS_MIN		8u
#define ARENA_BYTES_MAX		((size_t)256 * 1024 * 1024)

/* Of warm stacks that are always tolerated, if all were touched wholly. */
#define WARM_BYTES		((size_t)256 * 1024 * 1024)

/* How far above its lower end a stack may overflow: less than a frame. */
#define NEAR_BYTES		4096u

/* In gmb__arena.class: not in a class, but alone in its mapping. */
#define CLASS_HUGE		GMB__STACK_CLASSES

/**
 * struct gmb__stack_foot - the pool's words at the top of a stack
 * @owner:    name of the task, or NULL; valid while in use
 * @next:     next older warm stack; valid while warm
 * @arena:    where it came from
 * @base:     its lowest address
 * @valgrind: Valgrind's handle, while in use
 */
struct gmb__stack_foot {
	const char		*owner;
	struct gmb__stack_foot	*next;
	struct gmb__arena	*arena;
	char			*base;
#if GMB__VALGRIND
	unsigned int		valgrind;
	unsigned int		pad[3];
#endif
};

_Static_assert(sizeof(struct gmb__stack_foot) % 16 == 0,
	       "the stack begins below the foot and must be aligned");

/* The pools of this thread. */
static gmb__thread_local struct gmb__stack_pool *pools;

static struct gmb__stack_foot *foot_of(const struct gmb__arena *arena,
				       unsigned int slot)
{
	size_t colour = slot % COLOURS * CACHE_LINE;
	char *end = gmb__arena_stack(arena, slot) + arena->size - colour;

	return (struct gmb__stack_foot *)end - 1;
}

static void hand_out(struct gmb__stack_foot *foot, struct gmb__stack *stack)
{
	foot->owner = NULL;
	stack->top = (char *)foot;
	stack->base = foot->base;
	stack->arena = foot->arena;
#if GMB__ASAN
	ASAN_UNPOISON_MEMORY_REGION(stack->base,
				    (size_t)(stack->top - stack->base));
#endif
#if GMB__VALGRIND
	VALGRIND_MAKE_MEM_UNDEFINED(stack->base, stack->top - stack->base);
	foot->valgrind = VALGRIND_STACK_REGISTER(stack->base, stack->top);
#endif
}

/* A dangling pointer to a stack that was put back is an error to be found. */
static struct gmb__stack_foot *take_back(struct gmb__stack *stack)
{
	struct gmb__stack_foot *foot = (struct gmb__stack_foot *)stack->top;

#if GMB__ASAN
	ASAN_POISON_MEMORY_REGION(stack->base,
				  (size_t)(stack->top - stack->base));
#endif
#if GMB__VALGRIND
	VALGRIND_STACK_DEREGISTER(foot->valgrind);
	VALGRIND_MAKE_MEM_NOACCESS(stack->base, stack->top - stack->base);
#endif
	return foot;
}

/* Address space that is unmapped may be mapped again by anyone. */
static void free_arena(struct gmb__arena *arena)
{
#if GMB__ASAN
	ASAN_UNPOISON_MEMORY_REGION(arena->base, arena->bytes);
#endif
	gmb__arena_unlink(arena);
	gmb__arena_free(arena);
}

static unsigned int class_of(size_t size)
{
	if (size <= (size_t)1 << GMB__STACK_MIN_SHIFT)
		return 0;
	return 64u - (unsigned int)__builtin_clzll(size - 1) -
	       GMB__STACK_MIN_SHIFT;
}

static size_t class_size(unsigned int class)
{
	size_t size = (size_t)1 << (class + GMB__STACK_MIN_SHIFT);
	size_t page = gmb__mem_page_size();

	return size > page ? size : page;
}

static struct gmb__arena *grow(struct gmb__stack_class *cls, unsigned int class)
{
	size_t size = class_size(class);
	size_t slots = cls->slots;
	struct gmb__arena *arena;

	if (slots > ARENA_BYTES_MAX / size)
		slots = ARENA_BYTES_MAX / size;
	if (slots < ARENA_SLOTS_MIN)
		slots = ARENA_SLOTS_MIN;
	arena = gmb__arena_new(size, (unsigned int)slots);
	if (!arena)
		return NULL;
	arena->class = class;
	cls->slots += arena->slots;
	gmb__arena_link(arena, &cls->arenas);
	return arena;
}

static struct gmb__arena *find_space(struct gmb__stack_class *cls,
				     unsigned int class)
{
	struct gmb__arena *arena = cls->current;

	if (arena && !gmb__arena_full(arena))
		return arena;
	for (arena = cls->arenas; arena; arena = arena->next) {
		if (!gmb__arena_full(arena))
			break;
	}
	if (!arena)
		arena = grow(cls, class);
	cls->current = arena;
	return arena;
}

static struct gmb__stack_foot *take_slot(struct gmb__arena *arena)
{
	struct gmb__stack_foot *foot;
	unsigned int slot;

	if (gmb__arena_take(arena, &slot))
		return NULL;
	foot = foot_of(arena, slot);
	foot->arena = arena;
	foot->base = gmb__arena_stack(arena, slot);
	return foot;
}

static __attribute__((noinline))
int get_cold(struct gmb__stack_class *cls, unsigned int class,
	     struct gmb__stack *stack)
{
	struct gmb__arena *arena = find_space(cls, class);
	struct gmb__stack_foot *foot;

	if (!arena)
		return -ENOMEM;
	foot = take_slot(arena);
	if (!foot)
		return -ENOMEM;
	cls->lives++;
	hand_out(foot, stack);
	return 0;
}

static __attribute__((noinline))
int get_huge(struct gmb__stack_pool *pool, size_t size,
	     struct gmb__stack *stack)
{
	size_t page = gmb__mem_page_size();
	struct gmb__stack_foot *foot;
	struct gmb__arena *arena;

	/* Room for the foot and the colour is not what was asked for. */
	if (__builtin_add_overflow(size, 2 * page - 1, &size))
		return -ENOMEM;
	arena = gmb__arena_new(size & ~(page - 1), 1);
	if (!arena)
		return -ENOMEM;
	arena->class = CLASS_HUGE;
	foot = take_slot(arena);
	if (!foot) {
		gmb__arena_free(arena);
		return -ENOMEM;
	}
	gmb__arena_link(arena, &pool->huge);
	hand_out(foot, stack);
	return 0;
}

int gmb__stack_get(struct gmb__stack_pool *pool, size_t size,
		   struct gmb__stack *stack)
{
	struct gmb__stack_class *cls;
	struct gmb__stack_foot *foot;
	unsigned int class;

	if (!size)
		size = GMB__STACK_DEFAULT;
	if (gmb__unlikely(size > GMB__STACK_MAX_CLASS))
		return get_huge(pool, size, stack);
	class = class_of(size);
	cls = &pool->classes[class];
	foot = cls->warm;
	if (gmb__unlikely(!foot))
		return get_cold(cls, class, stack);
	cls->warm = foot->next;
	cls->warms--;
	cls->lives++;
	hand_out(foot, stack);
	return 0;
}

/* Take the list apart behind its first @keep entries, into the arenas. */
static struct gmb__arena *unlist(struct gmb__stack_class *cls, size_t keep)
{
	struct gmb__stack_foot **link = &cls->warm;
	struct gmb__arena *queue = NULL;
	struct gmb__stack_foot *foot;
	struct gmb__arena *arena;

	for (size_t i = 0; i < keep && *link; i++)
		link = &(*link)->next;
	foot = *link;
	*link = NULL;
	for (; foot; foot = foot->next) {
		arena = foot->arena;
		gmb__arena_mark(arena, gmb__arena_slot(arena, foot->base));
		cls->warms--;
		if (arena->queued)
			continue;
		arena->queued = true;
		arena->queue = queue;
		queue = arena;
	}
	return queue;
}

/* The memory of the older warm stacks goes back to the kernel. */
static __attribute__((noinline))
void trim(struct gmb__stack_class *cls, size_t keep)
{
	struct gmb__arena *arena = unlist(cls, keep);
	struct gmb__arena *next;

	for (; arena; arena = next) {
		next = arena->queue;
		arena->queued = false;
		gmb__arena_chill(arena);
		if (arena->taken)
			continue;
		if (cls->current == arena)
			cls->current = NULL;
		cls->slots -= arena->slots;
		free_arena(arena);
	}
}

void gmb__stack_put(struct gmb__stack_pool *pool, struct gmb__stack *stack)
{
	unsigned int class = stack->arena->class;
	struct gmb__stack_class *cls;
	struct gmb__stack_foot *foot;

	foot = take_back(stack);
	if (gmb__unlikely(class == CLASS_HUGE)) {
		free_arena(stack->arena);
		return;
	}
	cls = &pool->classes[class];
	foot->next = cls->warm;
	cls->warm = foot;
	cls->lives--;
	if (gmb__unlikely(++cls->warms > cls->allowed + cls->lives / 2))
		trim(cls, cls->allowed / 2);
}

void gmb__stack_set_owner(struct gmb__stack_pool *pool,
			  struct gmb__stack *stack, const char *name)
{
	struct gmb__stack_foot *foot = (struct gmb__stack_foot *)stack->top;

	(void)pool;
	foot->owner = name;
}

size_t gmb__stack_size(const struct gmb__stack *stack)
{
	return stack->arena->size;
}

void gmb__stack_overrun(const struct gmb__stack *stack)
{
	const struct gmb__stack_foot *foot = (const void *)stack->top;

	gmb__overflow_report(foot->owner, stack->arena->size);
	abort();
}

void gmb__stack_pool_init(struct gmb__stack_pool *pool)
{
	memset(pool, 0, sizeof(*pool));
	for (unsigned int i = 0; i < GMB__STACK_CLASSES; i++)
		pool->classes[i].allowed = WARM_BYTES / class_size(i);
	pool->next = pools;
	pool->pprev = &pools;
	if (pool->next)
		pool->next->pprev = &pool->next;
	__atomic_store_n(&pools, pool, __ATOMIC_RELEASE);
}

static void free_arenas(struct gmb__arena *arena)
{
	struct gmb__arena *next;

	for (; arena; arena = next) {
		next = arena->next;
		free_arena(arena);
	}
}

void gmb__stack_pool_fini(struct gmb__stack_pool *pool)
{
	if (pool->next)
		pool->next->pprev = pool->pprev;
	__atomic_store_n(pool->pprev, pool->next, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < GMB__STACK_CLASSES; i++)
		free_arenas(pool->classes[i].arenas);
	free_arenas(pool->huge);
	memset(pool, 0, sizeof(*pool));
}

void gmb__stack_pool_trim(struct gmb__stack_pool *pool)
{
	for (unsigned int i = 0; i < GMB__STACK_CLASSES; i++)
		trim(&pool->classes[i], 0);
}

static bool fault_in_arena(const struct gmb__arena *arena, uintptr_t address,
			   uintptr_t sp, struct gmb__stack_fault *fault)
{
	size_t offset = address - (uintptr_t)arena->base;
	size_t guard = arena->stride - arena->size;
	unsigned int slot;
	uintptr_t low;

	if (offset >= arena->bytes || offset % arena->stride >= guard)
		return false;
	slot = (unsigned int)(offset / arena->stride);
	/*
	 * Who overflows a stack stands at its lower end, or has passed the
	 * guard by the part of a large frame that was not touched yet.
	 */
	low = (uintptr_t)gmb__arena_stack(arena, slot) - 2 * guard;
	if (sp && sp - low > 2 * guard + NEAR_BYTES)
		return false;
	fault->name = foot_of(arena, slot)->owner;
	fault->size = arena->size;
	return true;
}

static bool fault_in_list(struct gmb__arena *const *head, uintptr_t address,
			  uintptr_t sp, struct gmb__stack_fault *fault)
{
	const struct gmb__arena *arena;

	for (arena = __atomic_load_n(head, __ATOMIC_ACQUIRE); arena;
	     arena = arena->next) {
		if (fault_in_arena(arena, address, sp, fault))
			return true;
	}
	return false;
}

bool gmb__stack_find_fault(const void *address, const void *sp,
			   struct gmb__stack_fault *fault)
{
	uintptr_t a = (uintptr_t)address;
	uintptr_t s = (uintptr_t)sp;
	const struct gmb__stack_pool *pool;

	for (pool = __atomic_load_n(&pools, __ATOMIC_ACQUIRE); pool;
	     pool = pool->next) {
		for (unsigned int i = 0; i < GMB__STACK_CLASSES; i++) {
			if (fault_in_list(&pool->classes[i].arenas, a, s,
					  fault))
				return true;
		}
		if (fault_in_list(&pool->huge, a, s, fault))
			return true;
	}
	return false;
}
