/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * What unit tests of files and sockets share. They run on the real clock: the
 * fake one jumps whenever no task can run, also while bytes are under way.
 */
#ifndef TESTS_UNIT_IO_HARNESS_H
#define TESTS_UNIT_IO_HARNESS_H

#include <fcntl.h>
#include <poll.h>
#include "harness.h"

/*
 * The greatest length that can be asked for. The stand-in for libcheck means
 * an emulator, which wants to see all of the memory it is told of.
 */
#ifdef GMB_TEST_CROSS_CHECK_H
#define LONGEST(buffer)	sizeof(buffer)
#else
#define LONGEST(buffer)	((size_t)SSIZE_MAX)
#endif

/* A test whose body is a main task on the real clock; it returns 0. */
#define IO_TEST(name)                                                     \
	static intptr_t name##_main(void *unused);                        \
	START_TEST(name)                                                  \
	{                                                                 \
		struct gmb_loop_opts opts = {                             \
			.size = sizeof(opts),                             \
			.flags = GMB_LOOP_NO_SIGINT,                      \
		};                                                        \
									  \
		signal(SIGPIPE, SIG_IGN);                                 \
		check_is(gmb_run_with(&opts, name##_main, NULL), 0);      \
	}                                                                 \
	END_TEST                                                          \
	static intptr_t name##_main(void *unused __attribute__((unused)))

/* Long enough for everything that was started to have come to a wait. */
static inline void settle(void)
{
	check_is(gmb_sleep(5 * GMB_MS), 0);
}

static inline int count_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static inline void open_pipe(struct gmb_file *out, struct gmb_file *in)
{
	int fds[2];

	check_is(pipe(fds), 0);
	check_is(gmb_file_wrap(out, fds[0]), 0);
	check_is(gmb_file_wrap(in, fds[1]), 0);
}

/* Two ends of a TCP connection over the loopback interface. */
static inline void open_tcp(struct gmb_socket *client,
			    struct gmb_socket *server)
{
	struct gmb_address address;
	struct gmb_socket listener;

	check_is(gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL), 0);
	check_is(gmb_socket_local(&listener, &address), 0);
	check_is(gmb_connect(client, &address), 0);
	check_is(gmb_accept(&listener, server, NULL), 0);
	check_is(gmb_socket_close(&listener), 0);
}

/* Send until the system takes no more; returns how many bytes it took. */
static inline size_t stuff(int fd)
{
	static const char zeroes[65536];
	size_t sum = 0, before;
	ssize_t n;

	/*
	 * What is under way may make room once more when it arrives, or when
	 * TCP acknowledges it, which may take 200 ms.
	 */
	do {
		before = sum;
		while ((n = send(fd, zeroes, sizeof(zeroes), MSG_DONTWAIT)) > 0)
			sum += (size_t)n;
		check_is(errno, EAGAIN);
		usleep(250000);
	} while (sum > before);
	return sum;
}

#endif
