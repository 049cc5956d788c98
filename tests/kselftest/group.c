/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The multicast group of events: who may join it and who may have it speak,
 * what its members hear and others do not, in which network namespace, and that
 * each member knows exactly how much it has missed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"
#include "nl.h"

#define NOBODY	65534
#define EVENTS	GMB_NL_OBSERVE_EVENTS
#define GROUP	GMB_NL_OBSERVE_GROUP

FIXTURE(group)
{
	struct loop l;
	struct nl nl;		/* asks; not a member */
	struct nl member[2];
	unsigned int id;
	struct nl_item item;
	struct nl_batch batch;
};

FIXTURE_SETUP(group)
{
	int i;

	if (geteuid())
		SKIP(return, "only root can be a member");
	ASSERT_EQ(0, loop_init(&self->l, 256, 256));
	self->id = self->l.setup.id;
	ASSERT_EQ(0, nl_open(&self->nl));
	if (!self->nl.group)
		SKIP(return, "this kernel cannot ask for CAP_SYS_ADMIN");
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, nl_open(&self->member[i]));
		ASSERT_EQ(0, nl_join(&self->member[i]));
	}
}

FIXTURE_TEARDOWN(group)
{
	nl_close(&self->member[0]);
	nl_close(&self->member[1]);
	nl_close(&self->nl);
	loop_fini(&self->l);
}

/* The value of an attribute of the context now. */
#define CONTEXT(attr) ({						\
	ASSERT_EQ(0, nl_context(&self->nl, self->id, &self->item));	\
	self->item.value[GMB_NL_CONTEXT_##attr];			\
})

/* Make n completions, numbered from first on. */
static int make(struct loop *l, int first, int n)
{
	int i, ret;

	for (i = 0; i < n; i++)
		loop_op(l, GMB_OP_NOP, 0, first + i);
	ret = loop_trap(l, 0);
	while (loop_next(l).user_data != NONE)
		;
	return ret == n ? 0 : -EBADMSG;
}

/* Whether nothing comes for much longer than a batch is kept back. */
static bool is_silent(struct nl *nl)
{
	struct nl_batch batch;

	return nl_batch(nl, &batch, 300) == -EAGAIN;
}

static int next(struct nl *nl, struct nl_batch *batch)
{
	return nl_batch(nl, batch, LONG / MS);
}

static int drop_sys_admin(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		return -errno;
	d[0].effective &= ~(1U << CAP_SYS_ADMIN);
	return syscall(SYS_capset, &h, d) ? -errno : 0;
}

TEST_F(group, takes_cap_sys_admin)
{
	int pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		struct nl mine;

		MUST(!nl_open(&mine));
		MUST(!drop_sys_admin());
		MUST(nl_join(&mine) == -EPERM);
		MUST(nl_observe(&mine, 0, GROUP) == -EPERM);
		MUST(nl_observe(&mine, 0, EVENTS | GROUP) == -EPERM);
		/* Nor may a socket that was opened with more. */
		MUST(nl_observe(&self->nl, 0, GROUP) == -EPERM);
		MUST(!nl_observe(&mine, 0, EVENTS));
		nl_close(&mine);
		MUST(!setresuid(NOBODY, NOBODY, NOBODY));
		MUST(!nl_open(&mine));
		MUST(nl_join(&mine) == -EPERM);
		MUST(nl_observe(&mine, 0, GROUP) == -EPERM);
		_exit(0);
	}
	EXPECT_EQ(0, ended(pid));
	EXPECT_EQ(0, CONTEXT(OBSERVED));
}

TEST_F(group, is_of_all_contexts)
{
	EXPECT_EQ(-EINVAL, nl_observe(&self->nl, self->id, GROUP));
	EXPECT_EQ(-EINVAL, nl_observe(&self->nl, self->id, GROUP | EVENTS));
	EXPECT_EQ(0, CONTEXT(OBSERVED));
}

