/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The life of registered files: closed, duplicated, their numbers used again,
 * their wait queues freed before them, and passed around in circles.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"

FIXTURE(watch)
{
	struct loop l;
	int fd[2];
	char buf[64];
};

FIXTURE_SETUP(watch)
{
	ASSERT_EQ(0, loop_init(&self->l, 64, 64));
	ASSERT_EQ(0, pair_unix(self->fd));
	ASSERT_EQ(0, loop_watch(&self->l, self->fd[0]));
}

FIXTURE_TEARDOWN(watch)
{
	loop_fini(&self->l);
}

static bool peer_sees_end(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

/*
 * A trap that sleeps looks at all watches, and returns when it has a file to
 * release; other reasons may have it return before.
 */
static bool swept(struct loop *l, int peer)
{
	unsigned long long start = now();
	int ret = 0;

	while (!ret && !peer_sees_end(peer) && now() - start < LONG)
		ret = loop_trap_once(l, 1, 0, LONG);
	return !ret && peer_sees_end(peer);
}

TEST_F(watch, closed_while_nobody_waits)
{
	EXPECT_FALSE(peer_sees_end(self->fd[1]));
	close(self->fd[0]);
	EXPECT_FALSE(peer_sees_end(self->fd[1]));
	EXPECT_TRUE(swept(&self->l, self->fd[1]));
	EXPECT_EQ(-ENOENT, loop_unwatch(&self->l, self->fd[0]));
}

TEST_F(watch, closed_while_both_wait)
{
	struct loop *l = &self->l;
	int reader, writer;

	loop_buf(l, GMB_OP_RECV, self->fd[0], 1, self->buf, 1);
	while (send(self->fd[0], self->buf, 64, MSG_DONTWAIT) > 0)
		;
	loop_op(l, GMB_OP_READY, self->fd[0], 2)->events = POLLOUT;
	ASSERT_EQ(0, loop_trap(l, 0));
	close(self->fd[0]);
	ASSERT_EQ(2, loop_gather(l, 2, 0, LONG));
	writer = loop_next(l).res;
	reader = loop_next(l).res;
	EXPECT_EQ(-EBADF, reader);
	EXPECT_EQ(-EBADF, writer);
}

/* Many watches, no trap that sleeps: a few are looked at each time. */
TEST_F(watch, sweep_of_a_busy_loop)
{
	struct loop *l = &self->l;
	int pair[100][2], i, left = 100, traps;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, pair_unix(pair[i]));
		ASSERT_EQ(0, loop_watch(l, pair[i][0]));
	}
	for (i = 0; i < 100; i++)
		close(pair[i][0]);
	for (traps = 0; left && traps < 4096; traps++) {
		ASSERT_EQ(0, loop_trap(l, 0));
		for (left = 0, i = 0; i < 100; i++)
			left += !peer_sees_end(pair[i][1]);
	}
	EXPECT_EQ(0, left);
	EXPECT_LT(10, traps);
}

/* The further ones are looked at in naps: a trap does not keep its CPU. */
TEST_F(watch, sweep_in_naps)
{
	struct loop *l = &self->l;
	int pair[2];

	ASSERT_EQ(0, pair_unix(pair));
	loop_op(l, GMB_OP_WATCH_ADD, 1023, 0)->fd = pair[0];
	ASSERT_EQ(0, loop_result(l));
	loop_buf(l, GMB_OP_RECV, 1023, 5, self->buf, 1);
	ASSERT_EQ(0, loop_trap(l, 0));
	close(pair[0]);
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(5, loop_next(l).user_data);
	EXPECT_TRUE(peer_sees_end(pair[1]));
}

/* An arrival that no trap has looked at goes with its watch. */
TEST_F(watch, dropped_with_news)
{
	struct loop *l = &self->l;
	struct gmb_ioc_cqe c;

	loop_buf(l, GMB_OP_RECV, self->fd[0], 1, self->buf, 1);
	ASSERT_EQ(0, loop_trap(l, 0));
	ASSERT_EQ(1, write(self->fd[1], "x", 1));
	loop_op(l, GMB_OP_WATCH_DROP, self->fd[0], 2);
	EXPECT_EQ(2, loop_trap(l, 0));
	c = loop_next(l);
	EXPECT_EQ(1, c.user_data);
	EXPECT_EQ(-ECANCELED, c.res);
	EXPECT_EQ(0, loop_next(l).res);
	EXPECT_EQ(1, read(self->fd[0], self->buf, 2));
}

