/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A loop that is watched for stalls. The trace tells how long every step took,
 * to the nanosecond; the page is looked at many times meanwhile, to see a step
 * that does not end, and where it is; /proc tells when the thread could have
 * run and did not.
 */
#ifndef TOOLS_GMBSTAT_WATCH_H
#define TOOLS_GMBSTAT_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include "common/page.h"
#include "gmbstat/stack.h"

/**
 * enum stall_kind - what was held up by what
 * @STALL_TASK:   a task did not give way, and the loop with all others waited
 * @STALL_THREAD: the thread of the loop was runnable, and another one ran
 */
enum stall_kind {
	STALL_TASK,
	STALL_THREAD,
};

/**
 * struct stall - one of them
 * @kind:    see there
 * @page:    the loop
 * @task:    id, of a task's
 * @name:    of the task; "" if it is not known
 * @began:   CLOCK_MONOTONIC, ns; of a thread's when it was last seen before
 * @ns:      how long; of a task's that goes on: until now
 * @exact:   the trace has told; else it lies between two looks
 * @goes_on: it has not ended
 * @parts_known: /proc was looked at often enough for the next two
 * @cpu_ns:  of it the thread ran
 * @wait_ns: of it the thread was runnable and did not run
 * @slices:  of a thread's: times that it was put on a processor meanwhile
 * @stack:   keeps where it was, see stack_print_kept(); NULL: not known
 */
struct stall {
	enum stall_kind kind;
	const struct page *page;
	uint64_t task;
	const char *name;
	int64_t began;
	int64_t ns;
	bool exact;
	bool goes_on;
	bool parts_known;
	uint64_t cpu_ns;
	uint64_t wait_ns;
	uint64_t slices;
	struct stack *stack;
};

struct watch;

/**
 * watch_new() - watch a loop
 * @page:   the loop
 * @least:  shorter stalls are not told, ns
 * @stacks: look where tasks are; their threads are stopped for it a moment
 * @each:   called with each stall
 * @user:   handed on
 */
struct watch *watch_new(struct page *page, int64_t least, bool stacks,
			void (*each)(void *user, const struct stall *stall),
			void *user);

/* Tell what goes on, and end. */
void watch_free(struct watch *watch);

/* Begin: what was before is not told; watch_new() may take a while. */
void watch_begin(struct watch *watch);

/* Look: often, compared with the shortest stall. */
void watch_look(struct watch *watch);

/* Events of the trace that were overwritten before they were read. */
uint64_t watch_lost(const struct watch *watch);

#endif
