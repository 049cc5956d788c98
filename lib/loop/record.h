/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The trace of a loop: a ring of events in a memfd that others read.
 *
 * See <giambio/trace.h> for what stands in it. It is made when somebody first
 * asks for a trace and stays until the loop ends, so a reader that has it keeps
 * it. The loop's thread writes and never looks back; what others might write
 * there (the seals forbid it where the kernel can) changes nothing for it.
 */
#ifndef GMB_LOOP_RECORD_H
#define GMB_LOOP_RECORD_H

#include <stdint.h>
#include <giambio/base.h>
#include <giambio/trace.h>
#include "coro/compiler.h"

/* 10 MiB, of which only what has been written is memory. */
#define GMB__RECORD_ENTRIES	(1u << 18)

/**
 * struct gmb__record - the writer's end of a trace
 * @head:   the mapping; NULL: nobody has asked for a trace yet
 * @events: the ring in it
 * @count:  events written so far, as in @head
 * @fd:     the memfd, while there is a mapping
 */
struct gmb__record {
	struct gmb_trace *head;
	struct gmb_trace_event *events;
	uint64_t count;
	int fd;
};

/**
 * gmb__record_open() - make the trace of a loop, if it has none
 * @record: the loop's, zeroed at first
 * @now:    when its first event happens
 *
 * Return: 0; -ENOMEM, -EMFILE, -ENFILE: nothing was made.
 */
int gmb__record_open(struct gmb__record *record, gmb_time now);

/* Free what gmb__record_open() has made. */
void gmb__record_close(struct gmb__record *record);

/**
 * gmb__record_put() - write an event over the oldest one
 * @record: open
 * @time:   when
 * @task:   its id, or 0
 * @kind:   what
 * @extra:  see enum gmb_trace_kind
 * @detail: see there
 * @arg:    see there
 * @arg2:   see there
 */
static gmb__always_inline void
gmb__record_put(struct gmb__record *record, gmb_time time, uint64_t task,
		enum gmb_trace_kind kind, uint16_t extra, int32_t detail,
		uint64_t arg, uint64_t arg2)
{
	uint64_t n = record->count++;
	struct gmb_trace_event *event =
		&record->events[n & (GMB__RECORD_ENTRIES - 1)];

	/*
	 * Pairs with the reader's second look at head: who sees a part of this
	 * event sees that its number has been reached.
	 */
	gmb__release_fence();
	event->time = time;
	event->task = task;
	event->kind = (uint16_t)kind;
	event->extra = extra;
	event->detail = detail;
	event->arg = arg;
	event->arg2 = arg2;
	/* Pairs with the reader's first look: what is counted is complete. */
	__atomic_store_n(&record->head->head, n + 1, __ATOMIC_RELEASE);
}

#endif
