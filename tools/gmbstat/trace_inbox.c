/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "gmbstat/trace_inbox.h"

#define FILES	2	/* the page and the trace */

int trace_inbox_open(int ends[2])
{
	int on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	/* The kernel says who has sent, in our numbers. */
	if (setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

int trace_inbox_export(int end)
{
	struct stat st;
	char text[64];

	if (fcntl(end, F_SETFD, 0) < 0 || fstat(end, &st) < 0)
		return -errno;
	snprintf(text, sizeof(text), "%d:%llu", end,
		 (unsigned long long)st.st_ino);
	return setenv("GMB_OBSERVE_FD", text, 1) < 0 ? -errno : 0;
}

/* Descriptors that nobody wants are closed. */
static pid_t take_control(struct msghdr *msg, int files[FILES])
{
	struct cmsghdr *head;
	struct ucred who = { .pid = 0 };
	size_t count = 0, n, i;
	int fd;

	for (head = CMSG_FIRSTHDR(msg); head; head = CMSG_NXTHDR(msg, head)) {
		if (head->cmsg_level != SOL_SOCKET)
			continue;
		if (head->cmsg_type == SCM_CREDENTIALS)
			memcpy(&who, CMSG_DATA(head), sizeof(who));
		if (head->cmsg_type != SCM_RIGHTS)
			continue;
		n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(head) + i * sizeof(fd),
			       sizeof(fd));
			if (count < FILES)
				files[count++] = fd;
			else
				close(fd);
		}
	}
	return who.pid;
}

static bool adopt(pid_t pid, const int files[FILES], struct page **page,
		  struct ring **ring)
{
	if (pid <= 0 || files[0] < 0 || files[1] < 0)
		return false;
	if (page_adopt(page, pid, dup(files[0])) < 0)
		return false;
	if (ring_adopt(ring, *page, files[1]) == 0)
		return true;
	page_free(*page);
	return false;
}

int trace_inbox_take(int end, struct page **page, struct ring **ring)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(16 * sizeof(int)) +
			   CMSG_SPACE(sizeof(struct ucred))];
	} control;
	int files[FILES] = { -1, -1 }, taken = 0, i;
	char mark;
	struct iovec data = { &mark, 1 };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
	};
	pid_t pid;

	while (!taken) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		if (recvmsg(end, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0)
			return 0;
		pid = take_control(&msg, files);
		taken = adopt(pid, files, page, ring);
		for (i = 0; i < FILES; i++) {
			if (files[i] >= 0)
				close(files[i]);
			files[i] = -1;
		}
	}
	return 1;
}
