/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Conditions: the lock is given away and comes back; no notification is lost.
 */
#include "harness.h"

Suite *test_condition_suite(void);

#define TASKS 4

struct fixture {
	struct gmb_lock lock;
	struct gmb_condition condition;
	int turns;
};

struct waiter {
	struct fixture *f;
	struct gmb_task *task;
	int rc;
	int turn;
};

static void fixture_init(struct fixture *f)
{
	gmb_lock_init(&f->lock);
	gmb_condition_init(&f->condition, &f->lock);
	f->turns = 0;
}

static void fixture_fini(struct fixture *f)
{
	gmb_condition_fini(&f->condition);
	gmb_lock_fini(&f->lock);
}

static intptr_t wait_once(void *arg)
{
	struct waiter *w = arg;

	check_is(gmb_lock_acquire(&w->f->lock), 0);
	w->rc = gmb_condition_wait(&w->f->condition);
	w->turn = ++w->f->turns;
	/* Whatever happened, the lock is back. */
	check_is(gmb_lock_owner(&w->f->lock), gmb_self());
	check_is(gmb_lock_release(&w->f->lock), 0);
	return w->rc;
}

static void line_up(struct gmb_manager *m, struct fixture *f,
		    struct waiter *w)
{
	for (int i = 0; i < TASKS; i++) {
		w[i] = (struct waiter){ .f = f, .rc = 1 };
		w[i].task = gmb_spawn(m, wait_once, &w[i]);
	}
	let_run();
	check_is(gmb_lock_owner(&f->lock), 0);
	check_is(f->turns, 0);
}

TASK_TEST(notifies_in_order)
{
	struct waiter w[TASKS];
	struct fixture f;
	intptr_t rc = 0;

	fixture_init(&f);
	gmb_manager(m, rc) {
		line_up(m, &f, w);
		check_is(gmb_lock_acquire(&f.lock), 0);
		check_is(gmb_condition_notify(&f.condition, 1), 1);
		let_run();
		check_is(f.turns, 0);
		check_is(gmb_lock_release(&f.lock), 0);
		let_run();
		check_is(f.turns, 1);
		check_is(w[0].turn, 1);
		check_is(gmb_lock_acquire(&f.lock), 0);
		check_is(gmb_condition_notify(&f.condition, 2), 2);
		check_is(gmb_condition_notify_all(&f.condition), 1);
		check_is(gmb_condition_notify_all(&f.condition), 0);
		check_is(gmb_lock_release(&f.lock), 0);
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++) {
		check_is(w[i].rc, 0);
		check_is(w[i].turn, i + 1);
	}
	fixture_fini(&f);
	return 0;
}

/* A cancelled one takes no notification, and still comes back as the owner. */
TASK_TEST(cancelled_waiter_leaves_no_trace)
{
	struct waiter w[TASKS];
	struct fixture f;
	intptr_t rc = 0;

	for (int victim = 0; victim < TASKS; victim++) {
		fixture_init(&f);
		gmb_manager(m, rc) {
			line_up(m, &f, w);
			check_is(gmb_lock_acquire(&f.lock), 0);
			gmb_task_cancel(w[victim].task);
			let_run();
			/* It waits for the lock, shielded. */
			check_is(f.turns, 0);
			check_is(gmb_condition_notify(&f.condition, TASKS),
				 TASKS - 1);
			check_is(gmb_lock_release(&f.lock), 0);
		}
		check_is(rc, 0);
		for (int i = 0; i < TASKS; i++)
			check_is(w[i].rc, i == victim ? -ECANCELED : 0);
		fixture_fini(&f);
	}
	return 0;
}

/* Once notified it succeeds, also if cancelled before it has the lock. */
TASK_TEST(notification_beats_cancel)
{
	struct waiter w[TASKS];
	struct fixture f;
	intptr_t rc = 0;

	fixture_init(&f);
	gmb_manager(m, rc) {
		line_up(m, &f, w);
		check_is(gmb_lock_acquire(&f.lock), 0);
		check_is(gmb_condition_notify(&f.condition, 1), 1);
		gmb_task_cancel(w[0].task);
		gmb_task_cancel(w[1].task);
		let_run();
		check_is(f.turns, 0);
		check_is(gmb_condition_notify_all(&f.condition), 2);
		check_is(gmb_lock_release(&f.lock), 0);
	}
	check_is(rc, 0);
	check_is(w[0].rc, 0);
	check_is(w[1].rc, -ECANCELED);
	check_is(w[2].rc, 0);
	check_is(w[3].rc, 0);
	fixture_fini(&f);
	return 0;
}

