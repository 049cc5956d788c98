/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include "common/units.h"
#include "gmblat/random.h"
#include "gmblat/source.h"

void sleep_until(int64_t when)
{
	struct timespec t = { when / SEC, when % SEC };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) ==
	       EINTR)
		;
}

void source_init(struct source *source, const struct run *run,
		 struct stream *streams, unsigned int count)
{
	*source = (struct source){
		.streams = streams,
		.count = count,
		.events = run->settings->warmup + run->settings->events,
		.interval = run->settings->interval,
		.seed = run->seed,
	};
}

static struct stream *choose(const struct source *source, uint64_t *random)
{
	unsigned int count = source->count;

	if (source->urgent) {
		count--;
		if (!random_below(random, source->urgent))
			return &source->streams[count];
	}
	return &source->streams[count > 1 ? random_below(random, count) : 0];
}

/*
 * The moments do not depend on how long anything takes: if the source is late
 * it goes on at once until it has caught up.
 */
static int make_events(struct source *source)
{
	int64_t due = units_now() + SOURCE_PAUSE, now, late;
	uint64_t random = source->seed, i;
	struct stream *stream;
	int rc = 0;

	for (i = 0; i < source->events && !rc; i++) {
		due += random_span(&random, source->interval);
		if (due > units_now())
			sleep_until(due);
		if (__atomic_load_n(&source->stop, __ATOMIC_RELAXED))
			break;
		stream = choose(source, &random);
		now = units_now();
		late = now - due;
		if (stream->unblocked <= due)
			histogram_add(&source->late,
				      late > 0 ? (uint64_t)late : 0);
		rc = stream_put(stream, due, &source->blocked);
	}
	return rc;
}

static void *run_source(void *arg)
{
	struct source *source = arg;

	/* The default is to let every sleep be 50 us longer. */
	prctl(PR_SET_TIMERSLACK, 1);
	source->error = make_events(source);
	return NULL;
}

int source_start(struct source *source)
{
	int rc = pthread_create(&source->thread, NULL, run_source, source);

	source->running = !rc;
	return -rc;
}

int source_end(struct source *source, struct outcome *out)
{
	if (!source->running)
		return 0;
	__atomic_store_n(&source->stop, true, __ATOMIC_RELAXED);
	pthread_join(source->thread, NULL);
	source->running = false;
	histogram_merge(&out->late, &source->late);
	out->blocked += source->blocked;
	return source->error;
}
