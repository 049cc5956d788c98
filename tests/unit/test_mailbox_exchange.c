/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Sending a message and waiting for one, in one call.
 */
#include <pthread.h>
#include "harness.h"

Suite *test_mailbox_exchange_suite(void);

#define PAIRS	4
#define ROUNDS	500

static void post(struct gmb_mailbox *mailbox, int64_t item)
{
	check_is(gmb_mailbox_post(mailbox, &item), 0);
}

/* Two loops. Each has a mailbox for each of its tasks. */

struct side {
	struct gmb_mailbox *boxes[PAIRS];
	struct side *other;
	bool asks;
	int players;		/* those of PAIRS that play */
	int sleep_every;	/* rounds; 0: never */
};

struct player {
	struct side *side;
	int index;
	int64_t sum;
};

static pthread_barrier_t opened;

static void pause_now_and_then(const struct player *p, int round)
{
	if (p->side->sleep_every && round % p->side->sleep_every == p->index)
		check_is(gmb_sleep(GMB_US * 50), 0);
}

static intptr_t play(void *arg)
{
	struct player *p = arg;
	struct side *side = p->side;
	struct gmb_mailbox *mine = side->boxes[p->index];
	struct gmb_mailbox *theirs = side->other->boxes[p->index];
	int64_t item = p->index;
	int i;

	if (!side->asks)
		check_is(gmb_mailbox_receive(mine, &item), 0);
	for (i = 0; i < ROUNDS - !side->asks; i++) {
		p->sum += item;
		pause_now_and_then(p, i);
		item++;
		check_is(gmb_mailbox_exchange(theirs, &item, mine, &item), 0);
	}
	if (!side->asks)
		post(theirs, item + 1);
	p->sum = item;
	return 0;
}

static intptr_t play_all(void *arg)
{
	struct player players[PAIRS] = { 0 };
	struct side *side = arg;
	intptr_t rc = 0;
	int i;

	for (i = 0; i < PAIRS; i++)
		check_is(gmb_mailbox_open(&side->boxes[i], sizeof(int64_t), 0),
			 0);
	pthread_barrier_wait(&opened);
	gmb_manager(m, rc) {
		for (i = 0; i < side->players; i++) {
			players[i].side = side;
			players[i].index = i;
			gmb_spawn(m, play, &players[i]);
		}
	}
	check_is(rc, 0);
	/* Each message was one more than the one before. */
	for (i = 0; i < side->players; i++)
		check_is(players[i].sum, i + 2 * ROUNDS - !side->asks);
	pthread_barrier_wait(&opened);
	for (i = 0; i < PAIRS; i++)
		gmb_mailbox_put(side->boxes[i]);
	return 0;
}

static void *play_in_thread(void *arg)
{
	check_is(gmb_run(play_all, arg), 0);
	return NULL;
}

static void play_pairs(int players, int sleep_every)
{
	struct side a = { .asks = true }, b = { .other = &a };
	pthread_t thread;

	a.other = &b;
	a.players = b.players = players;
	a.sleep_every = b.sleep_every = sleep_every;
	check_is(pthread_barrier_init(&opened, NULL, 2), 0);
	check_is(pthread_create(&thread, NULL, play_in_thread, &b), 0);
	check_is(gmb_run(play_all, &a), 0);
	check_is(pthread_join(thread, NULL), 0);
	pthread_barrier_destroy(&opened);
}

START_TEST(two_loops_talk)
{
	play_pairs(1, 0);
}
END_TEST

/* Others are ready now and then, and timers run out in between. */
START_TEST(several_pairs_talk)
{
	play_pairs(PAIRS, 0);
	play_pairs(PAIRS, 7);
}
END_TEST

/* More loops than one remembers, and each of them new. */
START_TEST(many_loops_one_after_the_other)
{
	int i;

	for (i = 0; i < 20; i++)
		play_pairs(2, 0);
}
END_TEST

/* One loop that talks to many that are there at the same time. */

#define LOOPS	40

struct echoer {
	pthread_t thread;
	struct gmb_mailbox *box;
	struct gmb_mailbox *back;
};

