/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The io_uring backend at its limits: more requests and completions than the
 * rings hold, many wakeups, a loop that a foreign loop drives, no memory, and
 * a kernel that refuses. The refusals are made by a seccomp filter, which lasts
 * as long as the process: those tests need libcheck's fork.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "backend/backend.h"
#include "coro/mem.h"
#include "loop/inbox.h"
#include "loop/loop.h"
#include "streams.h"

Suite *test_uring_limits_suite(void);

/* More than the rings hold */

struct crowd {
	struct stream *streams;
	struct reading *readings;
	int count;
};

/* Every reader waits; then all are given bytes before the loop looks. */
static void crowd_round(struct crowd *c)
{
	struct gmb_manager m;
	int i;

	check_is(gmb_manager_open(&m), 0);
	for (i = 0; i < c->count; i++)
		check_that(gmb_spawn(&m, read_once, &c->readings[i]));
	let_wait();
	check_is(gmb_loop_current()->pending, c->count);
	for (i = 0; i < c->count; i++)
		check_is(write(c->streams[i].fd, &i, sizeof(i)), sizeof(i));
	check_is(gmb_manager_close(&m), 0);
	for (i = 0; i < c->count; i++) {
		check_is(c->readings[i].got, sizeof(i));
		check_is(memcmp(c->readings[i].buf, &i, sizeof(i)), 0);
	}
}

static intptr_t crowd_main(void *arg)
{
	struct crowd *c = arg;
	int i;

	for (i = 0; i < c->count; i++) {
		open_stream(&c->streams[i]);
		c->readings[i].file = &c->streams[i].file;
	}
	for (i = 0; i < 3; i++)
		crowd_round(c);
	for (i = 0; i < c->count; i++)
		close_stream(&c->streams[i]);
	return 0;
}

START_TEST(more_files_than_the_rings_hold)
{
	struct rlimit limit;
	struct crowd c = { .count = 6000 };

	check_is(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	check_is(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < 2 * (rlim_t)c.count + 50)
		c.count = (int)(limit.rlim_cur - 50) / 2;
	c.streams = calloc((size_t)c.count, sizeof(*c.streams));
	c.readings = calloc((size_t)c.count, sizeof(*c.readings));
	check_that(c.streams && c.readings);
	check_is(run_on("uring", crowd_main, &c), 0);
	free(c.streams);
	free(c.readings);
}
END_TEST

/* Wakeups */

#define WAKERS	3
#define WAKES	5000

struct waker {
	struct gmb__note note;
	struct gmb_loop *loop;
	atomic_int heard;
	int sent;
};

static void hear(struct gmb_loop *loop, struct gmb__note *note)
{
	struct waker *w = gmb__entry(note, struct waker, note);

	check_that(loop == w->loop);
	atomic_fetch_add(&w->heard, 1);
}

/* The next note is posted when the last one was heard. */
static void *wake_on_and_on(void *arg)
{
	struct waker *w = arg;

	for (w->sent = 0; w->sent < WAKES;) {
		w->note.fn = hear;
		gmb__inbox_post(w->loop, &w->note);
		w->sent++;
		while (atomic_load(&w->heard) < w->sent)
			sched_yield();
	}
	return NULL;
}

static intptr_t be_woken(void *arg)
{
	struct waker wakers[WAKERS] = { 0 };
	pthread_t threads[WAKERS];
	int i;

	(void)arg;
	for (i = 0; i < WAKERS; i++) {
		wakers[i].loop = gmb_loop_current();
		check_is(pthread_create(&threads[i], NULL, wake_on_and_on,
					&wakers[i]), 0);
	}
	for (i = 0; i < WAKERS; i++) {
		while (atomic_load(&wakers[i].heard) < WAKES)
			check_is(gmb_sleep(50 * GMB_US), 0);
		check_is(pthread_join(threads[i], NULL), 0);
	}
	return 0;
}

START_TEST(no_wakeup_is_lost)
{
	check_is(run_on("uring", be_woken, NULL), 0);
}
END_TEST

/* A foreign loop */

static intptr_t read_main(void *arg)
{
	struct stream *s = arg;
	struct reading r = { .file = &s->file };
	intptr_t rc;

	open_stream(s);
	rc = read_once(&r);
	check_is(rc, 0);
	close_stream(s);
	return r.got;
}

START_TEST(foreign_loop_can_wait_for_the_ring)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.backend = "uring",
	};
	struct pollfd poller = { .events = POLLIN };
	struct gmb_loop *loop;
	struct stream s;
	intptr_t result;
	int turns;

	check_is(gmb_loop_open(&opts, read_main, &s, &loop), 0);
	poller.fd = gmb_loop_fd(loop);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(poll(&poller, 1, 20), 0);
	check_is(write(s.fd, "abcd", 4), 4);
	check_is(poll(&poller, 1, 2000), 1);
	for (turns = 0; gmb_loop_step(loop, 0) == 1; turns++)
		check_that(turns < 3);
	gmb_loop_close(loop, &result);
	check_is(result, 4);
}
END_TEST

/* Refusals */

