/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Running a loop: results, Ctrl-C, deadlock, dumps, stepping, bad options.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "harness.h"

Suite *test_run_suite(void);

static intptr_t give(void *arg)
{
	return (intptr_t)arg;
}

static intptr_t run_inside(void *arg)
{
	struct gmb_loop *loop = NULL;

	(void)arg;
	check_is(gmb_run(give, NULL), -EBUSY);
	check_that(gmb_loop_current() != NULL);
	check_is(gmb_loop_open(NULL, give, NULL, &loop), -EBUSY);
	check_that(gmb_loop_current() != NULL && !loop);
	return gmb_yield();
}

START_TEST(result_of_main_is_the_result)
{
	check_is(gmb_run(give, (void *)5), 5);
	check_is(gmb_run(give, (void *)-EIO), -EIO);
	check_is(gmb_run(run_inside, NULL), 0);
	check_that(gmb_loop_current() == NULL);
	check_str(gmb_loop_backend_name(NULL), "none");
	check_str(gmb_loop_backend_reason(NULL), "");
	check_is(gmb_dump(2), -EPERM);
}
END_TEST

START_TEST(bad_options_are_refused)
{
	struct gmb_loop_opts opts = { .size = sizeof(opts) };

	opts.flags = 1u << 30;
	check_is(gmb_run_with(&opts, give, NULL), -EINVAL);
	opts.flags = 0;
	opts.dump_signal = 1000;
	check_is(gmb_run_with(&opts, give, NULL), -EINVAL);
	opts.dump_signal = SIGKILL;
	check_is(gmb_run_with(&opts, give, NULL), -EINVAL);
	opts.dump_signal = 0;
	opts.backend = "select";
	check_is(gmb_run_with(&opts, give, NULL), -EINVAL);
	opts.backend = NULL;
	opts.size = sizeof(opts) + 8;
	check_is(gmb_run_with(&opts, give, NULL), -EINVAL);
	opts.size = 0;
	check_is(gmb_run_with(&opts, give, (void *)3), 3);
}
END_TEST

/* Ctrl-C */

static intptr_t wait_for_interrupt(void *arg)
{
	int rc = 0;

	raise(SIGINT);
	check_is(gmb_sleep(60 * GMB_SEC), -ECANCELED);
	gmb_shield(rc, GMB_SEC)
		check_is(gmb_sleep(GMB_MS), 0);
	*(int *)arg = 1;
	return -ECANCELED;
}

START_TEST(first_sigint_unwinds_everything)
{
	int cleaned = 0;

	signal(SIGINT, SIG_DFL);
	check_is(gmb_run(wait_for_interrupt, &cleaned), -EINTR);
	check_is(cleaned, 1);
}
END_TEST

static intptr_t interrupt_twice(void *arg)
{
	(void)arg;
	raise(SIGINT);
	raise(SIGINT);
	return 0;
}

START_TEST(second_sigint_kills)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		_exit(gmb_run(interrupt_twice, NULL) == 0 ? 3 : 4);
	}
	check_is(waitpid(pid, &status, 0), pid);
	check_that(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}
END_TEST

static void ignore(int signum)
{
	(void)signum;
}

static intptr_t raise_and_live(void *arg)
{
	(void)arg;
	raise(SIGINT);
	return gmb_sleep(GMB_MS);
}

START_TEST(handler_of_the_program_stays)
{
	struct sigaction now;

	signal(SIGINT, ignore);
	check_is(gmb_run(raise_and_live, NULL), 0);
	sigaction(SIGINT, NULL, &now);
	check_that(now.sa_handler == ignore);
	signal(SIGINT, SIG_DFL);
	check_is(gmb_run(give, NULL), 0);
	sigaction(SIGINT, NULL, &now);
	check_that(now.sa_handler == SIG_DFL);
}
END_TEST

static void *raise_later(void *arg)
{
	(void)arg;
	usleep(20000);
	kill(getpid(), SIGINT);
	return NULL;
}

