/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <string.h>
#include "backend/backend.h"
#include "loop/observe.h"
#include "loop/page.h"

/*
 * Times are wanted much oftener than hooks and the trace, so these are calls:
 * what is inline then needs few registers.
 */
#define seldom		__attribute__((noinline))

static struct gmb_task *task_of(struct gmb__strand *strand)
{
	return (struct gmb_task *)strand;
}

static inline bool is_timed(const struct gmb_loop *loop)
{
	return loop->observe & GMB_OBSERVE_TIMES;
}

static inline bool is_traced(const struct gmb_loop *loop)
{
	return loop->observe & GMB_OBSERVE_TRACE;
}

static seldom void record(struct gmb_loop *loop, gmb_time time,
			  enum gmb_trace_kind kind, uint64_t task, uint64_t arg)
{
	gmb__record_put(&loop->record, time, task, kind, 0, 0, arg, 0);
}

/* What the strand waits for now, if it waits. */
static seldom void record_end(struct gmb_loop *loop,
			      const struct gmb__strand *strand, gmb_time time)
{
	const struct gmb_row *row = &strand->row;
	bool waits = row->state == GMB_TASK_WAITING;

	gmb__record_put(&loop->record, time, row->id, GMB_TRACE_END,
			waits ? row->wait_kind : GMB_WAIT_NONE,
			waits ? row->wait_fd : -1, 0, 0);
}

/* Clocks */

static seldom gmb_time read_clock(struct gmb_loop *loop)
{
	return gmb__loop_clock(loop);
}

/* The time within a step. */
static inline gmb_time step_time(struct gmb_loop *loop)
{
	gmb_time now = gmb__likely(loop->tick.length)
			       ? gmb__tick_now(&loop->tick)
			       : read_clock(loop);

	/* The counter may be some nanoseconds behind the clock that set it. */
	return now < loop->step_began ? loop->step_began : now;
}

/* The time after a wait: if it was short, the counter is as good as any. */
static inline gmb_time outside_time(struct gmb_loop *loop)
{
	const struct gmb__tick *tick = &loop->tick;
	gmb_time now;

	if (tick->length) {
		now = gmb__tick_now(tick);
		if (now - tick->time < tick->span &&
		    now - tick->time < GMB__TICK_LONG)
			return now;
	}
	return read_clock(loop);
}

/*
 * The time of something that happens now. Outside of steps many things happen
 * at once: one wait ends, and all that it brought is handed out.
 */
static inline gmb_time moment(struct gmb_loop *loop)
{
	if (loop->current)
		return step_time(loop);
	if (!loop->outside_at)
		loop->outside_at = outside_time(loop);
	return loop->outside_at;
}

/* The time, if nothing has happened since it was last read. */
static inline gmb_time take_stamp(struct gmb_loop *loop)
{
	gmb_time stamp = loop->stamp;

	loop->stamp = 0;
	return gmb__likely(stamp) ? stamp : read_clock(loop);
}

/* Events */

void gmb__observe_event(struct gmb_loop *loop, enum gmb_trace_kind kind,
			const struct gmb__strand *strand, uint64_t arg,
			uint64_t arg2, uint16_t extra)
{
	if (is_traced(loop))
		gmb__record_put(&loop->record, moment(loop), strand->row.id,
				kind, extra, 0, arg, arg2);
}

void gmb__observe_name(struct gmb_loop *loop, const struct gmb__strand *strand)
{
	struct gmb_trace_event event = { .kind = GMB_TRACE_NAME };

	if (!is_traced(loop) || !strand->row.name[0])
		return;
	memcpy(event.text, strand->row.name, sizeof(event.text) - 1);
	gmb__record_put(&loop->record, moment(loop), strand->row.id,
			GMB_TRACE_NAME, 0, 0, event.arg, event.arg2);
}

/* Strands */

static seldom void tell_ready(struct gmb_loop *loop, struct gmb__strand *strand)
{
	if (is_traced(loop))
		record(loop, strand->ready_at, GMB_TRACE_READY, strand->row.id,
		       0);
	gmb__hook(loop, scheduled, task_of(strand));
}

