/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Edge-triggered readiness: what the backends have in common that are told by
 * the kernel when trying may succeed, and then try by plain system calls.
 *
 * A descriptor is registered when somebody has to wait for it for the first
 * time, and stays registered until it is closed: one that never waits costs
 * nothing. Each way (read, write) has a bit that says "trying may succeed".
 * While it is clear nothing is tried; the operation is parked in its file, and
 * the poll performs it when the edge comes, so a task is woken with bytes and
 * not with hope.
 *
 * Why no edge is lost: bits are set by the poll only, on the thread that tries,
 * so no bit is set between a try and its clearing. The kernel reports an edge
 * for all that arrives after registration, and registering reports what is
 * there already. What arrives before a try is seen by the try; what arrives
 * after it comes with an edge that is fetched by a later poll, which sets the
 * bit again. The price is an edge now and then whose bytes have been read
 * already: its try says EAGAIN.
 *
 * A bit is cleared by EAGAIN, and also by a short read of a stream, since that
 * says that the stream was empty. The end of a stream and an error do not show
 * in a short read, so after the edge of one of them (and of urgent data, at
 * which reads stop) only EAGAIN counts.
 *
 * The kernel's events carry a slot number and the slot's generation, never an
 * address, so a registration that outlives its file reaches nobody. Since the
 * kernel never holds a buffer, an operation can be taken back at any time.
 */
#ifndef GMB_BACKEND_EDGE_H
#define GMB_BACKEND_EDGE_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include "backend/op.h"
#include "loop/list.h"

/* gmb_file.ready, and the ways of a registration. */
enum gmb__edge_bits {
	GMB__CAN_READ = 1 << 0,
	GMB__CAN_WRITE = 1 << 1,
	GMB__CAN_BOTH = GMB__CAN_READ | GMB__CAN_WRITE,
	GMB__ENDED = 1 << 2,	/* hung up, peer shut down, error */
	GMB__URGENT = 1 << 3,	/* out-of-band data was seen */
};

/**
 * struct gmb__edge - a file's slot, or a link in the list of free slots
 * @file:       NULL: free
 * @generation: changes when the slot is freed
 * @next:       the next free slot, 0 at the end
 * @interest:   the ways that are registered; the backend's own
 * @useless:    the backend's own
 * @calm:       the backend's own
 */
struct gmb__edge {
	struct gmb_file *file;
	uint32_t generation;
	uint32_t next;
	uint8_t interest;
	uint8_t useless;
	uint8_t calm;
};

/**
 * struct gmb__edges - the slots of a loop
 * @slots: slot 0 is no file's: backends use it for their wakeup
 * @count: how many there are
 * @free:  the first free one, 0 if there is none
 */
struct gmb__edges {
	struct gmb__edge *slots;
	uint32_t count;
	uint32_t free;
};

/* Return: 0; -ENOMEM, and nothing is left. */
int gmb__edges_init(struct gmb__edges *edges);

void gmb__edges_fini(struct gmb__edges *edges);

/**
 * gmb__edges_attach() - give a file a slot
 * @edges: the loop's
 * @file:  its slot and ready are set
 *
 * Return: 0; -ENOMEM.
 */
int gmb__edges_attach(struct gmb__edges *edges, struct gmb_file *file);

/* Free the slot of a file; events that are under way reach nobody. */
void gmb__edges_detach(struct gmb__edges *edges, struct gmb__edge *edge);

/* The withdrawal of an operation that the kernel knows nothing of. */
bool gmb__edge_withdraw(struct gmb_loop *loop, struct gmb__op *op);

uint8_t gmb__edge_all_bits(uint32_t events);

/* The bits that an EPOLL* or POLL* mask brings; the values are the same. */
static inline uint8_t gmb__edge_bits(uint32_t events)
{
	if (gmb__likely(events == POLLIN))
		return GMB__CAN_READ;
	return gmb__edge_all_bits(events);
}

/* The slot of a file; NULL for one that an earlier loop has left behind. */
static inline struct gmb__edge *gmb__edge_of(struct gmb__edges *edges,
					     const struct gmb_file *file)
{
	struct gmb__edge *edge = &edges->slots[file->slot];

	if (gmb__unlikely(file->slot >= edges->count || edge->file != file))
		return NULL;
	return edge;
}

/* The ways of an operation: the bits that tell whether to try it. */
uint8_t gmb__edge_ready_ways(const struct gmb__op *op);

static inline uint8_t gmb__edge_ways(const struct gmb__op *op)
{
	if (gmb__likely(op->code != GMB__OP_READY))
		return gmb__op_writes(op) ? GMB__CAN_WRITE : GMB__CAN_READ;
	return gmb__edge_ready_ways(op);
}

/* Perform an operation and note what its result says of the file. */
static inline intptr_t gmb__edge_attempt(struct gmb__op *op)
{
	struct gmb_file *file = op->file;
	intptr_t result;

	do
		result = gmb__op_perform(op);
	while (result == -EAGAIN && op->flags & GMB__OP_DRAINED &&
	       file->ready & (GMB__ENDED | GMB__URGENT));

	/* What poll() says of some events says nothing of the others. */
	if (gmb__unlikely(op->code == GMB__OP_READY))
		return result;
	if (result == -EAGAIN ||
	    (op->flags & GMB__OP_DRAINED &&
	     !(file->ready & (GMB__ENDED | GMB__URGENT))))
		file->ready &= (uint8_t)~gmb__edge_ways(op);
	return result;
}

/* Is trying an operation known to be of no use? */
static inline bool gmb__edge_must_wait(const struct gmb__op *op, uint8_t ways)
{
	return !(op->file->ready & ways) &&
	       gmb__likely(op->code != GMB__OP_READY);
}

/* Perform an operation that is parked; returns whether that finished it. */
static inline int gmb__edge_try_parked(struct gmb__op *op)
{
	intptr_t result;

	if (!gmb__op_is_parked(op))
		return 0;
	result = gmb__edge_attempt(op);
	if (result == -EAGAIN)
		return 0;
	if (gmb__unlikely(result == GMB__OP_PAUSED))
		gmb__op_pause(op);
	else
		gmb__op_finish(op, result);
	return 1;
}

/**
 * gmb__edge_fire() - what was parked on a file tries again
 * @edge: of a file, whose ready bits are set here; of none afterwards, if a
 *	hook that was told of a task has closed the file
 * @bits: enum gmb__edge_bits that the edge brought
 *
 * Return: how many operations that finished.
 */
static inline int gmb__edge_fire(struct gmb__edge *edge, uint8_t bits)
{
	struct gmb_file *file = edge->file;
	int done = 0;

	file->ready |= bits;
	if (file->reader && bits & GMB__CAN_READ) {
		done += gmb__edge_try_parked(file->reader);
		if (gmb__unlikely(!edge->file))
			return done;
	}
	if (file->writer && bits & GMB__CAN_WRITE)
		done += gmb__edge_try_parked(file->writer);
	return done;
}

#endif
