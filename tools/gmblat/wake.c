/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * wake: one task in an otherwise idle loop waits for one thing.
 *
 * load: the same while neighbours keep the loop busy, or hogs the processors.
 */
#include <errno.h>
#include <pthread.h>
#include "common/units.h"
#include "gmblat/loop.h"
#include "gmblat/measure.h"
#include "gmblat/random.h"
#include "gmblat/source.h"

/* Of how much of its time a task that holds the loop does so: one part in. */
#define HOLD_SHARE	10
#define HOGS_MAX	64

/**
 * struct wake - a run
 * @run:     see there
 * @measure: see there
 * @stream:  what the task waits for, unless that is time
 * @source:  what makes the events
 * @over:    the hogs are to end; atomic
 */
struct wake {
	struct run *run;
	struct measure measure;
	struct stream stream;
	struct source source;
	bool over;
};

/* Points in time, which nobody has to make. */
static int measure_timers(struct wake *wake)
{
	uint64_t random = wake->run->seed;
	int64_t due = units_now() + SOURCE_PAUSE, now;
	int rc = 0;

	while (!rc && !measure_is_over(&wake->measure)) {
		due += random_span(&random, wake->run->settings->interval);
		rc = gmb_sleep_until(due);
		now = units_now();
		if (now < due)
			wake->run->out->early++;
		measure_event(&wake->measure, &wake->run->out->latency,
			      now - due);
	}
	return rc;
}

static int measure_events(struct wake *wake)
{
	int rc;

	if (wake->stream.kind == KIND_TIMER)
		return measure_timers(wake);
	rc = stream_wrap(&wake->stream);
	if (!rc)
		rc = source_start(&wake->source);
	if (!rc)
		rc = measure_stream(&wake->measure, &wake->stream,
				    &wake->run->out->latency);
	return rc;
}

static intptr_t wake_main(void *arg)
{
	struct wake *wake = arg;
	int rc = measure_events(wake), ended;

	ended = source_end(&wake->source, wake->run->out);
	stream_close(&wake->stream);
	return rc ? rc : ended;
}

static void wake_init(struct wake *wake, struct run *run)
{
	*wake = (struct wake){ .run = run };
	measure_init(&wake->measure, run);
	source_init(&wake->source, run, &wake->stream, 1);
}

static int run_loop(struct wake *wake, gmb_task_fn fn)
{
	struct run *run = wake->run;
	intptr_t rc;

	rc = stream_open(&wake->stream, run->lat_case->kind,
			 wake->source.events);
	if (rc)
		return fail(run, (int)rc, "the events have no way");
	rc = loop_run(run, fn, wake);
	return rc ? fail(run, (int)rc, "the loop ended early") : 0;
}

static int wake_run(struct run *run)
{
	struct wake wake;

	wake_init(&wake, run);
	return run_loop(&wake, wake_main);
}

#define WAKE_KINDS	(1u << KIND_PIPE | 1u << KIND_EVENTFD | \
			 1u << KIND_UNIX | 1u << KIND_TCP | 1u << KIND_TIMER)

static int wake_prepare(const struct settings *settings, struct lat_case *cases)
{
	unsigned int kinds = kinds_or(settings, WAKE_KINDS, WAKE_KINDS);
	int count = 0, kind;

	for (kind = 0; kind < KIND_COUNT; kind++) {
		if (kinds & 1u << kind)
			case_add(cases, &count, &experiment_wake, "%s",
				 kind_names[kind])->kind = kind;
	}
	return count ? count : -EINVAL;
}

const struct experiment experiment_wake = {
	.name = "wake",
	.title = "from an event to the one task that waits for it",
	.metrics = METRIC_CPU,
	.prepare = wake_prepare,
	.run = wake_run,
};

/* Neighbours are ready all the time: they work for a while and give way. */
static intptr_t neighbour(void *arg)
{
	const struct wake *wake = arg;
	int rc = 0;

	while (!rc) {
		spin(wake->run->settings->work);
		rc = gmb_yield();
	}
	return rc;
}

