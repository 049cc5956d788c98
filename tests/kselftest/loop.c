/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"

int loop_open(struct loop *l)
{
	memset(l, 0, sizeof(*l));
	l->fd = open(GMB_DEVICE, O_RDWR | O_CLOEXEC);
	return l->fd < 0 ? -errno : 0;
}

int loop_setup(struct loop *l, unsigned int sq, unsigned int cq)
{
	memset(&l->setup, 0, sizeof(l->setup));
	l->setup.size = sizeof(l->setup);
	l->setup.sq_entries = sq;
	l->setup.cq_entries = cq;
	return ioctl(l->fd, GMB_IOC_SETUP, &l->setup) ? -errno : 0;
}

int loop_map(struct loop *l)
{
	char *map = mmap(NULL, l->setup.map_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, l->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	l->ring = (void *)map;
	l->sq = (void *)(map + l->setup.sq_off);
	l->cq = (void *)(map + l->setup.cq_off);
	return 0;
}

int loop_init(struct loop *l, unsigned int sq, unsigned int cq)
{
	int ret = loop_open(l);

	if (!ret)
		ret = loop_setup(l, sq, cq);
	if (!ret)
		ret = loop_map(l);
	return ret;
}

void loop_unmap(struct loop *l)
{
	if (l->ring)
		munmap(l->ring, l->setup.map_size);
	l->ring = NULL;
}

void loop_fini(struct loop *l)
{
	loop_unmap(l);
	close(l->fd);
}

struct gmb_ioc_op *loop_op(struct loop *l, int opcode, unsigned int slot,
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

struct gmb_ioc_op *loop_buf(struct loop *l, int opcode, unsigned int slot,
			    unsigned long long user_data, const void *buf,
			    size_t len)
{
	struct gmb_ioc_op *op = loop_op(l, opcode, slot, user_data);

	op->addr = (unsigned long)buf;
	op->len = len;
	return op;
}

int loop_trap_once(struct loop *l, unsigned int min, unsigned int batch,
		   unsigned long long timeout)
{
	struct gmb_ioc_trap trap = {
		.size = sizeof(trap),
		.min = min,
		.batch = batch,
		.timeout_ns = timeout,
	};
	int ret = ioctl(l->fd, GMB_IOC_TRAP, &trap);

	return ret < 0 ? -errno : ret;
}

int loop_trap_for(struct loop *l, unsigned int min, unsigned int batch,
		  unsigned long long timeout)
{
	unsigned long long start = now(), past = 0;
	int ret;

	do {
		ret = loop_trap_once(l, min, batch, timeout - past);
		past = now() - start;
	} while (!ret && min && past < timeout);
	return ret;
}

int loop_gather(struct loop *l, unsigned int min, unsigned int batch,
		unsigned long long timeout)
{
	unsigned long long start = now(), past = 0;
	int ret, n = 0;

	do {
		ret = loop_trap_for(l, min - n, batch, timeout - past);
		if (ret <= 0)
			return n ? n : ret;
		n += ret;
		past = now() - start;
	} while (n < (int)min && past < timeout);
	return n;
}

int loop_trap(struct loop *l, unsigned int min)
{
	return loop_trap_for(l, min, 0, LONG);
}

struct gmb_ioc_cqe loop_next(struct loop *l)
{
	unsigned int tail = __atomic_load_n(&l->ring->cq_tail,
					    __ATOMIC_ACQUIRE);
	struct gmb_ioc_cqe cqe;

	memset(&cqe, 0xcc, sizeof(cqe));
	cqe.user_data = NONE;
	if (l->head == tail)
		return cqe;
	cqe = l->cq[l->head & (l->setup.cq_entries - 1)];
	l->head++;
	__atomic_store_n(&l->ring->cq_head, l->head, __ATOMIC_RELEASE);
	return cqe;
}

int loop_result(struct loop *l)
{
	int ret = loop_trap(l, 0), res = LOOP_NOTHING;

	if (ret > 0)
		res = loop_next(l).res;
	if (ret > 1)
		res = LOOP_SEVERAL;
	while (ret > 1 && loop_next(l).user_data != NONE)
		;
	return res;
}

int loop_watch(struct loop *l, int fd)
{
	loop_op(l, GMB_OP_WATCH_ADD, fd, 0)->fd = fd;
	return loop_result(l);
}

int loop_unwatch(struct loop *l, int fd)
{
	loop_op(l, GMB_OP_WATCH_DROP, fd, 0);
	return loop_result(l);
}

int loop_task(struct loop *l, unsigned int slot, unsigned int tag,
	      unsigned long long user_data, unsigned int slack)
{
	struct gmb_ioc_op *op = loop_op(l, GMB_OP_TASK_ADD, slot, 0);

	op->len = tag;
	op->addr = user_data;
	op->slack_ns = slack;
	return loop_result(l);
}

int loop_cancel(struct loop *l, unsigned int slot, unsigned long long what)
{
	struct gmb_ioc_op *op = loop_op(l, GMB_OP_CANCEL, slot, 0);

	op->addr = what;
	op->flags = GMB_F_SKIP;
	return loop_trap(l, 0);
}

int wake(int fd, unsigned long long target)
{
	struct gmb_ioc_wake arg = { .size = sizeof(arg), .target = target };

	return ioctl(fd, GMB_IOC_WAKE, &arg) ? -errno : 0;
}

int pair_unix(int fd[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) ?
		-errno : 0;
}

int pair_tcp(int fd[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret = 0;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(l, (void *)&a, len) || listen(l, 1) ||
	    getsockname(l, (void *)&a, &len) ||
	    connect(fd[0], (void *)&a, len))
		ret = -errno;
	else if ((fd[1] = accept(l, NULL, NULL)) < 0)
		ret = -errno;
	close(l);
	return ret;
}

unsigned long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void pause_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* On a busy host it may come to the trap long after it said so. */
static bool asleep(pid_t tid)
{
	char path[40], state = 'S';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'S';
	if (f)
		fclose(f);
	return state == 'S';
}

static void *later_run(void *arg)
{
	struct later *l = arg;

	pause_ms(l->ms);
	while (!asleep(l->starter))
		pause_ms(1);
	l->fn(l);
	return NULL;
}

int later_start(struct later *l)
{
	l->ret = -1;
	l->starter = syscall(SYS_gettid);
	return -pthread_create(&l->thread, NULL, later_run, l);
}

void later_end(struct later *l)
{
	pthread_join(l->thread, NULL);
}

void later_write(struct later *l)
{
	l->ret = write(l->fd, "x", 1);
}

void later_wake(struct later *l)
{
	l->ret = wake(l->loop->fd, l->target);
}

long number_get(const char *path)
{
	FILE *f = fopen(path, "re");
	long value = -1;

	if (!f)
		return -errno;
	if (fscanf(f, "%ld", &value) != 1)
		value = -EIO;
	fclose(f);
	return value;
}

int number_set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

long module_users(long users)
{
	long left;
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		left = number_get(MODULE_DIR "refcnt");
		if (left <= users)
			break;
		pause_ms(10);
	}
	return left;
}

int ended(int pid)
{
	int status = -1;

	return waitpid(pid, &status, 0) == pid ? status : -1;
}
