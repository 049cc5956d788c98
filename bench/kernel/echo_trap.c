/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Echo server on bare traps, the limit for anything built on the module: an
 * answer and the next receive are one operation, one trap per turn. The slot
 * of a watch and the user_data of its operations are the descriptor.
 */

#include <errno.h>
#include <poll.h>
#include "../echo/server.h"
#include "ring.h"

#define RING_ENTRIES	4096
#define FILES		16384	/* descriptors are below this */

static struct ring ring;
static int listener;
static char (*buffers)[ECHO_BUFFER];

static void wait_for_connections(void)
{
	ring_op(&ring, GMB_OP_READY, (uint32_t)listener, (uint64_t)listener)
		->events = POLLIN;
}

static void accept_all(void)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (fd >= FILES)
			echo_die("too many connections");
		ring_watch(&ring, fd);
		ring_in(&ring, GMB_OP_RECV, fd, buffers[fd], ECHO_BUFFER,
			(uint64_t)fd);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		echo_die("accept");
	wait_for_connections();
}

static void answer(int fd, int n)
{
	struct gmb_ioc_op *op;

	if (n <= 0) {
		op = ring_op(&ring, GMB_OP_WATCH_DROP, (uint32_t)fd, 0);
		op->flags = GMB_F_SKIP | GMB_F_CLOSE;
		op->fd = fd;
		return;
	}
	op = ring_op(&ring, GMB_OP_EXCHANGE, (uint32_t)fd, (uint64_t)fd);
	op->addr = (uintptr_t)buffers[fd];
	op->len = (uint32_t)n;
	op->addr2 = (uintptr_t)buffers[fd];
	op->len2 = ECHO_BUFFER;
}

int main(int argc, char **argv)
{
	const struct gmb_ioc_cqe *cqe;
	int fd;

	listener = echo_listen(argc, argv, SOCK_NONBLOCK);
	buffers = mmap(NULL, (size_t)FILES * ECHO_BUFFER,
		       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (buffers == MAP_FAILED)
		echo_die("mmap");
	ring_open(&ring, RING_ENTRIES);
	ring_watch(&ring, listener);
	wait_for_connections();
	for (;;) {
		ring_trap(&ring, 1);
		while ((cqe = ring_read(&ring))) {
			fd = (int)cqe->user_data;
			if (fd == listener)
				accept_all();
			else
				answer(fd, cqe->res);
		}
		ring_read_up(&ring);
	}
}
