/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The loop page's memory: a memfd that holds the counters and all strands.
 *
 * Strands live in the page itself, so keeping the table of tasks costs nothing.
 * Chunks of rows are added as needed and freed with the loop. Where no memfd is
 * to be had the same memory is anonymous, and nobody outside can see it.
 *
 * Who may open the page may write to it, as a debugger may write to the
 * program. Nothing in the head is read back but struct gmb_control, and the
 * seals keep others from shrinking the file, and from sealing it so that it
 * could not grow.
 */
#ifndef GMB_LOOP_PAGE_H
#define GMB_LOOP_PAGE_H

#include "loop/loop.h"

/**
 * gmb__page_init() - make the page of a loop
 * @page:     [out]
 * @row_size: bytes of a task's record, of which the first are its row
 * @name:     shown by the tools
 *
 * Return: 0; -ENOMEM.
 */
int gmb__page_init(struct gmb__page *page, size_t row_size, const char *name);

void gmb__page_fini(struct gmb__page *page);

/*
 * A row of zeros, or of what its last owner has left, with state 0; NULL: no
 * memory.
 */
void *gmb__page_get_row(struct gmb__page *page);

/* Give a row back; its state becomes 0, and its identity is changing. */
void gmb__page_put_row(struct gmb__page *page, void *row);

/*
 * The identity of a row changes between these two. A reader that saw a part of
 * the change sees seq odd, or changed, in its second look: the fence and the
 * release pair with the acquire fences around the reader's copying.
 */
static inline void gmb__row_begin_change(struct gmb_row *row)
{
	__atomic_store_n(&row->seq, row->seq | 1, __ATOMIC_RELAXED);
	gmb__release_fence();
}

static inline void gmb__row_end_change(struct gmb_row *row)
{
	__atomic_store_n(&row->seq, row->seq + 1, __ATOMIC_RELEASE);
}

/*
 * Count a value in a histogram of the page; a negative one is 0. It is done for
 * each step: values that are seldom, negative or tiny, are told apart by one
 * comparison.
 */
static inline void gmb__page_count(struct gmb__page *page, enum gmb_stage stage,
				   gmb_time value)
{
	struct gmb_histogram *h =
		(struct gmb_histogram *)(page->head + 1) + stage;
	uint64_t v = (uint64_t)value;

	h->count++;
	if (gmb__unlikely(v - 16 > INT64_MAX - 16)) {
		v = value < 0 ? 0 : v;
		h->buckets[v]++;
	} else {
		h->buckets[gmb_histogram_bucket(v)]++;
	}
	h->sum += v;
	if (gmb__unlikely(v > h->max))
		h->max = v;
}

/**
 * gmb__page_next_row() - walk the rows in use
 * @page:  the loop's
 * @index: [in,out] 0 at first
 *
 * Return: a row in use, or NULL at the end.
 */
struct gmb_row *gmb__page_next_row(struct gmb__page *page, size_t *index);

#endif
