/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The source: a thread without a loop that puts events into streams, at random
 * moments that were fixed beforehand.
 */
#ifndef TOOLS_GMBLAT_SOURCE_H
#define TOOLS_GMBLAT_SOURCE_H

#include <pthread.h>
#include "gmblat/lat.h"
#include "gmblat/stream.h"

/* From the start to the first event: until then everybody waits. */
#define SOURCE_PAUSE	(20 * MS)

/**
 * struct source - see above
 * @thread:   runs while @running
 * @streams:  which of them an event goes to is a matter of chance
 * @count:    how many streams there are
 * @urgent:   0, or: of so many events one goes to the last stream, and no
 *	others do
 * @events:   how many it makes
 * @interval: mean time between two, ns
 * @seed:     of the moments
 * @late:     how late it was itself, not counting what it was kept waiting
 * @blocked:  events that found no room
 * @error:    0; -errno that ended it
 * @running:  it was started
 * @stop:     it is to end
 */
struct source {
	pthread_t thread;
	struct stream *streams;
	unsigned int count;
	unsigned int urgent;
	uint64_t events;
	int64_t interval;
	uint64_t seed;
	struct histogram late;
	uint64_t blocked;
	int error;
	bool running;
	bool stop;
};

/* One for a run: as many events as it counts. */
void source_init(struct source *source, const struct run *run,
		 struct stream *streams, unsigned int count);

/* Returns 0 or -errno. */
int source_start(struct source *source);

/* Let it end, and hand what it knows to the outcome. Returns its error. */
int source_end(struct source *source, struct outcome *out);

/* Sleep until a point in time, to the microsecond if the kernel can. */
void sleep_until(int64_t when);

#endif
