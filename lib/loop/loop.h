/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The loop: whose turn it is, until nothing is left to do.
 *
 * A turn lets the ready strands run, oldest first, until none is left or the
 * turn's budget of steps is used up; then come notes of other threads, signals,
 * timers and the backend's events. The budget adapts so that a turn takes about
 * GMB__TURN_NS, so neither ready tasks nor timers nor I/O can starve the
 * others, and yet a million cheap steps cost few looks at the clock and the
 * kernel.
 *
 * A strand that gives way switches straight to the next ready one. Only when
 * there is none, the budget is used up, or somebody observes, does the switch
 * go through the loop's own context.
 *
 * One thread owns a loop; only the inbox may be touched by others.
 */
#ifndef GMB_LOOP_LOOP_H
#define GMB_LOOP_LOOP_H

#include <stdbool.h>
#include <giambio/base.h>
#include <giambio/hooks.h>
#include <giambio/page.h>
#include <giambio/run.h>
#include <giambio/task.h>
#include "coro/context.h"
#include "coro/overflow.h"
#include "coro/stack.h"
#include "loop/strand.h"
#include "loop/inbox.h"
#include "loop/list.h"
#include "loop/record.h"
#include "loop/tick.h"
#include "loop/timer.h"

#define GMB__TURN_NS		(500 * GMB_US)
#define GMB__BUDGET_MAX		1024
#define GMB__BUDGET_START	64
/* What the budget is short of while every switch has to go through the loop. */
#define GMB__BUDGET_SLOW	(1 << 24)
/* Scheduling points that a task may pass in a row without giving way. */
#define GMB__CREDIT		16

struct gmb__backend_ops;
struct gmb__edges;
struct gmb_loop;

/* Something that must let go of a loop before the loop is gone. */
struct gmb__ender {
	struct gmb__link link;
	void (*fn)(struct gmb_loop *loop, struct gmb__ender *ender);
};
struct gmb__signal_slot;

/* The memory of the loop page; see loop/page.h. */
struct gmb__page {
	struct gmb_page *head;
	size_t row_size;	/* these as in @head, which others may write */
	size_t chunk_size;
	uint32_t row_chunks;
	char **chunks;
	uint32_t chunk_room;	/* how many pointers @chunks has room for */
	struct gmb__strand *free;
	size_t fresh;		/* first row that was never used */
	size_t fresh_end;
	int fd;			/* the memfd, or -1: memory of our own */
};

struct gmb_loop {
	/* What every switch touches. */
	struct gmb__strand *current;
	struct gmb__strand *ready_first;
	struct gmb__strand *ready_last;
	int32_t budget;		/* 0 and less: switch to the loop */
	int32_t credit;		/* of the current strand: GMB__CREDIT */
	bool slow;		/* observed or hooked: go through the loop */
	bool times_only;	/* observed: times, and nothing else */
	bool killed;		/* every wait fails: the loop is being ended */
	struct gmb__context context;
	gmb_time now;		/* as of this turn */
	struct gmb_page *page;	/* counters; never NULL */

	/* What a turn touches. */
	struct gmb__timers timers;
	const struct gmb__backend_ops *backend;
	void *backend_data;	/* the backend's own */
	struct gmb__edges *edges;	/* the backend's: the open files */
	size_t pending;		/* operations that the backend holds */
	size_t outside;		/* waits that only other threads can end */
	int32_t budget_full;	/* what a turn begins with */
	struct gmb__strand *exited;	/* has ended; is to be freed */
	struct gmb__strand *spares;	/* of the task layer: free records */
	uint32_t spare_count;
	const struct gmb_hooks *hooks;	/* NULL: none */
	struct gmb__inbox inbox;
	struct gmb__signal_slot *signals;	/* NULL: none concern us */

	/* What is needed seldom. */
	struct gmb__stack_pool stacks;
	struct gmb__page rows;
	struct gmb__overflow overflow;
	struct gmb__link enders;
	gmb_time fake_now;
	gmb_time turn_began;	/* real time, for the budget */
	unsigned int flags;	/* enum gmb_loop_flags */
	uint64_t last_id;	/* of a task */
	size_t stack_size;
	struct gmb_task *main;
	bool interrupted;	/* by SIGINT */
	bool stuck;		/* a deadlock was found */
	bool open;		/* driven by gmb_loop_step() */
	bool unsent;		/* wake_soon() was called, poll() is to come */
	bool ended;		/* the main task has ended */
	uint8_t observe;	/* enum gmb_observe_flags: what is in force */
	uint8_t leased;		/* the part of it that others have asked for */
	intptr_t result;	/* of the main task */
	struct gmb__strand *stepping;	/* whose step is being observed */
	bool hooked;		/* its beginning was told to @hooks */
	struct gmb__record record;	/* the trace, if one was asked for */
	struct gmb__tick tick;	/* while observed, on the real clock */
	gmb_time observed_since;
	gmb_time step_began;	/* of @stepping */
	gmb_time poll_ended;	/* the last one; 0: not observed */
	gmb_time stamp;		/* it is this time now; 0: look at the clock */
	gmb_time outside_at;	/* of what happens between steps; likewise */
	char *backend_reason;	/* why better ones were passed over, or NULL */
	/* Set by the task layer: a strand's stack and record can be freed. */
	void (*on_exit)(struct gmb_loop *loop, struct gmb__strand *strand);
	/* Set by the task layer: these enum gmb__signal_bits have come. */
	void (*on_signal)(struct gmb_loop *loop, unsigned int bits);
};

/* The loop that this thread runs or steps at the moment; NULL if none. */
extern gmb__thread_local struct gmb_loop *gmb__loop;

