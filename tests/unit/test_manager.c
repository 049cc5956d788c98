/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Managers: no task outlives its block, no result or error is lost.
 */
#include "harness.h"

Suite *test_manager_suite(void);

static intptr_t give(void *arg)
{
	return (intptr_t)arg;
}

static intptr_t give_later(void *arg)
{
	check_is(gmb_sleep(GMB_SEC), 0);
	return (intptr_t)arg;
}

static intptr_t sleep_long(void *arg)
{
	(void)arg;
	return gmb_sleep(1000 * GMB_SEC);
}

static intptr_t count_up(void *arg)
{
	++*(int *)arg;
	return 0;
}

static void open_manager(struct gmb_manager *m)
{
	check_is(gmb_manager_open(m), 0);
}

TASK_TEST(close_waits_for_every_task)
{
	gmb_time begin = gmb_now();
	struct gmb_manager m;
	int count = 0, i;

	open_manager(&m);
	for (i = 0; i < 100; i++)
		check_that(gmb_schedule(&m, i * GMB_MS, count_up, &count));
	check_is(gmb_manager_alive(&m), 100);
	check_is(gmb_manager_close(&m), 0);
	check_is(count, 100);
	check_is(gmb_now() - begin, 99 * GMB_MS);
	return 0;
}

TASK_TEST(results_stay_until_the_close)
{
	struct gmb_task *a, *b;
	struct gmb_manager m;
	intptr_t v = 0;

	open_manager(&m);
	a = gmb_spawn(&m, give, (void *)41);
	b = gmb_spawn(&m, give_later, (void *)42);
	check_is(gmb_task_result(a), -EINPROGRESS);
	check_is(gmb_manager_wait(&m), 0);
	check_is(gmb_task_result(a), 41);
	check_is(gmb_task_result(b), 42);
	check_is(gmb_join(a, &v), 0);
	check_is(v, 41);
	check_is(gmb_join(a, &v), 0);
	check_is(v, 41);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

TASK_TEST(first_failure_cancels_the_siblings)
{
	struct gmb_task *bad, *other;
	gmb_time begin = gmb_now();
	struct gmb_manager m;

	open_manager(&m);
	other = gmb_spawn(&m, sleep_long, NULL);
	bad = gmb_spawn(&m, give_later, (void *)-EIO);
	check_is(gmb_manager_wait(&m), -EIO);
	check_is(gmb_now() - begin, GMB_SEC);
	check_is(gmb_task_state(bad), GMB_TASK_FAILED);
	check_is(gmb_task_state(other), GMB_TASK_CANCELLED);
	check_is(gmb_task_result(other), -ECANCELED);
	check_that(gmb_manager_next_error(&m, NULL) == bad);
	check_that(gmb_manager_next_error(&m, bad) == NULL);
	check_is(gmb_manager_close(&m), -EIO);
	return 0;
}

static intptr_t fail_when_cancelled(void *arg)
{
	check_is(gmb_sleep(1000 * GMB_SEC), -ECANCELED);
	return (intptr_t)arg;
}

TASK_TEST(all_errors_can_be_walked)
{
	struct gmb_task *t, *seen[4];
	struct gmb_manager m;
	int n = 0;

	open_manager(&m);
	gmb_spawn(&m, fail_when_cancelled, (void *)-ENOENT);
	gmb_spawn(&m, give, (void *)3);
	gmb_spawn(&m, give, (void *)-EIO);
	gmb_spawn(&m, sleep_long, NULL);
	gmb_spawn(&m, fail_when_cancelled, (void *)-EPIPE);
	check_is(gmb_manager_wait(&m), -EIO);
	for (t = gmb_manager_next_error(&m, NULL); t;
	     t = gmb_manager_next_error(&m, t))
		seen[n++] = t;
	check_is(n, 3);
	check_is(gmb_task_result(seen[0]), -ENOENT);
	check_is(gmb_task_result(seen[1]), -EIO);
	check_is(gmb_task_result(seen[2]), -EPIPE);
	check_is(gmb_manager_close(&m), -EIO);
	return 0;
}

TASK_TEST(failure_cancels_the_opener_in_its_block)
{
	struct gmb_manager m;

	open_manager(&m);
	gmb_spawn(&m, give_later, (void *)-EIO);
	check_is(gmb_sleep(60 * GMB_SEC), -ECANCELED);
	check_is(gmb_manager_close(&m), -EIO);
	check_is(gmb_yield(), 0);
	return 0;
}

TASK_TEST(cancelling_a_manager_is_no_failure)
{
	struct gmb_manager m;

	open_manager(&m);
	gmb_spawn(&m, sleep_long, NULL);
	gmb_manager_cancel(&m);
	check_is(gmb_yield(), -ECANCELED);
	check_is(gmb_manager_close(&m), 0);
	check_is(gmb_yield(), 0);
	return 0;
}

TASK_TEST(deadline_of_a_manager_is_its_error)
{
	gmb_time begin = gmb_now();
	struct gmb_manager m;

	open_manager(&m);
	gmb_spawn(&m, sleep_long, NULL);
	check_is(gmb_scope_set_deadline(gmb_manager_scope(&m),
					begin + GMB_SEC), 0);
	check_is(gmb_manager_close(&m), -ETIMEDOUT);
	check_is(gmb_now() - begin, GMB_SEC);
	return 0;
}

/* A task that ends its clean-up late is waited for all the same. */
static intptr_t clean_up(void *arg)
{
	int rc = 0;

	check_is(gmb_sleep(1000 * GMB_SEC), -ECANCELED);
	gmb_shield(rc, 60 * GMB_SEC)
		check_is(gmb_sleep(5 * GMB_SEC), 0);
	*(int *)arg = 1;
	return -ECANCELED;
}

TASK_TEST(close_is_not_cut_short_by_cancellation)
{
	gmb_time begin = gmb_now();
	struct gmb_manager m;
	struct gmb_scope s;
	int done = 0;

	check_is(gmb_scope_open(&s, begin + GMB_SEC, 0), 0);
	open_manager(&m);
	gmb_spawn(&m, clean_up, &done);
	check_is(gmb_manager_close(&m), -ECANCELED);
	check_is(done, 1);
	check_is(gmb_now() - begin, 6 * GMB_SEC);
	check_is(gmb_scope_close(&s), -ETIMEDOUT);
	return 0;
}

static intptr_t spawn_more(void *arg)
{
	struct gmb_manager *m = arg;

	check_is(gmb_sleep(GMB_SEC), 0);
	gmb_spawn(m, give_later, (void *)7);
	return 0;
}

TASK_TEST(tasks_spawn_into_a_manager_that_is_being_closed)
{
	gmb_time begin = gmb_now();
	struct gmb_manager m;

	open_manager(&m);
	gmb_spawn(&m, spawn_more, &m);
	check_is(gmb_manager_close(&m), 0);
	check_is(gmb_now() - begin, 2 * GMB_SEC);
	return 0;
}

static intptr_t nested(void *arg)
{
	intptr_t depth = (intptr_t)arg, rc = 0;

	gmb_manager(m, rc) {
		if (depth)
			gmb_spawn(m, nested, (void *)(depth - 1));
		else
			gmb_spawn(m, give, (void *)-EDOM);
	}
	return rc;
}

TASK_TEST(errors_rise_through_nested_managers)
{
	intptr_t rc = 0;

	gmb_manager(m, rc)
		gmb_spawn(m, nested, (void *)50);
	check_is(rc, -EDOM);
	return 0;
}

static intptr_t leave_by_return(gmb_time *end)
{
	intptr_t rc = 0;

	(void)end;
	gmb_manager(m, rc) {
		gmb_spawn(m, give_later, (void *)1);
		return 9;
	}
	return rc;
}

static intptr_t return_before_the_error(void)
{
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		gmb_spawn(m, give_later, (void *)-EIO);
		return rc;
	}
	return rc;
}

