/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "loop/announce.h"

/*
 * "NUMBER:INODE". A program that closes what it does not know may have another
 * file by that number, which the inode tells.
 */
static int find_socket(void)
{
	const char *text = secure_getenv("GMB_OBSERVE_FD");
	unsigned long long inode;
	struct stat st;
	char *end;
	long fd;

	if (!text)
		return -1;
	fd = strtol(text, &end, 10);
	if (end == text || *end != ':' || fd < 0 || fd > INT32_MAX)
		return -1;
	inode = strtoull(end + 1, NULL, 10);
	if (fstat((int)fd, &st) < 0 || !S_ISSOCK(st.st_mode) ||
	    st.st_ino != inode)
		return -1;
	return (int)fd;
}

void gmb__announce(const struct gmb_loop *loop)
{
	const int fds[] = { loop->rows.fd, loop->record.fd };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = { .bytes = { 0 } };
	char mark = 'L';
	struct iovec data = { &mark, 1 };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int sock = find_socket();

	if (sock < 0 || loop->rows.fd < 0 || !loop->record.head)
		return;
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(head), fds, sizeof(fds));
	/* Who is gone, or does not read, misses it. */
	if (sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}
