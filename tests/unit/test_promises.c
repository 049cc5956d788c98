/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Promises of the headers, tested where they are most likely to break: things
 * that happen in the same turn, in hooks, or to something that is just ending.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include "harness.h"

Suite *test_promises_suite(void);

static intptr_t nop(void *arg)
{
	(void)arg;
	return 0;
}

static intptr_t wait_event(void *arg)
{
	return gmb_event_wait((struct gmb_event *)arg, NULL);
}

/* Managers */

/* A task whose manager closes in the turn in which the task ends. */
static intptr_t join_it(void *arg)
{
	intptr_t result = -1;

	check_is(gmb_join((struct gmb_task *)arg, &result), 0);
	return result;
}

static intptr_t seven(void *arg)
{
	(void)arg;
	check_is(gmb_yield(), 0);
	return 7;
}

TASK_TEST(joiner_gets_the_result_though_it_closes_at_once)
{
	struct gmb_manager inner;
	struct gmb_task *joiner = NULL;
	intptr_t rc = 0;

	gmb_manager(outer, rc) {
		check_is(gmb_manager_open(&inner), 0);
		joiner = gmb_spawn(outer, join_it,
				   gmb_spawn(&inner, seven, NULL));
		check_is(gmb_manager_close(&inner), 0);
		check_is(gmb_manager_wait(outer), 0);
		check_is(gmb_task_result(joiner), 7);
	}
	check_is(rc, 0);
	return 0;
}

/* A spawner that waits while the manager it spawns in is closed. */
struct starting {
	struct gmb_manager *manager;
	struct gmb_event start;
};

static intptr_t start_late(void *arg)
{
	struct starting *s = (struct starting *)arg;

	check_is(gmb_event_wait(&s->start, NULL), 0);
	return gmb_started(9);
}

static intptr_t spawn_and_wait(void *arg)
{
	struct starting *s = (struct starting *)arg;
	intptr_t value = 0;

	check_is(gmb_spawn_wait(s->manager, start_late, s, &value), 0);
	return value;
}

static intptr_t trigger_later(void *arg)
{
	let_run();
	return gmb_event_trigger((struct gmb_event *)arg, 0);
}

TASK_TEST(manager_closes_only_after_a_task_that_is_still_starting)
{
	struct gmb_manager inner;
	struct starting s = { .manager = &inner };
	struct gmb_task *spawner = NULL;
	intptr_t rc = 0;

	gmb_event_init(&s.start);
	gmb_manager(outer, rc) {
		check_is(gmb_manager_open(&inner), 0);
		spawner = gmb_spawn(outer, spawn_and_wait, &s);
		check_is(gmb_yield(), 0);
		gmb_spawn(outer, trigger_later, &s.start);
		check_is(gmb_manager_close(&inner), 0);
		check_is(gmb_event_is_set(&s.start), 1);
		check_is(gmb_manager_wait(outer), 0);
		check_is(gmb_task_result(spawner), 9);
	}
	check_is(rc, 0);
	gmb_event_fini(&s.start);
	return 0;
}

/* Scopes */

static struct gmb_scope *rescued;

static void rescue(void *user, struct gmb_task *task)
{
	(void)user;
	(void)task;
	if (rescued)
		check_is(gmb_scope_set_deadline(rescued, GMB_NEVER), 0);
	rescued = NULL;
}

static intptr_t sleep_in_scope(void *arg)
{
	struct gmb_scope *scope = (struct gmb_scope *)arg;
	gmb_time when = gmb_after(GMB_MS);

	check_is(gmb_scope_open(scope, when, 0), 0);
	check_is(gmb_sleep(10 * GMB_MS), 0);
	return gmb_scope_close(scope);
}

/*
 * Two deadlines at the same time; what the first sets off takes away the
 * second, which must not fire any more.
 */
TASK_TEST(deadline_is_taken_away_while_another_one_fires)
{
	static const struct gmb_hooks hooks = {
		.size = sizeof(hooks),
		.cancelled = rescue,
	};
	struct gmb_event never;
	struct gmb_scope scope;
	gmb_time when = gmb_after(GMB_MS);
	intptr_t rc = 0, inner = 0;

	gmb_event_init(&never);

	check_is(gmb_hooks_set(&hooks), 0);
	gmb_manager(outer, rc) {
		gmb_manager(m, inner) {
			check_is(gmb_scope_set_deadline(gmb_manager_scope(m),
							when), 0);
			gmb_spawn(m, wait_event, &never);
			gmb_spawn(outer, sleep_in_scope, &scope);
			rescued = &scope;
		}
		check_is(inner, -ETIMEDOUT);
		check_that(!rescued);
	}
	check_is(rc, 0);
	check_is(gmb_hooks_set(NULL), 0);
	return 0;
}

