/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Bare ways to wait for a pipe, an eventfd, or the time to pass.
 */

#include <liburing.h>
#include <sys/epoll.h>
#include "ring.h"
#include "wakes.h"

static void expect(long n, const char *what)
{
	if (n != WAKES_BYTES)
		ring_die(what);
}

/* epoll, level-triggered: a wait and a read, no call that says EAGAIN. */

static void epoll_read(int fd, long rounds)
{
	struct epoll_event event = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	char buf[WAKES_BYTES];
	long i;

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
	for (i = 0; i < rounds; i++) {
		wakes_mark(i);
		if (epoll_wait(ep, &event, 1, -1) != 1)
			ring_die("epoll_wait");
		expect(read(fd, buf, sizeof(buf)), "read");
	}
}

static void epoll_sleep(long rounds)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;
	long i;

	for (i = 0; i < rounds; i++) {
		wakes_mark(i);
		epoll_wait(ep, &event, 1, WAKES_SLEEP_NS / 1000000);
	}
}

/* io_uring: a read as a request, submitted and waited for in one call. */

static void uring_open(struct io_uring *ring)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN,
	};

	if (io_uring_queue_init_params(64, ring, &params))
		ring_die("io_uring");
	io_uring_register_ring_fd(ring);
}

static void uring_read(int fd, long rounds)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	char buf[WAKES_BYTES];
	long i;

	uring_open(&ring);
	io_uring_register_files(&ring, &fd, 1);
	for (i = 0; i < rounds; i++) {
		wakes_mark(i);
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_read(sqe, 0, buf, sizeof(buf), 0);
		sqe->flags |= IOSQE_FIXED_FILE;
		io_uring_submit_and_wait(&ring, 1);
		if (io_uring_peek_cqe(&ring, &cqe))
			ring_die("io_uring_submit_and_wait");
		expect(cqe->res, "read by io_uring");
		io_uring_cqe_seen(&ring, cqe);
	}
}

/* A poll as a request, and the read as a call. */
static void uring_poll(int fd, long rounds)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	char buf[WAKES_BYTES];
	long i;

	uring_open(&ring);
	io_uring_register_files(&ring, &fd, 1);
	for (i = 0; i < rounds; i++) {
		wakes_mark(i);
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_poll_add(sqe, 0, EPOLLIN);
		sqe->flags |= IOSQE_FIXED_FILE;
		io_uring_submit_and_wait(&ring, 1);
		if (io_uring_peek_cqe(&ring, &cqe))
			ring_die("io_uring_submit_and_wait");
		io_uring_cqe_seen(&ring, cqe);
		expect(read(fd, buf, sizeof(buf)), "read");
	}
}

static void uring_sleep(long rounds)
{
	struct __kernel_timespec span = { .tv_nsec = WAKES_SLEEP_NS };
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	long i;

	uring_open(&ring);
	for (i = 0; i < rounds; i++) {
		wakes_mark(i);
		io_uring_wait_cqe_timeout(&ring, &cqe, &span);
	}
}

/* giambio.ko: a read as an operation. */

static void trap_read(int fd, long rounds)
{
	const struct gmb_ioc_cqe *cqe;
	char buf[WAKES_BYTES];
	struct ring ring;
	long i;

	ring_open(&ring, 64);
	ring_watch(&ring, fd);
	for (i = 0; i < rounds; i++) {
		wakes_mark(i);
		ring_in(&ring, GMB_OP_READ, fd, buf, sizeof(buf), 1);
		ring_trap(&ring, 1);
		cqe = ring_read(&ring);
		expect(cqe ? cqe->res : 0, "read by a trap");
		ring_read_up(&ring);
	}
}

static void trap_sleep(long rounds)
{
	struct ring ring;
	long i;

	ring_open(&ring, 64);
	for (i = 0; i < rounds; i++) {
		wakes_mark(i);
		ring_trap_with(&ring, 1, 0, WAKES_SLEEP_NS);
	}
}

const struct wakes_reader wakes_readers[] = {
	{ "bare-epoll", epoll_read, epoll_sleep },
	{ "bare-uring-read", uring_read, uring_sleep },
	{ "bare-uring-poll", uring_poll, uring_sleep },
	{ "trap", trap_read, trap_sleep },
	{ NULL, NULL, NULL },
};
