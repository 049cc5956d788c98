/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Histograms: those of a loop's page and those of the kernel have the same
 * buckets, 16 for each power of two (the kernel's end earlier), so a value is
 * known to 1/16.
 */
#ifndef TOOLS_COMMON_HISTOGRAM_H
#define TOOLS_COMMON_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>
#include <giambio/page.h>

#define HISTOGRAM_BUCKETS	GMB_HISTOGRAM_BUCKETS

/**
 * struct histogram - how often a value occurred
 * @count:   values in all
 * @sum:     their sum
 * @max:     the greatest
 * @buckets: how many of each; see gmb_histogram_bucket()
 */
struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Count one value. */
void histogram_add(struct histogram *h, uint64_t value);

/* Add what another has counted. */
void histogram_merge(struct histogram *h, const struct histogram *other);

/*
 * Take a picture of a histogram in a page, which changes while it is read: the
 * count is made that of the buckets.
 */
void histogram_read(struct histogram *h, const struct gmb_histogram *page);

/*
 * Leave what was counted since an earlier picture. The greatest value of that
 * time is then known only to its bucket. A histogram that was emptied meanwhile
 * is left as it is.
 */
void histogram_since(struct histogram *h, const struct histogram *before);

/**
 * histogram_percentile() - the value below which a share of the values lies
 * @h:     the histogram
 * @share: from 0 to 1; 1 is the greatest value
 *
 * Return: the middle of the bucket, so within 1/32; 0 if nothing was counted.
 */
uint64_t histogram_percentile(const struct histogram *h, double share);

/* The mean, exact; 0 if nothing was counted. */
double histogram_mean(const struct histogram *h);

/* The least and the greatest value that a bucket counts. */
uint64_t histogram_low(unsigned int bucket);
uint64_t histogram_high(unsigned int bucket);

#endif
