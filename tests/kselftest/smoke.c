/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The first thing to run on a new build of the module: every operation once,
 * through the raw ABI, in the order in which a program would meet them. What
 * each refuses, and everything about races, is for the other tests here.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/giambio.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS	1000000ULL

struct loop {
	int fd;
	struct gmb_ioc_setup setup;
	struct gmb_ioc_ring *ring;
	struct gmb_ioc_op *sq;
	struct gmb_ioc_cqe *cq;
	struct gmb_ioc_stamp *stamps;
};

static int tests, failed;

static void check(bool good, const char *what, ...)
{
	char name[200];
	va_list args;

	va_start(args, what);
	vsnprintf(name, sizeof(name), what, args);
	va_end(args);
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
	failed += !good;
}

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void loop_open_flags(struct loop *l, unsigned int sq, unsigned int cq,
			    unsigned int flags)
{
	void *map;

	l->fd = open(GMB_DEVICE, O_RDWR | O_CLOEXEC);
	if (l->fd < 0)
		die(GMB_DEVICE);
	l->setup = (struct gmb_ioc_setup){
		.size = sizeof(l->setup),
		.flags = flags,
		.sq_entries = sq,
		.cq_entries = cq,
	};
	if (ioctl(l->fd, GMB_IOC_SETUP, &l->setup))
		die("GMB_IOC_SETUP");
	map = mmap(NULL, l->setup.map_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   l->fd, 0);
	if (map == MAP_FAILED)
		die("mmap");
	l->ring = map;
	l->sq = map + l->setup.sq_off;
	l->cq = map + l->setup.cq_off;
	l->stamps = map + l->setup.stamp_off;
}

static void loop_open(struct loop *l, unsigned int sq, unsigned int cq)
{
	loop_open_flags(l, sq, cq, 0);
}

static void loop_close(struct loop *l)
{
	munmap(l->ring, l->setup.map_size);
	close(l->fd);
}

static struct gmb_ioc_op *put(struct loop *l, int opcode, unsigned int slot,
			      unsigned long long user_data)
{
	unsigned int tail = l->ring->sq_tail;
	struct gmb_ioc_op *op = &l->sq[tail & (l->setup.sq_entries - 1)];

	memset(op, 0, sizeof(*op));
	op->opcode = opcode;
	op->slot = slot;
	op->user_data = user_data;
	__atomic_store_n(&l->ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
	return op;
}

static struct gmb_ioc_op *put_buf(struct loop *l, int opcode, unsigned int slot,
				  unsigned long long user_data, void *buf,
				  size_t len)
{
	struct gmb_ioc_op *op = put(l, opcode, slot, user_data);

	op->addr = (unsigned long)buf;
	op->len = len;
	return op;
}

static int trap_more(struct loop *l, unsigned int min, unsigned int batch,
		     unsigned long long timeout, unsigned int spin)
{
	struct gmb_ioc_trap trap = {
		.size = sizeof(trap),
		.min = min,
		.batch = batch,
		.timeout_ns = timeout,
		.spin_ns = spin,
	};
	int ret = ioctl(l->fd, GMB_IOC_TRAP, &trap);

	return ret < 0 ? -errno : ret;
}

/* A trap may come back for work of the kernel's own: then there is another. */
static int trap(struct loop *l, unsigned int min)
{
	unsigned long long end = now() + 5000 * MS;
	int ret;

	do {
		ret = trap_more(l, min, 0, 5000 * MS, 0);
	} while (!ret && min && now() < end);
	return ret;
}

/* The next completion, or one with user_data ~0 when there is none. */
static struct gmb_ioc_cqe next(struct loop *l)
{
	unsigned int head = l->ring->cq_head;
	struct gmb_ioc_cqe cqe = { .user_data = ~0ULL };

	if (head == __atomic_load_n(&l->ring->cq_tail, __ATOMIC_ACQUIRE))
		return cqe;
	cqe = l->cq[head & (l->setup.cq_entries - 1)];
	__atomic_store_n(&l->ring->cq_head, head + 1, __ATOMIC_RELEASE);
	return cqe;
}

static void expect(struct loop *l, const char *what, unsigned long long data,
		   int res, unsigned int flags)
{
	struct gmb_ioc_cqe c = next(l);
	bool good = c.user_data == data && c.res == res && c.flags == flags;

	check(good, "%s", what);
	if (!good)
		printf("# got user_data %llu res %d err %d flags %d, wanted user_data %llu res %d flags %u\n",
		       (unsigned long long)c.user_data, c.res, c.err, c.flags,
		       data, res, flags);
}

static void watch(struct loop *l, int fd)
{
	struct gmb_ioc_op *op = put(l, GMB_OP_WATCH_ADD, fd, 1000);

	op->fd = fd;
	op->flags = GMB_F_SKIP;
}

static void test_query(void)
{
	struct gmb_ioc_query q;
	int fd = open(GMB_DEVICE, O_RDWR);

	memset(&q, 0xcc, sizeof(q));
	q.size = sizeof(q);
	check(!ioctl(fd, GMB_IOC_QUERY, &q), "query");
	check(q.version == GMB_ABI_VERSION, "query tells version %u",
	      q.version);
	check(q.ops == (1ULL << GMB_OP_LAST) - 1, "query tells operations");
	check(ioctl(fd, _IO(GMB_IOC_MAGIC, 99), &q) && errno == ENOTTY,
	      "an unknown ioctl");
	close(fd);
}

static void stream_pair(int domain, int fd[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int l;

	if (domain == AF_UNIX) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
			die("socketpair");
		return;
	}
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l = socket(AF_INET, SOCK_STREAM, 0);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(l, (void *)&a, len) || listen(l, 1) ||
	    getsockname(l, (void *)&a, &len) ||
	    connect(fd[0], (void *)&a, len))
		die("loopback");
	fd[1] = accept(l, NULL, NULL);
	close(l);
}

