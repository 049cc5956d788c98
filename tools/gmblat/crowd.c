/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "gmblat/crowd.h"
#include "gmblat/stream.h"

/* A TCP client has fewer ports than this; then it takes another address. */
#define PORTS		20000

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_un un;
	};
	socklen_t len;
};

int64_t crowd_limit(void)
{
	struct rlimit limit, more;
	int64_t most = 0;
	FILE *file;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 1024;
	file = fopen("/proc/sys/fs/nr_open", "re");
	if (file) {
		if (fscanf(file, "%ld", &most) != 1)
			most = 0;
		fclose(file);
	}
	/* Only root may raise the hard limit. */
	more = (struct rlimit){ (rlim_t)most, (rlim_t)most };
	if (most > 0 && limit.rlim_max < (rlim_t)most &&
	    !setrlimit(RLIMIT_NOFILE, &more))
		return most;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return (int64_t)limit.rlim_cur;
}

/* An address that the system chooses. */
static int listen_on(int kind, struct address *address)
{
	int fd;

	memset(address, 0, sizeof(*address));
	if (kind == KIND_TCP) {
		address->in.sin_family = AF_INET;
		address->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address->len = sizeof(address->in);
	} else {
		address->un.sun_family = AF_UNIX;
		address->len = sizeof(address->un.sun_family);
	}
	fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, &address->any, address->len) || listen(fd, SOMAXCONN)) {
		close(fd);
		return -errno;
	}
	address->len = sizeof(address->un);
	if (getsockname(fd, &address->any, &address->len)) {
		close(fd);
		return -errno;
	}
	return fd;
}

static int bind_client(int fd, int64_t number)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int on = 1;

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(number /
								   PORTS));
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
		       sizeof(on)))
		return -1;
	return bind(fd, (struct sockaddr *)&from, sizeof(from));
}

/* The keeper: connect, and be there until the parent ends or kills us. */
static void keep(const struct address *address, int64_t count)
{
	int64_t i;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < count; i++) {
		fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC,
			    0);
		if (fd < 0 ||
		    (address->any.sa_family == AF_INET && bind_client(fd, i)) ||
		    connect(fd, &address->any, address->len))
			_exit(errno & 0xff);
	}
	for (;;)
		pause();
}

/* What ended the keeper; 0: nothing did. */
static int why_gone(struct crowd *crowd)
{
	int status;

	if (waitpid(crowd->keeper, &status, WNOHANG) != crowd->keeper)
		return 0;
	crowd->keeper = 0;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPIPE;
}

static int accept_all(struct crowd *crowd, int listener, int64_t count)
{
	struct pollfd poller = { .fd = listener, .events = POLLIN };
	int fd, rc;

	while (crowd->count < count) {
		if (poll(&poller, 1, 100) <= 0) {
			rc = why_gone(crowd);
			if (rc)
				return rc;
			continue;
		}
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return -errno;
		crowd->fds[crowd->count++] = fd;
	}
	return 0;
}

int crowd_open(struct crowd *crowd, int kind, int64_t count)
{
	struct address address;
	int listener, rc;

	*crowd = (struct crowd){ 0 };
	crowd->fds = calloc((size_t)count + 1, sizeof(*crowd->fds));
	if (!crowd->fds)
		return -ENOMEM;
	listener = listen_on(kind, &address);
	if (listener < 0)
		return listener;
	crowd->keeper = fork();
	if (crowd->keeper == 0)
		keep(&address, count);
	rc = crowd->keeper < 0 ? -errno : accept_all(crowd, listener, count);
	close(listener);
	return rc;
}

void crowd_close(struct crowd *crowd)
{
	if (crowd->keeper > 0) {
		kill(crowd->keeper, SIGKILL);
		waitpid(crowd->keeper, NULL, 0);
	}
	free(crowd->fds);
	*crowd = (struct crowd){ 0 };
}
