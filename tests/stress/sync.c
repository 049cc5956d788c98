/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Random schedules for everything that tasks wait in.
 *
 *   sync [NAME [SEED [COUNT]]]
 *
 * Each schedule is made from a seed: tasks do random things with one object,
 * their waits end by random deadlines, and some tasks are cancelled. In the end
 * the books must balance: what was given was got, once. Time is the loop's fake
 * clock, so a schedule is the same whenever its seed is; only those of mailbox
 * and thread have threads in them and vary. A failure prints the command that
 * repeats it.
 */
#include <errno.h>
#include <giambio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "coro/compiler.h"

#define TASKS	8
#define STEPS	12

static const char *program, *running;
static uint64_t seed, state;

#define must(condition)                                                   \
	do {                                                              \
		if (!(condition))                                         \
			fail(__LINE__, #condition);                       \
	} while (0)

static void fail(int line, const char *what)
{
	printf("not ok - %s: line %d: not true: %s\n", running, line, what);
	printf("# again: %s %s %llu 1\n", program, running,
	       (unsigned long long)seed);
	fflush(stdout);
	_exit(1);
}

/* The loop's thread only, so that a seed determines all. */
static uint32_t rnd(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(((state >> 32) * below) >> 32);
}

/* Let time pass, a little or none; false: the task is cancelled. */
static int dawdle(void)
{
	switch (rnd(4)) {
	case 0:
		return gmb_yield() == 0;
	case 1:
		return gmb_sleep(rnd(5) * GMB_US) == 0;
	default:
		return 1;
	}
}

/* How long a wait may take; sometimes it is cancelled before it begins. */
static gmb_time patience(void)
{
	return rnd(3) ? (gmb_time)rnd(20) * GMB_US : GMB_SEC;
}

static struct gmb_task *tasks[TASKS];

/* Cancel some tasks at some time. */
static intptr_t trouble(void *arg)
{
	(void)arg;
	for (uint32_t i = rnd(3); i; i--) {
		if (!dawdle())
			break;
		gmb_task_cancel(tasks[rnd(TASKS)]);
	}
	return 0;
}

/* All tasks at once, with trouble among them. */
static void run_tasks(gmb_task_fn fn)
{
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		for (intptr_t i = 0; i < TASKS; i++)
			tasks[i] = gmb_spawn(m, fn, (void *)i);
		gmb_spawn(m, trouble, NULL);
	}
	must(rc == 0);
}

/* Lock and condition: one inside at a time, notifications are not lost. */

static struct gmb_lock lock;
static struct gmb_condition condition;
static int inside, notified, woken;

static int in_lock(void)
{
	int rc = 0;

	must(inside++ == 0);
	if (rnd(2))
		dawdle();
	if (rnd(3) == 0) {
		notified += gmb_condition_notify(&condition, rnd(3));
	} else if (rnd(3) == 0) {
		inside--;
		gmb_with_timeout(rc, patience())
			rc = gmb_condition_wait(&condition);
		must(inside++ == 0);
		woken += rc == 0;
	}
	must(--inside == 0);
	must(gmb_lock_release(&lock) == 0);
	return rc;
}

static intptr_t lock_task(void *arg)
{
	int rc = 0;

	(void)arg;
	for (int i = 0; i < STEPS && rc != -ECANCELED; i++) {
		gmb_with_timeout(rc, patience())
			rc = gmb_lock_acquire(&lock);
		if (rc == 0)
			rc = in_lock();
		if (!dawdle())
			break;
	}
	return 0;
}

static intptr_t lock_run(void *arg)
{
	(void)arg;
	gmb_lock_init(&lock);
	gmb_condition_init(&condition, &lock);
	inside = notified = woken = 0;
	run_tasks(lock_task);
	must(notified == woken);
	gmb_condition_fini(&condition);
	gmb_lock_fini(&lock);
	return 0;
}

/* Semaphore and limiter: no permit and no token is lost or made. */

static struct gmb_semaphore semaphore;
static struct gmb_limiter limiter;
static int permits;

static intptr_t semaphore_task(void *arg)
{
	struct gmb_token token = { 0 };
	int rc = 0;

	(void)arg;
	for (int i = 0; i < STEPS && rc != -ECANCELED; i++) {
		gmb_with_timeout(rc, patience())
			rc = gmb_semaphore_acquire(&semaphore);
		if (rc == 0) {
			must(permits-- > 0);
			dawdle();
			permits++;
			must(gmb_semaphore_release(&semaphore) == 0);
		}
		gmb_with_timeout(rc, patience())
			rc = gmb_limiter_acquire(&limiter, &token);
		must((rc == 0) == (gmb_token_task(&token) == gmb_self()));
		if (rnd(5) == 0)
			gmb_limiter_set_total(&limiter, 1 + rnd(4));
		if (rc == 0) {
			dawdle();
			must(gmb_limiter_release(&limiter, &token) == 0);
		}
	}
	return 0;
}

