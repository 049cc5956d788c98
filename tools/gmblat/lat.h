/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * gmblat: experiments about latency, each on every backend.
 *
 * An experiment is a list of cases. Each case is run on each backend, in a
 * process of its own, in rounds, so that all backends see the same weather.
 * What the process measures it leaves in memory that it shares with its parent.
 */
#ifndef TOOLS_GMBLAT_LAT_H
#define TOOLS_GMBLAT_LAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "common/histogram.h"

#define US	INT64_C(1000)
#define MS	INT64_C(1000000)
#define SEC	INT64_C(1000000000)

#define LIST_MAX	16
#define CASES_MAX	32
#define BACKENDS_MAX	3

/**
 * struct list - numbers of an option
 * @count:  0: the option was not given
 * @values: in the order given
 */
struct list {
	unsigned int count;
	int64_t values[LIST_MAX];
};

/**
 * struct settings - what the user chose
 * @events:   measured in each case and round
 * @warmup:   events before those, which do not count
 * @rounds:   how often each case is run on each backend
 * @interval: mean time from one event to the next, ns
 * @seed:     of all random numbers
 * @hold:     load: how long a neighbour holds the loop, ns; 0: there is none
 * @work:     load: how long a step of a neighbour takes, ns
 * @kinds:    an or of 1 << enum kind; 0: those of the experiment
 * @counts:   neighbours, sleepers, streams or connections
 * @hogs:     load: threads that keep a processor busy
 * @slacks:   batch: budgets, ns
 */
struct settings {
	uint64_t events;
	uint64_t warmup;
	unsigned int rounds;
	int64_t interval;
	uint64_t seed;
	int64_t hold;
	int64_t work;
	unsigned int kinds;
	struct list counts;
	struct list hogs;
	struct list slacks;
};

/* A number that tells a case from its neighbours; name NULL: there is none. */
struct parameter {
	const char *name;
	int64_t value;
};

struct experiment;

/**
 * struct lat_case - one line of an experiment
 * @name:       for people
 * @as:         the experiment that it is run as
 * @kind:       enum kind
 * @elsewhere:  the source is another process, not another thread
 * @parameters: see struct parameter
 */
struct lat_case {
	char name[40];
	const struct experiment *as;
	int kind;
	bool elsewhere;
	struct parameter parameters[2];
};

enum outcome_state {
	OUTCOME_NONE,		/* not run, or it died */
	OUTCOME_DONE,
	OUTCOME_SKIPPED,	/* makes no sense here; why says more */
	OUTCOME_FAILED,		/* why says more */
};

/**
 * struct outcome - what the runs of a case on a backend have measured
 * @state:    enum outcome_state
 * @progress: events so far in the run that goes on; written while it is read
 * @why:      a sentence, see @state; for a case that is done, a remark
 * @reached:  connections: how many there were, if fewer than asked for; or 0
 * @latency:  ns
 * @urgent:   batch: those of the task without slack, ns
 * @late:     how late the source was, which does not count as latency, ns
 * @min:      the least latency, exact
 * @events:   what was measured
 * @elapsed:  in that time, ns
 * @cpu:      processor time of the loop's thread in it, ns
 * @sleeps:   how often that thread went to sleep in it
 * @early:    timers that fired before their time
 * @blocked:  events that found no room to be sent; those behind them count
 *	from the moment at which they were due
 * @memory:   connections: bytes of the process per idle connection
 */
struct outcome {
	uint32_t state;
	uint64_t progress;
	char why[200];
	int64_t reached;
	struct histogram latency;
	struct histogram urgent;
	struct histogram late;
	uint64_t min;
	uint64_t events;
	int64_t elapsed;
	int64_t cpu;
	uint64_t sleeps;
	uint64_t early;
	uint64_t blocked;
	int64_t memory;
};

/**
 * struct run - one run of a case, in its process
 * @settings: the user's
 * @lat_case: the case
 * @backend:  for gmb_loop_opts
 * @seed:     the same for every backend
 * @out:      zeroed; to be filled in
 */
struct run {
	const struct settings *settings;
	const struct lat_case *lat_case;
	const char *backend;
	uint64_t seed;
	struct outcome *out;
};

/* What a column shows beside the latencies. */
enum metric {
	METRIC_EVENTS_PER_S = 1 << 0,
	METRIC_SLEEPS_PER_S = 1 << 1,
	METRIC_CPU = 1 << 2,		/* per event */
	METRIC_URGENT = 1 << 3,
	METRIC_EARLY = 1 << 4,
	METRIC_MEMORY = 1 << 5,
};

/**
 * struct experiment - what can be asked for by name
 * @name:      a word
 * @title:     what it measures, half a sentence
 * @metrics:   an or of enum metric
 * @axis:      what its first parameter is, for pictures; NULL: cases are names
 * @summary:   the backends stand beside each other
 * @prepare:   fill in the cases; returns how many, or -EINVAL when the options
 *	leave none
 * @run:       in a process of its own; 0 or -errno, with out->why set
 */
struct experiment {
	const char *name;
	const char *title;
	unsigned int metrics;
	const char *axis;
	bool summary;
	int (*prepare)(const struct settings *settings, struct lat_case *cases);
	int (*run)(struct run *run);
};

extern const struct experiment experiment_wake;
extern const struct experiment experiment_load;
extern const struct experiment experiment_batch;
extern const struct experiment experiment_cross;
extern const struct experiment experiment_timers;
extern const struct experiment experiment_connections;
extern const struct experiment experiment_backends;

/* All of them, ended by NULL. */
extern const struct experiment *const experiments[];

/**
 * struct backend - one that the library may have
 * @name:   as in gmb_loop_opts
 * @usable: it works here
 * @why:    else a sentence
 */
struct backend {
	const char *name;
	bool usable;
	char why[200];
};

/**
 * struct results - an experiment that was run
 * @experiment: which
 * @settings:   how
 * @cases:      its cases
 * @count:      how many
 * @backends:   all that were looked at
 * @backend_count: how many
 * @outcomes:   [case][backend]
 */
struct results {
	const struct experiment *experiment;
	const struct settings *settings;
	struct lat_case cases[CASES_MAX];
	unsigned int count;
	const struct backend *backends;
	unsigned int backend_count;
	struct outcome outcomes[CASES_MAX][BACKENDS_MAX];
};

static inline struct parameter parameter_of(const char *name, int64_t value)
{
	return (struct parameter){ name, value };
}

/* The value of a case's parameter; 0 if it has none of that name. */
int64_t case_parameter(const struct lat_case *c, const char *name);

/* The list of an option, or what stands for it where it was not given. */
static inline struct list list_or(struct list given, struct list defaults)
{
	return given.count ? given : defaults;
}

#endif