/* Within a step, or with more to do. */
static seldom void note_ready(struct gmb_loop *loop, struct gmb__strand *strand)
{
	if (is_timed(loop))
		strand->ready_at = moment(loop);
	if (is_traced(loop) || loop->hooks)
		tell_ready(loop, strand);
}

void gmb__observe_ready(struct gmb_loop *loop, struct gmb__strand *strand)
{
	if (gmb__unlikely(!loop->times_only || loop->current)) {
		note_ready(loop, strand);
		return;
	}
	if (gmb__unlikely(!loop->outside_at))
		loop->outside_at = outside_time(loop);
	strand->ready_at = loop->outside_at;
}

/* It may have become ready before anybody wanted to know. */
static inline void count_delay(struct gmb_loop *loop,
			       struct gmb__strand *strand, gmb_time now)
{
	gmb_time delay = now - strand->ready_at;

	if (gmb__unlikely(strand->ready_at < loop->observed_since))
		return;
	if (delay > strand->row.worst_ns)
		strand->row.worst_ns = delay;
	gmb__page_count(&loop->rows, GMB_STAGE_RESUME, delay);
}

static seldom void tell_step_begin(struct gmb_loop *loop,
				   struct gmb__strand *strand)
{
	loop->hooked = true;
	gmb__hook(loop, step_begin, task_of(strand));
	loop->stamp = 0;
}

static seldom void tell_step_end(struct gmb_loop *loop,
				 struct gmb__strand *strand)
{
	loop->hooked = false;
	gmb__hook(loop, step_end, task_of(strand));
	loop->stamp = 0;
}

static inline void begin_step(struct gmb_loop *loop, struct gmb__strand *strand,
			      gmb_time now)
{
	struct gmb_page *page = loop->page;

	loop->stepping = strand;
	loop->step_began = now;
	page->step_since = now;
	page->running = strand->row.id;
	count_delay(loop, strand, now);
}

static inline void count_step(struct gmb_loop *loop, struct gmb__strand *strand,
			      gmb_time now)
{
	gmb_time took = now - loop->step_began;

	strand->row.run_ns += took;
	gmb__page_count(&loop->rows, GMB_STAGE_STEP, took);
}

static inline void end_steps(struct gmb_loop *loop)
{
	loop->stepping = NULL;
	loop->page->running = 0;
	loop->page->step_since = 0;
}

void gmb__observe_step_begin(struct gmb_loop *loop, struct gmb__strand *strand)
{
	gmb_time now;

	loop->outside_at = 0;
	if (loop->hooks)
		tell_step_begin(loop, strand);
	if (!is_timed(loop)) {
		loop->stepping = strand;
		loop->page->running = strand->row.id;
		return;
	}
	now = take_stamp(loop);
	begin_step(loop, strand, now);
	if (is_traced(loop))
		record(loop, now, GMB_TRACE_BEGIN, strand->row.id, 0);
}

void gmb__observe_step_end(struct gmb_loop *loop)
{
	struct gmb__strand *strand = loop->stepping;
	gmb_time now;

	/* Observation may have begun within the step. */
	if (!strand)
		return;
	if (loop->page->step_since) {
		now = step_time(loop);
		/* What an ended one has left is freed next: not for nothing. */
		loop->stamp = loop->exited ? 0 : now;
		count_step(loop, strand, now);
		if (is_traced(loop))
			record_end(loop, strand, now);
	}
	end_steps(loop);
	if (loop->hooked)
		tell_step_end(loop, strand);
}

/*
 * The end of a step is the beginning of the next, and nothing in between is
 * undone that the next does anew.
 */
void gmb__observe_steps(struct gmb_loop *loop)
{
	gmb_time now = take_stamp(loop);
	struct gmb__strand *next;

	loop->outside_at = 0;
	while ((next = loop->ready_first) && gmb__loop_budget(loop) > 0) {
		begin_step(loop, next, now);
		gmb__loop_begin_step(loop, next);
		gmb__context_switch(&loop->context, &next->context);
		/* The task itself may have chosen something else. */
		if (gmb__unlikely(!loop->times_only))
			return;
		now = step_time(loop);
		count_step(loop, next, now);
		if (gmb__unlikely(loop->exited)) {
			gmb__loop_reap(loop);
			loop->outside_at = 0;
			now = step_time(loop);
		}
	}
	loop->stamp = now;
	end_steps(loop);
}