/* It speaks from when the first wants it until the last does no more. */
TEST_F(group, silent_until_wanted)
{
	struct nl other;

	ASSERT_EQ(0, make(&self->l, 0, 5));
	EXPECT_TRUE(is_silent(&self->member[0]));
	EXPECT_EQ(0, CONTEXT(OBSERVED));
	ASSERT_EQ(0, nl_observe(&self->nl, 0, GROUP));
	EXPECT_EQ(EVENTS | GROUP, CONTEXT(OBSERVED));
	ASSERT_EQ(0, nl_open(&other));
	ASSERT_EQ(0, nl_observe(&other, 0, GROUP | EVENTS));
	ASSERT_EQ(0, make(&self->l, 5, 5));
	ASSERT_EQ(0, next(&self->member[0], &self->batch));
	EXPECT_EQ(1, self->batch.group_seq);
	EXPECT_EQ(5, self->batch.count);
	/* One who asks again does not begin anew. */
	ASSERT_EQ(0, nl_observe(&self->nl, 0, 0));
	ASSERT_EQ(0, nl_observe(&other, 0, GROUP));
	EXPECT_EQ(EVENTS | GROUP, CONTEXT(OBSERVED));
	ASSERT_EQ(0, make(&self->l, 10, 1));
	ASSERT_EQ(0, next(&self->member[0], &self->batch));
	EXPECT_EQ(2, self->batch.group_seq);
	EXPECT_EQ(2, self->batch.seq);
	EXPECT_EQ(5, self->batch.before);
	EXPECT_EQ(5, self->batch.group_before);
	EXPECT_EQ(10, self->batch.event[0].user_data);
	nl_close(&other);
	EXPECT_EQ(0, CONTEXT(OBSERVED));
	ASSERT_EQ(0, make(&self->l, 11, 5));
	EXPECT_TRUE(is_silent(&self->member[0]));
	ASSERT_EQ(0, nl_observe(&self->nl, 0, GROUP));
	ASSERT_EQ(0, make(&self->l, 16, 1));
	ASSERT_EQ(0, next(&self->member[0], &self->batch));
	EXPECT_EQ(1, self->batch.group_seq);
	EXPECT_EQ(0, self->batch.group_before);
	EXPECT_EQ(16, self->batch.event[0].user_data);
	/* Who asked was never sent any. */
	EXPECT_TRUE(is_silent(&self->nl));
}

/* With nobody to hear it counts on: who joins then knows where it is. */
TEST_F(group, joined_later)
{
	nl_close(&self->member[0]);
	nl_close(&self->member[1]);
	ASSERT_EQ(0, nl_observe(&self->nl, 0, GROUP));
	ASSERT_EQ(0, make(&self->l, 0, 200));
	pause_ms(300);
	ASSERT_EQ(0, nl_open(&self->member[0]));
	ASSERT_EQ(0, nl_open(&self->member[1]));
	ASSERT_EQ(0, nl_join(&self->member[0]));
	ASSERT_EQ(0, make(&self->l, 200, 1));
	ASSERT_EQ(0, next(&self->member[0], &self->batch));
	EXPECT_EQ(200, self->batch.before);
	EXPECT_EQ(200, self->batch.group_before);
	EXPECT_EQ(self->batch.seq, self->batch.group_seq);
	EXPECT_EQ(0, self->batch.lost);
	ASSERT_EQ(1, self->batch.count);
	EXPECT_EQ(200, self->batch.event[0].user_data);
}

/* All members hear the same: of root's context, and of nobody's. */
TEST_F(group, two_members)
{
	struct nl_batch *b = &self->batch, theirs;
	int pid, i, round, seen = 0;

	ASSERT_EQ(0, nl_observe(&self->nl, 0, GROUP));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct loop l;

		MUST(!setresuid(NOBODY, 0, 0));
		MUST(!loop_init(&l, 8, 8));
		MUST(!setresuid(NOBODY, NOBODY, NOBODY));
		MUST(!make(&l, 1000, 4));
		loop_fini(&l);
		_exit(0);
	}
	ASSERT_EQ(0, ended(pid));
	ASSERT_EQ(0, make(&self->l, 0, 100));
	for (round = 1; seen < 104; round++) {
		ASSERT_EQ(0, next(&self->member[0], b));
		ASSERT_EQ(0, next(&self->member[1], &theirs));
		EXPECT_EQ(0, memcmp(b, &theirs, sizeof(theirs)));
		EXPECT_EQ(round, b->group_seq);
		EXPECT_EQ(seen, b->group_before);
		EXPECT_EQ(b->id == self->id, round > 1);
		EXPECT_EQ(b->before, seen - (round > 1 ? 4 : 0));
		EXPECT_EQ(b->seq, round - (round > 1));
		for (i = 0; i < b->count; i++)
			EXPECT_EQ(b->before + (round > 1 ? 0 : 1000) + i,
				  b->event[i].user_data);
		seen += b->count;
	}
	EXPECT_EQ(104, seen);
	EXPECT_TRUE(is_silent(&self->member[0]));
	EXPECT_TRUE(is_silent(&self->member[1]));
}

