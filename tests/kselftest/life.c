/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Who may use a context, and how it ends: fork, exec, munmap at the worst
 * moment, SIGKILL anywhere, and the module's refusal to go while in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"

FIXTURE(life)
{
	struct loop l;
	int fd[2];
	char buf[64];
	long users;
};

FIXTURE_SETUP(life)
{
	self->users = number_get(MODULE_DIR "refcnt");
	ASSERT_EQ(0, loop_init(&self->l, 64, 64));
	ASSERT_EQ(0, pair_unix(self->fd));
	ASSERT_EQ(0, loop_watch(&self->l, self->fd[0]));
}

FIXTURE_TEARDOWN(life)
{
	loop_fini(&self->l);
}

static bool peer_sees_end(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, LONG / MS) == 1;
}

TEST_F(life, child_may_only_ask_and_wake)
{
	struct gmb_ioc_query q = { .size = sizeof(q) };
	struct loop *l = &self->l;
	struct loop fresh;
	int status;
	pid_t child;

	ASSERT_EQ(0, loop_task(l, 1, 1, 11, 0));
	ASSERT_EQ(0, loop_open(&fresh));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* Not set up by the parent, and not for the child to. */
		if (loop_setup(&fresh, 8, 8) != -EPERM)
			_exit(1);
		if (loop_map(l) != -EPERM)
			_exit(2);
		if (loop_trap(l, 0) != -EPERM)
			_exit(3);
		if (ioctl(l->fd, GMB_IOC_QUERY, &q))
			_exit(4);
		if (wake(l->fd, GMB_TASK(1, 1)))
			_exit(5);
		/* The rings did not come along. */
		if (!msync((void *)((unsigned long)l->sq & -4096UL), 4096,
			   MS_ASYNC) || errno != ENOMEM)
			_exit(6);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status >> 8);
	EXPECT_EQ(0, status & 127);
	EXPECT_EQ(1, loop_trap(l, 1));
	EXPECT_EQ(11, loop_next(l).user_data);
	close(fresh.fd);
}

