/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The module leaves while sockets are members of its group and have asked it
 * for something. Nothing of that holds it, and nothing is left of it when it is
 * loaded again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"
#include "nl.h"

/* Where a test machine keeps it; elsewhere modprobe knows. */
#define MODULE	"/giambio/modules/giambio.ko"

static bool can_load(void)
{
	return !access(MODULE, R_OK) ||
	       !system("modprobe -qn giambio 2>/dev/null");
}

static int load(void)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return system("modprobe -q giambio") ? -ENOENT : 0;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "giambio", O_NONBLOCK) ? -errno : 0;
}

static int make_one(void)
{
	struct loop l;
	int ret = loop_init(&l, 4, 4);

	if (ret)
		return ret;
	loop_op(&l, GMB_OP_NOP, 0, 42);
	ret = loop_trap(&l, 0);
	loop_fini(&l);
	return ret == 1 ? 0 : -EBADMSG;
}

TEST(with_a_member_joined)
{
	struct nl old, new;
	struct nl_batch b;
	int i;

	if (geteuid() || !can_load())
		SKIP(return, "who unloads must be able to load");
	ASSERT_EQ(0, nl_open(&old));
	if (!old.group)
		SKIP(return, "this kernel cannot ask for CAP_SYS_ADMIN");
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, nl_join(&old));
		ASSERT_EQ(0, nl_observe(&old, 0, GMB_NL_OBSERVE_GROUP |
					GMB_NL_OBSERVE_HISTOGRAMS));
		ASSERT_EQ(0, make_one());
		/* What is not read stays behind in the socket. */
		if (i) {
			ASSERT_EQ(0, nl_batch(&old, &b, LONG / MS));
		}
		ASSERT_EQ(0, module_users(0));
		ASSERT_EQ(0, unload());
		EXPECT_EQ(-ENOENT, nl_open(&new));
		ASSERT_EQ(0, load());
		ASSERT_EQ(0, nl_open(&new));
		ASSERT_EQ(0, nl_join(&new));
		/* The old one is no member any more, and has asked nothing. */
		ASSERT_EQ(0, make_one());
		EXPECT_EQ(-EAGAIN, nl_batch(&new, &b, 300));
		ASSERT_EQ(0, nl_observe(&new, 0, GMB_NL_OBSERVE_GROUP));
		ASSERT_EQ(0, make_one());
		ASSERT_EQ(0, nl_batch(&new, &b, LONG / MS));
		EXPECT_EQ(1, b.group_seq);
		ASSERT_EQ(1, b.count);
		EXPECT_EQ(42, b.event[0].user_data);
		while (!nl_batch(&old, &b, 300))
			EXPECT_EQ(0, i);
		nl_close(&old);
		old = new;
		ASSERT_EQ(0, nl_observe(&old, 0, 0));
	}
	nl_close(&old);
}

TEST_HARNESS_MAIN
