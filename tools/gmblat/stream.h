/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A stream of events: a descriptor into which somebody puts them, one by one,
 * and one from which a task takes them, with the moment of each beside it.
 *
 * An event's latency is the time from the moment before it was put in to the
 * moment at which the task that waits for it runs again. Nobody waits for the
 * task before the next event is put in, so a loop that stands still for a while
 * is charged with every event of that while, not with one of them (coordinated
 * omission).
 */
#ifndef TOOLS_GMBLAT_STREAM_H
#define TOOLS_GMBLAT_STREAM_H

#include <giambio.h>
#include "gmblat/lat.h"

/* What carries the events. */
enum kind {
	KIND_PIPE,
	KIND_EVENTFD,
	KIND_UNIX,
	KIND_TCP,
	KIND_TIMER,	/* nothing: a point in time */
	KIND_MAILBOX,	/* between loops of a process */
	KIND_COUNT,
};

extern const char *const kind_names[KIND_COUNT];

/**
 * struct stream - see above
 * @kind:      enum kind, one with descriptors
 * @in:        where events are put in; non-blocking; -1: closed
 * @out:       where they come out, until @file or @socket is made of it
 * @file:      of a pipe or an eventfd
 * @socket:    of a connection
 * @room:      how many events it will carry at most
 * @stamps:    when each was put in, ns; shared with child processes
 * @put:       how many were put in; the source's own
 * @taken:     how many came out; the task's own
 * @unblocked: when there was room again after there was none; the source's own
 */
struct stream {
	int kind;
	int in;
	int out;
	struct gmb_file file;
	struct gmb_socket socket;
	uint64_t room;
	int64_t *stamps;
	uint64_t put;
	uint64_t taken;
	int64_t unblocked;
};

/* Make one, outside of tasks. Returns 0 or -errno. */
int stream_open(struct stream *stream, int kind, uint64_t room);

/* Hand its end to the loop. Returns 0 or -errno; in a task. */
int stream_wrap(struct stream *stream);

/* Close what is open; in the loop, when its end was handed to it. */
void stream_close(struct stream *stream);

/**
 * stream_put() - put an event in
 * @stream:  not full for good: somebody takes events out
 * @due:     the moment at which this should be
 * @blocked: [in,out] counts events that found no room
 *
 * Context: any thread or process but a task.
 * Return: 0; -errno.
 */
int stream_put(struct stream *stream, int64_t due, uint64_t *blocked);

/* Note the moment of an event that the caller puts in itself. */
void stream_stamp(struct stream *stream, int64_t when);

/* When an event was put in. */
int64_t stream_stamped(const struct stream *stream, uint64_t event);

/**
 * stream_take() - wait for events
 * @stream: handed to the loop
 *
 * Context: task only; suspends.
 * Return: how many came, at least 1; -EPIPE the source is gone; -errno.
 */
int64_t stream_take(struct stream *stream);

/* Memory that child processes share, zeroed; NULL when there is none. */
void *shared_memory(size_t size);

#endif
