/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What is observed: that it begins and ends with who asked, that counters,
 * histograms and events count exactly what was done, that moments are in order,
 * and that what is lost is told.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"
#include "nl.h"

#define HISTOGRAMS	GMB_NL_OBSERVE_HISTOGRAMS
#define EVENTS		GMB_NL_OBSERVE_EVENTS

FIXTURE(observe)
{
	struct loop l;
	struct nl nl;
	unsigned int id;
	int fd[2];
	char buf[64];
	struct nl_item item;
	struct nl_item stage[__GMB_NL_STAGE_MAX];
	struct nl_batch batch;
};

FIXTURE_SETUP(observe)
{
	ASSERT_EQ(0, loop_init(&self->l, 256, 256));
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, pair_unix(self->fd));
	self->id = self->l.setup.id;
	ASSERT_EQ(0, loop_watch(&self->l, self->fd[0]));
	ASSERT_EQ(0, loop_task(&self->l, 0, 0, 100, 0));
	ASSERT_EQ(0, loop_task(&self->l, 1, 0, 101, 0));
	ASSERT_EQ(0, nl_reset(&self->nl, self->id));
}

FIXTURE_TEARDOWN(observe)
{
	nl_close(&self->nl);
	loop_fini(&self->l);
}

/* The value of an attribute of the context now. */
#define CONTEXT(attr) ({						\
	ASSERT_EQ(0, nl_context(&self->nl, self->id, &self->item));	\
	self->item.value[GMB_NL_CONTEXT_##attr];			\
})

