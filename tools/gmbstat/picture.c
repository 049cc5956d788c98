/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Stages as a picture in text: bars of eight heights, the axis logarithmic from
 * decade to decade. What occurred at all is seen, however seldom it was.
 */

#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/units.h"
#include "gmbstat/stages.h"

#define LABEL		9	/* columns of a stage's name */
#define MIN_CELLS	10
#define MAX_CELLS	120
#define HEIGHTS		8

/* The decades that all values lie in; from < to. */
struct axis {
	int from;
	int to;
	int cells;
};

static int decade_of(uint64_t value)
{
	return value < 10 ? 0 : (int)floor(log10((double)value));
}

/* The first and the last bucket that something is in; -1: none. */
static int first_bucket(const struct histogram *h)
{
	int i;

	for (i = 0; i < (int)HISTOGRAM_BUCKETS; i++) {
		if (h->buckets[i])
			return i;
	}
	return -1;
}

static int find_axis(const struct stages *stages, unsigned int width,
		     struct axis *axis)
{
	const struct histogram *h;
	unsigned int i;
	int first;

	*axis = (struct axis){ .from = 99 };
	for (i = 0; i < stages->count; i++) {
		h = &stages->list[i].h;
		first = first_bucket(h);
		if (first < 0)
			continue;
		if (decade_of(histogram_low((unsigned int)first)) < axis->from)
			axis->from = decade_of(
				histogram_low((unsigned int)first));
		if (decade_of(h->max) + 1 > axis->to)
			axis->to = decade_of(h->max) + 1;
	}
	if (axis->from == 99)
		return -1;
	/* A page that lies, or was read between two of its fields. */
	if (axis->to <= axis->from)
		axis->to = axis->from + 1;
	axis->cells = (int)(width ? width : 80) - LABEL - 1;
	if (axis->cells < MIN_CELLS)
		axis->cells = MIN_CELLS;
	if (axis->cells > MAX_CELLS)
		axis->cells = MAX_CELLS;
	return 0;
}

static int cell_of(const struct axis *axis, uint64_t value)
{
	double at = value ? log10((double)value) - axis->from : 0;
	int cell = (int)(at * axis->cells / (axis->to - axis->from));

	if (cell < 0)
		return 0;
	return cell < axis->cells ? cell : axis->cells - 1;
}

/*
 * A bucket may be wider than a cell: then its values are spread over the cells
 * that it covers, for nothing is known of where in it they lie.
 */
static void fill(const struct axis *axis, const struct histogram *h,
		 double *cells)
{
	int i, first, last, k;
	uint64_t high;

	for (i = 0; i < (int)HISTOGRAM_BUCKETS; i++) {
		if (!h->buckets[i])
			continue;
		high = histogram_high((unsigned int)i);
		first = cell_of(axis, histogram_low((unsigned int)i));
		last = cell_of(axis, high < h->max ? high : h->max);
		if (last < first)
			last = first;
		for (k = first; k <= last; k++)
			cells[k] += (double)h->buckets[i] / (last - first + 1);
	}
}

static void put_bars(const struct axis *axis, const double *cells, FILE *out,
		     bool utf8)
{
	static const char *const blocks[HEIGHTS] = { "▁", "▂", "▃", "▄",
						     "▅", "▆", "▇", "█" };
	static const char *const plain[HEIGHTS] = { ".", ":", "-", "=",
						    "+", "*", "#", "@" };
	double most = 0;
	int i, height, last = 0;

	for (i = 0; i < axis->cells; i++) {
		if (cells[i] > most)
			most = cells[i];
		if (cells[i] > 0)
			last = i;
	}
	for (i = 0; i <= last; i++) {
		height = (int)(cells[i] / most * HEIGHTS);
		if (height == HEIGHTS)
			height--;
		if (cells[i] > 0)
			fputs((utf8 ? blocks : plain)[height], out);
		else
			putc(' ', out);
	}
	putc('\n', out);
}

static const char *power(int decade, char text[UNITS_SIZE])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	static const char *const numbers[] = { "1", "10", "100" };

	if (decade > 11)
		snprintf(text, UNITS_SIZE, "1e%ds", decade - 9);
	else
		snprintf(text, UNITS_SIZE, "%s%s", numbers[decade % 3],
			 units[decade / 3]);
	return text;
}

/* Labels stand where their decade begins; those that have no room are left. */
static void put_axis(const struct axis *axis, FILE *out)
{
	char line[MAX_CELLS + UNITS_SIZE], text[UNITS_SIZE];
	int decade, at, used = 0, length;

	memset(line, ' ', sizeof(line));
	for (decade = axis->from; decade <= axis->to; decade++) {
		at = (decade - axis->from) * axis->cells /
		     (axis->to - axis->from);
		length = (int)strlen(power(decade, text));
		if (decade == axis->to)
			at = axis->cells - length;
		if (at < used)
			continue;
		memcpy(line + at, text, (size_t)length);
		used = at + length + 1;
	}
	fprintf(out, "%*s %.*s\n", LABEL, "", used > 0 ? used - 1 : 0, line);
}

void stages_picture(const struct stages *stages, FILE *out, unsigned int width)
{
	const bool utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	struct axis axis;
	unsigned int i;
	double *cells;

	if (find_axis(stages, width, &axis) < 0)
		return;
	cells = memory_get(NULL, (size_t)axis.cells * sizeof(*cells));
	for (i = 0; i < stages->count; i++) {
		if (!stages->list[i].h.count)
			continue;
		memset(cells, 0, (size_t)axis.cells * sizeof(*cells));
		fill(&axis, &stages->list[i].h, cells);
		fprintf(out, "%-*.*s ", LABEL, LABEL, stages->list[i].name);
		put_bars(&axis, cells, out, utf8);
	}
	put_axis(&axis, out);
	free(cells);
}
