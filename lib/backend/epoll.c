/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The backend that works everywhere: epoll, edge-triggered, and plain system
 * calls that do not block.
 *
 * A descriptor is registered when somebody has to wait for it for the first
 * time, and stays registered until it is closed: one that never waits costs
 * nothing, one that waits often costs one epoll_ctl() in its life. Each way
 * (read, write) has a bit that says "trying may succeed". While it is clear
 * nothing is tried; the operation is parked in its file, and the poll performs
 * it when the edge comes, so a task is woken with bytes and not with hope.
 *
 * Why no edge is lost: bits are set by the poll only, on the thread that tries,
 * so no bit is set between a try and its clearing. The kernel queues an edge
 * for all that arrives after registration, and EPOLL_CTL_ADD and _MOD queue one
 * for what is there already. What arrives before a try is seen by the try; what
 * arrives after it comes with an edge that is fetched by a later poll, which
 * sets the bit again. The price is an edge now and then whose bytes have been
 * read already: its try says EAGAIN.
 *
 * A bit is cleared by EAGAIN, and also by a short read of a stream, since that
 * says that the stream was empty. The end of a stream and an error do not show
 * in a short read, so after the edge of one of them (and of urgent data, at
 * which reads stop) only EAGAIN counts.
 *
 * Writing is watched only once somebody had to wait for room, since unix
 * sockets make an edge of every message that the peer takes; it is given up
 * again when a number of such edges were of no use to anybody.
 *
 * An event carries a slot number and the slot's generation, never an address,
 * so a registration that outlives its file (the descriptor was duplicated, and
 * closed behind our back) reaches nobody.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "backend/backend.h"
#include "backend/op.h"
#include "coro/mem.h"
#include "loop/loop.h"

enum {
	CAN_READ = 1 << 0,
	CAN_WRITE = 1 << 1,
	CAN_BOTH = CAN_READ | CAN_WRITE,
	ENDED = 1 << 2,		/* hung up, peer shut down, error */
	URGENT = 1 << 3,	/* out-of-band data was seen */
};

#define EVENTS_MAX	256
#define FIRST_SLOTS	64
#define USELESS_MAX	8

/**
 * struct slot - a registration, or a link in the list of free slots
 * @file:       NULL: free
 * @generation: changes when the slot is freed
 * @next:       the next free slot, 0 at the end
 * @interest:   the ways that are registered
 * @useless:    edges for writing that nobody waited for
 */
struct slot {
	struct gmb_file *file;
	uint32_t generation;
	uint32_t next;
	uint8_t interest;
	uint8_t useless;
};

struct epoll {
	int fd;
	int wake_fd;
	bool coarse;		/* no epoll_pwait2() here: milliseconds */
	uint32_t free;
	uint32_t count;		/* of slots; slot 0 stands for the wakeup */
	struct slot *slots;
	struct epoll_event events[EVENTS_MAX];
};

/* Slots */

static int grow_slots(struct epoll *ep)
{
	uint32_t count = ep->count ? 2 * ep->count : FIRST_SLOTS;
	struct slot *slots;
	uint32_t i;

	slots = gmb__mem_realloc(ep->slots, count * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	memset(slots + ep->count, 0, (count - ep->count) * sizeof(*slots));
	for (i = count - 1; i >= ep->count && i > 0; i--) {
		slots[i].next = ep->free;
		ep->free = i;
	}
	ep->slots = slots;
	ep->count = count;
	return 0;
}

/* The slot of a file; NULL for one that an earlier loop has left behind. */
static inline struct slot *slot_of(struct epoll *ep,
				   const struct gmb_file *file)
{
	struct slot *slot = &ep->slots[file->slot];

	if (gmb__unlikely(file->slot >= ep->count || slot->file != file))
		return NULL;
	return slot;
}

static int epoll_attach(struct gmb_loop *loop, struct gmb_file *file)
{
	struct epoll *ep = loop->backend_data;
	struct slot *slot;

	if (!ep->free && grow_slots(ep))
		return -ENOMEM;
	file->slot = ep->free;
	file->ready = CAN_BOTH;
	slot = &ep->slots[file->slot];
	ep->free = slot->next;
	slot->file = file;
	slot->interest = 0;
	slot->useless = 0;
	return 0;
}

static void epoll_detach(struct gmb_loop *loop, struct gmb_file *file)
{
	struct epoll *ep = loop->backend_data;
	struct slot *slot = slot_of(ep, file);

	if (!slot)
		return;
	if (slot->interest)
		epoll_ctl(ep->fd, EPOLL_CTL_DEL, file->fd, NULL);
	slot->file = NULL;
	slot->generation++;
	slot->next = ep->free;
	ep->free = file->slot;
}

static int set_interest(struct epoll *ep, struct slot *slot, uint8_t interest)
{
	const struct gmb_file *file = slot->file;
	struct epoll_event event = {
		.events = EPOLLET,
		.data.u64 = (uint64_t)slot->generation << 32 | file->slot,
	};

	if (interest & CAN_READ)
		event.events |= EPOLLIN | EPOLLPRI | EPOLLRDHUP;
	if (interest & CAN_WRITE)
		event.events |= EPOLLOUT;
	if (epoll_ctl(ep->fd, slot->interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		      file->fd, &event))
		return -errno;
	slot->interest = interest;
	slot->useless = 0;
	return 0;
}

/* Operations */

static inline uint8_t ways_of(const struct gmb__op *op)
{
	uint8_t ways = 0;

	if (gmb__likely(op->code != GMB__OP_READY))
		return gmb__op_writes(op) ? CAN_WRITE : CAN_READ;
	if (op->events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP))
		ways |= CAN_READ;
	if (op->events & EPOLLOUT)
		ways |= CAN_WRITE;
	return ways;
}