/* A number of a histogram, read last by READ_STAGES(). */
#define STAGE(which, attr)						\
	(self->stage[GMB_NL_STAGE_##which].value[GMB_NL_HISTOGRAM_##attr])
#define READ_STAGES(slot)						\
	ASSERT_EQ(0, nl_histograms(&self->nl, self->id, slot, self->stage))

static void drain(struct loop *l)
{
	while (loop_next(l).user_data != NONE)
		;
}

/* Writes a byte ms after the loop is seen asleep, however slow the machine. */
static void later_asleep(struct later *l)
{
	struct nl_item *item = calloc(1, sizeof(*item));
	struct nl nl;
	int i;

	if (!item || nl_open(&nl))
		return;
	for (i = 0; i < 20000; i++) {
		if (!nl_context(&nl, l->loop->setup.id, item) &&
		    item->value[GMB_NL_CONTEXT_SLEEPING])
			break;
		pause_ms(1);
	}
	nl_close(&nl);
	free(item);
	pause_ms(l->target);
	later_write(l);
}

/* Sleep, and until a byte arrives ms later; the trap's result. */
static int sleep_once(struct loop *l, int fd[2], void *buf, unsigned int ms,
		      unsigned int slack, unsigned int batch,
		      unsigned long long timeout)
{
	struct later later = {
		.fn = later_asleep, .loop = l, .fd = fd[1], .target = ms,
	};
	int ret;

	loop_buf(l, GMB_OP_RECV, fd[0], 1, buf, 1)->slack_ns = slack;
	later_start(&later);
	ret = loop_trap_for(l, 1, batch, timeout);
	later_end(&later);
	return ret;
}

/* Wake a task while the loop is awake, and post that. */
static int wake_awake(struct loop *l, unsigned int slot)
{
	return wake(l->fd, slot) ?: loop_trap(l, 1);
}

/* ---- counters ---- */

TEST_F(observe, counters_are_exact)
{
	struct loop *l = &self->l;
	int i;

	for (i = 0; i < 5; i++) {
		loop_op(l, GMB_OP_NOP, 0, 0);
		loop_op(l, GMB_OP_NOP, 0, 0);
		ASSERT_EQ(2, loop_trap_once(l, 0, 0, 0));
		drain(l);
	}
	loop_op(l, GMB_OP_TASK_DROP, 1, 0)->flags = GMB_F_SKIP;
	ASSERT_EQ(0, loop_trap_once(l, 0, 0, 0));
	EXPECT_EQ(6, CONTEXT(TRAPS));
	EXPECT_EQ(11, CONTEXT(OPS));
	EXPECT_EQ(10, CONTEXT(COMPLETIONS));
	EXPECT_EQ(0, CONTEXT(SLEEPS));
	EXPECT_EQ(0, CONTEXT(FULL));
	ASSERT_EQ(0, nl_reset(&self->nl, self->id));
	EXPECT_EQ(0, CONTEXT(TRAPS));
	EXPECT_EQ(0, CONTEXT(COMPLETIONS));
}

TEST_F(observe, wakes_by_reason)
{
	struct later kick = {
		.ms = 100, .fn = later_wake, .loop = &self->l,
		.target = GMB_WAKE_TRAP,
	};
	struct loop *l = &self->l;
	int i;

	ASSERT_EQ(1, sleep_once(l, self->fd, self->buf, 50, 0, 0, LONG));
	EXPECT_EQ(1, CONTEXT(WAKES_URGENT));
	ASSERT_EQ(1, sleep_once(l, self->fd, self->buf, 50, 20 * MS, 0, LONG));
	EXPECT_EQ(1, CONTEXT(WAKES_BUDGET));
	ASSERT_EQ(1, sleep_once(l, self->fd, self->buf, 50, GMB_SLACK_MAX, 1,
				LONG));
	EXPECT_EQ(1, CONTEXT(WAKES_COUNT));
	ASSERT_EQ(0, later_start(&kick));
	/* It may come back before, without having slept, and then again. */
	for (i = 0; i < 100 && !CONTEXT(WAKES_KICK); i++)
		EXPECT_EQ(0, loop_trap_once(l, 1, 0, LONG));
	later_end(&kick);
	EXPECT_EQ(1, CONTEXT(WAKES_KICK));
	EXPECT_LE(4, CONTEXT(SLEEPS));
	/* A sleep that ends by itself was ended by nobody. */
	EXPECT_EQ(0, loop_trap_for(l, 1, 0, 5 * MS));
	EXPECT_LE(5, CONTEXT(SLEEPS));
	EXPECT_EQ(1, CONTEXT(WAKES_URGENT));
	EXPECT_EQ(1, CONTEXT(WAKES_BUDGET));
	EXPECT_EQ(1, CONTEXT(WAKES_COUNT));
	EXPECT_EQ(1, CONTEXT(WAKES_KICK));
}

TEST_F(observe, full_rings_and_swept_files)
{
	struct loop *l = &self->l;
	int i, fd[2];

	for (i = 0; i < 256; i++)
		loop_op(l, GMB_OP_NOP, 0, 0);
	ASSERT_EQ(254, loop_trap_once(l, 0, 0, 0));
	EXPECT_EQ(1, CONTEXT(FULL));
	drain(l);
	ASSERT_EQ(2, loop_trap_once(l, 0, 0, 0));
	EXPECT_EQ(1, CONTEXT(FULL));
	ASSERT_EQ(0, pair_unix(fd));
	ASSERT_EQ(0, loop_watch(l, fd[0]));
	close(fd[0]);
	EXPECT_EQ(0, CONTEXT(SWEPT));
	for (i = 0; i < 100 && !CONTEXT(SWEPT); i++)
		loop_trap_once(l, 1, 0, LONG);
	EXPECT_EQ(1, CONTEXT(SWEPT));
	close(fd[1]);
}

static void *sleep_long(void *arg)
{
	loop_trap_once(arg, 1, 0, LONG);
	return NULL;
}

TEST_F(observe, sees_a_sleeper)
{
	pthread_t thread;
	int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, sleep_long, &self->l));
	for (i = 0; i < 2000 && !CONTEXT(SLEEPING); i++)
		pause_ms(5);
	EXPECT_EQ(1, CONTEXT(SLEEPING));
	EXPECT_NE(getpid(), CONTEXT(TID));
	EXPECT_NE(0, CONTEXT(TID));
	ASSERT_EQ(0, wake(self->l.fd, GMB_WAKE_TRAP));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, CONTEXT(SLEEPING));
	/* That thread will soon be no more. */
	for (i = 0; i < 2000 && CONTEXT(TID); i++)
		pause_ms(5);
	EXPECT_EQ(0, CONTEXT(TID));
}

