/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Counting: which events are warm-up, which count, and what the thread did from
 * the first that counts to the last.
 */
#ifndef TOOLS_GMBLAT_MEASURE_H
#define TOOLS_GMBLAT_MEASURE_H

#include "gmblat/lat.h"
#include "gmblat/stream.h"

/**
 * struct measure - a measurement of a loop; belongs to its thread
 * @out:     where to
 * @warmup:  events that do not count
 * @total:   events in all
 * @seen:    events so far
 * @wall:    when the measuring began
 * @cpu:     processor time of the thread at that moment
 * @sleeps:  its sleeps at that moment
 */
struct measure {
	struct outcome *out;
	uint64_t warmup;
	uint64_t total;
	uint64_t seen;
	int64_t wall;
	int64_t cpu;
	uint64_t sleeps;
};

/* Begin with the warm-up. */
void measure_init(struct measure *m, const struct run *run);

/* It has seen what it wanted. */
static inline bool measure_is_over(const struct measure *m)
{
	return m->seen >= m->total;
}

/**
 * measure_event() - count an event
 * @m:       not over, or the event is left out
 * @where:   the histogram, one of @m's outcome
 * @latency: ns
 */
void measure_event(struct measure *m, struct histogram *where, int64_t latency);

/**
 * measure_stream() - take events and count them until all were seen
 * @m:      may be fed by several tasks
 * @stream: handed to the loop
 * @where:  as in measure_event()
 *
 * Context: task only; suspends.
 * Return: 0; -errno.
 */
int measure_stream(struct measure *m, struct stream *stream,
		   struct histogram *where);

/* Keep the processor busy for so long. */
void spin(int64_t ns);

#endif
