/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * /dev/giambio and its two rings: where operations of the library become
 * entries of the submission ring. Together with kmod.c this is all of the
 * library that knows the module's interface.
 *
 * Functions that submit want room: gmb__kring_waiting() tells. They belong to
 * the loop's thread; gmb__kring_wake() does not.
 */
#ifndef GMB_BACKEND_KMOD_RING_H
#define GMB_BACKEND_KMOD_RING_H

#include <uapi/linux/giambio.h>
#include "backend/op.h"

/* Together less than the 64 KiB that some systems let a user lock. */
#define GMB__KRING_OPS		512
#define GMB__KRING_CQES		1024

/* Events that end a sleep before anybody's slack does: waiting gains little. */
#define GMB__KRING_BATCH	64

/**
 * struct gmb__kring - an open device
 * @fd:        -1: not open
 * @id:        number of the context, never 0; no other one has or will have it
 * @io:        the kernel may transfer data for this program
 * @max_files: numbers of watches are below this
 * @map_size:  bytes of the mapping
 * @ring:      the mapping
 * @ops:       the submission ring, in the mapping
 * @cqes:      the completion ring, in the mapping
 * @sq_tail:   end of the operations; told to the kernel by a trap
 * @cq_head:   next completion to read
 * @cq_tail:   end of the completions when the last trap returned
 */
struct gmb__kring {
	int fd;
	uint32_t id;
	bool io;
	uint32_t max_files;
	uint32_t map_size;
	struct gmb_ioc_ring *ring;
	struct gmb_ioc_op *ops;
	struct gmb_ioc_cqe *cqes;
	uint32_t sq_tail;
	uint32_t cq_head;
	uint32_t cq_tail;
};

/**
 * gmb__kring_open() - open the device and make the rings
 * @ring: zeroed, with @fd -1
 * @why:  [out] on an error the end of a sentence: see struct gmb__backend_ops
 *
 * Return: 0; -errno, and gmb__kring_close() is to be called.
 */
int gmb__kring_open(struct gmb__kring *ring, const char **why);

/* Close what gmb__kring_open() has opened so far. */
void gmb__kring_close(struct gmb__kring *ring);

/**
 * gmb__kring_trap() - hand over operations, wait, look for completions
 * @ring: the loop's
 * @span: how long to wait at most for one; 0: do not wait; GMB_NEVER
 *
 * It may return without any, and does when a signal comes.
 */
void gmb__kring_trap(struct gmb__kring *ring, gmb_time span);

/* Make gmb__kring_trap() return; any thread, also signal handlers. */
void gmb__kring_wake(const struct gmb__kring *ring);

/* How many operations the kernel has not taken yet. */
static inline uint32_t gmb__kring_waiting(const struct gmb__kring *ring)
{
	return ring->sq_tail -
	       __atomic_load_n(&ring->ring->sq_head, __ATOMIC_ACQUIRE);
}

/* A trap that does not wait would find something to do. */
static inline bool gmb__kring_has_work(const struct gmb__kring *ring)
{
	return gmb__kring_waiting(ring) ||
	       __atomic_load_n(&ring->ring->pending, __ATOMIC_RELAXED);
}

static inline bool gmb__kring_readable(const struct gmb__kring *ring)
{
	return ring->cq_head != ring->cq_tail;
}

/* The next completion; valid until gmb__kring_read_up(). */
static inline const struct gmb_ioc_cqe *gmb__kring_read(struct gmb__kring *ring)
{
	return &ring->cqes[ring->cq_head++ & (GMB__KRING_CQES - 1)];
}

/* Give the room of what was read back to the kernel. */
static inline void gmb__kring_read_up(struct gmb__kring *ring)
{
	__atomic_store_n(&ring->ring->cq_head, ring->cq_head, __ATOMIC_RELEASE);
}

/* The entry that is written next, and the length of an operation's buffer. */
static inline struct gmb_ioc_op *gmb__kring_next(struct gmb__kring *ring)
{
	return &ring->ops[ring->sq_tail++ & (GMB__KRING_OPS - 1)];
}

static inline uint32_t gmb__kring_len(const struct gmb__op *op)
{
	size_t len = op->iov->iov_len;

	return (uint32_t)(len < GMB__OP_LEN_MAX ? len : GMB__OP_LEN_MAX);
}

/* Make a watch for a file, instead of the one that may be there. */
void gmb__kring_watch(struct gmb__kring *ring, const struct gmb_file *file,
		      uint64_t tag);

/* Drop the watch of a file. */
void gmb__kring_drop(struct gmb__kring *ring, const struct gmb_file *file,
		     uint64_t tag);

/* Wait for poll events; the operation's cookie is the tag. */
void gmb__kring_ready(struct gmb__kring *ring, const struct gmb__op *op,
		      uint16_t events);

/* RECEIVE, SEND, READ or WRITE with one buffer; its address is the tag. */
void gmb__kring_transfer(struct gmb__kring *ring, const struct gmb__op *op);

/* Send, then a RECEIVE with one buffer, whose address is the tag. */
static inline void gmb__kring_exchange(struct gmb__kring *ring, const void *out,
				       uint32_t out_len,
				       const struct gmb__op *receive)
{
	*gmb__kring_next(ring) = (struct gmb_ioc_op){
		.opcode = GMB_OP_EXCHANGE,
		.slot = receive->file->slot,
		.user_data = (uintptr_t)receive,
		.addr = (uintptr_t)out,
		.len = out_len,
		.addr2 = (uintptr_t)receive->iov->iov_base,
		.len2 = gmb__kring_len(receive),
		.slack_ns = receive->slack,
	};
}

/* Register another ring, which is open, under a number of our choice. */
void gmb__kring_peer(struct gmb__kring *ring, uint32_t slot,
		     const struct gmb__kring *other, uint64_t tag);

/* Forget it. */
void gmb__kring_drop_peer(struct gmb__kring *ring, uint32_t slot, uint64_t tag);

/* Make its gmb__kring_trap() return; the next trap here does it. */
void gmb__kring_wake_peer(struct gmb__kring *ring, uint32_t slot, uint64_t tag);

/* Take back what was submitted with the tag @which. */
void gmb__kring_cancel(struct gmb__kring *ring, const struct gmb_file *file,
		       uint64_t which, uint64_t tag);

#endif