/* A user hears of his own contexts, on his own socket, and of no others. */
TEST_F(group, others_hear_nothing)
{
	int pid, go[2];
	char byte;

	ASSERT_EQ(0, nl_observe(&self->nl, 0, GROUP));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct nl_batch b;
		struct nl mine;
		struct loop l;

		MUST(!setresuid(NOBODY, 0, 0));
		MUST(!loop_init(&l, 4, 4));
		MUST(!setresuid(NOBODY, NOBODY, NOBODY));
		MUST(!nl_open(&mine));
		MUST(!nl_observe(&mine, 0, EVENTS));
		MUST(read(go[0], &byte, 1) == 1);
		MUST(is_silent(&mine));
		MUST(!make(&l, 7, 1));
		MUST(!next(&mine, &b));
		MUST(b.id == l.setup.id && b.count == 1);
		MUST(b.event[0].user_data == 7);
		MUST(!b.group_seq && !b.before);
		MUST(is_silent(&mine));
		_exit(0);
	}
	ASSERT_EQ(0, make(&self->l, 0, 100));
	ASSERT_EQ(1, write(go[1], "x", 1));
	EXPECT_EQ(0, ended(pid));
	close(go[0]);
	close(go[1]);
}

/* ---- loss ---- */

/* A member that adds up. */
struct sum {
	unsigned long long seen;	/* of all contexts */
	unsigned long long of[2];	/* of each, by the first number */
	unsigned int id[2];
	unsigned long long missed;	/* as the last messages said */
	unsigned long long missed_of[2];
	unsigned long long seq;
	int refused;			/* times that ENOBUFS was told */
	bool disorder;
};

static void sum_take(struct sum *s, struct nl *nl, int ms)
{
	struct nl_batch b;
	int ret, i;

	while ((ret = nl_batch(nl, &b, ms)) != -EAGAIN) {
		if (ret) {
			s->refused += ret == -ENOBUFS;
			s->disorder |= ret != -ENOBUFS;
			continue;
		}
		i = b.id == s->id[1];
		s->disorder |= b.group_seq <= s->seq || b.group_before <
			       s->seen || b.before < s->of[i] || b.lost;
		s->seq = b.group_seq;
		s->missed = b.group_before - s->seen;
		s->missed_of[i] = b.before - s->of[i];
		s->seen += b.count;
		s->of[i] += b.count;
	}
}

/* Of 10,000 events of two contexts: seen and missed are all that were made. */
TEST_F(group, loss_is_known_exactly)
{
	int small = 4096, large = 32 << 20, round, n[2] = { 0 }, i;
	struct sum slow = { 0 }, quick = { 0 };
	struct loop l[2];

	l[0] = self->l;
	ASSERT_EQ(0, loop_init(&l[1], 256, 256));
	for (i = 0; i < 2; i++)
		slow.id[i] = quick.id[i] = l[i].setup.id;
	ASSERT_EQ(0, setsockopt(self->member[0].fd, SOL_SOCKET, SO_RCVBUF,
				&small, sizeof(small)));
	ASSERT_EQ(0, setsockopt(self->member[1].fd, SOL_SOCKET,
				SO_RCVBUFFORCE, &large, sizeof(large)));
	ASSERT_EQ(0, nl_observe(&self->nl, 0, GROUP));
	for (round = 0; round < 100; round++) {
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, make(&l[i], n[i], 20 + 60 * i));
			n[i] += 20 + 60 * i;
		}
		sum_take(&quick, &self->member[1], 0);
		if (round % 25 == 0)
			sum_take(&slow, &self->member[0], 0);
	}
	sum_take(&slow, &self->member[0], 300);
	EXPECT_LT(0, slow.seen);
	EXPECT_LE(1, slow.refused);
	/* There is room again: what comes next tells. */
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, make(&l[i], n[i]++, 1));
	sum_take(&slow, &self->member[0], 300);
	sum_take(&quick, &self->member[1], 300);
	EXPECT_LT(0, slow.missed);
	EXPECT_EQ(n[0] + n[1], slow.seen + slow.missed);
	EXPECT_FALSE(slow.disorder);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(n[i], slow.of[i] + slow.missed_of[i]);
		EXPECT_EQ(n[i], quick.of[i]);
	}
	EXPECT_EQ(0, quick.refused);
	EXPECT_EQ(0, quick.missed);
	EXPECT_FALSE(quick.disorder);
	TH_LOG("the slow member missed %llu of %d", slow.missed, n[0] + n[1]);
	/* What a member missed is its own affair. */
	EXPECT_EQ(0, CONTEXT(EVENTS_LOST));
	loop_fini(&l[1]);
}

