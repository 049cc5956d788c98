/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Stacks: sizes, reuse, guards, masses of them, and no memory for them.
 *
 * Where many are in use each carries its own number at both ends, so that two
 * that overlap, or one that is handed out twice, are seen.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coro/guard.h"
#include "coro/mem.h"
#include "coro/stack.h"

Suite *test_stack_suite(void);

#define WATCHED (GMB__ASAN || GMB__TSAN || GMB__VALGRIND)

/* The stand-in for libcheck means an emulator, whose own memory counts too. */
#ifdef GMB_TEST_CROSS_CHECK_H
#define EMULATED 1
#else
#define EMULATED 0
#endif

/* Under a tool that sees every access, fewer tell as much. */
#define MANY (WATCHED || EMULATED ? 2000 : 100000)

static struct gmb__stack_pool pool;

static void *number_at(char *address)
{
	return address;
}

static void sign(struct gmb__stack *stack, uint64_t number, bool both_ends)
{
	memcpy(number_at(stack->top - sizeof(number)), &number,
	       sizeof(number));
	if (both_ends)
		memcpy(number_at(stack->base), &number, sizeof(number));
}

static void check_sign(struct gmb__stack *stack, uint64_t number,
		       bool both_ends)
{
	uint64_t found;

	memcpy(&found, number_at(stack->top - sizeof(found)), sizeof(found));
	ck_assert_uint_eq(found, number);
	if (!both_ends)
		return;
	memcpy(&found, number_at(stack->base), sizeof(found));
	ck_assert_uint_eq(found, number);
}

START_TEST(sizes_are_at_least_what_was_asked_for)
{
	static const size_t sizes[] = {
		1, 4096, 16384, 16385, 65536, 65537, 100000, 1 << 20,
		(1 << 20) + 1, 5 << 20,
	};
	struct gmb__stack stack;

	gmb__stack_pool_init(&pool);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ck_assert_int_eq(gmb__stack_get(&pool, sizes[i], &stack), 0);
		ck_assert_uint_ge(gmb__stack_size(&stack), sizes[i]);
		/* The foot and the colour take a little of it. */
		ck_assert_int_ge(stack.top - stack.base + 1024 + 64,
				 (long)sizes[i]);
		memset(stack.base, 0x5a, (size_t)(stack.top - stack.base));
		gmb__stack_put(&pool, &stack);
	}
	gmb__stack_pool_fini(&pool);
}
END_TEST

START_TEST(no_size_means_the_default)
{
	struct gmb__stack stack;

	gmb__stack_pool_init(&pool);
	ck_assert_int_eq(gmb__stack_get(&pool, 0, &stack), 0);
	ck_assert_uint_eq(gmb__stack_size(&stack), GMB__STACK_DEFAULT);
	gmb__stack_put(&pool, &stack);
	gmb__stack_pool_fini(&pool);
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
	struct gmb__stack stack = { 0 };

	gmb__stack_pool_init(&pool);
	ck_assert_int_eq(gmb__stack_get(&pool, SIZE_MAX, &stack), -ENOMEM);
	ck_assert_int_eq(gmb__stack_get(&pool, SIZE_MAX - 8192, &stack),
			 -ENOMEM);
	ck_assert_int_eq(gmb__stack_get(&pool, SIZE_MAX / 4, &stack), -ENOMEM);
	ck_assert_ptr_null(stack.top);
	gmb__stack_pool_fini(&pool);
}
END_TEST

START_TEST(last_put_is_first_got)
{
	struct gmb__stack stacks[3], again;

	gmb__stack_pool_init(&pool);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(gmb__stack_get(&pool, 0, &stacks[i]), 0);
	for (int i = 0; i < 3; i++)
		gmb__stack_put(&pool, &stacks[i]);
	for (int i = 2; i >= 0; i--) {
		ck_assert_int_eq(gmb__stack_get(&pool, 0, &again), 0);
		ck_assert_ptr_eq(again.top, stacks[i].top);
		ck_assert_ptr_eq(again.base, stacks[i].base);
	}
	gmb__stack_pool_fini(&pool);
}
END_TEST

/* Tops that are equal modulo a page share the same sets of the cache. */
START_TEST(tops_are_coloured)
{
	struct gmb__stack stacks[64];
	int lines[64] = { 0 };
	int used = 0;

	gmb__stack_pool_init(&pool);
	for (int i = 0; i < 64; i++) {
		ck_assert_int_eq(gmb__stack_get(&pool, 0, &stacks[i]), 0);
		ck_assert_uint_eq((uintptr_t)stacks[i].top % 16, 0);
		used += !lines[(uintptr_t)stacks[i].top / 64 % 64]++;
	}
	ck_assert_int_ge(used, 16);
	gmb__stack_pool_fini(&pool);
}
END_TEST

