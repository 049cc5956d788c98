/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The io_uring backend: nothing is lost between an edge and a cancellation, and
 * closing is real at once although requests stand. More than the rings hold,
 * wakeups, and what it does when the kernel refuses: test_uring_limits.c.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include "loop/loop.h"
#include "streams.h"

Suite *test_uring_suite(void);

static intptr_t run(gmb_task_fn fn, void *arg)
{
	return run_on("uring", fn, arg);
}

/* The stream */

static intptr_t pass_bytes(void *arg)
{
	struct stream s;
	struct reading r = { .file = &s.file };
	struct gmb_manager m;
	int i;

	(void)arg;
	check_str(gmb_loop_backend_name(NULL), "uring");
	check_str(gmb_loop_backend_reason(NULL), "");
	open_stream(&s);
	for (i = 0; i < 1000; i++) {
		check_is(gmb_manager_open(&m), 0);
		check_that(gmb_spawn(&m, read_once, &r));
		check_is(gmb_yield(), 0);
		check_is(write(s.fd, &i, sizeof(i)), sizeof(i));
		check_is(gmb_manager_close(&m), 0);
		check_is(r.got, sizeof(i));
		check_is(*(int *)(void *)r.buf, i);
	}
	close_stream(&s);
	return 0;
}

START_TEST(bytes_pass_one_wait_after_the_other)
{
	check_is(run(pass_bytes, NULL), 0);
}
END_TEST

/* The data and the end of the stream come while the task waits, together. */
static intptr_t end_behind_data(void *arg)
{
	struct stream s;
	struct reading r = { .file = &s.file };
	struct gmb_manager m;

	(void)arg;
	open_stream(&s);
	check_is(gmb_manager_open(&m), 0);
	check_that(gmb_spawn(&m, read_once, &r));
	let_wait();
	check_is(write(s.fd, "abc", 3), 3);
	close(s.fd);
	check_is(gmb_manager_close(&m), 0);
	check_is(r.got, 3);
	check_is(gmb_read(&s.file, r.buf, sizeof(r.buf)), 0);
	check_is(gmb_read(&s.file, r.buf, sizeof(r.buf)), 0);
	check_is(gmb_file_close(&s.file), 0);
	return 0;
}

START_TEST(end_of_a_stream_is_seen_behind_data)
{
	check_is(run(end_behind_data, NULL), 0);
}
END_TEST

