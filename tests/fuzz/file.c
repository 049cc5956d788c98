/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The files of a crew, and what happens to them from outside of the module.
 * A number may mean another file by the time it is used, since other threads
 * close and replace what they like: nothing here waits, whatever it meets.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
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

int any_file(struct world *w)
{
	return w->crew->file[pick(w, FILES)];
}

/* From every second place: an open one, if there are not too few. */
static int any_of(struct world *w, uint32_t first)
{
	int fd = -1, tries;

	for (tries = 0; fd < 0 && tries < 4; tries++)
		fd = w->crew->file[pick(w, FILES / 2) * 2 + first];
	return fd;
}

int any_socket(struct world *w)
{
	return any_of(w, 0);
}

int any_other(struct world *w)
{
	return any_of(w, 1);
}

/* Put a descriptor where another was. */
void keep(struct world *w, int fd, bool is_socket)
{
	uint32_t at = pick(w, FILES / 2) * 2 + !is_socket;

	close(atomic_exchange(&w->crew->file[at], fd));
}

static void keep_pair(struct world *w, const int fd[2], bool is_socket)
{
	if (chance(w, 2)) {
		fcntl(fd[0], F_SETFL, O_NONBLOCK);
		fcntl(fd[1], F_SETFL, O_NONBLOCK);
	}
	keep(w, fd[0], is_socket);
	keep(w, fd[1], is_socket);
}

static void new_tcp(struct world *w)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int fd[2];

	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (!getsockname(w->listener, (void *)&a, &len))
		connect(fd[0], (void *)&a, len);
	fd[1] = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
	keep_pair(w, fd, true);
}

static void new_timer(struct world *w)
{
	struct itimerspec every = {
		.it_interval.tv_nsec = 1 + pick(w, 30000000),
		.it_value.tv_nsec = 1 + pick(w, 3000000),
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	timerfd_settime(fd, 0, &every, NULL);
	keep(w, fd, false);
}

static void new_epoll(struct world *w)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int fd = epoll_create1(EPOLL_CLOEXEC), i;

	for (i = 0; i < 3; i++)
		epoll_ctl(fd, EPOLL_CTL_ADD, any_file(w), &event);
	keep(w, fd, false);
}

static void new_signalfd(struct world *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	keep(w, signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), false);
}

/* What opens and closes in little time is opened more often. */
void new_file(struct world *w)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	int fd[2];

	switch (pick(w, 24)) {
	case 0:
	case 1:
		new_tcp(w);
		return;
	case 2:
		keep(w, posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK |
				     O_CLOEXEC), false);
		return;
	case 3:
		keep(w, netlink_open(), true);
		return;
	case 4:
		keep(w, dup(w->listener), true);
		return;
	case 5:
	case 6:
		new_epoll(w);
		return;
	case 7:
	case 8:
		new_signalfd(w);
		return;
	case 9:
		new_timer(w);
		return;
	case 10:
	case 11:
	case 12:
		keep(w, eventfd(pick(w, 2), EFD_CLOEXEC | EFD_NONBLOCK |
				(chance(w, 3) ? EFD_SEMAPHORE : 0)), false);
		return;
	case 13:
	case 14:
	case 15:
		if (!pipe2(fd, O_CLOEXEC))
			keep_pair(w, fd, false);
		return;
	}
	if (!socketpair(AF_UNIX, types[chance(w, 2) ? 0 : pick(w, 3)] |
			SOCK_CLOEXEC, 0, fd))
		keep_pair(w, fd, true);
}

static ssize_t transfer(int fd, char *buf, size_t size, bool out)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	ssize_t n = out ? pwritev2(fd, &iov, 1, -1, RWF_NOWAIT) :
			  preadv2(fd, &iov, 1, -1, RWF_NOWAIT);

	if (n >= 0 || errno != EOPNOTSUPP || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		return n;
	return out ? write(fd, buf, size) : read(fd, buf, size);
}

/* Something comes or goes, as from the other end of a connection. */
static void stir(struct world *w, int fd)
{
	size_t size = chance(w, 8) ? pick(w, 65536) : pick(w, 64);

	transfer(fd, w->arena, size, !chance(w, 3));
	if (chance(w, 40))
		shutdown(fd, pick(w, 3));
}

/*
 * A descriptor travels through a socket, and sometimes stays in it. Through
 * the channel it comes to another crew.
 */
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
	const int *channel = w->crew->channel;
	int to = chance(w, 2) ? channel[pick(w, 2)] : any_socket(w);

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	sendmsg(to, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	msg.msg_controllen = sizeof(control);
	if (!chance(w, 3) &&
	    recvmsg(channel[pick(w, 2)], &msg,
		    MSG_DONTWAIT | MSG_CMSG_CLOEXEC) > 0 &&
	    msg.msg_controllen >= CMSG_LEN(sizeof(int))) {
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
		keep(w, fd, chance(w, 2));
	}
}

void file_step(struct world *w)
{
	int fd = any_file(w), other = any_file(w);

	switch (pick(w, 32)) {
	case 0:
		new_file(w);
		break;
	case 1:
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (fd >= 0)
			keep(w, fd, chance(w, 2));
		break;
	case 2:
		if (fd >= 0 && other >= 0)
			dup3(other, fd, O_CLOEXEC);
		break;
	case 3:
		pass(w, chance(w, 3) ? any_context(w)->fd : fd);
		break;
	case 4:
		madvise(w->arena + pick(w, ARENA / 4096) * 4096, 4096,
			MADV_DONTNEED);
		break;
	case 5:
	case 6:
		netlink_step(w, w->netlink);
		return;
	case 7:
		netlink_step(w, any_socket(w));
		return;
	default:
		stir(w, fd);
	}
	count(w, OTHER, 1);
}
