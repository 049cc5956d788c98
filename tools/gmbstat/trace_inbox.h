/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Loops of a command that is run to be traced send their pages and traces, as
 * <giambio/trace.h> says, so that none is over before it was found.
 */
#ifndef TOOLS_GMBSTAT_TRACE_INBOX_H
#define TOOLS_GMBSTAT_TRACE_INBOX_H

#include "common/ring.h"

/**
 * trace_inbox_open() - make a socket for them
 * @ends: [out] ours, and the command's; both are closed on exec
 *
 * Return: 0; -errno.
 */
int trace_inbox_open(int ends[2]);

/* In the child that becomes the command: let it know of its end. */
int trace_inbox_export(int end);

/**
 * trace_inbox_take() - take a loop that was sent, without waiting
 * @end:  ours
 * @page: [out] the caller's
 * @ring: [out] the caller's
 *
 * What cannot be used is thrown away.
 *
 * Return: 1; 0: there is none.
 */
int trace_inbox_take(int end, struct page **page, struct ring **ring);

#endif
