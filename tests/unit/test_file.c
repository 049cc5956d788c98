/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <limits.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include "io_harness.h"

/* Wrapping */

IO_TEST(wrap_refuses_what_cannot_wait)
{
	char path[] = "/tmp/giambio-test-XXXXXX";
	struct gmb_file file;
	int fd;

	check_is(gmb_file_wrap(&file, -1), -EBADF);
	check_is(gmb_file_wrap(&file, 1000), -EBADF);
	fd = mkstemp(path);
	check_that(fd >= 0);
	unlink(path);
	check_is(gmb_file_wrap(&file, fd), -EPERM);
	/* It is still the caller's. */
	check_is(close(fd), 0);
	fd = open("/", O_RDONLY | O_DIRECTORY);
	check_is(gmb_file_wrap(&file, fd), -EPERM);
	check_is(close(fd), 0);
	return 0;
}

START_TEST(calls_outside_a_task_are_refused)
{
	struct gmb_file file = { 0 };
	char byte = 0;
	int fds[2];

	check_is(pipe(fds), 0);
	check_is(gmb_file_wrap(&file, fds[0]), -EPERM);
	check_is(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
	check_is(gmb_read(&file, &byte, 1), -EPERM);
	check_is(gmb_write(&file, &byte, 1), -EPERM);
	check_is(gmb_ready(&file, POLLIN), -EPERM);
	check_is(gmb_file_close(&file), -EBADF);
}
END_TEST

IO_TEST(wrap_makes_it_non_blocking_and_release_gives_it_back)
{
	struct gmb_file file;
	int fds[2];

	check_is(pipe(fds), 0);
	check_is(gmb_file_wrap(&file, fds[0]), 0);
	check_is(gmb_file_fd(&file), fds[0]);
	check_that(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	check_is(gmb_file_release(&file), fds[0]);
	check_that(fcntl(fds[0], F_GETFD) >= 0);
	check_is(gmb_file_fd(&file), -EBADF);
	check_is(gmb_file_release(&file), -EBADF);
	/* And wrapped again. */
	check_is(gmb_file_wrap(&file, fds[0]), 0);
	check_is(gmb_file_close(&file), 0);
	check_is(close(fds[1]), 0);
	return 0;
}

IO_TEST(a_closed_file_is_refused_everywhere)
{
	struct gmb_file out, in, zeroed = { 0 };
	struct iovec iov = { &zeroed, 1 };
	char byte = 0;
	size_t n = 7;

	open_pipe(&out, &in);
	check_is(gmb_file_close(&out), 0);
	check_is(gmb_file_close(&out), -EBADF);
	check_is(gmb_file_close(&zeroed), -EBADF);
	check_is(gmb_file_fd(&zeroed), -EBADF);
	check_is(gmb_read(&out, &byte, 1), -EBADF);
	check_is(gmb_read(&out, &byte, 0), -EBADF);
	check_is(gmb_readv(&out, &iov, 1), -EBADF);
	check_is(gmb_read_exactly(&out, &byte, 1, &n), -EBADF);
	check_is(n, 0);
	check_is(gmb_write(&out, &byte, 1), -EBADF);
	check_is(gmb_writev(&out, &iov, 1), -EBADF);
	check_is(gmb_write_all(&out, &byte, 1, &n), -EBADF);
	check_is(gmb_ready(&out, POLLIN), -EBADF);
	check_is(gmb_read(&zeroed, &byte, 1), -EBADF);
	check_is(gmb_file_close(&in), 0);
	return 0;
}

/* Bytes */

struct stream {
	struct gmb_file *file;
	char *buf;
	size_t len;
	size_t chunk;
	size_t done;
	intptr_t rc;
};

static intptr_t write_stream(void *arg)
{
	struct stream *s = arg;

	s->rc = gmb_write_all(s->file, s->buf, s->len, &s->done);
	gmb_file_close(s->file);
	return 0;
}

static intptr_t read_stream(void *arg)
{
	struct stream *s = arg;
	ssize_t n;

	do {
		n = gmb_read(s->file, s->buf + s->done, s->chunk);
		if (n > 0)
			s->done += (size_t)n;
	} while (n > 0);
	s->rc = n;
	return 0;
}

IO_TEST(a_pipe_carries_all_bytes_in_order)
{
	static char from[1000003], to[sizeof(from) + 4096];
	struct gmb_file out, in;
	struct stream w = { &in, from, sizeof(from), 0, 0, 1 };
	struct stream r = { &out, to, sizeof(to), 4096, 0, 1 };
	intptr_t rc = 0;
	size_t i;

	for (i = 0; i < sizeof(from); i++)
		from[i] = (char)(i * 2654435761u >> 13);
	open_pipe(&out, &in);
	gmb_manager(m, rc) {
		gmb_spawn(m, read_stream, &r);
		gmb_spawn(m, write_stream, &w);
	}
	check_is(rc, 0);
	check_is(w.rc, 0);
	check_is(w.done, sizeof(from));
	check_is(r.rc, 0);
	check_is(r.done, sizeof(from));
	check_is(memcmp(from, to, sizeof(from)), 0);
	check_is(gmb_file_close(&out), 0);
	return 0;
}

IO_TEST(vectors_and_lengths)
{
	struct iovec none[2] = { { NULL, 0 }, { NULL, 0 } };
	char a[3], b[8], huge_ok[4] = "abc";
	struct iovec two[3] = { { a, 3 }, { NULL, 0 }, { b, 8 } };
	struct iovec absurd[2] = { { a, SIZE_MAX }, { b, SIZE_MAX } };
	struct gmb_file out, in;
	size_t n;

	open_pipe(&out, &in);
	check_is(gmb_read(&out, a, 0), 0);
	check_is(gmb_write(&in, a, 0), 0);
	check_is(gmb_write_all(&in, a, 0, &n), 0);
	check_is(gmb_readv(&out, none, 2), 0);
	check_is(gmb_readv(&out, two, 0), -EINVAL);
	check_is(gmb_readv(&out, two, -1), -EINVAL);
	check_is(gmb_readv(&out, two, IOV_MAX + 1), -EINVAL);
	check_is(gmb_readv(&out, absurd, 2), -EINVAL);

	memcpy(a, "123", 3);
	memcpy(b, "45678901", 8);
	check_is(gmb_writev(&in, two, 3), 11);
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	check_is(gmb_readv(&out, two, 3), 11);
	check_is(memcmp(a, "123", 3), 0);
	check_is(memcmp(b, "45678901", 8), 0);

	/* More than there is, and more than there can be. */
	check_is(gmb_write(&in, huge_ok, 3), 3);
	check_is(gmb_read(&out, b, LONGEST(b)), 3);
	check_is(memcmp(b, "abc", 3), 0);
	check_is(gmb_file_close(&out), 0);
	check_is(gmb_write(&in, a, 1), -EPIPE);
	check_is(gmb_file_close(&in), 0);
	return 0;
}

IO_TEST(read_exactly_says_what_it_got)
{
	struct gmb_file out, in;
	char buf[8];
	size_t got = 9;
	int rc = 0;

	open_pipe(&out, &in);
	check_is(gmb_write(&in, "12345678", 8), 8);
	check_is(gmb_read_exactly(&out, buf, 8, &got), 0);
	check_is(got, 8);
	/* Cancelled in the middle: the bytes so far are in the buffer. */
	check_is(gmb_write(&in, "abc", 3), 3);
	gmb_with_timeout(rc, 5 * GMB_MS) {
		rc = gmb_read_exactly(&out, buf, 8, &got);
	}
	check_is(rc, -ETIMEDOUT);
	check_is(got, 3);
	check_is(memcmp(buf, "abc", 3), 0);
	check_is(gmb_write(&in, "de", 2), 2);
	check_is(gmb_file_close(&in), 0);
	check_is(gmb_read_exactly(&out, buf, 8, &got), -ENODATA);
	check_is(got, 2);
	check_is(gmb_file_close(&out), 0);
	return 0;
}

/* Waiting */

struct waiter {
	struct gmb_file *file;
	short events;
	intptr_t rc;
	char byte;
};

static intptr_t wait_read(void *arg)
{
	struct waiter *w = arg;

	w->rc = gmb_read(w->file, &w->byte, 1);
	return 0;
}

static intptr_t wait_write(void *arg)
{
	static const char zeroes[4096];
	struct waiter *w = arg;

	w->rc = gmb_write(w->file, zeroes, sizeof(zeroes));
	return 0;
}

static intptr_t wait_ready(void *arg)
{
	struct waiter *w = arg;

	w->rc = gmb_ready(w->file, w->events);
	return 0;
}

static void fill_pipe(struct gmb_file *in)
{
	static const char zeroes[65536];

	while (write(gmb_file_fd(in), zeroes, sizeof(zeroes)) > 0)
		;
	check_is(errno, EAGAIN);
}

IO_TEST(a_second_waiter_is_refused)
{
	struct gmb_file out, in;
	struct waiter r = { .file = &out }, w = { .file = &in };
	intptr_t rc = 0;
	char buf[8];

	open_pipe(&out, &in);
	gmb_manager(m, rc) {
		gmb_spawn(m, wait_read, &r);
		settle();
		check_is(gmb_read(&out, buf, 1), -EBUSY);
		check_is(gmb_ready(&out, POLLIN), -EBUSY);
		check_is(gmb_file_release(&out), -EBUSY);
		check_is(gmb_write(&in, "x", 1), 1);
	}
	check_is(r.rc, 1);
	check_is(r.byte, 'x');
	fill_pipe(&in);
	gmb_manager(m, rc) {
		gmb_spawn(m, wait_write, &w);
		settle();
		check_is(gmb_write(&in, buf, 1), -EBUSY);
		while (read(gmb_file_fd(&out), buf, sizeof(buf)) > 0)
			;
	}
	check_is(w.rc, 4096);
	check_is(gmb_file_close(&out), 0);
	check_is(gmb_file_close(&in), 0);
	return rc;
}

IO_TEST(close_ends_the_waits)
{
	struct gmb_file out, in;
	struct waiter r = { .file = &out }, w = { .file = &in };
	struct waiter ready = { .file = &out, .events = POLLIN };
	intptr_t rc = 0;

	open_pipe(&out, &in);
	fill_pipe(&in);
	gmb_manager(m, rc) {
		gmb_spawn(m, wait_write, &w);
		settle();
		check_is(gmb_file_close(&in), 0);
	}
	check_is(w.rc, -EBADF);
	check_is(gmb_file_close(&out), 0);

	open_pipe(&out, &in);
	gmb_manager(m, rc) {
		gmb_spawn(m, wait_read, &r);
		settle();
		check_is(gmb_file_close(&out), 0);
		/* The memory may go before the waiter knows. */
		memset(&out, 0x5a, sizeof(out));
	}
	check_is(r.rc, -EBADF);
	check_is(gmb_write(&in, "x", 1), -EPIPE);
	check_is(gmb_file_close(&in), 0);

	open_pipe(&out, &in);
	gmb_manager(m, rc) {
		gmb_spawn(m, wait_ready, &ready);
		settle();
		check_is(gmb_file_close(&out), 0);
	}
	check_is(ready.rc, -EBADF);
	check_is(gmb_file_close(&in), 0);
	return rc;
}

IO_TEST(a_cancelled_read_loses_no_byte)
{
	struct gmb_file out, in;
	char byte = 'n';
	ssize_t n = 0;

	open_pipe(&out, &in);
	gmb_with_timeout(n, 5 * GMB_MS) {
		n = gmb_read(&out, &byte, 1);
	}
	check_is(n, -ETIMEDOUT);
	check_is(byte, 'n');
	check_is(gmb_write(&in, "y", 1), 1);
	check_is(gmb_read(&out, &byte, 1), 1);
	check_is(byte, 'y');
	/* A call that begins cancelled does nothing. */
	check_is(gmb_write(&in, "z", 1), 1);
	n = 0;
	gmb_with_timeout(n, 0) {
		check_is(gmb_sleep(GMB_MS), -ECANCELED);
		n = gmb_read(&out, &byte, 1);
	}
	check_is(n, -ETIMEDOUT);
	check_is(gmb_read(&out, &byte, 1), 1);
	check_is(byte, 'z');
	check_is(gmb_file_close(&out), 0);
	check_is(gmb_file_close(&in), 0);
	return 0;
}

IO_TEST(ready_tells_which_events)
{
	struct waiter w = { .events = POLLIN };
	struct gmb_file out, in;
	intptr_t rc = 0;
	char byte;
	int n = 0;

	open_pipe(&out, &in);
	w.file = &out;
	check_is(gmb_ready(&out, 0), -EINVAL);
	check_is(gmb_ready(&out, POLLHUP), -EINVAL);
	check_is(gmb_ready(&in, POLLOUT), POLLOUT);
	gmb_with_timeout(n, 5 * GMB_MS) {
		n = gmb_ready(&out, POLLIN | POLLPRI);
	}
	check_is(n, -ETIMEDOUT);
	gmb_manager(m, rc) {
		gmb_spawn(m, wait_ready, &w);
		settle();
		check_is(gmb_write(&in, "x", 1), 1);
	}
	check_is(rc, 0);
	check_is(w.rc, POLLIN);
	/* It still is, as nobody has read. */
	check_is(gmb_ready(&out, POLLIN), POLLIN);
	check_is(gmb_read(&out, &byte, 1), 1);
	gmb_manager(m, rc) {
		gmb_spawn(m, wait_ready, &w);
		settle();
		check_is(gmb_file_close(&in), 0);
	}
	check_is(w.rc, POLLHUP);
	check_is(gmb_file_close(&out), 0);
	return 0;
}

IO_TEST(an_eventfd_and_a_socket_are_files)
{
	struct gmb_file event, one, other;
	uint64_t value = 3;
	struct waiter w = { .file = &event, .events = POLLIN };
	intptr_t rc = 0;
	int fds[2];
	char byte;

	check_is(gmb_file_wrap(&event, eventfd(0, EFD_CLOEXEC)), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, wait_ready, &w);
		settle();
		check_is(gmb_write(&event, &value, sizeof(value)), 8);
	}
	check_is(w.rc, POLLIN);
	value = 0;
	check_is(gmb_read(&event, &value, sizeof(value)), 8);
	check_is(value, 3);
	check_is(gmb_read(&event, &value, 0), 0);
	check_is(gmb_file_close(&event), 0);

	check_is(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	check_is(gmb_file_wrap(&one, fds[0]), 0);
	check_is(gmb_file_wrap(&other, fds[1]), 0);
	check_is(gmb_write(&one, "s", 1), 1);
	check_is(gmb_read(&other, &byte, 1), 1);
	check_is(gmb_file_close(&other), 0);
	/* No SIGPIPE for a socket, whatever the program does with it. */
	signal(SIGPIPE, SIG_DFL);
	check_is(gmb_write(&one, "s", 1), -EPIPE);
	check_is(gmb_file_close(&one), 0);
	return rc;
}

/*
 * A packet pipe hands out one packet per read, and its read end does not know
 * that it is one: a short read does not mean that it is empty.
 */
IO_TEST(packets_behind_a_short_read_are_found)
{
	struct gmb_file out, in;
	char buf[64];
	int fds[2];

	check_is(pipe2(fds, O_DIRECT), 0);
	check_is(gmb_file_wrap(&out, fds[0]), 0);
	check_is(gmb_file_wrap(&in, fds[1]), 0);
	check_is(gmb_write(&in, "one", 3), 3);
	check_is(gmb_write(&in, "four", 4), 4);
	check_is(gmb_read(&out, buf, sizeof(buf)), 3);
	check_is(gmb_read(&out, buf, sizeof(buf)), 4);
	check_is(gmb_file_close(&out), 0);
	check_is(gmb_file_close(&in), 0);
	return 0;
}

/* Descriptors */

IO_TEST(a_number_used_again_is_another_file)
{
	struct gmb_file out, in, again, other_in;
	struct waiter w = { .file = &again };
	intptr_t rc = 0;
	int round, n = 0;
	char byte;

	for (round = 0; round < 100; round++) {
		open_pipe(&out, &in);
		gmb_skip_after(n, GMB_MS / 10) {
			n = (int)gmb_read(&out, &byte, 1);
		}
		check_is(gmb_write(&in, "o", 1), 1);
		check_is(gmb_file_close(&out), 0);
		open_pipe(&again, &other_in);
		gmb_manager(m, rc) {
			gmb_spawn(m, wait_read, &w);
			check_is(gmb_yield(), 0);
			check_is(gmb_write(&other_in, "n", 1), 1);
		}
		check_is(w.rc, 1);
		check_is(w.byte, 'n');
		check_is(gmb_file_close(&in), 0);
		check_is(gmb_file_close(&again), 0);
		check_is(gmb_file_close(&other_in), 0);
	}
	return rc;
}

/* A duplicate keeps the open file alive, and with it epoll's registration. */
IO_TEST(a_duplicate_outlives_its_file_without_harm)
{
	struct gmb_file out, in, twin;
	struct waiter r = { .file = &out };
	intptr_t rc = 0;
	char byte;
	int copy = -1;

	open_pipe(&out, &in);
	gmb_manager(m, rc) {
		gmb_spawn(m, wait_read, &r);
		settle();
		copy = dup(gmb_file_fd(&out));
		check_is(gmb_file_close(&out), 0);
	}
	check_is(r.rc, -EBADF);
	check_is(gmb_write(&in, "1", 1), 1);
	settle();
	check_is(gmb_file_wrap(&twin, copy), 0);
	check_is(gmb_read(&twin, &byte, 1), 1);
	r.file = &twin;
	gmb_manager(m, rc) {
		gmb_spawn(m, wait_read, &r);
		settle();
		check_is(gmb_write(&in, "2", 1), 1);
	}
	check_is(r.rc, 1);
	check_is(r.byte, '2');
	check_is(gmb_file_close(&twin), 0);
	check_is(gmb_file_close(&in), 0);
	return rc;
}

/* Closing the number behind the library's back, while a duplicate lives. */
IO_TEST(a_file_closed_behind_our_back_reaches_nobody)
{
	struct gmb_file out, in, next;
	char byte;
	int copy, n = 0;

	open_pipe(&out, &in);
	gmb_skip_after(n, GMB_MS) {
		n = (int)gmb_read(&out, &byte, 1);
	}
	copy = dup(gmb_file_fd(&out));
	close(gmb_file_fd(&out));
	check_is(gmb_file_close(&out), 0);
	check_is(gmb_file_wrap(&next, eventfd(0, EFD_CLOEXEC)), 0);
	n = 0;
	gmb_skip_after(n, GMB_MS) {
		n = (int)gmb_read(&next, &byte, 0);
		n = gmb_ready(&next, POLLIN);
	}
	check_is(write(gmb_file_fd(&in), "x", 1), 1);
	n = 0;
	gmb_with_timeout(n, 10 * GMB_MS) {
		n = gmb_ready(&next, POLLIN);
	}
	check_is(n, -ETIMEDOUT);
	check_is(gmb_file_close(&next), 0);
	check_is(gmb_file_close(&in), 0);
	check_is(close(copy), 0);
	return 0;
}

/* Loops */

static intptr_t use_foreign(void *arg)
{
	struct gmb_file *file = arg;
	char byte;

	check_is(gmb_read(file, &byte, 1), -EXDEV);
	check_is(gmb_read(file, &byte, 0), -EXDEV);
	check_is(gmb_write(file, &byte, 1), -EXDEV);
	check_is(gmb_ready(file, POLLIN), -EXDEV);
	check_is(gmb_file_close(file), -EXDEV);
	check_is(gmb_file_release(file), -EXDEV);
	return 0;
}

static void *other_thread(void *arg)
{
	return (void *)gmb_run(use_foreign, arg);
}

IO_TEST(a_file_of_another_loop_is_refused)
{
	struct gmb_file out, in;
	pthread_t thread;
	void *result;
	char byte;

	open_pipe(&out, &in);
	check_is(pthread_create(&thread, NULL, other_thread, &out), 0);
	check_is(pthread_join(thread, &result), 0);
	check_is(result, 0);
	check_is(gmb_write(&in, "x", 1), 1);
	check_is(gmb_read(&out, &byte, 1), 1);
	check_is(gmb_file_close(&out), 0);
	check_is(gmb_file_close(&in), 0);
	return 0;
}

static intptr_t leave_open(void *arg)
{
	struct gmb_file *ends = arg;
	char byte;
	int n = 0;

	open_pipe(&ends[0], &ends[1]);
	gmb_skip_after(n, GMB_MS) {
		n = (int)gmb_read(&ends[0], &byte, 1);
	}
	return 0;
}

START_TEST(a_file_can_be_closed_after_its_loop)
{
	struct gmb_file ends[2];
	int before = count_fds();

	check_is(gmb_run(leave_open, ends), 0);
	check_is(gmb_file_close(&ends[0]), 0);
	check_is(gmb_file_close(&ends[1]), 0);
	check_is(count_fds(), before);
}
END_TEST

Suite *test_file_suite(void);

Suite *test_file_suite(void)
{
	Suite *suite = suite_create("file");
	TCase *tc = tcase_create("file");

	tcase_add_test(tc, wrap_refuses_what_cannot_wait);
	tcase_add_test(tc, calls_outside_a_task_are_refused);
	tcase_add_test(tc,
		       wrap_makes_it_non_blocking_and_release_gives_it_back);
	tcase_add_test(tc, a_closed_file_is_refused_everywhere);
	tcase_add_test(tc, a_pipe_carries_all_bytes_in_order);
	tcase_add_test(tc, vectors_and_lengths);
	tcase_add_test(tc, read_exactly_says_what_it_got);
	tcase_add_test(tc, a_second_waiter_is_refused);
	tcase_add_test(tc, close_ends_the_waits);
	tcase_add_test(tc, a_cancelled_read_loses_no_byte);
	tcase_add_test(tc, ready_tells_which_events);
	tcase_add_test(tc, an_eventfd_and_a_socket_are_files);
	tcase_add_test(tc, packets_behind_a_short_read_are_found);
	tcase_add_test(tc, a_number_used_again_is_another_file);
	tcase_add_test(tc, a_duplicate_outlives_its_file_without_harm);
	tcase_add_test(tc, a_file_closed_behind_our_back_reaches_nobody);
	tcase_add_test(tc, a_file_of_another_loop_is_refused);
	tcase_add_test(tc, a_file_can_be_closed_after_its_loop);
	suite_add_tcase(suite, tc);
	return suite;
}