TASK_TEST(lock_must_be_held)
{
	struct gmb_scope scope;
	struct fixture f;

	fixture_init(&f);
	check_is(gmb_condition_wait(&f.condition), -EPERM);
	check_is(gmb_condition_notify(&f.condition, 1), -EPERM);
	check_is(gmb_condition_notify_all(&f.condition), -EPERM);
	/* Cancelled before it waits: it keeps the lock. */
	check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
	check_is(gmb_lock_acquire(&f.lock), 0);
	gmb_scope_cancel(&scope);
	check_is(gmb_condition_wait(&f.condition), -ECANCELED);
	check_is(gmb_lock_owner(&f.lock), gmb_self());
	check_is(gmb_lock_release(&f.lock), 0);
	check_is(gmb_scope_close(&scope), -ECANCELED);
	fixture_fini(&f);
	return 0;
}

TASK_TEST(deadline_ends_a_wait)
{
	static struct gmb_lock lock = GMB_LOCK_INIT(lock);
	static struct gmb_condition condition =
		GMB_CONDITION_INIT(condition, &lock);
	gmb_time before = gmb_now();
	int rc = 0;

	check_is(gmb_lock_acquire(&lock), 0);
	gmb_with_timeout(rc, 50 * GMB_MS)
		rc = gmb_condition_wait(&condition);
	check_is(rc, -ETIMEDOUT);
	check_is(gmb_now() - before, 50 * GMB_MS);
	check_is(gmb_lock_release(&lock), 0);
	return 0;
}

/* A bounded buffer by hand: two conditions of one lock. */
struct buffer {
	struct gmb_lock lock;
	struct gmb_condition filled, emptied;
	int items[3];
	int length;
	int sum;
};

static intptr_t produce(void *arg)
{
	struct buffer *b = arg;

	for (int i = 1; i <= 100; i++) {
		check_is(gmb_lock_acquire(&b->lock), 0);
		while (b->length == 3)
			check_is(gmb_condition_wait(&b->emptied), 0);
		b->items[b->length++] = i;
		check_is(gmb_condition_notify(&b->filled, 1) >= 0, 1);
		check_is(gmb_lock_release(&b->lock), 0);
	}
	return 0;
}

static intptr_t consume(void *arg)
{
	struct buffer *b = arg;

	for (int i = 1; i <= 100; i++) {
		check_is(gmb_lock_acquire(&b->lock), 0);
		while (b->length == 0)
			check_is(gmb_condition_wait(&b->filled), 0);
		b->sum += b->items[--b->length];
		check_is(gmb_condition_notify(&b->emptied, 1) >= 0, 1);
		check_is(gmb_lock_release(&b->lock), 0);
	}
	return 0;
}

TASK_TEST(bounded_buffer)
{
	struct buffer b = { .length = 0 };
	intptr_t rc = 0;

	gmb_lock_init(&b.lock);
	gmb_condition_init(&b.filled, &b.lock);
	gmb_condition_init(&b.emptied, &b.lock);
	gmb_manager(m, rc) {
		for (int i = 0; i < 3; i++) {
			gmb_spawn(m, produce, &b);
			gmb_spawn(m, consume, &b);
		}
	}
	check_is(rc, 0);
	check_is(b.sum, 3 * 5050);
	return 0;
}

static intptr_t wait_alone(void *arg)
{
	struct fixture *f = arg;
	int rc;

	check_is(gmb_lock_acquire(&f->lock), 0);
	rc = gmb_condition_wait(&f->condition);
	check_is(rc, -ECANCELED);
	check_is(gmb_lock_release(&f->lock), 0);
	return rc;
}

START_TEST(nobody_notifies)
{
	struct fixture f;

	fixture_init(&f);
	check_is(freopen("/dev/null", "w", stderr) != NULL, 1);
	check_is(run_fake(wait_alone, &f), -EDEADLK);
	fixture_fini(&f);
}
END_TEST