static intptr_t break_before_the_error(void)
{
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		gmb_spawn(m, give_later, (void *)-EIO);
		break;
	}
	return rc;
}

/* What is returned was computed before the task failed, as the header says. */
TASK_TEST(error_after_the_block_was_left)
{
	check_is(return_before_the_error(), 0);
	check_is(break_before_the_error(), -EIO);
	return 0;
}

TASK_TEST(block_joins_however_it_is_left)
{
	gmb_time begin = gmb_now();
	intptr_t rc = 0;
	int i;

	check_is(leave_by_return(&begin), 9);
	check_is(gmb_now() - begin, GMB_SEC);
	for (i = 0; i < 2; i++) {
		gmb_manager(m, rc) {
			gmb_spawn(m, give_later, (void *)1);
			break;
		}
	}
	check_is(gmb_now() - begin, 3 * GMB_SEC);
	gmb_manager(m, rc) {
		gmb_spawn(m, give_later, (void *)1);
		goto out;
	}
out:
	check_is(gmb_now() - begin, 4 * GMB_SEC);
	check_is(rc, 0);
	return 0;
}

TASK_TEST(block_that_fails_itself_cancels_its_tasks)
{
	gmb_time begin = gmb_now();
	int rc = 0;

	gmb_manager(m, rc) {
		gmb_spawn(m, sleep_long, NULL);
		rc = -EPROTO;
	}
	check_is(rc, -EPROTO);
	check_is(gmb_now(), begin);
	return 0;
}

