/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The rings in the hands of a program that fills them, or writes rubbish into
 * them: nothing is lost, nothing is overwritten, and only the writer is hurt.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"

FIXTURE(ring)
{
	struct loop l;
};

FIXTURE_SETUP(ring)
{
	ASSERT_EQ(0, loop_init(&self->l, 16, 8));
}

FIXTURE_TEARDOWN(ring)
{
	loop_fini(&self->l);
}

TEST_F(ring, full_of_operations)
{
	struct loop *l = &self->l;
	unsigned int next = 0, i;
	int round;

	for (round = 0; round < 50; round++) {
		for (i = 0; i < 16; i++)
			loop_op(l, GMB_OP_NOP, 0, round * 16 + i);
		while (next < (round + 1) * 16U) {
			/* Posting stops before the ring overflows. */
			ASSERT_LE(0, loop_trap(l, 0));
			ASSERT_GE(8, l->ring->cq_tail - l->ring->cq_head);
			ASSERT_EQ(next, loop_next(l).user_data);
			next++;
		}
	}
	EXPECT_EQ(l->ring->sq_head, l->ring->sq_tail);
	EXPECT_EQ(NONE, loop_next(l).user_data);
}

#define MANY	200

/*
 * A trap with what it was asked for leaves the rest of many to the next ones,
 * in the order of arrival; one that is asked for all of them has them.
 */
TEST(some_of_many)
{
	int pair[MANY][2], i, n;
	char buf[MANY];
	struct loop l;

	ASSERT_EQ(0, loop_init(&l, 256, 256));
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, pair_unix(pair[i]));
		ASSERT_EQ(0, loop_watch(&l, pair[i][0]));
		loop_buf(&l, GMB_OP_RECV, pair[i][0], i, &buf[i], 1);
	}
	ASSERT_EQ(0, loop_trap(&l, 0));
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(1, write(pair[i][1], "x", 1));
	n = loop_trap(&l, 1);
	EXPECT_LE(1, n);
	EXPECT_GT(MANY, n);
	EXPECT_NE(0, l.ring->pending);
	EXPECT_EQ(MANY - n, loop_trap(&l, MANY - n));
	EXPECT_EQ(0, l.ring->pending);
	for (i = 0; i < MANY; i++) {
		EXPECT_EQ(i, loop_next(&l).user_data);
		close(pair[i][0]);
		close(pair[i][1]);
	}
	loop_fini(&l);
}

/* Wakes and arrivals keep until there is room for their completions. */
TEST_F(ring, full_of_completions)
{
	struct loop *l = &self->l;
	unsigned int seen[40] = { 0 }, total = 0, tail, i;
	struct gmb_ioc_cqe c;
	int fd[20][2];
	char buf[20];

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, pair_unix(fd[i]));
		ASSERT_EQ(0, loop_watch(l, fd[i][0]));
		ASSERT_EQ(0, loop_task(l, i, 0, 20 + i, 0));
		loop_buf(l, GMB_OP_RECV, fd[i][0], i, &buf[i], 1);
		ASSERT_EQ(0, loop_trap(l, 0));
	}
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(1, write(fd[i][1], "x", 1));
		ASSERT_EQ(0, wake(l->fd, GMB_TASK(i, 0)));
	}
	ASSERT_LT(0, loop_trap(l, 8));
	tail = l->ring->cq_tail;
	for (i = 0; i < 5; i++)
		loop_trap_for(l, 8, 0, 0);
	EXPECT_GE(8, l->ring->cq_tail - l->ring->cq_head);
	EXPECT_GE(3, l->ring->cq_tail - tail);
	EXPECT_NE(0, l->ring->pending);
	while (total < 40) {
		c = loop_next(l);
		if (c.user_data == NONE) {
			ASSERT_LT(0, loop_trap(l, 1));
			continue;
		}
		ASSERT_GT(40, c.user_data);
		EXPECT_EQ(c.user_data < 20, c.res);
		seen[c.user_data]++;
		total++;
	}
	for (i = 0; i < 40; i++)
		EXPECT_EQ(1, seen[i]);
	EXPECT_EQ(0, loop_trap(l, 0));
	EXPECT_EQ(0, l->ring->pending);
}

TEST_F(ring, bogus_completion_head)
{
	static const unsigned int off[] = { 1, 9, 4096, 1U << 31, ~8U };
	struct loop *l = &self->l;
	unsigned int i, good;

	for (i = 0; i < ARRAY_SIZE(off); i++) {
		/* Use up what the kernel knows to be free. */
		while (l->ring->cq_tail - l->head < 6) {
			loop_op(l, GMB_OP_NOP, 0, 1);
			ASSERT_EQ(1, loop_trap(l, 0));
		}
		good = l->ring->cq_head;
		l->ring->cq_head = l->ring->cq_tail + off[i];
		loop_op(l, GMB_OP_NOP, 0, 2);
		EXPECT_EQ(0, loop_trap(l, 0));
		EXPECT_EQ(0, loop_trap_once(l, 1, 0, LONG));
		l->ring->cq_head = good;
		while (loop_next(l).user_data == 1)
			;
		EXPECT_EQ(1, loop_trap(l, 1));
		EXPECT_EQ(2, loop_next(l).user_data);
	}
}

