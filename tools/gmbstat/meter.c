/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "gmbstat/meter.h"
#include "gmbstat/wait.h"

#define KINDS	(GMB_WAIT_THREAD + 1)

/* A task that is measured. Moments are 0 where they were not seen. */
struct measured {
	uint64_t id;
	uint64_t stack_low;
	uint64_t stack_end;
	bool located;		/* the stack was looked for */
	int64_t ready;
	int64_t begun;
	int64_t ended;
	unsigned int kind;	/* of the wait */
};

struct meter {
	const char *wanted;
	uint64_t wanted_id;	/* 0: it is a name */
	int64_t since;
	struct measured *list;	/* ascending by id */
	size_t count;
	struct histogram resume;
	struct histogram step;
	struct histogram waits[KINDS];
	struct histogram kernel[__GMB_NL_STAGE_MAX];
};

struct meter *meter_new(const char *wanted, int64_t since)
{
	struct meter *meter = memory_zeroed(1, sizeof(*meter));
	char *end;

	meter->wanted = wanted;
	meter->since = since;
	meter->wanted_id = strtoull(wanted, &end, 10);
	if (*end)
		meter->wanted_id = 0;
	return meter;
}

void meter_free(struct meter *meter)
{
	if (!meter)
		return;
	free(meter->list);
	free(meter);
}

/* Where the task is, or where it belongs. */
static size_t place_of(const struct meter *meter, uint64_t id)
{
	size_t low = 0, high = meter->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (meter->list[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct measured *find(const struct meter *meter, uint64_t id)
{
	size_t at = place_of(meter, id);

	return at < meter->count && meter->list[at].id == id ?
		       &meter->list[at] :
		       NULL;
}

/* Numbers ascend, so a new task is nearly always the last one. */
static struct measured *add(struct meter *meter, uint64_t id)
{
	size_t at = place_of(meter, id);

	if (at < meter->count && meter->list[at].id == id)
		return &meter->list[at];
	meter->list = memory_get(meter->list, (meter->count + 1) *
						      sizeof(*meter->list));
	memmove(&meter->list[at + 1], &meter->list[at],
		(meter->count - at) * sizeof(*meter->list));
	meter->count++;
	meter->list[at] = (struct measured){ .id = id };
	return &meter->list[at];
}

void meter_find(struct meter *meter, const struct tree *tree)
{
	const struct gmb_row *row;
	struct measured *m;
	size_t i;

	for (i = 0; i < tree->count; i++) {
		row = &tree->list[i].row;
		if (row->id != meter->wanted_id &&
		    (meter->wanted_id || strcmp(row->name, meter->wanted)))
			continue;
		m = add(meter, row->id);
		m->located = true;
		m->stack_low = row->stack_low;
		m->stack_end = row->stack_low + row->stack_size;
	}
}

void meter_locate(struct meter *meter, struct page *page)
{
	struct measured *m;
	struct gmb_row row;
	ssize_t index;
	size_t i;

	for (i = 0; i < meter->count; i++) {
		m = &meter->list[i];
		if (m->located)
			continue;
		/* One that has gone by now will not be there later either. */
		m->located = true;
		index = page_find_row(page, m->id);
		if (index < 0 || !page_row(page, (size_t)index, &row, NULL) ||
		    row.id != m->id)
			continue;
		m->stack_low = row.stack_low;
		m->stack_end = row.stack_low + row.stack_size;
	}
}

size_t meter_tasks(const struct meter *meter)
{
	return meter->count;
}

/* A new task that is called so; a trace has only the beginning of a name. */
static void take_name(struct meter *meter, const struct gmb_trace_event *event)
{
	if (!meter->wanted_id && !strncmp(event->text, meter->wanted,
					  sizeof(event->text) - 1))
		add(meter, event->task);
}

static void count(struct histogram *h, int64_t from, int64_t to)
{
	if (from && to >= from)
		histogram_add(h, (uint64_t)(to - from));
}

static void take_step(struct meter *meter, struct measured *m,
		      const struct gmb_trace_event *event)
{
	switch (event->kind) {
	case GMB_TRACE_READY:
		if (m->kind < KINDS)
			count(&meter->waits[m->kind], m->ended, event->time);
		m->ready = event->time;
		m->ended = 0;
		break;
	case GMB_TRACE_BEGIN:
		count(&meter->resume, m->ready, event->time);
		m->begun = event->time;
		m->ready = 0;
		break;
	case GMB_TRACE_END:
		count(&meter->step, m->begun, event->time);
		m->begun = 0;
		m->ended = event->time;
		m->kind = event->extra;
		break;
	}
}

void meter_event(struct meter *meter, const struct gmb_trace_event *event)
{
	struct measured *m;

	if (event->time < meter->since)
		return;
	if (event->kind == GMB_TRACE_NAME) {
		take_name(meter, event);
		return;
	}
	m = find(meter, event->task);
	if (m)
		take_step(meter, m, event);
}

void meter_lost(struct meter *meter)
{
	size_t i;

	for (i = 0; i < meter->count; i++)
		meter->list[i].ready = meter->list[i].begun =
			meter->list[i].ended = 0;
}

/* Operations lie on the stack of the task that waits for them. */
static bool is_measured(const struct meter *meter, uint64_t address)
{
	size_t i;

	for (i = 0; i < meter->count; i++) {
		if (address >= meter->list[i].stack_low &&
		    address < meter->list[i].stack_end)
			return true;
	}
	return false;
}

void meter_batch(struct meter *meter, const struct module_batch *batch)
{
	const struct gmb_nl_event *e;
	size_t i;

	for (i = 0; i < batch->count; i++) {
		e = &batch->events[i];
		if (!e->ready || !is_measured(meter, e->user_data))
			continue;
		count(&meter->kernel[GMB_NL_STAGE_TOTAL], (int64_t)e->ready,
		      (int64_t)e->done);
		if (!e->woken || e->woken < e->ready)
			continue;
		count(&meter->kernel[GMB_NL_STAGE_HELD], (int64_t)e->ready,
		      (int64_t)e->woken);
		count(&meter->kernel[GMB_NL_STAGE_SCHED], (int64_t)e->woken,
		      (int64_t)e->running);
		count(&meter->kernel[GMB_NL_STAGE_TRAP], (int64_t)e->running,
		      (int64_t)e->done);
	}
}

void meter_stages(const struct meter *meter, struct stages *stages)
{
	unsigned int i;

	if (meter->kernel[GMB_NL_STAGE_TOTAL].count)
		stages_add_kernel(stages, meter->kernel);
	stages_add(stages, "task", "resume", "ready to running")->h =
		meter->resume;
	stages_add(stages, "task", "step", "running to its next wait")->h =
		meter->step;
	for (i = 1; i < KINDS; i++) {
		if (meter->waits[i].count)
			stages_add(stages, "wait", wait_kind(i),
				   "wait of this kind to ready")
				->h = meter->waits[i];
	}
}
