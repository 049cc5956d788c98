/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/proc.h"
#include "common/say.h"
#include "common/svg.h"
#include "gmbstat/chart.h"

struct chart_panel {
	char title[160];
	const struct stages *stages;
};

void chart_add(struct chart *chart, const struct page *page,
	       const struct stages *stages)
{
	char name[17], backend[9];
	struct chart_panel *panel;

	chart->panels = memory_get(chart->panels, (chart->count + 1) *
							  sizeof(*panel));
	panel = &chart->panels[chart->count++];
	panel->stages = stages;
	page_names(page, name, backend);
	snprintf(panel->title, sizeof(panel->title),
		 "process %d (%s), loop %s on %s", (int)page->pid,
		 page->comm, name, backend);
}

void chart_free(struct chart *chart)
{
	free(chart->panels);
	chart->panels = NULL;
}

/* Buckets that something is in, each as the middle of what it stands for. */
static void take_values(const struct stage *stage, struct svg_values *out,
			uint64_t *values, uint64_t *counts)
{
	uint64_t low, high;
	unsigned int i;

	*out = (struct svg_values){
		.name = stage->name,
		.values = values,
		.counts = counts,
		.max = stage->h.max,
	};
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!stage->h.buckets[i])
			continue;
		low = histogram_low(i);
		high = histogram_high(i);
		values[out->count] = low + (high - low) / 2;
		counts[out->count++] = stage->h.buckets[i];
	}
}

static void draw(struct svg *svg, const struct chart_panel *panel)
{
	const unsigned int n = panel->stages->count;
	struct svg_values values[n ? n : 1];
	uint64_t *room = memory_get(NULL, 2ull * n * HISTOGRAM_BUCKETS *
						  sizeof(uint64_t));
	struct svg_distributions d = {
		.title = panel->title,
		.label = "time in the stage",
		.values = values,
	};
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!panel->stages->list[i].h.count)
			continue;
		take_values(&panel->stages->list[i], &values[d.count],
			    room + 2ull * i * HISTOGRAM_BUCKETS,
			    room + (2ull * i + 1) * HISTOGRAM_BUCKETS);
		d.count++;
	}
	svg_ranges(svg, &d);
	if (d.count) {
		d.title = NULL;
		svg_percentiles(svg, &d);
	}
	free(room);
}

int chart_write(const struct chart *chart, const char *file)
{
	const struct svg_head head = {
		.title = chart->title,
		.footer = "gmbstat latency",
	};
	FILE *out = fopen(file, "we");
	unsigned int i;
	struct svg *svg;
	int rc;

	if (!out)
		return say(EXIT_FAILED, "%s cannot be written: %s", file,
			   strerror(errno));
	svg = svg_open(&head);
	for (i = 0; svg && i < chart->count; i++)
		draw(svg, &chart->panels[i]);
	rc = svg ? svg_close(svg, out) : -ENOMEM;
	if (fclose(out) && !rc)
		rc = -errno;
	if (rc)
		return say(EXIT_FAILED, "%s cannot be written: %s", file,
			   strerror(-rc));
	return EXIT_OK;
}
