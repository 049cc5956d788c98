/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The door to memory: odd sizes, and failure on demand.
 */
#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "coro/compiler.h"
#include "coro/mem.h"

Suite *test_mem_suite(void);

START_TEST(nothing_is_still_an_allocation)
{
	void *a = gmb__mem_alloc(0);
	void *b = gmb__mem_zalloc(0, 8);
	void *c = gmb__mem_zalloc(8, 0);
	void *d = gmb__mem_realloc(NULL, 0);

	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_nonnull(b);
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_nonnull(d);
	gmb__mem_free(a);
	gmb__mem_free(b);
	gmb__mem_free(c);
	gmb__mem_free(d);
	gmb__mem_free(NULL);
	gmb__mem_unmap(NULL, 4096);
}
END_TEST

START_TEST(zalloc_gives_zeroes)
{
	unsigned char *bytes = gmb__mem_zalloc(100, 7);

	ck_assert_ptr_nonnull(bytes);
	for (int i = 0; i < 700; i++)
		ck_assert_int_eq(bytes[i], 0);
	gmb__mem_free(bytes);
}
END_TEST

START_TEST(realloc_keeps_the_contents)
{
	char *text = gmb__mem_alloc(8);

	ck_assert_ptr_nonnull(text);
	strcpy(text, "giambio");
	text = gmb__mem_realloc(text, 100000);
	ck_assert_ptr_nonnull(text);
	ck_assert_str_eq(text, "giambio");
	gmb__mem_free(text);
}
END_TEST

/* A size no machine has; the sanitizers would rather abort than return NULL. */
#if !GMB__ASAN && !GMB__TSAN
START_TEST(impossible_sizes_are_refused)
{
	volatile size_t huge = SIZE_MAX / 2;

	ck_assert_ptr_null(gmb__mem_alloc(huge));
	ck_assert_ptr_null(gmb__mem_zalloc(huge, 4));
	ck_assert_ptr_null(gmb__mem_realloc(NULL, huge));
	ck_assert_ptr_null(gmb__mem_map(huge, 0));
}
END_TEST
#endif

START_TEST(map_gives_zeroed_pages)
{
	size_t size = 3 * gmb__mem_page_size();
	char *pages = gmb__mem_map(size, 0);

	ck_assert_ptr_nonnull(pages);
	ck_assert_uint_eq((uintptr_t)pages % gmb__mem_page_size(), 0);
	for (size_t i = 0; i < size; i++)
		ck_assert_int_eq(pages[i], 0);
	memset(pages, 1, size);
	gmb__mem_unmap(pages, size);
}
END_TEST

/* Ask for one thing of each kind; the number of those that were refused. */
static int ask_for_each(void)
{
	void *a = gmb__mem_alloc(1);
	void *b = gmb__mem_zalloc(1, 1);
	void *c = gmb__mem_realloc(NULL, 1);
	void *d = gmb__mem_map(1, 0);
	int refused = !a + !b + !c + !d;

	gmb__mem_free(a);
	gmb__mem_free(b);
	gmb__mem_free(c);
	gmb__mem_unmap(d, 1);
	return refused;
}

START_TEST(exactly_the_chosen_request_fails)
{
	for (long n = 0; n < 4; n++) {
		ck_assert_int_eq(gmb__mem_fail_after(n), -1);
		ck_assert_int_eq(ask_for_each(), 1);
		ck_assert_int_eq(ask_for_each(), 0);
	}
	ck_assert_int_eq(gmb__mem_fail_after(6), -1);
	ck_assert_int_eq(ask_for_each(), 0);
	ck_assert_int_eq(gmb__mem_fail_after(-1), 2);
	ck_assert_int_eq(ask_for_each(), 0);
}
END_TEST

static void *ask_in_thread(void *refused)
{
	*(int *)refused = ask_for_each();
	return NULL;
}

START_TEST(failure_belongs_to_the_thread)
{
	pthread_t thread;
	int refused = -1;

	gmb__mem_fail_after(0);
	ck_assert_int_eq(pthread_create(&thread, NULL, ask_in_thread,
					&refused), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(refused, 0);
	ck_assert_int_eq(gmb__mem_fail_after(-1), 0);
}
END_TEST

Suite *test_mem_suite(void)
{
	Suite *suite = suite_create("mem");
	TCase *tc = tcase_create("mem");

	tcase_add_test(tc, nothing_is_still_an_allocation);
	tcase_add_test(tc, zalloc_gives_zeroes);
	tcase_add_test(tc, realloc_keeps_the_contents);
#if !GMB__ASAN && !GMB__TSAN
	tcase_add_test(tc, impossible_sizes_are_refused);
#endif
	tcase_add_test(tc, map_gives_zeroed_pages);
	tcase_add_test(tc, exactly_the_chosen_request_fails);
	tcase_add_test(tc, failure_belongs_to_the_thread);
	suite_add_tcase(suite, tc);
	return suite;
}