static intptr_t echo(void *arg)
{
	struct echoer *e = arg;
	struct gmb_mailbox *box;
	int64_t item;
	int rc;

	check_is(gmb_mailbox_open(&box, sizeof(item), 0), 0);
	__atomic_store_n(&e->box, gmb_mailbox_get(box), __ATOMIC_SEQ_CST);
	rc = gmb_mailbox_receive(box, &item);
	while (rc == 0) {
		item = -item;
		rc = gmb_mailbox_exchange(e->back, &item, box, &item);
	}
	check_is(rc, -ENODATA);
	gmb_mailbox_put(box);
	return 0;
}

static void *echo_in_thread(void *arg)
{
	check_is(gmb_run(echo, arg), 0);
	return NULL;
}

static void ask(struct echoer *e, struct gmb_mailbox *back, int64_t number)
{
	int64_t item = number;

	check_is(gmb_mailbox_exchange(e->box, &item, back, &item), 0);
	check_is(item, -number);
}

REAL_TEST(one_loop_talks_to_many)
{
	struct echoer echoers[LOOPS] = { 0 };
	struct gmb_mailbox *back;
	int i, round;

	check_is(gmb_mailbox_open(&back, sizeof(int64_t), 0), 0);
	for (i = 0; i < LOOPS; i++) {
		echoers[i].back = back;
		check_is(pthread_create(&echoers[i].thread, NULL,
					echo_in_thread, &echoers[i]), 0);
		while (!__atomic_load_n(&echoers[i].box, __ATOMIC_SEQ_CST))
			check_is(gmb_sleep(GMB_US * 100), 0);
	}
	for (round = 0; round < 5; round++)
		for (i = 0; i < LOOPS; i++)
			ask(&echoers[i], back, round * LOOPS + i);
	for (i = 0; i < LOOPS; i++) {
		check_is(gmb_mailbox_close(echoers[i].box), 0);
		check_is(pthread_join(echoers[i].thread, NULL), 0);
		gmb_mailbox_put(echoers[i].box);
	}
	gmb_mailbox_put(back);
	return 0;
}

/* In one loop, and with errors. */

struct answerer {
	struct gmb_mailbox *box;
	struct gmb_mailbox *back;
};

static intptr_t answer(void *arg)
{
	struct answerer *a = arg;
	int64_t item;

	check_is(gmb_mailbox_receive(a->box, &item), 0);
	post(a->back, item + 1);
	return 0;
}

REAL_TEST(two_tasks_of_a_loop_talk)
{
	struct answerer a;
	int64_t item = 7;
	intptr_t rc = 0;

	check_is(gmb_mailbox_open(&a.box, sizeof(item), 0), 0);
	check_is(gmb_mailbox_open(&a.back, sizeof(item), 0), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, answer, &a);
		check_is(gmb_mailbox_exchange(a.box, &item, a.back, &item), 0);
		check_is(item, 8);
	}
	check_is(rc, 0);
	/* To itself. */
	check_is(gmb_mailbox_exchange(a.box, &item, a.box, &item), 0);
	/* What waits already comes first, and the new message is sent. */
	post(a.back, 1);
	item = 2;
	check_is(gmb_mailbox_exchange(a.back, &item, a.back, &item), 0);
	check_is(item, 1);
	check_is(gmb_mailbox_try_receive(a.back, &item), 0);
	check_is(item, 2);
	gmb_mailbox_put(a.box);
	gmb_mailbox_put(a.back);
	return 0;
}

