/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

/* The ends that the program writes, at the start of the mapping. */
static struct gmb_ioc_ring *ring(struct context *c)
{
	return (struct gmb_ioc_ring *)c->map;
}

void context_begin(struct context *c, struct world *w)
{
	void *map;

	c->map = NULL;
	c->fd = open(GMB_DEVICE, O_RDWR | O_CLOEXEC);
	if (c->fd < 0)
		return;
	memset(&c->setup, 0, sizeof(c->setup));
	c->setup.size = sizeof(c->setup);
	c->setup.flags = pick(w, 2);
	c->setup.sq_entries = 1U << pick(w, 8);
	c->setup.cq_entries = 4U << pick(w, 8);
	c->setup.max_watches = 64;
	c->setup.max_tasks = 64;
	if (ioctl(c->fd, GMB_IOC_SETUP, &c->setup))
		return;
	map = mmap(NULL, c->setup.map_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   c->fd, 0);
	if (map != MAP_FAILED)
		c->map = map;
}

void context_end(struct context *c)
{
	if (c->map)
		munmap(c->map, c->setup.map_size);
	if (c->fd >= 0)
		close(c->fd);
	c->map = NULL;
	c->fd = -1;
}

static uint64_t buffer(struct world *w)
{
	uint64_t at = (uint64_t)(uintptr_t)w->arena;

	if (chance(w, 50))
		return at + ARENA - pick(w, 8);
	if (chance(w, 100))
		return pick(w, 4096);
	return at + pick(w, ARENA / 4);
}

/* An operation as a program would write it. */
static void sensible(struct world *w, struct gmb_ioc_op *op)
{
	static const uint16_t events[] = { 1, 4, 5, 8, 0x10, 0x2001, 0 };

	op->slot = pick(w, 16);
	op->user_data = pick(w, 16);
	switch (op->opcode) {
	case GMB_OP_WATCH_ADD:
	case GMB_OP_PEER_ADD:
		op->fd = world_file(w);
		if (op->opcode == GMB_OP_PEER_ADD)
			op->fd = w->context[pick(w, CONTEXTS)].fd;
		else if (chance(w, 3))
			op->flags = GMB_F_REPLACE;
		break;
	case GMB_OP_WATCH_DROP:
		if (chance(w, 4)) {
			op->fd = world_file(w);
			op->flags = GMB_F_CLOSE;
		}
		break;
	case GMB_OP_READY:
		op->events = events[pick(w, 7)];
		op->slack_ns = pick(w, 4) ? 0 : pick(w, 1000000);
		break;
	case GMB_OP_EXCHANGE:
		op->addr2 = buffer(w);
		op->len2 = pick(w, 4096);
		/* fall through */
	case GMB_OP_RECV:
	case GMB_OP_SEND:
	case GMB_OP_READ:
	case GMB_OP_WRITE:
		op->addr = buffer(w);
		op->len = pick(w, 4) ? pick(w, 256) : pick(w, ARENA / 4);
		op->slack_ns = pick(w, 4) ? 0 : pick(w, 1000000);
		if (op->opcode == GMB_OP_SEND || op->opcode == GMB_OP_WRITE)
			op->flags = pick(w, 8);
		else if (op->opcode != GMB_OP_EXCHANGE && chance(w, 4))
			op->flags = GMB_F_NOWAIT;
		if (op->opcode == GMB_OP_RECV && chance(w, 8))
			op->msg_flags = 2;	/* MSG_PEEK */
		break;
	case GMB_OP_CANCEL:
		op->addr = pick(w, 16);
		break;
	case GMB_OP_TASK_ADD:
		op->addr = pick(w, 16);
		op->len = pick(w, 2);
		op->slack_ns = pick(w, 2) ? 0 : pick(w, 1000000);
		break;
	case GMB_OP_WAKE:
		op->slot = chance(w, 2) ? GMB_SELF : pick(w, 4);
		op->addr = GMB_TASK(pick(w, 16), pick(w, 2));
		op->flags = chance(w, 3) ? GMB_F_SYNC : 0;
		break;
	}
	if (chance(w, 8))
		op->flags |= GMB_F_SKIP;
}

/*
 * Spoil some of it. Addresses stay in the arena or become such that nothing
 * of ours lies there, and what the fuzzer lives by is not closed.
 */
static void mutate(struct world *w, struct gmb_ioc_op *op)
{
	switch (pick(w, 10)) {
	case 0:
		op->opcode = odd_number(w);
		break;
	case 1:
		op->flags ^= 1 << pick(w, 8);
		if (op->opcode == GMB_OP_WATCH_DROP)
			op->flags &= ~GMB_F_CLOSE;
		break;
	case 2:
		op->slot = odd_number(w);
		break;
	case 3:
		op->events = odd_number(w);
		break;
	case 4:
		op->len = odd_number(w) & 0x800fffff;
		break;
	case 5:
		op->msg_flags ^= 1U << pick(w, 32);
		break;
	case 6:
		op->slack_ns = odd_number(w);
		break;
	case 7:
		op->fd = chance(w, 2) ? (int)odd_number(w) : world_file(w);
		break;
	case 8:
		op->addr = odd_number(w) | 1ULL << 63;
		break;
	case 9:
		op->reserved = odd_number(w);
		break;
	}
}

