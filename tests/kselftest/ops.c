/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What each operation does and how it fails, alone and in order; smoke.c has
 * the usual way through all of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"

/* More than the buffers of any pair of sockets or pipe take. */
#define BIG	(16 << 20)

FIXTURE(ops)
{
	struct loop l;
	int fd[2];
	char *big;
	char buf[64];
};

FIXTURE_SETUP(ops)
{
	ASSERT_EQ(0, loop_init(&self->l, 64, 64));
	ASSERT_EQ(0, pair_unix(self->fd));
	self->big = mmap(NULL, BIG, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->big);
	memset(self->buf, 0xcc, sizeof(self->buf));
	ASSERT_EQ(0, loop_watch(&self->l, self->fd[0]));
}

FIXTURE_TEARDOWN(ops)
{
	loop_fini(&self->l);
}

#define EXPECT_CQE(data, result, error, bits) do {	\
	struct gmb_ioc_cqe c_ = loop_next(&self->l);	\
	EXPECT_EQ(data, c_.user_data);			\
	EXPECT_EQ(result, c_.res);			\
	EXPECT_EQ(error, c_.err);			\
	EXPECT_EQ(bits, c_.flags);			\
} while (0)

static int replace(struct loop *l, unsigned int slot, int fd)
{
	struct gmb_ioc_op *op = loop_op(l, GMB_OP_WATCH_ADD, slot, 0);

	op->fd = fd;
	op->flags = GMB_F_REPLACE;
	return loop_result(l);
}

TEST_F(ops, watch_add)
{
	struct loop *l = &self->l;
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int path = open("/dev/null", O_PATH | O_CLOEXEC);
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	EXPECT_EQ(-EBADF, loop_watch(l, 999));
	loop_op(l, GMB_OP_WATCH_ADD, 1, 0)->fd = -1;
	EXPECT_EQ(-EBADF, loop_result(l));
	EXPECT_EQ(-EBADF, loop_watch(l, path));
	EXPECT_EQ(-EPERM, loop_watch(l, file));
	EXPECT_EQ(-ELOOP, loop_watch(l, l->fd));
	EXPECT_EQ(-EEXIST, loop_watch(l, self->fd[0]));
	loop_op(l, GMB_OP_WATCH_ADD, l->setup.max_watches, 0)->fd = self->fd[1];
	EXPECT_EQ(-EINVAL, loop_result(l));
	loop_op(l, GMB_OP_WATCH_ADD, ~0U, 0)->fd = self->fd[1];
	EXPECT_EQ(-EINVAL, loop_result(l));
	EXPECT_EQ(0, loop_watch(l, epoll));
	/* One file may be watched twice, and replaced where nothing is. */
	EXPECT_EQ(0, replace(l, 40, self->fd[1]));
	EXPECT_EQ(0, replace(l, 41, self->fd[1]));
	EXPECT_EQ(0, replace(l, 41, self->fd[0]));
	/* A failed replacement leaves what is there. */
	EXPECT_EQ(-EBADF, replace(l, 41, 999));
	EXPECT_EQ(0, loop_unwatch(l, 41));
	loop_op(l, GMB_OP_WATCH_ADD, l->setup.max_watches - 1, 0)->fd =
		self->fd[1];
	EXPECT_EQ(0, loop_result(l));
}

