/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* The line that says how far the experiments are, on a terminal only. */
#ifndef TOOLS_GMBLAT_PROGRESS_H
#define TOOLS_GMBLAT_PROGRESS_H

#include "gmblat/lat.h"

/**
 * struct progress - see above
 * @on:     standard error is a terminal
 * @name:   of the experiment
 * @runs:   how many there will be
 * @run:    the present one, from 1
 * @rounds: in all
 * @round:  the present one, from 0
 * @what:   backend and case
 */
struct progress {
	bool on;
	const char *name;
	unsigned int runs;
	unsigned int run;
	unsigned int rounds;
	unsigned int round;
	char what[64];
};

void progress_init(struct progress *progress, const struct results *results);

void progress_begin(struct progress *progress, const char *backend,
		    const char *lat_case, unsigned int round);

/* So many events have been measured in the present run. */
void progress_show(const struct progress *progress, uint64_t events);

/* Take the line away. */
void progress_end(const struct progress *progress);

#endif
