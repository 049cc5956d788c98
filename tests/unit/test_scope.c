/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Scopes: what is cancelled, by whom, for how long, and what the close says.
 */
#include "harness.h"

Suite *test_scope_suite(void);

static intptr_t sleep_long(void *arg)
{
	(void)arg;
	return gmb_sleep(1000 * GMB_SEC);
}

TASK_TEST(deadline_cancels_the_wait_at_its_time)
{
	gmb_time begin = gmb_now();
	struct gmb_scope s;

	check_is(gmb_scope_open(&s, gmb_after(5 * GMB_SEC), 0), 0);
	check_is(gmb_sleep(60 * GMB_SEC), -ECANCELED);
	check_is(gmb_now() - begin, 5 * GMB_SEC);
	check_is(gmb_scope_cancelled(&s), 1);
	check_is(gmb_scope_close(&s), -ETIMEDOUT);
	return 0;
}

TASK_TEST(cancellation_is_level_triggered)
{
	struct gmb_scope s;

	check_is(gmb_scope_open(&s, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&s);
	check_is(gmb_sleep(1), -ECANCELED);
	check_is(gmb_yield(), -ECANCELED);
	check_is(gmb_checkpoint(), -ECANCELED);
	check_is(gmb_sleep_until(0), -ECANCELED);
	check_is(gmb_scope_close(&s), -ECANCELED);
	check_is(gmb_yield(), 0);
	return 0;
}

TASK_TEST(scope_that_nobody_noticed_closes_well)
{
	struct gmb_scope s;

	check_is(gmb_scope_open(&s, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&s);
	check_is(gmb_scope_close(&s), 0);
	check_is(gmb_scope_open(&s, gmb_now(), 0), 0);
	check_is(gmb_scope_cancelled(&s), 1);
	check_is(gmb_scope_close(&s), 0);
	return 0;
}

TASK_TEST(passed_deadline_cancels_the_first_wait)
{
	struct gmb_scope s;

	check_is(gmb_scope_open(&s, gmb_now() - 1, 0), 0);
	check_is(gmb_deadline(), 0);
	check_is(gmb_yield(), -ECANCELED);
	check_is(gmb_scope_close(&s), -ETIMEDOUT);
	return 0;
}

/* However long ago the loop has looked at the clock. */
REAL_TEST(deadline_that_passed_in_a_calculation_cancels_the_first_wait)
{
	gmb_time deadline = gmb_after(20 * GMB_MS);
	struct gmb_scope s;

	while (gmb_now() <= deadline)
		;
	check_is(gmb_scope_open(&s, deadline, 0), 0);
	check_is(gmb_yield(), -ECANCELED);
	check_is(gmb_scope_close(&s), -ETIMEDOUT);
	return 0;
}

/* Nobody else looks at the clock meanwhile. */
REAL_TEST(checkpoint_sees_the_deadline_of_a_calculation)
{
	gmb_time end = gmb_now() + 20 * GMB_SEC;
	int rc = 0;

	gmb_with_timeout(rc, 5 * GMB_MS)
		while (rc == 0 && gmb_now() < end)
			rc = gmb_checkpoint();
	check_is(rc, -ETIMEDOUT);
	gmb_with_timeout(rc, GMB_SEC)
		rc = gmb_checkpoint();
	check_is(rc, 0);
	return 0;
}

TASK_TEST(skip_makes_the_deadline_no_error)
{
	struct gmb_scope s;

	check_is(gmb_scope_open(&s, gmb_after(1), GMB_SCOPE_SKIP), 0);
	check_is(gmb_sleep(GMB_SEC), -ECANCELED);
	check_is(gmb_scope_close(&s), 0);
	check_is(gmb_scope_cancelled(&s), 1);
	return 0;
}

TASK_TEST(nearest_deadline_counts_whichever_scope_has_it)
{
	gmb_time begin = gmb_now();
	struct gmb_scope outer, inner;

	check_is(gmb_scope_open(&outer, begin + 2 * GMB_SEC, 0), 0);
	check_is(gmb_scope_open(&inner, begin + 9 * GMB_SEC, 0), 0);
	check_is(gmb_deadline(), begin + 2 * GMB_SEC);
	check_is(gmb_sleep(60 * GMB_SEC), -ECANCELED);
	check_is(gmb_now(), begin + 2 * GMB_SEC);
	check_is(gmb_scope_close(&inner), -ECANCELED);
	check_is(gmb_scope_close(&outer), -ETIMEDOUT);

	begin = gmb_now();
	check_is(gmb_scope_open(&outer, begin + 9 * GMB_SEC, 0), 0);
	check_is(gmb_scope_open(&inner, begin + 2 * GMB_SEC, 0), 0);
	check_is(gmb_sleep(60 * GMB_SEC), -ECANCELED);
	check_is(gmb_scope_close(&inner), -ETIMEDOUT);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(gmb_scope_close(&outer), 0);
	return 0;
}

TASK_TEST(outer_cancel_counts_over_an_inner_one)
{
	struct gmb_scope outer, inner;

	check_is(gmb_scope_open(&outer, GMB_NEVER, 0), 0);
	check_is(gmb_scope_open(&inner, gmb_after(1), 0), 0);
	gmb_scope_cancel(&outer);
	check_is(gmb_sleep(GMB_SEC), -ECANCELED);
	check_is(gmb_scope_close(&inner), -ECANCELED);
	check_is(gmb_yield(), -ECANCELED);
	check_is(gmb_scope_close(&outer), -ECANCELED);
	return 0;
}

TASK_TEST(shield_keeps_cancellation_out_but_not_its_own)
{
	struct gmb_scope outer, shield;

	check_is(gmb_scope_open(&outer, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&outer);
	check_is(gmb_scope_open(&shield, gmb_after(5 * GMB_SEC),
				GMB_SCOPE_SHIELD), 0);
	check_is(gmb_deadline() - gmb_now(), 5 * GMB_SEC);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(gmb_sleep(60 * GMB_SEC), -ECANCELED);
	check_is(gmb_scope_close(&shield), -ETIMEDOUT);
	check_is(gmb_yield(), -ECANCELED);
	check_is(gmb_scope_close(&outer), -ECANCELED);
	return 0;
}

static intptr_t cancel_later(void *arg)
{
	check_is(gmb_sleep(GMB_SEC), 0);
	gmb_scope_cancel(arg);
	return 0;
}

TASK_TEST(shielded_wait_survives_a_cancel)
{
	struct gmb_scope outer, shield;
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		check_is(gmb_scope_open(&outer, GMB_NEVER, 0), 0);
		gmb_spawn(m, cancel_later, &outer);
		check_is(gmb_scope_open(&shield, GMB_NEVER, GMB_SCOPE_SHIELD),
			 0);
		check_is(gmb_sleep(2 * GMB_SEC), 0);
		check_is(gmb_scope_close(&shield), 0);
		check_is(gmb_scope_cancelled(&outer), 1);
		check_is(gmb_yield(), -ECANCELED);
		check_is(gmb_scope_close(&outer), -ECANCELED);
	}
	return rc;
}

TASK_TEST(scope_of_another_task_can_be_cancelled)
{
	struct gmb_scope s;
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		gmb_time begin = gmb_now();

		check_is(gmb_scope_open(&s, GMB_NEVER, 0), 0);
		gmb_spawn(m, cancel_later, &s);
		check_is(gmb_sleep(60 * GMB_SEC), -ECANCELED);
		check_is(gmb_now() - begin, GMB_SEC);
		check_is(gmb_scope_close(&s), -ECANCELED);
	}
	return rc;
}

TASK_TEST(scope_reaches_tasks_of_managers_opened_inside)
{
	struct gmb_task *t = NULL;
	struct gmb_manager m;
	struct gmb_scope s;
	intptr_t rc;

	check_is(gmb_scope_open(&s, gmb_after(GMB_SEC), 0), 0);
	check_is(gmb_manager_open(&m), 0);
	t = gmb_spawn(&m, sleep_long, NULL);
	check_is(gmb_manager_wait(&m), -ECANCELED);
	check_is(gmb_task_state(t), GMB_TASK_CANCELLED);
	rc = gmb_manager_close(&m);
	check_is(rc, -ECANCELED);
	check_is(gmb_scope_close(&s), -ETIMEDOUT);
	return 0;
}

static intptr_t spawn_into(void *arg)
{
	struct gmb_scope s;

	/* The scope here does not concern a task of a manager outside it. */
	check_is(gmb_scope_open(&s, GMB_NEVER, 0), 0);
	gmb_spawn(arg, sleep_long, NULL);
	gmb_scope_cancel(&s);
	check_is(gmb_yield(), -ECANCELED);
	gmb_scope_close(&s);
	return 0;
}

TASK_TEST(task_inherits_the_scopes_of_its_manager)
{
	gmb_time begin = gmb_now();
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		gmb_spawn(m, spawn_into, m);
	}
	check_is(rc, 0);
	check_is(gmb_now() - begin, 1000 * GMB_SEC);
	return 0;
}

