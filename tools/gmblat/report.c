/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <string.h>
#include "common/table.h"
#include "common/units.h"
#include "gmblat/report.h"

/* What the table shows of a distribution. */
static const struct {
	const char *title;
	double share;
} shares[] = {
	{ "P50", 0.5 }, { "P90", 0.9 }, { "P99", 0.99 }, { "P99.9", 0.999 },
	{ "MAX", 1 },
};

#define SHARES	(sizeof(shares) / sizeof(*shares))

/* Numbers */

bool share_is_known(const struct histogram *h, double share)
{
	if (share >= 1)
		return h->count > 0;
	return (double)h->count * (1 - share) >= 1 - 1e-9;
}

double per_second(const struct outcome *out, uint64_t count)
{
	return out->elapsed ? (double)count * SEC / (double)out->elapsed : 0;
}

double cpu_per_event(const struct outcome *out)
{
	return out->events ? (double)out->cpu / (double)out->events : 0;
}

unsigned int failures(const struct results *results)
{
	unsigned int i, j, failed = 0;

	for (i = 0; i < results->count; i++) {
		for (j = 0; j < results->backend_count; j++)
			failed += results->outcomes[i][j].state ==
				  OUTCOME_FAILED;
	}
	return failed;
}

/* Sentences */

void describe_settings(const struct results *results, char *text, size_t size)
{
	const struct settings *s = results->settings;
	char interval[UNITS_SIZE];

	snprintf(text, size,
		 "%llu events after %llu of warm-up, one every %s at random, %u round%s, seed %llu",
		 (unsigned long long)s->events, (unsigned long long)s->warmup,
		 units_time(interval, s->interval), s->rounds,
		 s->rounds == 1 ? "" : "s", (unsigned long long)s->seed);
}

void describe_machine(const struct machine *machine, char *text, size_t size)
{
	const char *remark = "";

	if (machine->virtual_time)
		remark = "; VIRTUAL TIME: a nanosecond is an instruction of an emulated machine";
	else if (machine->emulated)
		remark = "; EMULATED: compare within this run only";
	snprintf(text, size, "Linux %s %s, %d CPU%s, load %.1f%s",
		 machine->kernel, machine->arch, machine->cpus,
		 machine->cpus == 1 ? "" : "s", machine->load, remark);
}

/* Text */

static void put_time(struct table *table, double ns)
{
	char text[UNITS_SIZE];

	table_cell(table, "%s", units_time(text, (int64_t)ns));
}

static void put_share(struct table *table, const struct histogram *h,
		      double share)
{
	if (share_is_known(h, share))
		put_time(table, (double)histogram_percentile(h, share));
	else
		table_cell(table, "-");
}

static void put_count(struct table *table, double count)
{
	char text[UNITS_SIZE];

	table_cell(table, "%s", units_count(text, count));
}

struct extra {
	enum metric metric;
	struct table_column column;
};

static const struct extra extras[] = {
	{ METRIC_URGENT, { "URGENT P99", TABLE_RIGHT, 0 } },
	{ METRIC_EVENTS_PER_S, { "EVENTS/S", TABLE_RIGHT, 3 } },
	{ METRIC_SLEEPS_PER_S, { "SLEEPS/S", TABLE_RIGHT, 0 } },
	{ METRIC_CPU, { "CPU/EVENT", TABLE_RIGHT, 0 } },
	{ METRIC_EARLY, { "EARLY", TABLE_RIGHT, 2 } },
	{ METRIC_MEMORY, { "MEMORY/IDLE", TABLE_RIGHT, 1 } },
};

#define EXTRAS	(sizeof(extras) / sizeof(*extras))

static void put_extra(struct table *table, enum metric metric,
		      const struct outcome *out)
{
	switch (metric) {
	case METRIC_URGENT:
		put_share(table, &out->urgent, 0.99);
		break;
	case METRIC_EVENTS_PER_S:
		put_count(table, per_second(out, out->events));
		break;
	case METRIC_SLEEPS_PER_S:
		put_count(table, per_second(out, out->sleeps));
		break;
	case METRIC_CPU:
		put_time(table, cpu_per_event(out));
		break;
	case METRIC_EARLY:
		table_cell(table, "%llu", (unsigned long long)out->early);
		break;
	case METRIC_MEMORY:
		table_cell(table, "%lld B", (long long)out->memory);
		break;
	}
}

static void put_row(struct table *table, const struct results *results,
		    unsigned int number, unsigned int backend)
{
	const struct outcome *out = &results->outcomes[number][backend];
	unsigned int i;

	table_cell(table, "%s", results->cases[number].name);
	table_cell(table, "%s", results->backends[backend].name);
	table_cell(table, "%llu", (unsigned long long)out->latency.count);
	for (i = 0; i < SHARES; i++)
		put_share(table, &out->latency, shares[i].share);
	for (i = 0; i < EXTRAS; i++) {
		if (results->experiment->metrics & extras[i].metric)
			put_extra(table, extras[i].metric, out);
	}
}

