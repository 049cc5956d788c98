/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Queues: order, bounds, closing, and no item lost or doubled.
 */
#include "coro/mem.h"
#include "harness.h"

Suite *test_queue_suite(void);

#define TASKS 4

struct user {
	struct gmb_queue *q;
	struct gmb_task *task;
	int64_t item;
	int rc;
	int turn;
};

static int turns;

static intptr_t get_one(void *arg)
{
	struct user *u = arg;

	u->rc = gmb_queue_get(u->q, &u->item);
	u->turn = ++turns;
	return 0;
}

static intptr_t put_one(void *arg)
{
	struct user *u = arg;

	u->rc = gmb_queue_put(u->q, &u->item);
	u->turn = ++turns;
	return 0;
}

static void line_up(struct gmb_manager *m, struct gmb_queue *q,
		    struct user *u, gmb_task_fn fn)
{
	turns = 0;
	for (int i = 0; i < TASKS; i++) {
		u[i] = (struct user){ .q = q, .item = 100 + i, .rc = 1 };
		u[i].task = gmb_spawn(m, fn, &u[i]);
	}
	let_run();
}

static void fill(struct gmb_queue *q, int64_t first, int count)
{
	for (int i = 0; i < count; i++) {
		int64_t item = first + i;

		check_is(gmb_queue_try_put(q, &item), 0);
	}
}

TASK_TEST(first_in_first_out)
{
	int64_t storage[3], item = 0;
	struct gmb_queue q;

	check_is(gmb_queue_init(&q, sizeof(item), 3, storage), 0);
	for (int i = 0; i < 10; i++) {
		check_is(gmb_queue_length(&q), 0);
		check_is(gmb_queue_try_get(&q, &item), -EAGAIN);
		fill(&q, 10 * i, 3);
		check_is(gmb_queue_length(&q), 3);
		check_is(gmb_queue_try_put(&q, &item), -EAGAIN);
		for (int j = 0; j < 2; j++) {
			check_is(gmb_queue_get(&q, &item), 0);
			check_is(item, 10 * i + j);
		}
		item = 99;
		check_is(gmb_queue_put(&q, &item), 0);
		check_is(gmb_queue_get(&q, &item), 0);
		check_is(item, 10 * i + 2);
		check_is(gmb_queue_get(&q, &item), 0);
		check_is(item, 99);
	}
	gmb_queue_fini(&q);
	return 0;
}

/* Items of any size, none at all included. */
TASK_TEST(item_sizes)
{
	static const size_t sizes[] = { 0, 1, 3, 7, 8, 9, 64, 5000 };
	char in[5000], out[5001];
	struct gmb_queue q;

	for (int s = 0; s < 8; s++) {
		check_is(gmb_queue_init(&q, sizes[s], 2, NULL), 0);
		for (int round = 0; round < 5; round++) {
			memset(in, 'a' + round, sizeof(in));
			memset(out, 'z', sizeof(out));
			check_is(gmb_queue_put(&q, sizes[s] ? in : NULL), 0);
			check_is(gmb_queue_get(&q, sizes[s] ? out : NULL), 0);
			check_is(memcmp(in, out, sizes[s]), 0);
			check_is(out[sizes[s]], 'z');
		}
		gmb_queue_fini(&q);
	}
	return 0;
}

TASK_TEST(bounds_are_checked)
{
	struct gmb_queue q;

	check_is(gmb_queue_init(&q, 8, 0, NULL), -EINVAL);
	check_is(gmb_queue_init(&q, SIZE_MAX / 2, 3, NULL), -EINVAL);
	gmb__mem_fail_after(0);
	check_is(gmb_queue_init(&q, 8, 8, NULL), -ENOMEM);
	gmb__mem_fail_after(-1);
	return 0;
}

/* Those who wait to get are served in order, straight by the putter. */
TASK_TEST(getters_are_served_in_order)
{
	struct user u[TASKS];
	struct gmb_queue q;
	intptr_t rc = 0;

	check_is(gmb_queue_init(&q, sizeof(int64_t), 1, NULL), 0);
	gmb_manager(m, rc) {
		line_up(m, &q, u, get_one);
		/* More than the capacity: they do not lie in the queue. */
		fill(&q, 1, TASKS);
		check_is(gmb_queue_length(&q), 0);
		fill(&q, 77, 1);
		/* It was put later, and nobody may take what was given. */
		let_run();
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++) {
		check_is(u[i].rc, 0);
		check_is(u[i].item, 1 + i);
		check_is(u[i].turn, 1 + i);
	}
	check_is(gmb_queue_length(&q), 1);
	gmb_queue_fini(&q);
	return 0;
}