TASK_TEST(deadline_can_be_moved_both_ways)
{
	gmb_time begin = gmb_now();
	struct gmb_scope s;

	check_is(gmb_scope_open(&s, begin + GMB_SEC, 0), 0);
	check_is(gmb_scope_set_deadline(&s, begin + 3 * GMB_SEC), 0);
	check_is(gmb_sleep(2 * GMB_SEC), 0);
	check_is(gmb_scope_set_deadline(&s, GMB_NEVER), 0);
	check_is(gmb_sleep(2 * GMB_SEC), 0);
	check_is(gmb_deadline(), GMB_NEVER);
	check_is(gmb_scope_set_deadline(&s, gmb_now() - 1), 0);
	check_is(gmb_yield(), -ECANCELED);
	check_is(gmb_scope_set_deadline(&s, GMB_NEVER), 0);
	check_is(gmb_yield(), -ECANCELED);
	check_is(gmb_scope_close(&s), -ETIMEDOUT);
	return 0;
}

TASK_TEST(bad_flags_open_nothing)
{
	struct gmb_scope s;

	check_is(gmb_scope_open(&s, GMB_NEVER, 1u << 5), -EINVAL);
	check_is(gmb_yield(), 0);
	return 0;
}

START_TEST(scope_needs_a_task)
{
	struct gmb_scope s;

	check_is(gmb_scope_open(&s, GMB_NEVER, 0), -EPERM);
	check_is(gmb_deadline(), GMB_NEVER);
	check_is(gmb_yield(), -EPERM);
	check_is(gmb_checkpoint(), -EPERM);
	check_is(gmb_sleep(1), -EPERM);
}
END_TEST