/* Loops */

struct foreign {
	struct gmb_task *main;
	struct gmb_task *child;
	int joined, joined_main, chosen;
};

static intptr_t show_tasks(void *arg)
{
	struct foreign *f = (struct foreign *)arg;
	intptr_t rc = 0;

	f->main = gmb_self();
	gmb_manager(m, rc) {
		f->child = gmb_schedule(m, GMB_NEVER, nop, NULL);
	}
	return rc;
}

static intptr_t join_foreign(void *arg)
{
	struct foreign *f = (struct foreign *)arg;
	struct gmb_case c = gmb_case_join(f->child, NULL);

	f->joined = gmb_join(f->child, NULL);
	f->joined_main = gmb_join(f->main, NULL);
	f->chosen = gmb_select(&c, 1);
	return 0;
}

/* Two loops on one thread, run in turns. */
START_TEST(task_of_another_loop_cannot_be_joined)
{
	struct gmb_loop *one, *other;
	struct foreign f = { 0 };
	intptr_t result = 0;

	check_is(gmb_loop_open(NULL, show_tasks, &f, &one), 0);
	check_is(gmb_loop_open(NULL, join_foreign, &f, &other), 0);
	check_is(gmb_loop_step(one, 0), 1);
	check_is(gmb_loop_step(other, 0), 0);
	gmb_loop_close(other, NULL);
	gmb_loop_close(one, &result);
	check_is(f.joined, -EXDEV);
	check_is(f.joined_main, -EXDEV);
	check_is(f.chosen, -EXDEV);
	check_is(result, -ECANCELED);
}
END_TEST

static intptr_t play(void *arg)
{
	int *rounds = (int *)arg;

	while (*rounds < 50) {
		check_is(gmb_sleep(10 * GMB_US), 0);
		++*rounds;
	}
	return *rounds;
}

START_TEST(loops_of_one_thread_go_in_turns)
{
	struct gmb_loop *loops[3];
	int rounds[3] = { 0 };
	intptr_t result;
	int i, left = 3;

	for (i = 0; i < 3; i++)
		check_is(gmb_loop_open(NULL, play, &rounds[i], &loops[i]), 0);
	while (left) {
		left = 0;
		for (i = 0; i < 3; i++)
			left += gmb_loop_step(loops[i], 100 * GMB_US);
	}
	for (i = 0; i < 3; i++) {
		gmb_loop_close(loops[i], &result);
		check_is(result, 50);
	}
}
END_TEST

static intptr_t hold_on(void *arg)
{
	struct gmb_scope scope;
	int rc;

	check_is(gmb_scope_open(&scope, GMB_NEVER, GMB_SCOPE_SHIELD), 0);
	rc = gmb_event_wait((struct gmb_event *)arg, NULL);
	check_is(gmb_checkpoint(), -ECANCELED);
	gmb_scope_close(&scope);
	return rc;
}

static intptr_t spawn_who_holds_on(void *arg)
{
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		rc = gmb_spawn_wait(m, hold_on, arg, NULL);
		check_is(rc, -ECANCELED);
		check_is(gmb_manager_alive(m), 0);
	}
	return rc;
}

/* The spawner must not let go of a task that is still to unwind. */
START_TEST(deadlock_ends_a_shielded_task_before_its_spawner)
{
	struct gmb_event never;

	gmb_event_init(&never);
	check_is(run_fake(spawn_who_holds_on, &never), -EDEADLK);
	gmb_event_fini(&never);
}
END_TEST

static void dump_at_start(void *user, struct gmb_loop *loop)
{
	(void)user;
	(void)loop;
	check_is(gmb_dump(STDERR_FILENO), 0);
}

