/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Limiters: tokens, who has them, and how many there are.
 */
#include "harness.h"

Suite *test_limiter_suite(void);

#define TASKS 4

struct user {
	struct gmb_limiter *l;
	struct gmb_token token;
	struct gmb_task *task;
	int rc;
	int turn;
};

static int turns;

static intptr_t borrow(void *arg)
{
	struct user *u = arg;

	u->rc = gmb_limiter_acquire(u->l, &u->token);
	u->turn = ++turns;
	return u->rc;
}

static void line_up(struct gmb_manager *m, struct gmb_limiter *l,
		    struct user *u)
{
	turns = 0;
	for (int i = 0; i < TASKS; i++) {
		u[i] = (struct user){ .l = l, .rc = 1 };
		u[i].task = gmb_spawn(m, borrow, &u[i]);
	}
	let_run();
}

static void give_back(struct gmb_limiter *l, struct user *u)
{
	for (int i = 0; i < TASKS; i++)
		if (u[i].rc == 0)
			check_is(gmb_limiter_release(l, &u[i].token), 0);
	gmb_limiter_fini(l);
}

TASK_TEST(tracks_borrowers)
{
	struct gmb_token a = { 0 }, b = { 0 }, c = { 0 };
	struct gmb_limiter l, other;

	gmb_limiter_init(&l, 2);
	gmb_limiter_init(&other, 2);
	check_is(gmb_limiter_total(&l), 2);
	check_is(gmb_limiter_next(&l, NULL), 0);
	check_is(gmb_limiter_acquire(&l, &a), 0);
	check_is(gmb_limiter_acquire(&l, &a), -EALREADY);
	check_is(gmb_limiter_try_acquire(&other, &a), -EALREADY);
	check_is(gmb_limiter_try_acquire(&l, &b), 0);
	check_is(gmb_limiter_try_acquire(&l, &c), -EAGAIN);
	check_is(gmb_limiter_borrowed(&l), 2);
	check_is(gmb_limiter_next(&l, NULL), &a);
	check_is(gmb_limiter_next(&l, &a), &b);
	check_is(gmb_limiter_next(&l, &b), 0);
	check_is(gmb_token_task(&a), gmb_self());
	check_is(gmb_token_task(&c), 0);
	check_is(gmb_limiter_release(&other, &a), -EPERM);
	check_is(gmb_limiter_release(&l, &c), -EPERM);
	check_is(gmb_limiter_release(&l, &a), 0);
	check_is(gmb_limiter_release(&l, &a), -EPERM);
	check_is(gmb_limiter_release(&l, &b), 0);
	check_is(gmb_limiter_borrowed(&l), 0);
	gmb_limiter_fini(&l);
	gmb_limiter_fini(&other);
	return 0;
}

TASK_TEST(is_fair)
{
	struct gmb_token mine = { 0 };
	struct user u[TASKS];
	struct gmb_limiter l;
	intptr_t rc = 0;

	gmb_limiter_init(&l, 1);
	check_is(gmb_limiter_acquire(&l, &mine), 0);
	gmb_manager(m, rc) {
		line_up(m, &l, u);
		check_is(turns, 0);
		check_is(gmb_limiter_release(&l, &mine), 0);
		check_is(gmb_token_task(&u[0].token), u[0].task);
		check_is(gmb_limiter_try_acquire(&l, &mine), -EAGAIN);
		/* Any task may give a token back. */
		for (int i = 0; i < TASKS; i++) {
			let_run();
			check_is(turns, i + 1);
			check_is(gmb_limiter_release(&l, &u[i].token), 0);
		}
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++)
		check_is(u[i].turn, i + 1);
	gmb_limiter_fini(&l);
	return 0;
}

TASK_TEST(total_can_change)
{
	struct user u[TASKS];
	struct gmb_limiter l;
	intptr_t rc = 0;

	gmb_limiter_init(&l, 0);
	gmb_manager(m, rc) {
		line_up(m, &l, u);
		check_is(turns, 0);
		check_is(gmb_limiter_set_total(&l, 3), 0);
		let_run();
		check_is(turns, 3);
		check_is(gmb_limiter_set_total(&l, 1), 0);
		check_is(gmb_limiter_borrowed(&l), 3);
		check_is(gmb_limiter_release(&l, &u[0].token), 0);
		check_is(gmb_limiter_release(&l, &u[1].token), 0);
		let_run();
		check_is(turns, 3);
		check_is(gmb_limiter_release(&l, &u[2].token), 0);
		let_run();
		check_is(turns, 4);
		check_is(gmb_limiter_release(&l, &u[3].token), 0);
	}
	check_is(rc, 0);
	gmb_limiter_fini(&l);
	return 0;
}

TASK_TEST(cancelled_waiter_leaves_no_trace)
{
	struct user u[TASKS];
	struct gmb_limiter l;
	intptr_t rc = 0;

	for (int victim = 0; victim < TASKS; victim++) {
		gmb_limiter_init(&l, 0);
		gmb_manager(m, rc) {
			line_up(m, &l, u);
			gmb_task_cancel(u[victim].task);
			check_is(gmb_limiter_set_total(&l, TASKS - 1), 0);
		}
		check_is(rc, 0);
		check_is(gmb_limiter_borrowed(&l), TASKS - 1);
		for (int i = 0; i < TASKS; i++)
			check_is(u[i].rc, i == victim ? -ECANCELED : 0);
		give_back(&l, u);
	}
	return 0;
}

