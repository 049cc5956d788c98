/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * timers: how late sleepers wake, the more of them there are.
 */
#include <errno.h>
#include "common/units.h"
#include "gmblat/loop.h"
#include "gmblat/measure.h"
#include "gmblat/random.h"
#include "gmblat/source.h"

#define SLEEPERS_MAX	1000000
/* Timers fire this often at most, on average, or the loop would be all there
 * is to see. */
#define SPACING		(50 * US)

/**
 * struct timers - a run
 * @run:      see there
 * @measure:  counts all sleepers together
 * @sleepers: how many
 * @span:     mean time that they sleep, ns
 * @begin:    when all of them have been asleep for a while; GMB_NEVER before
 * @random:   of all of them
 * @manager:  where they live
 */
struct timers {
	struct run *run;
	struct measure measure;
	int64_t sleepers;
	int64_t span;
	int64_t begin;
	uint64_t random;
	struct gmb_manager *manager;
};

static intptr_t sleeper(void *arg)
{
	struct timers *timers = arg;
	struct outcome *out = timers->run->out;
	int64_t due, now;
	int rc;

	do {
		due = units_now() + random_span(&timers->random, timers->span);
		rc = gmb_sleep_until(due);
		now = units_now();
		if (rc)
			return rc;
		if (now < due)
			out->early++;
		if (due >= timers->begin)
			measure_event(&timers->measure, &out->latency,
				      now - due);
	} while (!measure_is_over(&timers->measure));
	gmb_manager_cancel(timers->manager);
	return 0;
}

static intptr_t timers_main(void *arg)
{
	struct gmb_spawn_opts opts = { .stack_size = 16384 };
	struct timers *timers = arg;
	intptr_t rc = 0;
	int64_t i;

	gmb_manager(m, rc) {
		timers->manager = m;
		for (i = 0; i < timers->sleepers && !rc; i++)
			rc = gmb_spawn_with(m, &opts, sleeper, timers, NULL);
		/* While they all begin the loop is busier than afterwards. */
		timers->begin = units_now() + timers->span + SOURCE_PAUSE;
	}
	return rc;
}

static int timers_run(struct run *run)
{
	struct settings dense = *run->settings;
	struct run mine = *run;
	struct timers timers = {
		.run = &mine,
		.begin = GMB_NEVER,
		.random = run->seed,
		.sleepers = case_parameter(run->lat_case, "sleepers"),
	};
	uint64_t density;
	intptr_t rc;

	timers.span = timers.sleepers * SPACING;
	if (timers.span < dense.interval)
		timers.span = dense.interval;
	/* More events, so that it goes on for as long as with one sleeper. */
	density = (uint64_t)(timers.sleepers * dense.interval / timers.span);
	dense.events *= density ? density : 1;
	dense.warmup *= density ? density : 1;
	mine.settings = &dense;
	measure_init(&timers.measure, &mine);
	rc = loop_run(run, timers_main, &timers);
	return rc ? fail(run, (int)rc, "the loop ended early") : 0;
}

static int timers_prepare(const struct settings *settings,
			  struct lat_case *cases)
{
	static const struct list usual = { 3, { 1, 100, 10000 } };
	struct list sleepers = list_or(settings->counts, usual);
	struct lat_case *c;
	unsigned int i;
	int count = 0;

	for (i = 0; i < sleepers.count; i++) {
		if (sleepers.values[i] < 1 || sleepers.values[i] > SLEEPERS_MAX)
			return -EINVAL;
		c = case_add(cases, &count, &experiment_timers,
			     "%lld sleeper%s", (long long)sleepers.values[i],
			     sleepers.values[i] == 1 ? "" : "s");
		c->kind = KIND_TIMER;
		c->parameters[0] = parameter_of("sleepers", sleepers.values[i]);
	}
	return count;
}

const struct experiment experiment_timers = {
	.name = "timers",
	.title = "from the moment for which a sleep was set to its end",
	.metrics = METRIC_EVENTS_PER_S | METRIC_CPU | METRIC_EARLY,
	.axis = "sleepers",
	.prepare = timers_prepare,
	.run = timers_run,
};
