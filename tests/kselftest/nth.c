/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nth.h"

#define NTH_CALM	4
#define NTH_ROUNDS	3

int nth_open(void)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth",
		 syscall(SYS_gettid));
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void nth_arm(int fd, unsigned int n)
{
	char text[12];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fd, text, len, 0) < 0 && n)
		abort();
}

bool nth_struck(int fd)
{
	char text[12];
	/* Asking may be what fails: then nothing had. */
	ssize_t len = pread(fd, text, sizeof(text), 0);

	nth_arm(fd, 0);
	return len > 0 && text[0] == '0';
}

bool nth_next(struct nth_series *at)
{
	if (at->struck) {
		at->calm = 0;
		if (at->failures < at->n)
			at->failures = at->n;
	} else if (at->n && ++at->calm == NTH_CALM) {
		at->calm = at->n = 0;
		at->rounds++;
	}
	at->n++;
	return at->rounds < NTH_ROUNDS;
}

bool nth_is_want(int error)
{
	return error == -ENOMEM || error == -ENOBUFS || error == -EFAULT ||
	       error == -EAGAIN;
}
