/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Entries of the submission ring: as a program would write them, and spoiled.
 * Watches with even indices mostly are of sockets, like the crew's files; an
 * operation often bears the index of its watch, so that a cancel meets it.
 */
#include <string.h>

#include "fuzz.h"

#define PEERS	4

static uint64_t buffer(struct world *w)
{
	uint64_t at = (uint64_t)(uintptr_t)w->arena;

	if (chance(w, 50))
		return at + ARENA - pick(w, 8);
	if (chance(w, 100))
		return pick(w, 4096);
	return at + pick(w, ARENA / 4);
}

static uint32_t slack(struct world *w)
{
	switch (pick(w, 8)) {
	case 0:
	case 1:
		return pick(w, 1000000);
	case 2:
		return pick(w, 20000000);
	case 3:
		return GMB_SLACK_MAX;
	}
	return 0;
}

static void fill_watch_add(struct world *w, struct gmb_ioc_op *op)
{
	op->fd = op->slot % 2 ? any_other(w) : any_socket(w);
	op->flags = chance(w, 2) ? GMB_F_REPLACE : 0;
}

static void fill_watch_drop(struct world *w, struct gmb_ioc_op *op)
{
	if (!chance(w, 4))
		return;
	op->fd = any_file(w);
	op->flags = GMB_F_CLOSE;
}

static void fill_ready(struct world *w, struct gmb_ioc_op *op)
{
	static const uint16_t events[] = { 1, 1, 4, 5, 8, 0x10, 0x2001, 0 };

	op->events = events[pick(w, 8)];
	op->slack_ns = slack(w);
	op->flags = chance(w, 6) ? GMB_F_NOWAIT : 0;
}

/* Sockets can do more than other files. */
static void fill_transfer(struct world *w, struct gmb_ioc_op *op)
{
	if (op->opcode == GMB_OP_RECV || op->opcode == GMB_OP_SEND ||
	    op->opcode == GMB_OP_EXCHANGE)
		op->slot &= ~1U;
	op->addr = buffer(w);
	op->len = chance(w, 6) ? pick(w, ARENA / 4) : pick(w, 128);
	op->slack_ns = slack(w);
	switch (op->opcode) {
	case GMB_OP_EXCHANGE:
		op->addr2 = buffer(w);
		op->len2 = pick(w, 4096);
		break;
	case GMB_OP_SEND:
	case GMB_OP_WRITE:
		op->flags = pick(w, 8);
		break;
	case GMB_OP_RECV:
		op->msg_flags = chance(w, 8) ? 2 : 0;	/* MSG_PEEK */
		/* fall through */
	case GMB_OP_READ:
		op->flags = chance(w, 4) ? GMB_F_NOWAIT : 0;
		break;
	}
}

static void fill_rest(struct world *w, struct gmb_ioc_op *op)
{
	switch (op->opcode) {
	case GMB_OP_NOP:
		op->slot = 0;
		break;
	case GMB_OP_CANCEL:
		op->addr = chance(w, 3) ? pick(w, SLOTS) : op->slot;
		break;
	case GMB_OP_TASK_ADD:
		op->addr = pick(w, SLOTS);
		op->len = pick(w, 2);
		op->slack_ns = slack(w);
		break;
	case GMB_OP_WAKE:
		op->slot = chance(w, 2) ? GMB_SELF : pick(w, PEERS);
		op->addr = GMB_TASK(pick(w, SLOTS), pick(w, 2));
		op->flags = chance(w, 3) ? GMB_F_SYNC : 0;
		break;
	case GMB_OP_PEER_ADD:
		op->slot = pick(w, PEERS);
		op->fd = chance(w, 8) ? any_file(w) : any_context(w)->fd;
		break;
	case GMB_OP_PEER_DROP:
		op->slot = pick(w, PEERS);
		break;
	}
}

static void fill(struct world *w, struct gmb_ioc_op *op)
{
	switch (op->opcode) {
	case GMB_OP_WATCH_ADD:
		fill_watch_add(w, op);
		break;
	case GMB_OP_WATCH_DROP:
		fill_watch_drop(w, op);
		break;
	case GMB_OP_READY:
		fill_ready(w, op);
		break;
	case GMB_OP_RECV:
	case GMB_OP_SEND:
	case GMB_OP_EXCHANGE:
	case GMB_OP_READ:
	case GMB_OP_WRITE:
		fill_transfer(w, op);
		break;
	default:
		fill_rest(w, op);
	}
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
		op->fd = chance(w, 2) ? (int)odd_number(w) : any_file(w);
		break;
	case 8:
		op->addr = odd_number(w) | 1ULL << 63;
		break;
	case 9:
		op->reserved = odd_number(w);
		break;
	}
	if (op->opcode == GMB_OP_WATCH_DROP)
		op->flags &= ~GMB_F_CLOSE;
}

static bool may_skip(uint8_t opcode)
{
	return opcode != GMB_OP_NOP && opcode != GMB_OP_READY &&
	       opcode != GMB_OP_RECV && opcode != GMB_OP_READ &&
	       opcode != GMB_OP_EXCHANGE;
}

/* A context begins with something in its tables. */
static uint8_t choose(struct world *w, uint32_t made)
{
	/* In so many of all; what ends something comes less often. */
	static const uint8_t weights[GMB_OP_LAST] = {
		[GMB_OP_NOP] = 1, [GMB_OP_WATCH_ADD] = 8,
		[GMB_OP_WATCH_DROP] = 2, [GMB_OP_READY] = 5,
		[GMB_OP_RECV] = 7, [GMB_OP_SEND] = 8,
		[GMB_OP_EXCHANGE] = 4, [GMB_OP_READ] = 6,
		[GMB_OP_WRITE] = 6, [GMB_OP_CANCEL] = 3,
		[GMB_OP_TASK_ADD] = 3, [GMB_OP_TASK_DROP] = 1,
		[GMB_OP_WAKE] = 5, [GMB_OP_PEER_ADD] = 2,
		[GMB_OP_PEER_DROP] = 1,
	};
	uint32_t i, n = 0;

	if (made < 2 * SLOTS)
		return made % 2 ? GMB_OP_TASK_ADD : GMB_OP_WATCH_ADD;
	for (i = 0; i < GMB_OP_LAST; i++)
		n += weights[i];
	n = pick(w, n);
	for (i = 0; n >= weights[i]; i++)
		n -= weights[i];
	return i;
}

void entry_fill(struct world *w, struct gmb_ioc_op *op, uint32_t made)
{
	memset(op, 0, sizeof(*op));
	op->opcode = choose(w, made);
	op->slot = made < 2 * SLOTS ? made / 2 : pick(w, SLOTS);
	op->user_data = chance(w, 4) ? pick(w, SLOTS) : op->slot;
	fill(w, op);
	if (may_skip(op->opcode) && chance(w, 4))
		op->flags |= GMB_F_SKIP;
	if (chance(w, 8))
		mutate(w, op);
}
