/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <giambio/task.h>
#include "backend/backend.h"
#include "loop/loop.h"
#include "loop/observe.h"
#include "loop/signal.h"
#include "loop/trap.h"
#include "loop/wanted.h"

gmb__thread_local struct gmb_loop *gmb__loop;

gmb_time gmb__monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * GMB_SEC + ts.tv_nsec;
}

gmb_time gmb__loop_clock(struct gmb_loop *loop)
{
	if (gmb__unlikely(loop->flags & GMB_LOOP_FAKE_CLOCK))
		return loop->fake_now;
	return gmb__monotonic();
}

gmb_time gmb_now(void)
{
	return gmb__loop ? gmb__loop_clock(gmb__loop) : gmb__monotonic();
}

gmb_time gmb_after(gmb_time span_ns)
{
	gmb_time when;

	if (span_ns < 0)
		span_ns = 0;
	if (__builtin_add_overflow(gmb_now(), span_ns, &when))
		return GMB_NEVER;
	return when;
}

uint32_t gmb__thread_id(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

void gmb__die(const char *format, ...)
{
	va_list args;

	fputs("giambio: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* Switching */

/*
 * Let strands run until none is ready or the budget is used up. Only a strand
 * that waits, ends, or finds the budget used up comes back here: see
 * gmb__loop_switch(). While somebody observes, the budget seems used up.
 */
static void run_ready(struct gmb_loop *loop)
{
	struct gmb__strand *next;

	loop->budget = loop->budget_full;
	if (gmb__is_slow(loop))
		loop->budget -= GMB__BUDGET_SLOW;
	while ((next = loop->ready_first) && gmb__loop_budget(loop) > 0) {
		if (GMB__OBSERVE && loop->times_only) {
			gmb__observe_steps(loop);
		} else {
			if (gmb__is_slow(loop))
				gmb__observe_step_begin(loop, next);
			gmb__loop_begin_step(loop, next);
			gmb__context_switch(&loop->context, &next->context);
		}
		if (gmb__is_slow(loop))
			gmb__observe_step_end(loop);
		gmb__loop_reap(loop);
	}
	loop->page->steps +=
		(uint64_t)(loop->budget_full - gmb__loop_budget(loop));
}

/* Keep a turn that used up its budget near GMB__TURN_NS. */
static void adapt_budget(struct gmb_loop *loop)
{
	gmb_time took;

	if (gmb__loop_budget(loop) > 0)
		return;
	took = gmb__monotonic() - loop->turn_began;
	if (took > 2 * GMB__TURN_NS && loop->budget_full > 1)
		loop->budget_full /= 2;
	else if (took < GMB__TURN_NS / 2 && loop->budget_full < GMB__BUDGET_MAX)
		loop->budget_full *= 2;
}

/* Waiting */

gmb_time gmb__loop_idle_span(struct gmb_loop *loop)
{
	gmb_time next = gmb__timers_next(&loop->timers);
	gmb_time now;

	if (loop->ready_first ||
	    atomic_load_explicit(&loop->inbox.notes, memory_order_relaxed))
		return 0;
	if (next == GMB_NEVER)
		return GMB_NEVER;
	now = gmb__loop_clock(loop);
	return next > now ? next - now : 0;
}

/* Nothing in this loop can make a strand ready, and nothing outside will. */
static bool is_stuck(const struct gmb_loop *loop)
{
	return !loop->pending && !loop->outside && !loop->timers.count &&
	       !(loop->flags & GMB_LOOP_NO_DEADLOCK);
}

static void poll_backend(struct gmb_loop *loop, gmb_time span)
{
	bool asleep = span > 0 && gmb__inbox_sleep(loop);
	int done;

	if (span > 0 && !asleep)
		span = 0;
	loop->page->polls++;
	if (asleep) {
		loop->page->sleeps++;
		loop->page->poll_since = loop->now;
	}
	if (gmb__is_slow(loop))
		done = gmb__observe_poll(loop, span);
	else
		done = loop->backend->poll(loop, span);
	if (asleep) {
		gmb__inbox_awake(loop);
		loop->page->poll_since = 0;
	}
	loop->page->completions += (uint64_t)done;
}

/*
 * The fake clock stands still while anything happens, and then jumps. What the
 * backend holds may be about to complete, so it is looked at first.
 */
static void wait_fake(struct gmb_loop *loop, gmb_time span)
{
	gmb_time next = gmb__timers_next(&loop->timers);

	poll_backend(loop, 0);
	if (loop->ready_first || gmb__loop_idle_span(loop) == 0)
		return;
	if (next == GMB_NEVER)
		poll_backend(loop, span);
	else if (next > loop->fake_now)
		loop->fake_now = next;
}

static void expire_timers(struct gmb_loop *loop)
{
	unsigned int fired = 0;

	if (gmb__is_slow(loop))
		fired = gmb__observe_timers(loop);
	else if (loop->timers.count)
		fired = gmb__timers_expire(&loop->timers, loop->now);
	loop->page->timers += fired;
}

int gmb__loop_turn(struct gmb_loop *loop, gmb_time span)
{
	unsigned int bits;
	gmb_time idle;

	loop->page->turns++;
	loop->page->now = loop->now;
	if (gmb__unlikely(gmb__wanted_by_others(loop)))
		gmb__wanted_look(loop);
	run_ready(loop);
	adapt_budget(loop);
	if (loop->signals) {
		bits = gmb__signals_take(loop->signals);
		if (gmb__unlikely(bits))
			loop->on_signal(loop, bits);
	}
	gmb__inbox_drain(loop);
	if (loop->ended)
		return 0;

	idle = gmb__loop_idle_span(loop);
	if (idle == GMB_NEVER && span == GMB_NEVER && is_stuck(loop))
		return -EDEADLK;
	if (span > idle)
		span = idle;
	if (gmb__unlikely(loop->flags & GMB_LOOP_FAKE_CLOCK) && span)
		wait_fake(loop, span);
	else if (span || loop->pending || loop->open || loop->unsent)
		poll_backend(loop, span);
	loop->turn_began = gmb__is_slow(loop) ? gmb__observe_now(loop)
					      : gmb__monotonic();
	loop->now = loop->flags & GMB_LOOP_FAKE_CLOCK ? loop->fake_now
						      : loop->turn_began;
	expire_timers(loop);
	return 0;
}

int gmb__loop_init(struct gmb_loop *loop, const struct gmb_loop_opts *opts)
{
	loop->flags = opts->flags;
	loop->stack_size = opts->stack_size;
	loop->budget_full = GMB__BUDGET_START;
	loop->turn_began = gmb__monotonic();
	loop->fake_now = loop->turn_began;
	loop->now = loop->turn_began;
	gmb__timers_init(&loop->timers);
	gmb__list_init(&loop->enders);
	gmb__stack_pool_init(&loop->stacks);
	gmb__context_init_thread(&loop->context);
	gmb__wanted_init(loop);
	return 0;
}

void gmb__loop_at_end(struct gmb_loop *loop, struct gmb__ender *ender,
		      void (*fn)(struct gmb_loop *loop,
				 struct gmb__ender *ender))
{
	ender->fn = fn;
	gmb__list_add_tail(&loop->enders, &ender->link);
}

void gmb__loop_end(struct gmb_loop *loop)
{
	struct gmb__ender *ender;

	while (!gmb__list_empty(&loop->enders)) {
		ender = gmb__entry(loop->enders.next, struct gmb__ender, link);
		ender->fn(loop, ender);
	}
}

void gmb__loop_fini(struct gmb_loop *loop)
{
	gmb__timers_fini(&loop->timers);
	gmb__stack_pool_fini(&loop->stacks);
	gmb__context_fini(&loop->context);
	gmb__wanted_fini(loop);
}