TASK_TEST(block_gives_the_error_not_the_cancellation)
{
	int rc = 0;

	gmb_manager(m, rc) {
		gmb_spawn(m, give_later, (void *)-EIO);
		rc = gmb_sleep(60 * GMB_SEC);
		check_is(rc, -ECANCELED);
	}
	check_is(rc, -EIO);
	gmb_manager(m, rc) {
		rc = 0;
		gmb_spawn(m, sleep_long, NULL);
		gmb_manager_cancel(m);
		rc = gmb_yield();
	}
	check_is(rc, 0);
	return 0;
}

TASK_TEST(forgotten_tasks_leave_nothing_but_their_errors)
{
	struct gmb_manager m;
	int i;

	open_manager(&m);
	for (i = 0; i < 10000; i++) {
		check_is(gmb_spawn_forget(&m, give, (void *)5), 0);
		check_is(gmb_yield(), 0);
	}
	check_is(gmb_spawn_forget(&m, give, (void *)-EIO), 0);
	check_is(gmb_manager_wait(&m), -EIO);
	check_is(gmb_task_result(gmb_manager_next_error(&m, NULL)), -EIO);
	check_is(gmb_manager_close(&m), -EIO);
	return 0;
}

static intptr_t start_then_work(void *arg)
{
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(gmb_started((intptr_t)arg), 0);
	check_is(gmb_started(0), -EALREADY);
	check_is(gmb_sleep(5 * GMB_SEC), 0);
	return 0;
}

TASK_TEST(spawn_wait_hands_back_a_value)
{
	gmb_time begin = gmb_now();
	struct gmb_manager m;
	intptr_t v = 0;

	open_manager(&m);
	check_is(gmb_spawn_wait(&m, start_then_work, (void *)77, &v), 0);
	check_is(v, 77);
	check_is(gmb_now() - begin, GMB_SEC);
	check_is(gmb_manager_close(&m), 0);
	check_is(gmb_now() - begin, 6 * GMB_SEC);
	return 0;
}

