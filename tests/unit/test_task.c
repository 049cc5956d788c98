/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Tasks: join, cancel, sleep, yield, fairness, and what can be asked.
 */
#include "harness.h"

Suite *test_task_suite(void);

static intptr_t give(void *arg)
{
	return (intptr_t)arg;
}

static intptr_t sleep_for(void *arg)
{
	return gmb_sleep((gmb_time)(intptr_t)arg);
}

struct join {
	struct gmb_task *target;
	intptr_t value;
	int rc;
};

static intptr_t join_it(void *arg)
{
	struct join *j = arg;

	j->rc = gmb_join(j->target, &j->value);
	return 0;
}

TASK_TEST(many_join_one_and_get_the_same_answer)
{
	struct join j[5] = { { 0 } };
	struct gmb_manager m;
	intptr_t v = 0;
	int i;

	check_is(gmb_manager_open(&m), 0);
	j[0].target = gmb_schedule(&m, GMB_SEC, give, (void *)33);
	for (i = 0; i < 5; i++) {
		j[i].target = j[0].target;
		gmb_spawn(&m, join_it, &j[i]);
	}
	check_is(gmb_join(j[0].target, &v), 0);
	check_is(v, 33);
	check_is(gmb_join(j[0].target, NULL), 0);
	check_is(gmb_manager_close(&m), 0);
	for (i = 0; i < 5; i++) {
		check_is(j[i].rc, 0);
		check_is(j[i].value, 33);
	}
	return 0;
}

TASK_TEST(join_does_not_take_the_error_from_the_manager)
{
	struct gmb_manager m;
	intptr_t v = 0;

	check_is(gmb_manager_open(&m), 0);
	struct gmb_task *t = gmb_spawn(&m, give, (void *)-EIO);
	struct gmb_scope shield;

	check_is(gmb_scope_open(&shield, GMB_NEVER, GMB_SCOPE_SHIELD), 0);
	check_is(gmb_join(t, &v), 0);
	check_is(v, -EIO);
	gmb_scope_close(&shield);
	check_is(gmb_join(t, &v), -ECANCELED);
	check_is(gmb_manager_close(&m), -EIO);
	return 0;
}