static intptr_t sleep_for_ever(void *arg)
{
	(void)arg;
	return gmb_sleep_until(GMB_NEVER);
}

/* The loop has its handler by now, however slow the machine is. */
static intptr_t sleep_until_raised(void *arg)
{
	check_is(pthread_create((pthread_t *)arg, NULL, raise_later, NULL), 0);
	return gmb_sleep_until(GMB_NEVER);
}

START_TEST(sigint_wakes_a_loop_that_sleeps)
{
	pthread_t thread;

	signal(SIGINT, SIG_DFL);
	check_is(gmb_run(sleep_until_raised, &thread), -EINTR);
	pthread_join(thread, NULL);
}
END_TEST

/* Deadlock and dumps */

static char captured[8192];

/* What a function prints to standard error. */
static void capture(void (*fn)(void))
{
	FILE *file = tmpfile();
	int saved = dup(2);
	ssize_t n;

	fflush(stderr);
	dup2(fileno(file), 2);
	fn();
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	n = pread(fileno(file), captured, sizeof(captured) - 1, 0);
	captured[n > 0 ? n : 0] = 0;
	fclose(file);
}

static struct gmb_task *ring[3];

static intptr_t join_next(void *arg)
{
	return gmb_join(ring[((intptr_t)arg + 1) % 3], NULL);
}

static intptr_t join_in_a_ring(void *arg)
{
	intptr_t rc = 0, i;

	(void)arg;
	gmb_manager(m, rc) {
		gmb_manager_set_name(m, "the ring");
		for (i = 0; i < 3; i++)
			ring[i] = gmb_spawn(m, join_next, (void *)i);
		gmb_task_set_name(ring[1], "middle");
	}
	return rc;
}

static void deadlock(void)
{
	check_is(gmb_run(join_in_a_ring, NULL), -EDEADLK);
}

START_TEST(deadlock_is_reported_with_the_tree)
{
	capture(deadlock);
	check_that(strstr(captured, "deadlock"));
	check_that(strstr(captured, "task 1 \"main\" waits for the tasks"));
	check_that(strstr(captured, "manager \"the ring\", 3 tasks"));
	check_that(strstr(captured, "task 3 \"middle\" waits for the end of a task (task 4)"));
}
END_TEST

static intptr_t join_shielded(void *arg)
{
	struct gmb_scope s;
	int rc;

	check_is(gmb_scope_open(&s, GMB_NEVER, GMB_SCOPE_SHIELD), 0);
	rc = gmb_join(ring[((intptr_t)arg + 1) % 3], NULL);
	check_is(rc, -ECANCELED);
	check_is(gmb_yield(), -ECANCELED);
	gmb_scope_close(&s);
	return rc;
}

static intptr_t shielded_ring(void *arg)
{
	intptr_t rc = 0, i;

	(void)arg;
	gmb_manager(m, rc) {
		for (i = 0; i < 3; i++)
			ring[i] = gmb_spawn(m, join_shielded, (void *)i);
	}
	return rc;
}

static void shielded_deadlock(void)
{
	check_is(gmb_run(shielded_ring, NULL), -EDEADLK);
}

START_TEST(deadlock_inside_shields_ends_all_the_same)
{
	capture(shielded_deadlock);
	check_that(strstr(captured, "inside shielded scopes"));
}
END_TEST

static intptr_t dump_all(void *arg)
{
	struct gmb_scope s;
	intptr_t rc = 0;

	(void)arg;
	gmb_manager(m, rc) {
		gmb_spawn(m, sleep_for_ever, NULL);
		gmb_schedule(m, 90 * GMB_SEC, give, NULL);
		check_is(gmb_scope_open(&s, gmb_after(5 * GMB_SEC),
					GMB_SCOPE_SHIELD), 0);
		check_is(gmb_sleep(GMB_SEC), 0);
		check_is(gmb_dump(2), 0);
		check_is(gmb_dump(12345), -EBADF);
		gmb_scope_close(&s);
		gmb_manager_cancel(m);
		rc = 0;
	}
	return rc;
}

