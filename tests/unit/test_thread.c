/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Functions in threads: results, cancellation before, during and after, the
 * handing back of what an abandoned one uses.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include "coro/compiler.h"
#include "coro/mem.h"
#include "harness.h"

Suite *test_thread_suite(void);

/* A job that the test can hold up. */
struct job {
	sem_t begun;
	sem_t go;
	pthread_t thread;
	atomic_int drops;
	atomic_int runs;
	int rc;
	intptr_t result;
};

static void job_init(struct job *job)
{
	memset(job, 0, sizeof(*job));
	sem_init(&job->begun, 0, 0);
	sem_init(&job->go, 0, 0);
	job->result = -77;
}

static void down(sem_t *sem)
{
	while (sem_wait(sem) < 0)
		check_is(errno, EINTR);
}

static intptr_t block(void *arg)
{
	struct job *job = arg;

	job->thread = pthread_self();
	job->runs++;
	sem_post(&job->begun);
	down(&job->go);
	return -ECANCELED;
}

static void drop(void *arg)
{
	struct job *job = arg;

	job->drops++;
	sem_post(&job->begun);
}

static intptr_t call(void *arg)
{
	struct job *job = arg;

	job->rc = gmb_run_in_thread(block, job, &job->result);
	return 0;
}

static intptr_t call_abandon(void *arg)
{
	struct job *job = arg;

	job->rc = gmb_run_in_thread_abandon(block, job, drop, &job->result);
	return 0;
}

static intptr_t tell_thread(void *arg)
{
	*(pthread_t *)arg = pthread_self();
	return gmb_self() ? 0 : 42;
}

/* It runs elsewhere, outside tasks, and the result comes back. */
REAL_TEST(runs_in_a_thread)
{
	pthread_t thread = pthread_self();
	intptr_t result = 0;

	check_is(gmb_run_in_thread(tell_thread, &thread, &result), 0);
	check_that(!pthread_equal(thread, pthread_self()));
	check_is(result, 42);
	check_is(gmb_run_in_thread(tell_thread, &thread, NULL), 0);
	return 0;
}

static intptr_t look_at_signals(void *unused)
{
	sigset_t mask;

	(void)unused;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	return sigismember(&mask, SIGINT) && sigismember(&mask, SIGTERM);
}

REAL_TEST(signals_are_blocked)
{
	intptr_t result = 0;

	check_is(gmb_run_in_thread(look_at_signals, NULL, &result), 0);
	check_is(result, 1);
	return 0;
}

/* The loop goes on meanwhile; the result may look like a cancellation. */
REAL_TEST(others_run_meanwhile)
{
	struct job job;
	intptr_t rc = 0;

	job_init(&job);
	gmb_manager(m, rc) {
		gmb_spawn(m, call, &job);
		while (sem_trywait(&job.begun))
			check_is(gmb_sleep(GMB_MS), 0);
		check_is(job.result, -77);
		sem_post(&job.go);
	}
	check_is(rc, 0);
	check_is(job.rc, 0);
	check_is(job.result, -ECANCELED);
	return 0;
}

/* A job that has begun is waited for, and its result is not lost. */
REAL_TEST(cancel_waits)
{
	struct job job;
	struct gmb_task *task;
	intptr_t rc = 0;

	job_init(&job);
	gmb_manager(m, rc) {
		task = gmb_spawn(m, call, &job);
		while (sem_trywait(&job.begun))
			check_is(gmb_sleep(GMB_MS), 0);
		gmb_task_cancel(task);
		check_is(gmb_sleep(5 * GMB_MS), 0);
		check_is(gmb_task_state(task), GMB_TASK_WAITING);
		sem_post(&job.go);
	}
	check_is(job.rc, 0);
	check_is(job.result, -ECANCELED);
	return 0;
}

/* An abandoned job frees what it uses itself, once. */
REAL_TEST(abandon_does_not_wait)
{
	struct job job;
	struct gmb_task *task;
	intptr_t rc = 0;

	job_init(&job);
	gmb_manager(m, rc) {
		task = gmb_spawn(m, call_abandon, &job);
		while (sem_trywait(&job.begun))
			check_is(gmb_sleep(GMB_MS), 0);
		gmb_task_cancel(task);
		check_is(gmb_join(task, NULL), 0);
		check_is(job.rc, -ECANCELED);
		check_is(job.drops, 0);
	}
	sem_post(&job.go);
	down(&job.begun);
	check_is(job.drops, 1);
	check_is(job.result, -77);
	return 0;
}

/* Without cancellation the argument stays the caller's. */
REAL_TEST(abandon_completes)
{
	struct job job;

	job_init(&job);
	sem_post(&job.go);
	check_is(call_abandon(&job), 0);
	check_is(job.rc, 0);
	check_is(job.result, -ECANCELED);
	check_is(job.drops, 0);
	return 0;
}

