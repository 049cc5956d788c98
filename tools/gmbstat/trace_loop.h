/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A loop that is traced: its events, in their order, become slices of its
 * tasks' tracks. A task's track tells at each moment whether it waits (and for
 * what), is ready, or runs; the loop's track tells whom it runs and when it
 * polls.
 *
 * Where events are missing, what was open ends, and nothing is claimed of a
 * task until it is heard of again.
 */
#ifndef TOOLS_GMBSTAT_TRACE_LOOP_H
#define TOOLS_GMBSTAT_TRACE_LOOP_H

#include <giambio/trace.h>
#include "common/ring.h"
#include "gmbstat/trace_tasks.h"

#define TRACE_IDLE	100	/* tasks that did nothing and are yet shown */

/* The tracks of a loop stand together: its thread, its tasks. */
#define TRACE_LOOP_ORDER	1000000u

/**
 * struct trace_loop - a loop
 * @page:     it; owned
 * @file:     where it is shown
 * @ring:     its events; NULL: it has not yet begun to trace
 * @tasks:    see there
 * @track:    of its thread
 * @running:  the task that runs; NULL
 * @polls:    when it began to poll; 0: it does not
 * @may_wait: how long, in ns
 * @first:    time of the first event; 0: there was none
 * @last:     time of the latest
 * @lost:     events that are missing, so far
 * @count:    events that were shown
 * @kept:     events that were taken and are not yet shown
 * @kept_next: the first of them
 * @kept_end: behind the last of them
 * @kept_room: for how many there is memory
 * @idle:     tasks that did nothing and are not shown
 */
struct trace_loop {
	struct page *page;
	struct trace_file *file;
	struct ring *ring;
	struct trace_tasks tasks;
	struct trace_track track;
	struct trace_task *running;
	int64_t polls;
	int64_t may_wait;
	int64_t first;
	int64_t last;
	uint64_t lost;
	uint64_t count;
	struct gmb_trace_event *kept;
	size_t kept_next;
	size_t kept_end;
	size_t kept_room;
	uint64_t idle;
};

/* Begin; number tells loops of a process apart. */
void trace_loop_init(struct trace_loop *loop, struct trace_file *file,
		     struct page *page, uint32_t number);

/* Free it, with its page and ring. */
void trace_loop_fini(struct trace_loop *loop);

/*
 * Take what the loop has noted into memory. A loop that is busy writes a
 * quarter of a million events in as many microseconds, and showing one takes
 * longer than that.
 *
 * Return: how many.
 */
size_t trace_loop_take(struct trace_loop *loop);

/* Show at most so many of those that were taken; returns how many. */
size_t trace_loop_show(struct trace_loop *loop, size_t most);

/* End all that is open, at a time. */
void trace_loop_end(struct trace_loop *loop, int64_t at);

#endif
