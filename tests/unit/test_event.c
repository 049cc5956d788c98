/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Events: one trigger, all wake, the value arrives.
 */
#include "harness.h"

Suite *test_event_suite(void);

struct waiter {
	struct gmb_event *event;
	struct gmb_task *task;
	intptr_t value;
	int rc;
	int turn;	/* as how many-th it came back */
};

static int turns;

static intptr_t wait_for_event(void *arg)
{
	struct waiter *w = arg;

	w->rc = gmb_event_wait(w->event, &w->value);
	w->turn = ++turns;
	return 0;
}

#define WAITERS 4

static void start(struct gmb_manager *m, struct gmb_event *event,
		  struct waiter *w)
{
	turns = 0;
	for (int i = 0; i < WAITERS; i++) {
		w[i] = (struct waiter){ .event = event, .value = -77 };
		w[i].task = gmb_spawn(m, wait_for_event, &w[i]);
	}
	let_run();
}

/* All wake in the order of arrival, with the value; it may be negative. */
TASK_TEST(wakes_all)
{
	static const intptr_t values[] = { 7, -ECANCELED, INTPTR_MIN, 0 };
	struct waiter w[WAITERS];
	struct gmb_event event;
	intptr_t rc = 0;

	for (int v = 0; v < 4; v++) {
		gmb_event_init(&event);
		gmb_manager(m, rc) {
			start(m, &event, w);
			check_is(turns, 0);
			check_is(gmb_event_trigger(&event, values[v]), 0);
			/* The woken need the event no more. */
			gmb_event_fini(&event);
			memset(&event, 0xa5, sizeof(event));
		}
		check_is(rc, 0);
		for (int i = 0; i < WAITERS; i++) {
			check_is(w[i].rc, 0);
			check_is(w[i].value, values[v]);
			check_is(w[i].turn, i + 1);
		}
	}
	return 0;
}

TASK_TEST(second_trigger_is_an_error)
{
	static struct gmb_event event = GMB_EVENT_INIT(event);
	intptr_t value = 0;

	check_is(gmb_event_is_set(&event), 0);
	check_is(gmb_event_trigger(&event, 1), 0);
	check_is(gmb_event_trigger(&event, 2), -EALREADY);
	check_is(gmb_event_is_set(&event), 1);
	check_is(gmb_event_wait(&event, &value), 0);
	check_is(value, 1);
	check_is(gmb_event_wait(&event, NULL), 0);
	gmb_event_fini(&event);
	return 0;
}

/* Whoever is cancelled, wherever in the line, the others are served. */
TASK_TEST(cancelled_waiter_leaves_no_trace)
{
	struct waiter w[WAITERS];
	struct gmb_event event;
	intptr_t rc = 0;

	for (int victim = 0; victim < WAITERS; victim++) {
		gmb_event_init(&event);
		gmb_manager(m, rc) {
			start(m, &event, w);
			gmb_task_cancel(w[victim].task);
			let_run();
			check_is(w[victim].rc, -ECANCELED);
			check_is(w[victim].value, -77);
			check_is(gmb_event_trigger(&event, 5), 0);
		}
		check_is(rc, 0);
		for (int i = 0; i < WAITERS; i++)
			check_is(w[i].value, i == victim ? -77 : 5);
		gmb_event_fini(&event);
	}
	return 0;
}

/* In the same turn: what comes first wins. */
TASK_TEST(trigger_races_with_cancel)
{
	struct waiter w[WAITERS];
	struct gmb_event event;
	intptr_t rc = 0;

	gmb_event_init(&event);
	gmb_manager(m, rc) {
		start(m, &event, w);
		gmb_task_cancel(w[0].task);
		check_is(gmb_event_trigger(&event, 3), 0);
		gmb_task_cancel(w[1].task);
	}
	check_is(w[0].rc, -ECANCELED);
	check_is(w[1].rc, 0);
	check_is(w[1].value, 3);
	check_is(w[2].rc, 0);
	gmb_event_fini(&event);
	return 0;
}

static intptr_t count_up(void *arg)
{
	++*(int *)arg;
	return 0;
}

/* A wait that need not wait lets others run, and sees cancellation. */
TASK_TEST(wait_is_a_checkpoint)
{
	struct gmb_event event;
	struct gmb_scope scope;
	intptr_t rc = 0;
	int count = 0;

	gmb_event_init(&event);
	check_is(gmb_event_trigger(&event, 0), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, count_up, &count);
		spend_credit();
		check_is(gmb_event_wait(&event, NULL), 0);
		check_is(count, 1);
	}
	check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&scope);
	check_is(gmb_event_wait(&event, NULL), -ECANCELED);
	check_is(gmb_scope_close(&scope), -ECANCELED);
	gmb_event_fini(&event);
	return 0;
}

