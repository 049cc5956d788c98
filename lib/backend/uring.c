/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The io_uring backend: readiness through the ring (see edge.h), performed by
 * plain system calls that do not block. docs/backends.md has the measurements
 * that led here.
 *
 * Reading is watched by one multishot poll per file, made when somebody has to
 * wait for it for the first time. Writing is watched by a single-shot poll,
 * made whenever somebody has to wait for room: a multishot one would make an
 * edge of every message that the peer of a unix socket takes. Requests gather
 * in the submission ring while tasks run, and one io_uring_enter() a turn hands
 * them over and waits.
 *
 * Deferred task work: the kernel makes completions only inside our own
 * io_uring_enter(), so nothing interrupts a running task; the ring says in its
 * flags whether there is work to fetch, so looking costs no system call.
 *
 * A poll request holds a reference to its file, so a descriptor that is closed
 * is really closed only when its requests are gone: detach() sees to that.
 *
 * The tag of a request is the slot, the slot's generation, and the way. Slot 0
 * is the wakeup; tag 0 is of requests whose completion says nothing.
 */
#ifdef GMB_HAVE_URING

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include "backend/backend.h"
#include "backend/edge.h"
#include "backend/wakeup.h"
#include "coro/mem.h"
#include "loop/loop.h"

#define SQ_ENTRIES	256
#define CQ_ENTRIES	4096

#define READ_EVENTS	(POLLIN | POLLPRI | POLLRDBAND | POLLRDHUP)
#define WRITE_EVENTS	POLLOUT

#define GENERATION_MASK	0x3fffffffu

struct uring {
	struct io_uring ring;
	struct gmb__edges edges;
	int wake_fd;
	bool listening;		/* the wakeup is watched */
};

/* Requests */

static inline uint64_t tag_of(uint32_t slot, uint32_t generation, uint8_t way)
{
	return (uint64_t)(generation & GENERATION_MASK) << 34 |
	       (uint64_t)way << 32 | slot;
}

/* NULL: the ring is full and the kernel takes nothing for want of memory. */
static struct io_uring_sqe *get_sqe(struct uring *ur)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ur->ring);

	if (gmb__likely(sqe))
		return sqe;
	io_uring_submit(&ur->ring);
	return io_uring_get_sqe(&ur->ring);
}

static int watch(struct uring *ur, struct gmb__edge *edge, uint8_t way)
{
	const struct gmb_file *file = edge->file;
	struct io_uring_sqe *sqe = get_sqe(ur);

	if (gmb__unlikely(!sqe))
		return -ENOMEM;
	if (way == GMB__CAN_READ)
		io_uring_prep_poll_multishot(sqe, file->fd, READ_EVENTS);
	else
		io_uring_prep_poll_add(sqe, file->fd, WRITE_EVENTS);
	io_uring_sqe_set_data64(sqe, tag_of(file->slot, edge->generation, way));
	edge->interest |= way;
	return 0;
}

/* Watch the ways that are not watched yet. */
static inline int watch_missing(struct uring *ur, struct gmb__edge *edge,
				uint8_t ways)
{
	int rc = 0;

	ways &= (uint8_t)~edge->interest;
	if (gmb__likely(!ways))
		return 0;
	if (ways & GMB__CAN_READ)
		rc = watch(ur, edge, GMB__CAN_READ);
	if (!rc && ways & GMB__CAN_WRITE)
		rc = watch(ur, edge, GMB__CAN_WRITE);
	return rc;
}

static void listen_for_wakeups(struct uring *ur)
{
	struct io_uring_sqe *sqe = get_sqe(ur);

	if (!sqe)
		return;
	io_uring_prep_poll_multishot(sqe, ur->wake_fd, POLLIN);
	io_uring_sqe_set_data64(sqe, tag_of(0, 0, GMB__CAN_READ));
	ur->listening = true;
}

/* Files */