static inline intptr_t attempt(struct gmb__op *op)
{
	struct gmb_file *file = op->file;
	intptr_t result;

	do
		result = gmb__op_perform(op);
	while (result == -EAGAIN && op->flags & GMB__OP_DRAINED &&
	       file->ready & (ENDED | URGENT));

	/* What poll() says of some events says nothing of the others. */
	if (gmb__unlikely(op->code == GMB__OP_READY))
		return result;
	if (result == -EAGAIN || (op->flags & GMB__OP_DRAINED &&
				  !(file->ready & (ENDED | URGENT))))
		file->ready &= (uint8_t)~ways_of(op);
	return result;
}

static int epoll_start(struct gmb_loop *loop, struct gmb__op *op,
		       intptr_t *result)
{
	struct epoll *ep = loop->backend_data;
	struct gmb_file *file = op->file;
	struct slot *slot = slot_of(ep, file);
	uint8_t ways = ways_of(op);

	if (gmb__unlikely(!slot))
		return -EBADF;
	if (file->ready & ways || gmb__unlikely(op->code == GMB__OP_READY)) {
		*result = attempt(op);
		if (*result != -EAGAIN)
			return 1;
	}
	if (op->code == GMB__OP_CONNECT)
		ways = CAN_BOTH;
	if (gmb__likely((slot->interest & ways) == ways))
		return 0;
	return set_interest(ep, slot, slot->interest | ways);
}

static bool epoll_withdraw(struct gmb_loop *loop, struct gmb__op *op)
{
	(void)loop;
	(void)op;
	return false;
}

static inline int try_parked(struct gmb__op *op)
{
	intptr_t result = attempt(op);

	if (result == -EAGAIN)
		return 0;
	gmb__op_finish(op, result);
	return 1;
}

/* Events */

static void count_useless(struct epoll *ep, struct slot *slot)
{
	if (++slot->useless < USELESS_MAX)
		return;
	slot->useless = 0;
	/* If it fails the edges go on to come, which does no harm. */
	(void)set_interest(ep, slot, slot->interest & (uint8_t)~CAN_WRITE);
}

static inline uint8_t bits_of(uint32_t events)
{
	uint8_t bits = 0;

	if (events & EPOLLIN)
		bits |= CAN_READ;
	if (events & EPOLLOUT)
		bits |= CAN_WRITE;
	if (events & EPOLLRDHUP)
		bits |= CAN_READ | ENDED;
	if (events & EPOLLPRI)
		bits |= CAN_READ | URGENT;
	if (events & (EPOLLHUP | EPOLLERR))
		bits |= CAN_BOTH | ENDED;
	return bits;
}

static int take_event(struct epoll *ep, const struct epoll_event *event)
{
	struct slot *slot = &ep->slots[(uint32_t)event->data.u64];
	struct gmb_file *file = slot->file;
	uint8_t bits;
	int done = 0;

	if (gmb__unlikely(!file || slot->generation != event->data.u64 >> 32))
		return 0;
	bits = bits_of(event->events);
	file->ready |= bits;
	if (file->reader && bits & CAN_READ)
		done += try_parked(file->reader);
	if (file->writer && bits & CAN_WRITE)
		done += try_parked(file->writer);
	if (gmb__unlikely(bits == CAN_WRITE && !done && !file->writer))
		count_useless(ep, slot);
	return done;
}