static void submit(struct context *c, struct world *w)
{
	struct gmb_ioc_op *sq = (void *)(c->map + c->setup.sq_off);
	uint32_t mask = c->setup.sq_entries - 1, i, n = 1 + pick(w, 24);
	uint32_t tail = ring(c)->sq_tail;
	struct gmb_ioc_op op;

	for (i = 0; i < n && tail - ring(c)->sq_head <= mask; i++) {
		memset(&op, 0, sizeof(op));
		op.opcode = pick(w, GMB_OP_LAST);
		sensible(w, &op);
		if (chance(w, 6))
			mutate(w, &op);
		sq[tail & mask] = op;
		tail++;
		w->operations++;
	}
	__atomic_store_n(&ring(c)->sq_tail, tail, __ATOMIC_RELEASE);
}

static void reap(struct context *c, struct world *w)
{
	struct gmb_ioc_cqe *cq = (void *)(c->map + c->setup.cq_off);
	uint32_t tail = __atomic_load_n(&ring(c)->cq_tail, __ATOMIC_ACQUIRE);
	uint32_t head = ring(c)->cq_head;

	if (tail - head > c->setup.cq_entries)
		head = tail;
	for (; head != tail; head++)
		w->accepted += cq[head & (c->setup.cq_entries - 1)].res >= 0;
	__atomic_store_n(&ring(c)->cq_head, head, __ATOMIC_RELEASE);
}

static void trap(struct context *c, struct world *w)
{
	struct gmb_ioc_trap arg = {
		.size = sizeof(arg),
		.min = pick(w, 4),
		.batch = pick(w, 3),
		.timeout_ns = pick(w, 3) ? 0 : pick(w, 2000000),
		.spin_ns = chance(w, 16) ? pick(w, 100000) : 0,
	};

	if (chance(w, 50)) {
		/* A wrong one, but never a sleep without end. */
		arg.size += pick(w, 40);
		arg.flags = chance(w, 2);
		arg.min = odd_number(w);
		arg.batch = odd_number(w);
		arg.spin_ns = odd_number(w) & 0xfffff;
	}
	ioctl(c->fd, GMB_IOC_TRAP, &arg);
	w->operations++;
}

static void wake(struct context *c, struct world *w)
{
	struct gmb_ioc_wake arg = {
		.size = sizeof(arg),
		.target = GMB_TASK(pick(w, 16), pick(w, 2)),
	};

	if (chance(w, 8))
		arg.target = GMB_WAKE_TRAP;
	if (chance(w, 20))
		arg.target = odd_number(w);
	if (chance(w, 50))
		arg.size = odd_number(w);
	ioctl(c->fd, GMB_IOC_WAKE, &arg);
	w->operations++;
}

static void abuse(struct context *c, struct world *w)
{
	uint64_t arg[16];
	unsigned int i;

	for (i = 0; i < 16; i++)
		arg[i] = odd_number(w);
	/* A trap among them must not sleep for ever. */
	arg[2] &= 0xfffff;
	switch (pick(w, 9)) {
	case 0:
		if (c->map)
			ring(c)->sq_tail = odd_number(w);
		break;
	case 1:
		if (c->map)
			ring(c)->cq_head = odd_number(w);
		break;
	case 2:
		ioctl(c->fd, _IO(GMB_IOC_MAGIC, pick(w, 5)), arg);
		break;
	case 3:
		ioctl(c->fd, _IO(GMB_IOC_MAGIC, pick(w, 5)), (void *)arg[3]);
		break;
	case 4:
		/* A part of the mapping: refused. */
		if (c->map && c->setup.map_size > 4096)
			munmap(c->map + pick(w, 2) * 4096, 4096);
		break;
	case 5:
		if (c->map)
			mremap(c->map, c->setup.map_size, 4096 * pick(w, 9),
			       pick(w, 2));
		break;
	case 6:
		if (c->map)
			munmap(c->map, c->setup.map_size);
		c->map = NULL;
		break;
	default:
		context_end(c);
		context_begin(c, w);
	}
	w->operations++;
}

void context_step(struct context *c, struct world *w)
{
	if (chance(w, 60))
		abuse(c, w);
	if (chance(w, 4))
		wake(c, w);
	if (!c->map) {
		if (chance(w, 4)) {
			context_end(c);
			context_begin(c, w);
		}
		trap(c, w);
		return;
	}
	submit(c, w);
	trap(c, w);
	if (!chance(w, 5))
		reap(c, w);
}