static intptr_t semaphore_run(void *arg)
{
	(void)arg;
	permits = 1 + (int)rnd(3);
	must(gmb_semaphore_init(&semaphore, (size_t)permits,
				(size_t)permits) == 0);
	gmb_limiter_init(&limiter, 1 + rnd(3));
	run_tasks(semaphore_task);
	must(gmb_semaphore_value(&semaphore) == (size_t)permits);
	must(gmb_limiter_borrowed(&limiter) == 0);
	gmb_semaphore_fini(&semaphore);
	gmb_limiter_fini(&limiter);
	return 0;
}

/* Barrier: whoever goes through does so in company. */

static struct gmb_barrier barrier;
static int passed, first;

static intptr_t barrier_task(void *arg)
{
	int rc = 0;

	(void)arg;
	for (int i = 0; i < STEPS && rc != -ECANCELED; i++) {
		gmb_with_timeout(rc, patience())
			rc = gmb_barrier_wait(&barrier);
		passed += rc >= 0;
		first += rc == 1;
		if (!dawdle())
			break;
	}
	return 0;
}

static intptr_t barrier_run(void *arg)
{
	int parties = 1 + (int)rnd(TASKS);

	(void)arg;
	passed = first = 0;
	must(gmb_barrier_init(&barrier, (size_t)parties) == 0);
	run_tasks(barrier_task);
	must(passed == first * parties);
	must(gmb_barrier_waiting(&barrier) == 0);
	gmb_barrier_fini(&barrier);
	return 0;
}

/* Event: the value comes to all who still wait, or to nobody. */

static struct gmb_event event;

static intptr_t event_task(void *arg)
{
	intptr_t value = 0;
	int rc = 0;

	if (!dawdle())
		return 0;
	if ((intptr_t)arg == 0) {
		must(gmb_event_trigger(&event, 42) == 0);
		return 0;
	}
	gmb_with_timeout(rc, patience())
		rc = gmb_event_wait(&event, &value);
	must(value == (rc == 0 ? 42 : 0));
	if (gmb_event_is_set(&event))
		must(gmb_event_trigger(&event, 1) == -EALREADY);
	return 0;
}

static intptr_t event_run(void *arg)
{
	(void)arg;
	gmb_event_init(&event);
	run_tasks(event_task);
	gmb_event_fini(&event);
	return 0;
}

/* Queues, channels, select: every item that was taken comes out once. */

#define WAYS	2
#define ITEMS	(TASKS * STEPS)

static struct gmb_queue queues[WAYS];
static struct gmb_sender senders[WAYS][TASKS];
static struct gmb_receiver receivers[WAYS][TASKS];
static uint8_t in[ITEMS], out[ITEMS];
static int last[TASKS][TASKS][WAYS];
static int use_channels, use_select;

/* Items of one task that go one way stay in order, seen by one other task. */
static void came_out(int64_t item, int task, int way)
{
	int from = (int)item / STEPS, number = (int)item % STEPS + 1;

	must(item >= 0 && item < ITEMS);
	must(out[item]++ == 0);
	must(last[task][from][way] < number);
	last[task][from][way] = number;
}

static int give_one(int task, int64_t item)
{
	struct gmb_case cases[WAYS];
	int way = (int)rnd(WAYS), n;

	if (!use_select)
		return use_channels
			? gmb_channel_send(&senders[way][task], &item)
			: gmb_queue_put(&queues[way], &item);
	for (int i = 0; i < WAYS; i++)
		cases[i] = use_channels
			? gmb_case_send(&senders[i][task], &item)
			: gmb_case_put(&queues[i], &item);
	n = gmb_select(cases, WAYS);
	return n < 0 ? n : (int)cases[n].result;
}

static int get_one(int task, int64_t *item, int *way)
{
	struct gmb_case cases[WAYS];
	int64_t items[WAYS];
	int n;

	*way = (int)rnd(WAYS);
	if (!use_select)
		return use_channels
			? gmb_channel_receive(&receivers[*way][task], item)
			: gmb_queue_get(&queues[*way], item);
	for (int i = 0; i < WAYS; i++)
		cases[i] = use_channels
			? gmb_case_receive(&receivers[i][task], &items[i])
			: gmb_case_get(&queues[i], &items[i]);
	n = gmb_select(cases, WAYS);
	if (n < 0)
		return n;
	*item = items[n];
	*way = n;
	return (int)cases[n].result;
}

