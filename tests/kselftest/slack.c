/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * When a sleeping trap ends: how many completions were asked for, how long
 * each may be held back, and the batch that ends the patience. What must not
 * happen early is checked against the clock; that something is not late, by
 * its coming long before the trap's own end.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"

#define N	4

FIXTURE(slack)
{
	struct loop l;
	int fd[N][2];
	char buf[N];
};

FIXTURE_SETUP(slack)
{
	int i;

	ASSERT_EQ(0, loop_init(&self->l, 64, 64));
	for (i = 0; i < N; i++) {
		ASSERT_EQ(0, pair_unix(self->fd[i]));
		ASSERT_EQ(0, loop_watch(&self->l, self->fd[i][0]));
	}
}

FIXTURE_TEARDOWN(slack)
{
	loop_fini(&self->l);
}

#define RECV(i, slack)							\
	(loop_buf(&self->l, GMB_OP_RECV, self->fd[i][0], i,		\
		  &self->buf[i], 1)->slack_ns = (slack))

/* All n are there by now, though a trap may come back with some of them. */
#define EXPECT_ALL(n) do {						\
	int n_ = 0;							\
									\
	loop_trap_once(&self->l, 0, 0, 0);				\
	while (loop_next(&self->l).user_data != NONE)			\
		n_++;							\
	EXPECT_EQ(n, n_);						\
} while (0)

/* Run a trap while a byte arrives after ms at pair i; the ns that it took. */
#define TRAP_WHILE(i, delay, min, batch, timeout, posted) ({		\
	struct later later_ = { .ms = (delay), .fn = later_write,	\
				.fd = self->fd[i][1] };			\
	unsigned long long t_ = now();					\
									\
	ASSERT_EQ(0, later_start(&later_));				\
	EXPECT_LE(posted, loop_gather(&self->l, min, batch, timeout));	\
	t_ = now() - t_;						\
	later_end(&later_);						\
	t_;								\
})

TEST_F(slack, none_is_at_once)
{
	unsigned long long t;

	RECV(0, 0);
	t = TRAP_WHILE(0, 10, 1, 0, LONG, 1);
	EXPECT_LE(10 * MS, t);
	EXPECT_GT(LONG, t);
}

TEST_F(slack, holds_back)
{
	unsigned long long t;

	RECV(0, 150 * MS);
	t = TRAP_WHILE(0, 10, 1, 0, LONG, 1);
	EXPECT_LE(160 * MS, t);
	EXPECT_GT(LONG, t);
}

TEST_F(slack, shortest_counts)
{
	unsigned long long t;

	RECV(0, 4000 * MS);
	RECV(1, 100 * MS);
	ASSERT_EQ(0, loop_trap(&self->l, 0));
	/* The first is there when the sleep begins; the second ends it. */
	t = TRAP_WHILE(1, 10, 1, 0, LONG, 1);
	EXPECT_LE(110 * MS, t);
	EXPECT_GT(4000 * MS, t);
	EXPECT_EQ(1, loop_next(&self->l).user_data);
}

/* The urgent one takes those along that could still have waited. */
TEST_F(slack, urgent_takes_all)
{
	struct later first = { .ms = 250, .fn = later_write };
	unsigned long long t;

	RECV(0, GMB_SLACK_MAX);
	RECV(1, 0);
	first.fd = self->fd[0][1];
	ASSERT_EQ(0, loop_trap(&self->l, 0));
	ASSERT_EQ(0, later_start(&first));
	t = TRAP_WHILE(1, 700, 1, 0, LONG, 1);
	later_end(&first);
	EXPECT_LE(700 * MS, t);
	EXPECT_GT(LONG, t);
	EXPECT_ALL(2);
}

TEST_F(slack, without_end_of_its_own)
{
	unsigned long long t;

	RECV(0, GMB_SLACK_MAX);
	t = TRAP_WHILE(0, 5, 1, 0, 1000 * MS, 1);
	EXPECT_LE(1000 * MS, t);
	EXPECT_EQ(0, loop_next(&self->l).user_data);
}

