/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <math.h>
#include <string.h>
#include "common/histogram.h"

uint64_t histogram_low(unsigned int bucket)
{
	return gmb_histogram_value(bucket);
}

uint64_t histogram_high(unsigned int bucket)
{
	return bucket + 1 < HISTOGRAM_BUCKETS ?
		       gmb_histogram_value(bucket + 1) - 1 :
		       UINT64_MAX;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->count++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
	h->buckets[gmb_histogram_bucket(value)]++;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
	unsigned int i;

	h->count += other->count;
	h->sum += other->sum;
	if (other->max > h->max)
		h->max = other->max;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		h->buckets[i] += other->buckets[i];
}

void histogram_read(struct histogram *h, const struct gmb_histogram *page)
{
	unsigned int i;

	h->count = 0;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		h->buckets[i] = __atomic_load_n(&page->buckets[i],
						__ATOMIC_RELAXED);
		h->count += h->buckets[i];
	}
	h->sum = __atomic_load_n(&page->sum, __ATOMIC_RELAXED);
	h->max = __atomic_load_n(&page->max, __ATOMIC_RELAXED);
}

void histogram_since(struct histogram *h, const struct histogram *before)
{
	unsigned int i, top = 0;

	if (h->count < before->count)
		return;
	h->count = 0;
	h->sum -= before->sum;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		h->buckets[i] -= before->buckets[i];
		h->count += h->buckets[i];
		if (h->buckets[i])
			top = i;
	}
	if (!h->count)
		h->max = 0;
	else if (h->max == before->max && histogram_high(top) < h->max)
		h->max = histogram_high(top);
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
	uint64_t want, seen = 0, low, middle;
	unsigned int i;

	if (!h->count)
		return 0;
	if (share >= 1)
		return h->max;
	want = (uint64_t)ceil(share * (double)h->count);
	if (!want)
		want = 1;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= want)
			break;
	}
	if (i == HISTOGRAM_BUCKETS)
		return h->max;
	low = histogram_low(i);
	middle = low + (histogram_high(i) - low) / 2;
	return middle < h->max ? middle : h->max;
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}
