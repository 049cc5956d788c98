/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/table.h"
#include "gmblat/progress.h"

void progress_init(struct progress *progress, const struct results *results)
{
	unsigned int i, usable = 0;

	for (i = 0; i < results->backend_count; i++)
		usable += results->backends[i].usable;
	*progress = (struct progress){
		.on = isatty(STDERR_FILENO),
		.name = results->experiment->name,
		.rounds = results->settings->rounds,
		.runs = usable * results->count * results->settings->rounds,
	};
}

void progress_begin(struct progress *progress, const char *backend,
		    const char *lat_case, unsigned int round)
{
	progress->run++;
	progress->round = round;
	snprintf(progress->what, sizeof(progress->what), "%s: %s", backend,
		 lat_case);
	progress_show(progress, 0);
}

void progress_show(const struct progress *progress, uint64_t events)
{
	unsigned int width = table_width(stderr);
	char line[200];

	if (!progress->on)
		return;
	snprintf(line, sizeof(line), "%s %u/%u, round %u/%u, %s, %llu events",
		 progress->name, progress->run, progress->runs,
		 progress->round + 1, progress->rounds, progress->what,
		 (unsigned long long)events);
	fputs("\r\033[K", stderr);
	table_put(stderr, line, width > 1 ? width - 1 : 79);
	fflush(stderr);
}

void progress_end(const struct progress *progress)
{
	if (progress->on)
		fputs("\r\033[K", stderr);
}
