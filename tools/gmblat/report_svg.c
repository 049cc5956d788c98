/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Pictures. Cases that have names are rows with their ranges, and curves of
 * their percentiles while they are few; cases along an axis are lines.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "common/svg.h"
#include "gmblat/report.h"

/* More curves than colours would only be noise. */
#define CURVES_MAX	8
#define ROWS_MAX	(CASES_MAX * BACKENDS_MAX)
#define SERIES_MAX	(3 * BACKENDS_MAX)

/* Rows */

/* Names of rows and what svg wants to know of their histograms. */
struct rows {
	uint64_t lows[HISTOGRAM_BUCKETS];
	struct svg_values values[ROWS_MAX];
	char names[ROWS_MAX][64];
	size_t count;
};

static void collect_rows(struct rows *rows, const struct results *results)
{
	unsigned int i, j;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		rows->lows[i] = histogram_low(i) / 2 + histogram_high(i) / 2;
	rows->count = 0;
	for (i = 0; i < results->count; i++) {
		for (j = 0; j < results->backend_count; j++) {
			const struct outcome *out = &results->outcomes[i][j];
			size_t n = rows->count;

			if (out->state != OUTCOME_DONE)
				continue;
			snprintf(rows->names[n], sizeof(rows->names[n]),
				 "%s, %s", results->cases[i].name,
				 results->backends[j].name);
			rows->values[n] = (struct svg_values){
				.name = rows->names[n],
				.values = rows->lows,
				.counts = out->latency.buckets,
				.count = HISTOGRAM_BUCKETS,
				.max = out->latency.max,
			};
			rows->count++;
		}
	}
}

static void draw_rows(struct svg *svg, const struct results *results)
{
	static struct rows rows;
	struct svg_distributions panel = { .values = rows.values };

	collect_rows(&rows, results);
	panel.count = rows.count;
	panel.title = "Median, 99th percentile, maximum";
	svg_ranges(svg, &panel);
	panel.title = "Latency by percentile";
	if (rows.count <= CURVES_MAX)
		svg_percentiles(svg, &panel);
}

/* Lines */

typedef double (*value_fn)(const struct outcome *out);

static double p50(const struct outcome *out)
{
	return (double)histogram_percentile(&out->latency, 0.5);
}

static double p99(const struct outcome *out)
{
	return share_is_known(&out->latency, 0.99) ?
		       (double)histogram_percentile(&out->latency, 0.99) : NAN;
}

static double urgent_p99(const struct outcome *out)
{
	return share_is_known(&out->urgent, 0.99) ?
		       (double)histogram_percentile(&out->urgent, 0.99) : NAN;
}

static double sleeps_per_event(const struct outcome *out)
{
	return out->events ? (double)out->sleeps / (double)out->events : NAN;
}

struct lines {
	struct svg_series series[SERIES_MAX];
	double x[SERIES_MAX][CASES_MAX];
	double y[SERIES_MAX][CASES_MAX];
	char names[SERIES_MAX][40];
	size_t count;
};

/* A line for each backend that has enough points for it. */
static void collect_line(struct lines *lines, const struct results *results,
			 const char *what, value_fn value, size_t enough)
{
	unsigned int i, j;

	for (j = 0; j < results->backend_count; j++) {
		size_t n = lines->count, points = 0;

		for (i = 0; i < results->count; i++) {
			const struct outcome *out = &results->outcomes[i][j];

			if (out->state != OUTCOME_DONE)
				continue;
			lines->x[n][points] = (double)(
				out->reached ?
					out->reached :
					results->cases[i].parameters[0].value);
			lines->y[n][points++] = value(out);
		}
		if (points < enough)
			continue;
		snprintf(lines->names[n], sizeof(lines->names[n]), "%s%s%s",
			 results->backends[j].name, *what ? ", " : "", what);
		lines->series[n] = (struct svg_series){
			lines->names[n], lines->x[n], lines->y[n], points,
		};
		lines->count++;
	}
}

/* Is there a line to draw: two cases at least of a backend? */
static bool has_line(const struct results *results)
{
	unsigned int i, j, done;

	for (j = 0; j < results->backend_count; j++) {
		for (i = 0, done = 0; i < results->count; i++)
			done += results->outcomes[i][j].state == OUTCOME_DONE;
		if (done > 1)
			return true;
	}
	return false;
}

/* A logarithmic axis, on which 0 stands a little below the least value. */
static struct svg_axis parameter_axis(const struct results *results)
{
	const char *name = results->cases[0].parameters[0].name;
	size_t len = name ? strlen(name) : 0;
	bool zero = false;
	double value, least = INFINITY, most = 0;
	struct svg_axis axis = {
		.label = results->experiment->axis,
		.unit = SVG_NUMBER,
		.log = true,
	};
	unsigned int i;

	if (len > 3 && !strcmp(name + len - 3, "_ns"))
		axis.unit = SVG_TIME;
	for (i = 0; i < results->count; i++) {
		value = (double)results->cases[i].parameters[0].value;
		zero |= value <= 0;
		most = fmax(most, value);
		if (value > 0)
			least = fmin(least, value);
	}
	if (zero && least < most) {
		axis.min = least / 2;
		axis.max = most;
	}
	return axis;
}

/* A panel of one quantity, from 0 on. */
static void draw_line(struct svg *svg, const struct results *results,
		      const char *title, enum svg_unit unit, value_fn value)
{
	static struct lines lines;
	struct svg_lines panel = {
		.title = title,
		.x = parameter_axis(results),
		.y = { .unit = unit, .zero = true },
		.series = lines.series,
		.points = true,
		.height = 200,
	};

	lines.count = 0;
	collect_line(&lines, results, "", value, 1);
	panel.count = lines.count;
	svg_lines(svg, &panel);
}

static void draw_lines(struct svg *svg, const struct results *results)
{
	static struct lines lines;
	bool batch = results->experiment->metrics & METRIC_URGENT;
	struct svg_lines panel = {
		.title = "Latency",
		.x = parameter_axis(results),
		.y = { .unit = SVG_TIME, .log = true },
		.series = lines.series,
		.points = true,
	};

	lines.count = 0;
	collect_line(&lines, results, "median", p50, 2);
	collect_line(&lines, results, "p99", p99, 1);
	if (batch)
		collect_line(&lines, results, "urgent p99", urgent_p99, 2);
	panel.count = lines.count;
	svg_lines(svg, &panel);
	if (batch)
		draw_line(svg, results, "Sleeps of the loop per event",
			  SVG_NUMBER, sleeps_per_event);
	draw_line(svg, results, "Processor time of the loop per event",
		  SVG_TIME, cpu_per_event);
}

int report_svg(const struct results *results, const struct machine *machine,
	       FILE *out)
{
	char title[200], settings[300], facts[300], subtitle[640];
	struct svg_head head = { .title = title, .subtitle = subtitle };
	struct svg *svg;

	snprintf(title, sizeof(title), "gmblat %s: %s",
		 results->experiment->name, results->experiment->title);
	describe_settings(results, settings, sizeof(settings));
	describe_machine(machine, facts, sizeof(facts));
	snprintf(subtitle, sizeof(subtitle), "%s\n%s", settings, facts);
	svg = svg_open(&head);
	if (!svg)
		return -ENOMEM;
	if (results->experiment->axis && has_line(results))
		draw_lines(svg, results);
	else
		draw_rows(svg, results);
	return svg_close(svg, out);
}