static intptr_t intrude(void *arg)
{
	struct fixture *f = arg;

	/* It is free, but who waits in the condition wants it back. */
	check_that(!gmb_lock_owner(&f->lock));
	check_is(gmb_lock_try_acquire(&f->lock), -EXDEV);
	return gmb_lock_acquire(&f->lock);
}

START_TEST(another_loop_is_refused)
{
	struct gmb_loop *loop;
	struct fixture f;

	fixture_init(&f);
	check_is(gmb_loop_open(NULL, wait_alone, &f, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_run(intrude, &f), -EXDEV);
	gmb_loop_cancel(loop);
	gmb_loop_close(loop, NULL);
	fixture_fini(&f);
}
END_TEST

static struct gmb_scope *cancelled_by_hook;

static void cancel_when_ready(void *user, struct gmb_task *task)
{
	struct gmb_scope *scope = cancelled_by_hook;

	(void)user;
	if (!scope || strcmp(gmb_task_name(task), "next") != 0)
		return;
	cancelled_by_hook = NULL;
	gmb_scope_cancel(scope);
}

static intptr_t take_and_give(void *arg)
{
	int rc = gmb_lock_acquire(arg);

	return rc ? rc : gmb_lock_release(arg);
}

/* Nobody notifies: a cancel that was missed would be a deadlock. */
TASK_TEST(hook_may_cancel_a_task_that_gives_the_lock_away)
{
	struct gmb_hooks cancelling = {
		.size = sizeof(cancelling),
		.scheduled = cancel_when_ready,
	};
	struct gmb_scope s;
	struct fixture f;
	intptr_t rc = 0;

	fixture_init(&f);
	check_is(gmb_lock_acquire(&f.lock), 0);
	gmb_manager(m, rc) {
		gmb_task_set_name(gmb_spawn(m, take_and_give, &f.lock), "next");
		let_run();
		check_is(gmb_scope_open(&s, GMB_NEVER, 0), 0);
		cancelled_by_hook = &s;
		check_is(gmb_hooks_set(&cancelling), 0);
		check_is(gmb_condition_wait(&f.condition), -ECANCELED);
		check_is(gmb_hooks_set(NULL), 0);
		check_that(!cancelled_by_hook);
		check_is(gmb_lock_release(&f.lock), 0);
		check_is(gmb_scope_close(&s), -ECANCELED);
	}
	check_is(rc, 0);
	fixture_fini(&f);
	return 0;
}

static intptr_t fini_under_waiter(void *arg)
{
	struct fixture *f = arg;
	struct waiter w[TASKS];
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		line_up(m, f, w);
		gmb_condition_fini(&f->condition);
	}
	return rc;
}

static void die_by_fini(void)
{
	struct fixture f;

	fixture_init(&f);
	gmb_run(fini_under_waiter, &f);
}

static void die_by_use(void)
{
	struct fixture f;

	fixture_init(&f);
	fixture_fini(&f);
	gmb_condition_notify_all(&f.condition);
}

static void die_by_second_fini(void)
{
	struct fixture f;

	fixture_init(&f);
	fixture_fini(&f);
	gmb_condition_fini(&f.condition);
}

START_TEST(misuse_dies)
{
	dies(die_by_fini, "is ended while tasks wait");
	dies(die_by_use, "is used after its end");
	dies(die_by_second_fini, "has ended already");
}
END_TEST

Suite *test_condition_suite(void)
{
	Suite *suite = suite_create("condition");
	TCase *tcase = tcase_create("condition");

	tcase_add_test(tcase, notifies_in_order);
	tcase_add_test(tcase, cancelled_waiter_leaves_no_trace);
	tcase_add_test(tcase, notification_beats_cancel);
	tcase_add_test(tcase, lock_must_be_held);
	tcase_add_test(tcase, deadline_ends_a_wait);
	tcase_add_test(tcase, bounded_buffer);
	tcase_add_test(tcase, nobody_notifies);
	tcase_add_test(tcase, another_loop_is_refused);
	tcase_add_test(tcase,
		       hook_may_cancel_a_task_that_gives_the_lock_away);
	tcase_add_test(tcase, misuse_dies);
	suite_add_tcase(suite, tcase);
	return suite;
}