TEST_F(watch, duplicated)
{
	struct loop *l = &self->l;
	int copy = dup(self->fd[0]);

	loop_buf(l, GMB_OP_RECV, self->fd[0], 1, self->buf, 1);
	ASSERT_EQ(0, loop_trap(l, 0));
	close(self->fd[0]);
	EXPECT_EQ(0, loop_trap_for(l, 1, 0, 30 * MS));
	EXPECT_FALSE(peer_sees_end(self->fd[1]));
	ASSERT_EQ(1, write(self->fd[1], "x", 1));
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(1, loop_next(l).res);
	close(copy);
	EXPECT_TRUE(swept(l, self->fd[1]));
}

TEST_F(watch, kept_by_another_process)
{
	struct loop *l = &self->l;
	int hold[2], status;
	pid_t child;
	char c;

	ASSERT_EQ(0, pipe(hold));
	child = fork();
	if (!child) {
		close(hold[1]);
		_exit(read(hold[0], &c, 1));
	}
	close(self->fd[0]);
	EXPECT_EQ(0, loop_trap_for(l, 1, 0, 30 * MS));
	EXPECT_FALSE(peer_sees_end(self->fd[1]));
	close(hold[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(swept(l, self->fd[1]));
}

TEST_F(watch, number_used_again)
{
	struct loop *l = &self->l;
	struct gmb_ioc_cqe c;
	struct gmb_ioc_op *op;
	int other[2];

	loop_buf(l, GMB_OP_RECV, self->fd[0], 1, self->buf, 1);
	ASSERT_EQ(0, loop_trap(l, 0));
	ASSERT_EQ(0, pair_unix(other));
	ASSERT_EQ(self->fd[0], dup3(other[0], self->fd[0], O_CLOEXEC));
	/* The number means another file now, which the watch knows. */
	op = loop_op(l, GMB_OP_WATCH_DROP, self->fd[0], 2);
	op->fd = self->fd[0];
	op->flags = GMB_F_CLOSE;
	op = loop_op(l, GMB_OP_WATCH_ADD, self->fd[0], 3);
	op->fd = self->fd[0];
	op->flags = GMB_F_REPLACE;
	loop_buf(l, GMB_OP_RECV, self->fd[0], 4, self->buf, 1);
	EXPECT_EQ(3, loop_trap(l, 0));
	EXPECT_EQ(-EBADF, loop_next(l).res);
	c = loop_next(l);
	EXPECT_EQ(1, c.user_data);
	EXPECT_TRUE(c.res == -ECANCELED || c.res == -EBADF);
	EXPECT_EQ(0, loop_next(l).res);
	ASSERT_EQ(1, write(other[1], "o", 1));
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(4, loop_next(l).user_data);
	EXPECT_EQ('o', self->buf[0]);
	EXPECT_TRUE(peer_sees_end(self->fd[1]));
}

struct guest {
	struct loop *l;
	int fd;
	int ret;
};

static int watch_and_exit(void *arg)
{
	struct guest *g = arg;

	g->ret = loop_watch(g->l, g->fd);
	if (!g->ret) {
		loop_op(g->l, GMB_OP_READY, g->fd, 7)->events = POLLIN;
		g->ret = loop_trap(g->l, 0);
	}
	_exit(0);
}

/*
 * A signalfd's wait queue belongs to the signal handlers of whoever polls it,
 * and is freed with them. A child that shares memory and files, but no
 * handlers, polls it and exits: then the queue goes before the watch does.
 */
TEST_F(watch, queue_freed_before_the_file)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct guest g = { .l = &self->l, .ret = 1 };
	struct gmb_ioc_cqe c;
	int status, round;
	sigset_t set;
	pid_t child;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	for (round = 0; round < 8; round++) {
		g.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
		ASSERT_LE(0, g.fd);
		g.ret = 1;
		child = clone(watch_and_exit, stack + sizeof(stack),
			      CLONE_VM | CLONE_FILES | SIGCHLD, &g);
		ASSERT_LT(0, child);
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_EQ(0, g.ret);
		/* Hung up as far as the waiter can know: look, wait again. */
		if (round % 2) {
			ASSERT_EQ(0, loop_trap_for(&self->l, 1, 0, 10 * MS));
			ASSERT_EQ(1, loop_cancel(&self->l, g.fd, 7));
		} else {
			close(g.fd);
			ASSERT_EQ(1, loop_trap(&self->l, 1));
		}
		c = loop_next(&self->l);
		EXPECT_EQ(7, c.user_data);
		EXPECT_EQ(round % 2 ? -ECANCELED : -EBADF, c.res);
		if (round % 2) {
			EXPECT_EQ(0, loop_unwatch(&self->l, g.fd));
			close(g.fd);
		}
	}
}

/* An epoll may be watched; what makes it ready arrives through it. */
TEST_F(watch, epoll_in_a_loop)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct loop *l = &self->l;

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd[0], &event));
	ASSERT_EQ(0, loop_watch(l, epoll));
	loop_op(l, GMB_OP_READY, epoll, 1)->events = POLLIN;
	ASSERT_EQ(0, loop_trap(l, 0));
	ASSERT_EQ(1, write(self->fd[1], "x", 1));
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(POLLIN, loop_next(l).res);
}

