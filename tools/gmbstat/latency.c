/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * gmbstat latency: where the time goes between an event and the task that
 * waits for it, of whole loops or of chosen tasks.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <giambio/hooks.h>
#include "common/memory.h"
#include "common/proc.h"
#include "common/ring.h"
#include "common/table.h"
#include "common/units.h"
#include "gmbstat/chart.h"
#include "gmbstat/cmd.h"
#include "gmbstat/meter.h"
#include "gmbstat/pause.h"
#include "gmbstat/stages.h"

#define SPAN_MS		2000	/* of measuring, unless -d says else */
#define TICK_MS		100
#define TRACE_TICK_MS	5	/* a trace is overwritten some time */

struct options {
	struct cmd_common common;
	const char *task;	/* a name or an id; NULL: the whole loop */
	const char *svg;
	long span_ms;		/* 0: what was counted so far */
};

/* A loop that is measured. */
struct subject {
	struct page *page;
	uint32_t context;	/* of the kernel; MODULE_ALL: it has none */
	struct stages before;
	struct stages stages;
	struct meter *meter;	/* of chosen tasks, or NULL */
	struct ring *ring;
	uint64_t lost;
};

struct study {
	const struct options *options;
	struct pages *pages;
	struct module *module;	/* NULL: not loaded, or not permitted */
	bool events;		/* the module sends them */
	struct subject *subjects;
	int64_t started;
	int64_t ended;
};

static void read_stages(struct study *study, struct subject *s,
			struct stages *stages)
{
	struct histogram kernel[__GMB_NL_STAGE_MAX];

	if (s->context != MODULE_ALL &&
	    !module_histograms(study->module, s->context, MODULE_ALL, kernel))
		stages_add_kernel(stages, kernel);
	stages_add_loop(stages, s->page);
}

static void begin_subject(struct study *study, struct subject *s)
{
	struct tree tree;

	s->context = stages_context(study->module, s->page);
	if (!study->options->task) {
		read_stages(study, s, &s->before);
		return;
	}
	s->meter = meter_new(study->options->task, study->started);
	tree_read(&tree, s->page, false);
	meter_find(s->meter, &tree);
	tree_free(&tree);
}

/*
 * Without the module, or the right to ask it, there are the loop's own stages.
 */
static void begin(struct study *study)
{
	unsigned int i;

	study->started = units_now();
	if (!module_open(&study->module)) {
		if (study->options->task)
			study->events = module_subscribe(study->module) >= 0;
		else
			(void)module_observe(study->module, MODULE_ALL,
					     GMB_NL_OBSERVE_HISTOGRAMS);
	}
	study->subjects = memory_zeroed(study->pages->count,
					sizeof(*study->subjects));
	for (i = 0; i < study->pages->count; i++) {
		study->subjects[i].page = study->pages->list[i];
		begin_subject(study, &study->subjects[i]);
	}
}

static void take_event(void *user, const struct gmb_trace_event *event)
{
	meter_event(user, event);
}

/* A trace appears when the loop has next turned. */
static void follow(struct study *study, struct subject *s)
{
	if (!s->meter)
		return;
	if (!s->ring) {
		if (ring_open(&s->ring, s->page) < 0)
			return;
		if (ring_started(s->ring) >= study->started)
			ring_rewind(s->ring);
	}
	ring_read(s->ring, take_event, s->meter);
	if (ring_lost(s->ring) != s->lost)
		meter_lost(s->meter);
	s->lost = ring_lost(s->ring);
}

static void take_batch(void *user, const struct module_batch *batch)
{
	struct study *study = user;
	unsigned int i;

	for (i = 0; i < study->pages->count; i++) {
		if (study->subjects[i].context != batch->context)
			continue;
		meter_locate(study->subjects[i].meter,
			     study->subjects[i].page);
		meter_batch(study->subjects[i].meter, batch);
	}
}

static void tick(struct study *study)
{
	unsigned int i;

	for (i = 0; i < study->pages->count; i++)
		follow(study, &study->subjects[i]);
	/* What the kernel could not deliver is missing in its stages only. */
	if (study->events)
		(void)module_receive(study->module, take_batch, study);
}

static void measure(struct study *study)
{
	const struct options *options = study->options;
	const long step = options->task ? TRACE_TICK_MS : TICK_MS;
	const int64_t end = study->started + options->span_ms * 1000000ll;
	int64_t now = study->started, renew = 0;
	unsigned int what = GMB_OBSERVE_TIMES;
	bool ends = false;

	if (options->task)
		what |= GMB_OBSERVE_TRACE;
	for (; now < end && !ends; now = units_now()) {
		renew = pages_renew(study->pages, what, now, renew);
		ends = pause_ms((end - now) / 1000000 < step ?
					(end - now) / 1000000 + 1 :
					step);
		tick(study);
	}
	study->ended = units_now();
}

static void end_subject(struct study *study, struct subject *s)
{
	if (s->meter) {
		meter_stages(s->meter, &s->stages);
		return;
	}
	read_stages(study, s, &s->stages);
	if (study->options->span_ms)
		stages_since(&s->stages, &s->before);
}

