/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The two rings that a context shares with its program.
 *
 * The program can write anywhere in them at any time. So the kernel's own
 * ends (sq_head, cq_tail), sizes and masks live here and are only ever written
 * to the shared page, never read back; what is read from it (sq_tail, cq_head,
 * operations) is read once and checked.
 *
 * All fields are fixed by gmb_ring_init(), or protected by the context's lock.
 */
#ifndef GMB_RING_H
#define GMB_RING_H

#include <linux/giambio.h>
#include <linux/types.h>

struct page;
struct vm_area_struct;

/* No operation posts more completions than this. */
#define GMB_RING_RESERVE	3

#define GMB_RING_MAX_SQ		32768U
#define GMB_RING_MAX_CQ		65536U
#define GMB_RING_MIN_CQ		4U

struct gmb_ring {
	struct gmb_ioc_ring	*shared;
	struct gmb_ioc_op	*sq;
	struct gmb_ioc_cqe	*cq;
	struct gmb_ioc_stamp	*stamps; /* beside cq; NULL: not asked for */
	u32			sq_mask;
	u32			cq_mask;
	u32			sq_head;
	u32			cq_tail;
	u32			cq_limit;	/* cq_tail may grow up to it */
	bool			refused; /* there was no room for something */
	u32			npages;
	struct page		**pages;
};

int gmb_ring_init(struct gmb_ring *ring, struct gmb_ioc_setup *setup);
void gmb_ring_fini(struct gmb_ring *ring);
int gmb_ring_map(struct gmb_ring *ring, struct vm_area_struct *vma);
bool gmb_ring_refill(struct gmb_ring *ring, u32 n);

/**
 * gmb_ring_room() - whether n completions can be posted
 * @ring: ring
 * @n:    completions, at most GMB_RING_RESERVE
 */
static inline bool gmb_ring_room(struct gmb_ring *ring, u32 n)
{
	return likely(ring->cq_limit - ring->cq_tail >= n) ||
	       gmb_ring_refill(ring, n);
}

/**
 * gmb_ring_post() - add a completion
 * @ring:      ring, in which gmb_ring_room() found room
 * @user_data: as in struct gmb_ioc_cqe
 * @res:       as in struct gmb_ioc_cqe
 * @err:       as in struct gmb_ioc_cqe
 * @flags:     as in struct gmb_ioc_cqe
 *
 * The program sees it after gmb_ring_publish().
 */
static inline void gmb_ring_post(struct gmb_ring *ring, u64 user_data,
				 s32 res, u16 err, u16 flags)
{
	struct gmb_ioc_cqe *cqe = &ring->cq[ring->cq_tail++ & ring->cq_mask];

	WRITE_ONCE(cqe->user_data, user_data);
	WRITE_ONCE(cqe->res, res);
	WRITE_ONCE(cqe->err, err);
	WRITE_ONCE(cqe->flags, flags);
}

/* Show the program what was taken and posted; its loads acquire. */
static inline void gmb_ring_publish(struct gmb_ring *ring)
{
	WRITE_ONCE(ring->shared->sq_head, ring->sq_head);
	smp_store_release(&ring->shared->cq_tail, ring->cq_tail);
}

/* Operations that wait in the ring; rubbish counts as a full ring. */
static inline u32 gmb_ring_waiting(struct gmb_ring *ring)
{
	u32 n = smp_load_acquire(&ring->shared->sq_tail) - ring->sq_head;

	return min(n, ring->sq_mask + 1);
}

#endif /* GMB_RING_H */
