/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Locks: one owner, in order of arrival, handed over.
 */
#include "harness.h"

Suite *test_lock_suite(void);

#define TASKS 4

struct user {
	struct gmb_lock *lock;
	struct gmb_task *task;
	int rc;
	int turn;	/* as how many-th it got the lock */
};

static int turns;

static intptr_t use_lock(void *arg)
{
	struct user *u = arg;

	u->rc = gmb_lock_acquire(u->lock);
	if (u->rc)
		return 0;
	u->turn = ++turns;
	check_is(gmb_lock_owner(u->lock), gmb_self());
	/* Nobody else gets it while its owner waits. */
	check_is(gmb_sleep(GMB_MS), 0);
	check_is(turns, u->turn);
	check_is(gmb_lock_release(u->lock), 0);
	return 0;
}

/* The caller holds the lock; the others stand in line. */
static void line_up(struct gmb_manager *m, struct gmb_lock *lock,
		    struct user *users)
{
	turns = 0;
	check_is(gmb_lock_acquire(lock), 0);
	for (int i = 0; i < TASKS; i++) {
		users[i] = (struct user){ .lock = lock };
		users[i].task = gmb_spawn(m, use_lock, &users[i]);
	}
	let_run();
	check_is(turns, 0);
}

TASK_TEST(is_fair)
{
	static struct gmb_lock lock = GMB_LOCK_INIT(lock);
	struct user users[TASKS];
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		line_up(m, &lock, users);
		check_is(gmb_lock_release(&lock), 0);
		/* It is handed over, so it cannot be taken in between. */
		check_is(gmb_lock_owner(&lock), users[0].task);
		check_is(gmb_lock_try_acquire(&lock), -EAGAIN);
		check_is(gmb_lock_acquire(&lock), 0);
		check_is(turns, TASKS);
		check_is(gmb_lock_release(&lock), 0);
	}
	check_is(rc, 0);
	for (int i = 0; i < TASKS; i++)
		check_is(users[i].turn, i + 1);
	check_is(gmb_lock_owner(&lock), 0);
	gmb_lock_fini(&lock);
	return 0;
}

TASK_TEST(cancelled_waiter_leaves_no_trace)
{
	struct user users[TASKS];
	struct gmb_lock lock;
	intptr_t rc = 0;

	for (int victim = 0; victim < TASKS; victim++) {
		gmb_lock_init(&lock);
		gmb_manager(m, rc) {
			line_up(m, &lock, users);
			gmb_task_cancel(users[victim].task);
			let_run();
			check_is(users[victim].rc, -ECANCELED);
			check_is(gmb_lock_release(&lock), 0);
		}
		check_is(rc, 0);
		check_is(turns, TASKS - 1);
		for (int i = 0; i < TASKS; i++)
			check_is(users[i].turn, i == victim ? 0
						: i < victim ? i + 1 : i);
		gmb_lock_fini(&lock);
	}
	return 0;
}

/* Given before it was cancelled: it owns the lock and gives it back. */
TASK_TEST(hand_over_races_with_cancel)
{
	struct user users[TASKS];
	struct gmb_lock lock;
	intptr_t rc = 0;

	gmb_lock_init(&lock);
	gmb_manager(m, rc) {
		line_up(m, &lock, users);
		gmb_task_cancel(users[0].task);
		check_is(gmb_lock_release(&lock), 0);
		check_is(gmb_lock_owner(&lock), users[1].task);
	}
	check_is(users[0].rc, -ECANCELED);
	check_is(users[1].rc, 0);
	check_is(turns, TASKS - 1);
	gmb_lock_fini(&lock);
	return 0;
}

static intptr_t take_and_keep_cancelled(void *arg)
{
	struct user *u = arg;

	u->rc = gmb_lock_acquire(u->lock);
	check_is(gmb_yield(), -ECANCELED);
	check_is(gmb_lock_release(u->lock), 0);
	return -ECANCELED;
}

TASK_TEST(given_then_cancelled_is_given)
{
	struct user user = { 0 };
	struct gmb_lock lock;
	intptr_t rc = 0;

	gmb_lock_init(&lock);
	user.lock = &lock;
	gmb_manager(m, rc) {
		check_is(gmb_lock_acquire(&lock), 0);
		user.task = gmb_spawn(m, take_and_keep_cancelled, &user);
		let_run();
		check_is(gmb_lock_release(&lock), 0);
		gmb_task_cancel(user.task);
	}
	check_is(rc, 0);
	check_is(user.rc, 0);
	gmb_lock_fini(&lock);
	return 0;
}

static intptr_t meddle(void *arg)
{
	check_is(gmb_lock_release(arg), -EPERM);
	check_is(gmb_lock_try_acquire(arg), -EAGAIN);
	return 0;
}

TASK_TEST(owner_is_checked)
{
	struct gmb_lock lock;
	intptr_t rc = 0;

	gmb_lock_init(&lock);
	check_is(gmb_lock_release(&lock), -EPERM);
	check_is(gmb_lock_try_acquire(&lock), 0);
	check_is(gmb_lock_acquire(&lock), -EDEADLK);
	check_is(gmb_lock_try_acquire(&lock), -EDEADLK);
	gmb_manager(m, rc)
		gmb_spawn(m, meddle, &lock);
	check_is(rc, 0);
	check_is(gmb_lock_owner(&lock), gmb_self());
	check_is(gmb_lock_release(&lock), 0);
	gmb_lock_fini(&lock);
	return 0;
}