static void dump(void)
{
	run_test(dump_all, NULL);
}

START_TEST(dump_says_what_each_task_waits_for)
{
	capture(dump);
	check_that(strstr(captured, "(epoll), 3 tasks") ||
		   strstr(captured, "(uring), 3 tasks") ||
		   strstr(captured, "(kmod), 3 tasks"));
	check_that(strstr(captured, "task 1 \"main\" runs, steps 2"));
	check_that(strstr(captured, "scope, shielded, deadline in 4.0 s"));
	check_that(strstr(captured, "sleeps until it is cancelled, since 1.0 s"));
	check_that(strstr(captured, "sleeps for another 89.0 s"));
}
END_TEST

static intptr_t signal_dump(void *arg)
{
	(void)arg;
	raise(SIGUSR1);
	return gmb_sleep(GMB_MS);
}

static void dump_by_signal(void)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.name = "chosen",
		.dump_signal = SIGUSR1,
	};

	check_is(gmb_run_with(&opts, signal_dump, NULL), 0);
}

START_TEST(chosen_signal_prints_the_dump)
{
	capture(dump_by_signal);
	check_that(strstr(captured, "giambio loop \"chosen\""));
	check_that(strstr(captured, "task 1 \"main\" sleeps"));
}
END_TEST

/* A loop that a foreign loop drives */

static intptr_t three_naps(void *arg)
{
	int *naps = arg;

	for (*naps = 0; *naps < 3; ++*naps)
		check_is(gmb_sleep(2 * GMB_MS), 0);
	return 33;
}

START_TEST(loop_can_be_stepped)
{
	struct gmb_loop *loop;
	intptr_t result = 0;
	int naps = -1, steps = 0;

	check_is(gmb_loop_open(NULL, three_naps, &naps, &loop), 0);
	check_that(gmb_loop_current() == NULL);
	check_is(gmb_loop_timeout(loop), 0);
	while (gmb_loop_step(loop, 0) == 1) {
		struct pollfd p = { gmb_loop_fd(loop), POLLIN, 0 };
		gmb_time left = gmb_loop_timeout(loop);

		check_that(p.fd >= 0);
		check_that(left <= 2 * GMB_MS);
		poll(&p, 1, (int)(left / GMB_MS) + 1);
		steps++;
	}
	check_is(naps, 3);
	check_that(steps >= 1);
	check_is(gmb_loop_step(loop, 0), 0);
	check_is(gmb_loop_timeout(loop), GMB_NEVER);
	gmb_loop_close(loop, &result);
	check_is(result, 33);
	gmb_loop_close(NULL, NULL);
}
END_TEST

START_TEST(step_can_wait)
{
	struct gmb_loop *loop;
	intptr_t result = 0;
	int naps;

	check_is(gmb_loop_open(NULL, three_naps, &naps, &loop), 0);
	while (gmb_loop_step(loop, GMB_NEVER) == 1)
		;
	gmb_loop_close(loop, &result);
	check_is(result, 33);
}
END_TEST

