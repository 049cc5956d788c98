/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The trace of a loop, as another process reads it: see <giambio/trace.h>. The
 * loop overwrites what is not read in time; that is counted.
 */
#ifndef TOOLS_COMMON_RING_H
#define TOOLS_COMMON_RING_H

#include <stdint.h>
#include <giambio/trace.h>
#include "common/page.h"

struct ring;

/**
 * ring_open() - map the trace of a loop
 * @out:  [out] to be given back with ring_close()
 * @page: the loop, with a lease of %GMB_OBSERVE_TRACE
 *
 * Reading begins with what is written from now on.
 *
 * Return: 0; -ENOENT there is no trace (the loop has not turned since it was
 * asked to); -EPROTO it is of another version or damaged; -errno.
 */
int ring_open(struct ring **out, const struct page *page);

/* Map one that a process has sent; the descriptor stays the caller's. */
int ring_adopt(struct ring **out, const struct page *page, int file);

/* NULL is allowed. */
void ring_close(struct ring *ring);

/* Go back to the oldest event that is still there. */
void ring_rewind(struct ring *ring);

/* Go back to the first event; those that are not there any more are lost. */
void ring_restart(struct ring *ring);

/**
 * ring_read() - take what is new
 * @ring: the trace
 * @each: called with each event, in order; a text ends within its field
 * @user: handed on
 *
 * Return: events.
 */
uint64_t ring_read(struct ring *ring,
		   void (*each)(void *user,
				const struct gmb_trace_event *event),
		   void *user);

/* CLOCK_MONOTONIC of the first event, ns. */
int64_t ring_started(const struct ring *ring);

/* Events that were overwritten before they were read, so far. */
uint64_t ring_lost(const struct ring *ring);

#endif
