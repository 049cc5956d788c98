/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The loop page: a loop as it can be seen from outside.
 *
 * Each loop keeps a memfd named "giambio-loop" that other processes of the same
 * user find as /proc/PID/fd/N, map read-only, and read while the loop runs. It
 * cannot shrink, so a mapping of it never faults. Layout:
 *
 *	offset 0		struct gmb_page
 *	gmb_page.histograms	struct gmb_histogram [GMB_STAGE_COUNT]
 *	gmb_page.rows		chunks of chunk_rows rows of row_size bytes;
 *				row_chunks of them exist
 *
 * Every row begins with a struct gmb_row; the bytes behind it up to row_size
 * are the library's own. All fields change while they are read. A row is a
 * consistent picture if seq was even and the same before and after reading it;
 * the strings always end within their field. Addresses are those of the
 * observed process.
 *
 * An observer may write one thing, struct gmb_control: what it wants the loop
 * to measure, and until when. A loop looks at it once a turn, and forgets it
 * when its time is over, so a tool that was killed leaves nothing switched on.
 * Who writes anything else there breaks the program: the tasks' saved registers
 * lie behind the rows. The kernel lets nobody open the page who may not read
 * the program's memory (see PTRACE_MODE_READ in ptrace(2)).
 *
 * The layout changes with GMB_PAGE_VERSION only.
 */
#ifndef GIAMBIO_PAGE_H
#define GIAMBIO_PAGE_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GMB_PAGE_MAGIC		0x31424d47u	/* "GMB1" */
#define GMB_PAGE_VERSION	1u
#define GMB_PAGE_NAME		"giambio-loop"
#define GMB_TASK_NAME_SIZE	24

/**
 * enum gmb_wait_kind - what a waiting task waits for
 * @GMB_WAIT_NONE:      nothing: it is ready, runs, or has ended
 * @GMB_WAIT_SLEEP:     a point in time; wait_arg is the gmb_time
 * @GMB_WAIT_JOIN:      the end of a task; wait_arg is its id
 * @GMB_WAIT_MANAGER:   the tasks of a manager; wait_object is the manager,
 *	wait_arg how many there were
 * @GMB_WAIT_STARTED:   a task's gmb_started(); wait_arg is its id
 * @GMB_WAIT_EVENT:     an event's trigger
 * @GMB_WAIT_LOCK:      a lock; wait_arg is the id of the task that holds it,
 *	for the first sixteen in its line; for others of the one that held it
 *	when they came
 * @GMB_WAIT_SEMAPHORE: a semaphore's permit
 * @GMB_WAIT_CONDITION: a condition's notification
 * @GMB_WAIT_LIMITER:   a capacity limiter's token
 * @GMB_WAIT_BARRIER:   the other parties of a barrier; wait_arg is how many
 *	are there
 * @GMB_WAIT_QUEUE_PUT: room in a queue; wait_arg is its length
 * @GMB_WAIT_QUEUE_GET: an item in a queue, which is empty
 * @GMB_WAIT_SEND:      a channel's receiver or room; wait_arg is its length
 * @GMB_WAIT_RECEIVE:   a channel's item
 * @GMB_WAIT_SELECT:    one of several; wait_arg is how many
 * @GMB_WAIT_MAILBOX:   a message from any thread
 * @GMB_WAIT_READABLE:  a descriptor, to read or receive; wait_fd is it
 * @GMB_WAIT_WRITABLE:  a descriptor, to write or send; wait_fd is it
 * @GMB_WAIT_ACCEPT:    a listener's next connection; wait_fd is it
 * @GMB_WAIT_CONNECT:   a connection to be made; wait_fd is it
 * @GMB_WAIT_READY:     readiness of a descriptor; wait_arg is the poll mask
 * @GMB_WAIT_THREAD:    another thread's doing
 */