START_TEST(outside_a_task)
{
	static struct gmb_event event = GMB_EVENT_INIT(event);

	check_is(gmb_event_wait(&event, NULL), -EPERM);
	check_is(gmb_event_trigger(&event, 4), 0);
	check_is(gmb_event_is_set(&event), 1);
}
END_TEST

/* A loop inside a task's turn would be -EBUSY, so: two loops, stepped. */
static intptr_t wait_long(void *arg)
{
	return gmb_event_wait(arg, NULL);
}

static intptr_t intrude(void *arg)
{
	check_is(gmb_event_wait(arg, NULL), -EXDEV);
	return gmb_event_trigger(arg, 0);
}

START_TEST(another_loop_is_refused)
{
	struct gmb_loop *loop;
	struct gmb_event event;
	intptr_t result = 1;

	gmb_event_init(&event);
	check_is(gmb_loop_open(NULL, wait_long, &event, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_run(intrude, &event), -EXDEV);
	check_is(gmb_event_trigger(&event, 0), -EXDEV);
	gmb_loop_cancel(loop);
	gmb_loop_close(loop, &result);
	check_is(result, -ECANCELED);
	/* Nobody waits any more, so any loop may have it. */
	check_is(gmb_event_trigger(&event, 0), 0);
	gmb_event_fini(&event);
}
END_TEST

static intptr_t end_under_waiter(void *arg)
{
	struct waiter w[WAITERS];
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		start(m, arg, w);
		gmb_event_fini(arg);
	}
	return rc;
}

static void die_by_fini(void)
{
	struct gmb_event event;

	gmb_event_init(&event);
	gmb_run(end_under_waiter, &event);
}

static void die_by_use(void)
{
	struct gmb_event event;

	gmb_event_init(&event);
	gmb_event_fini(&event);
	gmb_event_trigger(&event, 0);
}

static void die_by_second_fini(void)
{
	struct gmb_event event;

	gmb_event_init(&event);
	gmb_event_fini(&event);
	gmb_event_fini(&event);
}

START_TEST(misuse_dies)
{
	dies(die_by_fini, "gmb_event_fini: the object at ");
	dies(die_by_fini, "is ended while tasks wait");
	dies(die_by_use, "gmb_event_trigger: the object at ");
	dies(die_by_use, "is used after its end");
	dies(die_by_second_fini, "has ended already");
}
END_TEST

static intptr_t sleep_on(void *arg)
{
	(void)arg;
	return gmb_sleep(1000 * GMB_SEC);
}

static void trigger_once(void *user, gmb_time span)
{
	struct gmb_event *event = user;

	(void)span;
	if (!gmb_event_is_set(event))
		check_is(gmb_event_trigger(event, 5), 0);
}

/* It is called when the loop has decided how long to sleep. */
REAL_TEST(hook_may_trigger_it_before_the_loop_sleeps)
{
	struct gmb_event event;
	struct gmb_hooks waking = {
		.size = sizeof(waking),
		.user = &event,
		.io_begin = trigger_once,
	};
	gmb_time begin = gmb_now();
	intptr_t rc = 0, value = 0;

	gmb_event_init(&event);
	gmb_manager(m, rc) {
		gmb_spawn(m, sleep_on, NULL);
		check_is(gmb_yield(), 0);
		check_is(gmb_hooks_set(&waking), 0);
		check_is(gmb_event_wait(&event, &value), 0);
		check_is(gmb_hooks_set(NULL), 0);
		check_is(value, 5);
		check_that(gmb_now() - begin < 100 * GMB_SEC);
		gmb_manager_cancel(m);
	}
	gmb_event_fini(&event);
	return rc;
}

Suite *test_event_suite(void)
{
	Suite *suite = suite_create("event");
	TCase *tcase = tcase_create("event");

	tcase_add_test(tcase, wakes_all);
	tcase_add_test(tcase, second_trigger_is_an_error);
	tcase_add_test(tcase, cancelled_waiter_leaves_no_trace);
	tcase_add_test(tcase, trigger_races_with_cancel);
	tcase_add_test(tcase, wait_is_a_checkpoint);
	tcase_add_test(tcase, outside_a_task);
	tcase_add_test(tcase, another_loop_is_refused);
	tcase_add_test(tcase, misuse_dies);
	tcase_add_test(tcase, hook_may_trigger_it_before_the_loop_sleeps);
	suite_add_tcase(suite, tcase);
	return suite;
}