START_TEST(loop_can_be_dumped_before_it_has_a_main_task)
{
	static const struct gmb_hooks hooks = {
		.size = sizeof(hooks),
		.run_start = dump_at_start,
	};

	check_is(gmb_hooks_set(&hooks), 0);
	check_is(run_fake(nop, NULL), 0);
	check_is(gmb_hooks_set(NULL), 0);
}
END_TEST

/* Hooks */

struct meddler {
	struct gmb_hooks hooks;
	struct gmb_manager *manager;
	int spawns;		/* still to do */
	int begun, ended;	/* steps */
};

static void spawn_at_exit(void *user, struct gmb_task *task, intptr_t result)
{
	struct meddler *meddler = (struct meddler *)user;

	(void)task;
	(void)result;
	if (!meddler->manager || !meddler->spawns)
		return;
	meddler->spawns--;
	gmb_spawn(meddler->manager, nop, NULL);
}

static void cancel_all(void *user, struct gmb_task *task, gmb_time delay_ns)
{
	struct meddler *meddler = (struct meddler *)user;

	(void)delay_ns;
	if (!meddler->manager)
		return;
	gmb_task_cancel(task);
	gmb_manager_cancel(meddler->manager);
}

static void count_begin(void *user, struct gmb_task *task)
{
	(void)task;
	((struct meddler *)user)->begun++;
}

static void count_end(void *user, struct gmb_task *task)
{
	(void)task;
	((struct meddler *)user)->ended++;
}

TASK_TEST(hook_spawns_as_the_last_task_of_a_manager_ends)
{
	struct meddler meddler = {
		.hooks = { .size = sizeof(meddler.hooks), .user = &meddler,
			   .exited = spawn_at_exit },
		.spawns = 20,
	};
	intptr_t rc = 0;

	check_is(gmb_hooks_set(&meddler.hooks), 0);
	gmb_manager(m, rc) {
		meddler.manager = m;
		gmb_spawn(m, nop, NULL);
		check_is(gmb_manager_wait(m), 0);
		check_is(meddler.spawns, 0);
		meddler.manager = NULL;
	}
	check_is(rc, 0);
	check_is(gmb_hooks_set(NULL), 0);
	return 0;
}

TASK_TEST(hook_cancels_a_task_that_is_just_being_made)
{
	struct meddler meddler = {
		.hooks = { .size = sizeof(meddler.hooks), .user = &meddler,
			   .spawned = cancel_all },
	};
	struct gmb_event never;
	struct gmb_task *task;
	intptr_t rc = 0;

	gmb_event_init(&never);
	check_is(gmb_hooks_set(&meddler.hooks), 0);
	gmb_manager(m, rc) {
		meddler.manager = m;
		task = gmb_spawn(m, wait_event, &never);
		check_is(gmb_manager_wait(m), 0);
		check_is(gmb_task_result(task), -ECANCELED);
		check_is(gmb_task_state(task), GMB_TASK_CANCELLED);
		meddler.manager = NULL;
	}
	check_is(rc, 0);
	check_is(gmb_hooks_set(NULL), 0);
	gmb_event_fini(&never);
	return 0;
}

/* Steps that began before the hooks were set must not be told to have ended. */
TASK_TEST(hooks_set_and_taken_away_in_the_middle_of_a_turn)
{
	struct meddler meddler = {
		.hooks = { .size = sizeof(meddler.hooks), .user = &meddler,
			   .step_begin = count_begin, .step_end = count_end },
	};
	intptr_t rc = 0;
	int i, round;

	for (round = 0; round < 3; round++) {
		/* The step in which they are taken away has no end. */
		meddler.begun = 0;
		meddler.ended = 0;
		gmb_manager(m, rc) {
			for (i = 0; i < 5; i++)
				gmb_spawn(m, seven, NULL);
			check_is(gmb_hooks_set(&meddler.hooks), 0);
			check_is(gmb_manager_wait(m), 0);
			check_that(meddler.begun >= 10);
			check_that(meddler.ended >= meddler.begun - 1);
			check_that(meddler.ended <= meddler.begun + 1);
			check_is(gmb_hooks_set(NULL), 0);
		}
		check_is(rc, 0);
	}
	return 0;
}

/* Files */

