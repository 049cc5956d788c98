/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "loop/announce.h"
#include "loop/observe.h"
#include "loop/page.h"

#define ALL_FLAGS	(GMB_OBSERVE_TIMES | GMB_OBSERVE_TRACE)
#define LEASE_MAX	(60 * GMB_SEC)

/*
 * Times are wanted much oftener than hooks and the trace, so these are calls:
 * what is inline then needs few registers.
 */
#define seldom		__attribute__((noinline))

/* What the loops of this thread begin with. */
static gmb__thread_local const struct gmb_hooks *thread_hooks;
static gmb__thread_local unsigned int thread_observe;

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

/* Switching on and off */

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

/* What was measured in part is forgotten: it has no beginning, or no end. */
static void forget_times(struct gmb_loop *loop)
{
	loop->page->step_since = 0;
	loop->poll_began = 0;
	loop->poll_ended = 0;
	loop->stamp = 0;
	loop->outside_at = 0;
	loop->tick = (struct gmb__tick){ 0 };
}

static void set_slow(struct gmb_loop *loop, bool slow)
{
	if (slow && !loop->slow)
		loop->budget -= GMB__BUDGET_SLOW;
	else if (!slow && loop->slow)
		loop->budget += GMB__BUDGET_SLOW;
	loop->slow = slow;
}

/* For a task that asks itself, its step begins here. */
static void begin_within_step(struct gmb_loop *loop, unsigned int begins)
{
	gmb_time now;

	if (!loop->slow || !loop->current) {
		loop->stepping = NULL;
		loop->page->running = 0;
	}
	if (!begins || !loop->current)
		return;
	now = gmb__loop_clock(loop);
	loop->stepping = loop->current;
	loop->page->running = loop->current->row.id;
	if (begins & GMB_OBSERVE_TIMES) {
		loop->page->step_since = now;
		loop->step_began = now;
	}
	if (begins & GMB_OBSERVE_TRACE)
		record(loop, now, GMB_TRACE_BEGIN, loop->current->row.id, 0);
}

/*
 * Count and record what the program and the others want together. What is
 * counted already goes on undisturbed.
 */
static int apply(struct gmb_loop *loop)
{
	unsigned int wanted = thread_observe | loop->leased;
	unsigned int before;
	int rc = 0;

	if (!GMB__OBSERVE)
		return 0;
	if (wanted & GMB_OBSERVE_TRACE)
		wanted |= GMB_OBSERVE_TIMES;
	if (wanted & GMB_OBSERVE_TRACE) {
		rc = gmb__record_open(&loop->record, gmb__loop_clock(loop));
		if (rc < 0)
			wanted &= ~(unsigned int)GMB_OBSERVE_TRACE;
	}
	if (!(is_timed(loop) && wanted & GMB_OBSERVE_TIMES)) {
		forget_times(loop);
		loop->observed_since = gmb__loop_clock(loop);
	}
	if (loop->hooks != thread_hooks)
		loop->hooked = false;
	loop->hooks = thread_hooks;
	before = loop->observe;
	loop->observe = (uint8_t)wanted;
	set_slow(loop, loop->hooks || wanted);
	loop->page->observe = wanted;
	begin_within_step(loop, wanted & ~before);
	return rc;
}

void gmb__observe_init(struct gmb_loop *loop)
{
	const char *wanted = getenv("GMB_OBSERVE");

	if (wanted && !strcmp(wanted, "times"))
		thread_observe |= GMB_OBSERVE_TIMES;
	if (wanted && !strcmp(wanted, "trace"))
		thread_observe |= GMB_OBSERVE_TRACE;
	apply(loop);
	if (is_traced(loop))
		gmb__announce(loop);
}

void gmb__observe_fini(struct gmb_loop *loop)
{
	gmb__record_close(&loop->record);
}

int gmb_hooks_set(const struct gmb_hooks *hooks)
{
	if (hooks && hooks->size != sizeof(*hooks))
		return -EINVAL;
	thread_hooks = hooks;
	if (gmb__loop)
		apply(gmb__loop);
	return 0;
}

int gmb_observe(unsigned int flags)
{
	unsigned int before = thread_observe;
	int rc = 0;

	if (flags & ~(unsigned int)ALL_FLAGS)
		return -EINVAL;
	thread_observe = flags;
	if (gmb__loop)
		rc = apply(gmb__loop);
	if (rc < 0)
		thread_observe = before;
	return rc;
}

/*
 * One wish of others: is it in force? It is taken back when its time is over,
 * and cut to the longest time; by compare-and-swap, because who renews it
 * meanwhile is right.
 */
