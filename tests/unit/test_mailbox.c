/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Mailboxes: from any thread, in order, nothing lost, closed at any time.
 */
#include <pthread.h>
#include <sched.h>
#include "coro/mem.h"
#include "harness.h"

Suite *test_mailbox_suite(void);

#define THREADS 4
#define MESSAGES 2000

struct message {
	int thread;
	int number;
};

struct poster {
	pthread_t thread;
	struct gmb_mailbox *mailbox;
	int index;
	int posted;
	int last;	/* the error that ended it */
};

/* Post until it is refused, and at most so many. */
static void *post_many(void *arg)
{
	struct poster *p = arg;
	struct message message = { .thread = p->index };

	while (p->posted < MESSAGES) {
		message.number = p->posted;
		p->last = gmb_mailbox_post(p->mailbox, &message);
		if (p->last == -EAGAIN)
			sched_yield();
		else if (p->last)
			break;
		else
			p->posted++;
	}
	gmb_mailbox_put(p->mailbox);
	return NULL;
}

static void start(struct poster *posters, struct gmb_mailbox *mailbox)
{
	for (int i = 0; i < THREADS; i++) {
		posters[i] = (struct poster){
			.mailbox = gmb_mailbox_get(mailbox),
			.index = i,
		};
		check_is(pthread_create(&posters[i].thread, NULL, post_many,
					&posters[i]), 0);
	}
}

static void join_all(struct poster *posters)
{
	for (int i = 0; i < THREADS; i++)
		check_is(pthread_join(posters[i].thread, NULL), 0);
}

static void receive_all(size_t capacity)
{
	struct poster posters[THREADS];
	struct gmb_mailbox *mailbox;
	struct message message;
	int next[THREADS] = { 0 };

	check_is(gmb_mailbox_open(&mailbox, sizeof(message), capacity), 0);
	start(posters, mailbox);
	for (int i = 0; i < THREADS * MESSAGES; i++) {
		check_is(gmb_mailbox_receive(mailbox, &message), 0);
		/* Those of one thread are in order. */
		check_is(message.number, next[message.thread]++);
	}
	check_is(gmb_mailbox_try_receive(mailbox, &message), -EAGAIN);
	join_all(posters);
	check_is(gmb_mailbox_close(mailbox), 0);
	gmb_mailbox_put(mailbox);
}

REAL_TEST(four_threads)
{
	receive_all(0);
	return 0;
}

REAL_TEST(four_threads_bounded)
{
	receive_all(3);
	return 0;
}

/* Closed in the middle: what was posted is received, the rest refused. */
REAL_TEST(close_races_with_posts)
{
	struct poster posters[THREADS];
	struct gmb_mailbox *mailbox;
	struct message message;

	for (int round = 0; round < 50; round++) {
		int received = 0, posted = 0, rc;

		check_is(gmb_mailbox_open(&mailbox, sizeof(message), 0), 0);
		start(posters, mailbox);
		while (received < round * 10) {
			check_is(gmb_mailbox_receive(mailbox, &message), 0);
			received++;
		}
		rc = gmb_mailbox_close(mailbox);
		check_is(rc, 0);
		while ((rc = gmb_mailbox_receive(mailbox, &message)) == 0)
			received++;
		check_is(rc, -ENODATA);
		join_all(posters);
		for (int i = 0; i < THREADS; i++)
			posted += posters[i].posted;
		check_is(received, posted);
		check_is(gmb_mailbox_post(mailbox, &message), -EPIPE);
		check_is(gmb_mailbox_close(mailbox), -EALREADY);
		gmb_mailbox_put(mailbox);
	}
	return 0;
}

static struct gmb_mailbox *left_open;

static intptr_t leave_it_open(void *arg)
{
	struct message message;

	check_is(gmb_mailbox_open(&left_open, sizeof(message), 0), 0);
	start(arg, left_open);
	for (int i = 0; i < 20; i++)
		check_is(gmb_mailbox_receive(left_open, &message), 0);
	return 0;
}

/* The loop ends under the posters; the mailbox closes, and is freed once. */
START_TEST(loop_end_races_with_posts)
{
	struct poster posters[THREADS];
	struct message message = { 0 };

	for (int round = 0; round < 50; round++) {
		check_is(gmb_run(leave_it_open, posters), 0);
		check_is(gmb_mailbox_post(left_open, &message), -EPIPE);
		check_is(gmb_mailbox_try_receive(left_open, &message), -EXDEV);
		join_all(posters);
		gmb_mailbox_put(left_open);
	}
}
END_TEST

struct waiter {
	struct gmb_mailbox *mailbox;
	struct gmb_task *task;
	int64_t item;
	int rc;
	int turn;
};

#define TASKS 4

static int turns;

static intptr_t receive_one(void *arg)
{
	struct waiter *w = arg;

	w->rc = gmb_mailbox_receive(w->mailbox, &w->item);
	w->turn = ++turns;
	return 0;
}