static int uring_attach(struct gmb_loop *loop, struct gmb_file *file)
{
	struct uring *ur = loop->backend_data;

	return gmb__edges_attach(&ur->edges, file);
}

static void cancel(struct uring *ur, uint64_t tag, unsigned int flags)
{
	struct io_uring_sqe *sqe = get_sqe(ur);

	if (!sqe)
		return;
	io_uring_prep_cancel64(sqe, tag, (int)flags);
	io_uring_sqe_set_data64(sqe, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

/*
 * The requests must have let go of the file when the descriptor is closed right
 * after this: the peer of a pipe would wait for its end, a port would stay
 * taken. So they are cancelled at once, and the kernel is asked for the
 * completions of that, since it lets go on making them; they reach nobody, for
 * the slot has a new generation.
 */
static void uring_detach(struct gmb_loop *loop, struct gmb_file *file)
{
	struct uring *ur = loop->backend_data;
	struct gmb__edge *edge = gmb__edge_of(&ur->edges, file);
	uint8_t way;

	if (!edge)
		return;
	for (way = GMB__CAN_READ; way <= GMB__CAN_WRITE; way <<= 1)
		if (edge->interest & way)
			cancel(ur, tag_of(file->slot, edge->generation, way),
			       0);
	if (edge->interest)
		io_uring_submit_and_get_events(&ur->ring);
	gmb__edges_detach(&ur->edges, edge);
}

/* What the end of a connect() brings comes with room to write. */
static int uring_start(struct gmb_loop *loop, struct gmb__op *op)
{
	struct uring *ur = loop->backend_data;

	return watch_missing(ur, &ur->edges.slots[op->file->slot],
			     gmb__edge_ways(op));
}

/* Completions */

static int fail_parked(struct gmb_file *file, uint8_t way, int error)
{
	struct gmb__op *op = way == GMB__CAN_READ ? file->reader : file->writer;

	if (!op || !gmb__op_is_parked(op))
		return 0;
	gmb__op_finish(op, error);
	return 1;
}

/* Operations that are still parked need the poll that has just ended. */
static int watch_again(struct uring *ur, struct gmb__edge *edge, uint8_t way)
{
	struct gmb_file *file = edge->file;
	int rc;

	/* A hook may have closed it by now. */
	if (!file || !(way == GMB__CAN_READ ? file->reader : file->writer))
		return 0;
	rc = watch_missing(ur, edge, way);
	return rc ? fail_parked(file, way, rc) : 0;
}

/*
 * After a single wakeup the kernel reports what the waker announced, without
 * asking the file, and sockets announce everything that may be read: also
 * urgent data, at which reads stop early. Wakers always say POLLRDBAND, and
 * files that are asked do not, so that bit tells such a report. Real urgent
 * data makes two wakeups on end; after several wakeups the file is asked.
 */
static inline uint8_t bits_of(const struct io_uring_cqe *cqe)
{
	uint32_t events = (uint32_t)cqe->res;

	if (events & POLLRDBAND)
		events &= ~(uint32_t)POLLPRI;
	return gmb__edge_bits(events);
}

/*
 * A multishot poll ends with an error, or when the completion ring was full.
 * -ECANCELED that is not ours comes with the end of another thread or ring:
 * no reason to fail.
 */
static int take_file(struct uring *ur, struct gmb__edge *edge, uint8_t way,
		     const struct io_uring_cqe *cqe)
{
	int done = 0;

	if (!(cqe->flags & IORING_CQE_F_MORE))
		edge->interest &= (uint8_t)~way;
	if (gmb__likely(cqe->res >= 0))
		done = gmb__edge_fire(edge, bits_of(cqe));
	else if (cqe->res != -ECANCELED)
		done = fail_parked(edge->file, way, cqe->res);
	if (!(edge->interest & way))
		done += watch_again(ur, edge, way);
	return done;
}

static int take(struct uring *ur, const struct io_uring_cqe *cqe)
{
	uint32_t slot = (uint32_t)cqe->user_data;
	uint8_t way = cqe->user_data >> 32 & GMB__CAN_BOTH;
	struct gmb__edge *edge = &ur->edges.slots[slot];

	if (gmb__unlikely(!slot)) {
		if (way && !(cqe->flags & IORING_CQE_F_MORE))
			ur->listening = false;
		return 0;
	}
	if (gmb__unlikely(!edge->file ||
			  tag_of(slot, edge->generation, way) !=
				  cqe->user_data))
		return 0;
	return take_file(ur, edge, way, cqe);
}

static int reap(struct uring *ur)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	int done = 0;

	io_uring_for_each_cqe(&ur->ring, head, cqe) {
		if (seen == GMB__BATCH)
			break;
		done += take(ur, cqe);
		seen++;
	}
	io_uring_cq_advance(&ur->ring, seen);
	return done;
}

/*
 * The kernel says that it had no memory for completions that did not fit into
 * the ring, and that they are lost. Nobody knows whose they were, so every file
 * gets a new generation and is tried anew.
 */
static int start_over(struct uring *ur)
{
	struct gmb__edge *edge;
	int done = 0;
	uint32_t i;

	cancel(ur, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
	io_uring_submit_and_get_events(&ur->ring);
	io_uring_cq_advance(&ur->ring, io_uring_cq_ready(&ur->ring));
	ur->listening = false;
	for (i = 1; i < ur->edges.count; i++) {
		edge = &ur->edges.slots[i];
		if (!edge->file)
			continue;
		edge->generation++;
		edge->interest = 0;
		done += gmb__edge_fire(edge, GMB__CAN_BOTH | GMB__ENDED);
		done += watch_again(ur, edge, GMB__CAN_READ);
		done += watch_again(ur, edge, GMB__CAN_WRITE);
	}
	return done;
}

/* Waiting */

static inline bool has_work(const struct uring *ur)
{
	return io_uring_sq_ready(&ur->ring) ||
	       IO_URING_READ_ONCE(*ur->ring.sq.kflags) &
		       (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

/* Hand over what was gathered and wait; one system call, or none. */
static int enter(struct uring *ur, gmb_time span)
{
	struct __kernel_timespec ts;
	struct io_uring_cqe *cqe;

	if (span == 0 || io_uring_cq_ready(&ur->ring))
		return has_work(ur) ? io_uring_submit_and_get_events(&ur->ring)
				    : 0;
	if (span == GMB_NEVER)
		return io_uring_submit_and_wait(&ur->ring, 1);
	ts.tv_sec = span / GMB_SEC;
	ts.tv_nsec = span % GMB_SEC;
	return io_uring_submit_and_wait_timeout(&ur->ring, &cqe, 1, &ts, NULL);
}

static int uring_poll(struct gmb_loop *loop, gmb_time span)
{
	struct uring *ur = loop->backend_data;
	int rc;

	if (gmb__unlikely(!ur->listening))
		listen_for_wakeups(ur);
	/* Without room for that now, do not sleep: nobody could wake us. */
	rc = enter(ur, gmb__likely(ur->listening) ? span : 0);
	if (gmb__likely(rc >= 0))
		return reap(ur);
	switch (rc) {
	case -EBADR:
		return start_over(ur);
	case -EINTR:
	case -ETIME:
	case -EAGAIN:	/* no memory for a request: it stays in the ring */
	case -ENOMEM:
	case -EBUSY:	/* completions must be reaped first */
		return reap(ur);
	}
	gmb__die("the loop's io_uring descriptor %d cannot be waited for (%s): the program must not close descriptors that it did not open",
		 ur->ring.ring_fd, strerror(-rc));
}

static void uring_wake(struct gmb_loop *loop)
{
	const struct uring *ur = loop->backend_data;

	gmb__wakeup_send(ur->wake_fd);
}

static int uring_fd(struct gmb_loop *loop)
{
	const struct uring *ur = loop->backend_data;

	return ur->ring.ring_fd;
}

/* Life */

static const char *explain(int error)
{
	switch (error) {
	case -ENOSYS:
		return "this kernel was built without io_uring";
	case -EINVAL:
		return "it needs Linux 6.1 or newer";
	case -EPERM:
	case -EACCES:
		return "io_uring is forbidden here (see sysctl kernel.io_uring_disabled, or the seccomp filter of the container)";
	case -ENOMEM:
		return "there is no memory for a ring, or RLIMIT_MEMLOCK is too low";
	case -EMFILE:
	case -ENFILE:
		return "there is no descriptor left for a ring";
	}
	return "the system does not give a ring";
}

/*
 * A new ring may lie where another thread's has been. The kernel orders the
 * two; ThreadSanitizer, which does not see liburing map and unmap, is shown the
 * order by this. Storing in end_ring() pairs with loading in open_ring().
 */
static atomic_uint ended_rings;

static void end_ring(struct uring *ur)
{
	atomic_fetch_add(&ended_rings, 1);
	io_uring_queue_exit(&ur->ring);
}

/*
 * Only the thread that makes the ring submits. That the ring's descriptor is
 * registered with the thread saves looking it up; where it is refused nothing
 * else changes.
 *
 * Deferred completions do not make the ring's descriptor readable, so a loop
 * whose descriptor somebody else polls has them posted as they come.
 */
static int open_ring(struct uring *ur, bool foreign, const char **why)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_CQSIZE,
		.cq_entries = CQ_ENTRIES,
	};
	int rc;

	if (!foreign)
		params.flags |= IORING_SETUP_DEFER_TASKRUN |
				IORING_SETUP_TASKRUN_FLAG;
	rc = io_uring_queue_init_params(SQ_ENTRIES, &ur->ring, &params);
	if (rc) {
		*why = explain(rc);
		return rc;
	}
	(void)atomic_load(&ended_rings);
	(void)io_uring_register_ring_fd(&ur->ring);
	ur->wake_fd = gmb__wakeup_open();
	if (ur->wake_fd >= 0)
		return 0;
	*why = "the system does not give an eventfd";
	end_ring(ur);
	return ur->wake_fd;
}

static int uring_open(struct gmb_loop *loop, const char **why)
{
	struct uring *ur = gmb__mem_zalloc(1, sizeof(*ur));
	int rc;

	*why = "there is no memory for it";
	if (!ur)
		return -ENOMEM;
	rc = gmb__edges_init(&ur->edges);
	if (!rc)
		rc = open_ring(ur, loop->flags & GMB_LOOP_FOREIGN, why);
	if (rc) {
		gmb__edges_fini(&ur->edges);
		gmb__mem_free(ur);
		return rc;
	}
	loop->backend_data = ur;
	loop->edges = &ur->edges;
	return 0;
}

/* The ring itself ends later, in the background: it must not keep any file. */
static void uring_close(struct gmb_loop *loop)
{
	struct uring *ur = loop->backend_data;

	cancel(ur, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
	io_uring_submit_and_get_events(&ur->ring);
	end_ring(ur);
	close(ur->wake_fd);
	gmb__edges_fini(&ur->edges);
	gmb__mem_free(ur);
	loop->backend_data = NULL;
}

const struct gmb__backend_ops gmb__backend_uring = {
	.name = "uring",
	.open = uring_open,
	.close = uring_close,
	.attach = uring_attach,
	.detach = uring_detach,
	.start = uring_start,
	.withdraw = gmb__edge_withdraw,
	.poll = uring_poll,
	.wake = uring_wake,
	.fd = uring_fd,
};

#else

/* Nothing of io_uring is built: ISO C wants something in every file. */
typedef int gmb__no_uring;

#endif
