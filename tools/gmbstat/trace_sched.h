/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * When the kernel let the loops' threads run: a track for each, told by perf
 * events, which end with their descriptors. Switches can be seen of one's own
 * threads where perf_event_paranoid is 2 or less; wakeups, so how long a thread
 * was runnable before it ran, only as root.
 */
#ifndef TOOLS_GMBSTAT_TRACE_SCHED_H
#define TOOLS_GMBSTAT_TRACE_SCHED_H

#include "gmbstat/trace_file.h"

struct trace_sched;

/* Memory that runs out ends the program with a message. */
struct trace_sched *trace_sched_new(struct trace_file *file);

/**
 * trace_sched_add() - watch a thread from now on
 * @sched: all of them
 * @pid:   its process
 * @tid:   the thread
 * @name:  what its track is called
 * @order: of its track
 *
 * One that is watched already is only renamed.
 *
 * Return: 0; -EACCES, -EPERM the user may not; -errno.
 */
int trace_sched_add(struct trace_sched *sched, pid_t pid, pid_t tid,
		    const char *name, uint32_t order);

/* Take what the kernel has noted; often, for its rings are small. */
void trace_sched_read(struct trace_sched *sched);

/* Show all of it, until a time. */
void trace_sched_show(struct trace_sched *sched, int64_t until);

/* Whether wakeups are seen, too. */
bool trace_sched_wakes(const struct trace_sched *sched);

/* Records that the kernel had no room for. */
uint64_t trace_sched_lost(const struct trace_sched *sched);

/* NULL is allowed. */
void trace_sched_free(struct trace_sched *sched);

#endif
