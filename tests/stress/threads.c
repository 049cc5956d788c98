/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Loops in several threads that begin, post messages to each other in all
 * directions, are interrupted, and end, while the others go on. Whatever was
 * accepted by a mailbox is received, in the order of each sender, and a mailbox
 * whose loop has ended refuses.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "harness.h"

enum {
	THREADS = 4,
	ROUNDS = 3,
	POSTERS = 2,
};

struct message {
	uint32_t sender;	/* who posts: an index of its own */
	uint32_t number;	/* counts up for each sender and mailbox */
};

enum { SENDERS = THREADS * ROUNDS * POSTERS };

/* A mailbox, from its publication to the end of the schedule. */
struct box {
	struct gmb_mailbox *mailbox;	/* under the lock; NULL: not open */
	atomic_uint accepted;
	unsigned int received;		/* its loop's thread */
	uint32_t next[SENDERS];		/* its loop's thread */
	uint32_t posted[SENDERS];	/* each entry is its sender's */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct box boxes[THREADS][ROUNDS];
static atomic_bool interrupting;

/* A loop: its box, its place in the tables, its random numbers. */
struct place {
	struct box *box;
	int thread, round;
	uint64_t random;
};

struct poster {
	struct place *place;
	uint32_t sender;
	uint64_t random;
};

static int below(uint64_t *random, int n)
{
	return (int)(stress_random(random) >> 33) % n;
}

/* A reference to the mailbox of any loop, or NULL. */
static struct gmb_mailbox *some_mailbox(uint64_t *random, struct box **box)
{
	struct gmb_mailbox *mailbox;

