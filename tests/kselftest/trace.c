/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The trace points, read as anybody reads them: through tracefs. Each test
 * turns the events of the module on, has one thing happen, and looks for the
 * lines of its own context.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"

#define TRACING		"/sys/kernel/tracing/"
#define TRACE_MAX	(1 << 20)

FIXTURE(trace)
{
	struct loop l;
	int fd[2];
	char buf[64];
	char *text;
};

static int filter(const char *condition)
{
	return number_set(TRACING "events/timer/hrtimer_start/filter",
			  condition);
}

FIXTURE_SETUP(trace)
{
	if (access(TRACING "trace", R_OK))
		mount("tracefs", TRACING, "tracefs", 0, NULL);
	if (access(TRACING "events/giambio/enable", W_OK))
		SKIP(return, "this kernel shows no trace events");
	self->text = malloc(TRACE_MAX);
	ASSERT_NE(NULL, self->text);
	ASSERT_EQ(0, loop_init(&self->l, 64, 64));
	ASSERT_EQ(0, pair_unix(self->fd));
	ASSERT_EQ(0, loop_watch(&self->l, self->fd[0]));
	ASSERT_EQ(0, loop_task(&self->l, 0, 7, 100, 0));
	close(open(TRACING "trace", O_WRONLY | O_TRUNC));
	/*
	 * The names of tasks come from a probe in the scheduler. Patching that
	 * into its code is what an emulator of several processors may trip
	 * over: int3 is met there when it is gone already.
	 */
	ASSERT_EQ(0, number_set(TRACING "options/record-cmd", "0"));
	ASSERT_EQ(0, number_set(TRACING "events/giambio/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	number_set(TRACING "events/giambio/enable", "0");
	filter("0");
	loop_fini(&self->l);
	close(self->fd[0]);
	close(self->fd[1]);
	free(self->text);
}

static void read_trace(char *text)
{
	int fd = open(TRACING "trace", O_RDONLY);
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, text + length, TRACE_MAX - 1 - length)) > 0)
		length += n;
	text[length] = 0;
	close(fd);
}

/* How many lines say this event of this context with these fields. */
static int lines(struct loop *l, char *text, const char *event,
		 const char *fields)
{
	char name[64], context[32];
	char *line, *end;
	int count = 0;

	snprintf(name, sizeof(name), " %s: ", event);
	snprintf(context, sizeof(context), "ctx=%u ", l->setup.id);
	for (line = text; *line; line = end + 1) {
		end = strchrnul(line, '\n');
		if (!*end)
			break;
		*end = 0;
		if (strstr(line, name) && strstr(line, context) &&
		    strstr(line, fields))
			count++;
		*end = '\n';
	}
	return count;
}

#define LINES(event, fields) lines(&self->l, self->text, event, fields)

/* Sleep until a byte arrives, which may wait so long and so many. */
static int sleep_once(struct loop *l, int fd[2], void *buf, unsigned int slack,
		      unsigned int batch)
{
	struct later later = { .ms = 20, .fn = later_write, .fd = fd[1] };
	int ret;

	loop_buf(l, GMB_OP_RECV, fd[0], 77, buf, 1)->slack_ns = slack;
	later_start(&later);
	ret = loop_trap_for(l, 1, batch, LONG);
	later_end(&later);
	return ret;
}

TEST_F(trace, an_operation_from_submission_to_completion)
{
	ASSERT_EQ(1, sleep_once(&self->l, self->fd, self->buf, 0, 0));
	read_trace(self->text);
	EXPECT_EQ(1, LINES("gmb_submit", "user_data=0x4d op=4 "));
	EXPECT_LE(1, LINES("gmb_ready", "events=0x"));
	EXPECT_EQ(1, LINES("gmb_complete", "user_data=0x4d res=1 "));
	EXPECT_LE(1, LINES("gmb_trap_enter", "waiting="));
	EXPECT_LE(1, LINES("gmb_trap_exit", "ret=1"));
	EXPECT_EQ(1, LINES("gmb_wake", "reason=urgent"));
}

TEST_F(trace, a_coalesced_wake_has_its_reason)
{
	ASSERT_EQ(1, sleep_once(&self->l, self->fd, self->buf, 30 * MS, 0));
	read_trace(self->text);
	EXPECT_EQ(1, LINES("gmb_wake", "reason=budget"));
	EXPECT_EQ(0, LINES("gmb_wake", "reason=urgent"));
	ASSERT_EQ(1, sleep_once(&self->l, self->fd, self->buf, GMB_SLACK_MAX,
				1));
	read_trace(self->text);
	EXPECT_EQ(1, LINES("gmb_wake", "reason=count"));
}

TEST_F(trace, a_task_that_is_woken)
{
	struct later later = {
		.ms = 20, .fn = later_wake, .loop = &self->l,
		.fd = self->l.fd, .target = GMB_TASK(0, 7),
	};

	ASSERT_EQ(0, later_start(&later));
	ASSERT_EQ(1, loop_trap_for(&self->l, 1, 0, LONG));
	later_end(&later);
	read_trace(self->text);
	EXPECT_EQ(1, LINES("gmb_task_ready", "user_data=0x64"));
	EXPECT_EQ(1, LINES("gmb_complete", "user_data=0x64 res=0 "));
}

/* What the kernel is asked to do at the end of a sleep, by its own events. */
static void timers(const char *text, int *exact, int *loose)
{
	unsigned long long expires, soft;
	const char *at = text;

	*exact = *loose = 0;
	while ((at = strstr(at, "hrtimer_start: "))) {
		if (sscanf(at, "hrtimer_start: hrtimer=%*s function=hrtimer_wakeup expires=%llu softexpires=%llu",
			   &expires, &soft) == 2)
			++*(expires == soft ? exact : loose);
		at++;
	}
}

/* Slack belongs to operations: the thread's own is not added to a timeout. */
TEST_F(trace, a_timeout_is_exact)
{
	struct timespec span = { .tv_nsec = 1000000 };
	int exact, loose;
	char own[32];

	/* Not by set_event_pid, which patches the scheduler, too. */
	snprintf(own, sizeof(own), "common_pid == %d", gettid());
	ASSERT_EQ(0, prctl(PR_SET_TIMERSLACK, 5000000UL));
	ASSERT_EQ(0, filter(own));
	ASSERT_EQ(0, number_set(TRACING "events/timer/hrtimer_start/enable",
				"1"));
	nanosleep(&span, NULL);
	read_trace(self->text);
	timers(self->text, &exact, &loose);
	EXPECT_EQ(0, exact);
	EXPECT_EQ(1, loose);
	EXPECT_EQ(0, loop_trap_for(&self->l, 1, 0, 50 * MS));
	number_set(TRACING "events/timer/hrtimer_start/enable", "0");
	filter("0");
	read_trace(self->text);
	timers(self->text, &exact, &loose);
	EXPECT_LE(1, exact);
	EXPECT_EQ(1, loose);
}

TEST_F(trace, nothing_is_written_while_it_is_off)
{
	number_set(TRACING "events/giambio/enable", "0");
	ASSERT_EQ(1, sleep_once(&self->l, self->fd, self->buf, 0, 0));
	read_trace(self->text);
	EXPECT_EQ(0, LINES("gmb_submit", ""));
	EXPECT_EQ(0, LINES("gmb_complete", ""));
}

TEST_HARNESS_MAIN