static intptr_t select_ready(void *arg)
{
	struct gmb_file *file = (struct gmb_file *)arg;
	struct gmb_event never;
	struct gmb_case cases[3];
	int chosen;

	gmb_event_init(&never);
	cases[0] = gmb_case_event(&never, NULL);
	cases[1] = gmb_case_ready(file, POLLIN);
	cases[2] = gmb_case_deadline(gmb_after(GMB_SEC));
	chosen = gmb_select(cases, 3);
	check_is(chosen, 1);
	check_is(cases[1].result, -EBADF);
	gmb_event_fini(&never);
	return 0;
}

static intptr_t read_closed(void *arg)
{
	char byte;

	check_is(gmb_read((struct gmb_file *)arg, &byte, 1), -EBADF);
	return 0;
}

static void open_pipe(struct gmb_file *in, struct gmb_file *out)
{
	int fds[2];

	check_is(pipe2(fds, O_CLOEXEC), 0);
	check_is(gmb_file_wrap(in, fds[0]), 0);
	check_is(gmb_file_wrap(out, fds[1]), 0);
}

TASK_TEST(closing_a_file_is_the_result_of_its_case)
{
	struct gmb_file in, out;
	intptr_t rc = 0;

	open_pipe(&in, &out);
	gmb_manager(m, rc) {
		gmb_spawn(m, select_ready, &in);
		check_is(gmb_yield(), 0);
		check_is(gmb_file_close(&in), 0);
	}
	check_is(rc, 0);
	check_is(gmb_file_close(&out), 0);
	return 0;
}

/* The struct is in use again before the reader of the old file has run. */
TASK_TEST(file_is_closed_and_opened_again_under_its_reader)
{
	struct gmb_file in, out;
	intptr_t rc = 0;
	char byte = 0;
	int i;

	for (i = 0; i < 20; i++) {
		open_pipe(&in, &out);
		gmb_manager(m, rc) {
			gmb_spawn(m, i % 2 ? read_closed : select_ready, &in);
			check_is(gmb_yield(), 0);
			check_is(gmb_file_close(&in), 0);
			check_is(gmb_file_close(&out), 0);
			open_pipe(&in, &out);
			check_is(gmb_write(&out, "x", 1), 1);
			check_is(gmb_read(&in, &byte, 1), 1);
			check_is(byte, 'x');
		}
		check_is(rc, 0);
		check_is(gmb_file_close(&in), 0);
		check_is(gmb_file_close(&in), -EBADF);
		check_is(gmb_file_close(&out), 0);
	}
	return 0;
}

/* Deadlocks, seen where there is one and nowhere else. */

static void *post_late(void *arg)
{
	usleep(20000);
	check_is(gmb_mailbox_post((struct gmb_mailbox *)arg, NULL), 0);
	gmb_mailbox_put((struct gmb_mailbox *)arg);
	return NULL;
}

static intptr_t select_message(void *arg)
{
	struct gmb_event *never = (struct gmb_event *)arg;
	struct gmb_mailbox *mailbox;
	struct gmb_case cases[2];
	pthread_t thread;

	check_is(gmb_mailbox_open(&mailbox, 0, 0), 0);
	check_is(pthread_create(&thread, NULL, post_late,
				gmb_mailbox_get(mailbox)), 0);
	cases[0] = gmb_case_event(never, NULL);
	cases[1] = gmb_case_message(mailbox, NULL);
	check_is(gmb_select(cases, 2), 1);
	pthread_join(thread, NULL);
	/* Nobody can post any more, but that cannot be known. */
	gmb_mailbox_put(mailbox);
	/* The count of what may come from outside is back at none. */
	return gmb_event_wait(never, NULL);
}

START_TEST(select_of_a_mailbox_is_no_deadlock_but_what_follows_is)
{
	struct gmb_event never;

	gmb_event_init(&never);
	check_is(gmb_run(select_message, &never), -EDEADLK);
	gmb_event_fini(&never);
}
END_TEST

static intptr_t wait_in_loop(void *arg)
{
	return gmb_event_wait((struct gmb_event *)arg, NULL);
}

START_TEST(step_that_only_looks_sees_no_deadlock)
{
	struct gmb_event never;
	struct gmb_loop *loop;
	intptr_t result = 0;
	int i;

	gmb_event_init(&never);
	check_is(gmb_loop_open(NULL, wait_in_loop, &never, &loop), 0);
	for (i = 0; i < 3; i++)
		check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_loop_timeout(loop), GMB_NEVER);
	check_is(gmb_loop_step(loop, GMB_NEVER), -EDEADLK);
	gmb_loop_cancel(loop);
	check_is(gmb_loop_step(loop, 0), 0);
	gmb_loop_close(loop, &result);
	check_is(result, -ECANCELED);
	gmb_event_fini(&never);
}
END_TEST

