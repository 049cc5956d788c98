/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "common/svg_draw.h"

#define FOOT	46	/* labels below an area */

static struct svg_area area_of(struct svg *svg, int height)
{
	struct svg_area area = {
		.left = SVG_LEFT,
		.top = svg->y + 8,
		.right = SVG_WIDTH - SVG_RIGHT,
		.bottom = svg->y + height - FOOT,
	};

	svg->y += height;
	return area;
}

static void legend_of(struct svg *svg, const void *first, size_t stride,
		      size_t count)
{
	const char *names[count ? count : 1];
	size_t i;

	/* Both kinds of entries begin with their name. */
	for (i = 0; i < count; i++)
		names[i] = *(const char *const *)((const char *)first +
						  i * stride);
	svg_legend(svg, names, count);
}

static void widen(double value, double *low, double *high, bool positive)
{
	if (!isfinite(value) || (positive && value <= 0))
		return;
	if (isnan(*low) || value < *low)
		*low = value;
	if (isnan(*high) || value > *high)
		*high = value;
}

static void init_scales(const struct svg_lines *panel, struct svg_scale *x,
			struct svg_scale *y)
{
	double low[2] = { NAN, NAN }, high[2] = { NAN, NAN };
	size_t i, j;

	for (i = 0; i < panel->count; i++) {
		for (j = 0; j < panel->series[i].count; j++) {
			widen(panel->series[i].x[j], &low[0], &high[0],
			      panel->x.log);
			widen(panel->series[i].y[j], &low[1], &high[1],
			      panel->y.log);
		}
	}
	svg_scale_init(x, &panel->x, isnan(low[0]) ? 0 : low[0],
		       isnan(high[0]) ? 0 : high[0]);
	svg_scale_init(y, &panel->y, isnan(low[1]) ? 0 : low[1],
		       isnan(high[1]) ? 0 : high[1]);
}

static void draw_points(struct svg *svg, const struct svg_series *s,
			size_t colour, const struct svg_scale *x,
			const struct svg_scale *y)
{
	char name[32], value[32];
	size_t j;

	for (j = 0; j < s->count; j++) {
		if (!isfinite(s->y[j]))
			continue;
		svg_number(name, sizeof(name), x->axis->unit, s->x[j]);
		svg_number(value, sizeof(value), y->axis->unit, s->y[j]);
		fprintf(svg->body, "<circle class=\"c%zu\" cx=\"%.1f\" "
			"cy=\"%.1f\" r=\"3\"><title>", colour,
			svg_place(x, s->x[j]), svg_place(y, s->y[j]));
		svg_escape(svg->body, s->name);
		fprintf(svg->body, ": %s at %s</title></circle>\n", value,
			name);
	}
}

static void draw_series(struct svg *svg, const struct svg_series *s,
			size_t colour, const struct svg_scale *x,
			const struct svg_scale *y)
{
	char pen = 'M';
	size_t j;

	fprintf(svg->body, "<path class=\"line c%zu\" d=\"", colour);
	for (j = 0; j < s->count; j++) {
		if (!isfinite(s->y[j])) {
			pen = 'M';
			continue;
		}
		fprintf(svg->body, "%c%.1f %.1f", pen, svg_place(x, s->x[j]),
			svg_place(y, s->y[j]));
		pen = 'L';
	}
	fputs("\"/>\n", svg->body);
}

void svg_lines(struct svg *svg, const struct svg_lines *panel)
{
	struct svg_scale x, y;
	struct svg_area area;
	size_t i;

	svg_panel_title(svg, panel->title);
	if (panel->count > 1)
		legend_of(svg, panel->series, sizeof(*panel->series),
			  panel->count);
	area = area_of(svg, panel->height ? panel->height : 300);
	init_scales(panel, &x, &y);
	x.from = area.left;
	x.to = area.right;
	y.from = area.bottom;
	y.to = area.top;
	svg_axis_y(svg, &y, &area);
	svg_axis_x(svg, &x, &area);
	for (i = 0; i < panel->count; i++) {
		const struct svg_series *s = &panel->series[i];

		if (s->count > 1)
			draw_series(svg, s, i % SVG_COLOURS, &x, &y);
		if (panel->points || s->count == 1)
			draw_points(svg, s, i % SVG_COLOURS, &x, &y);
	}
}

