/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Semaphores: permits come and go, and go to those who wait longest.
 */
#include "harness.h"

Suite *test_semaphore_suite(void);

#define TASKS 4

struct user {
	struct gmb_semaphore *s;
	struct gmb_task *task;
	int rc;
	int turn;
};

static int turns;

static intptr_t take_one(void *arg)
{
	struct user *u = arg;

	u->rc = gmb_semaphore_acquire(u->s);
	u->turn = ++turns;
	return u->rc;
}

static void line_up(struct gmb_manager *m, struct gmb_semaphore *s,
		    struct user *u)
{
	turns = 0;
	for (int i = 0; i < TASKS; i++) {
		u[i] = (struct user){ .s = s, .rc = 1 };
		u[i].task = gmb_spawn(m, take_one, &u[i]);
	}
	let_run();
}

TASK_TEST(counts)
{
	static struct gmb_semaphore s = GMB_SEMAPHORE_INIT(s, 2, 3);

	check_is(gmb_semaphore_value(&s), 2);
	check_is(gmb_semaphore_acquire(&s), 0);
	check_is(gmb_semaphore_try_acquire(&s), 0);
	check_is(gmb_semaphore_try_acquire(&s), -EAGAIN);
	for (int i = 1; i <= 3; i++) {
		check_is(gmb_semaphore_release(&s), 0);
		check_is(gmb_semaphore_value(&s), i);
	}
	check_is(gmb_semaphore_release(&s), -EOVERFLOW);
	check_is(gmb_semaphore_value(&s), 3);
	gmb_semaphore_fini(&s);
	return 0;
}

TASK_TEST(bounds_are_checked)
{
	struct gmb_semaphore s;

	check_is(gmb_semaphore_init(&s, 0, 0), -EINVAL);
	check_is(gmb_semaphore_init(&s, 3, 2), -EINVAL);
	check_is(gmb_semaphore_init(&s, SIZE_MAX, SIZE_MAX), 0);
	check_is(gmb_semaphore_release(&s), -EOVERFLOW);
	return 0;
}

TASK_TEST(is_fair)
{
	struct user u[TASKS];
	struct gmb_semaphore s;
	intptr_t rc = 0;

	check_is(gmb_semaphore_init(&s, 0, 1), 0);
	gmb_manager(m, rc) {
		line_up(m, &s, u);
		check_is(turns, 0);
		/* Those who wait take them before the bound counts. */
		check_is(gmb_semaphore_release(&s), 0);
		check_is(gmb_semaphore_release(&s), 0);
		check_is(gmb_semaphore_value(&s), 0);
		check_is(gmb_semaphore_try_acquire(&s), -EAGAIN);
		let_run();
		check_is(turns, 2);
		check_is(gmb_semaphore_release(&s), 0);
		check_is(gmb_semaphore_release(&s), 0);
		check_is(gmb_semaphore_release(&s), 0);
		check_is(gmb_semaphore_release(&s), -EOVERFLOW);
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++)
		check_is(u[i].turn, i + 1);
	return 0;
}

TASK_TEST(cancelled_waiter_leaves_no_trace)
{
	struct user u[TASKS];
	struct gmb_semaphore s;
	intptr_t rc = 0;

	for (int victim = 0; victim < TASKS; victim++) {
		check_is(gmb_semaphore_init(&s, 0, TASKS), 0);
		gmb_manager(m, rc) {
			line_up(m, &s, u);
			gmb_task_cancel(u[victim].task);
			for (int i = 0; i < TASKS; i++)
				check_is(gmb_semaphore_release(&s), 0);
		}
		check_is(rc, 0);
		/* Its permit is there for the next. */
		check_is(gmb_semaphore_value(&s), 1);
		for (int i = 0; i < TASKS; i++)
			check_is(u[i].rc, i == victim ? -ECANCELED : 0);
		gmb_semaphore_fini(&s);
	}
	return 0;
}