TEST_F(ops, watch_drop)
{
	struct loop *l = &self->l;
	struct gmb_ioc_cqe c;
	struct gmb_ioc_op *op;

	EXPECT_EQ(-ENOENT, loop_unwatch(l, 63));
	EXPECT_EQ(-ENOENT, loop_unwatch(l, ~0U));
	op = loop_op(l, GMB_OP_WATCH_DROP, self->fd[0], 0);
	op->fd = self->fd[0];
	EXPECT_EQ(-EINVAL, loop_result(l));
	op = loop_op(l, GMB_OP_WATCH_DROP, self->fd[0], 0);
	op->fd = self->fd[1];
	op->flags = GMB_F_CLOSE;
	EXPECT_EQ(-EBADF, loop_result(l));
	EXPECT_EQ(0, fcntl(self->fd[1], F_GETFD) & ~FD_CLOEXEC);
	op = loop_op(l, GMB_OP_WATCH_DROP, self->fd[0], 0);
	op->fd = 999;
	op->flags = GMB_F_CLOSE;
	EXPECT_EQ(-EBADF, loop_result(l));
	/* What is parked goes first, and the drop's own success is skipped. */
	loop_buf(l, GMB_OP_RECV, self->fd[0], 1, self->buf, 1);
	loop_buf(l, GMB_OP_SEND, self->fd[0], 2, self->big, BIG)->flags =
		GMB_F_ALL;
	EXPECT_EQ(0, loop_trap(l, 0));
	op = loop_op(l, GMB_OP_WATCH_DROP, self->fd[0], 3);
	op->fd = self->fd[0];
	op->flags = GMB_F_CLOSE | GMB_F_SKIP;
	EXPECT_EQ(2, loop_trap(l, 0));
	c = loop_next(l);
	EXPECT_EQ(2, c.user_data);
	EXPECT_LT(0, c.res);
	EXPECT_EQ(ECANCELED, c.err);
	EXPECT_CQE(1, -ECANCELED, 0, 0);
	EXPECT_EQ(-1, fcntl(self->fd[0], F_GETFD));
	EXPECT_EQ(-ENOENT, loop_unwatch(l, self->fd[0]));
}

TEST_F(ops, ready)
{
	struct loop *l = &self->l;
	struct gmb_ioc_op *op;

	loop_op(l, GMB_OP_READY, 63, 0)->events = POLLIN;
	EXPECT_EQ(-ENOENT, loop_result(l));
	op = loop_op(l, GMB_OP_READY, self->fd[0], 0);
	op->events = POLLIN | POLLPRI;
	op->flags = GMB_F_NOWAIT;
	EXPECT_EQ(-EAGAIN, loop_result(l));
	loop_op(l, GMB_OP_READY, self->fd[0], 0)->events = POLLOUT;
	EXPECT_EQ(POLLOUT, loop_result(l));
	/* Both directions in one is a reader. */
	loop_op(l, GMB_OP_READY, self->fd[0], 0)->events = POLLOUT | POLLIN;
	EXPECT_EQ(POLLOUT, loop_result(l));
	loop_op(l, GMB_OP_READY, self->fd[0], 1)->events = POLLIN;
	EXPECT_EQ(0, loop_trap(l, 0));
	loop_op(l, GMB_OP_READY, self->fd[0], 0)->events = POLLIN;
	EXPECT_EQ(-EBUSY, loop_result(l));
	ASSERT_EQ(1, write(self->fd[1], "x", 1));
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_CQE(1, POLLIN, 0, 0);
	/* Without conditions only the end of the file counts. */
	loop_op(l, GMB_OP_READY, self->fd[0], 2);
	EXPECT_EQ(0, loop_trap(l, 0));
	close(self->fd[1]);
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(POLLHUP, loop_next(l).res & (POLLHUP | POLLIN));
	loop_op(l, GMB_OP_READY, self->fd[0], 0)->events = POLLRDHUP;
	EXPECT_EQ(POLLHUP | POLLRDHUP, loop_result(l));
}

TEST_F(ops, ready_to_write)
{
	struct loop *l = &self->l;
	struct gmb_ioc_op *op;
	ssize_t sent;

	do {
		sent = send(self->fd[0], self->big, 65536, MSG_DONTWAIT);
	} while (sent > 0);
	op = loop_op(l, GMB_OP_READY, self->fd[0], 0);
	op->events = POLLOUT;
	op->flags = GMB_F_NOWAIT;
	EXPECT_EQ(-EAGAIN, loop_result(l));
	loop_op(l, GMB_OP_READY, self->fd[0], 1)->events = POLLOUT;
	loop_op(l, GMB_OP_READY, self->fd[0], 2)->events = POLLIN;
	EXPECT_EQ(0, loop_trap(l, 0));
	loop_op(l, GMB_OP_READY, self->fd[0], 0)->events = POLLWRNORM;
	EXPECT_EQ(-EBUSY, loop_result(l));
	loop_buf(l, GMB_OP_SEND, self->fd[0], 0, "x", 1);
	EXPECT_EQ(-EBUSY, loop_result(l));
	while (recv(self->fd[1], self->big, BIG, MSG_DONTWAIT) > 0)
		;
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_CQE(1, POLLOUT, 0, 0);
}

