/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <math.h>
#include <stdio.h>
#include "common/svg_draw.h"

/* Trailing zeros of a fraction say nothing. */
static void print_short(char *text, size_t size, double value, const char *unit)
{
	snprintf(text, size, "%.4g%s", value, unit);
}

static void print_time(char *text, size_t size, double ns)
{
	if (fabs(ns) >= 1e9)
		print_short(text, size, ns / 1e9, " s");
	else if (fabs(ns) >= 1e6)
		print_short(text, size, ns / 1e6, " ms");
	else if (fabs(ns) >= 1e3)
		print_short(text, size, ns / 1e3, " µs");
	else
		print_short(text, size, ns, ns == 0 ? "" : " ns");
}

void svg_number(char *text, size_t size, enum svg_unit unit, double value)
{
	if (unit == SVG_TIME)
		print_time(text, size, value);
	else if (unit == SVG_PERCENT)
		print_short(text, size, value * 100, " %");
	else if (fabs(value) >= 1e9)
		print_short(text, size, value / 1e9, "G");
	else if (fabs(value) >= 1e6)
		print_short(text, size, value / 1e6, "M");
	else if (fabs(value) >= 1e4)
		print_short(text, size, value / 1e3, "k");
	else
		print_short(text, size, value, "");
}

/* 1, 2 or 5 times a power of ten, so that about wanted steps fit. */
static double nice_step(double span, double wanted)
{
	double raw = span / wanted;
	double power = pow(10, floor(log10(raw)));
	double rest = raw / power;

	if (rest <= 1)
		return power;
	if (rest <= 2)
		return 2 * power;
	if (rest <= 5)
		return 5 * power;
	return 10 * power;
}

/*
 * An axis of its own ends at round numbers. On a logarithmic one that is a 1, 2
 * or 5, so that values within a decade do not shrink to a corner of it.
 */
static double round_log(double value, int up)
{
	static const double steps[] = { 1, 2, 5, 10 };
	double power = pow(10, floor(log10(value) + 1e-9));
	int i;

	if (up) {
		for (i = 0; i < 3 && steps[i] * power < value * 0.999999; i++)
			;
		return steps[i] * power;
	}
	for (i = 3; i > 0 && steps[i] * power > value * 1.000001; i--)
		;
	return steps[i] * power;
}

static void init_log(struct svg_scale *scale, double low, double high)
{
	if (!(high > 0))
		high = 1;
	if (!(low > 0))
		low = high > 1 ? 1 : high / 10;
	if (scale->axis->min == scale->axis->max) {
		low = round_log(low, 0);
		high = round_log(high, 1);
	}
	if (!(high > low))
		high = low * 10;
	scale->min = log10(low);
	scale->max = log10(high);
}

static void init_linear(struct svg_scale *scale, double low, double high)
{
	double step;

	if (scale->axis->zero && low > 0)
		low = 0;
	if (!(high > low))
		high = low + (low != 0 ? fabs(low) : 1);
	if (scale->axis->min == scale->axis->max) {
		step = nice_step(high - low, 6);
		low = floor(low / step + 1e-9) * step;
		high = ceil(high / step - 1e-9) * step;
	}
	scale->min = low;
	scale->max = high;
}

void svg_scale_init(struct svg_scale *scale, const struct svg_axis *axis,
		    double low, double high)
{
	scale->axis = axis;
	if (axis->min != axis->max) {
		low = axis->min;
		high = axis->max;
	}
	if (axis->log)
		init_log(scale, low, high);
	else
		init_linear(scale, low, high);
}

double svg_place(const struct svg_scale *scale, double value)
{
	double at = value;

	if (scale->axis->log)
		at = value > 0 ? log10(value) : scale->min;
	if (at < scale->min)
		at = scale->min;
	if (at > scale->max)
		at = scale->max;
	return scale->from + (at - scale->min) / (scale->max - scale->min) *
				     (scale->to - scale->from);
}

typedef void (*tick_fn)(struct svg *svg, const struct svg_scale *scale,
			const struct svg_area *area, double value, bool label);

static void tick_x(struct svg *svg, const struct svg_scale *scale,
		   const struct svg_area *area, double value, bool label)
{
	double x = svg_place(scale, value);
	char text[32];

	fprintf(svg->body,
		"<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", x, area->top,
		area->bottom);
	if (!label)
		return;
	svg_number(text, sizeof(text), scale->axis->unit, value);
	svg_text(svg, x, area->bottom + 17, SVG_MIDDLE, "soft", text);
}

static void tick_y(struct svg *svg, const struct svg_scale *scale,
		   const struct svg_area *area, double value, bool label)
{
	double y = svg_place(scale, value);
	char text[32];

	fprintf(svg->body,
		"<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", area->left, y,
		area->right);
	if (!label)
		return;
	svg_number(text, sizeof(text), scale->axis->unit, value);
	svg_text(svg, area->left - 8, y + 4, SVG_END, "soft", text);
}

/*
 * A decade each, and 2 and 5 between while there is room; with many decades
 * not every one has a label.
 */
static void ticks_log(struct svg *svg, const struct svg_scale *scale,
		      const struct svg_area *area, double room, tick_fn tick)
{
	double decade = fabs(scale->to - scale->from) /
			(scale->max - scale->min);
	int every = (int)ceil(room / decade);
	int first = (int)floor(scale->min + 1e-9);
	int last = (int)ceil(scale->max - 1e-9);
	int e, m;

	for (e = first; e <= last; e++) {
		for (m = 1; m <= 5; m += m == 1 ? 1 : 3) {
			double at = e + log10(m);

			if (m > 1 && decade < 3.4 * room)
				break;
			if (at < scale->min - 1e-9 || at > scale->max + 1e-9)
				continue;
			tick(svg, scale, area, m * pow(10, e), e % every == 0);
		}
	}
}

static void ticks_linear(struct svg *svg, const struct svg_scale *scale,
			 const struct svg_area *area, double room, tick_fn tick)
{
	double span = scale->max - scale->min;
	double wanted = fabs(scale->to - scale->from) / room;
	double step = nice_step(span, wanted > 8 ? 8 : wanted);
	double first = ceil(scale->min / step - 1e-9);
	int i;

	for (i = 0; (first + i) * step <= scale->max + span * 1e-9; i++)
		tick(svg, scale, area, (first + i) * step, true);
}

static void draw_ticks(struct svg *svg, const struct svg_scale *scale,
		       const struct svg_area *area, double room, tick_fn tick)
{
	if (scale->axis->log)
		ticks_log(svg, scale, area, room, tick);
	else
		ticks_linear(svg, scale, area, room, tick);
}

void svg_axis_x(struct svg *svg, const struct svg_scale *scale,
		const struct svg_area *area)
{
	draw_ticks(svg, scale, area, 62, tick_x);
	fprintf(svg->body,
		"<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>\n", area->left,
		area->bottom, area->right);
	if (scale->axis->label)
		svg_text(svg, (area->left + area->right) / 2,
			 area->bottom + 36, SVG_MIDDLE, "soft",
			 scale->axis->label);
}

void svg_axis_y(struct svg *svg, const struct svg_scale *scale,
		const struct svg_area *area)
{
	double middle = (area->top + area->bottom) / 2;

	draw_ticks(svg, scale, area, 24, tick_y);
	if (!scale->axis->label)
		return;
	fprintf(svg->body, "<text class=\"soft\" text-anchor=\"middle\" "
		"transform=\"translate(16 %.1f) rotate(-90)\">", middle);
	svg_escape(svg->body, scale->axis->label);
	fputs("</text>\n", svg->body);
}
