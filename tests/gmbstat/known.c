/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Programs whose delays are known, for the tools to find: known WHAT [COUNT].
 * What really happened is measured here, independently of the library's own
 * observation, and is said at the end as lines "WHAT NANOSECONDS".
 *
 *	hold	the task "holder" computes 5 ms, COUNT times
 *	block	the same, in a system call that sleeps
 *	hang	the task "hanging" computes for COUNT seconds
 *	lock	the task "keeper" holds a lock for 20 ms, COUNT times, and
 *		each time a task "waiter" wants it meanwhile
 *	late	an event is triggered, and then the loop is held 5 ms, before
 *		"late" gets its turn; COUNT times
 *	count	COUNT bytes through a pipe, COUNT sleeps, COUNT yields; then
 *		nothing more happens
 *	slack	a thread writes COUNT bytes, 10 ms apart, for the task "slack",
 *		whose input may be late by 1 ms
 *	many	COUNT tasks that sleep
 *
 * Each says "ready" when its loop runs, begins when it gets a line on standard
 * input, says "over" when it has done what it does, and ends when the input
 * does.
 */

#include <errno.h>
#include <giambio.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HOLD	(5 * GMB_MS)
#define KEEP	(20 * GMB_MS)
#define PAUSE	(20 * GMB_MS)

static long count = 20;

static gmb_time clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * GMB_SEC + now.tv_nsec;
}

static void say(const char *what, gmb_time ns)
{
	printf("%s %lld\n", what, (long long)ns);
}

/* Use the processor until a time has passed. */
static __attribute__((noinline)) gmb_time burn(gmb_time span)
{
	gmb_time begin = clock_now(), now;

	do {
		now = clock_now();
	} while (now - begin < span);
	return now - begin;
}

static intptr_t holder(void *arg)
{
	long i;

	(void)arg;
	for (i = 0; i < count; i++) {
		say("hold", burn(HOLD));
		if (gmb_sleep(PAUSE) < 0)
			break;
	}
	return 0;
}

static __attribute__((noinline)) gmb_time block(gmb_time span)
{
	const struct timespec time = { 0, span };
	gmb_time begin = clock_now();

	nanosleep(&time, NULL);
	return clock_now() - begin;
}

static intptr_t blocker(void *arg)
{
	long i;

	(void)arg;
	for (i = 0; i < count; i++) {
		say("block", block(HOLD));
		if (gmb_sleep(PAUSE) < 0)
			break;
	}
	return 0;
}

static intptr_t hanging(void *arg)
{
	(void)arg;
	say("hang", burn(count * GMB_SEC));
	return 0;
}

static struct gmb_lock lock;

static intptr_t waiter(void *arg)
{
	gmb_time begin = clock_now();

	(void)arg;
	if (gmb_lock_acquire(&lock) < 0)
		return 0;
	say("wait", clock_now() - begin);
	gmb_lock_release(&lock);
	return 0;
}

/* Each waiter comes when the lock is held, so each has to wait for it. */
static intptr_t keeper(void *arg)
{
	struct gmb_task *task;
	intptr_t rc = 0;
	long i;

	(void)arg;
	for (i = 0; i < count && rc >= 0; i++) {
		gmb_manager(m, rc) {
			rc = gmb_lock_acquire(&lock);
			if (rc < 0)
				break;
			task = gmb_spawn(m, waiter, NULL);
			gmb_task_set_name(task, "waiter");
			rc = gmb_sleep(KEEP);
			gmb_lock_release(&lock);
		}
	}
	return 0;
}

static struct gmb_event event;
static gmb_time triggered;

static intptr_t late(void *arg)
{
	long i;

	(void)arg;
	for (i = 0; i < count; i++) {
		if (gmb_event_wait(&event, NULL) < 0)
			break;
		say("late", clock_now() - triggered);
		gmb_event_fini(&event);
		gmb_event_init(&event);
	}
	return 0;
}

static intptr_t delayer(void *arg)
{
	long i;

	(void)arg;
	for (i = 0; i < count; i++) {
		gmb_sleep(PAUSE);
		triggered = clock_now();
		gmb_event_trigger(&event, 0);
		burn(HOLD);
	}
	return 0;
}

static int ends[2];

static intptr_t reader(void *arg)
{
	struct gmb_file file;
	char byte;
	long i;

	(void)arg;
	if (gmb_file_wrap(&file, ends[0]) < 0)
		return -EBADF;
	/* Each is read when it has been waited for. */
	for (i = 0; i < count; i++) {
		if (gmb_read(&file, &byte, 1) != 1)
			break;
	}
	say("reads", i);
	gmb_file_close(&file);
	return 0;
}

