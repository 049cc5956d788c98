/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <string.h>
#include "backend/edge.h"
#include "coro/mem.h"

#define FIRST_SLOTS	64

static int grow(struct gmb__edges *edges)
{
	uint32_t count = edges->count ? 2 * edges->count : FIRST_SLOTS;
	struct gmb__edge *slots;
	uint32_t i;

	slots = gmb__mem_realloc(edges->slots, count * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	memset(slots + edges->count, 0,
	       (count - edges->count) * sizeof(*slots));
	for (i = count - 1; i >= edges->count && i > 0; i--) {
		slots[i].next = edges->free;
		edges->free = i;
	}
	edges->slots = slots;
	edges->count = count;
	return 0;
}

int gmb__edges_init(struct gmb__edges *edges)
{
	*edges = (struct gmb__edges){ 0 };
	return grow(edges);
}

void gmb__edges_fini(struct gmb__edges *edges)
{
	gmb__mem_free(edges->slots);
}

int gmb__edges_attach(struct gmb__edges *edges, struct gmb_file *file)
{
	struct gmb__edge *edge;

	if (!edges->free && grow(edges))
		return -ENOMEM;
	file->slot = edges->free;
	file->ready = GMB__CAN_BOTH;
	edge = &edges->slots[file->slot];
	edges->free = edge->next;
	edge->file = file;
	edge->interest = 0;
	edge->useless = 0;
	edge->calm = 0;
	return 0;
}

void gmb__edges_detach(struct gmb__edges *edges, struct gmb__edge *edge)
{
	uint32_t slot = edge->file->slot;

	edge->file = NULL;
	edge->generation++;
	edge->next = edges->free;
	edges->free = slot;
}

uint8_t gmb__edge_ready_ways(const struct gmb__op *op)
{
	uint8_t ways = 0;

	if (op->events & (POLLIN | POLLPRI | POLLRDHUP))
		ways |= GMB__CAN_READ;
	if (op->events & POLLOUT)
		ways |= GMB__CAN_WRITE;
	return ways;
}

uint8_t gmb__edge_all_bits(uint32_t events)
{
	uint8_t bits = 0;

	if (events & POLLIN)
		bits |= GMB__CAN_READ;
	if (events & POLLOUT)
		bits |= GMB__CAN_WRITE;
	if (events & POLLRDHUP)
		bits |= GMB__CAN_READ | GMB__ENDED;
	if (events & POLLPRI)
		bits |= GMB__CAN_READ | GMB__URGENT;
	if (events & (POLLHUP | POLLERR))
		bits |= GMB__CAN_BOTH | GMB__ENDED;
	return bits;
}

bool gmb__edge_withdraw(struct gmb_loop *loop, struct gmb__op *op)
{
	(void)loop;
	(void)op;
	return false;
}