TASK_TEST(putters_are_served_in_order)
{
	struct user u[TASKS];
	struct gmb_queue q;
	intptr_t rc = 0;
	int64_t item;

	check_is(gmb_queue_init(&q, sizeof(item), 2, NULL), 0);
	gmb_manager(m, rc) {
		fill(&q, 1, 2);
		line_up(m, &q, u, put_one);
		check_is(turns, 0);
		for (int i = 0; i < 2 + TASKS; i++) {
			check_is(gmb_queue_try_get(&q, &item), 0);
			check_is(item, i < 2 ? 1 + i : 100 + i - 2);
			/* Room goes to those who wait. */
			if (i < TASKS)
				check_is(gmb_queue_try_put(&q, &item), -EAGAIN);
		}
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++) {
		check_is(u[i].rc, 0);
		check_is(u[i].turn, 1 + i);
	}
	gmb_queue_fini(&q);
	return 0;
}

TASK_TEST(cancelled_waiter_loses_nothing)
{
	struct user u[TASKS];
	struct gmb_queue q;
	intptr_t rc = 0;
	int64_t item;

	check_is(gmb_queue_init(&q, sizeof(item), 1, NULL), 0);
	for (int victim = 0; victim < TASKS; victim++) {
		gmb_manager(m, rc) {
			line_up(m, &q, u, get_one);
			gmb_task_cancel(u[victim].task);
			fill(&q, 1, TASKS);
		}
		check_is(rc, 0);
		for (int i = 0, n = 1; i < TASKS; i++) {
			check_is(u[i].rc, i == victim ? -ECANCELED : 0);
			check_is(u[i].item, i == victim ? 100 + i : n++);
		}
		/* The one that was for the victim is still there. */
		check_is(gmb_queue_length(&q), 1);
		gmb_manager(m, rc) {
			line_up(m, &q, u, put_one);
			gmb_task_cancel(u[victim].task);
			for (int i = 0, n = 0; i < TASKS; i++) {
				check_is(gmb_queue_get(&q, &item), 0);
				if (n == victim + 1)
					n++;
				check_is(item, n ? 100 + n - 1 : TASKS);
				n++;
			}
			check_is(gmb_queue_try_get(&q, &item), -EAGAIN);
		}
		check_is(rc, 0);
		for (int i = 0; i < TASKS; i++)
			check_is(u[i].rc, i == victim ? -ECANCELED : 0);
	}
	gmb_queue_fini(&q);
	return 0;
}

/* In one turn: what was handed over stays handed over. */
TASK_TEST(hand_over_races_with_cancel)
{
	struct user u[TASKS];
	struct gmb_queue q;
	intptr_t rc = 0;

	check_is(gmb_queue_init(&q, sizeof(int64_t), 1, NULL), 0);
	gmb_manager(m, rc) {
		line_up(m, &q, u, get_one);
		fill(&q, 1, 1);
		gmb_task_cancel(u[0].task);
		gmb_task_cancel(u[1].task);
		fill(&q, 2, 2);
	}
	check_is(rc, 0);
	check_is(u[0].rc, 0);
	check_is(u[0].item, 1);
	check_is(u[1].rc, -ECANCELED);
	check_is(u[1].item, 101);
	check_is(u[2].item, 2);
	check_is(u[3].item, 3);
	gmb_queue_fini(&q);
	return 0;
}

TASK_TEST(close_drains)
{
	struct gmb_queue q;
	int64_t item = 5;

	check_is(gmb_queue_init(&q, sizeof(item), 3, NULL), 0);
	fill(&q, 1, 2);
	check_is(gmb_queue_close(&q), 0);
	check_is(gmb_queue_close(&q), 0);
	check_is(gmb_queue_put(&q, &item), -EPIPE);
	check_is(gmb_queue_try_put(&q, &item), -EPIPE);
	check_is(gmb_queue_get(&q, &item), 0);
	check_is(item, 1);
	check_is(gmb_queue_try_get(&q, &item), 0);
	check_is(item, 2);
	check_is(gmb_queue_get(&q, &item), -ENODATA);
	check_is(gmb_queue_try_get(&q, &item), -ENODATA);
	check_is(item, 2);
	gmb_queue_fini(&q);
	return 0;
}