TASK_TEST(join_can_be_cancelled_and_tried_again)
{
	struct gmb_manager m;
	intptr_t v = 0;
	int rc = 0;

	check_is(gmb_manager_open(&m), 0);
	struct gmb_task *t = gmb_schedule(&m, 5 * GMB_SEC, give, (void *)1);

	gmb_with_timeout(rc, GMB_SEC)
		rc = gmb_join(t, &v);
	check_is(rc, -ETIMEDOUT);
	check_is(v, 0);
	check_is(gmb_join(t, &v), 0);
	check_is(v, 1);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

static intptr_t join_ancestor(void *arg)
{
	intptr_t rc = 0;

	check_is(gmb_join(arg, NULL), -EDEADLK);
	check_is(gmb_join(gmb_self(), NULL), -EDEADLK);
	return rc;
}

static intptr_t in_between(void *arg)
{
	intptr_t rc = 0;

	gmb_manager(m, rc)
		gmb_spawn(m, join_ancestor, arg);
	return rc;
}

TASK_TEST(join_of_an_ancestor_is_refused)
{
	intptr_t rc = 0;

	gmb_manager(m, rc)
		gmb_spawn(m, in_between, gmb_self());
	return rc;
}

TASK_TEST(cancel_ends_every_wait_of_one_task)
{
	gmb_time begin = gmb_now();
	struct gmb_task *a, *b;
	struct gmb_manager m;

	check_is(gmb_manager_open(&m), 0);
	a = gmb_spawn(&m, sleep_for, (void *)(60 * GMB_SEC));
	b = gmb_spawn(&m, sleep_for, (void *)(2 * GMB_SEC));
	check_is(gmb_sleep(GMB_SEC), 0);
	gmb_task_cancel(a);
	gmb_task_cancel(a);
	check_is(gmb_manager_wait(&m), 0);
	check_is(gmb_now() - begin, 2 * GMB_SEC);
	check_is(gmb_task_state(a), GMB_TASK_CANCELLED);
	check_is(gmb_task_state(b), GMB_TASK_DONE);
	gmb_task_cancel(b);
	check_is(gmb_task_state(b), GMB_TASK_DONE);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

static intptr_t swallow(void *arg)
{
	check_is(gmb_sleep(60 * GMB_SEC), -ECANCELED);
	return (intptr_t)arg;
}

TASK_TEST(cancelled_task_may_still_give_a_result)
{
	struct gmb_task *good, *bad;
	struct gmb_manager m;

	check_is(gmb_manager_open(&m), 0);
	good = gmb_spawn(&m, swallow, (void *)8);
	bad = gmb_spawn(&m, swallow, (void *)-EIO);
	check_is(gmb_yield(), 0);
	gmb_task_cancel(good);
	gmb_task_cancel(bad);
	check_is(gmb_manager_wait(&m), -EIO);
	check_is(gmb_task_result(good), 8);
	check_is(gmb_task_state(good), GMB_TASK_DONE);
	check_is(gmb_task_state(bad), GMB_TASK_FAILED);
	check_is(gmb_manager_close(&m), -EIO);
	return 0;
}

TASK_TEST(ecanceled_without_a_cancellation_is_a_failure)
{
	intptr_t rc = 0;

	gmb_manager(m, rc)
		gmb_spawn(m, give, (void *)-ECANCELED);
	check_is(rc, -ECANCELED);
	check_is(gmb_yield(), 0);
	return 0;
}

struct cancel_pair {
	struct gmb_task *sleeper;
	int woken;
};

static intptr_t sleep_and_note(void *arg)
{
	struct cancel_pair *p = arg;

	check_is(gmb_sleep(GMB_SEC), 0);
	p->woken = 1;
	/* The cancellation that lost is seen at the next wait. */
	check_is(gmb_yield(), -ECANCELED);
	return 0;
}

TASK_TEST(completion_wins_over_a_cancel_in_the_same_turn)
{
	struct cancel_pair p = { 0 };
	struct gmb_manager m;

	check_is(gmb_manager_open(&m), 0);
	p.sleeper = gmb_spawn(&m, sleep_and_note, &p);
	/* Our timer is the older one: the sleeper is ready, but has not run. */
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(gmb_task_state(p.sleeper), GMB_TASK_READY);
	gmb_task_cancel(p.sleeper);
	check_is(gmb_manager_close(&m), 0);
	check_is(p.woken, 1);
	return 0;
}

struct turns {
	char text[32];
	int n;
};

struct turns_arg {
	struct turns *t;
	char name;
};

static intptr_t take_turns(void *arg)
{
	struct turns_arg *a = arg;
	int i;

	for (i = 0; i < 3; i++) {
		a->t->text[a->t->n++] = a->name;
		check_is(gmb_yield(), 0);
	}
	return 0;
}

TASK_TEST(ready_tasks_run_in_order_and_in_turn)
{
	struct turns t = { .n = 0 };
	struct turns_arg a = { &t, 'a' }, b = { &t, 'b' }, c = { &t, 'c' };
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		gmb_spawn(m, take_turns, &a);
		gmb_spawn(m, take_turns, &b);
		gmb_spawn(m, take_turns, &c);
	}
	check_str(t.text, "abcabcabc");
	return rc;
}

static intptr_t count_up(void *arg)
{
	++*(int *)arg;
	return 0;
}

/* A task that never has to wait cannot keep the others from running. */
TASK_TEST(calls_that_succeed_at_once_give_way_in_the_end)
{
	struct gmb_semaphore s;
	int count = 0, i;
	intptr_t rc = 0;

	check_is(gmb_semaphore_init(&s, 1, 1), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, count_up, &count);
		for (i = 0; i < 100 && !count; i++) {
			check_is(gmb_semaphore_acquire(&s), 0);
			check_is(gmb_semaphore_release(&s), 0);
		}
		check_that(i > 1 && i <= GMB__CREDIT);
	}
	gmb_semaphore_fini(&s);
	return rc;
}

static intptr_t spin(void *arg)
{
	int *stop = arg;

	while (!*stop)
		check_is(gmb_yield(), 0);
	return 0;
}

/* On the real clock: ready tasks that never wait do not starve a timer. */
static intptr_t timer_beside_spinners(void *arg)
{
	intptr_t rc = 0;
	int stop = 0, i;

	(void)arg;
	gmb_manager(m, rc) {
		for (i = 0; i < 10; i++)
			gmb_spawn(m, spin, &stop);
		check_is(gmb_sleep(5 * GMB_MS), 0);
		stop = 1;
	}
	return rc;
}

START_TEST(ready_tasks_do_not_starve_timers)
{
	check_is(gmb_run(timer_beside_spinners, NULL), 0);
}
END_TEST

struct order {
	gmb_time last;
	int count;
};

static struct order order;

static intptr_t note_order(void *arg)
{
	check_is(gmb_sleep((gmb_time)(intptr_t)arg), 0);
	check_that(gmb_now() >= order.last);
	order.last = gmb_now();
	order.count++;
	return 0;
}

TASK_TEST(sleepers_wake_in_the_order_of_their_times)
{
	gmb_time begin = gmb_now();
	struct gmb_manager m;

	check_is(gmb_manager_open(&m), 0);
	for (int i = 0; i < 1000; i++)
		gmb_spawn(&m, note_order,
			  (void *)(intptr_t)(GMB_MS * (1 + i * 7919 % 1000)));
	check_is(gmb_manager_close(&m), 0);
	check_is(order.count, 1000);
	check_is(gmb_now() - begin, 1000 * GMB_MS);
	return 0;
}

