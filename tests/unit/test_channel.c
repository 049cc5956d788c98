/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Channels: rendezvous and buffers, ends that are cloned and closed.
 */
#include "coro/mem.h"
#include "harness.h"

Suite *test_channel_suite(void);

#define TASKS 4

struct user {
	struct gmb_sender *tx;
	struct gmb_receiver *rx;
	struct gmb_task *task;
	int64_t item;
	int rc;
	int turn;
};

static int turns;

static intptr_t send_one(void *arg)
{
	struct user *u = arg;

	u->rc = gmb_channel_send(u->tx, &u->item);
	u->turn = ++turns;
	return 0;
}

static intptr_t receive_one(void *arg)
{
	struct user *u = arg;

	u->rc = gmb_channel_receive(u->rx, &u->item);
	u->turn = ++turns;
	return 0;
}

static void line_up(struct gmb_manager *m, struct gmb_sender *tx,
		    struct gmb_receiver *rx, struct user *u, gmb_task_fn fn)
{
	turns = 0;
	for (int i = 0; i < TASKS; i++) {
		u[i] = (struct user){
			.tx = tx,
			.rx = rx,
			.item = 100 + i,
			.rc = 1,
		};
		u[i].task = gmb_spawn(m, fn, &u[i]);
	}
	let_run();
}

/* A send returns when somebody has got the item, not before. */
TASK_TEST(rendezvous)
{
	struct gmb_receiver rx;
	struct gmb_sender tx;
	struct user u[TASKS];
	intptr_t rc = 0;
	int64_t item;

	check_is(gmb_channel_open(&tx, &rx, sizeof(item), 0), 0);
	check_is(gmb_channel_try_send(&tx, &item), -EAGAIN);
	check_is(gmb_channel_try_receive(&rx, &item), -EAGAIN);
	gmb_manager(m, rc) {
		line_up(m, &tx, &rx, u, send_one);
		check_is(turns, 0);
		check_is(gmb_channel_length(&rx), 0);
		for (int i = 0; i < TASKS; i++) {
			check_is(i % 2 ? gmb_channel_try_receive(&rx, &item)
				       : gmb_channel_receive(&rx, &item), 0);
			check_is(item, 100 + i);
			let_run();
			check_is(turns, i + 1);
		}
		line_up(m, &tx, &rx, u, receive_one);
		for (int i = 0; i < TASKS; i++) {
			item = i;
			check_is(i % 2 ? gmb_channel_try_send(&tx, &item)
				       : gmb_channel_send(&tx, &item), 0);
		}
		check_is(gmb_channel_try_send(&tx, &item), -EAGAIN);
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++) {
		check_is(u[i].rc, 0);
		check_is(u[i].item, i);
		check_is(u[i].turn, i + 1);
	}
	check_is(gmb_sender_close(&tx), 0);
	check_is(gmb_receiver_close(&rx), 0);
	return 0;
}

TASK_TEST(buffered)
{
	struct gmb_receiver rx;
	struct gmb_sender tx;
	int64_t item;

	check_is(gmb_channel_open(&tx, &rx, sizeof(item), 2), 0);
	for (item = 1; item <= 2; item++)
		check_is(gmb_channel_send(&tx, &item), 0);
	check_is(gmb_channel_length(&rx), 2);
	check_is(gmb_channel_try_send(&tx, &item), -EAGAIN);
	check_is(gmb_channel_receive(&rx, &item), 0);
	check_is(item, 1);
	check_is(gmb_sender_close(&tx), 0);
	check_is(gmb_channel_receive(&rx, &item), 0);
	check_is(item, 2);
	check_is(gmb_channel_receive(&rx, &item), -ENODATA);
	check_is(gmb_channel_try_receive(&rx, &item), -ENODATA);
	check_is(gmb_receiver_close(&rx), 0);
	return 0;
}

