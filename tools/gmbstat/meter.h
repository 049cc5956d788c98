/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The stages of chosen tasks, from the trace of their loop: each event is one
 * of the five moments, so nothing is estimated, and what was lost is counted.
 */
#ifndef TOOLS_GMBSTAT_METER_H
#define TOOLS_GMBSTAT_METER_H

#include <stdbool.h>
#include <giambio/trace.h>
#include "gmbstat/stages.h"
#include "gmbstat/tree.h"

struct meter;

/**
 * meter_new() - measure tasks
 * @wanted: their name, or the number of one; the caller's, stays
 * @since:  events before this are not looked at
 */
struct meter *meter_new(const char *wanted, int64_t since);

void meter_free(struct meter *meter);

/* Look which tasks of a loop are meant. */
void meter_find(struct meter *meter, const struct tree *tree);

/* Look where the stacks of tasks are that came since; before their batches. */
void meter_locate(struct meter *meter, struct page *page);

/* How many tasks there were. */
size_t meter_tasks(const struct meter *meter);

/* An event of the loop's trace. */
void meter_event(struct meter *meter, const struct gmb_trace_event *event);

/*
 * Some events were lost: what was begun is not counted, for its end may have
 * been among them.
 */
void meter_lost(struct meter *meter);

/* A batch of the kernel's events of the loop's context. */
void meter_batch(struct meter *meter, const struct module_batch *batch);

/* Add what was measured. */
void meter_stages(const struct meter *meter, struct stages *stages);

#endif