/* A trap comes back in time, whatever else there is to be performed by now. */
TEST_F(ops, timeout_passes_amid_work)
{
	struct loop *l = &self->l;

	ASSERT_EQ(0, loop_watch(l, self->fd[1]));
	while (send(self->fd[0], self->big, 65536, MSG_DONTWAIT) > 0)
		;
	loop_buf(l, GMB_OP_SEND, self->fd[0], 1, "x", 1);
	EXPECT_EQ(0, loop_trap(l, 0));
	while (recv(self->fd[1], self->big, BIG, MSG_DONTWAIT) > 0)
		;
	/* What is sent in the first turn makes this one ready for a second. */
	loop_op(l, GMB_OP_READY, self->fd[1], 2)->events = POLLIN;
	EXPECT_EQ(1, loop_trap_once(l, 2, 0, 0));
	EXPECT_CQE(1, 1, 0, 0);
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_CQE(2, POLLIN, 0, 0);
}

TEST_F(ops, receive)
{
	struct loop *l = &self->l;

	loop_buf(l, GMB_OP_RECV, 63, 0, self->buf, 1);
	EXPECT_EQ(-ENOENT, loop_result(l));
	loop_buf(l, GMB_OP_RECV, self->fd[0], 0, self->buf, 1U << 31);
	EXPECT_EQ(-EINVAL, loop_result(l));
	ASSERT_EQ(4, write(self->fd[1], "abcd", 4));
	loop_buf(l, GMB_OP_RECV, self->fd[0], 0, (void *)1, 4);
	EXPECT_EQ(-EFAULT, loop_result(l));
	loop_buf(l, GMB_OP_RECV, self->fd[0], 0, (void *)-16L, 4);
	EXPECT_EQ(-EFAULT, loop_result(l));
	loop_buf(l, GMB_OP_RECV, self->fd[0], 0, self->buf, 4)->msg_flags =
		MSG_PEEK;
	EXPECT_EQ(4, loop_result(l));
	EXPECT_EQ('d', self->buf[3]);
	EXPECT_EQ((char)0xcc, self->buf[4]);
	/* The rest is announced, and then it is not. */
	loop_buf(l, GMB_OP_RECV, self->fd[0], 1, self->buf, 3);
	EXPECT_EQ(1, loop_trap(l, 0));
	EXPECT_CQE(1, 3, 0, GMB_CQE_MORE);
	loop_buf(l, GMB_OP_RECV, self->fd[0], 2, self->buf, 3);
	EXPECT_EQ(1, loop_trap(l, 0));
	EXPECT_CQE(2, 1, 0, 0);
	EXPECT_EQ('d', self->buf[0]);
	ASSERT_EQ(0, shutdown(self->fd[1], SHUT_WR));
	loop_buf(l, GMB_OP_RECV, self->fd[0], 0, self->buf, 3);
	EXPECT_EQ(0, loop_result(l));
	loop_buf(l, GMB_OP_RECV, self->fd[0], 0, self->buf, 3);
	EXPECT_EQ(0, loop_result(l));
}

/* The end of the stream came with the last bytes: it must not be forgotten. */
TEST_F(ops, short_read_and_hangup)
{
	struct loop *l = &self->l;
	int tcp[2];

	ASSERT_EQ(0, pair_tcp(tcp));
	ASSERT_EQ(0, loop_watch(l, tcp[0]));
	ASSERT_EQ(3, write(self->fd[1], "end", 3));
	close(self->fd[1]);
	ASSERT_EQ(3, write(tcp[1], "end", 3));
	close(tcp[1]);
	pause_ms(20);
	loop_buf(l, GMB_OP_RECV, self->fd[0], 0, self->buf, 64);
	EXPECT_EQ(3, loop_result(l));
	loop_buf(l, GMB_OP_RECV, tcp[0], 0, self->buf, 64);
	EXPECT_EQ(3, loop_result(l));
	loop_buf(l, GMB_OP_RECV, self->fd[0], 0, self->buf, 64);
	EXPECT_EQ(0, loop_result(l));
	loop_buf(l, GMB_OP_RECV, tcp[0], 0, self->buf, 64);
	EXPECT_EQ(0, loop_result(l));
}