uint64_t svg_total(const struct svg_values *v)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < v->count; i++)
		total += v->counts[i];
	return total;
}

static double max_of(const struct svg_values *v)
{
	size_t i = v->count;

	if (v->max)
		return (double)v->max;
	while (i > 0 && !v->counts[i - 1])
		i--;
	return i ? (double)v->values[i - 1] : 0;
}

static double min_of(const struct svg_values *v)
{
	size_t i;

	for (i = 0; i < v->count; i++) {
		if (v->counts[i])
			return (double)v->values[i];
	}
	return 0;
}

double svg_quantile(const struct svg_values *values, double share)
{
	double wanted = share * (double)svg_total(values), seen = 0;
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < values->count && !value; i++) {
		seen += (double)values->counts[i];
		if (values->counts[i] && seen >= wanted)
			value = values->values[i];
	}
	/* The greatest is exact, and other values are those of a bucket. */
	return (double)(values->max && value > values->max ? values->max :
							     value);
}

/* The range of values of all distributions of a panel; 0 without any. */
static void range_of(const struct svg_distributions *panel, double *low,
		     double *high)
{
	double from = NAN, to = NAN;
	size_t i;

	for (i = 0; i < panel->count; i++) {
		widen(min_of(&panel->values[i]), &from, &to, true);
		widen(max_of(&panel->values[i]), &from, &to, true);
	}
	*low = isnan(from) ? 0 : from;
	*high = isnan(to) ? 0 : to;
}

/*
 * Where a percentile stands: each nine is as wide as the one before. nines is
 * how many there are, so the last ends at the right.
 */
static double percentile_place(const struct svg_area *area, double share,
			       double nines)
{
	double at = -log10(1 - share) / nines;

	return area->left + (at > 1 ? 1 : at) * (area->right - area->left);
}

static void percentile_axis(struct svg *svg, const struct svg_area *area,
			    double nines)
{
	static const char *const names[] = {
		"0", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %",
		"99.9999 %", "99.99999 %",
	};
	double x;
	int i;

	x = percentile_place(area, 0.5, nines);
	fprintf(svg->body, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", x,
		area->top, area->bottom);
	svg_text(svg, x, area->bottom + 17, SVG_MIDDLE, "soft", "50 %");
	for (i = 0; i <= 7 && i <= nines + 1e-9; i++) {
		x = area->left + i / nines * (area->right - area->left);
		fprintf(svg->body,
			"<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", x,
			area->top, area->bottom);
		svg_text(svg, x, area->bottom + 17,
			 i && i > nines - 0.3 ? SVG_END : SVG_MIDDLE, "soft",
			 names[i]);
	}
	fprintf(svg->body, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>\n",
		area->left, area->bottom, area->right);
	svg_text(svg, (area->left + area->right) / 2, area->bottom + 36,
		 SVG_MIDDLE, "soft", "percentile");
}

static void draw_percentiles(struct svg *svg, const struct svg_values *v,
			     size_t colour, const struct svg_area *area,
			     const struct svg_scale *y, double nines)
{
	double total = (double)svg_total(v), seen = 0, x, place, last = 0;
	char pen = 'M';
	size_t i;

	if (total == 0)
		return;
	fprintf(svg->body, "<path class=\"line c%zu\" d=\"", colour);
	for (i = 0; i < v->count; i++) {
		if (!v->counts[i])
			continue;
		/* A level stretch, then the step to the next bucket. */
		place = svg_place(y, (double)v->values[i]);
		x = percentile_place(area, seen / total, nines);
		fprintf(svg->body, "%c%.1f %.1f", pen, x, place);
		pen = 'L';
		seen += (double)v->counts[i];
		last = 1 - 1 / total;
		if (seen / total < last)
			last = seen / total;
		if (v->counts[i] > 1)
			fprintf(svg->body, "L%.1f %.1f",
				percentile_place(area, last, nines), place);
	}
	fprintf(svg->body, "L%.1f %.1f\"/>\n",
		percentile_place(area, last, nines),
		svg_place(y, max_of(v)));
}