/* ---- leases ---- */

TEST_F(observe, is_leased_by_the_socket)
{
	struct nl other;

	EXPECT_EQ(0, CONTEXT(OBSERVED));
	ASSERT_EQ(0, nl_open(&other));
	ASSERT_EQ(0, nl_observe(&other, 0, HISTOGRAMS));
	EXPECT_EQ(HISTOGRAMS, CONTEXT(OBSERVED));
	ASSERT_EQ(0, nl_observe(&self->nl, self->id, EVENTS));
	EXPECT_EQ(HISTOGRAMS | EVENTS, CONTEXT(OBSERVED));
	/* What a socket asks for replaces what it asked for before. */
	ASSERT_EQ(0, nl_observe(&other, self->id, EVENTS));
	EXPECT_EQ(EVENTS, CONTEXT(OBSERVED));
	ASSERT_EQ(0, nl_observe(&self->nl, 0, 0));
	EXPECT_EQ(EVENTS, CONTEXT(OBSERVED));
	/* A request that fails changes nothing. */
	EXPECT_EQ(-ENOENT, nl_observe(&other, ~0U, HISTOGRAMS));
	EXPECT_EQ(-EINVAL, nl_observe(&other, 0, 8));
	EXPECT_EQ(EVENTS, CONTEXT(OBSERVED));
	nl_close(&other);
	EXPECT_EQ(0, CONTEXT(OBSERVED));
	ASSERT_EQ(0, nl_observe(&self->nl, self->id, 0));
}

TEST_F(observe, ends_with_a_killed_observer)
{
	int pid, status, ready[2];
	char byte;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct nl mine;

		if (nl_open(&mine) || nl_observe(&mine, 0, HISTOGRAMS | EVENTS))
			_exit(1);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(HISTOGRAMS | EVENTS, CONTEXT(OBSERVED));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, CONTEXT(OBSERVED));
}

TEST_F(observe, contexts_to_come)
{
	struct loop l;

	ASSERT_EQ(0, nl_observe(&self->nl, 0, HISTOGRAMS));
	ASSERT_EQ(0, loop_init(&l, 4, 4));
	ASSERT_EQ(0, nl_context(&self->nl, l.setup.id, &self->item));
	EXPECT_EQ(HISTOGRAMS, self->item.value[GMB_NL_CONTEXT_OBSERVED]);
	ASSERT_EQ(0, loop_task(&l, 0, 0, 1, 0));
	ASSERT_EQ(1, wake_awake(&l, 0));
	ASSERT_EQ(0, nl_histograms(&self->nl, l.setup.id, 0, self->stage));
	EXPECT_EQ(1, STAGE(TOTAL, COUNT));
	loop_fini(&l);
	/* Of one context only: not of others. */
	ASSERT_EQ(0, nl_observe(&self->nl, self->id, HISTOGRAMS));
	ASSERT_EQ(0, loop_init(&l, 4, 4));
	ASSERT_EQ(0, nl_context(&self->nl, l.setup.id, &self->item));
	EXPECT_EQ(0, self->item.value[GMB_NL_CONTEXT_OBSERVED]);
	loop_fini(&l);
}

TEST_F(observe, only_so_many_sockets)
{
	struct nl nl[64];
	int i;

	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, nl_open(&nl[i]));
		ASSERT_EQ(0, nl_observe(&nl[i], 0, HISTOGRAMS));
	}
	EXPECT_EQ(-EUSERS, nl_observe(&self->nl, 0, HISTOGRAMS));
	/* One that has a lease may change it. */
	EXPECT_EQ(0, nl_observe(&nl[63], 0, EVENTS));
	nl_close(&nl[0]);
	EXPECT_EQ(0, nl_observe(&self->nl, 0, HISTOGRAMS));
	for (i = 1; i < 64; i++)
		nl_close(&nl[i]);
	EXPECT_EQ(HISTOGRAMS, CONTEXT(OBSERVED));
}