/* The child keeps the descriptor; the context ends with its owner. */
TEST_F(life, owner_goes_first)
{
	int status, hold[2], told[2];
	pid_t owner, child;
	char c;

	ASSERT_EQ(0, pipe(hold));
	ASSERT_EQ(0, pipe(told));
	owner = fork();
	ASSERT_LE(0, owner);
	if (!owner) {
		struct loop l;

		if (loop_init(&l, 8, 8) || loop_watch(&l, self->fd[0]) ||
		    loop_task(&l, 0, 0, 1, 0))
			_exit(1);
		close(self->fd[0]);
		child = fork();
		if (child)
			_exit(child < 0);
		close(hold[1]);
		close(self->fd[0]);
		while (wake(l.fd, 0) != -ESHUTDOWN)
			pause_ms(1);
		c = wake(l.fd, GMB_WAKE_TRAP) == -ESHUTDOWN;
		status = write(told[1], &c, 1);
		status = read(hold[0], &c, 1);
		_exit(0);
	}
	ASSERT_EQ(owner, waitpid(owner, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(1, read(told[0], &c, 1));
	EXPECT_EQ(1, c);
	/* Its watch went with its mapping, not with the descriptor. */
	EXPECT_EQ(0, loop_unwatch(&self->l, self->fd[0]));
	close(self->fd[0]);
	EXPECT_TRUE(peer_sees_end(self->fd[1]));
	close(hold[1]);
	EXPECT_EQ(self->users + 1, module_users(self->users + 1));
}

/* A copy of the rings that the owner let a child have does not count. */
TEST_F(life, childs_copy_does_not_keep_it)
{
	struct loop *l = &self->l;
	int status, hold[2];
	pid_t child;
	char c;

	if (madvise(l->ring, l->setup.map_size, MADV_DOFORK)) {
		ASSERT_EQ(EINVAL, errno);
		SKIP(return, "this kernel makes no copy of a driver's pages");
	}
	ASSERT_EQ(0, pipe(hold));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(hold[1]);
		_exit(read(hold[0], &c, 1));
	}
	EXPECT_EQ(0, wake(l->fd, GMB_WAKE_TRAP));
	loop_unmap(l);
	EXPECT_EQ(-ESHUTDOWN, wake(l->fd, GMB_WAKE_TRAP));
	close(hold[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(life, exec_ends_it)
{
	int status;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		struct loop l;

		if (loop_init(&l, 8, 8) || loop_watch(&l, self->fd[0]))
			_exit(1);
		fcntl(l.fd, F_SETFD, 0);
		execl("/bin/sleep", "sleep", "60", NULL);
		_exit(2);
	}
	pause_ms(300);
	EXPECT_EQ(0, loop_unwatch(&self->l, self->fd[0]));
	close(self->fd[0]);
	/* sleep still holds the descriptors of the context and the socket. */
	EXPECT_EQ(0, kill(child, 0));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(SIGKILL, status);
	EXPECT_TRUE(peer_sees_end(self->fd[1]));
	EXPECT_EQ(self->users + 1, module_users(self->users + 1));
}

TEST_F(life, mapping_is_whole)
{
	struct loop *l = &self->l;
	size_t size = l->setup.map_size, page = 4096;
	char *map = (char *)l->ring;
	void *target;

	ASSERT_LT(page, size);
	EXPECT_EQ(-1, munmap(map, page));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, munmap(map + page, page));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, mprotect(map, page, PROT_READ));
	EXPECT_EQ(MAP_FAILED, mremap(map, size, page, 0));
	EXPECT_EQ(MAP_FAILED, mremap(map, size, size + page, MREMAP_MAYMOVE));
	target = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	ASSERT_NE(MAP_FAILED, target);
	EXPECT_EQ(MAP_FAILED, mremap(map, size, size,
				     MREMAP_MAYMOVE | MREMAP_FIXED, target));
	EXPECT_EQ(MAP_FAILED, mremap(map, 0, size, MREMAP_MAYMOVE));
	/* All that was refused did no harm. */
	loop_op(l, GMB_OP_NOP, 0, 5);
	EXPECT_EQ(1, loop_trap(l, 0));
	EXPECT_EQ(5, loop_next(l).user_data);
}

static void later_unmap(struct later *l)
{
	loop_unmap(l->loop);
}

static void later_close(struct later *l)
{
	l->ret = close(l->loop->fd);
}

TEST_F(life, unmapped_in_a_trap)
{
	struct later later = {
		.ms = 20, .fn = later_unmap, .loop = &self->l,
	};

	loop_buf(&self->l, GMB_OP_RECV, self->fd[0], 1, self->buf, 1);
	ASSERT_EQ(0, later_start(&later));
	EXPECT_EQ(-ESHUTDOWN, loop_trap_for(&self->l, 1, 0, GMB_FOREVER));
	later_end(&later);
	EXPECT_EQ(-ESHUTDOWN, loop_trap(&self->l, 0));
	/* Once mapped, never again. */
	EXPECT_EQ(-EBUSY, loop_map(&self->l));
	/* The watch is released though the context's descriptor is open. */
	close(self->fd[0]);
	EXPECT_TRUE(peer_sees_end(self->fd[1]));
}

TEST_F(life, closed_in_a_trap)
{
	struct loop l;
	struct later later = { .ms = 20, .fn = later_close, .loop = &l };

	ASSERT_EQ(0, loop_init(&l, 8, 8));
	ASSERT_EQ(0, loop_watch(&l, self->fd[0]));
	loop_buf(&l, GMB_OP_RECV, self->fd[0], 1, self->buf, 1);
	ASSERT_EQ(0, later_start(&later));
	/* The trap goes on: it has the file, as does the mapping. */
	EXPECT_EQ(0, loop_trap_for(&l, 1, 0, 60 * MS));
	later_end(&later);
	EXPECT_EQ(0, later.ret);
	loop_unmap(&l);
	EXPECT_EQ(self->users + 1, module_users(self->users + 1));
}

static void later_trap(struct later *l)
{
	l->ret = loop_trap(l->loop, 1);
}

TEST_F(life, one_trap_at_a_time)
{
	struct later later = { .fn = later_trap, .loop = &self->l };
	int ret;

	ASSERT_EQ(0, loop_task(&self->l, 0, 0, 1, 0));
	ASSERT_EQ(0, later_start(&later));
	do {
		pause_ms(10);
		ret = loop_trap(&self->l, 0);
	} while (!ret);
	EXPECT_EQ(-EBUSY, ret);
	ASSERT_EQ(0, wake(self->l.fd, 0));
	later_end(&later);
	EXPECT_EQ(1, later.ret);
}

/* A page that is there when somebody says so, or -errno. */
static int lazy_page(char **page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	area.range.start = (unsigned long)*page;
	area.range.len = 4096;
	if (*page == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) ||
	    ioctl(fd, UFFDIO_REGISTER, &area))
		return -errno;
	return fd;
}

