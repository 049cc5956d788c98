/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A session of tracing: which loops there are, and what comes from them, from
 * the scheduler and from the module.
 */
#ifndef TOOLS_GMBSTAT_TRACE_SESSION_H
#define TOOLS_GMBSTAT_TRACE_SESSION_H

#include "gmbstat/trace_kernel.h"
#include "gmbstat/trace_loop.h"
#include "gmbstat/trace_sched.h"

/**
 * struct trace_session - what is traced
 * @file:    where it goes
 * @loops:   loops seen so far, also those that have ended
 * @count:   how many
 * @pid:     only loops of this process; 0: all
 * @inbox:   the process is a command that was started for this: its children
 *	count, too, and its loops come here (trace_inbox.h); else -1
 * @sched:   NULL once it is closed
 * @kernel:  NULL: the module is not there
 * @sched_error: why a thread's switches are not seen, -errno; 0: they are
 * @kernel_error: why the module is not heard, -errno; 0: it is
 * @lease_error: why a loop could not be asked to trace; 0: all could be
 * @denied:  processes that could not be looked into
 * @strange: loops of another version
 */
struct trace_session {
	struct trace_file file;
	struct trace_loop **loops;
	unsigned int count;
	pid_t pid;
	int inbox;
	struct trace_sched *sched;
	struct trace_kernel *kernel;
	int sched_error;
	int kernel_error;
	int lease_error;
	unsigned int denied;
	unsigned int strange;
};

/* Begin to write to out; the inbox stays the caller's. */
void trace_session_begin(struct trace_session *session, FILE *out, pid_t pid,
			 int inbox);

/*
 * Look for loops that have come, renew what loops were asked for; every few
 * hundred milliseconds will do, oftener while short-lived ones are expected.
 */
void trace_session_scan(struct trace_session *session);

/* Take and show what has happened; every few milliseconds. */
void trace_session_read(struct trace_session *session);

/* End it: what is open is ended, what is known of the whole is written. */
int trace_session_end(struct trace_session *session);

void trace_session_free(struct trace_session *session);

/* Sums over the loops. */
uint64_t trace_session_events(const struct trace_session *session);
uint64_t trace_session_lost(const struct trace_session *session);

#endif
