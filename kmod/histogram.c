/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/slab.h>

#include "histogram.h"

static struct kmem_cache *histograms_cache;

/**
 * gmb_histograms_new() - empty histograms, charged to the calling process
 *
 * Context: process; may sleep.
 * Return: to be given to gmb_histograms_free(), or NULL without memory.
 */
struct gmb_histograms *gmb_histograms_new(void)
{
	return kmem_cache_zalloc(histograms_cache, GFP_KERNEL_ACCOUNT);
}

/**
 * gmb_histograms_free() - free histograms that nobody reads any more
 * @h: histograms, or NULL
 *
 * Context: any.
 */
void gmb_histograms_free(struct gmb_histograms *h)
{
	if (h)
		kmem_cache_free(histograms_cache, h);
}

/**
 * gmb_histograms_clear() - empty histograms that others may be reading
 * @h: histograms; the context's lock is held
 */
void gmb_histograms_clear(struct gmb_histograms *h)
{
	struct gmb_histogram *s;
	u32 i;

	for (s = h->stage; s < h->stage + __GMB_NL_STAGE_MAX; s++) {
		WRITE_ONCE(s->beyond, 0);
		WRITE_ONCE(s->sum, 0);
		WRITE_ONCE(s->max, 0);
		for (i = 0; i < GMB_NL_BUCKETS; i++)
			WRITE_ONCE(s->bucket[i], 0);
	}
}

/**
 * gmb_histogram_count() - how many values there are
 * @h: histogram
 *
 * Context: any; the histogram may be added to meanwhile.
 */
u64 gmb_histogram_count(const struct gmb_histogram *h)
{
	u64 count = READ_ONCE(h->beyond);
	u32 i;

	for (i = 0; i < GMB_NL_BUCKETS; i++)
		count += READ_ONCE(h->bucket[i]);
	return count;
}

/**
 * gmb_histogram_list() - the buckets that are not empty
 * @h:    histogram
 * @list: [out] room for @n of them, ordered by index; or NULL
 * @n:    room; ignored without @list
 *
 * Context: any; the histogram may be added to meanwhile.
 * Return: how many there are, or were written.
 */
u32 gmb_histogram_list(const struct gmb_histogram *h,
		       struct gmb_nl_bucket *list, u32 n)
{
	u32 i, count, used = 0;

	for (i = 0; i < GMB_NL_BUCKETS; i++) {
		count = READ_ONCE(h->bucket[i]);
		if (!count)
			continue;
		if (list && used == n)
			break;
		if (list)
			list[used] = (struct gmb_nl_bucket){ i, count };
		used++;
	}
	return used;
}

/**
 * gmb_histogram_global_init() - what all histograms share
 *
 * Return: 0 or -ENOMEM.
 */
int gmb_histogram_global_init(void)
{
	histograms_cache = kmem_cache_create("gmb_histograms",
					     sizeof(struct gmb_histograms), 0,
					     SLAB_ACCOUNT, NULL);
	return histograms_cache ? 0 : -ENOMEM;
}

/**
 * gmb_histogram_global_fini() - undo gmb_histogram_global_init(); none is left
 */
void gmb_histogram_global_fini(void)
{
	kmem_cache_destroy(histograms_cache);
}
