/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * connections: what an event costs beside more and more connections on which
 * nothing happens, each with a task that waits for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "gmblat/crowd.h"
#include "gmblat/loop.h"
#include "gmblat/measure.h"
#include "gmblat/source.h"

#define IDLE_MAX	1000000
/* Descriptors that the process needs beside the idle connections. */
#define OTHERS		64

/**
 * struct connections - a run
 * @run:     see there
 * @measure: see there
 * @crowd:   the idle ones
 * @idle:    a socket for each of them
 * @stream:  the one that is not idle
 * @source:  what makes its events
 */
struct connections {
	struct run *run;
	struct measure measure;
	struct crowd crowd;
	struct gmb_socket *idle;
	struct stream stream;
	struct source source;
};

/* Memory of the process, bytes. */
static int64_t memory_now(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%*s %ld", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

static intptr_t wait_idle(void *arg)
{
	char byte;

	return gmb_receive(arg, &byte, 1);
}

/* A task for each, and all of them parked in the backend. */
static int start_idle(struct connections *c, struct gmb_manager *m)
{
	struct gmb_spawn_opts opts = { .stack_size = 16384 };
	int64_t i, before = memory_now();
	int rc = 0;

	for (i = 0; i < c->crowd.count && !rc; i++) {
		rc = gmb_socket_wrap(&c->idle[i], c->crowd.fds[i]);
		if (!rc)
			rc = gmb_spawn_with(m, &opts, wait_idle, &c->idle[i],
					    NULL);
		if (!rc && i % 100 == 99)
			rc = gmb_yield();
	}
	if (!rc)
		rc = gmb_sleep(SOURCE_PAUSE);
	if (c->crowd.count)
		c->run->out->memory = (memory_now() - before) / c->crowd.count;
	return rc;
}

static int measure_one(struct connections *c)
{
	int rc = stream_wrap(&c->stream);

	if (!rc)
		rc = source_start(&c->source);
	if (!rc)
		rc = measure_stream(&c->measure, &c->stream,
				    &c->run->out->latency);
	return rc;
}

static intptr_t connections_main(void *arg)
{
	struct connections *c = arg;
	intptr_t rc = 0;
	int result = 0, ended;
	int64_t i;

	gmb_manager(m, rc) {
		result = start_idle(c, m);
		if (!result)
			result = measure_one(c);
		ended = source_end(&c->source, c->run->out);
		if (!result)
			result = ended;
		gmb_manager_cancel(m);
	}
	for (i = 0; i < c->crowd.count; i++)
		gmb_socket_close(&c->idle[i]);
	stream_close(&c->stream);
	return result ? result : rc;
}

/* How many connections there can be; says so when they are fewer. */
static int64_t bound(struct run *run, int64_t wanted)
{
	int64_t limit = crowd_limit();

	if (wanted + OTHERS <= limit)
		return wanted;
	snprintf(run->out->why, sizeof(run->out->why),
		 "only %lld connections: the limit of open files is %lld (ulimit -n)",
		 (long long)(limit - OTHERS), (long long)limit);
	run->out->reached = limit - OTHERS;
	return limit - OTHERS;
}

static int run_crowd(struct connections *c, int64_t wanted)
{
	struct run *run = c->run;
	int64_t count = bound(run, wanted);
	intptr_t rc;
	int error;

	error = crowd_open(&c->crowd, run->lat_case->kind, count);
	if (error) {
		run->out->reached = c->crowd.count;
		snprintf(run->out->why, sizeof(run->out->why),
			 "only %lld connections: the system gave no more (%s)",
			 (long long)c->crowd.count, gmb_strerror(error));
	}
	c->idle = calloc((size_t)count + 1, sizeof(*c->idle));
	if (!c->idle)
		return fail(run, -ENOMEM, "no sockets");
	rc = loop_run(run, connections_main, c);
	free(c->idle);
	if (rc) {
		run->out->why[0] = '\0';
		return fail(run, (int)rc, "the loop ended early");
	}
	return 0;
}

static int connections_run(struct run *run)
{
	struct connections c = { .run = run };
	int rc;

	measure_init(&c.measure, run);
	source_init(&c.source, run, &c.stream, 1);
	rc = stream_open(&c.stream, run->lat_case->kind, c.source.events);
	if (rc)
		return fail(run, rc, "the events have no way");
	rc = run_crowd(&c, case_parameter(run->lat_case, "connections"));
	crowd_close(&c.crowd);
	return rc;
}

static int connections_prepare(const struct settings *settings,
			       struct lat_case *cases)
{
	static const struct list usual = {
		6, { 1, 10, 100, 1000, 10000, 100000 }
	};
	struct list idle = list_or(settings->counts, usual);
	unsigned int unix_kind = 1u << KIND_UNIX;
	unsigned int kinds = kinds_or(settings, unix_kind | 1u << KIND_TCP,
				      unix_kind);
	struct lat_case *c;
	unsigned int i;
	int count = 0, kind;

	for (kind = 0; kind < KIND_COUNT; kind++) {
		for (i = 0; i < idle.count && kinds & 1u << kind; i++) {
			if (idle.values[i] > IDLE_MAX)
				return -EINVAL;
			c = case_add(cases, &count, &experiment_connections,
				     "%s, %lld idle", kind_names[kind],
				     (long long)idle.values[i]);
			c->kind = kind;
			c->parameters[0] = parameter_of("connections",
							idle.values[i]);
		}
	}
	return count ? count : -EINVAL;
}

const struct experiment experiment_connections = {
	.name = "connections",
	.title = "an event on one connection beside idle ones",
	.metrics = METRIC_CPU | METRIC_MEMORY,
	.axis = "idle connections",
	.prepare = connections_prepare,
	.run = connections_run,
};
