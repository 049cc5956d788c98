/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The timer heap: order, stops in the middle, growth, and no memory.
 */
#include "harness.h"
#include "coro/mem.h"
#include "loop/timer.h"

Suite *test_timer_suite(void);

#define MANY 5000

struct shot {
	int number;
	int fired;
	uint32_t handle;
	gmb_time when;
};

static struct shot shots[MANY];
static int sequence[MANY];
static int fired;

static void fire(void *arg)
{
	struct shot *shot = arg;

	shot->fired++;
	sequence[fired++] = shot->number;
}

static void start(struct gmb__timers *t, int i, gmb_time when)
{
	shots[i] = (struct shot){ .number = i, .when = when };
	check_is(gmb__timer_start(t, when, fire, &shots[i], &shots[i].handle),
		 0);
	check_that(shots[i].handle);
}

START_TEST(timers_fire_in_order_and_equal_ones_in_order_of_start)
{
	struct gmb__timers t;
	int i;

	gmb__timers_init(&t);
	check_is(gmb__timers_next(&t), GMB_NEVER);
	for (i = 0; i < MANY; i++)
		start(&t, i, (i * 7919) % 100);
	check_is(gmb__timers_next(&t), 0);
	check_is(gmb__timers_expire(&t, 49), MANY / 2);
	check_is(gmb__timers_next(&t), 50);
	check_is(gmb__timers_expire(&t, 1000), MANY / 2);
	for (i = 1; i < MANY; i++) {
		struct shot *a = &shots[sequence[i - 1]];
		struct shot *b = &shots[sequence[i]];

		check_that(a->when < b->when ||
			   (a->when == b->when && a->number < b->number));
	}
	gmb__timers_fini(&t);
}
END_TEST

START_TEST(stopped_timers_do_not_fire_and_the_others_do)
{
	unsigned int seed = 12345;
	struct gmb__timers t;
	int i, stopped = 0;

	gmb__timers_init(&t);
	for (i = 0; i < MANY; i++)
		start(&t, i, rand_r(&seed) % 1000);
	for (i = 0; i < MANY; i += 1 + rand_r(&seed) % 3) {
		gmb__timer_stop(&t, shots[i].handle);
		shots[i].handle = 0;
		stopped++;
	}
	check_is(gmb__timers_expire(&t, 1000), MANY - stopped);
	for (i = 0; i < MANY; i++)
		check_is(shots[i].fired, shots[i].handle ? 1 : 0);
	for (i = 1; i < MANY - stopped; i++)
		check_that(shots[sequence[i - 1]].when <=
			   shots[sequence[i]].when);
	gmb__timers_fini(&t);
}
END_TEST

static struct gmb__timers *again;

static void start_again(void *arg)
{
	struct shot *shot = arg;

	if (++shot->fired < 3)
		check_is(gmb__timer_start(again, shot->when + 10, start_again,
					  shot, &shot->handle), 0);
}

START_TEST(timer_may_be_started_by_a_timer)
{
	struct shot shot = { .when = 5 };
	struct gmb__timers t;

	gmb__timers_init(&t);
	again = &t;
	check_is(gmb__timer_start(&t, 5, start_again, &shot, &shot.handle), 0);
	check_is(gmb__timers_expire(&t, 14), 1);
	check_is(gmb__timers_expire(&t, 15), 2);
	check_is(shot.fired, 3);
	gmb__timers_fini(&t);
}
END_TEST

START_TEST(no_memory_is_an_error_that_changes_nothing)
{
	uint32_t handle = 0;
	struct gmb__timers t;
	struct shot shot = { 0 };
	int n, i;

	for (n = 0; n < 2; n++) {
		handle = 0;
		gmb__timers_init(&t);
		for (i = 0; i < 64; i++)
			start(&t, i, i);
		gmb__mem_fail_after(n);
		check_is(gmb__timer_start(&t, 1, fire, &shot, &handle),
			 -ENOMEM);
		gmb__mem_fail_after(-1);
		check_is(handle, 0);
		check_is(gmb__timer_start(&t, 1, fire, &shot, &handle), 0);
		fired = 0;
		check_is(gmb__timers_expire(&t, 100), 65);
		gmb__timers_fini(&t);
	}
}
END_TEST

Suite *test_timer_suite(void)
{
	Suite *suite = suite_create("timer");
	TCase *tc = tcase_create("timer");

	tcase_add_test(tc,
		       timers_fire_in_order_and_equal_ones_in_order_of_start);
	tcase_add_test(tc, stopped_timers_do_not_fire_and_the_others_do);
	tcase_add_test(tc, timer_may_be_started_by_a_timer);
	tcase_add_test(tc, no_memory_is_an_error_that_changes_nothing);
	suite_add_tcase(suite, tc);
	return suite;
}