TEST_F(ops, datagrams)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	struct loop *l = &self->l;
	int from = socket(AF_INET, SOCK_DGRAM, 0);
	int to = socket(AF_INET, SOCK_DGRAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(0, bind(to, (void *)&a, len));
	ASSERT_EQ(0, getsockname(to, (void *)&a, &len));
	ASSERT_EQ(0, connect(from, (void *)&a, len));
	ASSERT_EQ(0, loop_watch(l, from));
	ASSERT_EQ(0, loop_watch(l, to));
	loop_buf(l, GMB_OP_SEND, from, 0, "0123456789", 10);
	EXPECT_EQ(10, loop_result(l));
	loop_buf(l, GMB_OP_RECV, to, 0, self->buf, 4)->msg_flags = MSG_TRUNC;
	EXPECT_EQ(10, loop_result(l));
	EXPECT_EQ((char)0xcc, self->buf[4]);
	/* A datagram may be empty, and that is not the end. */
	loop_buf(l, GMB_OP_SEND, from, 0, "", 0);
	EXPECT_EQ(0, loop_result(l));
	loop_buf(l, GMB_OP_RECV, to, 0, self->buf, 4);
	EXPECT_EQ(0, loop_result(l));
	loop_buf(l, GMB_OP_RECV, to, 1, self->buf, 4);
	EXPECT_EQ(0, loop_trap(l, 0));
	EXPECT_EQ(1, loop_cancel(l, to, 2));
	EXPECT_EQ(-ENOENT, loop_next(l).res);
	EXPECT_EQ(1, loop_cancel(l, to, 1));
	EXPECT_EQ(-ECANCELED, loop_next(l).res);
	EXPECT_EQ(0, loop_unwatch(l, to));
	close(to);
	loop_buf(l, GMB_OP_SEND, from, 0, "x", 1);
	EXPECT_EQ(1, loop_result(l));
	loop_buf(l, GMB_OP_RECV, from, 3, self->buf, 4);
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_CQE(3, -ECONNREFUSED, 0, 0);
}

TEST_F(ops, send)
{
	struct loop *l = &self->l;
	struct gmb_ioc_op *op;
	struct gmb_ioc_cqe c;

	loop_buf(l, GMB_OP_SEND, 63, 0, "x", 1);
	EXPECT_EQ(-ENOENT, loop_result(l));
	loop_buf(l, GMB_OP_SEND, self->fd[0], 0, "x", ~0U);
	EXPECT_EQ(-EINVAL, loop_result(l));
	loop_buf(l, GMB_OP_SEND, self->fd[0], 0, (void *)1, 4);
	EXPECT_EQ(-EFAULT, loop_result(l));
	/* Not all: what fits, at once. */
	loop_buf(l, GMB_OP_SEND, self->fd[0], 1, self->big, BIG)->flags =
		GMB_F_SKIP;
	EXPECT_EQ(1, loop_trap(l, 0));
	c = loop_next(l);
	EXPECT_LT(0, c.res);
	EXPECT_GT(BIG, c.res);
	EXPECT_EQ(0, c.err);
	loop_buf(l, GMB_OP_SEND, self->fd[0], 0, self->big, BIG)->flags =
		GMB_F_NOWAIT;
	EXPECT_EQ(-EAGAIN, loop_result(l));
	recv(self->fd[1], self->big, BIG, 0);
	op = loop_buf(l, GMB_OP_SEND, self->fd[0], 2, self->big, BIG);
	op->flags = GMB_F_NOWAIT | GMB_F_ALL;
	EXPECT_EQ(1, loop_trap(l, 0));
	c = loop_next(l);
	EXPECT_LT(0, c.res);
	EXPECT_EQ(EAGAIN, c.err);
	/* A parked one whose peer goes away says how far it came. */
	while (recv(self->fd[1], self->big, BIG, MSG_DONTWAIT) > 0)
		;
	loop_buf(l, GMB_OP_SEND, self->fd[0], 3, self->big, BIG)->flags =
		GMB_F_ALL;
	EXPECT_EQ(0, loop_trap(l, 0));
	close(self->fd[1]);
	EXPECT_EQ(1, loop_trap(l, 1));
	c = loop_next(l);
	EXPECT_EQ(3, c.user_data);
	EXPECT_LT(0, c.res);
	EXPECT_NE(0, c.err);
	/* No SIGPIPE: the test would not outlive it. */
	loop_buf(l, GMB_OP_SEND, self->fd[0], 0, "x", 1);
	EXPECT_EQ(-EPIPE, loop_result(l));
}

static void exchange(struct loop *l, int fd, unsigned long long data,
		     const void *out, size_t len, void *in, size_t len2)
{
	struct gmb_ioc_op *op;

	op = loop_buf(l, GMB_OP_EXCHANGE, fd, data, out, len);
	op->addr2 = (unsigned long)in;
	op->len2 = len2;
}