	*box = &boxes[below(random, THREADS)][below(random, ROUNDS)];
	pthread_mutex_lock(&lock);
	mailbox = (*box)->mailbox;
	if (mailbox)
		gmb_mailbox_get(mailbox);
	pthread_mutex_unlock(&lock);
	return mailbox;
}

static void post_some(struct poster *p)
{
	struct message message = { .sender = p->sender };
	struct gmb_mailbox *mailbox;
	struct box *box;
	int n = below(&p->random, 6);
	int rc = 0;

	mailbox = some_mailbox(&p->random, &box);
	while (mailbox && n-- && rc != -EPIPE) {
		message.number = box->posted[p->sender];
		rc = gmb_mailbox_post(mailbox, &message);
		must(rc == 0 || rc == -EPIPE || rc == -EAGAIN);
		if (rc == 0) {
			box->posted[p->sender]++;
			atomic_fetch_add(&box->accepted, 1);
		}
	}
	gmb_mailbox_put(mailbox);
}

static intptr_t post_in_thread(void *arg)
{
	post_some((struct poster *)arg);
	return 0;
}

static intptr_t post(void *arg)
{
	struct poster *p = (struct poster *)arg;
	int n = below(&p->random, 30);
	int rc = 0;

	while (n-- && !rc) {
		if (below(&p->random, 12))
			post_some(p);
		else
			rc = gmb_run_in_thread(post_in_thread, p, NULL);
		if (!rc && below(&p->random, 3) == 0)
			rc = gmb_sleep(below(&p->random, 60) * GMB_US);
	}
	must(rc == 0 || rc == -ECANCELED);
	return rc;
}

static void take(struct box *box, const struct message *message)
{
	must(message->sender < SENDERS);
	must_be(message->number, box->next[message->sender]);
	box->next[message->sender]++;
	box->received++;
}

/* Takes messages until it is cancelled. */
static intptr_t take_all(void *arg)
{
	struct place *place = (struct place *)arg;
	struct gmb_mailbox *mailbox = place->box->mailbox;
	struct message message;
	struct gmb_case cases[2];
	int rc;

	do {
		cases[0] = gmb_case_message(mailbox, &message);
		cases[1] = gmb_case_deadline(gmb_after(20 * GMB_US));
		if (below(&place->random, 2)) {
			rc = gmb_mailbox_receive(mailbox, &message);
			if (rc == 0)
				take(place->box, &message);
		} else {
			rc = gmb_select(cases, 2);
			if (rc == 0)
				take(place->box, &message);
		}
	} while (rc >= 0);
	must_be(rc, -ECANCELED);
	return rc;
}

static intptr_t receive(void *arg)
{
	intptr_t rc = 0;

	/* One after the other, so that the order can be checked. */
	for (int i = 0; i < 5 && rc == 0; i++) {
		gmb_skip_after(rc, 200 * GMB_US) {
			rc = take_all(arg);
		}
	}
	must(rc == 0 || rc == -ECANCELED);
	return rc;
}

static void publish(struct place *place, struct gmb_mailbox *mailbox)
{
	pthread_mutex_lock(&lock);
	place->box->mailbox = mailbox;
	pthread_mutex_unlock(&lock);
}

static void drain(struct place *place, struct gmb_mailbox *mailbox)
{
	struct message message;
	int rc;

	while ((rc = gmb_mailbox_try_receive(mailbox, &message)) == 0)
		take(place->box, &message);
	must_be(rc, -ENODATA);
}

static intptr_t loop_main(void *arg)
{
	struct place *place = (struct place *)arg;
	struct poster posters[POSTERS];
	int first = (place->thread * ROUNDS + place->round) * POSTERS;
	struct gmb_mailbox *mailbox;
	intptr_t rc = 0;
	int i;

	must_be(gmb_mailbox_open(&mailbox, sizeof(struct message),
				 (size_t)below(&place->random, 5)), 0);
	publish(place, mailbox);
	gmb_manager(m, rc) {
		gmb_spawn(m, receive, place);
		for (i = 0; i < POSTERS; i++) {
			posters[i].place = place;
			posters[i].random = stress_random(&place->random);
			posters[i].sender = (uint32_t)(first + i);
			gmb_spawn(m, post, &posters[i]);
		}
	}
	must(rc == 0 || rc == -ECANCELED);
	publish(place, NULL);
	/* Half of them leave the closing to the end of the loop. */
	if (below(&place->random, 2)) {
		must_be(gmb_mailbox_close(mailbox), 0);
		drain(place, mailbox);
	} else {
		place->box->received = UINT32_MAX;
	}
	gmb_mailbox_put(mailbox);
	return 0;
}

static void *thread_main(void *arg)
{
	struct gmb_loop_opts opts = { .size = sizeof(opts) };
	struct place *place = (struct place *)arg;
	intptr_t rc;

	for (place->round = 0; place->round < ROUNDS; place->round++) {
		place->box = &boxes[place->thread][place->round];
		opts.dump_signal = place->round ? 0 : SIGUSR1;
		rc = gmb_run_with(&opts, loop_main, place);
		must(rc == 0 || (rc == -EINTR && atomic_load(&interrupting)));
	}
	return NULL;
}

/* Keeps the handlers installed, sends signals, and is interrupted itself. */
static intptr_t conduct(void *arg)
{
	uint64_t random = *(uint64_t *)arg;
	pthread_t threads[THREADS];
	struct place places[THREADS];
	bool interrupt = below(&random, 3) == 0;
	int i;

	for (i = 0; i < THREADS; i++) {
		places[i] = (struct place){
			.thread = i, .random = stress_random(&random),
		};
		must_be(pthread_create(&threads[i], NULL, thread_main,
				       &places[i]), 0);
	}
	gmb_sleep(below(&random, 2000) * GMB_US);
	if (below(&random, 100) == 0)
		kill(getpid(), SIGUSR1);
	if (interrupt) {
		atomic_store(&interrupting, true);
		kill(getpid(), SIGINT);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return interrupt;
}

static void schedule(uint64_t seed)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.dump_signal = SIGUSR1,
	};
	intptr_t rc;
	int i, j;

	memset(boxes, 0, sizeof(boxes));
	atomic_store(&interrupting, false);
	rc = gmb_run_with(&opts, conduct, &seed);
	must(rc == 0 || rc == 1 ||
	     (rc == -EINTR && atomic_load(&interrupting)));
	for (i = 0; i < THREADS; i++) {
		for (j = 0; j < ROUNDS; j++) {
			struct box *box = &boxes[i][j];

			if (box->received != UINT32_MAX)
				must_be(box->received,
					atomic_load(&box->accepted));
		}
	}
}

int main(void)
{
	static const struct stress_program program = {
		.name = "loops in threads",
		.one = schedule,
		.check = 1500,
		.full = 6000,
	};

	return stress_main(&program);
}
