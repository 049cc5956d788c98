/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Every call, with each of its allocations and copies from and to the program
 * failing in turn: the first, the second, until none is left to fail. What
 * failed must have left everything as it was, so that a second attempt does
 * what the first should have done, and nothing may stay behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"
#include "nth.h"

/* Slots far behind the table's first size. */
#define FAR	200
#define FIRST_USER	20000

struct scene {
	struct loop l, peer;
	int unix_pair[2], full[2], tcp[2], pipe[2], event, terminal;
	char buf[4096];
};

static int scene_begin(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	if (loop_init(&s->l, 16, 16) || loop_init(&s->peer, 16, 16) ||
	    pair_unix(s->unix_pair) || pair_unix(s->full) || pair_tcp(s->tcp))
		return -1;
	s->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pipe2(s->pipe, O_NONBLOCK | O_CLOEXEC) || s->event < 0 ||
	    s->terminal < 0)
		return -1;
	while (send(s->full[0], s->buf, sizeof(s->buf), MSG_DONTWAIT) > 0)
		;
	if (loop_watch(&s->l, s->unix_pair[0]) ||
	    loop_watch(&s->l, s->full[0]) || loop_watch(&s->l, s->tcp[0]) ||
	    loop_watch(&s->l, s->event) || loop_watch(&s->l, s->pipe[0]) ||
	    loop_watch(&s->l, s->pipe[1]) || loop_task(&s->l, 0, 0, 77, 0))
		return -1;
	return 0;
}

static void scene_end(struct scene *s)
{
	loop_fini(&s->l);
	loop_fini(&s->peer);
	close(s->unix_pair[0]);
	close(s->unix_pair[1]);
	close(s->full[0]);
	close(s->full[1]);
	close(s->tcp[0]);
	close(s->tcp[1]);
	close(s->pipe[0]);
	close(s->pipe[1]);
	close(s->event);
	close(s->terminal);
}

/* ---- operations, each put into the ring once; none needs to wait ---- */

static void put_add(struct scene *s)
{
	loop_op(&s->l, GMB_OP_WATCH_ADD, FAR, 1)->fd = s->tcp[1];
}

/* A terminal has two wait queues. */
static void put_add_second(struct scene *s)
{
	loop_op(&s->l, GMB_OP_WATCH_ADD, s->terminal, 1)->fd = s->terminal;
}

static void put_replace(struct scene *s)
{
	struct gmb_ioc_op *op = loop_op(&s->l, GMB_OP_WATCH_ADD,
					s->unix_pair[0], 1);

	op->fd = s->terminal;
	op->flags = GMB_F_REPLACE;
}

static void put_drop(struct scene *s)
{
	loop_op(&s->l, GMB_OP_WATCH_DROP, s->tcp[0], 1);
}

static void put_task_add(struct scene *s)
{
	loop_op(&s->l, GMB_OP_TASK_ADD, FAR, 1);
}

static void put_task_drop(struct scene *s)
{
	loop_op(&s->l, GMB_OP_TASK_DROP, 0, 1);
}

static void put_peer_add(struct scene *s)
{
	loop_op(&s->l, GMB_OP_PEER_ADD, FAR, 1)->fd = s->peer.fd;
}

static void put_wake(struct scene *s)
{
	loop_op(&s->l, GMB_OP_WAKE, GMB_SELF, 1)->addr = GMB_TASK(0, 1);
}

static void put_ready(struct scene *s)
{
	loop_op(&s->l, GMB_OP_READY, s->unix_pair[0], 1)->events = POLLOUT;
}

static void feed(int fd, const void *data, size_t len)
{
	if (write(fd, data, len) != (ssize_t)len)
		abort();
}

static void put_recv(struct scene *s, int fd[2])
{
	feed(fd[1], "x", 1);
	loop_buf(&s->l, GMB_OP_RECV, fd[0], 1, s->buf, 1);
}

static void put_recv_unix(struct scene *s)
{
	put_recv(s, s->unix_pair);
}

static void put_recv_tcp(struct scene *s)
{
	put_recv(s, s->tcp);
}

static void put_send_unix(struct scene *s)
{
	loop_buf(&s->l, GMB_OP_SEND, s->unix_pair[0], 1, s->buf, 100);
}

static void put_send_tcp(struct scene *s)
{
	loop_buf(&s->l, GMB_OP_SEND, s->tcp[0], 1, s->buf, 100)->flags =
		GMB_F_ALL;
}