static int pass(int through, int what)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = "f", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &what, sizeof(what));
	return sendmsg(through, &msg, 0) == 1 ? 0 : -errno;
}

/* A byte that carries a descriptor is received, the descriptor is not. */
TEST_F(watch, descriptor_not_received)
{
	struct loop *l = &self->l;
	int p[2];
	char c;

	ASSERT_EQ(0, pipe2(p, O_NONBLOCK));
	ASSERT_EQ(0, pass(self->fd[1], p[1]));
	close(p[1]);
	loop_buf(l, GMB_OP_RECV, self->fd[0], 0, self->buf, 8);
	EXPECT_EQ(1, loop_result(l));
	EXPECT_EQ(0, read(p[0], &c, 1));
}

/*
 * The context waits in the queue of a socket that it watches itself. Only the
 * end of the mapping can break the circle: nothing may stay when the process
 * is killed.
 */
TEST_F(watch, circle_through_a_socket)
{
	long users = number_get(MODULE_DIR "refcnt");
	int status, how;
	pid_t child;

	for (how = 0; how < 4; how++) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			struct loop l;
			int s[2];

			if (loop_init(&l, 8, 8) || pair_unix(s) ||
			    loop_watch(&l, s[0]) || loop_watch(&l, s[1]) ||
			    pass(s[0], l.fd) || pass(s[1], l.fd))
				_exit(1);
			loop_op(&l, GMB_OP_READY, s[0], 1)->events = POLLPRI;
			loop_op(&l, GMB_OP_PEER_ADD, 0, 2)->fd = l.fd;
			loop_trap(&l, 0);
			close(s[0]);
			close(s[1]);
			if (how & 1)
				close(l.fd);
			if (how & 2)
				raise(SIGKILL);
			_exit(0);
		}
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(how & 2 ? SIGKILL : 0, status);
	}
	EXPECT_EQ(users, module_users(users));
}

static void later_drain(struct later *l)
{
	unsigned long long value;

	l->ret = read(l->fd, &value, sizeof(value));
}

/*
 * An eventfd has room, but not for so much. That looks like want of memory, so
 * it is tried again now and then, in vain, and done when there is room.
 */
TEST(room_that_is_too_small)
{
	unsigned long long full = ~6ULL, ten = 10, value = 0;
	struct later later = { .ms = 20, .fn = later_drain };
	struct gmb_ioc_cqe c;
	struct loop l;
	int e;

	e = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_EQ(8, write(e, &full, sizeof(full)));
	ASSERT_EQ(0, loop_init(&l, 8, 8));
	ASSERT_EQ(0, loop_watch(&l, e));
	loop_buf(&l, GMB_OP_WRITE, e, 1, &ten, sizeof(ten));
	EXPECT_EQ(0, loop_trap_for(&l, 1, 0, 400 * MS));
	later.fd = e;
	ASSERT_EQ(0, later_start(&later));
	EXPECT_EQ(1, loop_trap(&l, 1));
	later_end(&later);
	EXPECT_EQ(8, later.ret);
	c = loop_next(&l);
	EXPECT_EQ(1, c.user_data);
	EXPECT_EQ(8, c.res);
	ASSERT_EQ(8, read(e, &value, sizeof(value)));
	EXPECT_EQ(10, value);
	loop_fini(&l);
	close(e);
}

TEST_HARNESS_MAIN
