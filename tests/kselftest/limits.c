/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What a program may have at most, and that it gets it back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"

#define NOBODY		65534
#define PARAMETER	MODULE_DIR "parameters/"

static int limit(int what, rlim_t value)
{
	struct rlimit r = { value, value };

	return setrlimit(what, &r) ? -errno : 0;
}

TEST(descriptors)
{
	struct gmb_ioc_query q = { .size = sizeof(q) };
	struct loop l;
	int p[2];

	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(0, limit(RLIMIT_NOFILE, 40));
	ASSERT_EQ(0, loop_open(&l));
	ASSERT_EQ(0, ioctl(l.fd, GMB_IOC_QUERY, &q));
	EXPECT_EQ(40, q.max_watches);
	l.setup = (struct gmb_ioc_setup){
		.size = sizeof(l.setup), .sq_entries = 8, .cq_entries = 8,
		.max_watches = 41,
	};
	EXPECT_EQ(-1, ioctl(l.fd, GMB_IOC_SETUP, &l.setup));
	EXPECT_EQ(EMFILE, errno);
	ASSERT_EQ(0, loop_setup(&l, 8, 8));
	EXPECT_EQ(40, l.setup.max_watches);
	ASSERT_EQ(0, loop_map(&l));
	loop_op(&l, GMB_OP_WATCH_ADD, 40, 0)->fd = p[0];
	EXPECT_EQ(-EINVAL, loop_result(&l));
	loop_fini(&l);
}

TEST(indices)
{
	struct loop l;
	int p[2];

	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(0, loop_open(&l));
	l.setup = (struct gmb_ioc_setup){
		.size = sizeof(l.setup), .sq_entries = 8, .cq_entries = 8,
		.max_watches = 5, .max_tasks = 3,
	};
	ASSERT_EQ(0, ioctl(l.fd, GMB_IOC_SETUP, &l.setup));
	EXPECT_EQ(5, l.setup.max_watches);
	EXPECT_EQ(3, l.setup.max_tasks);
	ASSERT_EQ(0, loop_map(&l));
	loop_op(&l, GMB_OP_WATCH_ADD, 5, 0)->fd = p[0];
	EXPECT_EQ(-EINVAL, loop_result(&l));
	loop_op(&l, GMB_OP_WATCH_ADD, 4, 0)->fd = p[0];
	EXPECT_EQ(0, loop_result(&l));
	EXPECT_EQ(-EINVAL, loop_task(&l, 3, 0, 0, 0));
	EXPECT_EQ(0, loop_task(&l, 2, 0, 0, 0));
	loop_fini(&l);
}

/* Locked memory is counted for who is not privileged, and given back. */
TEST(locked_memory)
{
	struct gmb_ioc_setup big = {
		.size = sizeof(big), .flags = GMB_SETUP_STAMPS,
		.sq_entries = 4096, .cq_entries = 4096,
	};
	struct loop l, small;

	if (geteuid())
		SKIP(return, "needs root, to become nobody");
	ASSERT_EQ(0, loop_open(&l));
	ASSERT_EQ(0, loop_open(&small));
	ASSERT_EQ(0, limit(RLIMIT_MEMLOCK, 64 << 10));
	ASSERT_EQ(0, setresuid(NOBODY, NOBODY, NOBODY));
	EXPECT_EQ(-1, ioctl(l.fd, GMB_IOC_SETUP, &big));
	EXPECT_EQ(ENOMEM, errno);
	ASSERT_EQ(0, loop_setup(&small, 256, 256));
	EXPECT_EQ(-ENOMEM, loop_setup(&l, 1024, 8));
	loop_fini(&small);
	/* At once, though the memory is freed a little later. */
	ASSERT_EQ(0, loop_setup(&l, 512, 512));
	ASSERT_EQ(0, loop_map(&l));
	/* The stamps of the one that failed are not written to. */
	loop_op(&l, GMB_OP_NOP, 0, 1);
	EXPECT_EQ(0, loop_result(&l));
	loop_fini(&l);
}

