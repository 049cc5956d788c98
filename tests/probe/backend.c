/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * backend NAME: exit 0 if this system has what the backend stands on; else
 * say what is missing. It asks the kernel and not the library, so that a
 * backend which the library fails to bring up is a failure and not a skip.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The parameters of io_uring_setup(2): 120 bytes, all zero but the results. */
struct setup {
	unsigned int word[30];
};

static int probe_uring(void)
{
	struct setup setup = { 0 };
	long fd;

#ifndef GMB_HAVE_URING
	printf("liburing was not found when this was built\n");
	return 1;
#endif
	fd = syscall(__NR_io_uring_setup, 8, &setup);
	if (fd < 0) {
		printf("io_uring is not allowed here: %s\n", strerror(errno));
		return 1;
	}
	close((int)fd);
	return 0;
}

static int probe_kmod(void)
{
	int fd = open("/dev/giambio", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		printf("/dev/giambio: %s\n", strerror(errno));
		return 1;
	}
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "epoll") == 0)
		return 0;
	if (argc == 2 && strcmp(argv[1], "uring") == 0)
		return probe_uring();
	if (argc == 2 && strcmp(argv[1], "kmod") == 0)
		return probe_kmod();
	fprintf(stderr, "usage: backend epoll|uring|kmod\n");
	return 2;
}
