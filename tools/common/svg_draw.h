/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What the panels of a picture draw with: text, axes and legends. Only for the
 * files tools/common/svg*.c.
 */
#ifndef TOOLS_COMMON_SVG_DRAW_H
#define TOOLS_COMMON_SVG_DRAW_H

#include "common/svg.h"

#define SVG_WIDTH	860
#define SVG_LEFT	78
#define SVG_RIGHT	24
#define SVG_COLOURS	8

/**
 * struct svg - a picture that is being made
 * @body:  where panels are drawn
 * @text:  what @body holds
 * @size:  bytes of it
 * @foot:  copy of the footer; may be NULL
 * @y:     where the next panel begins
 * @error: -ENOMEM, or 0
 */
struct svg {
	FILE *body;
	char *text;
	size_t size;
	char *foot;
	int y;
	int error;
};

/**
 * struct svg_scale - how values become pixels along one axis
 * @axis: what it shows
 * @from: pixel of @min
 * @to:   pixel of @max
 * @min:  least value; its logarithm if the axis is logarithmic
 * @max:  greatest
 */
struct svg_scale {
	const struct svg_axis *axis;
	double from;
	double to;
	double min;
	double max;
};

/* The area between the axes. */
struct svg_area {
	double left;
	double top;
	double right;
	double bottom;
};

enum svg_anchor {
	SVG_START,
	SVG_MIDDLE,
	SVG_END,
};

/* Text at a place, of a class of the style sheet (NULL: plain). */
void svg_text(struct svg *svg, double x, double y, enum svg_anchor anchor,
	      const char *class, const char *text);

/* Text with what XML needs in place of its own signs. */
void svg_escape(FILE *out, const char *text);

/* How wide text is, about, in pixels. */
double svg_text_width(const char *text);

/* A number as an axis labels it; size at least 24. */
void svg_number(char *text, size_t size, enum svg_unit unit, double value);

/* Make a scale for values from low to high; from and to are pixels. */
void svg_scale_init(struct svg_scale *scale, const struct svg_axis *axis,
		    double low, double high);

double svg_place(const struct svg_scale *scale, double value);

/* The axes with grid and labels. */
void svg_axis_x(struct svg *svg, const struct svg_scale *scale,
		const struct svg_area *area);
void svg_axis_y(struct svg *svg, const struct svg_scale *scale,
		const struct svg_area *area);

/* The title of a panel, and a legend below it; both move svg->y on. */
void svg_panel_title(struct svg *svg, const char *title);
void svg_legend(struct svg *svg, const char *const *names, size_t count);

#endif