TEST_F(ops, exchange)
{
	struct loop *l = &self->l;
	struct gmb_ioc_cqe c;
	int s = self->fd[0];

	/* What is refused has sent nothing. */
	exchange(l, 63, 5, "x", 1, self->buf, 1);
	EXPECT_EQ(1, loop_trap(l, 0));
	EXPECT_CQE(5, -ENOENT, 0, GMB_CQE_SEND);
	exchange(l, s, 5, "x", 1U << 31, self->buf, 1);
	EXPECT_EQ(1, loop_trap(l, 0));
	EXPECT_CQE(5, -EINVAL, 0, GMB_CQE_SEND);
	exchange(l, s, 5, "x", 1, self->buf, 1U << 31);
	EXPECT_EQ(1, loop_trap(l, 0));
	EXPECT_CQE(5, -EINVAL, 0, GMB_CQE_SEND);
	exchange(l, s, 1, (void *)1, 4, self->buf, 1);
	EXPECT_EQ(1, loop_trap(l, 0));
	EXPECT_CQE(1, -EFAULT, 0, GMB_CQE_SEND);
	/* The place that the failed one took is free again. */
	exchange(l, s, 2, "ab", 2, self->buf, 4);
	EXPECT_EQ(0, loop_trap(l, 0));
	exchange(l, s, 5, "ab", 2, self->buf, 4);
	EXPECT_EQ(1, loop_trap(l, 0));
	EXPECT_CQE(5, -EBUSY, 0, GMB_CQE_SEND);
	loop_buf(l, GMB_OP_RECV, s, 0, self->buf, 4);
	EXPECT_EQ(-EBUSY, loop_result(l));
	/* Everything is out, so a send finds the writer's place free. */
	loop_buf(l, GMB_OP_SEND, s, 0, "cd", 2);
	EXPECT_EQ(2, loop_result(l));
	EXPECT_EQ(4, recv(self->fd[1], self->big, 8, 0));
	EXPECT_EQ(1, loop_cancel(l, s, 2));
	EXPECT_CQE(2, -ECANCELED, 0, 0);
	/* Cancelled while it sends. */
	exchange(l, s, 3, self->big, BIG, self->buf, 4);
	EXPECT_EQ(0, loop_trap(l, 0));
	loop_op(l, GMB_OP_READY, s, 0)->events = POLLIN;
	EXPECT_EQ(-EBUSY, loop_result(l));
	EXPECT_EQ(1, loop_cancel(l, s, 3));
	c = loop_next(l);
	EXPECT_EQ(3, c.user_data);
	EXPECT_LT(0, c.res);
	EXPECT_EQ(ECANCELED, c.err);
	EXPECT_EQ(GMB_CQE_SEND, c.flags);
	close(self->fd[1]);
	exchange(l, s, 4, "x", 1, self->buf, 4);
	EXPECT_EQ(1, loop_trap(l, 0));
	EXPECT_CQE(4, -EPIPE, 0, GMB_CQE_SEND);
}

TEST_F(ops, exchange_that_waits_twice)
{
	struct loop *l = &self->l;
	size_t got = 0;
	ssize_t n;

	exchange(l, self->fd[0], 1, self->big, BIG, self->buf, 8);
	EXPECT_EQ(0, loop_trap(l, 0));
	while (got < BIG) {
		n = recv(self->fd[1], self->big, BIG, MSG_DONTWAIT);
		if (n > 0)
			got += n;
		else
			ASSERT_EQ(0, loop_trap_for(l, 1, 0, 10 * MS))
			{
				struct gmb_ioc_cqe c = loop_next(l);

				TH_LOG("after %zu: res %d err %u flags %u",
				       got, c.res, c.err, c.flags);
			}
	}
	ASSERT_EQ(6, write(self->fd[1], "answer", 6));
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_CQE(1, 6, 0, 0);
	EXPECT_EQ(0, memcmp(self->buf, "answer", 6));
}

