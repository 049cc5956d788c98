/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* The stages of loops as an SVG. */
#ifndef TOOLS_GMBSTAT_CHART_H
#define TOOLS_GMBSTAT_CHART_H

#include "gmbstat/stages.h"

struct chart_panel;

/**
 * struct chart - a picture that grows
 * @title:  what it shows; the caller's
 * @panels: one for each loop
 * @count:  how many
 */
struct chart {
	const char *title;
	struct chart_panel *panels;
	unsigned int count;
};

/* Add a loop; its stages must live until the chart is freed. */
void chart_add(struct chart *chart, const struct page *page,
	       const struct stages *stages);

/* Write it into a file; returns the exit code, and says what went wrong. */
int chart_write(const struct chart *chart, const char *file);

void chart_free(struct chart *chart);

#endif