static intptr_t holder(void *arg)
{
	const struct wake *wake = arg;
	int64_t hold = wake->run->settings->hold;
	int rc = 0;

	while (!rc) {
		spin(hold);
		rc = gmb_sleep((HOLD_SHARE - 1) * hold);
	}
	return rc;
}

static void *hog(void *arg)
{
	const struct wake *wake = arg;

	while (!__atomic_load_n(&wake->over, __ATOMIC_RELAXED))
		spin(10 * US);
	return NULL;
}

static intptr_t load_main(void *arg)
{
	struct wake *wake = arg;
	const struct lat_case *c = wake->run->lat_case;
	int64_t i, neighbours = case_parameter(c, "neighbours");
	intptr_t rc = 0, result = 0;

	gmb_manager(m, rc) {
		for (i = 0; i < neighbours; i++)
			gmb_spawn_forget(m, neighbour, wake);
		if (wake->run->settings->hold)
			gmb_spawn_forget(m, holder, wake);
		result = wake_main(wake);
		gmb_manager_cancel(m);
	}
	return result ? result : rc;
}

static int load_run(struct run *run)
{
	int64_t hogs = case_parameter(run->lat_case, "hogs"), started;
	pthread_t threads[HOGS_MAX];
	struct wake wake;
	int rc = 0;

	wake_init(&wake, run);
	for (started = 0; started < hogs && !rc; started += !rc)
		rc = -pthread_create(&threads[started], NULL, hog, &wake);
	if (rc)
		fail(run, rc, "a hog could not be started");
	else
		rc = run_loop(&wake, load_main);
	__atomic_store_n(&wake.over, true, __ATOMIC_RELAXED);
	while (started-- > 0)
		pthread_join(threads[started], NULL);
	return rc;
}

static void add_load(struct lat_case *cases, int *count, int kind,
		     int64_t neighbours, int64_t hogs)
{
	struct lat_case *c;

	c = case_add(cases, count, &experiment_load,
		     "%s, %lld neighbour%s, %lld hog%s", kind_names[kind],
		     (long long)neighbours, neighbours == 1 ? "" : "s",
		     (long long)hogs, hogs == 1 ? "" : "s");
	c->kind = kind;
	c->parameters[0] = parameter_of("neighbours", neighbours);
	c->parameters[1] = parameter_of("hogs", hogs);
}

/* Neighbours one by one, then the hogs: what each of them does alone. */
static int load_prepare(const struct settings *settings, struct lat_case *cases)
{
	static const struct list usual_neighbours = { 4, { 0, 1, 10, 100 } };
	static const struct list usual_hogs = { 2, { 1, 2 } };
	struct list neighbours = list_or(settings->counts, usual_neighbours);
	struct list hogs = list_or(settings->hogs, usual_hogs);
	unsigned int kinds = kinds_or(settings, WAKE_KINDS, 1u << KIND_UNIX);
	unsigned int i;
	int count = 0, kind;

	for (i = 0; i < hogs.count; i++) {
		if (hogs.values[i] > HOGS_MAX)
			return -EINVAL;
	}
	for (kind = 0; kind < KIND_COUNT; kind++) {
		if (!(kinds & 1u << kind))
			continue;
		for (i = 0; i < neighbours.count; i++)
			add_load(cases, &count, kind, neighbours.values[i], 0);
		for (i = 0; i < hogs.count; i++) {
			if (hogs.values[i])
				add_load(cases, &count, kind, 0,
					 hogs.values[i]);
		}
	}
	return count ? count : -EINVAL;
}

const struct experiment experiment_load = {
	.name = "load",
	.title = "the same beside busy neighbours in the loop, and beside hog threads",
	.metrics = METRIC_CPU,
	.prepare = load_prepare,
	.run = load_run,
};