/* ---- histograms ---- */

TEST_F(observe, histograms_count_exactly)
{
	struct loop *l = &self->l;
	unsigned long long slept;
	int i, stage;

	ASSERT_EQ(0, wake_awake(l, 0) - 1);
	READ_STAGES(-1);
	EXPECT_EQ(0, STAGE(TOTAL, COUNT));
	ASSERT_EQ(0, nl_observe(&self->nl, self->id, HISTOGRAMS));
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(1, wake_awake(l, i % 3 == 0));
		drain(l);
	}
	/* What is performed without waiting has no moments. */
	for (i = 0; i < 10; i++)
		loop_op(l, GMB_OP_NOP, 0, 0);
	ASSERT_EQ(10, loop_trap(l, 0));
	drain(l);
	for (i = 0; i < 7; i++) {
		ASSERT_EQ(1, sleep_once(l, self->fd, self->buf, 20, 0, 0,
					LONG));
		drain(l);
	}
	READ_STAGES(-1);
	EXPECT_EQ(307, STAGE(TOTAL, COUNT));
	/* A byte may come just while the kernel had the trap return early. */
	slept = CONTEXT(WAKES_URGENT);
	EXPECT_LT(0, slept);
	EXPECT_LE(slept, STAGE(HELD, COUNT));
	EXPECT_GE(7, STAGE(HELD, COUNT));
	EXPECT_EQ(STAGE(HELD, COUNT), STAGE(SCHED, COUNT));
	EXPECT_EQ(STAGE(HELD, COUNT), STAGE(TRAP, COUNT));
	for (stage = 0; stage < __GMB_NL_STAGE_MAX; stage++) {
		struct nl_item *h = &self->stage[stage];
		unsigned long long sum = 0, last = 0;

		for (i = 0; i < h->buckets; i++) {
			EXPECT_GT(GMB_NL_BUCKETS, h->bucket[i].index);
			if (i)
				EXPECT_LT(last, h->bucket[i].index);
			last = h->bucket[i].index;
			sum += h->bucket[i].count;
		}
		EXPECT_EQ(h->value[GMB_NL_HISTOGRAM_COUNT], sum);
		EXPECT_LE(h->value[GMB_NL_HISTOGRAM_MAX_NS],
			  h->value[GMB_NL_HISTOGRAM_SUM]);
	}
	READ_STAGES(0);
	EXPECT_EQ(200, STAGE(TOTAL, COUNT));
	EXPECT_EQ(0, STAGE(HELD, COUNT));
	READ_STAGES(1);
	EXPECT_EQ(100, STAGE(TOTAL, COUNT));
	EXPECT_EQ(-ENOENT, nl_histograms(&self->nl, self->id, 2,
					 self->stage));
}

/* First value of the bucket that holds the greatest. */
static unsigned long long highest(const struct nl_item *h)
{
	unsigned int b = h->buckets ? h->bucket[h->buckets - 1].index : 0;

	return b < 16 ? b : (16ULL + b % 16) << (b / 16 - 1);
}

TEST_F(observe, stages_say_where_the_time_went)
{
	unsigned long long t = now(), top;
	int i;

	ASSERT_EQ(0, nl_observe(&self->nl, self->id, HISTOGRAMS));
	ASSERT_EQ(1, sleep_once(&self->l, self->fd, self->buf, 20, 100 * MS, 0,
				LONG));
	t = now() - t;
	READ_STAGES(-1);
	EXPECT_LE(100 * MS, STAGE(HELD, MAX_NS));
	EXPECT_GE(t, STAGE(TOTAL, MAX_NS));
	EXPECT_EQ(STAGE(TOTAL, SUM), STAGE(HELD, SUM) + STAGE(SCHED, SUM) +
				     STAGE(TRAP, SUM));
	for (i = 0; i < __GMB_NL_STAGE_MAX; i++) {
		top = self->stage[i].value[GMB_NL_HISTOGRAM_MAX_NS];
		EXPECT_EQ(1, self->stage[i].buckets);
		EXPECT_GE(top, highest(&self->stage[i]));
		/* Known to a sixteenth. */
		EXPECT_LE(top - top * 6 / 100, highest(&self->stage[i]));
	}
	/* Held back until the trap's own time was over. */
	ASSERT_EQ(0, nl_reset(&self->nl, self->id));
	ASSERT_EQ(1, sleep_once(&self->l, self->fd, self->buf, 20,
				GMB_SLACK_MAX, 0, 1500 * MS));
	READ_STAGES(-1);
	EXPECT_EQ(1, STAGE(HELD, COUNT));
	EXPECT_LT(0, STAGE(HELD, MAX_NS));
	EXPECT_EQ(0, STAGE(SCHED, MAX_NS));
}