static void put_exchange(struct scene *s)
{
	struct gmb_ioc_op *op;

	feed(s->unix_pair[1], "x", 1);
	op = loop_buf(&s->l, GMB_OP_EXCHANGE, s->unix_pair[0], 1, s->buf, 100);
	op->addr2 = (unsigned long)s->buf;
	op->len2 = 1;
}

static void put_read_event(struct scene *s)
{
	unsigned long long one = 1;

	feed(s->event, &one, sizeof(one));
	loop_buf(&s->l, GMB_OP_READ, s->event, 1, s->buf, 8);
}

static void put_write_event(struct scene *s)
{
	loop_buf(&s->l, GMB_OP_WRITE, s->event, 1, "\1\0\0\0\0\0\0\0", 8);
}

static void put_read_pipe(struct scene *s)
{
	feed(s->pipe[1], "x", 1);
	loop_buf(&s->l, GMB_OP_READ, s->pipe[0], 1, s->buf, 1);
}

static void put_write_pipe(struct scene *s)
{
	loop_buf(&s->l, GMB_OP_WRITE, s->pipe[1], 1, s->buf, 100);
}

static const struct step {
	const char *name;
	void (*put)(struct scene *s);
	int good;	/* what it completes with when nothing fails */
	int again;	/* and when that has happened before */
} steps[] = {
	{ "watch, table", put_add, 0, -EEXIST },
	{ "watch, two queues", put_add_second, 0, -EEXIST },
	{ "watch, replaced", put_replace, 0, 0 },
	{ "watch, dropped", put_drop, 0, -ENOENT },
	{ "task", put_task_add, 0, -EEXIST },
	{ "task, dropped", put_task_drop, 0, -ENOENT },
	{ "peer", put_peer_add, 0, -EEXIST },
	{ "wake", put_wake, -ESRCH, -ESRCH },
	{ "ready", put_ready, POLLOUT, POLLOUT },
	{ "receive, unix", put_recv_unix, 1, 1 },
	{ "receive, tcp", put_recv_tcp, 1, 1 },
	{ "send, unix", put_send_unix, 100, 100 },
	{ "send, tcp", put_send_tcp, 100, 100 },
	{ "exchange", put_exchange, 1, 1 },
	{ "read eventfd", put_read_event, 8, 8 },
	{ "write eventfd", put_write_event, 8, 8 },
	{ "read pipe", put_read_pipe, 1, 1 },
	{ "write pipe", put_write_pipe, 100, 100 },
};

/* The result of what is in the ring, or parked. */
static int outcome(struct scene *s)
{
	int ret = loop_trap(&s->l, 1);

	return ret == 1 ? loop_next(&s->l).res : LOOP_NOTHING;
}

/*
 * Run a step with its nth failure. Returns 1 when there was one, 0 when there
 * was none any more, or the line that saw something wrong, negated.
 */
static int step_run(const struct step *step, int nth, unsigned int n)
{
	struct scene *s = malloc(sizeof(*s));
	int ret, res, wrong = 0;
	unsigned int head;
	bool struck;

	if (scene_begin(s))
		return -__LINE__;
	step->put(s);
	head = s->l.ring->sq_head;
	nth_arm(nth, n);
	ret = loop_trap_once(&s->l, 0, 0, 0);
	struck = nth_struck(nth);
	if (ret == -EFAULT && s->l.ring->sq_head == head) {
		/* The trap's own argument: nothing was taken. */
		if (outcome(s) != step->good)
			wrong = -__LINE__;
		goto out;
	}
	res = ret == 1 ? loop_next(&s->l).res : LOOP_NOTHING;
	if (ret == 0)
		res = outcome(s);
	if (res != step->good && !(struck && nth_is_want(res)))
		wrong = -__LINE__;
	step->put(s);
	if (outcome(s) != (res == step->good ? step->again : step->good))
		wrong = -__LINE__;
out:
	scene_end(s);
	free(s);
	return wrong ?: struck;
}

FIXTURE(faults)
{
	long users;
	int nth;
};

FIXTURE_SETUP(faults)
{
	self->nth = nth_open();
	if (self->nth == -ENOENT)
		SKIP(return, "the kernel cannot inject failures");
	ASSERT_LE(0, self->nth);
	self->users = number_get(MODULE_DIR "refcnt");
}

