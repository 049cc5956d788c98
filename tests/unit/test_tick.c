/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The counter tells the same time as the clock, or is not used.
 */
#include <time.h>
#include "harness.h"
#include "loop/tick.h"

Suite *test_tick_suite(void);

static gmb_time clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * GMB_SEC + ts.tv_nsec;
}

/* Set it as a loop does, until it knows how long a tick is; false: never. */
static bool learn(struct gmb__tick *tick)
{
	gmb_time end = clock_now() + 50 * GMB_MS;

	while (!tick->length && clock_now() < end) {
		usleep(500);
		gmb__tick_set(tick);
	}
	return tick->length;
}

/* The least of several differences: somebody may come between two readings. */
static gmb_time difference(const struct gmb__tick *tick)
{
	gmb_time least = GMB_NEVER, off;
	int i;

	for (i = 0; i < 20; i++) {
		off = clock_now() - gmb__tick_now(tick);
		if (off < 0)
			off = -off;
		if (off < least)
			least = off;
	}
	return least;
}

START_TEST(it_tells_the_time_of_the_clock)
{
	struct gmb__tick tick = { 0 };
	int i;

	if (!learn(&tick))
		return;
	for (i = 0; i < 50; i++) {
		usleep(1000);
		ck_assert_int_lt(difference(&tick), 20 * GMB_US);
		gmb__tick_set(&tick);
		if (!tick.length && !learn(&tick))
			return;
	}
	/* It has been compared for a while, and is exact. */
	ck_assert_int_lt(difference(&tick), 5 * GMB_US);
}
END_TEST

START_TEST(it_is_given_up_when_it_does_not_agree)
{
	struct gmb__tick tick = { 0 };

	if (!learn(&tick))
		return;
	tick.length += tick.length / 16;
	usleep(2000);
	gmb__tick_set(&tick);
	ck_assert_uint_eq(tick.length, 0);
	/* And begins anew. */
	ck_assert_int_eq(learn(&tick), 1);
	ck_assert_int_lt(difference(&tick), 20 * GMB_US);
}
END_TEST

START_TEST(it_is_due_once_in_a_while)
{
	struct gmb__tick tick = { .time = 5 * GMB_SEC };

	ck_assert(!gmb__tick_is_due(&tick, 5 * GMB_SEC + 1));
	ck_assert_int_eq(gmb__tick_is_due(&tick, 6 * GMB_SEC), GMB__TICKS);
}
END_TEST

Suite *test_tick_suite(void)
{
	Suite *suite = suite_create("tick");
	TCase *tc = tcase_create("tick");

	tcase_add_test(tc, it_tells_the_time_of_the_clock);
	tcase_add_test(tc, it_is_given_up_when_it_does_not_agree);
	tcase_add_test(tc, it_is_due_once_in_a_while);
	suite_add_tcase(suite, tc);
	return suite;
}
