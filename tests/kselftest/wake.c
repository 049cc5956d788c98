/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Registered tasks and peers: who may wake whom, that two wakes before the
 * trap are one, and that none is ever lost, from threads, from processes and
 * from other contexts.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"

FIXTURE(wake)
{
	struct loop a, b;
};

FIXTURE_SETUP(wake)
{
	ASSERT_EQ(0, loop_init(&self->a, 64, 64));
	ASSERT_EQ(0, loop_init(&self->b, 64, 64));
}

FIXTURE_TEARDOWN(wake)
{
	loop_fini(&self->a);
	loop_fini(&self->b);
}

static int peer_add(struct loop *l, unsigned int slot, int fd)
{
	loop_op(l, GMB_OP_PEER_ADD, slot, 0)->fd = fd;
	return loop_result(l);
}

static int slot_op(struct loop *l, int opcode, unsigned int slot)
{
	loop_op(l, opcode, slot, 0);
	return loop_result(l);
}

static int op_wake(struct loop *l, unsigned int slot, unsigned long long task)
{
	loop_op(l, GMB_OP_WAKE, slot, 0)->addr = task;
	return loop_result(l);
}

TEST_F(wake, tasks)
{
	struct loop *l = &self->a;
	struct gmb_ioc_cqe c;
	int i;

	EXPECT_EQ(-EINVAL, loop_task(l, l->setup.max_tasks, 0, 0, 0));
	EXPECT_EQ(-EINVAL, loop_task(l, ~0U, 0, 0, 0));
	EXPECT_EQ(-ENOENT, slot_op(l, GMB_OP_TASK_DROP, 5));
	EXPECT_EQ(-ENOENT, slot_op(l, GMB_OP_TASK_DROP, ~0U));
	ASSERT_EQ(0, loop_task(l, 5, 50, 500, 0));
	EXPECT_EQ(-EEXIST, loop_task(l, 5, 51, 501, 0));
	EXPECT_EQ(0, loop_task(l, l->setup.max_tasks - 1, 1, 1, 0));
	EXPECT_EQ(-ESRCH, wake(l->fd, GMB_TASK(5, 51)));
	EXPECT_EQ(-ESRCH, wake(l->fd, GMB_TASK(6, 50)));
	EXPECT_EQ(-ESRCH, wake(l->fd, GMB_TASK(~0U, 50)));
	EXPECT_EQ(0, l->ring->pending);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, wake(l->fd, GMB_TASK(5, 50)));
	EXPECT_NE(0, l->ring->pending);
	EXPECT_EQ(1, loop_trap(l, 0));
	c = loop_next(l);
	EXPECT_EQ(500, c.user_data);
	EXPECT_EQ(0, c.res);
	EXPECT_EQ(0, c.err);
	EXPECT_EQ(GMB_CQE_WAKE, c.flags);
	EXPECT_EQ(0, loop_trap(l, 0));
	/* A wake that was not posted goes with its task. */
	EXPECT_EQ(0, wake(l->fd, GMB_TASK(5, 50)));
	EXPECT_EQ(0, slot_op(l, GMB_OP_TASK_DROP, 5));
	EXPECT_EQ(-ESRCH, wake(l->fd, GMB_TASK(5, 50)));
	EXPECT_EQ(0, loop_trap_for(l, 1, 0, 10 * MS));
	/* And the index is free for another. */
	EXPECT_EQ(0, loop_task(l, 5, 52, 502, 0));
	EXPECT_EQ(-ESRCH, wake(l->fd, GMB_TASK(5, 50)));
	EXPECT_EQ(0, wake(l->fd, GMB_TASK(5, 52)));
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(502, loop_next(l).user_data);
}

TEST_F(wake, peers)
{
	int event = eventfd(0, EFD_CLOEXEC);
	struct loop *a = &self->a, *b = &self->b;

	EXPECT_EQ(-EBADF, peer_add(b, 0, 999));
	EXPECT_EQ(-EBADF, peer_add(b, 0, -1));
	EXPECT_EQ(-EINVAL, peer_add(b, 0, event));
	EXPECT_EQ(-EINVAL, peer_add(b, 4096, a->fd));
	EXPECT_EQ(-EINVAL, peer_add(b, GMB_SELF, a->fd));
	EXPECT_EQ(-ENOENT, slot_op(b, GMB_OP_PEER_DROP, 0));
	EXPECT_EQ(-ENOENT, slot_op(b, GMB_OP_PEER_DROP, GMB_SELF));
	EXPECT_EQ(-ENOENT, op_wake(b, 0, 0));
	EXPECT_EQ(-ENOENT, op_wake(b, 4096, 0));
	ASSERT_EQ(0, peer_add(b, 0, a->fd));
	EXPECT_EQ(-EEXIST, peer_add(b, 0, a->fd));
	EXPECT_EQ(0, peer_add(b, 1, b->fd));
	EXPECT_EQ(-ESRCH, op_wake(b, 0, GMB_TASK(1, 1)));
	ASSERT_EQ(0, loop_task(a, 1, 1, 11, 0));
	EXPECT_EQ(0, op_wake(b, 0, GMB_TASK(1, 1)));
	EXPECT_EQ(1, loop_trap(a, 1));
	EXPECT_EQ(11, loop_next(a).user_data);
	/* The peer is known by its context, not by its descriptor. */
	loop_unmap(a);
	EXPECT_EQ(-ESHUTDOWN, op_wake(b, 0, GMB_TASK(1, 1)));
	close(a->fd);
	EXPECT_EQ(-ESHUTDOWN, op_wake(b, 0, GMB_TASK(1, 1)));
	EXPECT_EQ(0, slot_op(b, GMB_OP_PEER_DROP, 0));
	EXPECT_EQ(-ENOENT, op_wake(b, 0, GMB_TASK(1, 1)));
}

