/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Every netlink request, with each of its allocations and copies failing in
 * turn: refused for want, or answered; then, asked again, answered. And a trap
 * that is observed, which must not notice that events cannot be told.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"
#include "nl.h"
#include "nth.h"

#define EVERYTHING	(GMB_NL_OBSERVE_HISTOGRAMS | GMB_NL_OBSERVE_EVENTS)

FIXTURE(faults_nl)
{
	struct loop l;
	struct nl nl;
	unsigned int id;
	int nth;
	int fd[2];
	struct nl_item item[8];
};

FIXTURE_SETUP(faults_nl)
{
	self->nth = nth_open();
	if (self->nth == -ENOENT)
		SKIP(return, "the kernel cannot inject failures");
	ASSERT_LE(0, self->nth);
	ASSERT_EQ(0, loop_init(&self->l, 64, 128));
	ASSERT_EQ(0, pair_unix(self->fd));
	ASSERT_EQ(0, loop_watch(&self->l, self->fd[0]));
	ASSERT_EQ(0, loop_task(&self->l, 3, 0, 9, 0));
	self->id = self->l.setup.id;
}

FIXTURE_TEARDOWN(faults_nl)
{
	loop_fini(&self->l);
}

static int ask_context(struct nl *nl, unsigned int id, struct nl_item *item)
{
	return nl_context(nl, id, item);
}

static int ask_contexts(struct nl *nl, unsigned int id, struct nl_item *item)
{
	return nl_contexts(nl, item, 8);
}

static int ask_watches(struct nl *nl, unsigned int id, struct nl_item *item)
{
	return nl_items(nl, GMB_NL_CMD_WATCH_GET, id, item, 8);
}

static int ask_tasks(struct nl *nl, unsigned int id, struct nl_item *item)
{
	return nl_items(nl, GMB_NL_CMD_TASK_GET, id, item, 8);
}

static int ask_histograms(struct nl *nl, unsigned int id, struct nl_item *item)
{
	return nl_histograms(nl, id, -1, item);
}

static int ask_task_histograms(struct nl *nl, unsigned int id,
			       struct nl_item *item)
{
	return nl_histograms(nl, id, 3, item);
}

static int ask_reset(struct nl *nl, unsigned int id, struct nl_item *item)
{
	return nl_reset(nl, id);
}

static int ask_observe(struct nl *nl, unsigned int id, struct nl_item *item)
{
	return nl_observe(nl, id, EVERYTHING);
}

static int ask_observe_all(struct nl *nl, unsigned int id, struct nl_item *item)
{
	return nl_observe(nl, 0, EVERYTHING);
}

static int ask_observe_group(struct nl *nl, unsigned int id,
			     struct nl_item *item)
{
	return nl_observe(nl, 0, EVERYTHING | GMB_NL_OBSERVE_GROUP);
}

static const struct {
	const char *name;
	int (*ask)(struct nl *nl, unsigned int id, struct nl_item *item);
	bool observed;	/* needs somebody else to observe the context */
} requests[] = {
	{ "context", ask_context },
	{ "contexts", ask_contexts },
	{ "watches", ask_watches },
	{ "tasks", ask_tasks },
	{ "histograms", ask_histograms, true },
	{ "histograms of a task", ask_task_histograms, true },
	{ "reset", ask_reset },
	{ "observe", ask_observe },
	{ "observe all", ask_observe_all },
	{ "observe for the group", ask_observe_group },
};

/* An answer that could not even be begun is not waited for. */
static int open_patient(struct nl *nl)
{
	struct timeval patience = { .tv_sec = 2 };
	int ret = nl_open(nl);

	if (!ret && setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			       sizeof(patience)))
		ret = -errno;
	return ret;
}

TEST_F(faults_nl, requests)
{
	struct nth_series at;
	struct nl observer;
	unsigned int i;
	int ret;

	ASSERT_EQ(0, nl_open(&observer));
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i].observed) {
			ASSERT_EQ(0, nl_observe(&observer, self->id,
						EVERYTHING));
		}
		at = (struct nth_series){ 0 };
		while (nth_next(&at)) {
			ASSERT_EQ(0, open_patient(&self->nl));
			nth_arm(self->nth, at.n);
			ret = requests[i].ask(&self->nl, self->id, self->item);
			at.struck = nth_struck(self->nth);
			EXPECT_TRUE(ret >= 0 || (at.struck && nth_is_want(ret)))
			{
				TH_LOG("%s: failure %u: %s", requests[i].name,
				       at.n, strerror(-ret));
			}
			nl_close(&self->nl);
			ASSERT_EQ(0, open_patient(&self->nl));
			EXPECT_LE(0, requests[i].ask(&self->nl, self->id,
						     self->item));
			nl_close(&self->nl);
		}
		EXPECT_LT(0, at.failures);
		TH_LOG("%s: %u failures", requests[i].name, at.failures);
		if (requests[i].observed) {
			ASSERT_EQ(0, nl_observe(&observer, self->id, 0));
		}
	}
	nl_close(&observer);
}