TEST_F(ops, read_and_write)
{
	int file = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC), p[2], e;
	unsigned long long value = 5;
	struct loop *l = &self->l;

	ASSERT_EQ(0, pipe2(p, O_NONBLOCK | O_CLOEXEC));
	e = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_EQ(0, loop_watch(l, p[0]));
	ASSERT_EQ(0, loop_watch(l, p[1]));
	ASSERT_EQ(0, loop_watch(l, e));
	ASSERT_EQ(0, loop_watch(l, file));
	loop_buf(l, GMB_OP_READ, file, 0, self->buf, 4);
	EXPECT_EQ(-ESPIPE, loop_result(l));
	loop_buf(l, GMB_OP_WRITE, p[0], 0, "x", 1);
	EXPECT_EQ(-EBADF, loop_result(l));
	loop_buf(l, GMB_OP_READ, p[1], 0, self->buf, 1);
	EXPECT_EQ(-EBADF, loop_result(l));
	loop_buf(l, GMB_OP_SEND, p[1], 0, "x", 1);
	EXPECT_EQ(-ENOTSOCK, loop_result(l));
	exchange(l, p[1], 0, "x", 1, self->buf, 1);
	EXPECT_EQ(-ENOTSOCK, loop_result(l));
	loop_buf(l, GMB_OP_WRITE, e, 0, &value, 4);
	EXPECT_EQ(-EINVAL, loop_result(l));
	loop_buf(l, GMB_OP_READ, p[0], 0, self->buf, 1)->flags = GMB_F_NOWAIT;
	EXPECT_EQ(-EAGAIN, loop_result(l));
	ASSERT_EQ(1, write(p[1], "x", 1));
	loop_buf(l, GMB_OP_READ, p[0], 0, (void *)1, 1);
	EXPECT_EQ(-EFAULT, loop_result(l));
	loop_buf(l, GMB_OP_WRITE, p[1], 0, "x", 1)->addr |= 1ULL << 63;
	EXPECT_EQ(-EFAULT, loop_result(l));
	loop_buf(l, GMB_OP_READ, p[0], 0, self->buf, 8);
	EXPECT_EQ(1, loop_result(l));
	/* read and write of sockets are receive and send. */
	loop_buf(l, GMB_OP_WRITE, self->fd[0], 0, "abc", 3);
	EXPECT_EQ(3, loop_result(l));
	ASSERT_EQ(2, write(self->fd[1], "de", 2));
	loop_buf(l, GMB_OP_READ, self->fd[0], 0, self->buf, 8);
	EXPECT_EQ(2, loop_result(l));
	/* An eventfd wakes the reader that the same trap serves. */
	loop_buf(l, GMB_OP_READ, e, 1, self->buf, 8);
	loop_buf(l, GMB_OP_WRITE, e, 2, &value, 8)->flags = GMB_F_SKIP;
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_CQE(1, 8, 0, 0);
	EXPECT_EQ(5, self->buf[0]);
}

/* A file with nothing but the oldest of the methods. */
TEST_F(ops, read_inotify)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), touched;
	struct loop *l = &self->l;
	char name[] = "/tmp/giambio.XXXXXX";

	touched = mkstemp(name);
	ASSERT_LE(0, touched);
	ASSERT_LE(0, inotify_add_watch(fd, name, IN_CLOSE_WRITE));
	ASSERT_EQ(0, loop_watch(l, fd));
	loop_buf(l, GMB_OP_READ, fd, 1, self->buf, sizeof(self->buf));
	EXPECT_EQ(0, loop_trap(l, 0));
	close(touched);
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_CQE(1, sizeof(struct inotify_event), 0, 0);
	loop_buf(l, GMB_OP_WRITE, fd, 1, "x", 1);
	EXPECT_EQ(-EBADF, loop_result(l));
	unlink(name);
}

static volatile sig_atomic_t pipes;

static void on_pipe(int sig)
{
	pipes += sig == SIGPIPE;
}

TEST_F(ops, broken_pipe)
{
	struct sigaction action = { .sa_handler = on_pipe };
	struct loop *l = &self->l;
	int p[2];

	ASSERT_EQ(0, sigaction(SIGPIPE, &action, NULL));
	ASSERT_EQ(0, pipe2(p, O_NONBLOCK | O_CLOEXEC));
	ASSERT_EQ(0, loop_watch(l, p[1]));
	close(p[0]);
	loop_buf(l, GMB_OP_WRITE, p[1], 0, "x", 1);
	EXPECT_EQ(-EPIPE, loop_result(l));
	EXPECT_EQ(1, pipes);
}

