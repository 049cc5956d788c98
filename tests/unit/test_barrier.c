/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Barriers: nobody goes on alone, and nobody who left is counted.
 */
#include "harness.h"

Suite *test_barrier_suite(void);

#define TASKS 4

struct party {
	struct gmb_barrier *b;
	struct gmb_task *task;
	int rc;
	int turn;
};

static int turns;

static intptr_t come(void *arg)
{
	struct party *p = arg;

	p->rc = gmb_barrier_wait(p->b);
	p->turn = ++turns;
	return p->rc;
}

static void send_in(struct gmb_manager *m, struct gmb_barrier *b,
		    struct party *p, int count)
{
	turns = 0;
	for (int i = 0; i < count; i++) {
		p[i] = (struct party){ .b = b, .rc = -1 };
		p[i].task = gmb_spawn(m, come, &p[i]);
	}
	let_run();
}

/* All at once, the last one knows it, and again. */
TASK_TEST(is_reusable)
{
	struct party p[TASKS];
	struct gmb_barrier b;
	intptr_t rc = 0;

	check_is(gmb_barrier_init(&b, TASKS), 0);
	for (int round = 0; round < 3; round++) {
		gmb_manager(m, rc) {
			send_in(m, &b, p, TASKS - 1);
			check_is(turns, 0);
			check_is(gmb_barrier_waiting(&b), TASKS - 1);
			check_is(gmb_barrier_wait(&b), 1);
			check_is(gmb_barrier_waiting(&b), 0);
		}
		check_is(rc, 0);
		for (int i = 0; i < TASKS - 1; i++) {
			check_is(p[i].rc, 0);
			check_is(p[i].turn, i + 1);
		}
	}
	gmb_barrier_fini(&b);
	return 0;
}

/* The last one may end it at once. */
TASK_TEST(ends_before_others_run)
{
	struct party p[2];
	struct gmb_barrier *b = malloc(sizeof(*b));
	intptr_t rc = 0;

	check_is(gmb_barrier_init(b, 2), 0);
	gmb_manager(m, rc) {
		send_in(m, b, p, 1);
		check_is(gmb_barrier_wait(b), 1);
		gmb_barrier_fini(b);
		memset(b, 0xa5, sizeof(*b));
		free(b);
	}
	check_is(rc, 0);
	check_is(p[0].rc, 0);
	return 0;
}

TASK_TEST(alone)
{
	struct gmb_barrier b;

	check_is(gmb_barrier_init(&b, 0), -EINVAL);
	check_is(gmb_barrier_init(&b, 1), 0);
	check_is(gmb_barrier_wait(&b), 1);
	check_is(gmb_barrier_wait(&b), 1);
	gmb_barrier_fini(&b);
	return 0;
}

TASK_TEST(cancelled_party_does_not_count)
{
	struct party p[TASKS], q;
	struct gmb_barrier b;
	intptr_t rc = 0;

	check_is(gmb_barrier_init(&b, TASKS), 0);
	for (int victim = 0; victim < TASKS - 1; victim++) {
		gmb_manager(m, rc) {
			send_in(m, &b, p, TASKS - 1);
			gmb_task_cancel(p[victim].task);
			check_is(gmb_barrier_waiting(&b), TASKS - 2);
			let_run();
			send_in(m, &b, &q, 1);
			check_is(q.rc, -1);
			check_is(gmb_barrier_wait(&b), 1);
		}
		check_is(rc, 0);
		check_is(q.rc, 0);
		for (int i = 0; i < TASKS - 1; i++)
			check_is(p[i].rc, i == victim ? -ECANCELED : 0);
	}
	gmb_barrier_fini(&b);
	return 0;
}

/* A cancelled wait does not count, also when it would have been the last. */
TASK_TEST(cancelled_before)
{
	struct gmb_scope scope;
	struct gmb_barrier b;

	check_is(gmb_barrier_init(&b, 1), 0);
	check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&scope);
	check_is(gmb_barrier_wait(&b), -ECANCELED);
	check_is(gmb_scope_close(&scope), -ECANCELED);
	gmb_barrier_fini(&b);
	return 0;
}

static intptr_t cancel_it(void *arg)
{
	struct party *p = arg;

	/* The last one has come, but this one has not run yet. */
	check_is(p->rc, -1);
	check_is(gmb_barrier_waiting(p->b), 0);
	gmb_task_cancel(p->task);
	return 0;
}