TASK_TEST(release_races_with_cancel)
{
	struct user u[TASKS];
	struct gmb_limiter l;
	intptr_t rc = 0;

	gmb_limiter_init(&l, 0);
	gmb_manager(m, rc) {
		line_up(m, &l, u);
		check_is(gmb_limiter_set_total(&l, 1), 0);
		gmb_task_cancel(u[0].task);
		gmb_task_cancel(u[1].task);
		check_is(gmb_limiter_set_total(&l, TASKS), 0);
	}
	check_is(rc, 0);
	check_is(u[0].rc, 0);
	check_is(u[1].rc, -ECANCELED);
	check_is(u[2].rc, 0);
	give_back(&l, u);
	return 0;
}

static intptr_t count_up(void *arg)
{
	++*(int *)arg;
	return 0;
}

TASK_TEST(acquire_is_a_checkpoint)
{
	struct gmb_token a = { 0 }, b = { 0 };
	struct gmb_scope scope;
	struct gmb_limiter l;
	intptr_t rc = 0;
	int count = 0;

	gmb_limiter_init(&l, 2);
	gmb_manager(m, rc) {
		gmb_spawn(m, count_up, &count);
		check_is(gmb_limiter_try_acquire(&l, &a), 0);
		check_is(count, 0);
		spend_credit();
		check_is(gmb_limiter_acquire(&l, &b), 0);
		check_is(count, 1);
	}
	check_is(gmb_limiter_release(&l, &b), 0);
	check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&scope);
	check_is(gmb_limiter_acquire(&l, &b), -ECANCELED);
	check_is(gmb_limiter_borrowed(&l), 1);
	check_is(gmb_scope_close(&scope), -ECANCELED);
	check_is(gmb_limiter_release(&l, &a), 0);
	gmb_limiter_fini(&l);
	return 0;
}

static intptr_t wait_long(void *arg)
{
	struct gmb_token token = { 0 };

	return gmb_limiter_acquire(arg, &token);
}

static intptr_t intrude(void *arg)
{
	struct gmb_token token = { 0 };

	check_is(gmb_limiter_release(arg, &token), -EXDEV);
	check_is(gmb_limiter_set_total(arg, 5), -EXDEV);
	check_is(gmb_limiter_try_acquire(arg, &token), -EXDEV);
	return gmb_limiter_acquire(arg, &token);
}

START_TEST(another_loop_is_refused)
{
	struct gmb_token token = { 0 };
	struct gmb_limiter l;
	struct gmb_loop *loop;

	gmb_limiter_init(&l, 0);
	check_is(gmb_limiter_acquire(&l, &token), -EPERM);
	check_is(gmb_loop_open(NULL, wait_long, &l, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_run(intrude, &l), -EXDEV);
	gmb_loop_cancel(loop);
	gmb_loop_close(loop, NULL);
	gmb_limiter_fini(&l);
}
END_TEST

static intptr_t fini_under_waiter(void *arg)
{
	struct user u[TASKS];
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		line_up(m, arg, u);
		gmb_limiter_fini(arg);
	}
	return rc;
}

static void die_by_waiter(void)
{
	struct gmb_limiter l;

	gmb_limiter_init(&l, 0);
	gmb_run(fini_under_waiter, &l);
}

static void die_by_borrower(void)
{
	struct gmb_token token = { 0 };
	struct gmb_limiter l;

	gmb_limiter_init(&l, 1);
	check_is(gmb_limiter_try_acquire(&l, &token), 0);
	gmb_limiter_fini(&l);
}

static intptr_t share_token(void *arg)
{
	static struct user u;
	intptr_t rc = 0;

	u = (struct user){ .l = arg };
	gmb_manager(m, rc) {
		gmb_spawn(m, borrow, &u);
		gmb_spawn(m, borrow, &u);
		let_run();
		gmb_limiter_set_total(arg, 2);
	}
	return rc;
}

static void die_by_sharing(void)
{
	struct gmb_limiter l;

	gmb_limiter_init(&l, 0);
	gmb_run(share_token, &l);
}

START_TEST(misuse_dies)
{
	dies(die_by_waiter, "gmb_limiter_fini: the object at");
	dies(die_by_borrower, "is ended while tasks wait for it or hold it");
	dies(die_by_sharing, "two tasks wait for the token at");
}
END_TEST

Suite *test_limiter_suite(void)
{
	Suite *suite = suite_create("limiter");
	TCase *tcase = tcase_create("limiter");

	tcase_add_test(tcase, tracks_borrowers);
	tcase_add_test(tcase, is_fair);
	tcase_add_test(tcase, total_can_change);
	tcase_add_test(tcase, cancelled_waiter_leaves_no_trace);
	tcase_add_test(tcase, release_races_with_cancel);
	tcase_add_test(tcase, acquire_is_a_checkpoint);
	tcase_add_test(tcase, another_loop_is_refused);
	tcase_add_test(tcase, misuse_dies);
	suite_add_tcase(suite, tcase);
	return suite;
}
