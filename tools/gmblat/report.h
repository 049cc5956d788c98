/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* What the experiments have shown: as text, as JSON, as a picture. */
#ifndef TOOLS_GMBLAT_REPORT_H
#define TOOLS_GMBLAT_REPORT_H

#include <stdio.h>
#include "common/json.h"
#include "gmblat/lat.h"
#include "gmblat/machine.h"

void report_text(const struct results *results, const struct machine *machine,
		 FILE *out);

/* The document: begun once, then each experiment, then ended. */
void report_json_begin(struct json *json, const struct results *results,
		       const struct machine *machine, FILE *out);
void report_json(struct json *json, const struct results *results);
int report_json_end(struct json *json);

/* Returns 0 or -errno. */
int report_svg(const struct results *results, const struct machine *machine,
	       FILE *out);

/* Sentences about the settings and about the machine. */
void describe_settings(const struct results *results, char *text, size_t size);
void describe_machine(const struct machine *machine, char *text, size_t size);

/**
 * share_is_known() - were there enough values to tell a percentile
 * @h:     the histogram
 * @share: from 0 to 1
 *
 * Return: at least one value lies above it.
 */
bool share_is_known(const struct histogram *h, double share);

/* What is told per second, or per event; 0 if nothing was measured. */
double per_second(const struct outcome *out, uint64_t count);
double cpu_per_event(const struct outcome *out);

/* How many cases have failed. */
unsigned int failures(const struct results *results);

#endif
