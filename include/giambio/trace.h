/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The trace of a loop: what its tasks did, as other processes can read it.
 *
 * A loop that is asked to (see struct gmb_control in <giambio/page.h>) keeps a
 * memfd named "giambio-trace": a struct gmb_trace, and behind it a ring of
 * events. The loop never waits for a reader: it overwrites the oldest ones.
 *
 * To read: load `head` (acquire); the events with numbers from
 * head - entries to head - 1 are in the ring, number n at index
 * n & (entries - 1). Copy what is new, then, behind an acquire fence, load
 * `head` again: what is not newer than that head - entries was overwritten
 * meanwhile, or is being overwritten, and is to be thrown away and counted as
 * lost.
 *
 * A loop may be over before anybody has found it. So a program that starts
 * another one to observe it can give it a unix socket of type SOCK_SEQPACKET
 * and the environment variables GMB_OBSERVE=trace and
 * GMB_OBSERVE_FD=NUMBER:INODE, the descriptor and what fstat() says of it: each
 * loop sends there, as it begins, one byte with the descriptors of its page and
 * its trace (SCM_RIGHTS), and waits for nothing.
 *
 * The layout changes with GMB_TRACE_VERSION only.
 */
#ifndef GIAMBIO_TRACE_H
#define GIAMBIO_TRACE_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GMB_TRACE_MAGIC		0x54424d47u	/* "GMBT" */
#define GMB_TRACE_VERSION	1u
#define GMB_TRACE_FILE		"giambio-trace"

/**
 * enum gmb_trace_kind - what an event says
 * @GMB_TRACE_SPAWN:    a task was made; arg is its parent's id, text follows
 *	in a GMB_TRACE_NAME
 * @GMB_TRACE_NAME:     text is the task's name, cut to its size
 * @GMB_TRACE_READY:    the task became ready to run
 * @GMB_TRACE_BEGIN:    it runs
 * @GMB_TRACE_END:      it does not run any more; extra is the enum
 *	gmb_wait_kind of what it waits for, detail the descriptor or -1
 * @GMB_TRACE_EXIT:     it has ended; arg is its result
 * @GMB_TRACE_CANCEL:   it was cancelled
 * @GMB_TRACE_OPEN:     it opened a scope: arg is the scope's address, arg2 its
 *	deadline (gmb_time), extra 1 for a manager
 * @GMB_TRACE_DEADLINE: the scope arg got the deadline arg2
 * @GMB_TRACE_EXPIRE:   the deadline of scope arg has passed
 * @GMB_TRACE_CLOSE:    it closed the scope arg
 * @GMB_TRACE_POLL:     the loop asks the backend and may wait arg ns
 * @GMB_TRACE_POLLED:   it has got arg completions
 */
enum gmb_trace_kind {
	GMB_TRACE_SPAWN = 1,
	GMB_TRACE_NAME,
	GMB_TRACE_READY,
	GMB_TRACE_BEGIN,
	GMB_TRACE_END,
	GMB_TRACE_EXIT,
	GMB_TRACE_CANCEL,
	GMB_TRACE_OPEN,
	GMB_TRACE_DEADLINE,
	GMB_TRACE_EXPIRE,
	GMB_TRACE_CLOSE,
	GMB_TRACE_POLL,
	GMB_TRACE_POLLED,
};

/**
 * struct gmb_trace_event - something that happened
 * @time:   CLOCK_MONOTONIC, ns
 * @task:   id of the task; 0: the loop
 * @kind:   enum gmb_trace_kind
 * @extra:  see there
 * @detail: see there
 * @arg:    see there
 * @arg2:   see there
 * @text:   see there; ends within
 */
struct gmb_trace_event {
	int64_t time;
	uint64_t task;
	uint16_t kind;
	uint16_t extra;
	int32_t detail;
	__extension__ union {
		struct {
			uint64_t arg;
			uint64_t arg2;
		};
		char text[16];
	};
};

/**
 * struct gmb_trace - the head of a trace
 * @magic:   %GMB_TRACE_MAGIC, written last
 * @version: %GMB_TRACE_VERSION
 * @pid:     process
 * @tid:     thread
 * @entries: events in the ring, a power of two
 * @events:  offset of the first from the start, bytes
 * @head:    events written so far
 * @started: CLOCK_MONOTONIC of the first
 */
struct gmb_trace {
	uint32_t magic;
	uint32_t version;
	uint32_t pid;
	uint32_t tid;
	uint32_t entries;
	uint32_t events;
	uint64_t head;
	int64_t started;
};

#ifdef __cplusplus
}
#endif

#endif