static bool is_leased(struct gmb_loop *loop, int64_t *until)
{
	int64_t seen = __atomic_load_n(until, __ATOMIC_RELAXED);
	int64_t most = loop->now + LEASE_MAX;
	int64_t kept = seen <= loop->now ? 0 : most;

	if (!seen)
		return false;
	if (seen <= loop->now || seen > most)
		__atomic_compare_exchange_n(until, &seen, kept, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return seen > loop->now;
}

void gmb__observe_control(struct gmb_loop *loop)
{
	struct gmb_control *control = &loop->page->control;
	uint8_t leased = 0;

	if (is_leased(loop, &control->times_until))
		leased |= GMB_OBSERVE_TIMES;
	if (is_leased(loop, &control->trace_until))
		leased |= GMB_OBSERVE_TRACE;
	if (leased == loop->leased)
		return;
	loop->leased = leased;
	if (apply(loop) == 0)
		return;
	/* No memory for a trace: say so by taking the wish back. */
	__atomic_store_n(&control->trace_until, 0, __ATOMIC_RELAXED);
	loop->leased &= (uint8_t)~GMB_OBSERVE_TRACE;
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

void gmb__observe_ready(struct gmb_loop *loop, struct gmb__strand *strand)
{
	if (gmb__likely(is_timed(loop)))
		strand->ready_at = moment(loop);
	if (gmb__unlikely(is_traced(loop) || loop->hooks))
		tell_ready(loop, strand);
}

/* It may have become ready before anybody wanted to know. */
static inline void count_delay(struct gmb_loop *loop,
			       struct gmb__strand *strand, gmb_time now)
{
	gmb_time delay = now - strand->ready_at;

	if (gmb__unlikely(strand->ready_at < loop->observed_since))
		return;
	strand->ready_at = 0;
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

void gmb__observe_step_begin(struct gmb_loop *loop, struct gmb__strand *strand)
{
	gmb_time now;

	loop->stepping = strand;
	loop->page->running = strand->row.id;
	loop->outside_at = 0;
	if (gmb__unlikely(loop->hooks))
		tell_step_begin(loop, strand);
	if (gmb__unlikely(!is_timed(loop)))
		return;
	now = take_stamp(loop);
	loop->page->step_since = now;
	loop->step_began = now;
	count_delay(loop, strand, now);
	if (gmb__unlikely(is_traced(loop)))
		record(loop, now, GMB_TRACE_BEGIN, strand->row.id, 0);
}

void gmb__observe_step_end(struct gmb_loop *loop)
{
	struct gmb__strand *strand = loop->stepping;
	gmb_time now;

	/* Observation may have begun within the step. */
	if (gmb__unlikely(!strand))
		return;
	loop->stepping = NULL;
	loop->page->running = 0;
	if (gmb__likely(loop->page->step_since)) {
		now = step_time(loop);
		loop->page->step_since = 0;
		/* What an ended one has left is freed next: not for nothing. */
		loop->stamp = loop->exited ? 0 : now;
		strand->row.run_ns += now - loop->step_began;
		gmb__page_count(&loop->rows, GMB_STAGE_STEP,
				now - loop->step_began);
		if (gmb__unlikely(is_traced(loop)))
			record_end(loop, strand, now);
	}
	if (gmb__unlikely(loop->hooked))
		tell_step_end(loop, strand);
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

void gmb__observe_poll_begin(struct gmb_loop *loop, gmb_time span)
{
	gmb_time now;

	if (gmb__unlikely(loop->hooks))
		tell_poll_begin(loop, span);
	if (gmb__unlikely(!is_timed(loop)))
		return;
	now = take_stamp(loop);
	if (gmb__likely(loop->poll_ended))
		gmb__page_count(&loop->rows, GMB_STAGE_TURN,
				now - loop->poll_ended);
	loop->poll_began = now;
	loop->outside_at = 0;
	if (gmb__unlikely(is_traced(loop)))
		record(loop, now, GMB_TRACE_POLL, 0, (uint64_t)span);
}

/* The wait was over when the first strand became ready, if one did. */
void gmb__observe_poll_end(struct gmb_loop *loop, int done)
{
	gmb_time now;

	if (gmb__likely(loop->poll_began)) {
		now = moment(loop);
		gmb__page_count(&loop->rows, GMB_STAGE_POLL,
				now - loop->poll_began);
		loop->poll_began = 0;
		loop->poll_ended = now;
		if (gmb__unlikely(is_traced(loop)))
			record(loop, now, GMB_TRACE_POLLED, 0, (uint64_t)done);
	}
	if (gmb__unlikely(loop->hooks))
		tell_poll_end(loop, done);
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
