/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * batch: what slack buys, and what it costs. Several tasks receive a bulk
 * transfer and have slack; one task beside them has none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/units.h"
#include "gmblat/loop.h"
#include "gmblat/measure.h"
#include "gmblat/source.h"

#define STREAMS_MAX	1024
/* Of so many events one is urgent. */
#define URGENT		20
/* Events come this much closer than elsewhere. */
#define DENSITY		20

/**
 * struct batch - a run
 * @run:     see there
 * @measure: counts all streams together
 * @slack:   of the bulk streams, ns
 * @count:   how many streams; the last one is urgent
 * @streams: they
 * @source:  what makes the events
 */
struct batch {
	struct run *run;
	struct measure measure;
	int64_t slack;
	unsigned int count;
	struct stream *streams;
	struct source source;
};

/* What a task gets to know. */
struct receiver {
	struct batch *batch;
	struct stream *stream;
	struct gmb_manager *manager;
};

/* Who counts the last event ends the others. */
static intptr_t receive(void *arg)
{
	struct receiver *r = arg;
	struct batch *batch = r->batch;
	bool urgent = r->stream == &batch->streams[batch->count - 1];
	struct outcome *out = batch->run->out;
	int rc;

	rc = gmb_task_set_slack(gmb_self(), urgent ? 0 : batch->slack);
	if (!rc)
		rc = measure_stream(&batch->measure, r->stream,
				    urgent ? &out->urgent : &out->latency);
	if (!rc)
		gmb_manager_cancel(r->manager);
	return rc;
}

static intptr_t batch_main(void *arg)
{
	struct batch *batch = arg;
	struct gmb_spawn_opts opts = { .copy_size = sizeof(struct receiver) };
	struct receiver r = { .batch = batch };
	intptr_t rc = 0, ended;
	unsigned int i;

	gmb_manager(m, rc) {
		r.manager = m;
		for (i = 0; i < batch->count && !rc; i++) {
			r.stream = &batch->streams[i];
			rc = stream_wrap(r.stream);
			if (!rc)
				rc = gmb_spawn_with(m, &opts, receive, &r,
						    NULL);
		}
		if (!rc)
			rc = source_start(&batch->source);
	}
	ended = source_end(&batch->source, batch->run->out);
	return rc ? rc : ended;
}

static int run_streams(struct batch *batch)
{
	struct run *run = batch->run;
	intptr_t rc = 0;
	unsigned int i, opened;

	for (opened = 0; opened < batch->count && !rc; opened++)
		rc = stream_open(&batch->streams[opened], run->lat_case->kind,
				 batch->source.events);
	if (rc)
		fail(run, (int)rc, "the events have no way");
	else
		rc = loop_run(run, batch_main, batch);
	for (i = 0; i < opened; i++)
		stream_close(&batch->streams[i]);
	return rc ? fail(run, (int)rc, "the loop ended early") : 0;
}

static int batch_run(struct run *run)
{
	struct settings dense = *run->settings;
	struct run mine = *run;
	struct batch batch = {
		.run = &mine,
		.slack = case_parameter(run->lat_case, "slack_ns"),
		.count = 1 + (unsigned int)case_parameter(run->lat_case,
							  "streams"),
	};
	int rc;

	if (batch.slack && strcmp(run->backend, "kmod")) {
		snprintf(run->out->why, sizeof(run->out->why),
			 "only the module can hold back the events of some tasks of a loop: slack has no effect");
		run->out->state = OUTCOME_SKIPPED;
		return 0;
	}
	dense.interval = dense.interval / DENSITY + 1;
	dense.events *= DENSITY;
	dense.warmup *= DENSITY;
	mine.settings = &dense;
	measure_init(&batch.measure, &mine);
	batch.streams = calloc(batch.count, sizeof(*batch.streams));
	if (!batch.streams)
		return fail(run, -ENOMEM, "no streams");
	source_init(&batch.source, &mine, batch.streams, batch.count);
	batch.source.urgent = URGENT;
	rc = run_streams(&batch);
	free(batch.streams);
	return rc;
}

static int batch_prepare(const struct settings *settings,
			 struct lat_case *cases)
{
	static const struct list usual_slacks = {
		.count = 8,
		.values = { 0, 50 * US, 100 * US, 200 * US, 500 * US, MS,
			    2 * MS, 5 * MS },
	};
	static const struct list usual_streams = { 1, { 16 } };
	struct list slacks = list_or(settings->slacks, usual_slacks);
	struct list streams = list_or(settings->counts, usual_streams);
	unsigned int kinds = kinds_or(settings, 1u << KIND_PIPE |
				      1u << KIND_UNIX | 1u << KIND_TCP,
				      1u << KIND_UNIX);
	int count = 0, kind = __builtin_ctz(kinds | 1u << KIND_COUNT);
	char text[UNITS_SIZE];
	struct lat_case *c;
	unsigned int i;

	if (kind == KIND_COUNT || streams.count != 1 ||
	    streams.values[0] < 1 || streams.values[0] > STREAMS_MAX)
		return -EINVAL;
	for (i = 0; i < slacks.count; i++) {
		if (slacks.values[i] > GMB_SLACK_MAX_NS)
			return -EINVAL;
		c = case_add(cases, &count, &experiment_batch, "slack %s",
			     units_time(text, slacks.values[i]));
		c->kind = kind;
		c->parameters[0] = parameter_of("slack_ns", slacks.values[i]);
		c->parameters[1] = parameter_of("streams", streams.values[0]);
	}
	return count;
}

const struct experiment experiment_batch = {
	.name = "batch",
	.title = "a bulk transfer whose tasks have slack, beside one urgent task",
	.metrics = METRIC_EVENTS_PER_S | METRIC_SLEEPS_PER_S | METRIC_CPU |
		   METRIC_URGENT,
	.axis = "slack (at the left: none)",
	.prepare = batch_prepare,
	.run = batch_run,
};