TEST_F(observe, reset_empties)
{
	struct loop *l = &self->l;

	ASSERT_EQ(0, nl_observe(&self->nl, 0, HISTOGRAMS));
	ASSERT_EQ(1, wake_awake(l, 0));
	ASSERT_EQ(1, wake_awake(l, 0));
	READ_STAGES(0);
	EXPECT_EQ(2, STAGE(TOTAL, COUNT));
	ASSERT_EQ(0, nl_reset(&self->nl, self->id));
	READ_STAGES(0);
	EXPECT_EQ(0, STAGE(TOTAL, COUNT));
	READ_STAGES(-1);
	EXPECT_EQ(0, STAGE(TOTAL, COUNT));
	EXPECT_EQ(0, self->stage[GMB_NL_STAGE_TOTAL].buckets);
	ASSERT_EQ(1, wake_awake(l, 0));
	READ_STAGES(0);
	EXPECT_EQ(1, STAGE(TOTAL, COUNT));
	READ_STAGES(-1);
	EXPECT_EQ(1, STAGE(TOTAL, COUNT));
	/* What was measured stays when nobody measures any more. */
	ASSERT_EQ(0, nl_observe(&self->nl, 0, 0));
	ASSERT_EQ(1, wake_awake(l, 0));
	READ_STAGES(-1);
	EXPECT_EQ(1, STAGE(TOTAL, COUNT));
}

TEST_F(observe, only_so_many_tasks)
{
	const char *path = MODULE_DIR "parameters/max_task_histograms";

	if (geteuid())
		SKIP(return, "only root sets parameters");
	ASSERT_EQ(0, number_set(path, "1"));
	ASSERT_EQ(0, nl_observe(&self->nl, 0, HISTOGRAMS));
	ASSERT_EQ(1, wake_awake(&self->l, 1));
	ASSERT_EQ(1, wake_awake(&self->l, 0));
	READ_STAGES(1);
	EXPECT_EQ(1, STAGE(TOTAL, COUNT));
	EXPECT_EQ(-ENOSPC, nl_histograms(&self->nl, self->id, 0,
					 self->stage));
	READ_STAGES(-1);
	EXPECT_EQ(2, STAGE(TOTAL, COUNT));
	/* A task that goes makes room for another. */
	loop_op(&self->l, GMB_OP_TASK_DROP, 1, 0);
	ASSERT_EQ(1, loop_trap(&self->l, 0));
	ASSERT_EQ(1, wake_awake(&self->l, 0));
	READ_STAGES(0);
	EXPECT_EQ(1, STAGE(TOTAL, COUNT));
	ASSERT_EQ(0, number_set(path, "256"));
}

/* ---- events ---- */

#define NEXT_BATCH()							\
	ASSERT_EQ(0, nl_batch(&self->nl, &self->batch, LONG / MS))
/* None comes for much longer than one is kept back. */
#define NO_BATCH()							\
	EXPECT_EQ(-EAGAIN, nl_batch(&self->nl, &self->batch, 300))