/* The strand that runs; NULL outside tasks. */
static inline struct gmb__strand *gmb__strand_self(void)
{
	return gmb__likely(gmb__loop) ? gmb__loop->current : NULL;
}

/**
 * gmb__loop_init() - make a loop on the calling thread
 * @loop: [out] zeroed storage
 * @opts: checked by the caller; not NULL
 *
 * Return: 0 or -errno; on an error nothing is left.
 */
int gmb__loop_init(struct gmb_loop *loop, const struct gmb_loop_opts *opts);

/* Free all that a loop holds; no strand may be left. */
void gmb__loop_fini(struct gmb_loop *loop);

/**
 * gmb__loop_turn() - one turn
 * @loop:  the calling thread's
 * @span:  how long to wait at most for an event if nothing is ready
 *
 * Return: 0; -EDEADLK nothing is ready and nothing can make anything ready.
 */
int gmb__loop_turn(struct gmb_loop *loop, gmb_time span);

/**
 * gmb__loop_at_end() - have a function called when a loop ends
 * @loop:  the thread's
 * @ender: the caller's; may be unlinked before, and must be by @fn
 * @fn:    called on the loop's thread when all tasks have ended, with the inbox
 *	and the backend still there
 */
void gmb__loop_at_end(struct gmb_loop *loop, struct gmb__ender *ender,
		      void (*fn)(struct gmb_loop *loop,
				 struct gmb__ender *ender));

/* Call all that; before the backend is closed. */
void gmb__loop_end(struct gmb_loop *loop);

/* How long nothing happens without an event; 0 if a strand is ready. */
gmb_time gmb__loop_idle_span(struct gmb_loop *loop);

/* CLOCK_MONOTONIC. */
gmb_time gmb__monotonic(void);

/* The clock, real or fake. */
gmb_time gmb__loop_clock(struct gmb_loop *loop);

/* Is somebody to be told? One branch. */
static inline bool gmb__is_slow(const struct gmb_loop *loop)
{
	return GMB__OBSERVE && gmb__unlikely(loop->slow);
}

/* Steps that the turn may still take. */
static inline int32_t gmb__loop_budget(const struct gmb_loop *loop)
{
	return loop->budget + (gmb__is_slow(loop) ? GMB__BUDGET_SLOW : 0);
}

/* What hooks, histograms and the trace want to know of; see loop/observe.h. */
void gmb__observe_ready(struct gmb_loop *loop, struct gmb__strand *strand);

/*
 * Put a strand at the end of the ready queue, which holds another one, where
 * nobody is to be told: there is budget left.
 */
static gmb__always_inline void gmb__loop_append(struct gmb_loop *loop,
						struct gmb__strand *strand)
{
	strand->next = NULL;
	loop->ready_last->next = strand;
	loop->ready_last = strand;
	strand->row.state = GMB_TASK_READY;
}

/* Put a strand that is parked or new at the end of the ready queue. */
static gmb__always_inline void gmb__loop_ready(struct gmb_loop *loop,
					       struct gmb__strand *strand)
{
	strand->next = NULL;
	if (loop->ready_first)
		loop->ready_last->next = strand;
	else
		loop->ready_first = strand;
	loop->ready_last = strand;
	strand->row.state = GMB_TASK_READY;
	if (gmb__is_slow(loop))
		gmb__observe_ready(loop, strand);
}

/* Take the first ready strand and make it the one that runs. */
static gmb__always_inline void gmb__loop_begin_step(struct gmb_loop *loop,
						    struct gmb__strand *next)
{
	loop->ready_first = next->next;
	loop->budget--;
	loop->credit = GMB__CREDIT;
	loop->current = next;
	next->row.state = GMB_TASK_RUNNING;
	next->row.steps++;
}

/* Suspend the current strand; it was queued or parked by the caller. */
static gmb__always_inline void gmb__loop_switch(struct gmb_loop *loop,
						struct gmb__strand *self)
{
	struct gmb__strand *next = loop->ready_first;
	struct gmb__context *to = &loop->context;

	gmb__stack_check(&self->stack);
	if (gmb__likely(next && loop->budget > 0)) {
		gmb__loop_begin_step(loop, next);
		if (gmb__unlikely(next == self))
			return;
		to = &next->context;
	} else {
		loop->current = NULL;
	}
	gmb__context_switch(&self->context, to);
}

/*
 * Free the strand that ended last. It could not do so itself, because it stood
 * on its stack; whoever runs next and has a use for that does it: the next
 * strand that ends or is made, the close of a manager, the end of a turn.
 */
static inline void gmb__loop_reap(struct gmb_loop *loop)
{
	struct gmb__strand *exited = loop->exited;

	if (exited) {
		loop->exited = NULL;
		loop->on_exit(loop, exited);
	}
}

/*
 * End the current strand. Inline, like all that runs between the program's own
 * function and the last switch: a call that never returns leaves a wrong entry
 * in the processor's stack of return addresses.
 */
static gmb__always_inline __attribute__((noreturn))
void gmb__loop_exit(struct gmb_loop *loop, struct gmb__strand *self)
{
	struct gmb__strand *next;

	gmb__loop_reap(loop);
	loop->exited = self;
	next = loop->ready_first;
	if (gmb__likely(next && loop->budget > 0)) {
		gmb__loop_begin_step(loop, next);
		gmb__context_switch_last(&self->context, &next->context);
	}
	loop->current = NULL;
	gmb__context_switch_last(&self->context, &loop->context);
}

/* The number of the calling thread, as the kernel knows it. */
uint32_t gmb__thread_id(void);

/* Abort the program with one sentence: misuse that cannot be returned. */
void gmb__die(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#endif
