/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <math.h>
#include <string.h>
#include "common/svg_draw.h"

#define ROW	28	/* pixels from one row to the next */
#define BAR	14	/* how high a bar is */
#define FOOT	46

/* What stands at the left of the rows decides where the bars begin. */
static struct svg_area area_of(struct svg *svg, size_t rows, double names,
			       double room)
{
	struct svg_area area = {
		.left = fmin(fmax(SVG_LEFT, SVG_RIGHT + names + 14), 320),
		.top = svg->y + 6,
		.right = SVG_WIDTH - SVG_RIGHT - room,
		.bottom = svg->y + 6 + (double)rows * ROW,
	};

	svg->y = (int)area.bottom + FOOT;
	return area;
}

static double row_middle(const struct svg_area *area, size_t row)
{
	return area->top + ((double)row + 0.5) * ROW;
}

static void draw_bar(struct svg *svg, const char *class, size_t colour,
		     double from, double to, double middle, const char *title)
{
	fprintf(svg->body, "<rect class=\"%s c%zu\" style=\"stroke:none\" "
		"x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\">", class,
		colour, from, middle - BAR / 2, fmax(to - from, 0), BAR);
	if (title) {
		fputs("<title>", svg->body);
		svg_escape(svg->body, title);
		fputs("</title>", svg->body);
	}
	fputs("</rect>\n", svg->body);
}

static double value_max(const struct svg_values *v)
{
	return v->max ? (double)v->max : svg_quantile(v, 1);
}

/* What a histogram knows of a value is worth no more digits. */
static double three_digits(double value)
{
	double unit = pow(10, floor(log10(value)) - 2);

	return value > 0 ? round(value / unit) * unit : 0;
}

static void draw_range(struct svg *svg, const struct svg_values *v,
		       const struct svg_area *area, const struct svg_scale *x,
		       size_t row)
{
	double middle = row_middle(area, row);
	double at[3] = { svg_quantile(v, 0.5), svg_quantile(v, 0.99),
			 value_max(v) };
	/* Is there at least one above it? */
	bool known = svg_total(v) >= 100;
	char text[3][32];
	int i;

	svg_text(svg, area->left - 10, middle + 4, SVG_END, NULL, v->name);
	if (at[2] <= 0) {
		svg_text(svg, area->left + 8, middle + 4, SVG_START, "soft",
			 "nothing counted");
		return;
	}
	for (i = 0; i < 3; i++) {
		if (i == 1 && !known)
			strcpy(text[i], "-");
		else
			svg_number(text[i], sizeof(text[i]), SVG_TIME,
				   three_digits(at[i]));
		svg_text(svg, area->right + 74 + i * 70, middle + 4, SVG_END,
			 i ? "soft" : NULL, text[i]);
		at[i] = svg_place(x, at[i]);
	}
	draw_bar(svg, "bar", 0, area->left, at[0], middle, text[0]);
	if (known)
		draw_bar(svg, "pale", 0, at[0], at[1], middle, text[1]);
	else
		at[1] = at[0];
	fprintf(svg->body, "<path class=\"line c0\" d=\"M%.1f %.1fH%.1fM%.1f "
		"%.1fv%d\"/>\n", at[1], middle, at[2], at[2],
		middle - BAR / 2, BAR);
}

void svg_ranges(struct svg *svg, const struct svg_distributions *panel)
{
	static const char *const heads[] = { "50 %", "99 %", "max" };
	struct svg_axis axis = {
		.label = panel->label ? panel->label : "latency",
		.unit = SVG_TIME,
		.log = true,
	};
	double low = INFINITY, high = 0, names = 0;
	struct svg_scale x;
	struct svg_area area;
	size_t i;

	for (i = 0; i < panel->count; i++) {
		const struct svg_values *v = &panel->values[i];
		double median = svg_quantile(v, 0.5);

		names = fmax(names, svg_text_width(v->name));
		high = fmax(high, value_max(v));
		if (median > 0)
			low = fmin(low, median);
	}
	svg_panel_title(svg, panel->title);
	svg->y += 14;
	area = area_of(svg, panel->count, names, 214);
	/* The bar of the least median has some length, too. */
	svg_scale_init(&x, &axis, isfinite(low) ? low / 3 : 0, high);
	x.from = area.left;
	x.to = area.right;
	svg_axis_x(svg, &x, &area);
	for (i = 0; i < 3; i++)
		svg_text(svg, area.right + 74 + (double)i * 70, area.top - 4,
			 SVG_END, "soft", heads[i]);
	for (i = 0; i < panel->count; i++)
		draw_range(svg, &panel->values[i], &area, &x, i);
}

static double sum_of(const struct svg_bar *bar, size_t parts)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < parts; i++)
		sum += bar->parts[i] > 0 ? bar->parts[i] : 0;
	return sum;
}

static void draw_parts(struct svg *svg, const struct svg_bars *panel,
		       const struct svg_area *area, const struct svg_scale *x,
		       size_t row)
{
	const struct svg_bar *bar = &panel->bars[row];
	double middle = row_middle(area, row), sum = 0, next;
	char number[32], title[160];
	size_t i;

	svg_text(svg, area->left - 10, middle + 4, SVG_END, NULL, bar->name);
	for (i = 0; i < panel->part_count; i++) {
		if (!(bar->parts[i] > 0))
			continue;
		next = sum + bar->parts[i];
		svg_number(number, sizeof(number), panel->axis.unit,
			   three_digits(bar->parts[i]));
		snprintf(title, sizeof(title), "%s: %s", panel->parts[i],
			 number);
		draw_bar(svg, "bar", i % SVG_COLOURS, svg_place(x, sum),
			 svg_place(x, next), middle, title);
		sum = next;
	}
	svg_number(number, sizeof(number), panel->axis.unit,
		   sum > 0 ? three_digits(sum) : 0);
	svg_text(svg, svg_place(x, sum) + 8, middle + 4, SVG_START, "soft",
		 number);
}

void svg_bars(struct svg *svg, const struct svg_bars *panel)
{
	struct svg_axis axis = panel->axis;
	double high = 0, names = 0;
	struct svg_scale x;
	struct svg_area area;
	size_t i;

	axis.log = false;
	axis.zero = true;
	for (i = 0; i < panel->count; i++) {
		names = fmax(names, svg_text_width(panel->bars[i].name));
		high = fmax(high, sum_of(&panel->bars[i], panel->part_count));
	}
	svg_panel_title(svg, panel->title);
	if (panel->part_count > 1)
		svg_legend(svg, panel->parts, panel->part_count);
	area = area_of(svg, panel->count, names, 60);
	svg_scale_init(&x, &axis, 0, high);
	x.from = area.left;
	x.to = area.right;
	svg_axis_x(svg, &x, &area);
	for (i = 0; i < panel->count; i++)
		draw_parts(svg, panel, &area, &x, i);
}