TEST_F(observe, events_are_the_completions)
{
	struct gmb_nl_event *e = self->batch.event;
	struct loop *l = &self->l;
	unsigned long long t;
	int i;

	ASSERT_EQ(0, nl_observe(&self->nl, self->id, EVENTS));
	t = now();
	loop_op(l, GMB_OP_NOP, 0, 5);
	loop_op(l, GMB_OP_WATCH_DROP, 99, 6);
	loop_buf(l, GMB_OP_SEND, self->fd[0], 7, "abc", 3);
	ASSERT_EQ(3, loop_trap(l, 0));
	NEXT_BATCH();
	EXPECT_EQ(self->id, self->batch.id);
	EXPECT_EQ(1, self->batch.seq);
	EXPECT_EQ(0, self->batch.lost);
	ASSERT_EQ(3, self->batch.count);
	for (i = 0; i < 3; i++) {
		struct gmb_ioc_cqe c = loop_next(l);

		EXPECT_EQ(c.user_data, e[i].user_data);
		EXPECT_EQ(c.res, e[i].res);
		EXPECT_EQ(c.flags, e[i].flags);
		EXPECT_EQ(0, e[i].ready | e[i].woken | e[i].running);
		EXPECT_EQ(GMB_NL_NO_SLEEP, e[i].reason);
		EXPECT_LE(t, e[i].done);
		t = e[i].done;
	}
	EXPECT_LE(t, now());
	/* A trap without completions has no batch. */
	ASSERT_EQ(0, loop_trap(l, 0));
	NO_BATCH();
	ASSERT_EQ(1, wake_awake(l, 1));
	NEXT_BATCH();
	EXPECT_EQ(2, self->batch.seq);
	ASSERT_EQ(1, self->batch.count);
	EXPECT_EQ(101, e->user_data);
	EXPECT_EQ(GMB_CQE_WAKE, e->flags);
	EXPECT_LT(0, e->ready);
	EXPECT_LE(e->ready, e->done);
	EXPECT_EQ(0, e->woken);
	ASSERT_EQ(0, nl_observe(&self->nl, self->id, HISTOGRAMS));
	ASSERT_EQ(1, wake_awake(l, 1));
	NO_BATCH();
}

TEST_F(observe, moments_are_in_order)
{
	static const struct {
		unsigned int slack, batch, reason;
		unsigned long long timeout;
	} sleeps[] = {
		{ 0, 0, GMB_NL_REASON_URGENT, LONG },
		{ 30 * MS, 0, GMB_NL_REASON_BUDGET, LONG },
		{ GMB_SLACK_MAX, 1, GMB_NL_REASON_COUNT, LONG },
		{ GMB_SLACK_MAX, 0, GMB_NL_REASON_END, 1500 * MS },
	};
	struct gmb_nl_event *e = self->batch.event;
	unsigned int i, awake = 0;

	ASSERT_EQ(0, nl_observe(&self->nl, self->id, EVENTS));
	for (i = 0; i < 4 * ARRAY_SIZE(sleeps); i++) {
		unsigned long long before = now();

		ASSERT_EQ(1, sleep_once(&self->l, self->fd, self->buf, 30,
					sleeps[i / 4].slack,
					sleeps[i / 4].batch,
					sleeps[i / 4].timeout));
		NEXT_BATCH();
		ASSERT_EQ(1, self->batch.count);
		/* It came just while the kernel had the trap return early. */
		if (e->reason == GMB_NL_NO_SLEEP && awake++ < 16) {
			i--;
			continue;
		}
		EXPECT_EQ(sleeps[i / 4].reason, e->reason);
		EXPECT_LE(before, e->ready);
		EXPECT_LE(e->ready, e->woken);
		EXPECT_LE(e->woken, e->running);
		EXPECT_LE(e->running, e->done);
		EXPECT_LE(e->done, now());
		EXPECT_EQ(1, e->res);
		if (i / 4 == 1)
			EXPECT_LE(30 * MS, e->woken - e->ready);
	}
}