void svg_percentiles(struct svg *svg, const struct svg_distributions *panel)
{
	struct svg_axis axis = {
		.label = panel->label ? panel->label : "latency",
		.unit = SVG_TIME,
		.log = true,
	};
	double low, high, most = 10, nines;
	struct svg_scale y;
	struct svg_area area;
	size_t i;

	svg_panel_title(svg, panel->title);
	if (panel->count > 1)
		legend_of(svg, panel->values, sizeof(*panel->values),
			  panel->count);
	area = area_of(svg, panel->height ? panel->height : 320);
	for (i = 0; i < panel->count; i++)
		most = fmax(most, (double)svg_total(&panel->values[i]));
	nines = fmin(log10(most), 7);
	range_of(panel, &low, &high);
	svg_scale_init(&y, &axis, low, high);
	y.from = area.bottom;
	y.to = area.top;
	svg_axis_y(svg, &y, &area);
	percentile_axis(svg, &area, nines);
	for (i = 0; i < panel->count; i++)
		draw_percentiles(svg, &panel->values[i], i % SVG_COLOURS,
				 &area, &y, nines);
}

/*
 * Buckets of a log-linear histogram have different widths, so what is drawn is
 * the count per width on the axis; the highest of each curve is 1.
 */
#define CELLS	160

static void fill_cells(const struct svg_values *v, const struct svg_scale *x,
		       double cells[CELLS])
{
	size_t i;

	for (i = 0; i < v->count; i++) {
		double from, to, width, value = (double)v->values[i];
		int c;

		if (!v->counts[i])
			continue;
		/* The next bucket may be far when empty ones are left out. */
		to = i + 1 < v->count ? (double)v->values[i + 1] : value;
		if (to > value * 1.07 + 1 || to <= value)
			to = value * 1.0625 + 1;
		from = (svg_place(x, value) - x->from) / (x->to - x->from);
		to = (svg_place(x, to) - x->from) / (x->to - x->from);
		from *= CELLS;
		to *= CELLS;
		if (to - from < 1e-6) {
			from = fmin(from, CELLS - 1);
			to = from + 1;
		}
		width = to - from;
		for (c = (int)from; c < CELLS && c < to; c++)
			cells[c] += (double)v->counts[i] *
				    (fmin(to, c + 1) - fmax(from, c)) / width;
	}
}

static void draw_cells(struct svg *svg, const double cells[CELLS],
		       size_t colour, const struct svg_area *area)
{
	double step = (area->right - area->left) / CELLS, top = 0;
	int pass, c;

	for (c = 0; c < CELLS; c++)
		top = fmax(top, cells[c]);
	if (top == 0)
		return;
	for (pass = 0; pass < 2; pass++) {
		fprintf(svg->body, "<path class=\"%s c%zu\" d=\"M%.1f %.1f",
			pass ? "line" : "area", colour, area->left,
			area->bottom);
		for (c = 0; c < CELLS; c++)
			fprintf(svg->body, "V%.1fH%.1f",
				area->bottom - cells[c] / top *
					(area->bottom - area->top),
				area->left + (c + 1) * step);
		fprintf(svg->body, "V%.1f\"/>\n", area->bottom);
	}
}

void svg_histograms(struct svg *svg, const struct svg_distributions *panel)
{
	struct svg_axis axis = {
		.label = panel->label ? panel->label : "latency",
		.unit = SVG_TIME,
		.log = true,
	};
	struct svg_scale x;
	struct svg_area area;
	double low, high;
	size_t i;

	svg_panel_title(svg, panel->title);
	if (panel->count > 1)
		legend_of(svg, panel->values, sizeof(*panel->values),
			  panel->count);
	area = area_of(svg, panel->height ? panel->height : 240);
	range_of(panel, &low, &high);
	svg_scale_init(&x, &axis, low, high);
	x.from = area.left;
	x.to = area.right;
	svg_axis_x(svg, &x, &area);
	fprintf(svg->body, "<text class=\"soft\" text-anchor=\"middle\" "
		"transform=\"translate(16 %.1f) rotate(-90)\">how often</text>\n",
		(area.top + area.bottom) / 2);
	for (i = 0; i < panel->count; i++) {
		double cells[CELLS] = { 0 };

		fill_cells(&panel->values[i], &x, cells);
		draw_cells(svg, cells, i % SVG_COLOURS, &area);
	}
}