/* Several locks of one task, released in any order. */
TASK_TEST(many_locks)
{
	static const int orders[][3] = {
		{ 0, 1, 2 },
		{ 2, 1, 0 },
		{ 1, 0, 2 },
		{ 1, 2, 0 },
	};
	struct gmb_lock locks[3];

	for (int i = 0; i < 3; i++)
		gmb_lock_init(&locks[i]);
	for (int o = 0; o < 4; o++) {
		for (int i = 0; i < 3; i++)
			check_is(gmb_lock_acquire(&locks[i]), 0);
		for (int i = 0; i < 3; i++)
			check_is(gmb_lock_release(&locks[orders[o][i]]), 0);
	}
	for (int i = 0; i < 3; i++)
		gmb_lock_fini(&locks[i]);
	return 0;
}

static intptr_t count_up(void *arg)
{
	++*(int *)arg;
	return 0;
}

TASK_TEST(acquire_is_a_checkpoint)
{
	struct gmb_scope scope;
	struct gmb_lock lock;
	intptr_t rc = 0;
	int count = 0;

	gmb_lock_init(&lock);
	gmb_manager(m, rc) {
		gmb_spawn(m, count_up, &count);
		check_is(gmb_lock_try_acquire(&lock), 0);
		check_is(gmb_lock_release(&lock), 0);
		check_is(count, 0);
		spend_credit();
		check_is(gmb_lock_acquire(&lock), 0);
		check_is(count, 1);
		check_is(gmb_lock_release(&lock), 0);
	}
	check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&scope);
	check_is(gmb_lock_acquire(&lock), -ECANCELED);
	check_is(gmb_lock_owner(&lock), 0);
	check_is(gmb_lock_try_acquire(&lock), 0);
	check_is(gmb_lock_release(&lock), 0);
	check_is(gmb_scope_close(&scope), -ECANCELED);
	gmb_lock_fini(&lock);
	return 0;
}

START_TEST(outside_a_task)
{
	static struct gmb_lock lock = GMB_LOCK_INIT(lock);

	check_is(gmb_lock_acquire(&lock), -EPERM);
	check_is(gmb_lock_try_acquire(&lock), -EPERM);
	check_is(gmb_lock_release(&lock), -EPERM);
	gmb_lock_fini(&lock);
}
END_TEST

static intptr_t hold_long(void *arg)
{
	int rc = gmb_lock_acquire(arg);

	if (rc == 0) {
		rc = gmb_sleep_until(GMB_NEVER);
		gmb_lock_release(arg);
	}
	return rc;
}

static intptr_t intrude(void *arg)
{
	check_is(gmb_lock_try_acquire(arg), -EXDEV);
	check_is(gmb_lock_release(arg), -EPERM);
	return gmb_lock_acquire(arg);
}

START_TEST(another_loop_is_refused)
{
	struct gmb_loop *loop;
	struct gmb_lock lock;

	gmb_lock_init(&lock);
	check_is(gmb_loop_open(NULL, hold_long, &lock, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_run(intrude, &lock), -EXDEV);
	gmb_loop_cancel(loop);
	gmb_loop_close(loop, NULL);
	gmb_lock_fini(&lock);
}
END_TEST

static struct gmb_lock kept = GMB_LOCK_INIT(kept);

static intptr_t keep_it(void *arg)
{
	(void)arg;
	gmb_task_set_name(gmb_self(), "keeper");
	return gmb_lock_acquire(&kept);
}

static void die_by_end(void)
{
	gmb_run(keep_it, NULL);
}

static intptr_t fini_held(void *arg)
{
	(void)arg;
	check_is(gmb_lock_acquire(&kept), 0);
	gmb_lock_fini(&kept);
	return 0;
}

static void die_by_fini(void)
{
	gmb_run(fini_held, NULL);
}

static intptr_t use_after_fini(void *arg)
{
	(void)arg;
	gmb_lock_fini(&kept);
	return gmb_lock_acquire(&kept);
}

static void die_by_use(void)
{
	gmb_run(use_after_fini, NULL);
}

START_TEST(misuse_dies)
{
	char sentence[128];

	snprintf(sentence, sizeof(sentence),
		 "task \"keeper\" ended while it holds the lock at %p",
		 (void *)&kept);
	dies(die_by_end, sentence);
	dies(die_by_fini, "is ended while tasks wait for it or hold it");
	dies(die_by_use, "is used after its end");
}
END_TEST

Suite *test_lock_suite(void)
{
	Suite *suite = suite_create("lock");
	TCase *tcase = tcase_create("lock");

	tcase_add_test(tcase, is_fair);
	tcase_add_test(tcase, cancelled_waiter_leaves_no_trace);
	tcase_add_test(tcase, hand_over_races_with_cancel);
	tcase_add_test(tcase, given_then_cancelled_is_given);
	tcase_add_test(tcase, owner_is_checked);
	tcase_add_test(tcase, many_locks);
	tcase_add_test(tcase, acquire_is_a_checkpoint);
	tcase_add_test(tcase, outside_a_task);
	tcase_add_test(tcase, another_loop_is_refused);
	tcase_add_test(tcase, misuse_dies);
	suite_add_tcase(suite, tcase);
	return suite;
}
