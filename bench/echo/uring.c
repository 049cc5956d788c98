/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Echo server on bare io_uring, the limit for anything built on it: single
 * issuer, deferred task work, registered ring, accept straight into the
 * registered file table. MODE:
 *
 *   oneshot    the answer and the next receive (poll first) are submitted
 *              together, one system call per turn
 *   multishot  one multishot receive per connection, buffers from a ring
 *
 * One answer is under way per connection at a time; a receive never lands
 * in the buffer that a pending send still reads.
 */

#include <errno.h>
#include <liburing.h>
#include <sys/mman.h>
#include "server.h"

#define RING_ENTRIES	4096
#define FILES		16384	/* slots in the registered file table */
#define BUFFERS		16384	/* in the buffer ring; a power of two */
#define GROUP		1

enum operation {
	ACCEPT,
	RECV,
	SEND,
	CLOSE,
};

/*
 * One registered file slot. In oneshot mode the two halves of the buffer
 * take turns: one receives while the other is sent.
 */
struct conn {
	unsigned int half;	/* the one that receives */
	unsigned int held;	/* bytes received while a send was pending */
	unsigned char sending;
	unsigned char gone;	/* close when the send is back */
	char buf[2][ECHO_BUFFER];
};

static struct io_uring ring;
static struct conn *conns;
static char *pool;			/* BUFFERS * ECHO_BUFFER bytes */
static struct io_uring_buf_ring *buffers;
static int listener;
static int multishot;

static uint64_t tag(unsigned int op, unsigned int slot, unsigned int buf)
{
	return ((uint64_t)buf << 40) | ((uint64_t)slot << 8) | op;
}

static struct io_uring_sqe *get_sqe(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	return sqe;
}

static void queue_accept(void)
{
	struct io_uring_sqe *sqe = get_sqe();

	io_uring_prep_multishot_accept_direct(sqe, listener, NULL, NULL, 0);
	io_uring_sqe_set_data64(sqe, tag(ACCEPT, 0, 0));
}

static void queue_recv(unsigned int slot)
{
	struct io_uring_sqe *sqe = get_sqe();
	struct conn *c = &conns[slot];

	if (multishot) {
		io_uring_prep_recv_multishot(sqe, (int)slot, NULL, 0, 0);
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->buf_group = GROUP;
	} else {
		io_uring_prep_recv(sqe, (int)slot, c->buf[c->half],
				   ECHO_BUFFER, 0);
	}
	sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, tag(RECV, slot, 0));
}

static void queue_send(unsigned int slot, const void *data, size_t len,
		       unsigned int buf)
{
	struct io_uring_sqe *sqe = get_sqe();

	io_uring_prep_send(sqe, (int)slot, data, len, MSG_WAITALL);
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, tag(SEND, slot, buf));
}

static void queue_close(unsigned int slot)
{
	struct io_uring_sqe *sqe = get_sqe();

	io_uring_prep_close_direct(sqe, slot);
	io_uring_sqe_set_data64(sqe, tag(CLOSE, slot, 0));
}

static void give_buffer(unsigned int bid)
{
	io_uring_buf_ring_add(buffers, pool + (size_t)bid * ECHO_BUFFER,
			      ECHO_BUFFER, (unsigned short)bid,
			      io_uring_buf_ring_mask(BUFFERS), 0);
	io_uring_buf_ring_advance(buffers, 1);
}

/* Send what the receiving half holds and receive into the other one. */
static void answer(unsigned int slot, unsigned int len)
{
	struct conn *c = &conns[slot];
	const char *data = c->buf[c->half];

	c->sending = 1;
	c->half ^= 1;
	queue_send(slot, data, len, 0);
	queue_recv(slot);
}

static void on_recv_oneshot(unsigned int slot, int res)
{
	struct conn *c = &conns[slot];

	if (res > 0 && !c->sending) {
		answer(slot, (unsigned int)res);
	} else if (res > 0) {
		c->held = (unsigned int)res;
	} else if (c->sending) {
		c->gone = 1;
	} else {
		queue_close(slot);
	}
}

