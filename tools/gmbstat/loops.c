/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * gmbstat loops: a line for each loop. Rates are those of a short time, in
 * which it is looked at twice.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/memory.h"
#include "common/proc.h"
#include "common/table.h"
#include "common/units.h"
#include "gmbstat/cmd.h"

#define SPAN_MS		500	/* between the two looks, unless -d says else */

struct options {
	struct cmd_common common;
	long span_ms;
};

/* A loop at a moment. */
struct look {
	int64_t time;
	uint64_t turns;
	uint64_t steps;
	uint64_t polls;
	uint64_t sleeps;
	uint64_t completions;
	uint64_t cpu_ns;
};

/* What it did between two of them, for each second. */
struct rates {
	double turns;
	double steps;
	double polls;
	double sleeps;
	double completions;
	double per_poll;
	double cpu;
};

static void take_look(const struct page *page, struct look *look)
{
	struct proc_times times;

	proc_times(&times, page->pid, page->tid);
	*look = (struct look){
		.time = units_now(),
		.turns = page->head->turns,
		.steps = page->head->steps,
		.polls = page->head->polls,
		.sleeps = page->head->sleeps,
		.completions = page->head->completions,
		.cpu_ns = times.cpu_ns,
	};
}

static void take_rates(const struct page *page, const struct look *before,
		       struct rates *rates)
{
	struct look now;
	double span, polls;

	take_look(page, &now);
	/* A thread that has ended has no times any more. */
	if (now.cpu_ns < before->cpu_ns)
		now.cpu_ns = before->cpu_ns;
	span = (double)(now.time - before->time) / 1e9;
	polls = (double)(now.polls - before->polls);
	rates->turns = (double)(now.turns - before->turns) / span;
	rates->steps = (double)(now.steps - before->steps) / span;
	rates->polls = polls / span;
	rates->sleeps = (double)(now.sleeps - before->sleeps) / span;
	rates->completions =
		(double)(now.completions - before->completions) / span;
	rates->per_poll = polls > 0 ? rates->completions * span / polls : 0;
	rates->cpu = (double)(now.cpu_ns - before->cpu_ns) / 1e9 / span;
}

static const struct table_column columns[] = {
	{ "PID", TABLE_RIGHT, 0 },
	{ "TID", TABLE_RIGHT, 6 },
	{ "COMMAND", TABLE_CUT, 0 },
	{ "LOOP", TABLE_CUT, 5 },
	{ "BACKEND", TABLE_LEFT, 0 },
	{ "TASKS", TABLE_RIGHT, 0 },
	{ "TURNS/S", TABLE_RIGHT, 3 },
	{ "STEPS/S", TABLE_RIGHT, 4 },
	{ "TRAPS/S", TABLE_RIGHT, 0 },
	{ "DONE/TRAP", TABLE_RIGHT, 2 },
	{ "CPU", TABLE_RIGHT, 1 },
	{ "SINCE", TABLE_RIGHT, 7 },
};

/* In this order, or who comes and goes in between makes it less than 0. */
static uint64_t tasks_of(const struct page *page)
{
	uint64_t exited = __atomic_load_n(&page->head->exited,
					  __ATOMIC_ACQUIRE);
	uint64_t spawned = __atomic_load_n(&page->head->spawned,
					   __ATOMIC_RELAXED);

	return spawned - exited;
}

static void print_loop(struct table *table, const struct page *page,
		       const struct rates *r)
{
	char name[17], backend[9], text[UNITS_SIZE];

	page_names(page, name, backend);
	table_cell(table, "%d", (int)page->pid);
	table_cell(table, "%d", (int)page->tid);
	table_cell(table, "%s", page->comm);
	table_cell(table, "%s", name);
	table_cell(table, "%s", backend);
	table_cell(table, "%llu", (unsigned long long)tasks_of(page));
	table_cell(table, "%s", units_count(text, r->turns));
	table_cell(table, "%s", units_count(text, r->steps));
	table_cell(table, "%s", units_count(text, r->polls));
	table_cell(table, "%.1f", r->per_poll);
	table_cell(table, "%s", units_share(text, r->cpu));
	table_cell(table, "%s",
		   units_time(text, units_now() - page->head->started));
}

