/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Running a loop on a backend, and saying what went wrong.
 */
#ifndef TOOLS_GMBLAT_LOOP_H
#define TOOLS_GMBLAT_LOOP_H

#include <giambio.h>
#include "gmblat/lat.h"

/* gmb_run() on the backend of the run. */
intptr_t loop_run(const struct run *run, gmb_task_fn fn, void *arg);

/* Set out->why, unless it is set. Returns error. */
int fail(struct run *run, int error, const char *what);

/**
 * kinds_or() - which kinds the user wants
 * @settings: the user's
 * @ours:     an or of 1 << enum kind: what the experiment can do
 * @defaults: those that it does when the user does not say
 *
 * Return: an or of 1 << enum kind; 0: none that the experiment can do.
 */
unsigned int kinds_or(const struct settings *settings, unsigned int ours,
		      unsigned int defaults);

/* Append a case; one too many ends the program with a sentence. */
struct lat_case *case_add(struct lat_case *cases, int *count,
			  const struct experiment *as, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