static void line_up(struct gmb_manager *m, struct gmb_mailbox *mailbox,
		    struct waiter *w)
{
	turns = 0;
	for (int i = 0; i < TASKS; i++) {
		w[i] = (struct waiter){
			.mailbox = mailbox,
			.item = -1,
			.rc = 1,
		};
		w[i].task = gmb_spawn(m, receive_one, &w[i]);
	}
	let_run();
}

static void post(struct gmb_mailbox *mailbox, int64_t first, int count)
{
	for (int64_t i = first; i < first + count; i++)
		check_is(gmb_mailbox_post(mailbox, &i), 0);
}

/* Served in order of arrival, whoever is cancelled; nobody overtakes. */
REAL_TEST(receivers_are_served_in_order)
{
	struct gmb_mailbox *mailbox;
	struct waiter w[TASKS];
	intptr_t rc = 0;
	int64_t item;

	check_is(gmb_mailbox_open(&mailbox, sizeof(item), 0), 0);
	for (int victim = 0; victim < TASKS; victim++) {
		gmb_manager(m, rc) {
			line_up(m, mailbox, w);
			gmb_task_cancel(w[victim].task);
			post(mailbox, 1, TASKS);
			/* Three are for those who wait, one is left. */
			check_is(gmb_mailbox_try_receive(mailbox, &item), 0);
			check_is(item, TASKS);
			check_is(gmb_mailbox_try_receive(mailbox, &item),
				 -EAGAIN);
		}
		check_is(rc, 0);
		for (int i = 0, n = 1; i < TASKS; i++) {
			check_is(w[i].rc, i == victim ? -ECANCELED : 0);
			check_is(w[i].item, i == victim ? -1 : n++);
		}
	}
	gmb_mailbox_put(mailbox);
	return 0;
}

/* Closing wakes those who wait, after what was posted. */
REAL_TEST(close_wakes)
{
	struct gmb_mailbox *mailbox;
	struct waiter w[TASKS];
	intptr_t rc = 0;

	check_is(gmb_mailbox_open(&mailbox, sizeof(int64_t), 0), 0);
	gmb_manager(m, rc) {
		line_up(m, mailbox, w);
		post(mailbox, 1, 2);
		check_is(gmb_mailbox_close(mailbox), 0);
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++) {
		check_is(w[i].rc, i < 2 ? 0 : -ENODATA);
		check_is(w[i].item, i < 2 ? i + 1 : -1);
	}
	gmb_mailbox_put(mailbox);
	return 0;
}

static void *close_late(void *arg)
{
	usleep(20000);
	check_is(gmb_mailbox_close(arg), 0);
	gmb_mailbox_put(arg);
	return NULL;
}

/* A loop that waits for nothing but other threads is not stuck. */
REAL_TEST(closed_by_another_thread)
{
	struct gmb_mailbox *mailbox;
	pthread_t thread;
	int64_t item;

	check_is(gmb_mailbox_open(&mailbox, sizeof(item), 0), 0);
	check_is(pthread_create(&thread, NULL, close_late,
				gmb_mailbox_get(mailbox)), 0);
	check_is(gmb_mailbox_receive(mailbox, &item), -ENODATA);
	check_is(gmb_mailbox_try_receive(mailbox, &item), -ENODATA);
	pthread_join(thread, NULL);
	gmb_mailbox_put(mailbox);
	return 0;
}

REAL_TEST(bounded)
{
	struct gmb_mailbox *mailbox;
	int64_t item = 0;

	check_is(gmb_mailbox_open(&mailbox, sizeof(item), 2), 0);
	post(mailbox, 1, 2);
	check_is(gmb_mailbox_post(mailbox, &item), -EAGAIN);
	check_is(gmb_mailbox_receive(mailbox, &item), 0);
	check_is(item, 1);
	post(mailbox, 3, 1);
	check_is(gmb_mailbox_post(mailbox, &item), -EAGAIN);
	check_is(gmb_mailbox_receive(mailbox, &item), 0);
	check_is(gmb_mailbox_receive(mailbox, &item), 0);
	check_is(item, 3);
	/* A post that failed for want of memory takes no room. */
	for (int i = 0; i < 3; i++) {
		gmb__mem_fail_after(0);
		check_is(gmb_mailbox_post(mailbox, &item), -ENOMEM);
	}
	gmb__mem_fail_after(-1);
	post(mailbox, 1, 2);
	check_is(gmb_mailbox_post(mailbox, &item), -EAGAIN);
	/* Messages that nobody receives are freed with it. */
	gmb_mailbox_put(mailbox);
	return 0;
}

REAL_TEST(odd_sizes)
{
	struct gmb_mailbox *mailbox;
	char in[3] = "ab", out[4] = "zzz";

	check_is(gmb_mailbox_open(&mailbox, 3, 0), 0);
	check_is(gmb_mailbox_post(mailbox, in), 0);
	check_is(gmb_mailbox_receive(mailbox, out), 0);
	check_str(out, "ab");
	check_is(gmb_mailbox_close(mailbox), 0);
	gmb_mailbox_put(mailbox);

	check_is(gmb_mailbox_open(&mailbox, 0, 1), 0);
	check_is(gmb_mailbox_post(mailbox, NULL), 0);
	check_is(gmb_mailbox_post(mailbox, NULL), -EAGAIN);
	check_is(gmb_mailbox_receive(mailbox, NULL), 0);
	gmb_mailbox_put(mailbox);

	check_is(gmb_mailbox_open(&mailbox, SIZE_MAX, 0), 0);
	check_is(gmb_mailbox_post(mailbox, in), -ENOMEM);
	gmb_mailbox_put(mailbox);

	gmb__mem_fail_after(0);
	check_is(gmb_mailbox_open(&mailbox, 8, 0), -ENOMEM);
	gmb__mem_fail_after(-1);
	gmb_mailbox_put(NULL);
	return 0;
}