/*
 * A trap that is stuck in the program's memory, as long as the program likes,
 * holds up the end of its own context only.
 */
TEST_F(life, unmapped_in_a_page_fault)
{
	struct later later = { .fn = later_trap, .loop = &self->l };
	struct uffdio_zeropage zero = { .range.len = 4096 };
	struct uffd_msg fault;
	struct loop other;
	int uffd, two[2];
	char *page;

	uffd = lazy_page(&page);
	if (uffd < 0)
		SKIP(return, "needs userfaultfd");
	loop_buf(&self->l, GMB_OP_SEND, self->fd[0], 1, page, 1);
	ASSERT_EQ(0, later_start(&later));
	pause_ms(1);
	ASSERT_EQ(sizeof(fault), read(uffd, &fault, sizeof(fault)));
	loop_unmap(&self->l);
	ASSERT_EQ(0, loop_init(&other, 8, 8));
	ASSERT_EQ(0, pair_unix(two));
	ASSERT_EQ(0, loop_watch(&other, two[0]));
	loop_unmap(&other);
	close(two[0]);
	EXPECT_TRUE(peer_sees_end(two[1]));
	close(other.fd);
	close(self->fd[0]);
	pause_ms(50);
	zero.range.start = (unsigned long)page;
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
	later_end(&later);
	EXPECT_TRUE(peer_sees_end(self->fd[1]));
	close(uffd);
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST_F(life, signals)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct loop *l = &self->l;

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ualarm(20000, 0);
	EXPECT_EQ(-EINTR, loop_trap_for(l, 1, 0, GMB_FOREVER));
	/* What was posted is more important than the signal. */
	loop_op(l, GMB_OP_NOP, 0, 1);
	ualarm(20000, 0);
	EXPECT_EQ(1, loop_trap_for(l, 2, 0, GMB_FOREVER));
	EXPECT_EQ(1, loop_next(l).user_data);
	/* Restarting would begin the timeout anew. */
	action.sa_flags = SA_RESTART;
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ualarm(20000, 0);
	EXPECT_EQ(-EINTR, loop_trap_for(l, 1, 0, GMB_FOREVER));
}

/* An io_uring that polls fd, made by this thread; or -errno. */
static int uring_poll(int fd)
{
	struct io_uring_params p = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &p);
	struct io_uring_sqe *sqe;
	char *sq;

	if (ring < 0)
		return -errno;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4,
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE,
		   MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || sqe == MAP_FAILED)
		return -errno;
	sqe->opcode = IORING_OP_POLL_ADD;
	sqe->fd = fd;
	sqe->poll32_events = POLLIN;
	*(__u32 *)(sq + p.sq_off.array) = 0;
	*(__u32 *)(sq + p.sq_off.tail) = 1;
	if (syscall(SYS_io_uring_enter, ring, 1, 0, 0, NULL, 0) != 1)
		return -errno;
	return ring;
}

static void later_byte(struct later *l)
{
	l->ret = write(l->fd, "x", 1);
}

/*
 * An io_uring has work for the sleeping thread, with TIF_NOTIFY_SIGNAL. That is
 * no signal: the trap only returns early, and the next one sleeps again.
 */
TEST_F(life, work_that_is_no_signal)
{
	struct later later = { .ms = 20, .fn = later_byte };
	int ring, p[2];

	ASSERT_EQ(0, pipe(p));
	ring = uring_poll(p[0]);
	if (ring < 0)
		SKIP(return, "no io_uring: %s", strerror(-ring));
	later.fd = p[1];
	ASSERT_EQ(0, later_start(&later));
	EXPECT_EQ(0, loop_trap_once(&self->l, 1, 0, LONG));
	later_end(&later);
	EXPECT_EQ(0, loop_trap_once(&self->l, 1, 0, 20 * MS));
	close(ring);
}

