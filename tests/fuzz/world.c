/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz.h"

/* A permutation of the state (splitmix64): any seed does, zero as well. */
static uint64_t next(struct world *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint32_t pick(struct world *w, uint32_t n)
{
	return (next(w) >> 32) * n >> 32;
}

int chance(struct world *w, uint32_t n)
{
	return !pick(w, n);
}

uint64_t odd_number(struct world *w)
{
	uint64_t n = next(w);

	switch (pick(w, 6)) {
	case 0:
		return n;
	case 1:
		return n >> 32;
	case 2:
		return 1ULL << n % 64;
	case 3:
		return (1ULL << n % 64) - 1;
	case 4:
		return -(n % 5000);
	}
	return n % 100;
}

/* Put a descriptor where another was. */
static void keep(struct world *w, int fd)
{
	int *at = &w->file[pick(w, FILES)];

	if (*at >= 0)
		close(*at);
	*at = fd;
}

static void keep_pair(struct world *w, const int fd[2])
{
	if (chance(w, 2)) {
		fcntl(fd[0], F_SETFL, O_NONBLOCK);
		fcntl(fd[1], F_SETFL, O_NONBLOCK);
	}
	keep(w, fd[0]);
	keep(w, fd[1]);
}

static void new_tcp(struct world *w)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int l = socket(AF_INET, kind, 0);
	int fd[2] = { -1, -1 };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd[0] = socket(AF_INET, kind, 0);
	if (!bind(l, (void *)&a, len) && !listen(l, 1) &&
	    !getsockname(l, (void *)&a, &len) &&
	    (!connect(fd[0], (void *)&a, len) || errno == EINPROGRESS))
		fd[1] = accept(l, NULL, NULL);
	keep_pair(w, fd);
	if (chance(w, 4))
		keep(w, l);
	else
		close(l);
}

static void new_timer(struct world *w)
{
	struct itimerspec every = {
		.it_interval.tv_nsec = 1 + pick(w, 3000000),
		.it_value.tv_nsec = 1 + pick(w, 3000000),
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	timerfd_settime(fd, 0, &every, NULL);
	keep(w, fd);
}

static void new_epoll(struct world *w)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int fd = epoll_create1(EPOLL_CLOEXEC), i;

	for (i = 0; i < 3; i++)
		epoll_ctl(fd, EPOLL_CTL_ADD, world_file(w), &event);
	keep(w, fd);
}

static void new_file(struct world *w)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	int fd[2] = { -1, -1 };
	sigset_t set;

	switch (pick(w, 9)) {
	case 0:
		new_tcp(w);
		return;
	case 1:
		if (!pipe2(fd, O_CLOEXEC))
			keep_pair(w, fd);
		return;
	case 2:
		keep(w, eventfd(pick(w, 2), EFD_CLOEXEC | EFD_NONBLOCK |
				(chance(w, 3) ? EFD_SEMAPHORE : 0)));
		return;
	case 3:
		new_timer(w);
		return;
	case 4:
		new_epoll(w);
		return;
	case 5:
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		keep(w, signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
		return;
	case 6:
		fd[0] = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK |
				     O_CLOEXEC);
		keep(w, fd[0]);
		return;
	case 7:
		keep(w, netlink_open());
		return;
	}
	if (!socketpair(AF_UNIX, types[pick(w, 3)] | SOCK_CLOEXEC, 0, fd))
		keep_pair(w, fd);
}

/* Never waits: the number may mean another thread's file by now. */
static ssize_t transfer(int fd, char *buf, size_t size, int out)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	ssize_t n = out ? pwritev2(fd, &iov, 1, -1, RWF_NOWAIT) :
			  preadv2(fd, &iov, 1, -1, RWF_NOWAIT);

	if (n >= 0 || errno != EOPNOTSUPP || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		return n;
	return out ? write(fd, buf, size) : read(fd, buf, size);
}

/* Something happens to a file from outside of the module. */
static void stir(struct world *w, int fd)
{
	size_t size = chance(w, 2) ? pick(w, 64) : pick(w, 65536);

	transfer(fd, w->arena, size, chance(w, 2));
	if (chance(w, 16))
		shutdown(fd, pick(w, 3));
}

/* A descriptor travels through a socket, and sometimes stays in it. */
static void pass(struct world *w, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = w->arena, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int to = chance(w, 2) ? w->channel[pick(w, 2)] : world_file(w);

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	sendmsg(to, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	msg.msg_controllen = sizeof(control);
	if (!chance(w, 3) &&
	    recvmsg(w->channel[pick(w, 2)], &msg,
		    MSG_DONTWAIT | MSG_CMSG_CLOEXEC) > 0 &&
	    msg.msg_controllen >= CMSG_LEN(sizeof(int))) {
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
		keep(w, fd);
	}
}

int world_file(struct world *w)
{
	return w->file[pick(w, FILES)];
}

void file_step(struct world *w)
{
	int fd = world_file(w), other = world_file(w);

	switch (pick(w, 14)) {
	case 0:
	case 1:
		new_file(w);
		break;
	case 2:
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (fd >= 0)
			keep(w, fd);
		break;
	case 3:
		if (fd >= 0 && other >= 0)
			dup3(other, fd, O_CLOEXEC);
		break;
	case 4:
		pass(w, chance(w, 4) ? w->context[pick(w, CONTEXTS)].fd : fd);
		break;
	case 5:
		madvise(w->arena + pick(w, ARENA / 4096) * 4096, 4096,
			MADV_DONTNEED);
		break;
	case 6:
	case 7:
		netlink_step(w, w->netlink);
		break;
	case 8:
		netlink_step(w, fd);
		break;
	default:
		stir(w, fd);
	}
	w->operations++;
}

void world_begin(struct world *w, uint64_t seed)
{
	int i;

	memset(w, 0, sizeof(*w));
	w->random = seed;
	for (i = 0; i < FILES; i++)
		w->file[i] = -1;
	w->arena = mmap(NULL, ARENA + 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w->arena == MAP_FAILED ||
	    mprotect(w->arena + ARENA, 4096, PROT_NONE) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w->channel)) {
		printf("Bail out! no memory or descriptors: %s\n",
		       strerror(errno));
		exit(1);
	}
	w->netlink = netlink_open();
	for (i = 0; i < FILES / 2; i++)
		new_file(w);
	for (i = 0; i < CONTEXTS; i++)
		context_begin(&w->context[i], w);
}

void world_end(struct world *w)
{
	int i;

	for (i = 0; i < CONTEXTS; i++)
		context_end(&w->context[i]);
	for (i = 0; i < FILES; i++)
		if (w->file[i] >= 0)
			close(w->file[i]);
	close(w->channel[0]);
	close(w->channel[1]);
	close(w->netlink);
	munmap(w->arena, ARENA + 4096);
}