/* A permit that was given before the cancellation is taken. */
TASK_TEST(release_races_with_cancel)
{
	struct user u[TASKS];
	struct gmb_semaphore s;
	intptr_t rc = 0;

	check_is(gmb_semaphore_init(&s, 0, TASKS), 0);
	gmb_manager(m, rc) {
		line_up(m, &s, u);
		check_is(gmb_semaphore_release(&s), 0);
		gmb_task_cancel(u[0].task);
		gmb_task_cancel(u[1].task);
		check_is(gmb_semaphore_release(&s), 0);
		check_is(gmb_semaphore_release(&s), 0);
	}
	check_is(rc, 0);
	check_is(u[0].rc, 0);
	check_is(u[1].rc, -ECANCELED);
	check_is(u[2].rc, 0);
	check_is(u[3].rc, 0);
	check_is(gmb_semaphore_value(&s), 0);
	return 0;
}

static intptr_t count_up(void *arg)
{
	++*(int *)arg;
	return 0;
}

TASK_TEST(acquire_is_a_checkpoint)
{
	struct gmb_semaphore s;
	struct gmb_scope scope;
	intptr_t rc = 0;
	int count = 0;

	check_is(gmb_semaphore_init(&s, 3, 3), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, count_up, &count);
		check_is(gmb_semaphore_try_acquire(&s), 0);
		check_is(count, 0);
		spend_credit();
		check_is(gmb_semaphore_acquire(&s), 0);
		check_is(count, 1);
	}
	check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&scope);
	check_is(gmb_semaphore_acquire(&s), -ECANCELED);
	check_is(gmb_semaphore_value(&s), 1);
	check_is(gmb_semaphore_try_acquire(&s), 0);
	check_is(gmb_scope_close(&scope), -ECANCELED);
	return 0;
}

static intptr_t wait_long(void *arg)
{
	return gmb_semaphore_acquire(arg);
}

static intptr_t intrude(void *arg)
{
	check_is(gmb_semaphore_release(arg), -EXDEV);
	check_is(gmb_semaphore_try_acquire(arg), -EXDEV);
	return gmb_semaphore_acquire(arg);
}

START_TEST(another_loop_is_refused)
{
	struct gmb_semaphore s;
	struct gmb_loop *loop;

	check_is(gmb_semaphore_init(&s, 0, 1), 0);
	check_is(gmb_semaphore_acquire(&s), -EPERM);
	check_is(gmb_loop_open(NULL, wait_long, &s, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_run(intrude, &s), -EXDEV);
	gmb_loop_cancel(loop);
	gmb_loop_close(loop, NULL);
	gmb_semaphore_fini(&s);
}
END_TEST

static intptr_t fini_under_waiter(void *arg)
{
	struct user u[TASKS];
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		line_up(m, arg, u);
		gmb_semaphore_fini(arg);
	}
	return rc;
}

static void die_by_fini(void)
{
	struct gmb_semaphore s = GMB_SEMAPHORE_INIT(s, 0, 1);

	gmb_run(fini_under_waiter, &s);
}

static void die_by_use(void)
{
	struct gmb_semaphore s = GMB_SEMAPHORE_INIT(s, 0, 1);

	gmb_semaphore_fini(&s);
	gmb_semaphore_release(&s);
}

START_TEST(misuse_dies)
{
	dies(die_by_fini, "gmb_semaphore_fini: the object at");
	dies(die_by_use, "gmb_semaphore_release: the object at");
}
END_TEST

Suite *test_semaphore_suite(void)
{
	Suite *suite = suite_create("semaphore");
	TCase *tcase = tcase_create("semaphore");

	tcase_add_test(tcase, counts);
	tcase_add_test(tcase, bounds_are_checked);
	tcase_add_test(tcase, is_fair);
	tcase_add_test(tcase, cancelled_waiter_leaves_no_trace);
	tcase_add_test(tcase, release_races_with_cancel);
	tcase_add_test(tcase, acquire_is_a_checkpoint);
	tcase_add_test(tcase, another_loop_is_refused);
	tcase_add_test(tcase, misuse_dies);
	suite_add_tcase(suite, tcase);
	return suite;
}