/* Take what has come for a member; returns how many events. */
static int take(struct nl *member, struct nl_batch *last)
{
	struct nl_batch batch;
	int n = 0, ret;

	while ((ret = nl_batch(member, &batch, 0)) != -EAGAIN) {
		if (ret)
			continue;
		*last = batch;
		n += batch.count;
	}
	return n;
}

/* As many operations as are told together, and their completions. */
static int full_batch(struct loop *l, int nth, bool *struck, unsigned int n)
{
	int i, ret;

	ret = wake(l->fd, GMB_TASK(3, 0));
	if (ret)
		return ret;
	for (i = 0; i < 63; i++)
		loop_op(l, GMB_OP_NOP, 0, i);
	nth_arm(nth, n);
	ret = loop_trap_once(l, 0, 0, 0);
	*struck = nth_struck(nth);
	/* The argument could not be copied: nothing was done. */
	if (ret == -EFAULT)
		ret = loop_trap(l, 0);
	for (i = 0; loop_next(l).user_data != NONE; i++)
		;
	return ret == i ? ret : -EBADMSG;
}

/*
 * What is done is done and posted, whether or not anybody can be told; and who
 * was not told knows of how much.
 */
TEST_F(faults_nl, observed_trap)
{
	struct nl_batch last = { 0 };
	unsigned int n, made = 0;
	struct nl member;
	bool struck;
	int seen = 0;

	ASSERT_EQ(0, nl_open(&member));
	ASSERT_EQ(0, nl_join(&member));
	ASSERT_EQ(0, nl_observe(&member, 0, GMB_NL_OBSERVE_GROUP));
	/* The first has memory for events: without, they are not even lost. */
	for (n = 10000, struck = true; struck || n == 1; n++) {
		ASSERT_EQ(0, nl_open(&self->nl));
		ASSERT_EQ(0, nl_observe(&self->nl, self->id, EVERYTHING));
		EXPECT_EQ(64, full_batch(&self->l, self->nth, &struck, n));
		made += 64;
		seen += take(&member, &last);
		nl_close(&self->nl);
		if (n == 10000)
			n = 0;
	}
	TH_LOG("%u failures", n - 2);
	/* Nothing failed at the last: it told of all before. */
	EXPECT_EQ(made, last.before + last.count);
	EXPECT_EQ(made, last.group_before + last.count);
	EXPECT_LE(seen + 64, (int)made);
	EXPECT_EQ(last.lost, made - seen);
	nl_close(&member);
}

/*
 * The same each time with a context of its own, since the memory for what is
 * measured is taken for the first completion.
 */
TEST_F(faults_nl, first_observed_trap)
{
	struct nth_series at = { 0 };
	struct loop l;

	while (nth_next(&at)) {
		ASSERT_EQ(0, loop_init(&l, 64, 128));
		ASSERT_EQ(0, loop_task(&l, 3, 0, 9, 0));
		ASSERT_EQ(0, nl_open(&self->nl));
		ASSERT_EQ(0, nl_observe(&self->nl, l.setup.id, EVERYTHING));
		EXPECT_EQ(64, full_batch(&l, self->nth, &at.struck,
					 at.n));
		nl_close(&self->nl);
		loop_fini(&l);
	}
	EXPECT_LT(3, at.failures);
	TH_LOG("%u failures", at.failures);
}

/* Who observes all observes those to come: that takes memory, too. */
TEST_F(faults_nl, observed_from_the_start)
{
	struct gmb_ioc_setup setup = {
		.size = sizeof(setup), .sq_entries = 8, .cq_entries = 8,
	};
	struct nth_series at = { 0 };
	struct loop l;
	int ret;

	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_observe(&self->nl, 0, EVERYTHING));
	while (nth_next(&at)) {
		ASSERT_EQ(0, loop_open(&l));
		l.setup = setup;
		nth_arm(self->nth, at.n);
		ret = ioctl(l.fd, GMB_IOC_SETUP, &l.setup) ? -errno : 0;
		at.struck = nth_struck(self->nth);
		EXPECT_TRUE(!ret || (at.struck && nth_is_want(ret)));
		if (ret) {
			l.setup = setup;
			ret = ioctl(l.fd, GMB_IOC_SETUP, &l.setup) ? -errno : 0;
			/* Done, but the program could not be told. */
			EXPECT_TRUE(!ret || ret == -EBUSY);
		}
		if (!ret) {
			EXPECT_EQ(0, nl_context(&self->nl, l.setup.id,
						self->item));
			EXPECT_EQ(EVERYTHING, self->item->value[
				  GMB_NL_CONTEXT_OBSERVED]);
		}
		close(l.fd);
	}
	EXPECT_LT(1, at.failures);
	TH_LOG("%u failures", at.failures);
	nl_close(&self->nl);
}

TEST_HARNESS_MAIN