TEST_F(ring, bogus_submission_tail)
{
	static const unsigned int off[] = { 5, 1000, 1U << 31, ~0U };
	unsigned int i, head;
	struct loop l;

	ASSERT_EQ(0, loop_init(&l, 4, 64));
	for (i = 0; i < ARRAY_SIZE(off); i++) {
		memset(l.sq, 0, 4 * sizeof(*l.sq));
		head = l.ring->sq_head;
		l.ring->sq_tail = head + off[i];
		/* As if the ring were full, and no more. */
		EXPECT_EQ(4, loop_trap(&l, 0));
		EXPECT_EQ(head + 4, l.ring->sq_head);
		while (loop_next(&l).user_data != NONE)
			;
		l.ring->sq_tail = l.ring->sq_head;
		EXPECT_EQ(0, loop_trap(&l, 0));
	}
	loop_fini(&l);
}

/* What only the kernel writes is its own: it never reads it back. */
TEST_F(ring, bogus_kernel_ends)
{
	struct loop *l = &self->l;
	unsigned int head = l->ring->sq_head, tail = l->ring->cq_tail;

	l->ring->sq_head = 12345;
	l->ring->cq_tail = 54321;
	l->ring->pending = 99;
	memset(l->ring->pad0, 0xff, sizeof(l->ring->pad0));
	memset(l->ring->pad1, 0xff, sizeof(l->ring->pad1));
	memset(l->ring->pad2, 0xff, sizeof(l->ring->pad2));
	loop_op(l, GMB_OP_NOP, 0, 3);
	EXPECT_EQ(1, loop_trap(l, 0));
	EXPECT_EQ(head + 1, l->ring->sq_head);
	EXPECT_EQ(tail + 1, l->ring->cq_tail);
	EXPECT_EQ(3, loop_next(l).user_data);
}

struct vandal {
	struct loop *l;
	unsigned int seed;
	bool ends;	/* spoil heads and tails as well */
	bool stop;
};

/*
 * Buffers lie in an arena of 16 MiB, aligned to as much. Addresses may change
 * in their low three bytes, so that what is received never lands in the test's
 * own data.
 */
#define ARENA	(16UL << 20)

static bool leaves_arena(size_t at)
{
	size_t addr = offsetof(struct gmb_ioc_op, addr) + 3;
	size_t addr2 = offsetof(struct gmb_ioc_op, addr2) + 3;

	return (at >= addr && at < addr + 5) ||
	       (at >= addr2 && at < addr2 + 5);
}

static void *spoil(void *arg)
{
	struct vandal *v = arg;
	unsigned char *sq = (void *)v->l->sq;
	size_t size = v->l->setup.sq_entries * sizeof(*v->l->sq);
	unsigned int n;

	while (!__atomic_load_n(&v->stop, __ATOMIC_RELAXED)) {
		n = rand_r(&v->seed);
		if (!leaves_arena(n % sizeof(*v->l->sq)))
			sq[n % size] = n >> 16;
		/* Mostly real operations: those reach furthest. */
		sq[n / 7 % v->l->setup.sq_entries * 64] = n % 16;
		if (v->ends && n % 64 == 0)
			v->l->ring->sq_tail = rand_r(&v->seed);
		if (v->ends && n % 64 == 1)
			v->l->ring->cq_head = rand_r(&v->seed);
		if (n % 1024 == 2)
			memset(v->l->cq, n, 64);
	}
	return NULL;
}

static void under_attack(struct __test_metadata *_metadata, struct vandal *v)
{
	unsigned long long end = now() + 1000 * MS;
	struct gmb_ioc_op *op;
	pthread_t thread;
	int fd[4][2], i;
	char *memory;

	memory = mmap(NULL, 3 * ARENA, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);
	/* What follows it is its own, too. */
	memory = (char *)(((unsigned long)memory + ARENA - 1) & -ARENA);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pair_unix(fd[i]));
		ASSERT_EQ(0, loop_watch(v->l, fd[i][0]));
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, spoil, v));
	for (i = 0; now() < end; i++) {
		op = loop_buf(v->l, i % GMB_OP_LAST, fd[i % 4][0], i, memory,
			      i % 64);
		op->flags = i % 3 ? 0 : GMB_F_NOWAIT;
		op->addr2 = (unsigned long)memory;
		if (i % 5 == 0)
			send(fd[i % 4][1], memory, 16, MSG_DONTWAIT);
		if (i % 4 == 0)
			EXPECT_LE(-EINTR, loop_trap_for(v->l, i % 3, 0,
							i % 1000));
		__atomic_store_n(&v->l->ring->cq_head, v->l->ring->cq_tail,
				 __ATOMIC_RELEASE);
	}
	__atomic_store_n(&v->stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

TEST_F(ring, operations_change_underway)
{
	struct vandal v = { .l = &self->l, .seed = 1 };

	under_attack(_metadata, &v);
}

TEST_F(ring, everything_changes_underway)
{
	struct vandal v = { .l = &self->l, .seed = 2, .ends = true };

	under_attack(_metadata, &v);
}

TEST_HARNESS_MAIN