static intptr_t counter(void *arg)
{
	long i;

	(void)arg;
	for (i = 0; i < count; i++) {
		gmb_sleep(GMB_US);
		if (write(ends[1], "x", 1) != 1)
			break;
	}
	say("sleeps", i);
	for (i = 0; i < count; i++)
		gmb_yield();
	say("yields", i);
	return 0;
}

static void *write_slowly(void *arg)
{
	const struct timespec pause = { 0, 10 * GMB_MS };
	long i;

	(void)arg;
	for (i = 0; i < count; i++) {
		nanosleep(&pause, NULL);
		if (write(ends[1], "x", 1) != 1)
			break;
	}
	return NULL;
}

static intptr_t slack(void *arg)
{
	pthread_t thread;
	intptr_t rc;

	rc = gmb_task_set_slack(gmb_self(), GMB_MS);
	if (rc < 0 || pthread_create(&thread, NULL, write_slowly, NULL))
		return rc;
	rc = reader(arg);
	pthread_join(thread, NULL);
	return rc;
}

static intptr_t sleeper(void *arg)
{
	(void)arg;
	return gmb_sleep(GMB_NEVER);
}

static const struct program {
	const char *name;
	struct {
		const char *name;
		gmb_task_fn fn;
	} tasks[2];
} programs[] = {
	{ "hold", { { "holder", holder } } },
	{ "block", { { "blocker", blocker } } },
	{ "hang", { { "hanging", hanging } } },
	{ "lock", { { "keeper", keeper } } },
	{ "late", { { "late", late }, { "delayer", delayer } } },
	{ "count", { { "reader", reader }, { "counter", counter } } },
	{ "slack", { { "slack", slack } } },
	{ "many", { { NULL, NULL } } },
};

static intptr_t spawn_all(struct gmb_manager *m, const struct program *program)
{
	struct gmb_task *task;
	long i;

	for (i = 0; !program->tasks[0].fn && i < count; i++) {
		if (gmb_spawn_forget(m, sleeper, NULL) < 0)
			return -ENOMEM;
	}
	for (i = 0; i < 2 && program->tasks[i].fn; i++) {
		task = gmb_spawn(m, program->tasks[i].fn, NULL);
		if (!task)
			return -ENOMEM;
		gmb_task_set_name(task, program->tasks[i].name);
	}
	return 0;
}

/* Wait for a line, or for the end. */
static ssize_t await_line(struct gmb_file *input)
{
	char line[16];

	return gmb_read(input, line, sizeof(line));
}

static void tell(const char *what)
{
	puts(what);
	fflush(stdout);
}

/* Tasks that do nothing are over as soon as they are there. */
static intptr_t run_program(const struct program *program,
			    struct gmb_file *input)
{
	const bool idle = !program->tasks[0].fn;
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		rc = spawn_all(m, program);
		if (rc < 0 || !idle)
			break;
		/* They are first in line, so all wait when this goes on. */
		gmb_yield();
		tell("over");
		await_line(input);
		gmb_manager_cancel(m);
	}
	if (idle)
		return rc == -ECANCELED ? 0 : rc;
	tell("over");
	await_line(input);
	return rc;
}

static intptr_t main_task(void *arg)
{
	struct gmb_file input;
	intptr_t rc = gmb_file_wrap(&input, 0);

	if (rc < 0)
		return rc;
	tell("ready");
	if (await_line(&input) <= 0)
		return gmb_file_close(&input);
	/* A loop looks at what observers want when it turns. */
	gmb_sleep(10 * GMB_MS);
	rc = run_program(arg, &input);
	gmb_file_close(&input);
	return rc;
}

int main(int argc, char **argv)
{
	const size_t n = sizeof(programs) / sizeof(*programs);
	intptr_t rc;
	size_t i;

	if (argc > 2)
		count = atol(argv[2]);
	gmb_lock_init(&lock);
	gmb_event_init(&event);
	if (pipe(ends) < 0)
		return 2;
	for (i = 0; i < n && argc > 1; i++) {
		if (strcmp(argv[1], programs[i].name))
			continue;
		rc = gmb_run(main_task, (void *)&programs[i]);
		if (rc < 0)
			fprintf(stderr, "known: %s\n", gmb_strerror(rc));
		return rc < 0;
	}
	fputs("usage: known WHAT [COUNT]\n", stderr);
	return 2;
}