START_TEST(closing_a_stepped_loop_cancels_what_is_left)
{
	struct gmb_loop *loop, *other;
	intptr_t result = 0;

	check_is(gmb_loop_open(NULL, sleep_for_ever, NULL, &loop), 0);
	check_is(gmb_loop_open(NULL, give, (void *)4, &other), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_loop_step(other, 0), 0);
	gmb_loop_close(other, &result);
	check_is(result, 4);
	gmb_loop_close(loop, &result);
	check_is(result, -ECANCELED);
	check_is(gmb_loop_open(NULL, sleep_for_ever, NULL, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	gmb_loop_cancel(loop);
	check_is(gmb_loop_step(loop, 0), 0);
	gmb_loop_close(loop, NULL);
}
END_TEST

static void *step_elsewhere(void *arg)
{
	check_is(gmb_loop_step(arg, 0), -EPERM);
	return NULL;
}

static void deadlock_by_steps(void)
{
	struct gmb_loop *loop;
	intptr_t result = 0;

	check_is(gmb_loop_open(NULL, join_in_a_ring, NULL, &loop), 0);
	while (gmb_loop_step(loop, 0) == 1 && gmb_loop_timeout(loop) == 0)
		;
	check_is(gmb_loop_step(loop, GMB_NEVER), -EDEADLK);
	gmb_loop_close(loop, &result);
	check_is(result, -ECANCELED);
}

START_TEST(stepping_wrongly_is_refused)
{
	struct gmb_loop *loop;
	pthread_t thread;

	check_is(gmb_loop_open(NULL, sleep_for_ever, NULL, &loop), 0);
	pthread_create(&thread, NULL, step_elsewhere, loop);
	pthread_join(thread, NULL);
	gmb_loop_close(loop, NULL);
	capture(deadlock_by_steps);
}
END_TEST

static intptr_t fork_inside(void *arg)
{
	pid_t pid = fork();
	int status;

	(void)arg;
	if (pid == 0) {
		check_that(gmb_self() == NULL);
		check_is(gmb_yield(), -EPERM);
		_exit((int)gmb_run(give, (void *)17));
	}
	check_is(waitpid(pid, &status, 0), pid);
	check_that(WIFEXITED(status) && WEXITSTATUS(status) == 17);
	return gmb_yield();
}

START_TEST(child_of_fork_has_no_loop_and_may_run_one)
{
	check_is(gmb_run(fork_inside, NULL), 0);
}
END_TEST

/* Nor has it the handlers of its parent's loop. */
static intptr_t fork_and_interrupt(void *arg)
{
	pid_t pid = fork();
	int status;

	(void)arg;
	if (pid == 0) {
		raise(SIGINT);
		_exit(1);
	}
	check_is(waitpid(pid, &status, 0), pid);
	check_that(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	return gmb_yield();
}

START_TEST(child_of_fork_ends_by_sigint)
{
	signal(SIGINT, SIG_DFL);
	check_is(gmb_run(fork_and_interrupt, NULL), 0);
}
END_TEST

static void *run_in_thread(void *arg)
{
	int naps;

	(void)arg;
	return (void *)gmb_run(three_naps, &naps);
}

START_TEST(every_thread_may_run_a_loop)
{
	pthread_t threads[4];
	void *result;
	int i;

	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, run_in_thread, NULL);
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		check_is(result, 33);
	}
}
END_TEST

Suite *test_run_suite(void)
{
	Suite *suite = suite_create("run");
	TCase *tc = tcase_create("run");

	tcase_add_test(tc, result_of_main_is_the_result);
	tcase_add_test(tc, bad_options_are_refused);
	tcase_add_test(tc, first_sigint_unwinds_everything);
	tcase_add_test(tc, second_sigint_kills);
	tcase_add_test(tc, handler_of_the_program_stays);
	tcase_add_test(tc, sigint_wakes_a_loop_that_sleeps);
	tcase_add_test(tc, deadlock_is_reported_with_the_tree);
	tcase_add_test(tc, deadlock_inside_shields_ends_all_the_same);
	tcase_add_test(tc, dump_says_what_each_task_waits_for);
	tcase_add_test(tc, chosen_signal_prints_the_dump);
	tcase_add_test(tc, loop_can_be_stepped);
	tcase_add_test(tc, step_can_wait);
	tcase_add_test(tc, closing_a_stepped_loop_cancels_what_is_left);
	tcase_add_test(tc, stepping_wrongly_is_refused);
	tcase_add_test(tc, child_of_fork_has_no_loop_and_may_run_one);
	tcase_add_test(tc, child_of_fork_ends_by_sigint);
	tcase_add_test(tc, every_thread_may_run_a_loop);
	suite_add_tcase(suite, tc);
	return suite;
}