TEST_F(wake, kick)
{
	struct loop *l = &self->a;
	struct later later = {
		.ms = 20, .fn = later_wake, .loop = l,
		.target = GMB_WAKE_TRAP,
	};

	/* One that comes before the trap counts for it, once. */
	EXPECT_EQ(0, wake(l->fd, GMB_WAKE_TRAP));
	EXPECT_EQ(0, loop_trap_once(l, 1, 0, LONG));
	EXPECT_EQ(0, loop_trap_for(l, 1, 0, 5 * MS));
	ASSERT_EQ(0, later_start(&later));
	EXPECT_EQ(0, loop_trap_once(l, 1, 0, GMB_FOREVER));
	later_end(&later);
	EXPECT_EQ(0, later.ret);
	loop_unmap(l);
	EXPECT_EQ(-ESHUTDOWN, wake(l->fd, GMB_WAKE_TRAP));
	EXPECT_EQ(-ESHUTDOWN, wake(l->fd, 0));
}

struct sleeper {
	struct loop *l;
	int ret;
};

static void *sleep_once(void *arg)
{
	struct sleeper *s = arg;

	s->ret = loop_trap_once(s->l, 1, 0, GMB_FOREVER);
	return NULL;
}

/* The same through the ring, for one's own trap and for another's. */
TEST_F(wake, kick_by_operation)
{
	struct loop *a = &self->a, *b = &self->b;
	struct sleeper s = { .l = b, .ret = -1 };
	struct gmb_ioc_op *op;
	pthread_t thread;

	EXPECT_EQ(-ENOENT, op_wake(a, 0, GMB_WAKE_TRAP));
	ASSERT_EQ(0, peer_add(a, 0, b->fd));
	ASSERT_EQ(0, pthread_create(&thread, NULL, sleep_once, &s));
	usleep(20000);
	op = loop_op(a, GMB_OP_WAKE, 0, 2);
	op->addr = GMB_WAKE_TRAP;
	op->flags = GMB_F_SKIP | GMB_F_SYNC;
	EXPECT_EQ(0, loop_trap_once(a, 1, 0, 5 * MS));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, s.ret);
	/* This trap has not posted what it waits for, and yet returns. */
	op = loop_op(a, GMB_OP_WAKE, GMB_SELF, 3);
	op->addr = GMB_WAKE_TRAP;
	op->flags = GMB_F_SKIP;
	EXPECT_EQ(0, loop_trap_once(a, 1, 0, GMB_FOREVER));
	loop_unmap(b);
	EXPECT_EQ(-ESHUTDOWN, op_wake(a, 0, GMB_WAKE_TRAP));
}

/* Woken tasks wait for room; those that get none end with their context. */
TEST_F(wake, more_than_fit)
{
	struct loop l;
	int i, n = 0;

	ASSERT_EQ(0, loop_init(&l, 64, 8));
	for (i = 0; i < 32; i++)
		ASSERT_EQ(0, loop_task(&l, i, 0, i, 0));
	for (i = 0; i < 32; i++)
		ASSERT_EQ(0, wake(l.fd, GMB_TASK(i, 0)));
	while (n < 16 && loop_trap(&l, 1) > 0)
		while (n < 16 && loop_next(&l).user_data == (unsigned int)n)
			n++;
	EXPECT_EQ(16, n);
	EXPECT_LT(0, loop_trap(&l, 1));
	loop_fini(&l);
}

TEST_F(wake, other_process)
{
	struct loop *l = &self->a;
	int status;
	pid_t child;

	ASSERT_EQ(0, loop_task(l, 1, 1, 11, 0));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		struct loop mine;

		pause_ms(20);
		if (loop_init(&mine, 8, 8) || peer_add(&mine, 3, l->fd) ||
		    op_wake(&mine, 3, GMB_TASK(1, 1)))
			_exit(1);
		/* Its own end must not take the peer along. */
		_exit(0);
	}
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(11, loop_next(l).user_data);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, wake(l->fd, GMB_TASK(1, 1)));
	EXPECT_EQ(1, loop_trap(l, 1));
}