static void write_rates(struct json *json, const struct rates *r)
{
	json_object(json, "per_second");
	json_double(json, "turns", r->turns);
	json_double(json, "steps", r->steps);
	json_double(json, "traps", r->polls);
	json_double(json, "sleeps", r->sleeps);
	json_double(json, "completions", r->completions);
	json_end(json);
	json_double(json, "completions_per_trap", r->per_poll);
	json_double(json, "cpu_share", r->cpu);
}

static void write_loop(struct json *json, const struct page *page,
		       const struct rates *r)
{
	const struct gmb_page *head = page->head;

	cmd_json_loop(json, page);
	json_u64(json, "tasks", tasks_of(page));
	json_bool(json, "observed", head->observe);
	json_i64(json, "started_ns", head->started);
	json_u64(json, "turns", head->turns);
	json_u64(json, "steps", head->steps);
	json_u64(json, "traps", head->polls);
	json_u64(json, "sleeps", head->sleeps);
	json_u64(json, "completions", head->completions);
	json_u64(json, "timers", head->timers);
	json_u64(json, "wakes", head->wakes);
	json_u64(json, "messages", head->messages);
	json_u64(json, "spawned", head->spawned);
	json_u64(json, "exited", head->exited);
	json_u64(json, "cancels", head->cancels);
	write_rates(json, r);
	json_end(json);
}

static int print_all(const struct pages *pages, const struct rates *rates,
		     bool as_json)
{
	struct table *table;
	struct json json;
	unsigned int i;

	if (as_json) {
		cmd_json_begin(&json, "loops");
		json_array(&json, "loops");
		for (i = 0; i < pages->count; i++)
			write_loop(&json, pages->list[i], &rates[i]);
		return cmd_json_end(&json);
	}
	table = table_new(columns, sizeof(columns) / sizeof(*columns));
	for (i = 0; i < pages->count; i++)
		print_loop(table, pages->list[i], &rates[i]);
	table_print(table, stdout, table_width(stdout));
	table_free(table);
	return cmd_end();
}

static int look_twice(const struct pages *pages, const struct options *options)
{
	struct look *looks = memory_zeroed(pages->count, sizeof(*looks));
	struct rates *rates = memory_zeroed(pages->count, sizeof(*rates));
	const struct timespec span = {
		.tv_sec = options->span_ms / 1000,
		.tv_nsec = options->span_ms % 1000 * 1000000,
	};
	unsigned int i;
	int rc;

	for (i = 0; i < pages->count; i++)
		take_look(pages->list[i], &looks[i]);
	nanosleep(&span, NULL);
	for (i = 0; i < pages->count; i++)
		take_rates(pages->list[i], &looks[i], &rates[i]);
	rc = print_all(pages, rates, options->common.json);
	free(looks);
	free(rates);
	return rc;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		options->span_ms = cmd_milliseconds(state, "--duration", arg);
		/* Rates need a span that is not nothing. */
		if (!options->span_ms)
			options->span_ms = 1;
		return 0;
	default:
		return cmd_parse(key, arg, state, &options->common);
	}
}

static int run(int argc, char **argv)
{
	static const struct argp_option own[] = {
		{ "duration", 'd', "SECONDS", 0,
		  "Take rates over that time (0.5)", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		own, parse, NULL, "Show the loops of all processes, or of one.",
		cmd_children, NULL, NULL,
	};
	struct options options = { .span_ms = SPAN_MS };
	struct pages pages;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	rc = cmd_pages(&pages, &options.common);
	if (rc == EXIT_OK)
		rc = look_twice(&pages, &options);
	pages_free(&pages);
	return rc;
}

const struct cmd cmd_loops = {
	.name = "loops",
	.brief = "the loops: process, backend, tasks, traps, share of a CPU",
	.run = run,
};