/* Cancelled after the last has come: it went through. */
TASK_TEST(completion_beats_cancel)
{
	struct party p[2], last;
	struct gmb_barrier b;
	intptr_t rc = 0;

	check_is(gmb_barrier_init(&b, 3), 0);
	gmb_manager(m, rc) {
		send_in(m, &b, p, 2);
		last = (struct party){ .b = &b, .rc = -1 };
		gmb_spawn(m, come, &last);
		gmb_spawn(m, cancel_it, &p[0]);
	}
	check_is(rc, 0);
	check_is(p[0].rc, 0);
	check_is(p[1].rc, 0);
	check_is(last.rc, 1);
	gmb_barrier_fini(&b);
	return 0;
}

static intptr_t wait_long(void *arg)
{
	return gmb_barrier_wait(arg);
}

START_TEST(another_loop_is_refused)
{
	struct gmb_barrier b;
	struct gmb_loop *loop;

	check_is(gmb_barrier_init(&b, 2), 0);
	check_is(gmb_barrier_wait(&b), -EPERM);
	check_is(gmb_loop_open(NULL, wait_long, &b, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_run(wait_long, &b), -EXDEV);
	gmb_loop_cancel(loop);
	gmb_loop_close(loop, NULL);
	gmb_barrier_fini(&b);
}
END_TEST

static intptr_t fini_under_waiter(void *arg)
{
	struct party p;
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		send_in(m, arg, &p, 1);
		gmb_barrier_fini(arg);
	}
	return rc;
}

static void die_by_fini(void)
{
	struct gmb_barrier b;

	check_is(gmb_barrier_init(&b, 2), 0);
	gmb_run(fini_under_waiter, &b);
}

static void die_by_use(void)
{
	struct gmb_barrier b;

	check_is(gmb_barrier_init(&b, 1), 0);
	gmb_barrier_fini(&b);
	gmb_run(wait_long, &b);
}

START_TEST(misuse_dies)
{
	dies(die_by_fini, "gmb_barrier_fini: the object at");
	dies(die_by_use, "gmb_barrier_wait: the object at");
}
END_TEST

static struct gmb_task *cancelled_by_hook;

static void cancel_when_ready(void *user, struct gmb_task *task)
{
	struct gmb_task *other = cancelled_by_hook;

	(void)user;
	if (!other || strcmp(gmb_task_name(task), "first") != 0)
		return;
	cancelled_by_hook = NULL;
	gmb_task_cancel(other);
}

static intptr_t wait_for_all(void *arg)
{
	return gmb_barrier_wait(arg);
}

/* The count must come out even, or nobody would ever get through again. */
TASK_TEST(hook_may_cancel_one_while_all_are_let_go)
{
	struct gmb_hooks cancelling = {
		.size = sizeof(cancelling),
		.scheduled = cancel_when_ready,
	};
	struct gmb_barrier b;
	intptr_t rc = 0;

	check_is(gmb_barrier_init(&b, 3), 0);
	gmb_manager(m, rc) {
		gmb_task_set_name(gmb_spawn(m, wait_for_all, &b), "first");
		cancelled_by_hook = gmb_spawn(m, wait_for_all, &b);
		let_run();
		check_is(gmb_hooks_set(&cancelling), 0);
		check_is(gmb_barrier_wait(&b), 1);
		check_is(gmb_hooks_set(NULL), 0);
		check_that(!cancelled_by_hook);
		check_is(gmb_barrier_waiting(&b), 0);
	}
	gmb_barrier_fini(&b);
	return rc;
}

Suite *test_barrier_suite(void)
{
	Suite *suite = suite_create("barrier");
	TCase *tcase = tcase_create("barrier");

	tcase_add_test(tcase, is_reusable);
	tcase_add_test(tcase, ends_before_others_run);
	tcase_add_test(tcase, alone);
	tcase_add_test(tcase, cancelled_party_does_not_count);
	tcase_add_test(tcase, cancelled_before);
	tcase_add_test(tcase, completion_beats_cancel);
	tcase_add_test(tcase, another_loop_is_refused);
	tcase_add_test(tcase, misuse_dies);
	tcase_add_test(tcase, hook_may_cancel_one_while_all_are_let_go);
	suite_add_tcase(suite, tcase);
	return suite;
}
