/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Where time goes between an event and the task that waits for it: stages, each
 * with a histogram. They come from a loop's page, from the kernel module, or
 * from the trace of some tasks, and are shown in one way.
 */
#ifndef TOOLS_GMBSTAT_STAGES_H
#define TOOLS_GMBSTAT_STAGES_H

#include <stdbool.h>
#include <stdio.h>
#include "common/histogram.h"
#include "common/json.h"
#include "common/module.h"
#include "common/page.h"

/**
 * struct stage - a stage
 * @name:   what it is called
 * @what:   from when to when, for people
 * @source: "kernel", "loop", "task", or "wait": what a task waited for
 * @h:      what was counted
 */
struct stage {
	const char *name;
	const char *what;
	const char *source;
	struct histogram h;
};

/**
 * struct stages - in the order in which an event goes through them
 * @list:  count of them
 * @count: how many
 */
struct stages {
	struct stage *list;
	unsigned int count;
};

/* Add an empty one; returns it, until the next is added. */
struct stage *stages_add(struct stages *stages, const char *source,
			 const char *name, const char *what);

/* Add the stages of a loop, as its page has them now. */
void stages_add_loop(struct stages *stages, const struct page *page);

/* Add those of the kernel, with what is in h (by enum gmb_nl_stage). */
void stages_add_kernel(struct stages *stages, const struct histogram *h);

void stages_free(struct stages *stages);

/* Leave what was counted since an earlier picture of the same stages. */
void stages_since(struct stages *stages, const struct stages *before);

/* Find the number of the context that a loop uses; MODULE_ALL: it has none. */
uint32_t stages_context(struct module *module, const struct page *page);

/* A table of percentiles. */
void stages_table(const struct stages *stages, FILE *out, unsigned int width);

/*
 * A line for each stage with the share of each time as a bar, all along one
 * logarithmic axis; width 0 is 80.
 */
void stages_picture(const struct stages *stages, FILE *out, unsigned int width);

/* As an array "stages". */
void stages_json(const struct stages *stages, struct json *json);

#endif