static int listen_on(in_port_t *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = *port,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check_that(fd >= 0);
	check_is(bind(fd, (struct sockaddr *)&addr, len), 0);
	check_is(listen(fd, 5), 0);
	check_is(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*port = addr.sin_port;
	return fd;
}

static void open_tcp(struct stream *s)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int listener = listen_on(&addr.sin_port);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check_is(connect(s->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	check_is(gmb_file_wrap(&s->file, accept(listener, NULL, NULL)), 0);
	close(listener);
}

/* A read stops at the mark; what is behind it is there, but makes no edge. */
static intptr_t read_past_mark(void *arg)
{
	struct reading r = { 0 };
	struct gmb_manager m;
	struct stream s;
	size_t got;
	int i;

	(void)arg;
	open_tcp(&s);
	r.file = &s.file;
	for (i = 0; i < 100; i++) {
		check_is(gmb_manager_open(&m), 0);
		check_that(gmb_spawn(&m, read_once, &r));
		let_wait();
		check_is(send(s.fd, "ab!", 3, MSG_OOB), 3);
		check_is(send(s.fd, "cd", 2, 0), 2);
		check_is(gmb_manager_close(&m), 0);
		for (got = (size_t)r.got; got < 4; got += (size_t)r.got) {
			check_is(read_once(&r), 0);
			check_that(r.got > 0);
		}
		check_is(got, 4);
	}
	close_stream(&s);
	return 0;
}

START_TEST(reading_goes_on_behind_urgent_data)
{
	check_is(run(read_past_mark, NULL), 0);
}
END_TEST

#define BULK	(4 << 20)

static intptr_t write_bulk(void *arg)
{
	char *bytes = calloc(1, BULK);
	size_t put = 0;
	int rc;

	check_that(bytes);
	bytes[BULK - 1] = 'z';
	rc = gmb_write_all(arg, bytes, BULK, &put);
	check_is(put, BULK);
	free(bytes);
	return rc;
}

static intptr_t wait_for_room(void *arg)
{
	struct gmb_manager m;
	struct stream s;
	char buf[8192];
	size_t sum = 0;
	ssize_t n;

	(void)arg;
	open_stream(&s);
	check_is(gmb_manager_open(&m), 0);
	check_that(gmb_spawn(&m, write_bulk, &s.file));
	while (sum < BULK) {
		n = read(s.fd, buf, sizeof(buf));
		if (n > 0)
			sum += (size_t)n;
		else
			check_is(gmb_yield(), 0);
	}
	check_is(buf[n - 1], 'z');
	check_is(gmb_manager_close(&m), 0);
	close_stream(&s);
	return 0;
}

START_TEST(writer_waits_for_room_as_often_as_it_takes)
{
	check_is(run(wait_for_room, NULL), 0);
}
END_TEST

/* Cancellation */

#define STORM	200

struct storm {
	struct stream streams[STORM];
	struct reading readings[STORM];
	struct gmb_task *tasks[STORM];
	size_t written;
	size_t read;
};

/*
 * One round: every reader waits; bytes come for some, some are cancelled, some
 * see both in the same turn, and the rest are cancelled by the manager.
 */
static void storm_round(struct storm *st)
{
	struct gmb_manager m;
	int i, what;

	check_is(gmb_manager_open(&m), 0);
	for (i = 0; i < STORM; i++)
		st->tasks[i] = gmb_spawn(&m, read_once, &st->readings[i]);
	if (rand() % 4)
		check_is(gmb_yield(), 0);
	if (rand() % 2)
		let_wait();
	for (i = 0; i < STORM; i++) {
		what = rand() % 4;
		if (what & 1) {
			check_is(write(st->streams[i].fd, "xy", 2), 2);
			st->written += 2;
		}
		if (what & 2)
			gmb_task_cancel(st->tasks[i]);
	}
	if (rand() % 2)
		check_is(gmb_yield(), 0);
	gmb_manager_cancel(&m);
	check_is(gmb_manager_close(&m), 0);
	for (i = 0; i < STORM; i++) {
		check_that(st->readings[i].got > 0 ||
			   st->readings[i].got == -ECANCELED);
		if (st->readings[i].got > 0)
			st->read += (size_t)st->readings[i].got;
	}
}

static void read_the_rest(struct storm *st)
{
	char buf[4096];
	ssize_t n;
	int i;

	for (i = 0; i < STORM; i++) {
		n = read(st->streams[i].file.fd, buf, sizeof(buf));
		if (n > 0)
			st->read += (size_t)n;
	}
}

static intptr_t cancel_storm(void *arg)
{
	struct storm *st = arg;
	int i;

	for (i = 0; i < STORM; i++) {
		open_stream(&st->streams[i]);
		st->readings[i].file = &st->streams[i].file;
	}
	for (i = 0; i < 100; i++)
		storm_round(st);
	check_is(gmb_loop_current()->pending, 0);
	read_the_rest(st);
	for (i = 0; i < STORM; i++)
		close_stream(&st->streams[i]);
	return 0;
}

START_TEST(cancelled_reads_lose_no_byte)
{
	struct storm *st = calloc(1, sizeof(*st));

	check_that(st);
	srand(1);
	check_is(run(cancel_storm, st), 0);
	check_that(st->written > 0);
	check_is(st->read, st->written);
	free(st);
}
END_TEST

/* Closing */

static intptr_t close_pipe(void *arg)
{
	struct reading r;
	struct gmb_manager m;
	struct gmb_file file;
	int fds[2];
	char c;

	(void)arg;
	check_is(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	check_is(gmb_file_wrap(&file, fds[0]), 0);
	r.file = &file;
	check_is(gmb_manager_open(&m), 0);
	check_that(gmb_spawn(&m, read_once, &r));
	let_wait();
	check_is(write(fds[1], "a", 1), 1);
	check_is(gmb_manager_close(&m), 0);
	check_is(r.got, 1);
	/* The poll stands. Nobody reads after this, at once. */
	signal(SIGPIPE, SIG_IGN);
	check_is(gmb_file_close(&file), 0);
	check_is(write(fds[1], &c, 1), -1);
	check_is(errno, EPIPE);
	close(fds[1]);
	return 0;
}

START_TEST(closed_pipe_is_closed_at_once)
{
	check_is(run(close_pipe, NULL), 0);
}
END_TEST

static intptr_t wait_ready(void *arg)
{
	int rc = gmb_ready(arg, POLLIN);

	check_that(rc == -EBADF || rc == -ECANCELED);
	return 0;
}

/* Ways of closing while somebody waits; the port is free again each time. */
static intptr_t close_listener(void *arg)
{
	struct gmb_file file;
	struct gmb_manager m;
	in_port_t port = 0;
	int i, fd;

	(void)arg;
	for (i = 0; i < 20; i++) {
		check_is(gmb_file_wrap(&file, listen_on(&port)), 0);
		check_is(gmb_manager_open(&m), 0);
		check_that(gmb_spawn(&m, wait_ready, &file));
		if (i & 1)
			let_wait();
		else
			check_is(gmb_yield(), 0);
		if (i & 2)
			gmb_manager_cancel(&m);
		check_is(gmb_file_close(&file), 0);
		fd = listen_on(&port);
		close(fd);
		check_is(gmb_manager_close(&m), 0);
	}
	return 0;
}

START_TEST(closed_listener_frees_its_port_at_once)
{
	check_is(run(close_listener, NULL), 0);
}
END_TEST

static intptr_t leave_open(void *arg)
{
	struct stream *s = arg;
	struct reading r = { .file = &s->file };
	struct gmb_manager m;

	open_stream(s);
	check_is(gmb_manager_open(&m), 0);
	check_that(gmb_spawn(&m, read_once, &r));
	let_wait();
	gmb_manager_cancel(&m);
	check_is(gmb_manager_close(&m), 0);
	return gmb_file_fd(&s->file);
}

START_TEST(ended_loop_keeps_no_file)
{
	struct stream s;
	char c;

	close((int)run(leave_open, &s));
	check_is(read(s.fd, &c, 1), 0);
	close(s.fd);
}
END_TEST

/* A late event of a closed file reaches neither it nor its successor. */
static intptr_t reuse_number(void *arg)
{
	struct reading r = { 0 };
	struct gmb_manager m;
	struct stream s;
	int i, number = -1;

	(void)arg;
	for (i = 0; i < 200; i++) {
		open_stream(&s);
		check_that(number < 0 || gmb_file_fd(&s.file) == number);
		number = gmb_file_fd(&s.file);
		r.file = &s.file;
		check_is(gmb_manager_open(&m), 0);
		check_that(gmb_spawn(&m, read_once, &r));
		let_wait();
		check_is(write(s.fd, "old", 3), 3);
		close_stream(&s);
		check_is(gmb_manager_close(&m), 0);
		check_is(r.got, -EBADF);
	}
	return 0;
}

START_TEST(events_of_a_closed_file_reach_nobody)
{
	check_is(run(reuse_number, NULL), 0);
}
END_TEST

/* Both files are the same open file; the end of one is not the other's. */
static intptr_t close_duplicate(void *arg)
{
	struct reading a, b;
	struct gmb_manager m;
	struct gmb_file twin;
	struct stream s;

	(void)arg;
	open_stream(&s);
	check_is(gmb_file_wrap(&twin, dup(gmb_file_fd(&s.file))), 0);
	a.file = &s.file;
	b.file = &twin;
	check_is(gmb_manager_open(&m), 0);
	check_that(gmb_spawn(&m, read_once, &a));
	check_that(gmb_spawn(&m, read_once, &b));
	let_wait();
	check_is(gmb_file_close(&s.file), 0);
	check_is(write(s.fd, "hello", 5), 5);
	check_is(gmb_manager_close(&m), 0);
	check_is(a.got, -EBADF);
	check_is(b.got, 5);
	check_is(gmb_file_close(&twin), 0);
	close(s.fd);
	return 0;
}

START_TEST(duplicate_outlives_its_twin)
{
	check_is(run(close_duplicate, NULL), 0);
}
END_TEST

Suite *test_uring_suite(void)
{
	Suite *suite = suite_create("uring");
	TCase *tc = tcase_create("uring");

	suite_add_tcase(suite, tc);
	if (!backend_works("uring"))
		return suite;
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, bytes_pass_one_wait_after_the_other);
	tcase_add_test(tc, end_of_a_stream_is_seen_behind_data);
	tcase_add_test(tc, reading_goes_on_behind_urgent_data);
	tcase_add_test(tc, writer_waits_for_room_as_often_as_it_takes);
	tcase_add_test(tc, cancelled_reads_lose_no_byte);
	tcase_add_test(tc, closed_pipe_is_closed_at_once);
	tcase_add_test(tc, closed_listener_frees_its_port_at_once);
	tcase_add_test(tc, ended_loop_keeps_no_file);
	tcase_add_test(tc, events_of_a_closed_file_reach_nobody);
	tcase_add_test(tc, duplicate_outlives_its_twin);
	return suite;
}
