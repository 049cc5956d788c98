/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* The scopes of a task that is traced: a track below the task's own. */
#ifndef TOOLS_GMBSTAT_TRACE_SCOPES_H
#define TOOLS_GMBSTAT_TRACE_SCOPES_H

#include "gmbstat/trace_loop.h"

/* Show what a scope does. */
void trace_scopes_event(struct trace_loop *loop, struct trace_task *task,
			const struct gmb_trace_event *event);

/* Those that are open end now. */
void trace_scopes_end(struct trace_loop *loop, struct trace_task *task,
		      int64_t at);

#endif