static intptr_t giver(int task)
{
	int rc = 0;

	for (int i = 0; i < STEPS && rc != -ECANCELED; i++) {
		gmb_with_timeout(rc, patience())
			rc = give_one(task, task * STEPS + i);
		in[task * STEPS + i] = rc == 0;
		if (!dawdle())
			break;
		if (use_channels && rnd(20) == 0)
			gmb_sender_close(&senders[rnd(WAYS)][task]);
	}
	return 0;
}

static intptr_t getter(int task)
{
	int64_t item = -1;
	int rc = 0, way = 0;

	for (int i = 0; i < 2 * STEPS && rc != -ECANCELED; i++) {
		gmb_with_timeout(rc, patience())
			rc = get_one(task, &item, &way);
		if (rc == 0)
			came_out(item, task, way);
		if (!dawdle())
			break;
	}
	return 0;
}

static intptr_t item_task(void *arg)
{
	int task = (int)(intptr_t)arg;

	if (task % 2)
		giver(task);
	else
		getter(task);
	/* The last receiver stays, so that nothing is dropped. */
	for (int i = 0; i < WAYS && use_channels; i++) {
		gmb_sender_close(&senders[i][task]);
		if (task)
			gmb_receiver_close(&receivers[i][task]);
	}
	return 0;
}

static void open_ways(void)
{
	size_t capacity = rnd(4);

	for (int i = 0; i < WAYS; i++) {
		must(gmb_queue_init(&queues[i], 8, capacity + 1, NULL) == 0);
		must(gmb_channel_open(&senders[i][0], &receivers[i][0], 8,
				      capacity) == 0);
		for (int t = 1; t < TASKS; t++) {
			must(gmb_sender_clone(&senders[i][t],
					      &senders[i][0]) == 0);
			must(gmb_receiver_clone(&receivers[i][t],
						&receivers[i][0]) == 0);
		}
	}
}

/* Take what is left, end everything. */
static void close_ways(void)
{
	int64_t item;

	for (int i = 0; i < WAYS; i++) {
		while (gmb_queue_try_get(&queues[i], &item) == 0)
			came_out(item, 0, i);
		gmb_queue_fini(&queues[i]);
		while (gmb_channel_try_receive(&receivers[i][0], &item) == 0)
			came_out(item, 0, i);
		for (int t = 0; t < TASKS; t++) {
			gmb_sender_close(&senders[i][t]);
			gmb_receiver_close(&receivers[i][t]);
		}
	}
}

static intptr_t items_run(void *arg)
{
	(void)arg;
	memset(in, 0, sizeof(in));
	memset(out, 0, sizeof(out));
	memset(last, 0, sizeof(last));
	open_ways();
	run_tasks(item_task);
	close_ways();
	must(memcmp(in, out, sizeof(in)) == 0);
	return 0;
}

static intptr_t queue_run(void *arg)
{
	use_channels = use_select = 0;
	return items_run(arg);
}

static intptr_t channel_run(void *arg)
{
	use_channels = 1;
	use_select = 0;
	return items_run(arg);
}

static intptr_t select_run(void *arg)
{
	use_channels = (int)rnd(2);
	use_select = 1;
	return items_run(arg);
}

/* Mailbox: posts of threads against deadlines, closing and the loop's end. */

static struct gmb_mailbox *mailbox;
static atomic_int posted;
static int received;
static pthread_t posters[3];

static void *post_task(void *arg)
{
	for (int i = 0; i < 50; i++) {
		int rc = gmb_mailbox_post(mailbox, NULL);

		if (rc == 0)
			posted++;
		else if (rc == -EPIPE)
			break;
		if (i % 8 == (intptr_t)arg)
			sched_yield();
	}
	return NULL;
}

static intptr_t mailbox_task(void *arg)
{
	int rc = 0;

	(void)arg;
	while (rc != -ECANCELED && rc != -ENODATA) {
		rc = 0;
		gmb_with_timeout(rc, (gmb_time)rnd(300) * GMB_US)
			rc = gmb_mailbox_receive(mailbox, NULL);
		received += rc == 0;
		if (rnd(60) == 0)
			gmb_mailbox_close(mailbox);
	}
	return 0;
}