TASK_TEST(sleep_forms)
{
	gmb_time begin = gmb_now();
	int rc = 0;

	check_is(gmb_sleep(0), 0);
	check_is(gmb_sleep(-5), 0);
	check_is(gmb_sleep_until(begin), 0);
	check_is(gmb_sleep_until(0), 0);
	check_is(gmb_now(), begin);
	gmb_with_timeout(rc, 3 * GMB_SEC)
		rc = gmb_sleep_until(GMB_NEVER);
	check_is(rc, -ETIMEDOUT);
	gmb_with_timeout(rc, 3 * GMB_SEC)
		rc = gmb_sleep(GMB_NEVER);
	check_is(rc, -ETIMEDOUT);
	check_is(gmb_now() - begin, 6 * GMB_SEC);
	check_is(gmb_after(GMB_NEVER), GMB_NEVER);
	check_is(gmb_after(GMB_NEVER - 1), GMB_NEVER);
	check_is(gmb_after(-1), gmb_now());
	return 0;
}

static intptr_t who(void *arg)
{
	(void)arg;
	check_str(gmb_task_name(gmb_self()), "a name that is too long");
	gmb_task_set_name(gmb_self(), "short");
	check_str(gmb_task_name(gmb_self()), "short");
	check_is(gmb_task_state(gmb_self()), GMB_TASK_RUNNING);
	check_is(gmb_task_steps(gmb_self()), 1);
	check_is(gmb_sleep(1), 0);
	check_is(gmb_task_steps(gmb_self()), 2);
	return 0;
}

TASK_TEST(task_can_be_asked)
{
	struct gmb_spawn_opts opts = {
		.name = "a name that is too long for it",
	};
	struct gmb_task *t, *u;
	struct gmb_manager m;

	check_str(gmb_task_name(gmb_self()), "main");
	check_is(gmb_task_id(gmb_self()), 1);
	check_is(gmb_manager_open(&m), 0);
	check_is(gmb_spawn_with(&m, &opts, who, NULL, &t), 0);
	u = gmb_spawn(&m, give, NULL);
	check_str(gmb_task_name(u), "task-3");
	check_is(gmb_task_id(u), 3);
	check_is(gmb_task_state(t), GMB_TASK_READY);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

static intptr_t small_stack(void *arg)
{
	volatile char deep[4096];

	(void)arg;
	memset((char *)deep, 1, sizeof(deep));
	check_is(gmb_yield(), 0);
	return deep[4095];
}

TASK_TEST(stack_size_can_be_chosen)
{
	size_t sizes[] = { 16384, 65536, 1 << 20, 16 << 20 };
	struct gmb_task *t;
	intptr_t rc = 0, v;
	size_t i;

	gmb_manager(m, rc) {
		for (i = 0; i < 4; i++) {
			struct gmb_spawn_opts opts = { .stack_size = sizes[i] };

			check_is(gmb_spawn_with(m, &opts, small_stack, NULL,
						&t), 0);
			check_is(gmb_join(t, &v), 0);
			check_is(v, 1);
		}
	}
	return rc;
}

START_TEST(errors_have_a_text)
{
	int i;

	check_str(gmb_strerror(-ECANCELED), "cancelled");
	check_str(gmb_strerror(ETIMEDOUT), "timed out");
	check_str(gmb_strerror(0), "success");
	check_str(gmb_strerror(-123456), "unknown error");
	for (i = 1; i < 134; i++)
		check_that(gmb_strerror(-i)[0]);
	check_that(gmb_version()[0] == '0');
	check_that(gmb_self() == NULL);
}
END_TEST

Suite *test_task_suite(void)
{
	Suite *suite = suite_create("task");
	TCase *tc = tcase_create("task");

	tcase_add_test(tc, many_join_one_and_get_the_same_answer);
	tcase_add_test(tc, join_does_not_take_the_error_from_the_manager);
	tcase_add_test(tc, join_can_be_cancelled_and_tried_again);
	tcase_add_test(tc, join_of_an_ancestor_is_refused);
	tcase_add_test(tc, cancel_ends_every_wait_of_one_task);
	tcase_add_test(tc, cancelled_task_may_still_give_a_result);
	tcase_add_test(tc, ecanceled_without_a_cancellation_is_a_failure);
	tcase_add_test(tc, completion_wins_over_a_cancel_in_the_same_turn);
	tcase_add_test(tc, ready_tasks_run_in_order_and_in_turn);
	tcase_add_test(tc, calls_that_succeed_at_once_give_way_in_the_end);
	tcase_add_test(tc, ready_tasks_do_not_starve_timers);
	tcase_add_test(tc, sleepers_wake_in_the_order_of_their_times);
	tcase_add_test(tc, sleep_forms);
	tcase_add_test(tc, task_can_be_asked);
	tcase_add_test(tc, stack_size_can_be_chosen);
	tcase_add_test(tc, errors_have_a_text);
	suite_add_tcase(suite, tc);
	return suite;
}