TASK_TEST(failure_before_started_is_the_spawners)
{
	struct gmb_manager m;
	intptr_t v = 5;

	open_manager(&m);
	check_is(gmb_spawn_wait(&m, give_later, (void *)-ENOENT, &v), -ENOENT);
	check_is(gmb_spawn_wait(&m, give_later, (void *)1, &v), -ECHILD);
	check_is(v, 5);
	check_that(gmb_manager_next_error(&m, NULL) == NULL);
	check_is(gmb_started(1), -EALREADY);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

TASK_TEST(cancelled_spawn_wait_takes_its_task_with_it)
{
	struct gmb_manager m;
	int done = 0, rc = 0;

	open_manager(&m);
	gmb_with_timeout(rc, GMB_SEC)
		rc = gmb_spawn_wait(&m, clean_up, &done, NULL);
	check_is(rc, -ETIMEDOUT);
	check_is(done, 1);
	check_is(gmb_manager_alive(&m), 0);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

/* The manager does not learn of it, so the spawner must. */
TASK_TEST(cancelled_spawn_wait_tells_what_its_task_failed_with)
{
	struct gmb_manager m;
	int rc = 0;

	open_manager(&m);
	gmb_with_timeout(rc, GMB_SEC)
		rc = gmb_spawn_wait(&m, fail_when_cancelled, (void *)-EIO,
				    NULL);
	check_is(rc, -EIO);
	check_is(gmb_manager_alive(&m), 0);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

TASK_TEST(scheduled_task_that_is_cancelled_never_runs)
{
	struct gmb_manager m;
	struct gmb_task *t;
	int count = 0;

	open_manager(&m);
	t = gmb_schedule(&m, GMB_SEC, count_up, &count);
	check_is(gmb_yield(), 0);
	gmb_task_cancel(t);
	check_is(gmb_manager_wait(&m), 0);
	check_is(gmb_task_result(t), -ECANCELED);
	check_is(count, 0);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

struct copied {
	int a, b;
	char text[20];
};

static intptr_t read_copy(void *arg)
{
	struct copied *c = arg;

	check_is(gmb_yield(), 0);
	check_str(c->text, "by value");
	return c->a + c->b;
}

static struct gmb_task *spawn_copy(struct gmb_manager *m)
{
	struct copied c = { 3, 4, "by value" };
	struct gmb_spawn_opts opts = { .copy_size = sizeof(c), .name = "copy" };
	struct gmb_task *t;

	check_is(gmb_spawn_with(m, &opts, read_copy, &c, &t), 0);
	memset(&c, 0, sizeof(c));
	return t;
}

TASK_TEST(arguments_can_be_copied)
{
	struct gmb_spawn_opts large = { .copy_size = 40000 };
	struct gmb_manager m;
	struct gmb_task *t;
	char big[40000];

	memset(big, 0, sizeof(big));
	open_manager(&m);
	t = spawn_copy(&m);
	check_is(gmb_manager_wait(&m), 0);
	check_is(gmb_task_result(t), 7);
	check_str(gmb_task_name(t), "copy");
	check_is(gmb_spawn_with(&m, &large, read_copy, big, NULL), -EINVAL);
	large.stack_size = 200000;
	large.flags = 1u << 9;
	check_is(gmb_spawn_with(&m, &large, read_copy, big, NULL), -EINVAL);
	check_is(gmb_manager_close(&m), 0);
	check_is(gmb_spawn_with(&m, NULL, give, NULL, NULL), -EBADF);
	return 0;
}

struct late {
	struct gmb_manager *manager;
	int runs;
};

static intptr_t count_late(void *arg)
{
	struct late *late = arg;

	check_is(gmb_yield(), 0);
	late->runs++;
	return 0;
}

static intptr_t spawn_late(void *arg)
{
	struct late *late = arg;

	if (late->manager)
		check_that(gmb_spawn(late->manager, count_late, late));
	return 0;
}

/*
 * main			spawner
 * close (no tasks)
 *   gives way
 *			spawns in the manager
 *   waits for the task
 */
TASK_TEST(empty_manager_that_closes_waits_for_a_late_task)
{
	struct gmb_manager inner;
	struct late late = { .manager = &inner };
	intptr_t rc = 0;

	gmb_manager(outer, rc) {
		check_is(gmb_manager_open(&inner), 0);
		gmb_spawn(outer, spawn_late, &late);
		spend_credit();
		check_is(gmb_manager_close(&inner), 0);
		check_is(late.runs, 1);
		late.manager = NULL;
	}
	check_is(rc, 0);
	return 0;
}

static intptr_t wait_foreign(void *arg)
{
	check_is(gmb_manager_wait(arg), -EPERM);
	return 0;
}

TASK_TEST(only_the_opener_waits)
{
	struct gmb_manager m;

	open_manager(&m);
	gmb_manager_set_name(&m, "mine");
	gmb_spawn(&m, wait_foreign, &m);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

static intptr_t close_foreign(void *arg)
{
	return gmb_manager_close(arg);
}

static intptr_t let_close(void *arg)
{
	struct gmb_manager m;

	(void)arg;
	open_manager(&m);
	gmb_spawn(&m, close_foreign, &m);
	return gmb_manager_close(&m);
}

static intptr_t close_twice(void *arg)
{
	struct gmb_manager m;

	(void)arg;
	open_manager(&m);
	gmb_manager_close(&m);
	return gmb_manager_close(&m);
}

static intptr_t leave_open(void *arg)
{
	return gmb_manager_open(arg);
}

static intptr_t spawn_closed(void *arg)
{
	struct gmb_manager m;

	(void)arg;
	open_manager(&m);
	gmb_manager_close(&m);
	gmb_spawn(&m, give, NULL);
	return 0;
}

static void die_foreign(void)
{
	run_fake(let_close, NULL);
}

static void die_twice(void)
{
	run_fake(close_twice, NULL);
}

static void die_open(void)
{
	struct gmb_manager m;

	run_fake(leave_open, &m);
}

static void die_spawn(void)
{
	run_fake(spawn_closed, NULL);
}

START_TEST(misuse_aborts_with_a_sentence)
{
	struct gmb_manager m;

	dies(die_foreign, "another task's");
	dies(die_twice, "closed already");
	dies(die_open, "ended with a manager open");
	dies(die_spawn, "is closed");
	check_is(gmb_manager_open(&m), -EPERM);
}
END_TEST

Suite *test_manager_suite(void)
{
	Suite *suite = suite_create("manager");
	TCase *tc = tcase_create("manager");

	tcase_add_test(tc, close_waits_for_every_task);
	tcase_add_test(tc, results_stay_until_the_close);
	tcase_add_test(tc, first_failure_cancels_the_siblings);
	tcase_add_test(tc, all_errors_can_be_walked);
	tcase_add_test(tc, failure_cancels_the_opener_in_its_block);
	tcase_add_test(tc, cancelling_a_manager_is_no_failure);
	tcase_add_test(tc, deadline_of_a_manager_is_its_error);
	tcase_add_test(tc, close_is_not_cut_short_by_cancellation);
	tcase_add_test(tc, tasks_spawn_into_a_manager_that_is_being_closed);
	tcase_add_test(tc, errors_rise_through_nested_managers);
	tcase_add_test(tc, error_after_the_block_was_left);
	tcase_add_test(tc, block_joins_however_it_is_left);
	tcase_add_test(tc, block_that_fails_itself_cancels_its_tasks);
	tcase_add_test(tc, block_gives_the_error_not_the_cancellation);
	tcase_add_test(tc, forgotten_tasks_leave_nothing_but_their_errors);
	tcase_add_test(tc, spawn_wait_hands_back_a_value);
	tcase_add_test(tc, failure_before_started_is_the_spawners);
	tcase_add_test(tc, cancelled_spawn_wait_takes_its_task_with_it);
	tcase_add_test(tc,
		       cancelled_spawn_wait_tells_what_its_task_failed_with);
	tcase_add_test(tc, scheduled_task_that_is_cancelled_never_runs);
	tcase_add_test(tc, arguments_can_be_copied);
	tcase_add_test(tc,
		       empty_manager_that_closes_waits_for_a_late_task);
	tcase_add_test(tc, only_the_opener_waits);
	tcase_add_test(tc, misuse_aborts_with_a_sentence);
	suite_add_tcase(suite, tc);
	return suite;
}