static void on_recv_multishot(unsigned int slot, int res, unsigned int flags)
{
	unsigned int bid = flags >> IORING_CQE_BUFFER_SHIFT;

	if (res > 0)
		queue_send(slot, pool + (size_t)bid * ECHO_BUFFER,
			   (size_t)res, bid);
	if (flags & IORING_CQE_F_MORE)
		return;
	if (res > 0 || res == -ENOBUFS)
		queue_recv(slot);
	else
		queue_close(slot);
}

static void on_send(unsigned int slot, unsigned int bid)
{
	struct conn *c = &conns[slot];
	unsigned int held = c->held;

	if (multishot) {
		give_buffer(bid);
		return;
	}
	c->sending = 0;
	c->held = 0;
	if (held)
		answer(slot, held);
	else if (c->gone)
		queue_close(slot);
}

static void on_accept(int res, unsigned int flags)
{
	if (res >= 0) {
		memset(&conns[res], 0, offsetof(struct conn, buf));
		queue_recv((unsigned int)res);
	} else {
		fprintf(stderr, "accept: %s\n", strerror(-res));
	}
	if (!(flags & IORING_CQE_F_MORE))
		queue_accept();
}

static void on_cqe(const struct io_uring_cqe *cqe)
{
	unsigned int slot = (unsigned int)(cqe->user_data >> 8);
	unsigned int bid = (unsigned int)(cqe->user_data >> 40);

	switch (cqe->user_data & 0xff) {
	case ACCEPT:
		on_accept(cqe->res, cqe->flags);
		break;
	case RECV:
		if (multishot)
			on_recv_multishot(slot, cqe->res, cqe->flags);
		else
			on_recv_oneshot(slot, cqe->res);
		break;
	case SEND:
		on_send(slot, bid);
		break;
	}
}

static void *map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		echo_die("mmap");
	return p;
}

static void set_up_buffers(void)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS,
					.bgid = GROUP };
	unsigned int i;

	pool = map((size_t)BUFFERS * ECHO_BUFFER);
	buffers = map(BUFFERS * sizeof(struct io_uring_buf));
	reg.ring_addr = (uintptr_t)buffers;
	if (io_uring_register_buf_ring(&ring, &reg, 0)) {
		fprintf(stderr, "this kernel has no buffer rings\n");
		exit(3);
	}
	io_uring_buf_ring_init(buffers);
	for (i = 0; i < BUFFERS; i++)
		give_buffer(i);
}

static void set_up(void)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
		.cq_entries = 4 * FILES,
	};
	int ret = io_uring_queue_init_params(RING_ENTRIES, &ring, &p);

	if (ret) {
		fprintf(stderr, "io_uring cannot be set up: %s\n",
			strerror(-ret));
		exit(3);
	}
	io_uring_register_ring_fd(&ring);
	ret = io_uring_register_files_sparse(&ring, FILES);
	if (ret) {
		fprintf(stderr, "io_uring file table of %d: %s\n", FILES,
			strerror(-ret));
		exit(3);
	}
	conns = map(FILES * sizeof(*conns));
	if (multishot)
		set_up_buffers();
}

int main(int argc, char **argv)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen;
	int ret;

	listener = echo_listen(argc, argv, 0);
	multishot = argc > 3 && !strcmp(argv[3], "multishot");
	set_up();
	queue_accept();
	for (;;) {
		ret = io_uring_submit_and_wait(&ring, 1);
		if (ret < 0 && ret != -EINTR) {
			fprintf(stderr, "io_uring_submit_and_wait: %s\n",
				strerror(-ret));
			return 1;
		}
		seen = 0;
		io_uring_for_each_cqe(&ring, head, cqe) {
			on_cqe(cqe);
			seen++;
		}
		io_uring_cq_advance(&ring, seen);
	}
}