static void print_subject(const struct study *study, const struct subject *s,
			  bool first)
{
	char name[17], backend[9], text[UNITS_SIZE];
	const unsigned int width = table_width(stdout);

	page_names(s->page, name, backend);
	if (!first)
		putchar('\n');
	cmd_put_process(s->page);
	printf(", loop ");
	table_put(stdout, name, UINT16_MAX);
	fputs(" on ", stdout);
	table_put(stdout, backend, UINT16_MAX);
	fputs(", ", stdout);
	if (s->meter)
		printf("%zu task%s, ", meter_tasks(s->meter),
		       meter_tasks(s->meter) == 1 ? "" : "s");
	if (study->options->span_ms)
		puts(units_time(text, study->ended - study->started));
	else
		puts("so far");
	stages_table(&s->stages, stdout, width);
	putchar('\n');
	stages_picture(&s->stages, stdout, width);
	if (s->lost)
		printf("%llu events were lost: the trace was overwritten before it was read\n",
		       (unsigned long long)s->lost);
}

static void write_subject(const struct subject *s, struct json *json)
{
	cmd_json_loop(json, s->page);
	if (s->meter)
		json_u64(json, "tasks", meter_tasks(s->meter));
	json_u64(json, "lost", s->lost);
	stages_json(&s->stages, json);
	json_end(json);
}

/* A loop that none of the chosen tasks is in is left out. */
static bool has_tasks(const struct subject *s)
{
	return !s->meter || meter_tasks(s->meter);
}

static int draw(const struct study *study)
{
	const struct options *options = study->options;
	char title[128];
	struct chart chart = { .title = title };
	unsigned int i;
	int rc;

	snprintf(title, sizeof(title), "%s%sLatency of %s",
		 options->task ? options->task : "",
		 options->task ? ": " : "",
		 options->common.pid ? study->subjects[0].page->comm :
				       "giambio's loops");
	for (i = 0; i < study->pages->count; i++) {
		if (has_tasks(&study->subjects[i]))
			chart_add(&chart, study->subjects[i].page,
				  &study->subjects[i].stages);
	}
	rc = chart_write(&chart, options->svg);
	chart_free(&chart);
	return rc;
}

static int show(const struct study *study)
{
	const unsigned int count = study->pages->count;
	struct json json;
	bool first = true;
	unsigned int i;
	int rc;

	if (study->options->common.json) {
		cmd_json_begin(&json, "latency");
		json_i64(&json, "measured_ns", study->ended - study->started);
		json_array(&json, "loops");
		for (i = 0; i < count; i++) {
			if (has_tasks(&study->subjects[i]))
				write_subject(&study->subjects[i], &json);
		}
		rc = cmd_json_end(&json);
	} else {
		for (i = 0; i < count; i++) {
			if (has_tasks(&study->subjects[i]))
				print_subject(study, &study->subjects[i],
					      first);
			first &= !has_tasks(&study->subjects[i]);
		}
		rc = cmd_end();
	}
	return rc == EXIT_OK && study->options->svg ? draw(study) : rc;
}

static int check_tasks(const struct study *study)
{
	size_t tasks = 0;
	unsigned int i;

	if (!study->options->task)
		return EXIT_OK;
	for (i = 0; i < study->pages->count; i++)
		tasks += meter_tasks(study->subjects[i].meter);
	if (tasks)
		return EXIT_OK;
	return say(EXIT_NOTHING, "no task is called '%s' or has that number",
		   study->options->task);
}

static int run_study(struct study *study)
{
	unsigned int i;
	int rc;

	begin(study);
	study->ended = study->started;
	if (study->options->span_ms)
		measure(study);
	rc = check_tasks(study);
	for (i = 0; i < study->pages->count; i++)
		end_subject(study, &study->subjects[i]);
	if (rc == EXIT_OK)
		rc = show(study);
	for (i = 0; i < study->pages->count; i++) {
		stages_free(&study->subjects[i].before);
		stages_free(&study->subjects[i].stages);
		meter_free(study->subjects[i].meter);
		ring_close(study->subjects[i].ring);
	}
	free(study->subjects);
	module_close(study->module);
	return rc;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		options->span_ms = cmd_milliseconds(state, "--duration", arg);
		return 0;
	case 's':
		options->svg = arg;
		return 0;
	case 't':
		options->task = arg;
		return 0;
	case ARGP_KEY_END:
		if (options->task && !options->span_ms)
			argp_failure(state, EXIT_USAGE, 0,
				     "of a task nothing is counted before it is asked for; with --task the duration must not be 0");
		return 0;
	default:
		return cmd_parse(key, arg, state, &options->common);
	}
}

static int run(int argc, char **argv)
{
	static const struct argp_option own[] = {
		{ "duration", 'd', "SECONDS", 0,
		  "Measure that long (2); 0: what was counted so far", 0 },
		{ "svg", 's', "FILE", 0, "Draw it into this file, too", 0 },
		{ "task", 't', "TASK", 0,
		  "Only tasks of this name or number, from a trace", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		own, parse, NULL,
		"Show where time goes from an event to the task that waits for it. Ctrl-C ends measuring early.",
		cmd_children, NULL, NULL,
	};
	struct options options = { .span_ms = SPAN_MS };
	struct pages pages;
	struct study study = { .options = &options, .pages = &pages };
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	rc = cmd_pages(&pages, &options.common);
	if (rc == EXIT_OK)
		rc = run_study(&study);
	pages_free(&pages);
	return rc;
}

const struct cmd cmd_latency = {
	.name = "latency",
	.brief = "percentiles of the stages from an event to its task",
	.run = run,
};