TEST_F(slack, batch_ends_it)
{
	struct later first = { .ms = 250, .fn = later_write };
	unsigned long long t;

	RECV(0, GMB_SLACK_MAX);
	RECV(1, GMB_SLACK_MAX);
	ASSERT_EQ(0, loop_trap(&self->l, 0));
	first.fd = self->fd[0][1];
	ASSERT_EQ(0, later_start(&first));
	t = TRAP_WHILE(1, 700, 1, 2, LONG, 1);
	later_end(&first);
	EXPECT_LE(700 * MS, t);
	EXPECT_GT(LONG, t);
	EXPECT_ALL(2);
}

/* So many completions, or the time: whichever comes first. */
TEST_F(slack, several_or_the_time)
{
	struct later first = { .ms = 5, .fn = later_write };
	unsigned long long t;

	RECV(0, 0);
	RECV(1, 0);
	RECV(2, 0);
	ASSERT_EQ(0, loop_trap(&self->l, 0));
	first.fd = self->fd[0][1];
	ASSERT_EQ(0, later_start(&first));
	t = TRAP_WHILE(1, 200, 2, 0, LONG, 2);
	later_end(&first);
	EXPECT_LE(200 * MS, t);
	EXPECT_GT(LONG, t);
	while (loop_next(&self->l).user_data != NONE)
		;
	RECV(0, 0);
	RECV(1, 0);
	t = TRAP_WHILE(2, 5, 3, 0, 100 * MS, 1);
	EXPECT_LE(100 * MS, t);
	EXPECT_EQ(2, loop_next(&self->l).user_data);
}

TEST_F(slack, nothing_in_time)
{
	unsigned long long t = now();

	RECV(0, 0);
	EXPECT_EQ(0, loop_trap_for(&self->l, 1, 0, 30 * MS));
	EXPECT_LE(30 * MS, now() - t);
	t = now();
	EXPECT_EQ(0, loop_trap_for(&self->l, 2, 1, 30 * MS));
	EXPECT_LE(30 * MS, now() - t);
	EXPECT_EQ(0, loop_trap_for(&self->l, 1, 0, 0));
	/* Nearly for ever, but not quite, must not be over at once. */
	t = TRAP_WHILE(0, 20, 1, 0, ~0ULL >> 1, 1);
	EXPECT_LE(20 * MS, t);
	RECV(0, 0);
	t = TRAP_WHILE(0, 20, 1, 0, ~0ULL - 1, 1);
	EXPECT_LE(20 * MS, t);
}

/* An event with patience and no end does not keep a closed file from going. */
TEST_F(slack, closed_behind_patience)
{
	unsigned long long t;

	RECV(0, GMB_SLACK_MAX);
	RECV(1, 0);
	ASSERT_EQ(0, loop_trap(&self->l, 0));
	close(self->fd[1][0]);
	t = TRAP_WHILE(0, 5, 1, 0, LONG, 1);
	EXPECT_GT(LONG, t);
	/* Once awake, it has both to tell, in one order or the other. */
	EXPECT_EQ(1, loop_trap_for(&self->l, 1, 0, LONG));
	EXPECT_EQ(1 - EBADF, loop_next(&self->l).res + loop_next(&self->l).res);
}

/* What is there already needs no patience, whatever its slack. */
TEST_F(slack, awake_performs_all)
{
	ASSERT_EQ(1, write(self->fd[0][1], "x", 1));
	RECV(0, GMB_SLACK_MAX);
	RECV(1, GMB_SLACK_MAX);
	EXPECT_EQ(1, loop_trap(&self->l, 1));
	ASSERT_EQ(1, write(self->fd[1][1], "x", 1));
	EXPECT_EQ(1, loop_trap(&self->l, 1));
}