FIXTURE_TEARDOWN(faults)
{
	EXPECT_EQ(self->users, module_users(self->users));
}

TEST_F(faults, operations)
{
	unsigned int i, n;
	int ret;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (n = 1; (ret = step_run(&steps[i], self->nth, n)) == 1; n++)
			;
		EXPECT_EQ(0, ret)
		{
			TH_LOG("%s: failure %u, seen in line %d",
			       steps[i].name, n, -ret);
		}
		/* The trap's argument is copied, if nothing else. */
		EXPECT_LT(1, n);
		TH_LOG("%s: %u failures", steps[i].name, n - 1);
	}
}

TEST_F(faults, opening)
{
	struct nth_series at = { 0 };
	uid_t user = FIRST_USER + 1;
	struct loop l;
	int ret = 0;

	if (geteuid())
		SKIP(return, "needs root, to be many users");
	while (nth_next(&at)) {
		/* Somebody of whom the module knows nothing yet. */
		ASSERT_EQ(0, setresuid(user++, -1, -1));
		nth_arm(self->nth, at.n);
		ret = loop_open(&l);
		at.struck = nth_struck(self->nth);
		if (ret) {
			EXPECT_TRUE(at.struck && nth_is_want(ret))
			{
				TH_LOG("failure %u: %s", at.n, strerror(-ret));
			}
		} else {
			close(l.fd);
		}
	}
	EXPECT_EQ(0, ret);
	EXPECT_LT(1, at.failures);
}

TEST_F(faults, setting_up)
{
	struct gmb_ioc_setup setup = {
		.size = sizeof(setup), .flags = GMB_SETUP_STAMPS,
		.sq_entries = 64, .cq_entries = 256,
	};
	struct nth_series at = { 0 };
	struct loop l;
	int ret;

	while (nth_next(&at)) {
		ASSERT_EQ(0, loop_open(&l));
		l.setup = setup;
		nth_arm(self->nth, at.n);
		ret = ioctl(l.fd, GMB_IOC_SETUP, &l.setup) ? -errno : 0;
		at.struck = nth_struck(self->nth);
		if (ret) {
			EXPECT_TRUE(at.struck && (ret == -ENOMEM ||
						  ret == -EFAULT));
			l.setup = setup;
			ret = ioctl(l.fd, GMB_IOC_SETUP, &l.setup) ? -errno : 0;
			/* Done, but the program could not be told. */
			EXPECT_TRUE(!ret || ret == -EBUSY);
		}
		if (!ret) {
			nth_arm(self->nth, at.n);
			ret = loop_map(&l);
			at.struck |= nth_struck(self->nth);
			EXPECT_TRUE(!ret || ret == -ENOMEM);
			if (ret) {
				EXPECT_EQ(0, loop_map(&l));
			}
			loop_unmap(&l);
		}
		close(l.fd);
	}
	EXPECT_LT(1, at.failures);
}

TEST_F(faults, asking_and_waking)
{
	struct nth_series at = { 0 };
	struct gmb_ioc_query q;
	struct loop l;
	int ret;

	ASSERT_EQ(0, loop_init(&l, 8, 8));
	ASSERT_EQ(0, loop_task(&l, 0, 0, 5, 0));
	while (nth_next(&at)) {
		q = (struct gmb_ioc_query){ .size = sizeof(q) };
		nth_arm(self->nth, at.n);
		ret = ioctl(l.fd, GMB_IOC_QUERY, &q) ? -errno : 0;
		at.struck = nth_struck(self->nth);
		EXPECT_EQ(at.struck ? -EFAULT : 0, ret);
	}
	EXPECT_LT(0, at.failures);
	at = (struct nth_series){ 0 };
	while (nth_next(&at)) {
		nth_arm(self->nth, at.n);
		ret = wake(l.fd, 0);
		at.struck = nth_struck(self->nth);
		EXPECT_EQ(at.struck ? -EFAULT : 0, ret);
		/* A wake cannot fail for want of memory, nor get lost. */
		EXPECT_EQ(!ret, loop_trap(&l, 0));
		if (!ret) {
			EXPECT_EQ(5, loop_next(&l).user_data);
		}
	}
	EXPECT_LT(0, at.failures);
	loop_fini(&l);
}