/* The loop */

static seldom void tell_poll_begin(struct gmb_loop *loop, gmb_time span)
{
	gmb__hook(loop, io_begin, span);
	loop->stamp = 0;
}

static seldom void tell_poll_end(struct gmb_loop *loop, int done)
{
	gmb__hook(loop, io_end, done);
}

static inline void count_turn(struct gmb_loop *loop, gmb_time now)
{
	if (gmb__likely(loop->poll_ended))
		gmb__page_count(&loop->rows, GMB_STAGE_TURN,
				now - loop->poll_ended);
}

/* The wait was over when the first strand became ready, if one did. */
static inline void count_poll(struct gmb_loop *loop, gmb_time began)
{
	gmb_time now = loop->outside_at;

	if (gmb__unlikely(!now))
		now = moment(loop);
	gmb__page_count(&loop->rows, GMB_STAGE_POLL, now - began);
	loop->poll_ended = now;
}

/* With hooks or a trace. */
static seldom int poll_and_tell(struct gmb_loop *loop, gmb_time span)
{
	gmb_time now = 0;
	int done;

	if (loop->hooks)
		tell_poll_begin(loop, span);
	/* The hook may have found work for a task, or made one. */
	if (loop->ready_first)
		span = 0;
	if (is_timed(loop)) {
		now = take_stamp(loop);
		count_turn(loop, now);
		loop->outside_at = 0;
	}
	if (is_traced(loop))
		record(loop, now, GMB_TRACE_POLL, 0, (uint64_t)span);
	done = loop->backend->poll(loop, span);
	if (is_timed(loop))
		count_poll(loop, now);
	if (is_traced(loop))
		record(loop, loop->poll_ended, GMB_TRACE_POLLED, 0,
		       (uint64_t)done);
	if (loop->hooks)
		tell_poll_end(loop, done);
	return done;
}

int gmb__observe_poll(struct gmb_loop *loop, gmb_time span)
{
	gmb_time began;
	int done;

	if (gmb__unlikely(!loop->times_only))
		return poll_and_tell(loop, span);
	began = take_stamp(loop);
	count_turn(loop, began);
	loop->outside_at = 0;
	done = loop->backend->poll(loop, span);
	count_poll(loop, began);
	return done;
}

static seldom unsigned int expire(struct gmb_loop *loop)
{
	unsigned int fired = 0, n, i;
	gmb_time when;

	loop->outside_at = loop->now;
	while ((when = gmb__timers_next(&loop->timers)) <= loop->now) {
		n = gmb__timers_expire(&loop->timers, when);
		for (i = 0; i < n && is_timed(loop); i++)
			gmb__page_count(&loop->rows, GMB_STAGE_LATE,
					loop->now - when);
		fired += n;
	}
	loop->outside_at = 0;
	loop->stamp = 0;
	return fired;
}

gmb_time gmb__observe_now(struct gmb_loop *loop)
{
	gmb_time now;

	if (!loop->times_only || loop->timers.count ||
	    loop->flags & GMB_LOOP_FAKE_CLOCK)
		return gmb__monotonic();
	now = outside_time(loop);
	return now < loop->now ? loop->now : now;
}

/*
 * Nothing lies between the end of a turn, which has just read the clock, and
 * the next step, unless others step the loop or timers have work to do.
 */
unsigned int gmb__observe_timers(struct gmb_loop *loop)
{
	if (gmb__unlikely(gmb__tick_is_due(&loop->tick, loop->now) &&
			  !(loop->flags & GMB_LOOP_FAKE_CLOCK)))
		gmb__tick_set(&loop->tick);
	loop->outside_at = 0;
	loop->stamp = loop->open ? 0 : loop->now;
	if (gmb__likely(gmb__timers_next(&loop->timers) > loop->now))
		return 0;
	return expire(loop);
}
