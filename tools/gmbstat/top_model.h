/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What gmbstat top shows: the loops and tasks now, and what they did since the
 * look before.
 */
#ifndef TOOLS_GMBSTAT_TOP_MODEL_H
#define TOOLS_GMBSTAT_TOP_MODEL_H

#include "common/histogram.h"
#include "common/proc.h"
#include "common/sockets.h"
#include "gmbstat/tree.h"

/* What tasks are sorted by. */
enum top_key {
	TOP_SHARE,	/* of a processor */
	TOP_RUN,	/* time, in all */
	TOP_WORST,	/* wakeup */
	TOP_STEPS,	/* for each second */
	TOP_SINCE,	/* the longest first */
	TOP_ID,
	TOP_NAME,
	TOP_KEYS,
};

/**
 * struct top_counters - counters of a loop at a moment
 * @steps:  switches to tasks
 * @polls:  calls into the backend
 * @cpu_ns: of its thread
 */
struct top_counters {
	uint64_t steps;
	uint64_t polls;
	uint64_t cpu_ns;
};

/**
 * struct top_loop - a loop
 * @page:    it
 * @sockets: of its process; made anew for each look
 * @tree:    its tasks
 * @before:  its tasks at the look before
 * @total:   histogram of the wakeups so far
 * @recent:  of those since the look before
 * @last:    counters at the look before
 * @comm:    name of the process
 * @name:    of the loop
 * @backend: of the loop
 * @tasks:   how many it has
 * @steps:   for each second
 * @polls:   for each second
 * @cpu:     share of a processor
 * @seen:    it was looked at before, so the rates are right
 */
struct top_loop {
	struct page *page;
	struct sockets *sockets;
	struct tree tree;
	struct tree before;
	struct histogram total;
	struct histogram recent;
	struct top_counters last;
	char comm[PROC_COMM_SIZE];
	char name[17];
	char backend[9];
	size_t tasks;
	double steps;
	double polls;
	double cpu;
	bool seen;
};

/**
 * struct top_task - a task
 * @loop:  it is in
 * @row:   its picture
 * @steps: for each second
 * @share: of a processor
 */
struct top_task {
	struct top_loop *loop;
	const struct gmb_row *row;
	double steps;
	double share;
};

/**
 * struct top - all of it
 * @pid:    only this process; 0: all
 * @key:    the tasks' order
 * @up:     the least first
 * @idle:   tasks that did nothing since the look before are shown, too
 * @loops:  the busiest first
 * @count:  how many loops
 * @tasks:  those that are shown, in order
 * @shown:  how many
 * @hidden: idle ones that are not
 * @room:   of @tasks
 * @now:    CLOCK_MONOTONIC of the look, ns
 * @span:   since the look before, ns; 0: this is the first
 * @denied: processes that may not be looked into
 */
struct top {
	pid_t pid;
	enum top_key key;
	bool up;
	bool idle;
	struct top_loop **loops;
	size_t count;
	struct top_task *tasks;
	size_t shown;
	size_t hidden;
	size_t room;
	int64_t now;
	int64_t span;
	unsigned int denied;
};

/* Look; what is asked of the loops lasts for lease_ns. */
void top_look(struct top *top, int64_t lease_ns);

/* Sort again, after the key or the selection has changed. */
void top_sort(struct top *top);

void top_free(struct top *top);

#endif