/* Two who look see the same, each with its own numbers. */
TEST_F(observe, several_receivers)
{
	struct nl_batch theirs;
	struct nl other;

	ASSERT_EQ(0, nl_observe(&self->nl, self->id, EVENTS));
	ASSERT_EQ(1, wake_awake(&self->l, 0));
	ASSERT_EQ(0, nl_open(&other));
	ASSERT_EQ(0, nl_observe(&other, 0, EVENTS));
	ASSERT_EQ(1, wake_awake(&self->l, 1));
	/* The first event may have gone before, or with the second. */
	NEXT_BATCH();
	if (self->batch.count == 1)
		NEXT_BATCH();
	ASSERT_EQ(0, nl_batch(&other, &theirs, LONG / MS));
	EXPECT_EQ(1, theirs.seq);
	/* What was before it asked is not for the other. */
	ASSERT_EQ(1, theirs.count);
	EXPECT_EQ(101, theirs.event[0].user_data);
	EXPECT_EQ(0, memcmp(theirs.event,
			    &self->batch.event[self->batch.count - 1],
			    sizeof(theirs.event[0])));
	EXPECT_EQ(-EAGAIN, nl_batch(&other, &theirs, 100));
	nl_close(&other);
}

/* What a context did last is told, though it ends at once. */
TEST_F(observe, the_last_events)
{
	struct loop l;

	ASSERT_EQ(0, nl_observe(&self->nl, 0, EVENTS));
	ASSERT_EQ(0, loop_init(&l, 4, 4));
	loop_op(&l, GMB_OP_NOP, 0, 77);
	ASSERT_EQ(1, loop_trap(&l, 0));
	loop_fini(&l);
	NEXT_BATCH();
	EXPECT_EQ(l.setup.id, self->batch.id);
	ASSERT_EQ(1, self->batch.count);
	EXPECT_EQ(77, self->batch.event[0].user_data);
	NO_BATCH();
}

TEST_F(observe, many_events_in_one_trap)
{
	int i, sum = 0, batches = 0;

	ASSERT_EQ(0, nl_observe(&self->nl, self->id, EVENTS));
	for (i = 0; i < 250; i++)
		loop_op(&self->l, GMB_OP_NOP, 0, i);
	ASSERT_EQ(250, loop_trap(&self->l, 0));
	while (!nl_batch(&self->nl, &self->batch, 300)) {
		EXPECT_EQ(++batches, self->batch.seq);
		for (i = 0; i < self->batch.count; i++)
			EXPECT_EQ(sum++, self->batch.event[i].user_data);
	}
	EXPECT_EQ(250, sum);
}

/* Whoever does not read is told how much he missed. */
TEST_F(observe, loss_is_told)
{
	int small = 4096, i, ret, round, n = 0, errors = 0;
	unsigned long long received = 0, lost, last = 0;
	struct loop *l = &self->l;

	ASSERT_EQ(0, setsockopt(self->nl.fd, SOL_SOCKET, SO_RCVBUF, &small,
				sizeof(small)));
	ASSERT_EQ(0, nl_observe(&self->nl, self->id, EVENTS));
	for (round = 0; round < 100; round++) {
		for (i = 0; i < 100; i++, n++)
			loop_op(l, GMB_OP_NOP, 0, n);
		ASSERT_EQ(100, loop_trap(l, 0));
		drain(l);
	}
	while ((ret = nl_batch(&self->nl, &self->batch, 300)) != -EAGAIN) {
		if (ret == -ENOBUFS) {
			errors++;
			continue;
		}
		ASSERT_EQ(0, ret);
		EXPECT_LT(last, self->batch.seq);
		last = self->batch.seq;
		EXPECT_LE(received, self->batch.before);
		received += self->batch.count;
	}
	EXPECT_LT(0, received);
	EXPECT_LE(1, errors);
	/* There is room again: what comes next tells. */
	loop_op(l, GMB_OP_NOP, 0, n++);
	ASSERT_EQ(1, loop_trap(l, 0));
	NEXT_BATCH();
	EXPECT_LT(last, self->batch.seq);
	received += self->batch.count;
	lost = self->batch.lost;
	EXPECT_EQ(self->batch.before + 1, received + lost);
	EXPECT_EQ(0, self->batch.group_seq);
	EXPECT_LT(0, lost);
	EXPECT_EQ(n, received + lost);
	EXPECT_EQ(lost, CONTEXT(EVENTS_LOST));
	EXPECT_EQ(n, CONTEXT(COMPLETIONS));
}

TEST_HARNESS_MAIN