/* The child of a fork writes one byte; true if it died of that. */
static bool write_kills(volatile char *address)
{
	struct rlimit no_core = { 0, 0 };
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		setrlimit(RLIMIT_CORE, &no_core);
		*address = 1;
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

/* _i is the kind of guard. */
START_TEST(guards_surround_every_stack)
{
	struct gmb__stack stacks[12];

	gmb__guard_limit(_i);
	gmb__stack_pool_init(&pool);
	for (int i = 0; i < 12; i++) {
		size_t size = i % 2 ? 0 : (size_t)3 << 20;

		ck_assert_int_eq(gmb__stack_get(&pool, size, &stacks[i]), 0);
	}
	for (int i = 0; i < 12; i++) {
		ck_assert(write_kills(stacks[i].base - 1));
		ck_assert(write_kills(stacks[i].base - gmb__guard_size()));
		ck_assert(!write_kills(stacks[i].base));
		ck_assert(!write_kills(stacks[i].top - 1));
	}
	gmb__stack_pool_fini(&pool);
}
END_TEST

/* Memory goes back in ranges over many guards, which must stay. */
START_TEST(guards_survive_trimming)
{
	struct gmb__stack stacks[12];

	gmb__guard_limit(_i);
	gmb__stack_pool_init(&pool);
	for (int i = 0; i < 12; i++)
		ck_assert_int_eq(gmb__stack_get(&pool, 0, &stacks[i]), 0);
	for (int i = 1; i < 12; i++) {
		if (i % 5)
			gmb__stack_put(&pool, &stacks[i]);
	}
	gmb__stack_pool_trim(&pool);
	for (int i = 0; i < 12; i++) {
		if (i % 5)
			ck_assert_int_eq(gmb__stack_get(&pool, 0, &stacks[i]),
					 0);
		ck_assert(write_kills(stacks[i].base - 1));
		sign(&stacks[i], (uint64_t)i, true);
	}
	for (int i = 0; i < 12; i++)
		check_sign(&stacks[i], (uint64_t)i, true);
	gmb__stack_pool_fini(&pool);
}
END_TEST

/* More guards than mappings allow: the rest has none, but nothing fails. */
START_TEST(masses_work_with_every_kind_of_guard)
{
	struct gmb__stack *stacks = calloc(MANY, sizeof(*stacks));

	ck_assert_ptr_nonnull(stacks);
	gmb__guard_limit(_i);
	gmb__stack_pool_init(&pool);
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(gmb__stack_get(&pool, 0, &stacks[i]), 0);
		sign(&stacks[i], (uint64_t)i, i % 16 == 0);
	}
	for (int i = 0; i < MANY; i++)
		check_sign(&stacks[i], (uint64_t)i, i % 16 == 0);
	for (int i = 0; i < MANY; i++)
		gmb__stack_put(&pool, &stacks[i]);
	gmb__stack_pool_fini(&pool);
	free(stacks);
}
END_TEST

/* The mappings a pool takes are there again when it is gone. */
START_TEST(split_guards_are_given_back)
{
	struct gmb__stack stack;

	gmb__guard_limit(GMB__GUARD_SPLIT);
	for (int round = 0; round < 2; round++) {
		gmb__stack_pool_init(&pool);
		for (int i = 0; i < (GMB__VALGRIND ? 3000 : 15000); i++)
			ck_assert_int_eq(gmb__stack_get(&pool, 16384, &stack),
					 0);
		ck_assert(write_kills(stack.base - 1));
		gmb__stack_pool_fini(&pool);
	}
}
END_TEST

#define CHURN 500

/* Random sizes, random order; every stack in use keeps its number. */
START_TEST(random_order_confuses_nothing)
{
	static const size_t sizes[] = { 1000, 20000, 0, 0, 0, 300000, 2 << 20 };
	struct gmb__stack stacks[CHURN];
	bool used[CHURN] = { false };
	unsigned int seed = 20261122;
	int steps = WATCHED || EMULATED ? 5000 : 100000;

	gmb__stack_pool_init(&pool);
	pool.classes[0].allowed = 10;
	pool.classes[2].allowed = 10;
	for (int step = 0; step < steps; step++) {
		int i = (int)(rand_r(&seed) % CHURN);

		if (used[i]) {
			check_sign(&stacks[i], (uint64_t)i, true);
			gmb__stack_put(&pool, &stacks[i]);
		} else {
			ck_assert_int_eq(gmb__stack_get(&pool,
					 sizes[rand_r(&seed) % 7],
					 &stacks[i]), 0);
			sign(&stacks[i], (uint64_t)i, true);
		}
		used[i] = !used[i];
	}
	gmb__stack_pool_fini(&pool);
}
END_TEST

#if !WATCHED && !EMULATED
/* Bytes of this process in memory. */
static size_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long size, pages;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%ld %ld", &size, &pages), 2);
	fclose(file);
	return (size_t)pages * gmb__mem_page_size();
}

static size_t memory_available(void)
{
	char line[128];
	size_t kib = 0;
	FILE *file = fopen("/proc/meminfo", "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemAvailable: %zu", &kib) == 1)
			break;
	}
	if (file)
		fclose(file);
	return kib * 1024;
}