TEST_F(slack, of_tasks)
{
	struct later later = {
		.ms = 5, .fn = later_wake, .loop = &self->l,
	};
	unsigned long long t = now();

	ASSERT_EQ(0, loop_task(&self->l, 0, 0, 9, 100 * MS));
	ASSERT_EQ(0, later_start(&later));
	EXPECT_EQ(1, loop_trap(&self->l, 1));
	EXPECT_LE(100 * MS, now() - t);
	EXPECT_GT(LONG, now() - t);
	later_end(&later);
	EXPECT_EQ(9, loop_next(&self->l).user_data);
}

/* Each has its own patience, in both directions of one file. */
TEST_F(slack, reader_and_writer)
{
	unsigned long long t;
	char page[4096] = { 0 };

	while (send(self->fd[0][0], page, sizeof(page), MSG_DONTWAIT) > 0)
		;
	RECV(0, 0);
	loop_op(&self->l, GMB_OP_READY, self->fd[0][0], 7)->events = POLLOUT;
	self->l.sq[(self->l.ring->sq_tail - 1) & 63].slack_ns = GMB_SLACK_MAX;
	ASSERT_EQ(0, loop_trap(&self->l, 0));
	while (recv(self->fd[0][1], page, sizeof(page), MSG_DONTWAIT) > 0)
		;
	EXPECT_EQ(1, loop_trap_for(&self->l, 1, 0, 50 * MS));
	EXPECT_EQ(7, loop_next(&self->l).user_data);
	t = TRAP_WHILE(0, 10, 1, 0, LONG, 1);
	EXPECT_GT(LONG, t);
}

static void later_hang_up(struct later *l)
{
	l->ret = close(l->fd);
}

/* What ends a file is an event for its reader and one for its writer. */
TEST_F(slack, end_counts_for_both)
{
	struct later later = { .ms = 100, .fn = later_hang_up };
	unsigned long long t = now();
	char page[4096] = { 0 };

	while (send(self->fd[0][0], page, sizeof(page), MSG_DONTWAIT) > 0)
		;
	RECV(0, 0);
	loop_op(&self->l, GMB_OP_READY, self->fd[0][0], 7)->events = POLLOUT;
	ASSERT_EQ(0, loop_trap(&self->l, 0));
	later.fd = self->fd[0][1];
	ASSERT_EQ(0, later_start(&later));
	EXPECT_EQ(2, loop_gather(&self->l, 2, 0, LONG));
	EXPECT_GT(LONG, now() - t);
	later_end(&later);
}

static void later_read(struct later *l)
{
	char page[4096];

	while (recv(l->fd, page, sizeof(page), MSG_DONTWAIT) > 0)
		;
}

/* A file with news for one side still has the other side's to tell. */
TEST_F(slack, urgent_writer_behind_reader)
{
	struct later first = { .ms = 100, .fn = later_write };
	struct later second = { .ms = 400, .fn = later_read };
	struct loop *l = &self->l;
	unsigned long long t;
	char page[4096] = { 0 };

	/* The reader has waited before: it finds an old sign of readiness. */
	loop_op(l, GMB_OP_READY, self->fd[0][0], 1)->events = POLLIN;
	ASSERT_EQ(0, loop_trap(l, 0));
	ASSERT_EQ(1, write(self->fd[0][1], "x", 1));
	ASSERT_EQ(1, loop_trap(l, 1));
	ASSERT_EQ(1, loop_next(l).user_data);
	ASSERT_EQ(1, read(self->fd[0][0], page, 1));
	while (send(self->fd[0][0], page, sizeof(page), MSG_DONTWAIT) > 0)
		;
	loop_op(l, GMB_OP_READY, self->fd[0][0], 1)->events = POLLIN;
	l->sq[(l->ring->sq_tail - 1) & 63].slack_ns = GMB_SLACK_MAX;
	loop_op(l, GMB_OP_READY, self->fd[0][0], 2)->events = POLLOUT;
	ASSERT_EQ(0, loop_trap(l, 0));
	first.fd = second.fd = self->fd[0][1];
	t = now();
	ASSERT_EQ(0, later_start(&first));
	ASSERT_EQ(0, later_start(&second));
	EXPECT_LE(1, loop_trap(l, 1));
	EXPECT_GT(LONG, now() - t);
	later_end(&first);
	later_end(&second);
	EXPECT_ALL(2);
}