static int wait_events(struct epoll *ep, gmb_time span)
{
	struct timespec ts;
	gmb_time ms;
	int n;

	if (span == 0 || span == GMB_NEVER)
		return epoll_wait(ep->fd, ep->events, EVENTS_MAX,
				  span ? -1 : 0);
#ifdef SYS_epoll_pwait2
	if (!ep->coarse) {
		ts.tv_sec = span / GMB_SEC;
		ts.tv_nsec = span % GMB_SEC;
		n = (int)syscall(SYS_epoll_pwait2, ep->fd, ep->events,
				 EVENTS_MAX, &ts, NULL, 0);
		if (n >= 0 || (errno != ENOSYS && errno != EPERM))
			return n;
		ep->coarse = true;
	}
#else
	(void)ts;
#endif
	ms = span / GMB_MS + (span % GMB_MS != 0);
	return epoll_wait(ep->fd, ep->events, EVENTS_MAX,
			  ms < INT32_MAX ? (int)ms : INT32_MAX);
}

static int epoll_poll(struct gmb_loop *loop, gmb_time span)
{
	struct epoll *ep = loop->backend_data;
	int n = wait_events(ep, span);
	int done = 0;
	int i;

	if (gmb__unlikely(n < 0)) {
		if (errno != EINTR)
			gmb__die("the loop's epoll descriptor %d cannot be waited for (%s): the program must not close descriptors that it did not open",
				 ep->fd, strerror(errno));
		return 0;
	}
	for (i = 0; i < n; i++)
		done += take_event(ep, &ep->events[i]);
	return done;
}

/*
 * The wakeup is edge-triggered, too: every write makes an edge, so the counter
 * is never read. It would take centuries to fill.
 */
static void epoll_wake(struct gmb_loop *loop)
{
	struct epoll *ep = loop->backend_data;
	int saved = errno;
	uint64_t one = 1;

	if (write(ep->wake_fd, &one, sizeof(one)) < 0 && errno == EBADF)
		gmb__die("the loop's wakeup descriptor %d is gone: the program must not close descriptors that it did not open",
			 ep->wake_fd);
	errno = saved;
}

static int epoll_fd(struct gmb_loop *loop)
{
	const struct epoll *ep = loop->backend_data;

	return ep->fd;
}

/* Life */

static void free_epoll(struct epoll *ep)
{
	if (ep->wake_fd >= 0)
		close(ep->wake_fd);
	if (ep->fd >= 0)
		close(ep->fd);
	gmb__mem_free(ep->slots);
	gmb__mem_free(ep);
}

static int open_fds(struct epoll *ep, const char **why)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	ep->fd = epoll_create1(EPOLL_CLOEXEC);
	if (ep->fd < 0) {
		*why = "the system does not give an epoll descriptor";
		return -errno;
	}
	ep->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ep->wake_fd < 0) {
		*why = "the system does not give an eventfd";
		return -errno;
	}
	if (epoll_ctl(ep->fd, EPOLL_CTL_ADD, ep->wake_fd, &event)) {
		*why = "the system does not let epoll watch an eventfd";
		return -errno;
	}
	return 0;
}

static int epoll_open(struct gmb_loop *loop, const char **why)
{
	struct epoll *ep = gmb__mem_zalloc(1, sizeof(*ep));
	int rc;

	*why = "there is no memory for it";
	if (!ep)
		return -ENOMEM;
	ep->fd = -1;
	ep->wake_fd = -1;
	rc = grow_slots(ep);
	if (!rc)
		rc = open_fds(ep, why);
	if (rc) {
		free_epoll(ep);
		return rc;
	}
	loop->backend_data = ep;
	return 0;
}

static void epoll_close(struct gmb_loop *loop)
{
	free_epoll(loop->backend_data);
	loop->backend_data = NULL;
}

const struct gmb__backend_ops gmb__backend_epoll = {
	.name = "epoll",
	.open = epoll_open,
	.close = epoll_close,
	.attach = epoll_attach,
	.detach = epoll_detach,
	.start = epoll_start,
	.withdraw = epoll_withdraw,
	.poll = epoll_poll,
	.wake = epoll_wake,
	.fd = epoll_fd,
};
