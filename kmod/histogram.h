/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Log-linear histograms of nanoseconds, as <linux/giambio_netlink.h> describes
 * them: one for each stage of a wakeup, of a context or of a registered task.
 *
 * One thread adds, under its context's lock; anybody who knows that they are
 * not freed may read at the same time, each number for itself.
 */
#ifndef GMB_HISTOGRAM_H
#define GMB_HISTOGRAM_H

#include <linux/giambio_netlink.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>

struct gmb_histogram {
	u64	beyond;	/* values that their bucket could not count any more */
	u64	sum;
	u64	max;
	u32	bucket[GMB_NL_BUCKETS];
};

struct gmb_histograms {
	u32			epoch;	/* resets seen; the owner's */
	struct gmb_histogram	stage[__GMB_NL_STAGE_MAX];
};

struct gmb_histograms *gmb_histograms_new(void);
void gmb_histograms_free(struct gmb_histograms *h);
void gmb_histograms_clear(struct gmb_histograms *h);
u64 gmb_histogram_count(const struct gmb_histogram *h);
u32 gmb_histogram_list(const struct gmb_histogram *h,
		       struct gmb_nl_bucket *list, u32 n);
int gmb_histogram_global_init(void);
void gmb_histogram_global_fini(void);

/* Where the last bucket begins. */
#define GMB_HISTOGRAM_TOP	(1ULL << 40)

/* Readers take each number as they find it: single instructions will do. */
static inline void __gmb_histogram_count(struct gmb_histogram *h,
					 unsigned long index)
{
	u32 *bucket = &h->bucket[index];

	if (unlikely(data_race(!++*bucket))) {
		WRITE_ONCE(*bucket, U32_MAX);
		data_race(h->beyond++);
	}
}

/**
 * gmb_histogram_add() - count a value
 * @h:  histogram; the context's lock is held
 * @ns: value
 */
static inline void gmb_histogram_add(struct gmb_histogram *h, u64 ns)
{
	unsigned long shift, index;

	/* Both ends by one comparison. */
	if (likely(ns - 16 < GMB_HISTOGRAM_TOP - 16)) {
		shift = __fls(ns) - 4;
		index = 16 * shift + (ns >> shift);
	} else {
		index = min_t(u64, ns, GMB_NL_BUCKETS - 1);
	}
	__gmb_histogram_count(h, index);
	data_race(h->sum += ns);
	if (unlikely(ns > h->max))
		WRITE_ONCE(h->max, ns);
}

/* The same for the value 0. */
static inline void gmb_histogram_add_zero(struct gmb_histogram *h)
{
	__gmb_histogram_count(h, 0);
}

#endif /* GMB_HISTOGRAM_H */