TASK_TEST(timeout_block_turns_its_cancellation_into_etimedout)
{
	int rc = 0;

	gmb_with_timeout(rc, GMB_SEC)
		rc = gmb_sleep(60 * GMB_SEC);
	check_is(rc, -ETIMEDOUT);
	rc = 0;
	gmb_skip_after(rc, GMB_SEC)
		rc = gmb_sleep(60 * GMB_SEC);
	check_is(rc, 0);
	rc = 5;
	gmb_with_timeout(rc, GMB_SEC)
		rc = -EIO;
	check_is(rc, -EIO);
	rc = 0;
	gmb_with_timeout(rc, 10 * GMB_SEC)
		rc = gmb_sleep(GMB_SEC);
	check_is(rc, 0);
	return 0;
}

TASK_TEST(timeout_block_keeps_a_result_that_was_reached)
{
	ssize_t rc = 0;

	gmb_with_timeout(rc, GMB_SEC) {
		rc = gmb_sleep(60 * GMB_SEC);
		check_is(rc, -ECANCELED);
		rc = 42;
	}
	check_is(rc, 42);
	return 0;
}

TASK_TEST(blocks_of_an_outer_timeout_say_cancelled_inside)
{
	int outer = 0, inner = 0;

	gmb_with_timeout(outer, GMB_SEC) {
		gmb_with_timeout(inner, 60 * GMB_SEC)
			inner = gmb_sleep(600 * GMB_SEC);
		check_is(inner, -ECANCELED);
		outer = inner;
	}
	check_is(outer, -ETIMEDOUT);
	return 0;
}

static int leave_by_return(int *rc)
{
	gmb_with_timeout(*rc, GMB_SEC) {
		*rc = gmb_sleep(60 * GMB_SEC);
		return 17;
	}
	return 0;
}

TASK_TEST(blocks_survive_break_return_and_goto)
{
	int rc = 0, i;

	check_is(leave_by_return(&rc), 17);
	check_is(rc, -ETIMEDOUT);
	check_is(gmb_yield(), 0);
	for (i = 0; i < 3; i++) {
		gmb_shield(rc, GMB_SEC)
			break;
		check_is(gmb_deadline(), GMB_NEVER);
	}
	check_is(i, 3);
	gmb_with_timeout(rc, GMB_SEC) {
		gmb_with_timeout(rc, GMB_SEC)
			goto out;
	}
out:
	check_is(gmb_deadline(), GMB_NEVER);
	check_is(gmb_yield(), 0);
	return 0;
}

