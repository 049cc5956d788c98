/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What every echo server written in C shares, so that they differ in
 * nothing but how they wait: where to listen ("tcp PORT" on the loopback
 * address, or "unix PATH"), the backlog, TCP_NODELAY (inherited by accepted
 * sockets), and the size of a receive.
 */

#ifndef GIAMBIO_BENCH_ECHO_SERVER_H
#define GIAMBIO_BENCH_ECHO_SERVER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ECHO_BACKLOG	4096
#define ECHO_BUFFER	1024	/* bytes asked for by one receive */
#define ECHO_BATCH	512	/* events fetched by one wait */

union echo_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_un un;
};

/*
 * Fill @addr from the two words @kind ("tcp" or "unix") and @where; returns
 * its length, or 0 if the words make no address.
 */
static inline socklen_t echo_address(union echo_address *addr,
				     const char *kind, const char *where)
{
	memset(addr, 0, sizeof(*addr));
	if (!strcmp(kind, "tcp")) {
		addr->in.sin_family = AF_INET;
		addr->in.sin_port = htons((uint16_t)atoi(where));
		addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(addr->in);
	}
	if (!strcmp(kind, "unix") && strlen(where) < sizeof(addr->un.sun_path)) {
		addr->un.sun_family = AF_UNIX;
		strcpy(addr->un.sun_path, where);
		return sizeof(addr->un);
	}
	return 0;
}

/* As many descriptors as the hard limit gives. */
static inline void echo_raise_limit(void)
{
	struct rlimit lim;

	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
}

static inline void echo_die(const char *what)
{
	perror(what);
	exit(1);
}

/*
 * The listening socket that argv[1] and argv[2] name, with the open flags
 * @flags (SOCK_NONBLOCK or 0). Ends the program with a sentence on failure.
 */
static inline int echo_listen(int argc, char **argv, int flags)
{
	union echo_address addr;
	socklen_t len;
	int one = 1;
	int fd;

	len = argc >= 3 ? echo_address(&addr, argv[1], argv[2]) : 0;
	if (!len) {
		fprintf(stderr, "usage: %s tcp PORT | unix PATH [MODE]\n",
			argv[0]);
		exit(2);
	}
	signal(SIGPIPE, SIG_IGN);
	echo_raise_limit();
	fd = socket(addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		echo_die("socket");
	if (addr.any.sa_family == AF_UNIX) {
		unlink(addr.un.sun_path);
	} else {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	if (bind(fd, &addr.any, len))
		echo_die("bind");
	if (listen(fd, ECHO_BACKLOG))
		echo_die("listen");
	return fd;
}

#endif