/* What the sockets hold must be less than what is sent, on any machine. */
static void limit_buffers(const int fd[2])
{
	int size = 256 << 10;

	if (setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) ||
	    setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		die("setsockopt");
}

static void test_stream(int domain, unsigned int flags)
{
	char buf[64], out[64], *big = malloc(8 << 20);
	struct gmb_ioc_op *op;
	struct gmb_ioc_cqe c;
	struct loop l;
	int fd[2], idle;
	long got;

	printf("# streams, domain %d\n", domain);
	stream_pair(domain, fd);
	limit_buffers(fd);
	loop_open_flags(&l, 64, 64, flags);
	watch(&l, fd[0]);
	put_buf(&l, GMB_OP_RECV, fd[0], 1, buf, 1)->flags = GMB_F_NOWAIT;
	trap(&l, 1);
	expect(&l, "an empty socket has nothing at once", 1, -EAGAIN, 0);
	put_buf(&l, GMB_OP_RECV, fd[0], 1, buf, sizeof(buf));
	check(trap(&l, 0) == 0, "an empty socket parks the receive");
	put_buf(&l, GMB_OP_RECV, fd[0], 2, buf, sizeof(buf));
	check(trap(&l, 0) == 1, "trap");
	expect(&l, "a second reader is refused", 2, -EBUSY, 0);
	check(write(fd[1], "hello", 5) == 5, "write");
	check(l.ring->pending, "pending is set");
	check(trap(&l, 1) == 1, "trap");
	expect(&l, "receive after arrival", 1, 5, 0);
	check(!memcmp(buf, "hello", 5), "bytes arrive");

	/* Send and the next receive in one trap. */
	op = put_buf(&l, GMB_OP_SEND, fd[0], 3, "answer", 6);
	op->flags = GMB_F_SKIP | GMB_F_ALL;
	put_buf(&l, GMB_OP_RECV, fd[0], 4, buf, sizeof(buf));
	check(trap(&l, 0) == 0, "a skipped success posts nothing");
	check(read(fd[1], out, sizeof(out)) == 6, "bytes were sent");

	put(&l, GMB_OP_CANCEL, fd[0], 5)->addr = 4;
	check(trap(&l, 2) == 2, "trap");
	expect(&l, "the receive is cancelled", 4, -ECANCELED, 0);
	expect(&l, "and the cancel succeeds", 5, 0, 0);
	put(&l, GMB_OP_CANCEL, fd[0], 6)->addr = 4;
	trap(&l, 1);
	expect(&l, "cancelling nothing", 6, -ENOENT, 0);

	op = put_buf(&l, GMB_OP_EXCHANGE, fd[0], 7, "ping", 4);
	op->addr2 = (unsigned long)buf;
	op->len2 = sizeof(buf);
	check(trap(&l, 0) == 0, "an exchange waits for the answer");
	check(read(fd[1], out, sizeof(out)) == 4 && write(fd[1], "pong!", 5) == 5,
	      "the other end answers");
	trap(&l, 1);
	expect(&l, "exchange", 7, 5, 0);

	/* More than fits: the send parks and goes on as the peer reads. */
	memset(big, 'x', 8 << 20);
	put_buf(&l, GMB_OP_SEND, fd[0], 8, big, 8 << 20)->flags = GMB_F_ALL;
	check(trap(&l, 0) == 0, "a large send parks");
	for (got = 0, idle = 0; got < 8 << 20 && idle < 500; idle++) {
		long n = recv(fd[1], big, 1 << 20, MSG_DONTWAIT);

		if (n > 0) {
			got += n;
			idle = 0;
		} else if (trap_more(&l, 1, 0, 10 * MS, 0) < 0) {
			break;
		}
	}
	check(got == 8 << 20, "all bytes arrive");
	if (l.ring->cq_head == l.ring->cq_tail)
		trap(&l, 1);
	expect(&l, "and the send completes once", 8, 8 << 20, 0);

	put_buf(&l, GMB_OP_SEND, fd[0], 9, big, 8 << 20)->flags = GMB_F_ALL;
	put(&l, GMB_OP_CANCEL, fd[0], 10)->addr = 9;
	trap(&l, 2);
	c = next(&l);
	check(c.user_data == 9 && c.res > 0 && c.res < 8 << 20 &&
	      c.err == ECANCELED, "a cancelled send says how far it came: %d",
	      c.res);
	expect(&l, "cancel", 10, 0, 0);

	put_buf(&l, GMB_OP_RECV, fd[0], 11, buf, sizeof(buf));
	trap(&l, 0);
	close(fd[1]);
	trap(&l, 1);
	c = next(&l);
	check(c.user_data == 11 && c.res <= 0 && c.res != -EAGAIN,
	      "the end of the stream is seen (%d)", c.res);

	put(&l, GMB_OP_READY, fd[0], 12)->events = POLLIN;
	trap(&l, 1);
	c = next(&l);
	check(c.user_data == 12 && c.res > 0, "ready says 0x%x", c.res);

	op = put(&l, GMB_OP_WATCH_DROP, fd[0], 13);
	op->flags = GMB_F_CLOSE;
	op->fd = fd[0];
	trap(&l, 1);
	expect(&l, "drop and close", 13, 0, 0);
	check(fcntl(fd[0], F_GETFD) < 0 && errno == EBADF, "closed");
	loop_close(&l);
	free(big);
}

