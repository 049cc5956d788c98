/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Charts as SVG: line charts, percentile curves, ranges and stacked bars.
 *
 * A picture is a title, panels below each other, and a footer. Panels are
 * drawn into memory as they are added; svg_close() knows the height of the
 * whole and writes the file. The colours are those of a light page, and those
 * of a dark one where the viewer prefers that.
 *
 * Strings are UTF-8, are escaped here, and are copied before a call returns.
 * Times are in nanoseconds and are labelled in units that people read.
 *
 *	struct svg *svg = svg_open(&head);
 *	svg_percentiles(svg, &panel);
 *	rc = svg_close(svg, out);
 */
#ifndef TOOLS_COMMON_SVG_H
#define TOOLS_COMMON_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct svg;

/**
 * struct svg_head - what stands around the panels; all may be NULL
 * @title:    what the picture shows
 * @subtitle: the settings; several lines are parted by line feeds
 * @footer:   such as the command that made it
 */
struct svg_head {
	const char *title;
	const char *subtitle;
	const char *footer;
};

/**
 * enum svg_unit - how the numbers of an axis are labelled
 * @SVG_NUMBER:  as they are, thousands as k and M
 * @SVG_TIME:    nanoseconds
 * @SVG_PERCENT: a share of 1
 */
enum svg_unit {
	SVG_NUMBER,
	SVG_TIME,
	SVG_PERCENT,
};

/**
 * struct svg_axis - an axis
 * @label: what is counted along it
 * @unit:  enum svg_unit
 * @log:   logarithmic; values of 0 and below then stand at its low end
 * @zero:  a linear axis begins at 0, whatever the values
 * @min:   with @max, where it ends; both 0: what the values need
 * @max:   see @min
 */
struct svg_axis {
	const char *label;
	enum svg_unit unit;
	bool log;
	bool zero;
	double min;
	double max;
};

/**
 * struct svg_series - a line
 * @name: shown in the legend
 * @x:    @count values, ascending
 * @y:    @count values; NAN leaves a gap
 * @count: how many
 */
struct svg_series {
	const char *name;
	const double *x;
	const double *y;
	size_t count;
};

/**
 * struct svg_lines - a panel of lines
 * @title:  of the panel; may be NULL
 * @x:      axis at the bottom
 * @y:      axis at the left
 * @series: @count of them; the first eight have colours of their own
 * @count:  how many
 * @points: mark the values
 * @height: of the panel in pixels; 0: 300
 */
struct svg_lines {
	const char *title;
	struct svg_axis x;
	struct svg_axis y;
	const struct svg_series *series;
	size_t count;
	bool points;
	int height;
};

/**
 * struct svg_values - how often values occurred
 * @name:   what was measured
 * @values: @count values in ns, ascending: what each bucket stands for
 * @counts: how often each
 * @count:  how many buckets
 * @max:    the greatest value that occurred; 0: the last with a count
 */
struct svg_values {
	const char *name;
	const uint64_t *values;
	const uint64_t *counts;
	size_t count;
	uint64_t max;
};

/**
 * struct svg_distributions - a panel of distributions
 * @title:  of the panel; may be NULL
 * @label:  of the axis of times; NULL: "latency"
 * @values: @count of them; one without values is named and left empty
 * @count:  how many
 * @height: of the panel in pixels; 0: what suits it
 */
struct svg_distributions {
	const char *title;
	const char *label;
	const struct svg_values *values;
	size_t count;
	int height;
};

/**
 * struct svg_bar - a bar that is made of parts
 * @name:  shown at its left
 * @parts: as many values as the panel has parts
 */
struct svg_bar {
	const char *name;
	const double *parts;
};

/**
 * struct svg_bars - a panel of stacked bars
 * @title:      of the panel; may be NULL
 * @axis:       of the sums; linear
 * @parts:      names of the parts, @part_count of them
 * @part_count: how many
 * @bars:       @count of them, from top to bottom
 * @count:      how many
 */
struct svg_bars {
	const char *title;
	struct svg_axis axis;
	const char *const *parts;
	size_t part_count;
	const struct svg_bar *bars;
	size_t count;
};

/**
 * svg_open() - begin a picture
 * @head: see there
 *
 * Return: the picture, to be ended with svg_close(); NULL no memory.
 */
struct svg *svg_open(const struct svg_head *head);

/* A panel of lines; those of one value are shown as points. */
void svg_lines(struct svg *svg, const struct svg_lines *panel);

/*
 * Value against percentile. The axis gives each nine as much room as the one
 * before, so the tail is seen as well as the middle. A curve ends where fewer
 * than one value is left.
 */
void svg_percentiles(struct svg *svg, const struct svg_distributions *panel);

/* How often each value occurred, on a logarithmic axis. */
void svg_histograms(struct svg *svg, const struct svg_distributions *panel);

/*
 * A row for each distribution: a bar to the median, paler to the 99th
 * percentile, a line to the greatest value, and these three as numbers.
 */
void svg_ranges(struct svg *svg, const struct svg_distributions *panel);

/* A row for each bar, with its sum as a number. */
void svg_bars(struct svg *svg, const struct svg_bars *panel);

/**
 * svg_close() - write the picture and free it
 * @svg: from svg_open(), or NULL
 * @out: stays open; NULL: only free it
 *
 * Return: 0; -ENOMEM also if a panel found no memory; -EIO and others of
 * writing.
 */
int svg_close(struct svg *svg, FILE *out);

/* How many values there are. */
uint64_t svg_total(const struct svg_values *values);

/* The value that a share (0 to 1) of them does not exceed; 0: there is none. */
double svg_quantile(const struct svg_values *values, double share);

#endif
