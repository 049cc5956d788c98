/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * A stand-in for libcheck where there is none: cross builds, whose packages a
 * build machine cannot install beside its own. It has the part of libcheck's
 * interface that the unit tests use, forks every test as libcheck does, and
 * prints TAP. CK_RUN_CASE, CK_FORK=no and CK_TIMEOUT_MULTIPLIER are obeyed.
 */
#ifndef GMB_TEST_CROSS_CHECK_H
#define GMB_TEST_CROSS_CHECK_H

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Suite Suite;
typedef struct TCase TCase;
typedef struct SRunner SRunner;

typedef struct TTest {
	const char *name;
	const char *file;
	void (*fn)(int i);
} TTest;

enum print_output { CK_SILENT, CK_MINIMAL, CK_NORMAL, CK_VERBOSE, CK_ENV };

#define START_TEST(test)                                                       \
	static void test##_fn(int _i);                                         \
	static const TTest test##_ttest = { #test, __FILE__, test##_fn };      \
	static const TTest *const test = &test##_ttest;                        \
	static void test##_fn(int _i __attribute__((unused)))
#define END_TEST

Suite *suite_create(const char *name);
void suite_add_tcase(Suite *suite, TCase *tcase);

TCase *tcase_create(const char *name);
void tcase_set_timeout(TCase *tcase, double seconds);
void tcase_add_checked_fixture(TCase *tcase, void (*setup)(void),
			       void (*teardown)(void));
void tcase_add_unchecked_fixture(TCase *tcase, void (*setup)(void),
				 void (*teardown)(void));

/* Run @test for i in [@start, @end), expecting a signal or an exit status. */
void tcase_add_runs(TCase *tcase, const TTest *test, int signal, int status,
		    int start, int end);

#define tcase_add_test(tc, t) tcase_add_runs(tc, t, 0, 0, 0, 1)
#define tcase_add_loop_test(tc, t, s, e) tcase_add_runs(tc, t, 0, 0, s, e)
#define tcase_add_test_raise_signal(tc, t, n) tcase_add_runs(tc, t, n, 0, 0, 1)
#define tcase_add_loop_test_raise_signal(tc, t, n, s, e) \
	tcase_add_runs(tc, t, n, 0, s, e)
#define tcase_add_exit_test(tc, t, x) tcase_add_runs(tc, t, 0, x, 0, 1)
#define tcase_add_loop_exit_test(tc, t, x, s, e) \
	tcase_add_runs(tc, t, 0, x, s, e)

SRunner *srunner_create(Suite *suite);
void srunner_add_suite(SRunner *runner, Suite *suite);
void srunner_set_tap(SRunner *runner, const char *path);
void srunner_run_all(SRunner *runner, enum print_output output);
int srunner_ntests_failed(SRunner *runner);
void srunner_free(SRunner *runner);

__attribute__((noreturn, format(printf, 3, 4))) void
ck_fail(const char *file, int line, const char *format, ...);

#define ck_abort_msg(...) ck_fail(__FILE__, __LINE__, __VA_ARGS__)
#define ck_abort() ck_fail(__FILE__, __LINE__, "Failed")
#define ck_assert(e) ck_assert_text(e, "Assertion '%s' failed", #e)
#define ck_assert_msg(e, ...) ck_assert_text(e, __VA_ARGS__)
#define ck_assert_text(e, ...)                                                 \
	do {                                                                   \
		if (!(e))                                                      \
			ck_fail(__FILE__, __LINE__, __VA_ARGS__);              \
	} while (0)
#define mark_point() ((void)0)

#define ck_assert_as(type, format, x, op, y)                                   \
	do {                                                                   \
		type ck_x = (x);                                               \
		type ck_y = (y);                                               \
		ck_assert_text(ck_x op ck_y,                                   \
			       "Assertion '%s' failed: %s == " format          \
			       ", %s == " format,                              \
			       #x " " #op " " #y, #x, ck_x, #y, ck_y);         \
	} while (0)

#define ck_assert_int(x, op, y) ck_assert_as(intmax_t, "%" PRIdMAX, x, op, y)
#define ck_assert_int_eq(x, y) ck_assert_int(x, ==, y)
#define ck_assert_int_ne(x, y) ck_assert_int(x, !=, y)
#define ck_assert_int_lt(x, y) ck_assert_int(x, <, y)
#define ck_assert_int_le(x, y) ck_assert_int(x, <=, y)
#define ck_assert_int_gt(x, y) ck_assert_int(x, >, y)
#define ck_assert_int_ge(x, y) ck_assert_int(x, >=, y)

#define ck_assert_uint(x, op, y) ck_assert_as(uintmax_t, "%" PRIuMAX, x, op, y)
#define ck_assert_uint_eq(x, y) ck_assert_uint(x, ==, y)
#define ck_assert_uint_ne(x, y) ck_assert_uint(x, !=, y)
#define ck_assert_uint_lt(x, y) ck_assert_uint(x, <, y)
#define ck_assert_uint_le(x, y) ck_assert_uint(x, <=, y)
#define ck_assert_uint_gt(x, y) ck_assert_uint(x, >, y)
#define ck_assert_uint_ge(x, y) ck_assert_uint(x, >=, y)

#define ck_assert_ptr(x, op, y) ck_assert_as(const void *, "%p", x, op, y)
#define ck_assert_ptr_eq(x, y) ck_assert_ptr(x, ==, y)
#define ck_assert_ptr_ne(x, y) ck_assert_ptr(x, !=, y)
#define ck_assert_ptr_null(x) ck_assert_ptr(x, ==, NULL)
#define ck_assert_ptr_nonnull(x) ck_assert_ptr(x, !=, NULL)

#define ck_assert_double(x, op, y) ck_assert_as(double, "%g", x, op, y)
#define ck_assert_double_eq(x, y) ck_assert_double(x, ==, y)
#define ck_assert_double_lt(x, y) ck_assert_double(x, <, y)
#define ck_assert_double_le(x, y) ck_assert_double(x, <=, y)
#define ck_assert_double_gt(x, y) ck_assert_double(x, >, y)
#define ck_assert_double_ge(x, y) ck_assert_double(x, >=, y)
#define ck_assert_double_eq_tol(x, y, t) \
	ck_assert_text(fabs((x) - (y)) < (t), "'%s' is not near '%s'", #x, #y)

#define ck_assert_str(x, op, y)                                                \
	do {                                                                   \
		const char *ck_x = (x);                                        \
		const char *ck_y = (y);                                        \
		ck_assert_text(ck_x && ck_y && strcmp(ck_x, ck_y) op 0,        \
			       "Assertion '%s' failed: \"%s\", \"%s\"",        \
			       #x " " #op " " #y, ck_x ? ck_x : "(null)",      \
			       ck_y ? ck_y : "(null)");                        \
	} while (0)
#define ck_assert_str_eq(x, y) ck_assert_str(x, ==, y)
#define ck_assert_str_ne(x, y) ck_assert_str(x, !=, y)

#define ck_assert_mem_eq(x, y, n) \
	ck_assert_text(memcmp(x, y, n) == 0, "'%s' differs from '%s'", #x, #y)
#define ck_assert_mem_ne(x, y, n) \
	ck_assert_text(memcmp(x, y, n) != 0, "'%s' is the same as '%s'", #x, #y)

#endif
