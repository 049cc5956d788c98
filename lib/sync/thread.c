/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The threads that run what blocks: a pool of the process, for all loops.
 *
 * A job is queued, taken by a thread, and done; `pool.mutex` protects the pool,
 * the queue and the state of every job. The end of a job travels to its loop as
 * a note. The thread holds the job's gate until it has left the inbox, and the
 * note waits for that, so neither the job nor the loop goes away under it.
 *
 * Threads are detached. One that finds no work for IDLE_SECONDS ends.
 */
#include <errno.h>
#include <giambio/thread.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include "coro/mem.h"
#include "sync/gate.h"
#include "sync/owner.h"

#define IDLE_SECONDS	5

enum job_state {
	JOB_QUEUED,
	JOB_RUNNING,
	JOB_ABANDONED,	/* running, and the thread frees it */
	JOB_DONE,	/* its note is on its way */
};

/* A task that waits for a job; on its stack. */
struct call {
	struct gmb__wait wait;
	struct job *job;	/* NULL: abandoned, no longer ours */
};

struct job {
	struct gmb__note note;
	struct gmb__gate gate;
	struct gmb_loop *loop;
	struct call *call;
	struct job *next;
	struct job **link;	/* what points to it in the queue */
	gmb_thread_fn fn;
	void *arg;
	void (*drop)(void *arg);	/* NULL: cannot be abandoned */
	intptr_t result;
	enum job_state state;
};

static struct {
	pthread_once_t once;
	pthread_mutex_t mutex;
	pthread_cond_t work;
	struct job *first;
	struct job **last;
	unsigned int threads;
	unsigned int idle;	/* waiting, and not yet promised to a job */
} pool = {
	.once = PTHREAD_ONCE_INIT,
	.mutex = PTHREAD_MUTEX_INITIALIZER,
};

/* The pool */

/* Also in the child of a fork(), which has none of its parent's threads. */
static void pool_reset(void)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&pool.mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pool.work, &attr);
	pthread_condattr_destroy(&attr);
	pool.first = NULL;
	pool.last = &pool.first;
	pool.threads = 0;
	pool.idle = 0;
}

static void pool_make(void)
{
	pool_reset();
	pthread_atfork(NULL, NULL, pool_reset);
}

static void enqueue(struct job *job)
{
	job->next = NULL;
	job->link = pool.last;
	*pool.last = job;
	pool.last = &job->next;
}

static void dequeue(struct job *job)
{
	*job->link = job->next;
	if (job->next)
		job->next->link = job->link;
	else
		pool.last = job->link;
}

/* The next job, or NULL: none came for a long time. With the mutex. */
static struct job *next_job(void)
{
	struct timespec until;
	struct job *job;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_SECONDS;
	while (!pool.first && rc == 0) {
		pool.idle++;
		rc = pthread_cond_timedwait(&pool.work, &pool.mutex, &until);
		pool.idle--;
	}
	job = pool.first;
	if (job) {
		dequeue(job);
		job->state = JOB_RUNNING;
	}
	return job;
}

static void run_job(struct job *job)
{
	bool abandoned;

	job->result = job->fn(job->arg);
	pthread_mutex_lock(&pool.mutex);
	abandoned = job->state == JOB_ABANDONED;
	job->state = JOB_DONE;
	pthread_mutex_unlock(&pool.mutex);
	if (abandoned) {
		job->drop(job->arg);
		gmb__mem_free(job);
		return;
	}
	gmb__inbox_post(job->loop, &job->note);
	gmb__gate_leave(&job->gate);
}

static void *thread_main(void *unused)
{
	struct job *job;

	(void)unused;
	pthread_setname_np(pthread_self(), "giambio-pool");
	pthread_mutex_lock(&pool.mutex);
	while ((job = next_job())) {
		pthread_mutex_unlock(&pool.mutex);
		run_job(job);
		pthread_mutex_lock(&pool.mutex);
	}
	pool.threads--;
	pthread_mutex_unlock(&pool.mutex);
	return NULL;
}

