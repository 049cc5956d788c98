/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The life of a loop: made, run or stepped, ended.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "backend/backend.h"
#include "coro/mem.h"
#include "loop/observe.h"
#include "loop/page.h"
#include "loop/signal.h"
#include "task/dump.h"
#include "task/task.h"

#define ALL_FLAGS                                                         \
	(GMB_LOOP_NO_SIGINT | GMB_LOOP_NO_OVERFLOW | GMB_LOOP_FAKE_CLOCK | \
	 GMB_LOOP_FOREIGN | GMB_LOOP_NO_DEADLOCK)

static void on_signal(struct gmb_loop *loop, unsigned int bits)
{
	if (bits & GMB__SIGNAL_DUMP)
		gmb__dump(loop, STDERR_FILENO);
	if (bits & GMB__SIGNAL_INTERRUPT && !loop->interrupted) {
		loop->interrupted = true;
		gmb_task_cancel(loop->main);
	}
}

static int take_opts(const struct gmb_loop_opts *opts,
		     struct gmb_loop_opts *out)
{
	*out = (struct gmb_loop_opts){ 0 };
	if (!opts)
		return 0;
	if (opts->size > sizeof(*out))
		return -EINVAL;
	/* A caller of an older version knows fewer options. */
	memcpy(out, opts, opts->size ? opts->size : sizeof(*out));
	if (out->flags & ~(unsigned int)ALL_FLAGS || out->dump_signal < 0 ||
	    out->dump_signal > SIGRTMAX)
		return -EINVAL;
	return 0;
}

static const char *name_of(const struct gmb_loop_opts *opts, char *buf,
			   size_t len)
{
	if (opts->name)
		return opts->name;
	if (pthread_getname_np(pthread_self(), buf, len))
		return "loop";
	return buf;
}

static int make_main(struct gmb_loop *loop, gmb_task_fn fn, void *arg)
{
	struct gmb_spawn_opts opts = { .name = "main" };

	gmb__hook(loop, run_start, loop);
	return gmb__task_make(loop, NULL, &opts, fn, arg, &loop->main);
}

static int watch_thread(struct gmb_loop *loop, const struct gmb_loop_opts *opts)
{
	bool interrupt = !(opts->flags & GMB_LOOP_NO_SIGINT) && !loop->open;
	int rc;

	if (!(opts->flags & GMB_LOOP_NO_OVERFLOW) && !loop->open) {
		rc = gmb__overflow_init(&loop->overflow);
		if (rc < 0)
			return rc;
	}
	if (!interrupt && !opts->dump_signal)
		return 0;
	return gmb__signals_attach(loop, interrupt, opts->dump_signal);
}

static void free_loop(struct gmb_loop *loop)
{
	if (loop->main)
		gmb__page_put_row(&loop->rows, loop->main);
	gmb__signals_detach(loop);
	gmb__overflow_fini(&loop->overflow);
	if (loop->backend)
		gmb__backend_close(loop);
	if (loop->page) {
		gmb__loop_fini(loop);
		gmb__page_fini(&loop->rows);
	}
	gmb__loop = NULL;
	gmb__mem_free(loop);
}

/*
 * A child of fork() has a copy of the loop, but not of the tasks (see
 * loop/page.c), and shares what the kernel knows of it: hands off.
 */
static void forget_loop(void)
{
	gmb__loop = NULL;
	gmb__signals_forget();
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, forget_loop);
}

