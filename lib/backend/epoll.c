/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The backend that works everywhere: epoll, edge-triggered (see edge.h), and
 * plain system calls that do not block.
 *
 * A descriptor that waits often costs one epoll_ctl() in its life. Both
 * EPOLL_CTL_ADD and EPOLL_CTL_MOD make an edge of what is there already.
 *
 * A unix stream that is only read is watched by level as long as a task waits
 * for it whenever the poll looks, as servers do. Then every event is taken by
 * an operation and costs no more than an edge, and bytes behind a descriptor
 * that was passed, at which reads stop, are told again: recv() will do, where
 * an edge needs recvmsg() to see the descriptor. An event of no use to anybody
 * makes it an edge, since else it would come again and again; after a number of
 * waits without one it is a level again.
 *
 * Writing is watched only once somebody had to wait for room, since unix
 * sockets make an edge of every message that the peer takes; it is given up
 * again when a number of such edges were of no use to anybody.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "backend/backend.h"
#include "backend/edge.h"
#include "backend/wakeup.h"
#include "coro/mem.h"
#include "loop/loop.h"

#define USELESS_MAX	8
#define CALM_MIN	64

struct epoll {
	int fd;
	int wake_fd;
	bool coarse;		/* no epoll_pwait2() here: milliseconds */
	struct gmb__edges edges;
	struct epoll_event events[GMB__BATCH];
};

/* Registrations */

static int epoll_attach(struct gmb_loop *loop, struct gmb_file *file)
{
	struct epoll *ep = loop->backend_data;

	return gmb__edges_attach(&ep->edges, file);
}

static void epoll_detach(struct gmb_loop *loop, struct gmb_file *file)
{
	struct epoll *ep = loop->backend_data;
	struct gmb__edge *edge = gmb__edge_of(&ep->edges, file);

	if (!edge)
		return;
	if (edge->interest)
		epoll_ctl(ep->fd, EPOLL_CTL_DEL, file->fd, NULL);
	gmb__edges_detach(&ep->edges, edge);
}

static int set_interest(struct epoll *ep, struct gmb__edge *edge,
			uint8_t interest, bool level)
{
	struct gmb_file *file = edge->file;
	struct epoll_event event = {
		.data.u64 = (uint64_t)edge->generation << 32 | file->slot,
	};

	level = level && file->kind == GMB__FILE_UNIX &&
		interest == GMB__CAN_READ;
	if (!level)
		event.events |= EPOLLET;
	if (interest & GMB__CAN_READ)
		event.events |= EPOLLIN | EPOLLPRI | EPOLLRDHUP;
	if (interest & GMB__CAN_WRITE)
		event.events |= EPOLLOUT;
	if (epoll_ctl(ep->fd, edge->interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		      file->fd, &event))
		return -errno;
	edge->interest = interest;
	edge->useless = 0;
	edge->calm = 0;
	if (level)
		file->flags |= GMB__FILE_LEVEL;
	else
		file->flags &= (uint16_t)~GMB__FILE_LEVEL;
	return 0;
}

static int epoll_start(struct gmb_loop *loop, struct gmb__op *op)
{
	struct epoll *ep = loop->backend_data;
	struct gmb__edge *edge = &ep->edges.slots[op->file->slot];
	uint8_t ways = gmb__edge_ways(op);

	if (gmb__unlikely(op->code == GMB__OP_CONNECT))
		ways = GMB__CAN_BOTH;
	if (gmb__unlikely((edge->interest & ways) != ways))
		return set_interest(ep, edge, edge->interest | ways, true);
	if (op->file->kind == GMB__FILE_UNIX && ++edge->calm == CALM_MIN &&
	    !(op->file->flags & GMB__FILE_LEVEL))
		return set_interest(ep, edge, edge->interest, true);
	return 0;
}

/* Events */

/* Nobody had a use for an event. If epoll_ctl() fails, more of them come. */
static void take_useless(struct epoll *ep, struct gmb__edge *edge, uint8_t bits)
{
	struct gmb_file *file = edge->file;

	edge->calm = 0;
	if (file->flags & GMB__FILE_LEVEL) {
		(void)set_interest(ep, edge, edge->interest, false);
	} else if (bits == GMB__CAN_WRITE && !file->writer &&
		   ++edge->useless >= USELESS_MAX) {
		edge->useless = 0;
		(void)set_interest(ep, edge, GMB__CAN_READ, true);
	}
}

static int take_event(struct epoll *ep, const struct epoll_event *event)
{
	struct gmb__edge *edge = &ep->edges.slots[(uint32_t)event->data.u64];
	uint8_t bits;
	int done;

	if (gmb__unlikely(!edge->file ||
			  edge->generation != event->data.u64 >> 32))
		return 0;
	bits = gmb__edge_bits(event->events);
	done = gmb__edge_fire(edge, bits);
	if (gmb__unlikely(!done))
		take_useless(ep, edge, bits);
	return done;
}

static int wait_events(struct epoll *ep, gmb_time span)
{
	struct timespec ts;
	gmb_time ms;
	int n;

	if (span == 0 || span == GMB_NEVER)
		return epoll_wait(ep->fd, ep->events, GMB__BATCH,
				  span ? -1 : 0);
#ifdef SYS_epoll_pwait2
	if (!ep->coarse) {
		ts.tv_sec = span / GMB_SEC;
		ts.tv_nsec = span % GMB_SEC;
		n = (int)syscall(SYS_epoll_pwait2, ep->fd, ep->events,
				 GMB__BATCH, &ts, NULL, 0);
		if (n >= 0 || (errno != ENOSYS && errno != EPERM))
			return n;
		ep->coarse = true;
	}
#else
	(void)ts;
#endif
	ms = span / GMB_MS + (span % GMB_MS != 0);
	return epoll_wait(ep->fd, ep->events, GMB__BATCH,
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

static void epoll_wake(struct gmb_loop *loop)
{
	const struct epoll *ep = loop->backend_data;

	gmb__wakeup_send(ep->wake_fd);
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
	gmb__edges_fini(&ep->edges);
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
	ep->wake_fd = gmb__wakeup_open();
	if (ep->wake_fd < 0) {
		*why = "the system does not give an eventfd";
		return ep->wake_fd;
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
	rc = gmb__edges_init(&ep->edges);
	if (!rc)
		rc = open_fds(ep, why);
	if (rc) {
		free_epoll(ep);
		return rc;
	}
	loop->backend_data = ep;
	loop->edges = &ep->edges;
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
	.withdraw = gmb__edge_withdraw,
	.poll = epoll_poll,
	.wake = epoll_wake,
	.fd = epoll_fd,
};
