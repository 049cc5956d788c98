/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Pages are allocated one by one, charged to the user's memory group, and
 * each mapping of one holds a reference to it: the order in which the program
 * and the context let go does not matter.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "ring.h"

static u32 gmb_ring_layout(struct gmb_ioc_setup *s)
{
	u32 end = ALIGN(sizeof(struct gmb_ioc_ring), SMP_CACHE_BYTES);

	s->cq_off = end;
	end += s->cq_entries * sizeof(struct gmb_ioc_cqe);
	end = ALIGN(end, 64);
	s->sq_off = end;
	end += s->sq_entries * sizeof(struct gmb_ioc_op);
	s->stamp_off = 0;
	if (s->flags & GMB_SETUP_STAMPS) {
		s->stamp_off = end;
		end += s->cq_entries * sizeof(struct gmb_ioc_stamp);
	}
	s->map_size = PAGE_ALIGN(end);
	return s->map_size;
}

static void gmb_ring_free_pages(struct gmb_ring *ring)
{
	while (ring->npages)
		__free_page(ring->pages[--ring->npages]);
	kvfree(ring->pages);
	ring->pages = NULL;
}

static int gmb_ring_alloc_pages(struct gmb_ring *ring, u32 n)
{
	ring->pages = kvcalloc(n, sizeof(*ring->pages), GFP_KERNEL_ACCOUNT);
	if (!ring->pages)
		return -ENOMEM;
	for (ring->npages = 0; ring->npages < n; ring->npages++) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

		if (!page) {
			gmb_ring_free_pages(ring);
			return -ENOMEM;
		}
		ring->pages[ring->npages] = page;
	}
	return 0;
}

/**
 * gmb_ring_init() - allocate the rings
 * @ring:  [out] ring
 * @setup: [in/out] sizes, checked here; offsets are filled in
 *
 * Context: process; may sleep.
 * Return: 0; -EINVAL a size out of range; -ENOMEM.
 */
int gmb_ring_init(struct gmb_ring *ring, struct gmb_ioc_setup *setup)
{
	void *mem;
	int ret;

	if (!is_power_of_2(setup->sq_entries) ||
	    !is_power_of_2(setup->cq_entries) ||
	    setup->sq_entries > GMB_RING_MAX_SQ ||
	    setup->cq_entries > GMB_RING_MAX_CQ ||
	    setup->cq_entries < GMB_RING_MIN_CQ)
		return -EINVAL;

	ret = gmb_ring_alloc_pages(ring, gmb_ring_layout(setup) >> PAGE_SHIFT);
	if (ret)
		return ret;
	mem = vmap(ring->pages, ring->npages, VM_MAP, PAGE_KERNEL);
	if (!mem) {
		gmb_ring_free_pages(ring);
		return -ENOMEM;
	}
	ring->shared = mem;
	ring->sq = mem + setup->sq_off;
	ring->cq = mem + setup->cq_off;
	if (setup->stamp_off)
		ring->stamps = mem + setup->stamp_off;
	ring->sq_mask = setup->sq_entries - 1;
	ring->cq_mask = setup->cq_entries - 1;
	ring->cq_limit = setup->cq_entries;
	return 0;
}

/**
 * gmb_ring_fini() - free the rings
 * @ring: ring; NULL fields are fine. Nobody may post or wake any more.
 *
 * Context: process; may sleep.
 */
void gmb_ring_fini(struct gmb_ring *ring)
{
	if (!ring->shared)
		return;
	vunmap(ring->shared);
	ring->shared = NULL;
	/* A setup that failed may be tried again, without them. */
	ring->stamps = NULL;
	gmb_ring_free_pages(ring);
}

/**
 * gmb_ring_map() - put the rings into a program's address space
 * @ring: ring
 * @vma:  area that the program wants them in
 *
 * Context: under mmap_lock.
 * Return: 0; -EINVAL offset, size or kind of mapping; -ENOMEM.
 */
int gmb_ring_map(struct gmb_ring *ring, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || !(vma->vm_flags & VM_SHARED) ||
	    vma->vm_flags & VM_EXEC || vma_pages(vma) != ring->npages)
		return -EINVAL;
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
		     VM_MAYEXEC);
	return vm_map_pages(vma, ring->pages, ring->npages);
}

/**
 * gmb_ring_refill() - look how far the program has read
 * @ring: ring
 * @n:    completions to find room for
 *
 * A cq_head that cannot be counts as a full ring.
 *
 * Return: whether n completions have room now.
 */
bool gmb_ring_refill(struct gmb_ring *ring, u32 n)
{
	/* Acquire: the program has read the entries that are written next. */
	u32 head = smp_load_acquire(&ring->shared->cq_head);
	u32 used = ring->cq_tail - head;

	if (used <= ring->cq_mask + 1) {
		ring->cq_limit = head + ring->cq_mask + 1;
		if (ring->cq_limit - ring->cq_tail >= n)
			return true;
	}
	ring->refused = true;
	return false;
}