static intptr_t mailbox_run(void *arg)
{
	(void)arg;
	posted = received = 0;
	must(gmb_mailbox_open(&mailbox, 0, rnd(4)) == 0);
	for (intptr_t i = 0; i < 3; i++)
		must(pthread_create(&posters[i], NULL, post_task,
				    (void *)i) == 0);
	run_tasks(mailbox_task);
	if (rnd(2)) {
		gmb_mailbox_close(mailbox);
		while (gmb_mailbox_try_receive(mailbox, NULL) == 0)
			received++;
		for (int i = 0; i < 3; i++)
			pthread_join(posters[i], NULL);
		must(posted == received);
	}
	return 0;
}

/* What the loop left behind. */
static void mailbox_after(void)
{
	for (int i = 0; i < 3; i++)
		pthread_join(posters[i], NULL);
	gmb_mailbox_put(mailbox);
}

/* Threads: each function runs once or never, each argument is dropped once. */

static atomic_int begun, done, dropped, pending;

static intptr_t blocking(void *arg)
{
	begun++;
	if (rand() % 4 == 0)
		usleep((useconds_t)(rand() % 200));
	done++;
	return (intptr_t)arg;
}

static void drop(void *arg)
{
	(void)arg;
	dropped++;
	pending--;
}

static intptr_t thread_task(void *arg)
{
	intptr_t result;
	int rc = 0;

	for (int i = 0; i < STEPS && rc != -ECANCELED; i++) {
		result = -1;
		pending++;
		gmb_with_timeout(rc, (gmb_time)rnd(300) * GMB_US) {
			if (rnd(2)) {
				rc = gmb_run_in_thread(blocking, arg, &result);
				pending -= rc != 0;
			} else {
				rc = gmb_run_in_thread_abandon(blocking, arg,
							       drop, &result);
			}
		}
		must(result == (rc == 0 ? (intptr_t)arg : -1));
		pending -= rc == 0;
	}
	return 0;
}

static intptr_t thread_run(void *arg)
{
	(void)arg;
	run_tasks(thread_task);
	return 0;
}

/* What was abandoned ends some time, and is dropped. */
static void thread_after(void)
{
	while (pending)
		usleep(100);
	must(begun == done);
}

/* The schedules */

static const struct schedule {
	const char *name;
	gmb_task_fn run;
	void (*after)(void);
	unsigned int flags;
	unsigned int count;	/* in make check; check-full does more */
} schedules[] = {
	{ "lock", lock_run, NULL, GMB_LOOP_FAKE_CLOCK, 400 },
	{ "semaphore", semaphore_run, NULL, GMB_LOOP_FAKE_CLOCK, 400 },
	{ "barrier", barrier_run, NULL, GMB_LOOP_FAKE_CLOCK, 400 },
	{ "event", event_run, NULL, GMB_LOOP_FAKE_CLOCK, 400 },
	{ "queue", queue_run, NULL, GMB_LOOP_FAKE_CLOCK, 400 },
	{ "channel", channel_run, NULL, GMB_LOOP_FAKE_CLOCK, 400 },
	{ "select", select_run, NULL, GMB_LOOP_FAKE_CLOCK, 400 },
	{ "mailbox", mailbox_run, mailbox_after, 0, 100 },
	{ "thread", thread_run, thread_after, 0, 50 },
};

#define SCHEDULES (int)(sizeof(schedules) / sizeof(schedules[0]))

static void run_one(const struct schedule *s)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.flags = s->flags | GMB_LOOP_NO_SIGINT,
	};

	running = s->name;
	state = seed * 0x9e3779b97f4a7c15u + 1;
	must(gmb_run_with(&opts, s->run, NULL) == 0);
	if (s->after)
		s->after();
}

int main(int argc, char **argv)
{
	const char *level = getenv("GMB_TEST_LEVEL");
	/* ThreadSanitizer takes ten times as long. */
	unsigned int factor = level && !strcmp(level, "check-full") &&
			      !GMB__TSAN ? 10 : 1;
	uint64_t begin = argc > 2 ? strtoull(argv[2], NULL, 0)
				  : (uint64_t)gmb_now();
	unsigned int count = 0;
	int n = 0;

	program = argv[0];
	printf("# first seed %llu\n", (unsigned long long)begin);
	for (int i = 0; i < SCHEDULES; i++) {
		if (argc > 1 && strcmp(argv[1], schedules[i].name) != 0)
			continue;
		count = argc > 3 ? (unsigned int)strtoul(argv[3], NULL, 0)
				 : schedules[i].count * factor;
		for (seed = begin; seed < begin + count; seed++)
			run_one(&schedules[i]);
		printf("ok %d - %s: %u random schedules\n", ++n,
		       schedules[i].name, count);
		fflush(stdout);
	}
	printf("1..%d\n", n);
	return n ? 0 : 2;
}