/* A loop with its main task ready; on the calling thread from here on. */
static int make_loop(const struct gmb_loop_opts *opts, bool open,
		     gmb_task_fn fn, void *arg, struct gmb_loop **out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	char thread_name[16];
	struct gmb_loop *loop;
	int rc;

	if (gmb__loop)
		return -EBUSY;
	pthread_once(&once, watch_forks);
	loop = gmb__mem_zalloc(1, sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	gmb__loop = loop;
	loop->open = open;
	loop->on_exit = gmb__task_on_exit;
	loop->on_signal = on_signal;
	rc = gmb__page_init(&loop->rows, (sizeof(struct gmb_task) + 63) & ~63ul,
			    name_of(opts, thread_name, sizeof(thread_name)));
	if (rc < 0)
		goto err_loop;
	loop->page = loop->rows.head;
	gmb__loop_init(loop, opts);
	loop->page->started = loop->now;
	rc = gmb__backend_open(loop, opts->backend);
	if (rc < 0)
		goto err_loop;
	strncpy(loop->page->backend, loop->backend->name,
		sizeof(loop->page->backend) - 1);
	rc = watch_thread(loop, opts);
	if (rc < 0)
		goto err_loop;
	rc = make_main(loop, fn, arg);
	if (rc < 0)
		goto err_loop;
	*out = loop;
	return 0;

err_loop:
	free_loop(loop);
	return rc;
}

/* Nothing can wake the loop: say so, then let everything unwind. */
static void resolve_deadlock(struct gmb_loop *loop)
{
	if (!loop->stuck) {
		loop->stuck = true;
		fprintf(stderr,
			"giambio: deadlock: no task can run and nothing can wake one; all are cancelled. What they wait for:\n");
		gmb__dump(loop, STDERR_FILENO);
		gmb_task_cancel(loop->main);
	} else if (!loop->killed) {
		fprintf(stderr,
			"giambio: deadlock inside shielded scopes: their waits are ended, too\n");
		gmb__scope_kill_all(loop);
	} else {
		gmb__die("a task waits where neither an event nor cancellation can reach it");
	}
}

static intptr_t end_loop(struct gmb_loop *loop)
{
	intptr_t result = loop->result;

	if (loop->stuck)
		result = -EDEADLK;
	else if (loop->interrupted)
		result = -EINTR;
	gmb__hook(loop, run_exit, loop, result);
	gmb__loop_end(loop);
	free_loop(loop);
	return result;
}

intptr_t gmb_run_with(const struct gmb_loop_opts *opts, gmb_task_fn fn,
		      void *arg)
{
	struct gmb_loop_opts known;
	struct gmb_loop *loop;
	int rc;

	rc = take_opts(opts, &known);
	if (rc < 0)
		return rc;
	rc = make_loop(&known, false, fn, arg, &loop);
	if (rc < 0)
		return rc;
	while (!loop->ended)
		if (gmb__loop_turn(loop, GMB_NEVER) == -EDEADLK)
			resolve_deadlock(loop);
	return end_loop(loop);
}

intptr_t gmb_run(gmb_task_fn fn, void *arg)
{
	return gmb_run_with(NULL, fn, arg);
}

/*
 * A loop that is stepped is the thread's loop only during the step, so that
 * other loops can run between the steps.
 */
static int enter(struct gmb_loop *loop)
{
	if (gmb__loop || loop->page->tid != gmb__thread_id())
		return -EPERM;
	gmb__loop = loop;
	return 0;
}

int gmb_loop_open(const struct gmb_loop_opts *opts, gmb_task_fn fn, void *arg,
		  struct gmb_loop **out)
{
	struct gmb_loop_opts known;
	int rc;

	/* That loop stays the thread's. */
	if (gmb__loop)
		return -EBUSY;
	rc = take_opts(opts, &known);
	if (rc < 0)
		return rc;
	known.flags |= GMB_LOOP_FOREIGN;
	rc = make_loop(&known, true, fn, arg, out);
	gmb__loop = NULL;
	return rc;
}

int gmb_loop_step(struct gmb_loop *loop, gmb_time span_ns)
{
	int rc = enter(loop);

	if (rc < 0)
		return rc;
	if (!loop->ended)
		rc = gmb__loop_turn(loop, span_ns < 0 ? 0 : span_ns);
	/* What the events made ready runs now: a step is a whole one. */
	if (rc == 0 && !loop->ended && loop->ready_first)
		rc = gmb__loop_turn(loop, 0);
	/*
	 * Its driver goes to sleep now: who posts must make the descriptor
	 * readable. If somebody has just posted, gmb_loop_timeout() is 0.
	 */
	(void)gmb__inbox_sleep(loop);
	gmb__loop = NULL;
	return rc < 0 ? rc : !loop->ended;
}

int gmb_loop_fd(const struct gmb_loop *loop)
{
	if (!loop->backend->fd)
		return -ENOTSUP;
	return loop->backend->fd((struct gmb_loop *)loop);
}

gmb_time gmb_loop_timeout(const struct gmb_loop *loop)
{
	return loop->ended ? GMB_NEVER
			   : gmb__loop_idle_span((struct gmb_loop *)loop);
}

void gmb_loop_cancel(struct gmb_loop *loop)
{
	struct gmb_loop *saved = gmb__loop;

	gmb__loop = loop;
	if (!loop->ended)
		gmb_task_cancel(loop->main);
	gmb__loop = saved;
}

void gmb_loop_close(struct gmb_loop *loop, intptr_t *result)
{
	intptr_t rc;

	if (!loop)
		return;
	if (enter(loop) < 0)
		gmb__die("gmb_loop_close() inside a loop or on another thread; close a loop where it was opened");
	if (!loop->ended)
		gmb_task_cancel(loop->main);
	while (!loop->ended)
		if (gmb__loop_turn(loop, GMB_NEVER) == -EDEADLK)
			resolve_deadlock(loop);
	rc = end_loop(loop);
	if (result)
		*result = rc;
}

const char *gmb_loop_backend_name(const struct gmb_loop *loop)
{
	if (!loop)
		loop = gmb__loop;
	return loop && loop->backend ? loop->backend->name : "none";
}

const char *gmb_loop_backend_reason(const struct gmb_loop *loop)
{
	if (!loop)
		loop = gmb__loop;
	return loop && loop->backend_reason ? loop->backend_reason : "";
}