TEST(watches_of_a_user)
{
	int pipes[8][2], i, added = 0, res = 0;
	char was[32];
	struct loop l;

	if (geteuid())
		SKIP(return, "only root sets parameters");
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, pipe(pipes[i]));
	ASSERT_EQ(0, loop_init(&l, 8, 8));
	snprintf(was, sizeof(was), "%ld",
		 number_get(PARAMETER "max_user_watches"));
	ASSERT_EQ(0, number_set(PARAMETER "max_user_watches", "3"));
	for (i = 0; i < 8 && !res; i++) {
		res = loop_watch(&l, pipes[i][0]);
		added += !res;
	}
	EXPECT_EQ(-EMFILE, res);
	EXPECT_EQ(3, added);
	/* A replacement is no additional one. */
	loop_op(&l, GMB_OP_WATCH_ADD, pipes[0][0], 0)->fd = pipes[1][0];
	l.sq[(l.ring->sq_tail - 1) & 7].flags = GMB_F_REPLACE;
	EXPECT_EQ(0, loop_result(&l));
	EXPECT_EQ(0, loop_unwatch(&l, pipes[0][0]));
	EXPECT_EQ(0, loop_watch(&l, pipes[4][0]));
	EXPECT_EQ(-EMFILE, loop_watch(&l, pipes[5][0]));
	EXPECT_EQ(0, number_set(PARAMETER "max_user_watches", was));
	EXPECT_EQ(0, loop_watch(&l, pipes[5][0]));
	loop_fini(&l);
}

/* One that is dropped while it is queued counts until a trap meets it. */
TEST(watches_that_were_dropped)
{
	int i, fd, refused = 0;
	__u64 most = ~0ULL - 1;
	struct gmb_ioc_cqe c;
	char was[32];
	struct loop l;

	if (geteuid())
		SKIP(return, "only root sets parameters");
	fd = eventfd(1, EFD_NONBLOCK);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, loop_init(&l, 64, 64));
	snprintf(was, sizeof(was), "%ld",
		 number_get(PARAMETER "max_user_watches"));
	ASSERT_EQ(0, number_set(PARAMETER "max_user_watches", "10"));
	for (i = 0; i < 16; i++) {
		loop_op(&l, GMB_OP_WATCH_ADD, 0, 1)->fd = fd;
		l.sq[(l.ring->sq_tail - 1) & 63].flags = GMB_F_SKIP;
		/* There is room, but not for so much: to be tried again. */
		loop_buf(&l, GMB_OP_WRITE, 0, 2, &most, sizeof(most));
		loop_op(&l, GMB_OP_WATCH_DROP, 0, 3)->flags = GMB_F_SKIP;
	}
	EXPECT_EQ(10 + 3 * 6, loop_trap(&l, 0));
	while ((c = loop_next(&l)).user_data != NONE)
		refused += c.user_data == 1 && c.res == -EMFILE;
	EXPECT_EQ(6, refused);
	EXPECT_EQ(0, loop_watch(&l, fd));
	EXPECT_EQ(0, number_set(PARAMETER "max_user_watches", was));
	loop_fini(&l);
}

TEST(watches_of_a_context)
{
	struct gmb_ioc_query q = { .size = sizeof(q) };
	char was[32];
	struct loop l;

	if (geteuid())
		SKIP(return, "only root sets parameters");
	snprintf(was, sizeof(was), "%ld", number_get(PARAMETER "max_watches"));
	ASSERT_EQ(0, number_set(PARAMETER "max_watches", "7"));
	ASSERT_EQ(0, loop_open(&l));
	EXPECT_EQ(0, ioctl(l.fd, GMB_IOC_QUERY, &q));
	EXPECT_EQ(7, q.max_watches);
	EXPECT_EQ(0, loop_setup(&l, 8, 8));
	EXPECT_EQ(7, l.setup.max_watches);
	EXPECT_EQ(0, number_set(PARAMETER "max_watches", was));
	loop_fini(&l);
}

#define MANY	5000

/* Tables grow, and everything in them is found. */
TEST(many)
{
	unsigned int i, good = 0;
	struct gmb_ioc_op *op;
	struct gmb_ioc_cqe c;
	struct loop l;
	int p[2];

	if (limit(RLIMIT_NOFILE, MANY + 100))
		SKIP(return, "not so many descriptors are allowed");
	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(0, loop_init(&l, 256, 512));
	for (i = 0; i < MANY; i++) {
		op = loop_op(&l, GMB_OP_WATCH_ADD, i, i);
		op->fd = p[0];
		op->flags = GMB_F_SKIP;
		op = loop_op(&l, GMB_OP_TASK_ADD, i, i);
		op->addr = i;
		op->flags = GMB_F_SKIP;
		if (i % 100 == 99)
			ASSERT_EQ(0, loop_trap(&l, 0));
	}
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, wake(l.fd, GMB_TASK(i, 0)));
		if (i % 100 != 99)
			continue;
		ASSERT_EQ(100, loop_gather(&l, 100, 0, LONG));
		while ((c = loop_next(&l)).user_data != NONE)
			good += c.user_data <= i && c.user_data + 100 > i;
	}
	EXPECT_EQ(MANY, good);
	loop_fini(&l);
}

TEST_HARNESS_MAIN