static void test_files(void)
{
	unsigned long long one = 1, value = 0;
	struct itimerspec its = { .it_value = { .tv_nsec = 20 * MS } };
	struct gmb_ioc_cqe c;
	struct loop l;
	char buf[16];
	int e, t, p[2];

	printf("# other files\n");
	e = eventfd(0, EFD_NONBLOCK);
	t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	if (pipe2(p, O_NONBLOCK))
		die("pipe2");
	loop_open(&l, 64, 64);
	watch(&l, e);
	watch(&l, t);
	watch(&l, p[0]);
	watch(&l, p[1]);
	put_buf(&l, GMB_OP_READ, e, 1, &value, 8);
	check(trap(&l, 0) == 0, "an eventfd at zero parks");
	check(write(e, &one, 8) == 8 && trap(&l, 1) == 1, "trap");
	expect(&l, "read eventfd", 1, 8, 0);
	check(value == 1, "value");
	put_buf(&l, GMB_OP_WRITE, e, 2, &one, 8);
	put_buf(&l, GMB_OP_READ, e, 3, &value, 8);
	trap(&l, 2);
	expect(&l, "write eventfd", 2, 8, 0);
	expect(&l, "read what this trap wrote", 3, 8, 0);

	timerfd_settime(t, 0, &its, NULL);
	put_buf(&l, GMB_OP_READ, t, 4, &value, 8);
	check(trap(&l, 1) == 1, "trap sleeps until the timer");
	expect(&l, "read timerfd", 4, 8, 0);

	put_buf(&l, GMB_OP_READ, p[0], 5, buf, sizeof(buf));
	trap(&l, 0);
	put_buf(&l, GMB_OP_WRITE, p[1], 6, "abc", 3)->flags = GMB_F_SKIP;
	trap(&l, 1);
	expect(&l, "pipe to oneself", 5, 3, 0);
	put_buf(&l, GMB_OP_RECV, p[0], 7, buf, sizeof(buf));
	trap(&l, 1);
	expect(&l, "receive from a pipe", 7, -ENOTSOCK, 0);
	put(&l, GMB_OP_READY, p[0], 8)->events = POLLIN;
	put(&l, GMB_OP_READY, p[1], 9)->events = POLLOUT;
	trap(&l, 1);
	c = next(&l);
	check(c.user_data == 9 && c.res == POLLOUT, "the pipe can be written");
	close(p[1]);
	check(trap(&l, 1) == 1, "the sweep drops the other end");
	c = next(&l);
	check(c.user_data == 8 && c.res & POLLHUP, "hang-up: 0x%x", c.res);
	loop_close(&l);
	close(e);
	close(t);
	close(p[0]);
}