/* Make a system call of this process fail from now on. */
static void refuse(unsigned int call, unsigned int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	check_is(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	check_is(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static const struct {
	unsigned int error;
	int result;
	const char *reason;
} refusals[] = {
	{ EPERM, -ENOTSUP, "io_uring is forbidden here" },
	{ ENOSYS, -ENOTSUP, "built without io_uring" },
	{ EINVAL, -ENOTSUP, "Linux 6.1 or newer" },
	{ ENOMEM, -ENOMEM, "no memory" },
	{ EMFILE, -EMFILE, "no descriptor left" },
	{ EIO, -ENOTSUP, "does not give a ring" },
};

static intptr_t check_reason(void *arg)
{
	/* What is better than io_uring has nothing to explain. */
	if (strcmp(gmb_loop_backend_name(NULL), "kmod") == 0) {
		check_str(gmb_loop_backend_reason(NULL), "");
		return 0;
	}
	check_str(gmb_loop_backend_name(NULL), "epoll");
	check_that(strstr(gmb_loop_backend_reason(NULL), arg));
	return 0;
}

START_TEST(refused_ring_is_explained)
{
	char reason[80];

	strcpy(reason, refusals[_i].reason);
	unsetenv("GMB_BACKEND");
	refuse(SYS_io_uring_setup, refusals[_i].error);
	check_is(run_on("uring", do_nothing, NULL), refusals[_i].result);
	check_is(run_on(NULL, check_reason, reason), 0);
}
END_TEST

/* Without memory the requests stay in the ring until it is full. */
static intptr_t wait_without_memory(void *arg)
{
	struct crowd *c = arg;
	struct gmb_manager m;
	int i, failed = 0;

	for (i = 0; i < c->count; i++) {
		open_stream(&c->streams[i]);
		c->readings[i].file = &c->streams[i].file;
	}
	refuse(SYS_io_uring_enter, EAGAIN);
	check_is(gmb_manager_open(&m), 0);
	for (i = 0; i < c->count; i++)
		check_that(gmb_spawn(&m, read_once, &c->readings[i]));
	let_run();
	for (i = 0; i < c->count; i++)
		failed += c->readings[i].got == -ENOMEM;
	check_that(failed > 0 && failed < c->count);
	gmb_manager_cancel(&m);
	check_is(gmb_manager_close(&m), 0);
	for (i = 0; i < c->count; i++)
		close_stream(&c->streams[i]);
	return 0;
}

START_TEST(full_ring_without_memory_is_an_error)
{
	struct stream streams[400];
	struct reading readings[400] = { 0 };
	struct crowd c = { streams, readings, 400 };

	check_is(run_on("uring", wait_without_memory, &c), 0);
}
END_TEST

/* As if the kernel had lost the completions of every single call. */
static intptr_t lose_completions(void *arg)
{
	struct crowd *c = arg;
	struct gmb_manager m;
	int i;

	for (i = 0; i < c->count; i++) {
		open_stream(&c->streams[i]);
		c->readings[i].file = &c->streams[i].file;
	}
	check_is(gmb_manager_open(&m), 0);
	for (i = 0; i < c->count; i++)
		check_that(gmb_spawn(&m, read_once, &c->readings[i]));
	let_wait();
	refuse(SYS_io_uring_enter, EBADR);
	for (i = 0; i < c->count; i++)
		check_is(write(c->streams[i].fd, "lost?", 5), 5);
	check_is(gmb_manager_close(&m), 0);
	for (i = 0; i < c->count; i++) {
		check_is(c->readings[i].got, 5);
		close_stream(&c->streams[i]);
	}
	return 0;
}

START_TEST(lost_completions_are_made_up_for)
{
	struct stream streams[20];
	struct reading readings[20];
	struct crowd c = { streams, readings, 20 };

	check_is(run_on("uring", lose_completions, &c), 0);
}
END_TEST

static intptr_t take_ring_away(void *arg)
{
	(void)arg;
	refuse(SYS_io_uring_enter, EBADF);
	return gmb_sleep(GMB_MS);
}

static void sleep_without_ring(void)
{
	(void)run_on("uring", take_ring_away, NULL);
}

START_TEST(ring_that_is_gone_is_misuse)
{
	dies(sleep_without_ring, "must not close descriptors");
}
END_TEST

/* Each allocation fails in turn; the loop is made without it, or not at all. */
START_TEST(no_memory_is_an_error)
{
	intptr_t rc = -ENOMEM;
	long n;

	for (n = 0; n < 100 && rc == -ENOMEM; n++) {
		gmb__mem_fail_after(n);
		rc = run_on("uring", do_nothing, NULL);
		check_that(rc == 0 || rc == -ENOMEM);
	}
	gmb__mem_fail_after(-1);
	check_is(rc, 0);
	check_that(n > 2);
}
END_TEST

Suite *test_uring_limits_suite(void)
{
	Suite *suite = suite_create("uring_limits");
	TCase *tc = tcase_create("uring_limits");

	suite_add_tcase(suite, tc);
	if (!backend_works("uring"))
		return suite;
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, more_files_than_the_rings_hold);
	tcase_add_test(tc, no_wakeup_is_lost);
	tcase_add_test(tc, foreign_loop_can_wait_for_the_ring);
	tcase_add_loop_test(tc, refused_ring_is_explained, 0,
			    sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tc, full_ring_without_memory_is_an_error);
	tcase_add_test(tc, lost_completions_are_made_up_for);
	tcase_add_test(tc, ring_that_is_gone_is_misuse);
	tcase_add_test(tc, no_memory_is_an_error);
	return suite;
}