/* The last of the clones counts; closing wakes the other side. */
TASK_TEST(last_sender_ends_it)
{
	struct gmb_sender tx, clone;
	struct gmb_receiver rx;
	struct user u[TASKS];
	intptr_t rc = 0;

	check_is(gmb_channel_open(&tx, &rx, sizeof(int64_t), 0), 0);
	check_is(gmb_sender_clone(&clone, &tx), 0);
	gmb_manager(m, rc) {
		line_up(m, &tx, &rx, u, receive_one);
		check_is(gmb_sender_close(&tx), 0);
		let_run();
		check_is(turns, 0);
		check_is(gmb_sender_close(&clone), 0);
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++)
		check_is(u[i].rc, -ENODATA);
	check_is(gmb_receiver_close(&rx), 0);
	return 0;
}

TASK_TEST(last_receiver_ends_it)
{
	struct gmb_receiver rx, clone;
	struct gmb_sender tx;
	struct user u[TASKS];
	intptr_t rc = 0;
	int64_t item = 1;

	check_is(gmb_channel_open(&tx, &rx, sizeof(item), 1), 0);
	check_is(gmb_receiver_clone(&clone, &rx), 0);
	check_is(gmb_channel_send(&tx, &item), 0);
	gmb_manager(m, rc) {
		line_up(m, &tx, &rx, u, send_one);
		check_is(gmb_receiver_close(&rx), 0);
		let_run();
		check_is(turns, 0);
		check_is(gmb_receiver_close(&clone), 0);
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++)
		check_is(u[i].rc, -EPIPE);
	check_is(gmb_channel_send(&tx, &item), -EPIPE);
	check_is(gmb_channel_try_send(&tx, &item), -EPIPE);
	check_is(gmb_sender_close(&tx), 0);
	return 0;
}

/* Closing an end under those who use it: they alone get -EBADF. */
TASK_TEST(own_end_closed_while_waiting)
{
	struct gmb_sender tx, tx2;
	struct gmb_receiver rx, rx2;
	struct user a[TASKS], b[TASKS];
	intptr_t rc = 0;
	int64_t item;

	check_is(gmb_channel_open(&tx, &rx, sizeof(item), 0), 0);
	check_is(gmb_sender_clone(&tx2, &tx), 0);
	check_is(gmb_receiver_clone(&rx2, &rx), 0);
	gmb_manager(m, rc) {
		line_up(m, &tx, &rx, a, send_one);
		line_up(m, &tx2, &rx, b, send_one);
		check_is(gmb_sender_close(&tx), 0);
		for (int i = 0; i < TASKS; i++) {
			check_is(gmb_channel_receive(&rx, &item), 0);
			check_is(item, 100 + i);
		}
	}
	for (int i = 0; i < TASKS; i++) {
		check_is(a[i].rc, -EBADF);
		check_is(b[i].rc, 0);
	}
	gmb_manager(m, rc) {
		line_up(m, &tx, &rx, a, receive_one);
		line_up(m, &tx, &rx2, b, receive_one);
		check_is(gmb_receiver_close(&rx), 0);
		for (item = 0; item < TASKS; item++)
			check_is(gmb_channel_send(&tx2, &item), 0);
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++) {
		check_is(a[i].rc, -EBADF);
		check_is(b[i].rc, 0);
		check_is(b[i].item, i);
	}
	check_is(gmb_sender_close(&tx2), 0);
	check_is(gmb_receiver_close(&rx2), 0);
	return 0;
}