/* One of many moments at which the process may die. */
static void busy_until_killed(int other)
{
	struct loop l, peer;
	struct gmb_ioc_op *op;
	char buf[4096];
	int s[2], i;

	if (loop_init(&l, 64, 64) || loop_init(&peer, 8, 8) || pair_tcp(s))
		_exit(1);
	loop_op(&l, GMB_OP_PEER_ADD, 0, 0)->fd = peer.fd;
	loop_op(&peer, GMB_OP_PEER_ADD, 0, 0)->fd = l.fd;
	loop_trap(&l, 0);
	loop_trap(&peer, 0);
	for (i = 0;; i++) {
		loop_task(&l, i % 50, 0, 0, 1000000);
		wake(l.fd, GMB_TASK(i % 50, 0));
		loop_watch(&l, s[i % 2]);
		loop_buf(&l, GMB_OP_RECV, s[0], 0, buf, sizeof(buf));
		op = loop_buf(&l, GMB_OP_SEND, s[1], 0, buf, sizeof(buf));
		op->flags = GMB_F_ALL;
		op = loop_op(&l, GMB_OP_WATCH_ADD, 900, 0);
		op->fd = other;
		op->flags = GMB_F_REPLACE;
		loop_buf(&l, GMB_OP_RECV, 900, 0, buf, 1);
		loop_trap_for(&l, 60, 0, i % 3 * 100000);
		while (loop_next(&l).user_data != NONE)
			;
	}
}

TEST_F(life, killed_anywhere)
{
	int round, status;
	pid_t child;

	for (round = 0; round < 20; round++) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			busy_until_killed(self->fd[0]);
		pause_ms(2 + round * 3);
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(SIGKILL, status);
	}
	EXPECT_EQ(self->users + 1, module_users(self->users + 1));
	EXPECT_EQ(0, loop_unwatch(&self->l, self->fd[0]));
	close(self->fd[0]);
	EXPECT_TRUE(peer_sees_end(self->fd[1]));
}

/* A socket that listens on an abstract name, or -errno. */
static int listen_at(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(at.sun_path + 1, name);
	if (!bind(fd, (struct sockaddr *)&at, sizeof(at)) && !listen(fd, 1))
		return fd;
	close(fd);
	return -errno;
}

static void serve_at(const char *name, int ready)
{
	int fd = listen_at(name);
	struct loop l;

	if (fd < 0 || loop_init(&l, 8, 8) || loop_watch(&l, fd))
		_exit(1);
	loop_op(&l, GMB_OP_READY, fd, 1)->events = POLLIN;
	if (write(ready, "", 1) == 1)
		loop_trap_for(&l, 1, 0, GMB_FOREVER);
	_exit(1);
}

/* Who has waited for a server can start another one in its place. */
TEST_F(life, killed_leaves_its_name)
{
	int i, fd, p[2], taken = 0;
	char name[32], c;
	pid_t pid;

	snprintf(name, sizeof(name), "giambio-life-%d", getpid());
	for (i = 0; i < 30; i++) {
		ASSERT_EQ(0, pipe(p));
		pid = fork();
		if (!pid)
			serve_at(name, p[1]);
		close(p[1]);
		ASSERT_EQ(1, read(p[0], &c, 1));
		pause_ms(2);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
		fd = listen_at(name);
		taken += fd < 0;
		close(fd);
		close(p[0]);
	}
	/* A process may be held up for long while it exits, now and then. */
	EXPECT_GE(2, taken);
}

TEST_F(life, module_in_use_stays)
{
	if (geteuid())
		SKIP(return, "only root removes modules");
	/* Built into the kernel there is nothing to remove. */
	if (self->users < 0)
		SKIP(return, "the module is no module");
	EXPECT_EQ(-1, syscall(SYS_delete_module, "giambio", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	close(self->l.fd);
	/* The mapping alone is a use as well. */
	EXPECT_EQ(-1, syscall(SYS_delete_module, "giambio", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
}

TEST_HARNESS_MAIN
