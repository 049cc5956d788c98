/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Under seccomp: readiness and wakes, but no transfers, unless the
 * administrator allows them.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"

FIXTURE(seccomp)
{
	struct loop l;
	int fd[2];
	char buf[16];
};

FIXTURE_SETUP(seccomp)
{
	ASSERT_EQ(0, loop_init(&self->l, 16, 16));
	ASSERT_EQ(0, pair_unix(self->fd));
	ASSERT_EQ(0, loop_watch(&self->l, self->fd[0]));
}

FIXTURE_TEARDOWN(seccomp)
{
	loop_fini(&self->l);
}

/* A filter that allows everything is a filter all the same. */
static int confine(void)
{
	struct sock_filter allow[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 1, .filter = allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
}

static bool may_transfer(int fd)
{
	struct gmb_ioc_query q = { .size = sizeof(q) };

	return !ioctl(fd, GMB_IOC_QUERY, &q) &&
	       q.features & GMB_FEATURE_IO;
}

TEST_F(seccomp, transfers_are_refused)
{
	static const int transfers[] = {
		GMB_OP_RECV, GMB_OP_SEND, GMB_OP_EXCHANGE, GMB_OP_READ,
		GMB_OP_WRITE,
	};
	struct loop *l = &self->l;
	struct gmb_ioc_op *op;
	unsigned int i;

	EXPECT_TRUE(may_transfer(l->fd));
	ASSERT_EQ(0, confine());
	EXPECT_FALSE(may_transfer(l->fd));
	for (i = 0; i < ARRAY_SIZE(transfers); i++) {
		op = loop_buf(l, transfers[i], self->fd[0], 0, self->buf, 1);
		if (transfers[i] == GMB_OP_EXCHANGE) {
			op->addr2 = (unsigned long)self->buf;
			op->len2 = 1;
		}
		EXPECT_EQ(-EACCES, loop_result(l));
	}
}

TEST_F(seccomp, the_rest_works)
{
	struct loop *l = &self->l;

	ASSERT_EQ(0, confine());
	ASSERT_EQ(0, loop_watch(l, self->fd[1]));
	ASSERT_EQ(0, loop_task(l, 0, 0, 5, 0));
	ASSERT_EQ(0, wake(l->fd, 0));
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(5, loop_next(l).user_data);
	loop_op(l, GMB_OP_READY, self->fd[0], 6)->events = POLLIN;
	EXPECT_EQ(0, loop_trap(l, 0));
	ASSERT_EQ(1, write(self->fd[1], "x", 1));
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(6, loop_next(l).user_data);
	EXPECT_EQ(0, loop_unwatch(l, self->fd[1]));
}

/* What was parked before is not performed after. */
TEST_F(seccomp, parked_before)
{
	struct loop *l = &self->l;

	loop_buf(l, GMB_OP_RECV, self->fd[0], 1, self->buf, 1);
	ASSERT_EQ(0, loop_trap(l, 0));
	ASSERT_EQ(0, confine());
	ASSERT_EQ(1, write(self->fd[1], "x", 1));
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(-EACCES, loop_next(l).res);
}

TEST_F(seccomp, administrator_allows)
{
	const char *path = MODULE_DIR "parameters/allow_seccomp";
	struct loop *l = &self->l;

	if (geteuid())
		SKIP(return, "only root sets parameters");
	ASSERT_EQ(0, number_set(path, "Y"));
	ASSERT_EQ(0, confine());
	EXPECT_TRUE(may_transfer(l->fd));
	loop_buf(l, GMB_OP_SEND, self->fd[0], 0, "ab", 2);
	EXPECT_EQ(2, loop_result(l));
	ASSERT_EQ(0, number_set(path, "N"));
	loop_buf(l, GMB_OP_SEND, self->fd[0], 0, "ab", 2);
	EXPECT_EQ(-EACCES, loop_result(l));
}

TEST_HARNESS_MAIN