START_TEST(closed_ends)
{
	struct gmb_sender tx = { 0 }, tx2;
	struct gmb_receiver rx = { 0 }, rx2;
	int64_t item = 0;

	check_is(gmb_channel_try_send(&tx, &item), -EBADF);
	check_is(gmb_channel_try_receive(&rx, &item), -EBADF);
	check_is(gmb_channel_send(&tx, &item), -EPERM);
	check_is(gmb_channel_receive(&rx, &item), -EPERM);
	check_is(gmb_sender_close(&tx), -EBADF);
	check_is(gmb_receiver_close(&rx), -EBADF);
	check_is(gmb_sender_clone(&tx2, &tx), -EBADF);
	check_is(gmb_sender_close(&tx2), -EBADF);
	check_is(gmb_receiver_clone(&rx2, &rx), -EBADF);
	check_is(gmb_receiver_close(&rx2), -EBADF);
	check_is(gmb_channel_length(&rx), 0);

	/* Open outside a loop is fine; so is leaving items behind. */
	check_is(gmb_channel_open(&tx, &rx, sizeof(item), 2), 0);
	check_is(gmb_channel_try_send(&tx, &item), 0);
	check_is(gmb_receiver_close(&rx), 0);
	check_is(gmb_receiver_close(&rx), -EBADF);
	check_is(gmb_sender_close(&tx), 0);
	check_is(gmb_sender_close(&tx), -EBADF);
}
END_TEST

TASK_TEST(closed_ends_in_a_task)
{
	struct gmb_receiver rx = { 0 };
	struct gmb_sender tx = { 0 };
	int64_t item = 0;

	check_is(gmb_channel_send(&tx, &item), -EBADF);
	check_is(gmb_channel_receive(&rx, &item), -EBADF);
	return 0;
}

TASK_TEST(bounds_are_checked)
{
	struct gmb_receiver rx;
	struct gmb_sender tx;

	check_is(gmb_channel_open(&tx, &rx, SIZE_MAX / 2, 3), -EINVAL);
	check_is(gmb_sender_close(&tx), -EBADF);
	check_is(gmb_receiver_close(&rx), -EBADF);
	for (int i = 0; i < 2; i++) {
		gmb__mem_fail_after(i);
		check_is(gmb_channel_open(&tx, &rx, 8, 8), -ENOMEM);
		check_is(gmb_sender_close(&tx), -EBADF);
	}
	gmb__mem_fail_after(-1);
	/* Counting only, with nothing to copy. */
	check_is(gmb_channel_open(&tx, &rx, 0, 2), 0);
	check_is(gmb_channel_send(&tx, NULL), 0);
	check_is(gmb_channel_send(&tx, NULL), 0);
	check_is(gmb_channel_try_send(&tx, NULL), -EAGAIN);
	check_is(gmb_channel_receive(&rx, NULL), 0);
	check_is(gmb_sender_close(&tx), 0);
	check_is(gmb_receiver_close(&rx), 0);
	return 0;
}

TASK_TEST(cancelled_waiter_loses_nothing)
{
	struct gmb_receiver rx;
	struct gmb_sender tx;
	struct user u[TASKS];
	intptr_t rc = 0;
	int64_t item;

	check_is(gmb_channel_open(&tx, &rx, sizeof(item), 0), 0);
	for (int victim = 0; victim < TASKS; victim++) {
		gmb_manager(m, rc) {
			line_up(m, &tx, &rx, u, send_one);
			gmb_task_cancel(u[victim].task);
			for (int i = 0; i < TASKS; i++) {
				if (i == victim)
					continue;
				check_is(gmb_channel_receive(&rx, &item), 0);
				check_is(item, 100 + i);
			}
			check_is(gmb_channel_try_receive(&rx, &item), -EAGAIN);
			let_run();
			check_is(u[victim].rc, -ECANCELED);
			line_up(m, &tx, &rx, u, receive_one);
			gmb_task_cancel(u[victim].task);
			for (item = 1; item < TASKS; item++)
				check_is(gmb_channel_send(&tx, &item), 0);
			check_is(gmb_channel_try_send(&tx, &item), -EAGAIN);
		}
		check_is(rc, 0);
		for (int i = 0, n = 1; i < TASKS; i++) {
			check_is(u[i].rc, i == victim ? -ECANCELED : 0);
			check_is(u[i].item, i == victim ? 100 + i : n++);
		}
	}
	check_is(gmb_sender_close(&tx), 0);
	check_is(gmb_receiver_close(&rx), 0);
	return 0;
}