/* The same with the roles changed, and an operation that transfers. */
TEST_F(slack, urgent_reader_behind_writer)
{
	struct later first = { .ms = 100, .fn = later_read };
	struct later second = { .ms = 400, .fn = later_write };
	struct loop *l = &self->l;
	unsigned long long t;
	char page[4096] = { 0 };

	while (send(self->fd[0][0], page, sizeof(page), MSG_DONTWAIT) > 0)
		;
	loop_op(l, GMB_OP_READY, self->fd[0][0], 1)->events = POLLOUT;
	l->sq[(l->ring->sq_tail - 1) & 63].slack_ns = GMB_SLACK_MAX;
	RECV(0, 0);
	ASSERT_EQ(0, loop_trap(l, 0));
	first.fd = second.fd = self->fd[0][1];
	t = now();
	ASSERT_EQ(0, later_start(&first));
	ASSERT_EQ(0, later_start(&second));
	EXPECT_LE(1, loop_trap(l, 1));
	EXPECT_GT(LONG, now() - t);
	later_end(&first);
	later_end(&second);
	EXPECT_ALL(2);
}

/* Times expire while the trap goes to sleep, wakes up, goes to sleep … */
TEST_F(slack, many_short_ones)
{
	struct itimerspec every = {
		.it_interval = { .tv_nsec = 50000 },
		.it_value = { .tv_nsec = 50000 },
	};
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), i;
	struct loop *l = &self->l;
	unsigned long long count;

	ASSERT_EQ(0, loop_watch(l, timer));
	ASSERT_EQ(0, timerfd_settime(timer, 0, &every, NULL));
	for (i = 0; i < 1000; i++) {
		loop_buf(l, GMB_OP_READ, timer, 1, &count, 8)->slack_ns =
			i % 100 * 1000;
		ASSERT_EQ(1, loop_trap(l, 1));
		ASSERT_EQ(8, loop_next(l).res);
	}
	close(timer);
}

#define MANY	70	/* more watches than one trap goes on with */

/* Wait for one file by many watches, whose indices begin at first. */
static int wait_by_many(struct loop *l, int fd, unsigned int first,
			unsigned int slack)
{
	struct gmb_ioc_op *op;
	unsigned int i;
	int ret;

	for (i = first; i < first + MANY; i++) {
		loop_op(l, GMB_OP_WATCH_ADD, i, 0)->fd = fd;
		ret = loop_result(l);
		if (ret)
			return ret;
		op = loop_op(l, GMB_OP_READY, i, 1);
		op->events = POLLIN;
		op->slack_ns = slack;
	}
	return loop_trap(l, 0);
}

/* What a trap has left for the next one goes with the context. */
TEST(end_with_work_left)
{
	struct loop l;
	int i, n, fd[3];

	ASSERT_EQ(0, loop_init(&l, 128, 512));
	for (i = 0; i < 3; i++) {
		fd[i] = eventfd(0, EFD_NONBLOCK);
		ASSERT_EQ(0, wait_by_many(&l, fd[i], 100 * (i + 1),
					  i == 1 ? 0 : GMB_SLACK_MAX));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, eventfd_write(fd[i], 1));
		n = loop_trap(&l, i);
		EXPECT_LT(0, n);
		EXPECT_GT(MANY, n);
	}
	ASSERT_EQ(0, eventfd_write(fd[2], 1));
	loop_fini(&l);
	for (i = 0; i < 3; i++)
		close(fd[i]);
}

TEST_HARNESS_MAIN