/* Parking a writer takes memory; without, the operation completes. */
TEST_F(faults, parking)
{
	struct nth_series at;
	struct scene *s = malloc(sizeof(*s));
	struct gmb_ioc_op *op;
	struct gmb_ioc_cqe c;
	unsigned int i;
	int ret;

	for (i = 0; i < 3; i++) {
		at = (struct nth_series){ 0 };
		while (nth_next(&at)) {
			ASSERT_EQ(0, scene_begin(s));
			op = loop_buf(&s->l, i ? GMB_OP_SEND : GMB_OP_READY,
				      s->full[0], 9, s->buf, i ? 64 : 0);
			op->flags = i ? GMB_F_ALL : 0;
			op->addr = i ? op->addr : 0;
			op->events = i ? 0 : POLLOUT;
			if (i == 2) {
				op->opcode = GMB_OP_EXCHANGE;
				op->flags = 0;
			}
			nth_arm(self->nth, at.n);
			ret = loop_trap_once(&s->l, 0, 0, 0);
			at.struck = nth_struck(self->nth);
			if (ret == -EFAULT)
				ret = loop_trap(&s->l, 0);
			if (!ret) {
				EXPECT_EQ(1, loop_cancel(&s->l, s->full[0], 9));
			}
			c = loop_next(&s->l);
			EXPECT_EQ(9, c.user_data);
			EXPECT_TRUE(c.res == -ECANCELED ||
				    (at.struck && nth_is_want(c.res)));
			scene_end(s);
		}
		EXPECT_LT(0, at.failures);
	}
	free(s);
}

#define FAILSLAB	"/sys/kernel/debug/failslab/"

/*
 * One trap in which the calling thread gets no memory. What could fail beside
 * it, like opening a file, is done before.
 */
static int trap_in_want(struct loop *l)
{
	int fd = open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC);
	int ret = number_set(FAILSLAB "task-filter", "Y") ?:
		  number_set(FAILSLAB "times", "-1") ?:
		  number_set(FAILSLAB "probability", "100");

	if (ret || fd < 0 || write(fd, "1", 1) != 1)
		return LOOP_NOTHING;
	ret = loop_trap_once(l, 0, 0, 0);
	if (pwrite(fd, "0", 1, 0) != 1 ||
	    number_set(FAILSLAB "probability", "0") ||
	    number_set(FAILSLAB "task-filter", "N"))
		ret = LOOP_NOTHING;
	close(fd);
	return ret;
}

/*
 * A send that finds room, but no memory, for longer than it is tried at once:
 * no event tells of memory, and it goes on all the same.
 */
TEST_F(faults, memory_comes_late)
{
	struct scene *s = malloc(sizeof(*s));
	struct gmb_ioc_op *op;
	int i;

	if (access(FAILSLAB "probability", W_OK))
		SKIP(return, "failslab is not to be had");
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, scene_begin(s));
		/* So that parking needs none. */
		loop_op(&s->l, GMB_OP_READY, s->tcp[0], 1)->events = POLLOUT;
		ASSERT_EQ(POLLOUT, loop_result(&s->l));
		op = loop_buf(&s->l, i ? GMB_OP_EXCHANGE : GMB_OP_SEND,
			      s->tcp[0], 2, s->buf, 100);
		op->addr2 = i ? op->addr : 0;
		op->len2 = i ? 1 : 0;
		ASSERT_EQ(0, trap_in_want(&s->l));
		if (i)
			feed(s->tcp[1], "x", 1);
		ASSERT_EQ(1, loop_trap_for(&s->l, 1, 0, LONG));
		EXPECT_EQ(i ? 1 : 100, loop_next(&s->l).res);
		scene_end(s);
	}
	/* One that is withdrawn meanwhile leaves nothing amiss. */
	ASSERT_EQ(0, scene_begin(s));
	loop_op(&s->l, GMB_OP_READY, s->tcp[0], 1)->events = POLLOUT;
	ASSERT_EQ(POLLOUT, loop_result(&s->l));
	loop_buf(&s->l, GMB_OP_SEND, s->tcp[0], 2, s->buf, 100);
	ASSERT_EQ(0, trap_in_want(&s->l));
	EXPECT_EQ(1, loop_cancel(&s->l, s->tcp[0], 2));
	EXPECT_EQ(-ECANCELED, loop_next(&s->l).res);
	loop_buf(&s->l, GMB_OP_SEND, s->tcp[0], 3, s->buf, 100);
	EXPECT_EQ(100, loop_result(&s->l));
	scene_end(s);
	free(s);
}

TEST_HARNESS_MAIN