static void test_replace(void)
{
	struct gmb_ioc_op *op;
	struct loop l;
	int fd[2];

	stream_pair(AF_UNIX, fd);
	loop_open(&l, 64, 64);
	watch(&l, fd[0]);
	put(&l, GMB_OP_READY, fd[0], 1)->events = POLLIN;
	put(&l, GMB_OP_WATCH_ADD, fd[0], 2)->fd = fd[1];
	op = put(&l, GMB_OP_WATCH_ADD, fd[0], 3);
	op->fd = fd[1];
	op->flags = GMB_F_REPLACE;
	put(&l, GMB_OP_WATCH_ADD, l.fd, 4)->fd = l.fd;
	trap(&l, 4);
	expect(&l, "the index is taken", 2, -EEXIST, 0);
	expect(&l, "replacing cancels what is parked", 1, -ECANCELED, 0);
	expect(&l, "replace", 3, 0, 0);
	expect(&l, "no context waits for a context", 4, -ELOOP, 0);
	loop_close(&l);
	close(fd[0]);
	close(fd[1]);
}

static void test_sweep(void)
{
	struct loop l;
	char buf[4];
	int fd[2];

	stream_pair(AF_UNIX, fd);
	loop_open(&l, 64, 64);
	watch(&l, fd[0]);
	put_buf(&l, GMB_OP_RECV, fd[0], 1, buf, sizeof(buf));
	trap(&l, 0);
	close(fd[0]);
	check(recv(fd[1], buf, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN,
	      "the watch keeps the file");
	check(trap(&l, 1) == 1, "trap");
	expect(&l, "a closed file is swept", 1, -EBADF, 0);
	check(recv(fd[1], buf, 1, MSG_DONTWAIT) == 0, "the peer hears of it");
	loop_close(&l);
	close(fd[1]);
}

struct waker {
	int fd;
	unsigned long long target;
	unsigned int delay_us;
	int ret;
};

static void *waker_run(void *arg)
{
	struct waker *w = arg;
	struct gmb_ioc_wake wake = {
		.size = sizeof(wake),
		.target = w->target,
	};

	usleep(w->delay_us);
	w->ret = ioctl(w->fd, GMB_IOC_WAKE, &wake) ? -errno : 0;
	return NULL;
}

static void test_tasks(void)
{
	struct loop a, b;
	struct gmb_ioc_op *op;
	pthread_t thread;
	struct waker w;
	int status;

	printf("# tasks\n");
	loop_open(&a, 64, 64);
	loop_open(&b, 64, 64);
	op = put(&a, GMB_OP_TASK_ADD, 3, 1);
	op->addr = 77;
	op->len = 42;
	check(trap(&a, 1) == 1, "trap");
	expect(&a, "add a task", 1, 0, 0);

	put(&a, GMB_OP_WAKE, GMB_SELF, 2)->addr = GMB_TASK(3, 42);
	put(&a, GMB_OP_WAKE, GMB_SELF, 3)->addr = GMB_TASK(3, 42);
	put(&a, GMB_OP_WAKE, GMB_SELF, 4)->addr = GMB_TASK(3, 41);
	check(trap(&a, 4) == 4, "trap");
	expect(&a, "wake", 2, 0, 0);
	expect(&a, "wake again", 3, 0, 0);
	expect(&a, "a wrong tag", 4, -ESRCH, 0);
	expect(&a, "two wakes are one", 77, 0, GMB_CQE_WAKE);

	put(&b, GMB_OP_PEER_ADD, 0, 1)->fd = a.fd;
	op = put(&b, GMB_OP_WAKE, 0, 2);
	op->addr = GMB_TASK(3, 42);
	op->flags = GMB_F_SYNC;
	trap(&b, 2);
	expect(&b, "add a peer", 1, 0, 0);
	expect(&b, "wake in the peer", 2, 0, 0);
	check(trap(&a, 1) == 1, "trap");
	expect(&a, "woken by the peer", 77, 0, GMB_CQE_WAKE);

	w = (struct waker){ a.fd, GMB_TASK(3, 42), 20000, -1 };
	pthread_create(&thread, NULL, waker_run, &w);
	check(trap(&a, 1) == 1, "sleeps until the other thread wakes");
	expect(&a, "woken by the thread", 77, 0, GMB_CQE_WAKE);
	pthread_join(thread, NULL);
	w = (struct waker){ a.fd, GMB_WAKE_TRAP, 20000, -1 };
	pthread_create(&thread, NULL, waker_run, &w);
	check(trap_more(&a, 1, 0, 5000 * MS, 0) == 0, "a kick ends the trap");
	pthread_join(thread, NULL);
	check(!w.ret, "kick");

	if (!fork()) {
		w = (struct waker){ a.fd, GMB_TASK(3, 42), 20000, -1 };
		waker_run(&w);
		_exit(w.ret || trap(&a, 0) != -EPERM);
	}
	check(trap(&a, 1) == 1, "sleeps until the other process wakes");
	expect(&a, "woken by the process", 77, 0, GMB_CQE_WAKE);
	wait(&status);
	check(!status, "which may wake, but not trap");

	loop_close(&a);
	put(&b, GMB_OP_WAKE, 0, 3)->addr = GMB_TASK(3, 42);
	put(&b, GMB_OP_PEER_DROP, 0, 4);
	put(&b, GMB_OP_TASK_DROP, 0, 5);
	put(&b, GMB_OP_LAST, 0, 6);
	trap(&b, 4);
	expect(&b, "the peer is gone", 3, -ESHUTDOWN, 0);
	expect(&b, "drop the peer", 4, 0, 0);
	expect(&b, "drop no task", 5, -ENOENT, 0);
	expect(&b, "no such operation", 6, -EINVAL, 0);
	loop_close(&b);
}

static void *writer_run(void *arg)
{
	struct waker *w = arg;

	usleep(w->delay_us);
	w->ret = write(w->fd, "x", 1);
	return NULL;
}

static void test_slack(void)
{
	struct waker w;
	unsigned long long t;
	pthread_t thread;
	struct loop l;
	int fd[3][2], i;
	char buf[4];

	printf("# slack\n");
	loop_open(&l, 64, 64);
	for (i = 0; i < 3; i++) {
		stream_pair(AF_UNIX, fd[i]);
		watch(&l, fd[i][0]);
		put_buf(&l, GMB_OP_RECV, fd[i][0], i, buf, 1)->slack_ns =
			i < 2 ? 200 * MS : 0;
	}
	trap(&l, 0);
	w = (struct waker){ .fd = fd[0][1], .delay_us = 20000 };
	t = now();
	pthread_create(&thread, NULL, writer_run, &w);
	check(trap(&l, 1) == 1, "trap");
	t = now() - t;
	check(t >= 215 * MS && t < 2000 * MS, "slack holds a wakeup back: %llu ms",
	      t / MS);
	expect(&l, "slack", 0, 1, 0);
	pthread_join(thread, NULL);

	w = (struct waker){ .fd = fd[2][1], .delay_us = 20000 };
	t = now();
	pthread_create(&thread, NULL, writer_run, &w);
	trap(&l, 1);
	t = now() - t;
	check(t < 190 * MS, "urgent is at once: %llu ms", t / MS);
	expect(&l, "urgent", 2, 1, 0);
	pthread_join(thread, NULL);

	w = (struct waker){ .fd = fd[1][1], .delay_us = 20000 };
	t = now();
	pthread_create(&thread, NULL, writer_run, &w);
	check(trap_more(&l, 1, 1, 5000 * MS, 0) == 1, "trap");
	t = now() - t;
	check(t < 190 * MS, "a full batch is at once: %llu ms", t / MS);
	expect(&l, "batch", 1, 1, 0);
	pthread_join(thread, NULL);

	t = now();
	check(trap_more(&l, 1, 0, 30 * MS, 100000) == 0, "timeout");
	t = now() - t;
	check(t >= 30 * MS && t < 500 * MS, "after %llu ms", t / MS);
	loop_close(&l);
}

static void test_stamps(void)
{
	struct gmb_ioc_stamp *s;
	unsigned long long from;
	pthread_t thread;
	struct waker w;
	struct loop l;
	char buf[4];
	int fd[2];

	printf("# stamps\n");
	loop_open_flags(&l, 64, 64, GMB_SETUP_STAMPS);
	check(l.setup.stamp_off != 0, "there are stamps");
	stream_pair(AF_UNIX, fd);
	watch(&l, fd[0]);
	put_buf(&l, GMB_OP_RECV, fd[0], 1, buf, 1);
	w = (struct waker){ .fd = fd[1], .delay_us = 20000 };
	from = now();
	pthread_create(&thread, NULL, writer_run, &w);
	trap(&l, 1);
	pthread_join(thread, NULL);
	s = &l.stamps[l.ring->cq_head & (l.setup.cq_entries - 1)];
	expect(&l, "receive", 1, 1, 0);
	check(from <= s->ready && s->ready <= s->woken &&
		      s->woken <= s->running && s->running <= s->done &&
		      s->done <= now(),
	      "ready +%llu woken +%llu running +%llu done",
	      s->woken - s->ready, s->running - s->woken,
	      s->done - s->running);
	put(&l, GMB_OP_TASK_ADD, 0, 0)->flags = GMB_F_SKIP;
	put(&l, GMB_OP_WAKE, GMB_SELF, 0)->flags = GMB_F_SKIP;
	from = now();
	trap(&l, 1);
	s = &l.stamps[l.ring->cq_head & (l.setup.cq_entries - 1)];
	expect(&l, "a task is woken", 0, 0, GMB_CQE_WAKE);
	check(from <= s->ready && s->ready <= s->done && !s->woken,
	      "and the moment is stamped");
	put(&l, GMB_OP_NOP, 0, 2);
	trap(&l, 1);
	s = &l.stamps[l.ring->cq_head & (l.setup.cq_entries - 1)];
	expect(&l, "nothing", 2, 0, 0);
	check(!s->ready && !s->woken && !s->running && s->done,
	      "at once: only done is stamped");
	loop_close(&l);
	close(fd[0]);
	close(fd[1]);
}

static void test_pressure(void)
{
	struct loop l;
	int i, n = 0;

	printf("# back-pressure\n");
	loop_open(&l, 64, 4);
	for (i = 0; i < 20; i++)
		put(&l, GMB_OP_NOP, 0, i);
	while (n < 20 && trap(&l, 1) > 0)
		while (next(&l).user_data == (unsigned int)n)
			n++;
	check(n == 20, "twenty completions through a ring of four");
	loop_close(&l);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void test_signal(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct loop l;

	sigaction(SIGALRM, &action, NULL);
	loop_open(&l, 4, 4);
	ualarm(20000, 0);
	check(trap(&l, 1) == -EINTR, "a signal ends the trap");
	munmap(l.ring, l.setup.map_size);
	check(trap(&l, 0) == -ESHUTDOWN, "no trap after munmap");
	close(l.fd);
}

int main(void)
{
	test_query();
	test_stream(AF_UNIX, 0);
	test_stream(AF_INET, GMB_SETUP_STAMPS);
	test_files();
	test_replace();
	test_sweep();
	test_tasks();
	test_slack();
	test_stamps();
	test_pressure();
	test_signal();
	printf("1..%d\n", tests);
	return failed ? 1 : 0;
}
