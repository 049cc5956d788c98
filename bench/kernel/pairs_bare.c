/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Bare ways for two threads to wake one another in turn.
 */

#include <liburing.h>
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include "ring.h"
#include "wakes.h"

/* Thread 0 wakes first and then waits, thread 1 the other way round. */
#define ROUNDS(me, rounds, wake, wait)       \
	do {                                 \
		long i_;                     \
		for (i_ = 0; i_ < (rounds); i_++) { \
			if (!(me)) {         \
				wakes_mark(i_); \
				wake;        \
			}                    \
			wait;                \
			if (me)              \
				wake;        \
		}                            \
		if (!(me))                   \
			wakes_mark(i_);      \
	} while (0)

/* Two futexes, each 1 when its thread may go on. */

static uint32_t turn[2];

static void futex_wake(int who)
{
	__atomic_store_n(&turn[who], 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &turn[who], FUTEX_WAKE_PRIVATE, 1);
}

static void futex_wait(int me)
{
	while (!__atomic_exchange_n(&turn[me], 0, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &turn[me], FUTEX_WAIT_PRIVATE, 0, NULL);
}

static void futex_run(int me, long rounds)
{
	ROUNDS(me, rounds, futex_wake(!me), futex_wait(me));
}

/* An eventfd for each, watched by epoll. */

static int fds[2], polls[2];

static void epoll_setup(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int i;

	for (i = 0; i < 2; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		polls[i] = epoll_create1(EPOLL_CLOEXEC);
		epoll_ctl(polls[i], EPOLL_CTL_ADD, fds[i], &event);
	}
}

static void epoll_wake(int who)
{
	static const uint64_t one = 1;

	if (write(fds[who], &one, sizeof(one)) != sizeof(one))
		ring_die("write");
}

/* Edges need no read: the count is never asked for. */
static void epoll_wait_for(int me)
{
	struct epoll_event event;

	if (epoll_wait(polls[me], &event, 1, -1) != 1)
		ring_die("epoll_wait");
}

static void epoll_run(int me, long rounds)
{
	ROUNDS(me, rounds, epoll_wake(!me), epoll_wait_for(me));
}

/* Messages between two io_urings; sent and waited for in one call. */

static struct io_uring urings[2];
static int urings_ready;

static void uring_open(int me, unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };

	if (io_uring_queue_init_params(8, &urings[me], &params))
		ring_die("io_uring");
	io_uring_register_ring_fd(&urings[me]);
	__atomic_add_fetch(&urings_ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&urings_ready, __ATOMIC_SEQ_CST) < 2)
		usleep(1000);
}

static void uring_message(int me)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&urings[me]);

	io_uring_prep_msg_ring(sqe, urings[!me].ring_fd, 0, 1, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

static void uring_wait(int me)
{
	struct io_uring_cqe *cqe;

	io_uring_submit_and_wait(&urings[me], 1);
	if (io_uring_peek_cqe(&urings[me], &cqe) || cqe->res < 0)
		ring_die("io_uring message");
	io_uring_cqe_seen(&urings[me], cqe);
}

static void uring_rounds(int me, long rounds)
{
	ROUNDS(me, rounds, uring_message(me), uring_wait(me));
	io_uring_submit(&urings[me]);
}

static void uring_plain_run(int me, long rounds)
{
	uring_open(me, 0);
	uring_rounds(me, rounds);
}

static void uring_defer_run(int me, long rounds)
{
	uring_open(me, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	uring_rounds(me, rounds);
}

/* Two contexts, a task each; a wake and the next wait are one trap. */

static struct ring rings[2];

static void trap_setup(void)
{
	struct gmb_ioc_op *op;
	int i;

	for (i = 0; i < 2; i++)
		ring_open(&rings[i], 8);
	for (i = 0; i < 2; i++) {
		op = ring_op(&rings[i], GMB_OP_TASK_ADD, 0, 0);
		op->addr = 1;
		op->flags = GMB_F_SKIP;
		op = ring_op(&rings[i], GMB_OP_PEER_ADD, 0, 0);
		op->fd = rings[!i].fd;
		op->flags = GMB_F_SKIP;
		ring_trap(&rings[i], 0);
	}
}

static void trap_wake(int me)
{
	struct gmb_ioc_op *op = ring_op(&rings[me], GMB_OP_WAKE, 0, 0);

	op->addr = GMB_TASK(0, 0);
	op->flags = GMB_F_SKIP | GMB_F_SYNC;
}

static void trap_wait(int me)
{
	const struct gmb_ioc_cqe *cqe;

	ring_trap(&rings[me], 1);
	cqe = ring_read(&rings[me]);
	if (!cqe || !(cqe->flags & GMB_CQE_WAKE))
		ring_die("wake by a trap");
	ring_read_up(&rings[me]);
}

static void trap_run(int me, long rounds)
{
	ROUNDS(me, rounds, trap_wake(me), trap_wait(me));
	ring_trap(&rings[me], 0);
}

const struct pairs_way pairs_ways[] = {
	{ "bare-futex", NULL, futex_run },
	{ "bare-epoll", epoll_setup, epoll_run },
	{ "bare-uring-plain", NULL, uring_plain_run },
	{ "bare-uring-defer", NULL, uring_defer_run },
	{ "trap", trap_setup, trap_run },
	{ NULL, NULL, NULL },
};