REAL_TEST(what_is_refused_receives_nothing)
{
	struct gmb_mailbox *to, *from;
	struct gmb_scope scope;
	int64_t item = 5;

	check_is(gmb_mailbox_open(&to, sizeof(item), 1), 0);
	check_is(gmb_mailbox_open(&from, sizeof(item), 0), 0);
	post(from, 1);
	post(to, 2);
	check_is(gmb_mailbox_exchange(to, &item, from, &item), -EAGAIN);
	check_is(item, 5);
	check_is(gmb_mailbox_try_receive(to, &item), 0);
	check_is(item, 2);
	/* Cancelled before: nothing is sent. */
	check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&scope);
	check_is(gmb_mailbox_exchange(to, &item, from, &item), -ECANCELED);
	check_is(gmb_scope_close(&scope), -ECANCELED);
	check_is(gmb_mailbox_try_receive(to, &item), -EAGAIN);
	check_is(gmb_mailbox_close(to), 0);
	check_is(gmb_mailbox_exchange(to, &item, from, &item), -EPIPE);
	check_is(gmb_mailbox_try_receive(from, &item), 0);
	check_is(item, 1);
	gmb_mailbox_put(to);
	gmb_mailbox_put(from);
	return 0;
}

static intptr_t cancel_it(void *arg)
{
	gmb_scope_cancel(arg);
	return 0;
}

REAL_TEST(what_is_sent_is_not_taken_back)
{
	struct gmb_mailbox *to, *from;
	struct gmb_scope scope;
	int64_t item = 5;
	intptr_t rc = 0;

	check_is(gmb_mailbox_open(&to, sizeof(item), 0), 0);
	check_is(gmb_mailbox_open(&from, sizeof(item), 0), 0);
	/* It is cancelled while it waits. */
	gmb_manager(m, rc) {
		check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
		gmb_spawn(m, cancel_it, &scope);
		check_is(gmb_mailbox_exchange(to, &item, from, &item),
			 -ECANCELED);
		check_is(gmb_scope_close(&scope), -ECANCELED);
	}
	check_is(rc, 0);
	check_is(item, 5);
	check_is(gmb_mailbox_try_receive(to, &item), 0);
	check_is(gmb_mailbox_close(from), 0);
	check_is(gmb_mailbox_exchange(to, &item, from, &item), -ENODATA);
	check_is(gmb_mailbox_try_receive(to, &item), 0);
	check_is(item, 5);
	gmb_mailbox_put(to);
	gmb_mailbox_put(from);
	return 0;
}

static struct gmb_mailbox *elsewhere;

static intptr_t exchange_elsewhere(void *unused)
{
	struct gmb_mailbox *mine;
	int64_t item = 3;

	(void)unused;
	check_is(gmb_mailbox_open(&mine, sizeof(item), 0), 0);
	check_is(gmb_mailbox_exchange(mine, &item, elsewhere, &item), -EXDEV);
	check_is(gmb_mailbox_try_receive(mine, &item), -EAGAIN);
	gmb_mailbox_put(mine);
	return 0;
}

static void *run_elsewhere(void *unused)
{
	check_is(gmb_run(exchange_elsewhere, unused), 0);
	return NULL;
}

REAL_TEST(only_the_own_loop_receives)
{
	pthread_t thread;

	check_is(gmb_mailbox_open(&elsewhere, sizeof(int64_t), 0), 0);
	check_is(pthread_create(&thread, NULL, run_elsewhere, NULL), 0);
	check_is(pthread_join(thread, NULL), 0);
	gmb_mailbox_put(elsewhere);
	return 0;
}

START_TEST(outside_a_task_it_is_refused)
{
	int64_t item = 0;

	check_is(gmb_mailbox_exchange(elsewhere, &item, elsewhere, &item),
		 -EPERM);
}
END_TEST

Suite *test_mailbox_exchange_suite(void)
{
	Suite *suite = suite_create("mailbox_exchange");
	TCase *tc = tcase_create("mailbox_exchange");

	tcase_add_test(tc, two_loops_talk);
	tcase_add_test(tc, several_pairs_talk);
	tcase_add_test(tc, many_loops_one_after_the_other);
	tcase_add_test(tc, one_loop_talks_to_many);
	tcase_add_test(tc, two_tasks_of_a_loop_talk);
	tcase_add_test(tc, what_is_refused_receives_nothing);
	tcase_add_test(tc, what_is_sent_is_not_taken_back);
	tcase_add_test(tc, only_the_own_loop_receives);
	tcase_add_test(tc, outside_a_task_it_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