/* A mailbox that is closed is let go of by its loop soon, not at its end. */
REAL_TEST(closed_is_let_go)
{
	struct gmb_mailbox *mailbox;
	int64_t item = 1;

	for (int i = 0; i < 1000; i++) {
		check_is(gmb_mailbox_open(&mailbox, sizeof(item), 0), 0);
		check_is(gmb_mailbox_post(mailbox, &item), 0);
		check_is(gmb_mailbox_close(mailbox), 0);
		gmb_mailbox_put(mailbox);
		check_is(gmb_yield(), 0);
	}
	return 0;
}

static intptr_t count_up(void *arg)
{
	++*(int *)arg;
	return 0;
}

REAL_TEST(receive_is_a_checkpoint)
{
	struct gmb_mailbox *mailbox;
	struct gmb_scope scope;
	int64_t item;
	intptr_t rc = 0;
	int count = 0;

	check_is(gmb_mailbox_open(&mailbox, sizeof(item), 0), 0);
	post(mailbox, 1, 3);
	gmb_manager(m, rc) {
		gmb_spawn(m, count_up, &count);
		check_is(gmb_mailbox_try_receive(mailbox, &item), 0);
		check_is(count, 0);
		spend_credit();
		check_is(gmb_mailbox_receive(mailbox, &item), 0);
		check_is(count, 1);
	}
	check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&scope);
	check_is(gmb_mailbox_receive(mailbox, &item), -ECANCELED);
	check_is(gmb_mailbox_try_receive(mailbox, &item), 0);
	check_is(item, 3);
	check_is(gmb_scope_close(&scope), -ECANCELED);
	gmb_mailbox_put(mailbox);
	return 0;
}

/* Two loops of two threads that play ball. */
static struct gmb_mailbox *volatile right;
static pthread_barrier_t both;

static intptr_t play_right(void *arg)
{
	struct gmb_mailbox *left = arg, *mine;
	int64_t ball;
	int rc;

	check_is(gmb_mailbox_open(&mine, sizeof(ball), 0), 0);
	right = gmb_mailbox_get(mine);
	pthread_barrier_wait(&both);
	while ((rc = gmb_mailbox_receive(mine, &ball)) == 0) {
		ball++;
		check_is(gmb_mailbox_post(left, &ball), 0);
	}
	check_is(rc, -ENODATA);
	gmb_mailbox_put(mine);
	return 0;
}

static void *right_thread(void *arg)
{
	check_is(gmb_run(play_right, arg), 0);
	return NULL;
}

REAL_TEST(two_loops)
{
	struct gmb_mailbox *left;
	pthread_t thread;
	int64_t ball = 0;

	check_is(gmb_mailbox_open(&left, sizeof(ball), 0), 0);
	pthread_barrier_init(&both, NULL, 2);
	check_is(pthread_create(&thread, NULL, right_thread, left), 0);
	pthread_barrier_wait(&both);
	check_is(gmb_mailbox_receive(right, &ball), -EXDEV);
	for (int i = 0; i < 1000; i++) {
		check_is(ball, i);
		check_is(gmb_mailbox_post(right, &ball), 0);
		check_is(gmb_mailbox_receive(left, &ball), 0);
	}
	check_is(gmb_mailbox_close(right), 0);
	check_is(pthread_join(thread, NULL), 0);
	gmb_mailbox_put(right);
	gmb_mailbox_put(left);
	pthread_barrier_destroy(&both);
	return 0;
}

START_TEST(outside_a_task)
{
	struct gmb_mailbox *mailbox;

	check_is(gmb_mailbox_open(&mailbox, 8, 0), -EPERM);
}
END_TEST

Suite *test_mailbox_suite(void)
{
	Suite *suite = suite_create("mailbox");
	TCase *tcase = tcase_create("mailbox");

	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, four_threads);
	tcase_add_test(tcase, four_threads_bounded);
	tcase_add_test(tcase, close_races_with_posts);
	tcase_add_test(tcase, loop_end_races_with_posts);
	tcase_add_test(tcase, receivers_are_served_in_order);
	tcase_add_test(tcase, close_wakes);
	tcase_add_test(tcase, closed_by_another_thread);
	tcase_add_test(tcase, bounded);
	tcase_add_test(tcase, odd_sizes);
	tcase_add_test(tcase, closed_is_let_go);
	tcase_add_test(tcase, receive_is_a_checkpoint);
	tcase_add_test(tcase, two_loops);
	tcase_add_test(tcase, outside_a_task);
	suite_add_tcase(suite, tcase);
	return suite;
}