/* Add a thread, with all signals blocked. With the mutex. */
static int add_thread(void)
{
	pthread_attr_t attr;
	sigset_t all, saved;
	pthread_t thread;
	int rc;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	rc = pthread_create(&thread, &attr, thread_main, NULL);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	pthread_attr_destroy(&attr);
	if (rc == 0)
		pool.threads++;
	return -rc;
}

/*
 * Queue a job and see to a thread for it. A thread that waits may be needed by
 * a job that was queued before, so waiting ones are counted against all jobs.
 */
static int submit(struct job *job)
{
	struct job *other;
	unsigned int queued = 0;
	int rc = 0;

	pthread_once(&pool.once, pool_make);
	pthread_mutex_lock(&pool.mutex);
	enqueue(job);
	for (other = pool.first; other && queued <= pool.idle;
	     other = other->next)
		queued++;
	if (queued > pool.idle && pool.threads < GMB_THREADS_MAX)
		rc = add_thread();
	/* Without a new thread an old one will do it later. */
	if (rc && pool.threads)
		rc = 0;
	if (rc)
		dequeue(job);
	else
		pthread_cond_signal(&pool.work);
	pthread_mutex_unlock(&pool.mutex);
	return rc;
}

/* The loop's side */

static void on_done(struct gmb_loop *loop, struct gmb__note *note)
{
	struct job *job = gmb__entry(note, struct job, note);

	(void)loop;
	gmb__gate_close(&job->gate);
	gmb__gate_wait(&job->gate);
	gmb__wait_complete(&job->call->wait, 0);
}

/* A job that has not begun is taken back, others are left or waited for. */
static bool withdraw(struct gmb__wait *wait)
{
	struct call *call = gmb__entry(wait, struct call, wait);
	struct job *job = call->job;
	bool held = false;

	pthread_mutex_lock(&pool.mutex);
	if (job->state == JOB_QUEUED) {
		dequeue(job);
	} else if (job->state == JOB_RUNNING && job->drop) {
		job->state = JOB_ABANDONED;
		call->job = NULL;
	} else {
		held = true;
	}
	pthread_mutex_unlock(&pool.mutex);
	return held;
}

static struct job *make_job(struct call *call, gmb_thread_fn fn, void *arg,
			    void (*drop)(void *arg))
{
	struct job *job = (struct job *)gmb__mem_zalloc(1, sizeof(*job));

	if (!job)
		return NULL;
	gmb__gate_init(&job->gate, 1);
	job->note.fn = on_done;
	job->loop = gmb__loop;
	job->call = call;
	job->fn = fn;
	job->arg = arg;
	job->drop = drop;
	return job;
}

/*
 * Returns 0; -errno, with @taken telling whether the thread has @arg to drop.
 */
static int run(gmb_thread_fn fn, void *arg, void (*drop)(void *arg),
	       intptr_t *result, bool *taken)
{
	struct gmb_loop *loop = gmb__loop;
	struct gmb__trap trap;
	struct call call;
	intptr_t rc = gmb__trap_init(&trap);

	*taken = false;
	if (rc)
		return (int)rc;
	call.job = make_job(&call, fn, arg, drop);
	if (!call.job)
		return -ENOMEM;
	rc = submit(call.job);
	if (rc) {
		gmb__mem_free(call.job);
		return (int)rc;
	}
	gmb__trap_add(&trap, &call.wait, withdraw);
	loop->outside++;
	rc = gmb__trap_park(&trap, GMB_WAIT_THREAD, (void *)(uintptr_t)fn, 0);
	loop->outside--;
	*taken = !call.job;
	if (rc == 0 && result)
		*result = call.job->result;
	gmb__mem_free(call.job);
	return (int)rc;
}

int gmb_run_in_thread(gmb_thread_fn fn, void *arg, intptr_t *result)
{
	bool taken;

	return run(fn, arg, NULL, result, &taken);
}

int gmb_run_in_thread_abandon(gmb_thread_fn fn, void *arg,
			      void (*drop)(void *arg), intptr_t *result)
{
	bool taken;
	int rc = run(fn, arg, drop, result, &taken);

	if (rc && !taken)
		drop(arg);
	return rc;
}