TASK_TEST(close_wakes)
{
	struct user u[TASKS];
	struct gmb_queue q;
	intptr_t rc = 0;
	int64_t item;

	check_is(gmb_queue_init(&q, sizeof(item), 1, NULL), 0);
	gmb_manager(m, rc) {
		line_up(m, &q, u, get_one);
		check_is(gmb_queue_close(&q), 0);
	}
	for (int i = 0; i < TASKS; i++)
		check_is(u[i].rc, -ENODATA);
	gmb_queue_fini(&q);

	check_is(gmb_queue_init(&q, sizeof(item), 1, NULL), 0);
	gmb_manager(m, rc) {
		fill(&q, 1, 1);
		line_up(m, &q, u, put_one);
		check_is(gmb_queue_close(&q), 0);
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++)
		check_is(u[i].rc, -EPIPE);
	check_is(gmb_queue_get(&q, &item), 0);
	check_is(item, 1);
	check_is(gmb_queue_get(&q, &item), -ENODATA);
	gmb_queue_fini(&q);
	return 0;
}

static intptr_t count_up(void *arg)
{
	++*(int *)arg;
	return 0;
}

TASK_TEST(calls_are_checkpoints)
{
	struct gmb_scope scope;
	struct gmb_queue q;
	int64_t item = 1;
	intptr_t rc = 0;
	int count = 0;

	check_is(gmb_queue_init(&q, sizeof(item), 4, NULL), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, count_up, &count);
		check_is(gmb_queue_try_put(&q, &item), 0);
		check_is(gmb_queue_try_get(&q, &item), 0);
		check_is(count, 0);
		spend_credit();
		check_is(gmb_queue_put(&q, &item), 0);
		check_is(count, 1);
		gmb_spawn(m, count_up, &count);
		spend_credit();
		check_is(gmb_queue_get(&q, &item), 0);
		check_is(count, 2);
	}
	check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&scope);
	check_is(gmb_queue_put(&q, &item), -ECANCELED);
	check_is(gmb_queue_length(&q), 0);
	check_is(gmb_queue_try_put(&q, &item), 0);
	check_is(gmb_queue_get(&q, &item), -ECANCELED);
	check_is(gmb_queue_length(&q), 1);
	check_is(gmb_scope_close(&scope), -ECANCELED);
	gmb_queue_fini(&q);
	return 0;
}

static intptr_t wait_long(void *arg)
{
	int64_t item;

	return gmb_queue_get(arg, &item);
}

static intptr_t intrude(void *arg)
{
	int64_t item = 0;

	check_is(gmb_queue_put(arg, &item), -EXDEV);
	check_is(gmb_queue_try_put(arg, &item), -EXDEV);
	check_is(gmb_queue_try_get(arg, &item), -EXDEV);
	check_is(gmb_queue_close(arg), -EXDEV);
	return gmb_queue_get(arg, &item);
}

START_TEST(another_loop_is_refused)
{
	struct gmb_loop *loop;
	struct gmb_queue q;
	int64_t item = 0;

	check_is(gmb_queue_init(&q, sizeof(item), 1, NULL), 0);
	check_is(gmb_queue_put(&q, &item), -EPERM);
	check_is(gmb_queue_get(&q, &item), -EPERM);
	check_is(gmb_loop_open(NULL, wait_long, &q, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_run(intrude, &q), -EXDEV);
	gmb_loop_cancel(loop);
	gmb_loop_close(loop, NULL);
	gmb_queue_fini(&q);
}
END_TEST

static intptr_t fini_under_waiter(void *arg)
{
	struct user u[TASKS];
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		line_up(m, arg, u, get_one);
		gmb_queue_fini(arg);
	}
	return rc;
}

static void die_by_fini(void)
{
	struct gmb_queue q;

	check_is(gmb_queue_init(&q, 8, 1, NULL), 0);
	gmb_run(fini_under_waiter, &q);
}

static void die_by_use(void)
{
	struct gmb_queue q;

	check_is(gmb_queue_init(&q, 8, 1, NULL), 0);
	gmb_queue_fini(&q);
	fill(&q, 1, 1);
}

START_TEST(misuse_dies)
{
	dies(die_by_fini, "gmb_queue_fini: the object at");
	dies(die_by_use, "gmb_queue_try_put: the object at");
}
END_TEST

Suite *test_queue_suite(void)
{
	Suite *suite = suite_create("queue");
	TCase *tcase = tcase_create("queue");

	tcase_add_test(tcase, first_in_first_out);
	tcase_add_test(tcase, item_sizes);
	tcase_add_test(tcase, bounds_are_checked);
	tcase_add_test(tcase, getters_are_served_in_order);
	tcase_add_test(tcase, putters_are_served_in_order);
	tcase_add_test(tcase, cancelled_waiter_loses_nothing);
	tcase_add_test(tcase, hand_over_races_with_cancel);
	tcase_add_test(tcase, close_drains);
	tcase_add_test(tcase, close_wakes);
	tcase_add_test(tcase, calls_are_checkpoints);
	tcase_add_test(tcase, another_loop_is_refused);
	tcase_add_test(tcase, misuse_dies);
	suite_add_tcase(suite, tcase);
	return suite;
}