/* More jobs than threads: the rest waits its turn, or is taken back. */
REAL_TEST(pool_is_bounded)
{
	static struct job jobs[GMB_THREADS_MAX], plain, dropped, last;
	struct gmb_task *tasks[2];
	intptr_t rc = 0;
	int i;

	job_init(&plain);
	job_init(&dropped);
	job_init(&last);
	sem_post(&last.go);
	gmb_manager(m, rc) {
		for (i = 0; i < GMB_THREADS_MAX; i++) {
			job_init(&jobs[i]);
			gmb_spawn(m, call, &jobs[i]);
		}
		for (i = 0; i < GMB_THREADS_MAX; i++)
			while (sem_trywait(&jobs[i].begun))
				check_is(gmb_sleep(GMB_MS), 0);
		tasks[0] = gmb_spawn(m, call, &plain);
		tasks[1] = gmb_spawn(m, call_abandon, &dropped);
		gmb_spawn(m, call, &last);
		check_is(gmb_sleep(5 * GMB_MS), 0);
		check_is(last.runs, 0);
		gmb_task_cancel(tasks[0]);
		gmb_task_cancel(tasks[1]);
		check_is(gmb_join(tasks[0], NULL), 0);
		check_is(gmb_join(tasks[1], NULL), 0);
		check_is(plain.rc, -ECANCELED);
		check_is(dropped.rc, -ECANCELED);
		check_is(dropped.drops, 1);
		for (i = 0; i < GMB_THREADS_MAX; i++)
			sem_post(&jobs[i].go);
	}
	check_is(rc, 0);
	check_is(plain.runs, 0);
	check_is(dropped.runs, 0);
	check_is(last.runs, 1);
	check_is(last.rc, 0);
	return 0;
}

static intptr_t add_one(void *arg)
{
	return ++*(intptr_t *)arg;
}

static intptr_t call_often(void *arg)
{
	intptr_t *count = arg, result = 0;

	for (int i = 0; i < 200; i++) {
		check_is(gmb_run_in_thread(add_one, count, &result), 0);
		check_is(result, i + 1);
	}
	return 0;
}

static void *run_loop(void *arg)
{
	intptr_t count = 0;

	(void)arg;
	check_is(gmb_run(call_often, &count), 0);
	return (void *)count;
}

/* Several loops share the pool. */
START_TEST(serves_many_loops)
{
	pthread_t threads[4];
	void *result;
	int i;

	for (i = 0; i < 4; i++)
		check_is(pthread_create(&threads[i], NULL, run_loop, NULL), 0);
	for (i = 0; i < 4; i++) {
		check_is(pthread_join(threads[i], &result), 0);
		check_is(result, 200);
	}
}
END_TEST

/* A child of a fork has no threads and makes its own. */
START_TEST(works_after_fork)
{
	intptr_t count = 0;
	int status;
	pid_t pid;

	check_is(gmb_run(call_often, &count), 0);
	pid = fork();
	check_that(pid >= 0);
	if (pid == 0) {
		count = 0;
		_exit(gmb_run(call_often, &count) == 0 && count == 200 ? 7
								       : 1);
	}
	check_is(waitpid(pid, &status, 0), pid);
	check_that(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
END_TEST

REAL_TEST(no_memory)
{
	struct job job;

	job_init(&job);
	gmb__mem_fail_after(0);
	check_is(gmb_run_in_thread(block, &job, NULL), -ENOMEM);
	gmb__mem_fail_after(0);
	check_is(gmb_run_in_thread_abandon(block, &job, drop, NULL), -ENOMEM);
	gmb__mem_fail_after(-1);
	check_is(job.runs, 0);
	check_is(job.drops, 1);
	return 0;
}

REAL_TEST(cancelled_before)
{
	struct gmb_scope scope;
	struct job job;

	job_init(&job);
	check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
	gmb_scope_cancel(&scope);
	check_is(gmb_run_in_thread(block, &job, NULL), -ECANCELED);
	gmb_scope_close(&scope);
	check_is(job.runs, 0);
	return 0;
}

START_TEST(outside_a_task)
{
	struct job job;

	job_init(&job);
	check_is(gmb_run_in_thread(block, &job, NULL), -EPERM);
	check_is(gmb_run_in_thread_abandon(block, &job, drop, NULL), -EPERM);
	check_is(job.drops, 1);
}
END_TEST

Suite *test_thread_suite(void)
{
	Suite *suite = suite_create("thread");
	TCase *tcase = tcase_create("thread");

	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, runs_in_a_thread);
	tcase_add_test(tcase, signals_are_blocked);
	tcase_add_test(tcase, others_run_meanwhile);
	tcase_add_test(tcase, cancel_waits);
	tcase_add_test(tcase, abandon_does_not_wait);
	tcase_add_test(tcase, abandon_completes);
	tcase_add_test(tcase, pool_is_bounded);
	tcase_add_test(tcase, serves_many_loops);
	/* ThreadSanitizer allows no threads in such a child. */
	if (!GMB__TSAN)
		tcase_add_test(tcase, works_after_fork);
	tcase_add_test(tcase, no_memory);
	tcase_add_test(tcase, cancelled_before);
	tcase_add_test(tcase, outside_a_task);
	suite_add_tcase(suite, tcase);
	return suite;
}
