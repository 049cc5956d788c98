/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * backends: a few cases of every other experiment, so that the backends stand
 * side by side.
 */
#include <errno.h>
#include "gmblat/loop.h"
#include "gmblat/stream.h"

static struct lat_case *add(struct lat_case *cases, int *count,
			    const struct experiment *as, int kind,
			    const char *name)
{
	struct lat_case *c = case_add(cases, count, as, "%s", name);

	c->kind = kind;
	return c;
}

static int backends_prepare(const struct settings *settings,
			    struct lat_case *cases)
{
	struct lat_case *c;
	int count = 0;

	(void)settings;
	add(cases, &count, &experiment_wake, KIND_UNIX, "wake, unix");
	add(cases, &count, &experiment_wake, KIND_TCP, "wake, tcp");
	add(cases, &count, &experiment_wake, KIND_TIMER, "wake, timer");
	c = add(cases, &count, &experiment_load, KIND_UNIX,
		"load, 10 neighbours");
	c->parameters[0] = parameter_of("neighbours", 10);
	add(cases, &count, &experiment_cross, KIND_MAILBOX,
	    "cross, mailbox");
	c = add(cases, &count, &experiment_cross, KIND_UNIX,
		"cross, processes");
	c->elsewhere = true;
	c = add(cases, &count, &experiment_connections, KIND_UNIX,
		"connections, 1000 idle");
	c->parameters[0] = parameter_of("connections", 1000);
	c = add(cases, &count, &experiment_batch, KIND_UNIX, "batch, no slack");
	c->parameters[0] = parameter_of("slack_ns", 0);
	c->parameters[1] = parameter_of("streams", 16);
	c = add(cases, &count, &experiment_batch, KIND_UNIX,
		"batch, slack 1 ms");
	c->parameters[0] = parameter_of("slack_ns", MS);
	c->parameters[1] = parameter_of("streams", 16);
	return count;
}

static int backends_run(struct run *run)
{
	return run->lat_case->as->run(run);
}

const struct experiment experiment_backends = {
	.name = "backends",
	.title = "some of each experiment, the backends side by side",
	.metrics = METRIC_CPU | METRIC_SLEEPS_PER_S,
	.summary = true,
	.prepare = backends_prepare,
	.run = backends_run,
};

const struct experiment *const experiments[] = {
	&experiment_wake, &experiment_load, &experiment_batch,
	&experiment_cross, &experiment_timers, &experiment_connections,
	&experiment_backends, NULL,
};