#define ROUNDS	2000

struct player {
	struct loop *l;
	int rounds, errors, ret;
};

/* Wait for the ball, and hit it back in the same trap that waits again. */
static void *play(void *arg)
{
	struct player *p = arg;
	struct gmb_ioc_op *op;
	struct gmb_ioc_cqe c;

	while (p->rounds < ROUNDS) {
		p->ret = loop_trap(p->l, 1);
		if (p->ret != 1)
			p->errors++;
		c = loop_next(p->l);
		if (c.user_data != 1 || c.flags != GMB_CQE_WAKE)
			p->errors++;
		if (p->errors)
			break;
		p->rounds++;
		op = loop_op(p->l, GMB_OP_WAKE, 0, 2);
		op->addr = GMB_TASK(0, 0);
		op->flags = GMB_F_SKIP | (p->rounds % 2 ? GMB_F_SYNC : 0);
	}
	loop_trap(p->l, 0);
	return NULL;
}

TEST_F(wake, ping_pong)
{
	struct player a = { .l = &self->a }, b = { .l = &self->b };
	pthread_t thread;

	ASSERT_EQ(0, loop_task(a.l, 0, 0, 1, 0));
	ASSERT_EQ(0, loop_task(b.l, 0, 0, 1, 0));
	ASSERT_EQ(0, peer_add(a.l, 0, b.l->fd));
	ASSERT_EQ(0, peer_add(b.l, 0, a.l->fd));
	ASSERT_EQ(0, wake(a.l->fd, GMB_TASK(0, 0)));
	ASSERT_EQ(0, pthread_create(&thread, NULL, play, &b));
	play(&a);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, a.errors);
	EXPECT_EQ(0, b.errors);
	EXPECT_EQ(1, a.ret);
	EXPECT_EQ(1, b.ret);
	EXPECT_EQ(ROUNDS, a.rounds);
	EXPECT_EQ(ROUNDS, b.rounds);
}

#define WAKERS	3
#define TASKS	8

struct storm {
	struct loop *l;
	unsigned int sent[TASKS];
	int errors;
};

static void *rain(void *arg)
{
	struct storm *s = arg;
	int i, task;

	for (i = 0; i < ROUNDS; i++) {
		task = i % TASKS;
		__atomic_add_fetch(&s->sent[task], 1, __ATOMIC_SEQ_CST);
		if (wake(s->l->fd, GMB_TASK(task, 7)))
			__atomic_add_fetch(&s->errors, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/*
 * What a waker counted before its wake must be seen by the loop in a
 * completion of that task, or in a later one: with a lost wake the sums would
 * never meet and the trap would time out.
 */
TEST_F(wake, none_is_lost)
{
	struct storm s = { .l = &self->a };
	unsigned int seen[TASKS] = { 0 }, total = 0;
	pthread_t thread[WAKERS];
	struct gmb_ioc_cqe c;
	int i;

	for (i = 0; i < TASKS; i++)
		ASSERT_EQ(0, loop_task(s.l, i, 7, i, i % 2 ? 100000 : 0));
	for (i = 0; i < WAKERS; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, rain, &s));
	while (total < WAKERS * ROUNDS) {
		if (loop_trap(s.l, 1) <= 0)
			break;
		while ((c = loop_next(s.l)).user_data < TASKS)
			seen[c.user_data] = __atomic_load_n(
				&s.sent[c.user_data], __ATOMIC_SEQ_CST);
		for (total = 0, i = 0; i < TASKS; i++)
			total += seen[i];
	}
	for (i = 0; i < WAKERS; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, s.errors);
	EXPECT_EQ(WAKERS * ROUNDS, total);
}

static void *churn(void *arg)
{
	struct storm *s = arg;
	unsigned int i;
	int ret;

	for (i = 0; i < ROUNDS; i++) {
		ret = wake(s->l->fd, GMB_TASK(i % TASKS, 7));
		if (ret && ret != -ESRCH)
			__atomic_add_fetch(&s->errors, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* Tasks come and go, and their table grows, while they are woken. */
TEST_F(wake, tasks_that_come_and_go)
{
	struct storm s = { .l = &self->a };
	pthread_t thread[2];
	struct gmb_ioc_op *op;
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, churn, &s));
	for (i = 0; i < ROUNDS; i++) {
		op = loop_op(s.l, GMB_OP_TASK_ADD, i % TASKS, 0);
		op->len = 7;
		op = loop_op(s.l, GMB_OP_TASK_DROP, (i + 3) % TASKS, 0);
		op = loop_op(s.l, GMB_OP_TASK_ADD, TASKS + i, 0);
		op->flags = GMB_F_SKIP;
		if (loop_trap(s.l, 0) < 2)
			s.errors++;
		while (loop_next(s.l).user_data != NONE)
			;
	}
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, s.errors);
}

TEST_HARNESS_MAIN