/*
 * A million stacks (in check-full; else fewer), or as many as fit into a third
 * of this machine's memory; and the memory is given back, in whatever order
 * they end.
 */
START_TEST(million_stacks_take_a_page_each)
{
	size_t n = memory_available() / 3 / 4096;
	const char *level = getenv("GMB_TEST_LEVEL");
	bool full = level && !strcmp(level, "check-full");
	size_t most = _i && full ? 1000000 : 100000;
	size_t before, peak, step;
	struct gmb__stack *stacks;

	if (n > most)
		n = most;
	/* Coprime with n, so that every stack is visited once. */
	step = _i ? 7919 : 1;
	while (n % 7919 == 0 || n % 2 == 0)
		n--;
	stacks = calloc(n, sizeof(*stacks));
	ck_assert_ptr_nonnull(stacks);
	memset(stacks, 0xff, n * sizeof(*stacks));
	before = resident();
	gmb__stack_pool_init(&pool);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(gmb__stack_get(&pool, 0, &stacks[i]), 0);
		sign(&stacks[i], i, false);
	}
	peak = resident() - before;
	ck_assert_msg(peak <= n * 4300, "%zu bytes per stack", peak / n);
	for (size_t i = 0; i < n; i++)
		check_sign(&stacks[i], i, false);
	for (size_t i = 0, at = 0; i < n; i++, at = (at + step) % n)
		gmb__stack_put(&pool, &stacks[at]);
	ck_assert_uint_le(resident() - before, 64 << 20);
	gmb__stack_pool_trim(&pool);
	ck_assert_uint_le(resident() - before, 4 << 20);
	gmb__stack_pool_fini(&pool);
	free(stacks);
}
END_TEST

START_TEST(exhausted_address_space_is_reported)
{
	struct rlimit limit = { 1 << 30, 1 << 30 };
	struct gmb__stack stack, first;
	int err = 0;
	int n = 0;

	gmb__stack_pool_init(&pool);
	ck_assert_int_eq(gmb__stack_get(&pool, 0, &first), 0);
	sign(&first, 1, true);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	while (!err && n < 100000) {
		err = gmb__stack_get(&pool, 0, &stack);
		n += !err;
	}
	ck_assert_int_eq(err, -ENOMEM);
	/* Arenas became smaller until nothing was left to waste. */
	ck_assert_int_gt(n, (1 << 30) / (80 << 10) * 8 / 10);
	check_sign(&first, 1, true);
	gmb__stack_put(&pool, &first);
	ck_assert_int_eq(gmb__stack_get(&pool, 0, &first), 0);
	gmb__stack_pool_fini(&pool);
}
END_TEST
#endif

/* Every request for memory fails in turn; after each, all works again. */
START_TEST(every_failing_request_is_reported)
{
	static const size_t sizes[] = { 0, 200000, 3 << 20 };
	struct gmb__stack stack;
	long n = 0;
	int failures = 0;

	do {
		gmb__stack_pool_init(&pool);
		gmb__mem_fail_after(n);
		for (int i = 0; i < 30; i++) {
			int err = gmb__stack_get(&pool, sizes[i % 3], &stack);

			if (err) {
				ck_assert_int_eq(err, -ENOMEM);
				failures++;
				ck_assert_int_eq(gmb__stack_get(&pool,
						 sizes[i % 3], &stack), 0);
			}
			sign(&stack, (uint64_t)i, true);
		}
		gmb__stack_pool_fini(&pool);
		n++;
	} while (gmb__mem_fail_after(-1) < 0);
	ck_assert_int_gt(n, 20);
	ck_assert_int_gt(failures, 20);
}
END_TEST

Suite *test_stack_suite(void)
{
	Suite *suite = suite_create("stack");
	TCase *tc = tcase_create("stack");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, sizes_are_at_least_what_was_asked_for);
	tcase_add_test(tc, no_size_means_the_default);
	tcase_add_test(tc, impossible_sizes_are_refused);
	tcase_add_test(tc, last_put_is_first_got);
	tcase_add_test(tc, tops_are_coloured);
	tcase_add_loop_test(tc, guards_surround_every_stack,
			    GMB__GUARD_SPLIT, GMB__GUARD_MARKED + 1);
	tcase_add_loop_test(tc, guards_survive_trimming,
			    GMB__GUARD_SPLIT, GMB__GUARD_MARKED + 1);
	tcase_add_loop_test(tc, masses_work_with_every_kind_of_guard,
			    GMB__GUARD_NONE, GMB__GUARD_MARKED + 1);
	tcase_add_test(tc, split_guards_are_given_back);
	tcase_add_test(tc, random_order_confuses_nothing);
#if !WATCHED && !EMULATED
	tcase_add_loop_test(tc, million_stacks_take_a_page_each, 0, 2);
	tcase_add_test(tc, exhausted_address_space_is_reported);
#endif
	tcase_add_test(tc, every_failing_request_is_reported);
	suite_add_tcase(suite, tc);
	return suite;
}