static void *post_soon(void *arg)
{
	usleep(30000);
	check_is(gmb_mailbox_post((struct gmb_mailbox *)arg, NULL), 0);
	return NULL;
}

struct sleeper {
	struct gmb_mailbox *mailbox;
};

static intptr_t receive_one(void *arg)
{
	struct sleeper *s = (struct sleeper *)arg;
	int rc;

	check_is(gmb_mailbox_open(&s->mailbox, 0, 0), 0);
	rc = gmb_mailbox_receive(s->mailbox, NULL);
	gmb_mailbox_put(s->mailbox);
	return rc;
}

/* Whoever drives the loop sleeps in a poll() of his own meanwhile. */
START_TEST(post_makes_the_descriptor_of_a_stepped_loop_readable)
{
	struct pollfd poller = { .events = POLLIN };
	struct gmb_loop *loop;
	struct sleeper s;
	pthread_t thread;
	intptr_t result = -1;
	int i, rc = 1;

	check_is(gmb_loop_open(NULL, receive_one, &s, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_loop_timeout(loop), GMB_NEVER);
	check_is(pthread_create(&thread, NULL, post_soon,
				gmb_mailbox_get(s.mailbox)), 0);
	poller.fd = gmb_loop_fd(loop);
	check_is(poll(&poller, 1, 10000), 1);
	for (i = 0; i < 3 && rc == 1; i++)
		rc = gmb_loop_step(loop, 0);
	check_is(rc, 0);
	pthread_join(thread, NULL);
	gmb_loop_close(loop, &result);
	check_is(result, 0);
	gmb_mailbox_put(s.mailbox);
}
END_TEST

static void take_hooks_away(void *user, struct gmb_task *task, intptr_t error)
{
	(void)task;
	++*(int *)user;
	check_is(error, -EPROTO);
	check_is(gmb_hooks_set(NULL), 0);
}

static intptr_t break_down(void *arg)
{
	(void)arg;
	return -EPROTO;
}

START_TEST(hook_takes_the_hooks_away)
{
	int failed = 0;
	struct gmb_hooks hooks = {
		.size = sizeof(hooks),
		.user = &failed,
		.failed = take_hooks_away,
	};

	check_is(gmb_hooks_set(&hooks), 0);
	check_is(run_fake(break_down, NULL), -EPROTO);
	check_is(failed, 1);
}
END_TEST

Suite *test_promises_suite(void)
{
	Suite *suite = suite_create("promises");
	TCase *tcase = tcase_create("promises");

	tcase_add_test(tcase, joiner_gets_the_result_though_it_closes_at_once);
	tcase_add_test(tcase,
		       manager_closes_only_after_a_task_that_is_still_starting);
	tcase_add_test(tcase, deadline_is_taken_away_while_another_one_fires);
	tcase_add_test(tcase, task_of_another_loop_cannot_be_joined);
	tcase_add_test(tcase, loops_of_one_thread_go_in_turns);
	tcase_add_test(tcase, deadlock_ends_a_shielded_task_before_its_spawner);
	tcase_add_test(tcase,
		       loop_can_be_dumped_before_it_has_a_main_task);
	tcase_add_test(tcase, hook_spawns_as_the_last_task_of_a_manager_ends);
	tcase_add_test(tcase, hook_cancels_a_task_that_is_just_being_made);
	tcase_add_test(tcase, hooks_set_and_taken_away_in_the_middle_of_a_turn);
	tcase_add_test(tcase, closing_a_file_is_the_result_of_its_case);
	tcase_add_test(tcase, file_is_closed_and_opened_again_under_its_reader);
	tcase_add_test(tcase,
		       select_of_a_mailbox_is_no_deadlock_but_what_follows_is);
	tcase_add_test(tcase, step_that_only_looks_sees_no_deadlock);
	tcase_add_test(tcase,
		       post_makes_the_descriptor_of_a_stepped_loop_readable);
	tcase_add_test(tcase, hook_takes_the_hooks_away);
	suite_add_tcase(suite, tcase);
	return suite;
}