/* In one turn: what was handed over stays handed over. */
TASK_TEST(hand_over_races_with_cancel_and_close)
{
	struct gmb_receiver rx;
	struct gmb_sender tx;
	struct user u[TASKS];
	intptr_t rc = 0;
	int64_t item = 7;

	check_is(gmb_channel_open(&tx, &rx, sizeof(item), 0), 0);
	gmb_manager(m, rc) {
		line_up(m, &tx, &rx, u, receive_one);
		check_is(gmb_channel_try_send(&tx, &item), 0);
		gmb_task_cancel(u[0].task);
		gmb_task_cancel(u[1].task);
		check_is(gmb_channel_try_send(&tx, &item), 0);
		check_is(gmb_receiver_close(&rx), 0);
		check_is(gmb_channel_try_send(&tx, &item), -EPIPE);
	}
	check_is(rc, 0);
	check_is(u[0].rc, 0);
	check_is(u[0].item, 7);
	check_is(u[1].rc, -ECANCELED);
	check_is(u[2].rc, 0);
	check_is(u[3].rc, -EBADF);
	check_is(gmb_sender_close(&tx), 0);
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
	struct gmb_receiver rx;
	struct gmb_sender tx;
	int64_t item = 1;
	intptr_t rc = 0;
	int count = 0;

	check_is(gmb_channel_open(&tx, &rx, sizeof(item), 4), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, count_up, &count);
		check_is(gmb_channel_try_send(&tx, &item), 0);
		check_is(count, 0);
		spend_credit();
		check_is(gmb_channel_send(&tx, &item), 0);
		check_is(count, 1);
		gmb_spawn(m, count_up, &count);
		spend_credit();
		check_is(gmb_channel_receive(&rx, &item), 0);
		check_is(count, 2);
	}
	check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&scope);
	check_is(gmb_channel_send(&tx, &item), -ECANCELED);
	check_is(gmb_channel_receive(&rx, &item), -ECANCELED);
	check_is(gmb_channel_length(&rx), 1);
	check_is(gmb_scope_close(&scope), -ECANCELED);
	check_is(gmb_sender_close(&tx), 0);
	check_is(gmb_receiver_close(&rx), 0);
	return 0;
}

/* Producers and consumers that come and go; each end is its task's own. */
struct crowd {
	struct gmb_sender tx[3];
	struct gmb_receiver rx[2];
	int64_t sums[2];
};

static struct crowd crowd;

static intptr_t produce(void *arg)
{
	struct gmb_sender *tx = arg;
	int64_t i;

	for (i = 1; i <= 1000; i++)
		check_is(gmb_channel_send(tx, &i), 0);
	return gmb_sender_close(tx);
}

static intptr_t consume(void *arg)
{
	intptr_t index = (intptr_t)arg;
	int64_t item;
	int rc;

	while ((rc = gmb_channel_receive(&crowd.rx[index], &item)) == 0)
		crowd.sums[index] += item;
	check_is(rc, -ENODATA);
	return gmb_receiver_close(&crowd.rx[index]);
}

TASK_TEST(many_to_many)
{
	intptr_t rc = 0;

	for (size_t capacity = 0; capacity < 4; capacity++) {
		crowd = (struct crowd){ 0 };
		check_is(gmb_channel_open(&crowd.tx[0], &crowd.rx[0],
					  sizeof(int64_t), capacity), 0);
		check_is(gmb_sender_clone(&crowd.tx[1], &crowd.tx[0]), 0);
		check_is(gmb_sender_clone(&crowd.tx[2], &crowd.tx[0]), 0);
		check_is(gmb_receiver_clone(&crowd.rx[1], &crowd.rx[0]), 0);
		gmb_manager(m, rc) {
			for (intptr_t i = 0; i < 3; i++)
				gmb_spawn(m, produce, &crowd.tx[i]);
			for (intptr_t i = 0; i < 2; i++)
				gmb_spawn(m, consume, (void *)i);
		}
		check_is(rc, 0);
		check_is(crowd.sums[0] + crowd.sums[1], 3 * 500500);
		/* Nobody starves. */
		check_that(crowd.sums[0] > 0 && crowd.sums[1] > 0);
	}
	return 0;
}