static void print_table(const struct results *results, FILE *out)
{
	struct table_column columns[3 + SHARES + EXTRAS] = {
		{ "CASE", TABLE_LEFT | TABLE_CUT, 0 },
		{ "BACKEND", TABLE_LEFT, 0 },
		{ "N", TABLE_RIGHT, 5 },
	};
	unsigned int i, j, count = 3;
	struct table *table;

	for (i = 0; i < SHARES; i++)
		columns[count++] = (struct table_column){
			shares[i].title, TABLE_RIGHT, i == 1 ? 4 : 0,
		};
	for (i = 0; i < EXTRAS; i++) {
		if (results->experiment->metrics & extras[i].metric)
			columns[count++] = extras[i].column;
	}
	table = table_new(columns, count);
	for (i = 0; i < results->count; i++) {
		for (j = 0; j < results->backend_count; j++) {
			if (results->outcomes[i][j].state == OUTCOME_DONE)
				put_row(table, results, i, j);
		}
	}
	table_print(table, out, table_width(out));
	table_free(table);
}

/* The backends side by side. */
static void print_summary(const struct results *results, FILE *out)
{
	static const char *const titles[] = { "P50", "P99", "CPU" };
	struct table_column columns[1 + 3 * BACKENDS_MAX] = {
		{ "CASE", TABLE_LEFT, 0 },
	};
	char heads[3 * BACKENDS_MAX][24];
	unsigned int i, j, count = 0;
	struct table *table;

	for (j = 0; j < results->backend_count; j++) {
		for (i = 0; i < 3 && results->backends[j].usable; i++) {
			snprintf(heads[count], sizeof(heads[count]), "%s %s",
				 results->backends[j].name, titles[i]);
			columns[1 + count] = (struct table_column){
				heads[count], TABLE_RIGHT, i == 2 ? 1 : 0,
			};
			count++;
		}
	}
	table = table_new(columns, 1 + count);
	for (i = 0; i < results->count; i++) {
		table_cell(table, "%s", results->cases[i].name);
		for (j = 0; j < results->backend_count; j++) {
			const struct outcome *o = &results->outcomes[i][j];

			if (!results->backends[j].usable)
				continue;
			put_share(table, &o->latency, 0.5);
			put_share(table, &o->latency, 0.99);
			if (o->state == OUTCOME_DONE)
				put_time(table, cpu_per_event(o));
			else
				table_cell(table, "-");
		}
	}
	table_print(table, out, table_width(out));
	table_free(table);
}

/* Has a sentence been said already, of an earlier case of this backend? */
static bool was_said(const struct results *results, unsigned int number,
		     unsigned int backend)
{
	unsigned int i;

	for (i = 0; i < number; i++) {
		if (!strcmp(results->outcomes[i][backend].why,
			    results->outcomes[number][backend].why))
			return true;
	}
	return false;
}

static const char *state_words(uint32_t state)
{
	switch (state) {
	case OUTCOME_SKIPPED:
		return " and the like were left out";
	case OUTCOME_FAILED:
		return " failed";
	}
	return "";
}

static void print_notes(const struct results *results, FILE *out)
{
	unsigned int i, j;

	for (j = 0; j < results->backend_count; j++) {
		if (!results->backends[j].usable)
			fprintf(out, "%s was left out: %s\n",
				results->backends[j].name,
				results->backends[j].why);
	}
	for (i = 0; i < results->count; i++) {
		for (j = 0; j < results->backend_count; j++) {
			const struct outcome *o = &results->outcomes[i][j];

			if (!o->why[0] || was_said(results, i, j))
				continue;
			fprintf(out, "%s, %s%s: %s\n",
				results->backends[j].name,
				results->cases[i].name, state_words(o->state),
				o->why);
		}
	}
}

/* What would make the numbers doubtful. */
static void print_doubts(const struct results *results, FILE *out)
{
	uint64_t late = 0, one, blocked = 0;
	char text[UNITS_SIZE];
	unsigned int i, j;

	for (i = 0; i < results->count; i++) {
		for (j = 0; j < results->backend_count; j++) {
			const struct outcome *o = &results->outcomes[i][j];

			blocked += o->blocked;
			one = histogram_percentile(&o->late, 0.99);
			if (one > late)
				late = one;
		}
	}
	if (late)
		fprintf(out,
			"The source was late by at most %s in 99 of 100 events; that is not in the latencies.\n",
			units_time(text, (int64_t)late));
	if (blocked)
		fprintf(out,
			"%llu times there was no room for an event; those that waited count from when they were due.\n",
			(unsigned long long)blocked);
}

void report_text(const struct results *results, const struct machine *machine,
		 FILE *out)
{
	char text[400];

	fprintf(out, "%s: %s\n", results->experiment->name,
		results->experiment->title);
	describe_settings(results, text, sizeof(text));
	fprintf(out, "%s\n", text);
	describe_machine(machine, text, sizeof(text));
	fprintf(out, "%s\n\n", text);
	if (results->experiment->summary)
		print_summary(results, out);
	else
		print_table(results, out);
	fputc('\n', out);
	print_doubts(results, out);
	print_notes(results, out);
}