/* ---- namespaces ---- */

/* Each network namespace has its own group; the initial one's hears of all. */
TEST_F(group, network_namespaces)
{
	struct nl_batch *b = &self->batch;
	int pid, id[2], go[2];
	unsigned int inner;
	char byte;

	ASSERT_EQ(0, pipe(id));
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, nl_observe(&self->nl, 0, GROUP));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct nl mine;
		struct loop l;

		MUST(!unshare(CLONE_NEWNET));
		MUST(!nl_open(&mine));
		MUST(!nl_join(&mine));
		MUST(read(go[0], &byte, 1) == 1);
		MUST(is_silent(&mine));
		MUST(!loop_init(&l, 4, 4));
		/* This namespace's has been wanted by nobody. */
		MUST(!make(&l, 500, 1));
		MUST(is_silent(&mine));
		MUST(!nl_observe(&mine, 0, GROUP));
		MUST(!make(&l, 501, 1));
		MUST(!next(&mine, b));
		MUST(b->id == l.setup.id && b->count == 1);
		MUST(b->event[0].user_data == 501);
		MUST(b->group_seq == 1 && b->group_before == 0);
		MUST(is_silent(&mine));
		MUST(write(id[1], &l.setup.id, 4) == 4);
		_exit(0);
	}
	ASSERT_EQ(0, make(&self->l, 0, 64));
	ASSERT_EQ(1, write(go[1], "x", 1));
	EXPECT_EQ(0, ended(pid));
	ASSERT_EQ(4, read(id[0], &inner, 4));
	ASSERT_EQ(0, next(&self->member[0], b));
	EXPECT_EQ(self->id, b->id);
	EXPECT_EQ(64, b->count);
	ASSERT_EQ(0, next(&self->member[0], b));
	EXPECT_EQ(inner, b->id);
	EXPECT_EQ(500, b->event[0].user_data);
	EXPECT_EQ(64, b->group_before);
	ASSERT_EQ(0, next(&self->member[0], b));
	EXPECT_EQ(inner, b->id);
	EXPECT_EQ(501, b->event[0].user_data);
	close(id[0]);
	close(id[1]);
	close(go[0]);
	close(go[1]);
}

/* Root in a user namespace of his own only may join, and hears nothing. */
TEST_F(group, user_namespaces)
{
	int pid, told[2], go[2], home, there, ready = 0;
	char path[64], byte;
	struct nl inside;

	ASSERT_EQ(0, pipe(told));
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, nl_observe(&self->nl, 0, GROUP));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct nl mine;

		MUST(!setresuid(NOBODY, NOBODY, NOBODY));
		ready = unshare(CLONE_NEWUSER | CLONE_NEWNET) ? -errno : 1;
		MUST(write(told[1], &ready, 4) == 4);
		if (ready < 0)
			_exit(0);
		MUST(!nl_open(&mine));
		MUST(!nl_join(&mine));
		MUST(nl_observe(&mine, 0, GROUP) == -EPERM);
		MUST(write(told[1], &ready, 4) == 4);
		MUST(read(go[0], &byte, 1) == 1);
		MUST(is_silent(&mine));
		_exit(0);
	}
	ASSERT_EQ(4, read(told[0], &ready, 4));
	if (ready < 0) {
		ended(pid);
		SKIP(return, "no user namespaces here");
	}
	ASSERT_EQ(4, read(told[0], &ready, 4));
	/* Not even root may have it speak there: who listens is not root. */
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, setns(there, CLONE_NEWNET));
	ASSERT_EQ(0, nl_open(&inside));
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	EXPECT_EQ(-EPERM, nl_observe(&inside, 0, GROUP));
	ASSERT_EQ(0, make(&self->l, 0, 64));
	ASSERT_EQ(1, write(go[1], "x", 1));
	EXPECT_EQ(0, ended(pid));
	nl_close(&inside);
	close(home);
	close(there);
}

TEST_HARNESS_MAIN