static intptr_t wait_long(void *arg)
{
	int64_t item;

	return gmb_channel_receive(arg, &item);
}

static struct gmb_sender far_tx;

static intptr_t intrude(void *arg)
{
	int64_t item = 0;

	check_is(gmb_channel_send(&far_tx, &item), -EXDEV);
	check_is(gmb_channel_try_send(&far_tx, &item), -EXDEV);
	check_is(gmb_sender_close(&far_tx), -EXDEV);
	check_is(gmb_receiver_close(arg), -EXDEV);
	return gmb_channel_receive(arg, &item);
}

START_TEST(another_loop_is_refused)
{
	struct gmb_receiver rx;
	struct gmb_loop *loop;

	check_is(gmb_channel_open(&far_tx, &rx, sizeof(int64_t), 0), 0);
	check_is(gmb_loop_open(NULL, wait_long, &rx, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_run(intrude, &rx), -EXDEV);
	gmb_loop_cancel(loop);
	gmb_loop_close(loop, NULL);
	check_is(gmb_sender_close(&far_tx), 0);
	check_is(gmb_receiver_close(&rx), 0);
}
END_TEST

static intptr_t wait_no_more(void *arg)
{
	return wait_long(arg) == -ENODATA;
}

static void close_receiver(void *user, struct gmb_task *task)
{
	struct gmb_receiver *receiver = user;

	if (strcmp(gmb_task_name(task), "receiver") == 0)
		check_is(gmb_receiver_close(receiver), 0);
}

/* With both ends closed the channel is gone, but not before its time. */
TASK_TEST(hook_may_close_the_other_end)
{
	struct gmb_sender tx;
	struct gmb_receiver rx;
	struct gmb_hooks closing = {
		.size = sizeof(closing),
		.user = &rx,
		.scheduled = close_receiver,
	};
	intptr_t rc = 0, got = 0;
	struct gmb_task *t;

	check_is(gmb_channel_open(&tx, &rx, sizeof(int64_t), 1), 0);
	gmb_manager(m, rc) {
		t = gmb_spawn(m, wait_no_more, &rx);
		gmb_task_set_name(t, "receiver");
		check_is(gmb_yield(), 0);
		check_is(gmb_hooks_set(&closing), 0);
		check_is(gmb_sender_close(&tx), 0);
		check_is(gmb_hooks_set(NULL), 0);
		check_is(gmb_join(t, &got), 0);
		check_is(got, 1);
	}
	check_is(gmb_receiver_close(&rx), -EBADF);
	return rc;
}

Suite *test_channel_suite(void)
{
	Suite *suite = suite_create("channel");
	TCase *tcase = tcase_create("channel");

	tcase_add_test(tcase, rendezvous);
	tcase_add_test(tcase, buffered);
	tcase_add_test(tcase, last_sender_ends_it);
	tcase_add_test(tcase, last_receiver_ends_it);
	tcase_add_test(tcase, own_end_closed_while_waiting);
	tcase_add_test(tcase, closed_ends);
	tcase_add_test(tcase, closed_ends_in_a_task);
	tcase_add_test(tcase, bounds_are_checked);
	tcase_add_test(tcase, cancelled_waiter_loses_nothing);
	tcase_add_test(tcase, hand_over_races_with_cancel_and_close);
	tcase_add_test(tcase, calls_are_checkpoints);
	tcase_add_test(tcase, many_to_many);
	tcase_add_test(tcase, another_loop_is_refused);
	tcase_add_test(tcase, hook_may_close_the_other_end);
	suite_add_tcase(suite, tcase);
	return suite;
}