enum gmb_wait_kind {
	GMB_WAIT_NONE,
	GMB_WAIT_SLEEP,
	GMB_WAIT_JOIN,
	GMB_WAIT_MANAGER,
	GMB_WAIT_STARTED,
	GMB_WAIT_EVENT,
	GMB_WAIT_LOCK,
	GMB_WAIT_SEMAPHORE,
	GMB_WAIT_CONDITION,
	GMB_WAIT_LIMITER,
	GMB_WAIT_BARRIER,
	GMB_WAIT_QUEUE_PUT,
	GMB_WAIT_QUEUE_GET,
	GMB_WAIT_SEND,
	GMB_WAIT_RECEIVE,
	GMB_WAIT_SELECT,
	GMB_WAIT_MAILBOX,
	GMB_WAIT_READABLE,
	GMB_WAIT_WRITABLE,
	GMB_WAIT_ACCEPT,
	GMB_WAIT_CONNECT,
	GMB_WAIT_READY,
	GMB_WAIT_THREAD,
};

/**
 * struct gmb_row - one task, as it can be seen from outside
 * @seq:         odd while the owner changes the identity (id, name, parent,
 *	manager) of the row, and while it was freed
 * @state:       enum gmb_task_state, or 0: the row is free
 * @wait_kind:   enum gmb_wait_kind
 * @wait_fd:     the descriptor waited for, or -1
 * @id:          the task's number, from 1
 * @parent:      id of the task that opened the manager; 0 for the main task
 * @manager:     address of the manager
 * @wait_object: address of what is waited for
 * @wait_arg:    see enum gmb_wait_kind
 * @since:       when it began to wait, ended, or became ready by more than a
 *	yield (also of a task that runs): loop time, as exact as a turn is long
 * @deadline:    the nearest deadline of the scopes that it is in, as
 *	gmb_deadline() tells it; %GMB_NEVER
 * @steps:       how often the task has run
 * @run_ns:      how long it has run, counted while observed
 * @worst_ns:    the longest from ready to running, counted while observed
 * @stack_low:   lowest usable address of its stack
 * @stack_size:  bytes of its stack
 * @flags:       bit 0: the task is cancelled
 * @name:        a string
 */
struct gmb_row {
	uint32_t seq;
	uint8_t state;
	uint8_t wait_kind;
	uint16_t flags;
	int32_t wait_fd;
	uint32_t stack_size;
	uint64_t id;
	uint64_t parent;
	uint64_t manager;
	uint64_t wait_object;
	uint64_t wait_arg;
	int64_t since;
	int64_t deadline;
	uint64_t steps;
	int64_t run_ns;
	int64_t worst_ns;
	uint64_t stack_low;
	char name[GMB_TASK_NAME_SIZE];
};

/**
 * enum gmb_stage - what the histograms of a loop count
 * @GMB_STAGE_RESUME: from the moment a task became ready to its resumption
 * @GMB_STAGE_STEP:   how long a task runs before it waits
 * @GMB_STAGE_POLL:   how long the loop waits for events
 * @GMB_STAGE_TURN:   a turn of the loop without that wait
 * @GMB_STAGE_LATE:   from a timer's point in time to its firing
 * @GMB_STAGE_COUNT:  how many there are
 */
enum gmb_stage {
	GMB_STAGE_RESUME,
	GMB_STAGE_STEP,
	GMB_STAGE_POLL,
	GMB_STAGE_TURN,
	GMB_STAGE_LATE,
	GMB_STAGE_COUNT,
};

/*
 * Log-linear buckets: 16 per power of two, so a value is known to 1/16. Bucket
 * b < 16 holds the value b; above, b = 16 * e + m stands for values from
 * (16 + m) << (e - 1) up to the next bucket's.
 */
#define GMB_HISTOGRAM_BUCKETS	(16 * 61)

/**
 * struct gmb_histogram - how often a value occurred
 * @count:   values in all
 * @sum:     their sum, in nanoseconds
 * @max:     the greatest
 * @buckets: see above
 */
struct gmb_histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint64_t buckets[GMB_HISTOGRAM_BUCKETS];
};