/* A terminal has two wait queues, and cannot try without blocking. */
TEST_F(ops, terminal)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	struct loop *l = &self->l;
	char name[64];

	if (master < 0)
		SKIP(return, "there are no pseudo-terminals");
	ASSERT_EQ(0, grantpt(master) | unlockpt(master));
	ASSERT_EQ(0, ptsname_r(master, name, sizeof(name)));
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ASSERT_LE(0, slave);
	ASSERT_EQ(0, loop_watch(l, slave));
	ASSERT_EQ(0, loop_watch(l, master));
	loop_buf(l, GMB_OP_READ, slave, 0, self->buf, 8);
	EXPECT_EQ(-EOPNOTSUPP, loop_result(l));
	ASSERT_EQ(0, fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK));
	loop_buf(l, GMB_OP_READ, slave, 1, self->buf, 8);
	EXPECT_EQ(0, loop_trap(l, 0));
	ASSERT_EQ(3, write(master, "hi\n", 3));
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(3, loop_next(l).res);
	/* It must not block if the flag goes away while it is parked. */
	loop_buf(l, GMB_OP_READ, slave, 2, self->buf, 8);
	EXPECT_EQ(0, loop_trap(l, 0));
	ASSERT_EQ(0, fcntl(slave, F_SETFL, O_RDWR));
	ASSERT_EQ(3, write(master, "ho\n", 3));
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(-EOPNOTSUPP, loop_next(l).res);
	EXPECT_EQ(0, loop_unwatch(l, slave));
	EXPECT_EQ(0, loop_unwatch(l, master));
}

TEST_F(ops, cancel)
{
	struct loop *l = &self->l;

	loop_op(l, GMB_OP_CANCEL, 63, 0);
	EXPECT_EQ(-ENOENT, loop_result(l));
	loop_op(l, GMB_OP_CANCEL, self->fd[0], 0);
	EXPECT_EQ(-ENOENT, loop_result(l));
	loop_buf(l, GMB_OP_RECV, self->fd[0], 7, self->buf, 8);
	loop_op(l, GMB_OP_CANCEL, self->fd[0], 1)->addr = 8;
	loop_op(l, GMB_OP_CANCEL, self->fd[0], 2)->addr = 7;
	loop_op(l, GMB_OP_CANCEL, self->fd[0], 3)->addr = 7;
	EXPECT_EQ(4, loop_trap(l, 0));
	EXPECT_CQE(1, -ENOENT, 0, 0);
	EXPECT_CQE(7, -ECANCELED, 0, 0);
	EXPECT_CQE(2, 0, 0, 0);
	EXPECT_CQE(3, -ENOENT, 0, 0);
	/* A cancelled receive took no byte. */
	ASSERT_EQ(2, write(self->fd[1], "ab", 2));
	loop_buf(l, GMB_OP_RECV, self->fd[0], 9, self->buf, 8);
	EXPECT_EQ(2, loop_result(l));
	EXPECT_EQ(0, memcmp(self->buf, "ab", 2));
}

/* Arrived before the cancel was handed in: one of the two wins, whole. */
TEST_F(ops, cancel_and_arrival)
{
	struct loop *l = &self->l;
	struct gmb_ioc_cqe c;
	int i, won = 0;

	for (i = 0; i < 100; i++) {
		loop_buf(l, GMB_OP_RECV, self->fd[0], 1, self->buf, 8);
		ASSERT_EQ(0, loop_trap(l, 0));
		if (i % 2)
			ASSERT_EQ(1, write(self->fd[1], "x", 1));
		loop_op(l, GMB_OP_CANCEL, self->fd[0], 2)->addr = 1;
		ASSERT_EQ(2, loop_gather(l, 2, 0, LONG));
		c = loop_next(l);
		if (c.user_data == 2) {
			EXPECT_EQ(-ENOENT, c.res);
			c = loop_next(l);
		} else {
			EXPECT_EQ(c.res == -ECANCELED ? 0 : -ENOENT,
				  loop_next(l).res);
		}
		EXPECT_EQ(1, c.user_data);
		if (c.res == 1) {
			won++;
			continue;
		}
		ASSERT_EQ(-ECANCELED, c.res);
		EXPECT_EQ(i % 2 ? 1 : -1, recv(self->fd[0], self->buf, 8,
					       MSG_DONTWAIT));
	}
	EXPECT_GE(50, won);
}

TEST_HARNESS_MAIN