TASK_TEST(shield_block_has_a_limit)
{
	struct gmb_scope s;
	int rc = 0;

	check_is(gmb_scope_open(&s, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&s);
	gmb_shield(rc, 2 * GMB_SEC)
		rc = gmb_sleep(GMB_SEC);
	check_is(rc, 0);
	gmb_shield(rc, 2 * GMB_SEC)
		rc = gmb_sleep(60 * GMB_SEC);
	check_is(rc, -ETIMEDOUT);
	check_is(gmb_scope_close(&s), 0);
	return 0;
}

static intptr_t wrong_order(void *arg)
{
	struct gmb_scope a, b;

	(void)arg;
	check_is(gmb_scope_open(&a, GMB_NEVER, 0), 0);
	check_is(gmb_scope_open(&b, GMB_NEVER, 0), 0);
	return gmb_scope_close(&a);
}

static void close_wrong(void)
{
	run_fake(wrong_order, NULL);
}

static intptr_t leave_open(void *arg)
{
	return gmb_scope_open(arg, GMB_NEVER, 0);
}

static void end_open(void)
{
	struct gmb_scope s;

	run_fake(leave_open, &s);
}

/* The tasks live outside of the timeout, so they go on. */
TASK_TEST(scope_in_a_manager_bounds_the_wait_for_its_tasks)
{
	gmb_time begin = gmb_now();
	struct gmb_manager m;
	struct gmb_scope s;
	struct gmb_task *t;
	intptr_t rc = 0;

	check_is(gmb_manager_open(&m), 0);
	t = gmb_spawn(&m, sleep_long, NULL);
	gmb_with_timeout(rc, GMB_SEC)
		rc = gmb_manager_wait(&m);
	check_is(rc, -ETIMEDOUT);
	check_is(gmb_now() - begin, GMB_SEC);
	check_is(gmb_task_state(t), GMB_TASK_WAITING);
	/* Cancelled before it begins to wait, also with nobody to wait for. */
	check_is(gmb_scope_open(&s, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&s);
	check_is(gmb_manager_wait(&m), -ECANCELED);
	gmb_task_cancel(t);
	check_is(gmb_scope_close(&s), -ECANCELED);
	check_is(gmb_manager_wait(&m), 0);
	check_is(gmb_scope_open(&s, gmb_now(), 0), 0);
	check_is(gmb_manager_wait(&m), -ECANCELED);
	check_is(gmb_scope_close(&s), -ETIMEDOUT);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

static intptr_t sleep_shielded(void *arg)
{
	int rc = 0;

	(void)arg;
	gmb_shield(rc, 60 * GMB_SEC)
		check_is(gmb_sleep(2 * GMB_SEC), 0);
	return rc;
}

/* The wait goes on, so it is not what has noticed the manager's deadline. */
TASK_TEST(wait_for_tasks_in_a_scope_notices_no_deadline_of_theirs)
{
	struct gmb_scope *all, s;
	struct gmb_manager m;

	check_is(gmb_manager_open(&m), 0);
	gmb_spawn(&m, sleep_shielded, NULL);
	all = gmb_manager_scope(&m);
	check_is(gmb_scope_set_deadline(all, gmb_after(GMB_SEC)), 0);
	check_is(gmb_scope_open(&s, GMB_NEVER, 0), 0);
	check_is(gmb_manager_wait(&m), 0);
	check_is(gmb_scope_cancelled(all), 1);
	check_is(gmb_scope_close(&s), 0);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

static intptr_t cancel_and_end(void *arg)
{
	gmb_scope_cancel(arg);
	return 0;
}

/* What the wait says and what the scope says is the same. */
TASK_TEST(tasks_that_end_when_their_wait_is_cancelled)
{
	struct gmb_manager m;
	struct gmb_scope s;

	check_is(gmb_manager_open(&m), 0);
	gmb_spawn(&m, cancel_and_end, &s);
	check_is(gmb_scope_open(&s, GMB_NEVER, 0), 0);
	check_is(gmb_manager_wait(&m), 0);
	check_is(gmb_scope_close(&s), 0);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

static intptr_t fail_later(void *arg)
{
	(void)arg;
	return gmb_sleep(GMB_SEC) ?: -EIO;
}

static intptr_t end_slowly(void *arg)
{
	int rc = 0;

	check_is(gmb_sleep_until(GMB_NEVER), -ECANCELED);
	gmb_shield(rc, 60 * GMB_SEC)
		check_is(gmb_sleep(GMB_SEC), 0);
	*(int *)arg = 1;
	return -ECANCELED;
}

/* Cancelled with the tasks it waits for them, in a scope or not. */
TASK_TEST(failure_of_a_task_does_not_end_the_wait_for_the_others)
{
	struct gmb_manager m;
	struct gmb_scope s;
	int done = 0;

	check_is(gmb_manager_open(&m), 0);
	gmb_spawn(&m, end_slowly, &done);
	gmb_spawn(&m, fail_later, NULL);
	check_is(gmb_scope_open(&s, GMB_NEVER, 0), 0);
	check_is(gmb_manager_wait(&m), -EIO);
	check_is(done, 1);
	check_is(gmb_scope_close(&s), -ECANCELED);
	check_is(gmb_manager_close(&m), -EIO);
	return 0;
}

static struct gmb_scope far;

static intptr_t wait_in_far(void *arg)
{
	int rc;

	(void)arg;
	check_is(gmb_scope_open(&far, GMB_NEVER, 0), 0);
	rc = gmb_sleep_until(GMB_NEVER);
	check_is(gmb_scope_close(&far), -ECANCELED);
	return rc;
}

static struct gmb_loop *open_far(void)
{
	struct gmb_loop *loop;

	check_is(gmb_loop_open(NULL, wait_in_far, NULL, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	return loop;
}

static intptr_t cancel_far(void *arg)
{
	(void)arg;
	gmb_scope_cancel(&far);
	return 0;
}

static void cancel_from_another_loop(void)
{
	open_far();
	gmb_run(cancel_far, NULL);
}

static void cancel_outside(void)
{
	open_far();
	gmb_scope_cancel(&far);
}

static intptr_t move_far(void *arg)
{
	(void)arg;
	return gmb_scope_set_deadline(&far, gmb_now());
}

START_TEST(deadline_of_another_loop_is_refused)
{
	struct gmb_loop *loop = open_far();

	check_is(gmb_scope_set_deadline(&far, 0), -EPERM);
	check_is(gmb_run(move_far, NULL), -EXDEV);
	check_is(gmb_scope_cancelled(&far), 0);
	gmb_loop_cancel(loop);
	gmb_loop_close(loop, NULL);
}
END_TEST

START_TEST(misuse_aborts_with_a_sentence)
{
	dies(cancel_from_another_loop, "is cancelled by another loop");
	dies(cancel_outside, "is cancelled while its loop does not run");
	dies(close_wrong, "not the innermost one");
	dies(end_open, "ended with a scope open");
}
END_TEST

Suite *test_scope_suite(void)
{
	Suite *suite = suite_create("scope");
	TCase *tc = tcase_create("scope");

	tcase_add_test(tc, deadline_cancels_the_wait_at_its_time);
	tcase_add_test(tc, cancellation_is_level_triggered);
	tcase_add_test(tc, scope_that_nobody_noticed_closes_well);
	tcase_add_test(tc, passed_deadline_cancels_the_first_wait);
	tcase_add_test(tc,
		deadline_that_passed_in_a_calculation_cancels_the_first_wait);
	tcase_add_test(tc, checkpoint_sees_the_deadline_of_a_calculation);
	tcase_add_test(tc, skip_makes_the_deadline_no_error);
	tcase_add_test(tc, nearest_deadline_counts_whichever_scope_has_it);
	tcase_add_test(tc, outer_cancel_counts_over_an_inner_one);
	tcase_add_test(tc, shield_keeps_cancellation_out_but_not_its_own);
	tcase_add_test(tc, shielded_wait_survives_a_cancel);
	tcase_add_test(tc, scope_of_another_task_can_be_cancelled);
	tcase_add_test(tc, scope_reaches_tasks_of_managers_opened_inside);
	tcase_add_test(tc, task_inherits_the_scopes_of_its_manager);
	tcase_add_test(tc, deadline_can_be_moved_both_ways);
	tcase_add_test(tc, bad_flags_open_nothing);
	tcase_add_test(tc, scope_needs_a_task);
	tcase_add_test(tc, timeout_block_turns_its_cancellation_into_etimedout);
	tcase_add_test(tc, timeout_block_keeps_a_result_that_was_reached);
	tcase_add_test(tc, blocks_of_an_outer_timeout_say_cancelled_inside);
	tcase_add_test(tc, blocks_survive_break_return_and_goto);
	tcase_add_test(tc, shield_block_has_a_limit);
	tcase_add_test(tc, scope_in_a_manager_bounds_the_wait_for_its_tasks);
	tcase_add_test(tc,
		failure_of_a_task_does_not_end_the_wait_for_the_others);
	tcase_add_test(tc,
		       wait_for_tasks_in_a_scope_notices_no_deadline_of_theirs);
	tcase_add_test(tc, tasks_that_end_when_their_wait_is_cancelled);
	tcase_add_test(tc, deadline_of_another_loop_is_refused);
	tcase_add_test(tc, misuse_aborts_with_a_sentence);
	suite_add_tcase(suite, tc);
	return suite;
}