/**
 * struct gmb_control - what observers want; the only field they may write
 * @times_until: gmb_time until which %GMB_OBSERVE_TIMES is wanted; 0: not
 * @trace_until: gmb_time until which a trace is wanted (<giambio/trace.h>), as
 *	%GMB_OBSERVE_TRACE
 *
 * Times lie at most a minute ahead; what lies further counts as a minute. Each
 * observer raises a field to what it needs (compare-and-swap) and renews it
 * while it looks. A sleeping loop notices when it next wakes.
 */
struct gmb_control {
	int64_t times_until;
	int64_t trace_until;
};

/**
 * struct gmb_page - the head of a loop page
 * @magic:       %GMB_PAGE_MAGIC, written last
 * @version:     %GMB_PAGE_VERSION
 * @pid:         process
 * @tid:         thread
 * @row_size:    bytes from one row to the next
 * @chunk_rows:  rows in a chunk
 * @row_chunks:  chunks that exist; grows
 * @observe:     an or of enum gmb_observe_flags
 * @histograms:  offset of the histograms from the start
 * @rows:        offset of the first chunk from the start
 * @chunk_size:  bytes from one chunk to the next
 * @context:     offset in a row of the saved stack pointer, program counter and
 *	frame pointer (uint64_t each) of a task that does not run; 0: not kept
 * @started:     CLOCK_MONOTONIC when the loop began
 * @now:         loop time of the turn
 * @poll_since:  when the loop began to wait for events; 0 while it does not
 * @step_since:  when the running task was switched to, while observed
 * @running:     id of the running task, while observed, or 0; the one row in
 *	state %GMB_TASK_RUNNING, if there is one, is always its
 * @turns:       turns of the loop
 * @steps:       switches to tasks, and yields that found nobody to give way to
 * @polls:       calls into the backend
 * @sleeps:      those of them that could wait
 * @completions: operations that the backend completed
 * @timers:      timers that fired
 * @wakes:       wakeups from other threads that took a system call
 * @messages:    messages from other threads
 * @spawned:     tasks started
 * @exited:      tasks ended
 * @cancels:     waits that were cancelled
 * @control:     see struct gmb_control
 * @backend:     a string
 * @name:        a string
 */
struct gmb_page {
	uint32_t magic;
	uint32_t version;
	uint32_t pid;
	uint32_t tid;
	uint32_t row_size;
	uint32_t chunk_rows;
	uint32_t row_chunks;
	uint32_t observe;
	uint64_t histograms;
	uint64_t rows;
	uint64_t chunk_size;
	uint64_t context;
	int64_t started;
	int64_t now;
	int64_t poll_since;
	int64_t step_since;
	uint64_t running;
	uint64_t turns;
	uint64_t steps;
	uint64_t polls;
	uint64_t sleeps;
	uint64_t completions;
	uint64_t timers;
	uint64_t wakes;
	uint64_t messages;
	uint64_t spawned;
	uint64_t exited;
	uint64_t cancels;
	struct gmb_control control;
	char backend[8];
	char name[16];
};

/**
 * gmb_histogram_bucket() - the bucket that counts a value
 * @value: in nanoseconds
 *
 * Context: any. Never suspends.
 * Return: an index below %GMB_HISTOGRAM_BUCKETS.
 */
static inline unsigned int gmb_histogram_bucket(uint64_t value)
{
	unsigned int shift;

	if (value < 16)
		return (unsigned int)value;
	shift = (63 ^ (unsigned int)__builtin_clzll(value)) - 4;
	return 16 * shift + (unsigned int)(value >> shift);
}

/**
 * gmb_histogram_value() - the least value that a bucket counts
 * @bucket: an index below %GMB_HISTOGRAM_BUCKETS
 *
 * Context: any. Never suspends.
 * Return: nanoseconds.
 */
static inline uint64_t gmb_histogram_value(unsigned int bucket)
{
	if (bucket < 16)
		return bucket;
	return (uint64_t)(16 + (bucket & 15)) << (bucket / 16 - 1);
}

#ifdef __cplusplus
}
#endif

#endif
