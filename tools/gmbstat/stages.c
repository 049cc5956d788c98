/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/table.h"
#include "common/units.h"
#include "gmbstat/stages.h"

/* What is shown of a stage, in this order, and how it is called. */
static const struct {
	const char *title;
	const char *member;
	double share;
} percentiles[] = {
	{ "P50", "p50_ns", 0.5 },
	{ "P90", "p90_ns", 0.9 },
	{ "P99", "p99_ns", 0.99 },
	{ "P99.9", "p999_ns", 0.999 },
	{ "MAX", "max_ns", 1 },
};

#define PERCENTILES	(sizeof(percentiles) / sizeof(*percentiles))

static const struct {
	enum gmb_nl_stage stage;
	const char *name;
	const char *what;
} kernel_stages[] = {
	{ GMB_NL_STAGE_HELD, "held", "event to wakeup of the thread" },
	{ GMB_NL_STAGE_SCHED, "sched", "wakeup to running thread" },
	{ GMB_NL_STAGE_TRAP, "trap", "running thread to completion" },
	{ GMB_NL_STAGE_TOTAL, "kernel", "event to completion" },
};

static const struct {
	enum gmb_stage stage;
	const char *name;
	const char *what;
} loop_stages[] = {
	{ GMB_STAGE_RESUME, "resume", "task ready to task running" },
	{ GMB_STAGE_STEP, "step", "task running to its next wait" },
	{ GMB_STAGE_TURN, "turn", "a turn of the loop" },
	{ GMB_STAGE_POLL, "poll", "the loop waits for events" },
	{ GMB_STAGE_LATE, "late", "timer's time to its firing" },
};

struct stage *stages_add(struct stages *stages, const char *source,
			 const char *name, const char *what)
{
	struct stage *stage;

	stages->list = memory_get(stages->list,
				  (stages->count + 1) * sizeof(*stage));
	stage = &stages->list[stages->count++];
	memset(stage, 0, sizeof(*stage));
	stage->source = source;
	stage->name = name;
	stage->what = what;
	return stage;
}

void stages_add_loop(struct stages *stages, const struct page *page)
{
	struct stage *stage;
	unsigned int i;

	for (i = 0; i < sizeof(loop_stages) / sizeof(*loop_stages); i++) {
		stage = stages_add(stages, "loop", loop_stages[i].name,
				   loop_stages[i].what);
		page_histogram(page, loop_stages[i].stage, &stage->h);
	}
}

void stages_add_kernel(struct stages *stages, const struct histogram *h)
{
	unsigned int i;

	for (i = 0; i < sizeof(kernel_stages) / sizeof(*kernel_stages); i++)
		stages_add(stages, "kernel", kernel_stages[i].name,
			   kernel_stages[i].what)
			->h = h[kernel_stages[i].stage];
}

void stages_free(struct stages *stages)
{
	free(stages->list);
	*stages = (struct stages){ 0 };
}

/* The kernel's are not always there: its context comes and goes. */
static const struct stage *find(const struct stages *stages,
				const struct stage *stage)
{
	unsigned int i;

	for (i = 0; i < stages->count; i++) {
		if (!strcmp(stages->list[i].source, stage->source) &&
		    !strcmp(stages->list[i].name, stage->name))
			return &stages->list[i];
	}
	return NULL;
}

void stages_since(struct stages *stages, const struct stages *before)
{
	const struct stage *was;
	unsigned int i;

	for (i = 0; i < stages->count; i++) {
		was = find(before, &stages->list[i]);
		if (was)
			histogram_since(&stages->list[i].h, &was->h);
	}
}

uint32_t stages_context(struct module *module, const struct page *page)
{
	uint32_t found = MODULE_ALL;
	struct module_context *list;
	ssize_t n, i;

	if (!module)
		return MODULE_ALL;
	n = module_contexts(module, &list);
	for (i = 0; i < n; i++) {
		if (list[i].value[GMB_NL_CONTEXT_PID] == (uint64_t)page->pid &&
		    list[i].value[GMB_NL_CONTEXT_TID] == (uint64_t)page->tid)
			found = (uint32_t)list[i].value[GMB_NL_CONTEXT_ID];
	}
	free(n > 0 ? list : NULL);
	return found;
}

static const struct table_column columns[] = {
	{ "STAGE", TABLE_LEFT, 0 },
	{ "COUNT", TABLE_RIGHT, 3 },
	{ "MEAN", TABLE_RIGHT, 5 },
	{ "P50", TABLE_RIGHT, 2 },
	{ "P90", TABLE_RIGHT, 6 },
	{ "P99", TABLE_RIGHT, 0 },
	{ "P99.9", TABLE_RIGHT, 4 },
	{ "MAX", TABLE_RIGHT, 1 },
	{ "FROM, TO", TABLE_LEFT, 7 },
};

/* Of values that there are none there is no mean either. */
static void put_time(struct table *table, const struct histogram *h, double ns)
{
	char text[UNITS_SIZE];

	table_cell(table, "%s", h->count ? units_time(text, (int64_t)ns) : "-");
}

static void put_row(struct table *table, const struct stage *stage)
{
	const struct histogram *h = &stage->h;
	unsigned int i;

	table_cell(table, "%s", stage->name);
	table_cell(table, "%llu", (unsigned long long)h->count);
	put_time(table, h, histogram_mean(h));
	for (i = 0; i < PERCENTILES; i++)
		put_time(table, h, (double)histogram_percentile(
					   h, percentiles[i].share));
	table_cell(table, "%s", stage->what);
}

void stages_table(const struct stages *stages, FILE *out, unsigned int width)
{
	struct table *table = table_new(columns,
					sizeof(columns) / sizeof(*columns));
	unsigned int i;

	for (i = 0; i < stages->count; i++)
		put_row(table, &stages->list[i]);
	table_print(table, out, width);
	table_free(table);
}

static void write_buckets(const struct histogram *h, struct json *json)
{
	unsigned int i;

	json_array(json, "buckets");
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!h->buckets[i])
			continue;
		json_array(json, NULL);
		json_u64(json, NULL, histogram_low(i));
		json_u64(json, NULL, h->buckets[i]);
		json_end(json);
	}
	json_end(json);
}

void stages_json(const struct stages *stages, struct json *json)
{
	const struct stage *stage;
	unsigned int i, k;

	json_array(json, "stages");
	for (i = 0; i < stages->count; i++) {
		stage = &stages->list[i];
		json_object(json, NULL);
		json_string(json, "name", stage->name);
		json_string(json, "source", stage->source);
		json_u64(json, "count", stage->h.count);
		json_u64(json, "sum_ns", stage->h.sum);
		if (stage->h.count)
			json_double(json, "mean_ns", histogram_mean(&stage->h));
		else
			json_null(json, "mean_ns");
		for (k = 0; k < PERCENTILES; k++) {
			if (stage->h.count)
				json_u64(json, percentiles[k].member,
					 histogram_percentile(
						 &stage->h,
						 percentiles[k].share));
			else
				json_null(json, percentiles[k].member);
		}
		write_buckets(&stage->h, json);
		json_end(json);
	}
	json_end(json);
}
