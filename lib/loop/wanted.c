/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "loop/announce.h"
#include "loop/wanted.h"

#define ALL_FLAGS	(GMB_OBSERVE_TIMES | GMB_OBSERVE_TRACE)
#define LEASE_MAX	(60 * GMB_SEC)

/* What the loops of this thread begin with. */
static gmb__thread_local const struct gmb_hooks *thread_hooks;
static gmb__thread_local unsigned int thread_observe;

/* What was measured in part is forgotten: it has no beginning, or no end. */
static void forget_times(struct gmb_loop *loop)
{
	loop->page->step_since = 0;
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
		gmb__record_put(&loop->record, now, loop->current->row.id,
				GMB_TRACE_BEGIN, 0, 0, 0, 0);
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
	if (!(loop->observe & wanted & GMB_OBSERVE_TIMES)) {
		forget_times(loop);
		loop->observed_since = gmb__loop_clock(loop);
	}
	if (loop->hooks != thread_hooks)
		loop->hooked = false;
	loop->hooks = thread_hooks;
	before = loop->observe;
	loop->observe = (uint8_t)wanted;
	set_slow(loop, loop->hooks || wanted);
	loop->times_only = wanted == GMB_OBSERVE_TIMES && !loop->hooks;
	loop->page->observe = wanted;
	begin_within_step(loop, wanted & ~before);
	return rc;
}

void gmb__wanted_init(struct gmb_loop *loop)
{
	const char *wanted = getenv("GMB_OBSERVE");

	if (wanted && !strcmp(wanted, "times"))
		thread_observe |= GMB_OBSERVE_TIMES;
	if (wanted && !strcmp(wanted, "trace"))
		thread_observe |= GMB_OBSERVE_TRACE;
	apply(loop);
	if (loop->observe & GMB_OBSERVE_TRACE)
		gmb__announce(loop);
}

void gmb__wanted_fini(struct gmb_loop *loop)
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

void gmb__wanted_look(struct gmb_loop *loop)
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
