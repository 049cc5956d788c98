/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "loop/observe.h"
#include "loop/page.h"

/* What the loops of this thread begin with. */
static gmb__thread_local const struct gmb_hooks *thread_hooks;
static gmb__thread_local unsigned int thread_observe;

static struct gmb_task *task_of(struct gmb__strand *strand)
{
	return (struct gmb_task *)strand;
}

static void apply(struct gmb_loop *loop)
{
	loop->hooks = thread_hooks;
	loop->observe = (uint8_t)thread_observe;
	loop->slow = loop->hooks || loop->observe;
	loop->page->observe = loop->observe;
}

void gmb__observe_init(struct gmb_loop *loop)
{
	const char *wanted = getenv("GMB_OBSERVE");

	if (wanted && !strcmp(wanted, "times"))
		thread_observe |= GMB_OBSERVE_TIMES;
	apply(loop);
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
	if (flags & ~(unsigned int)GMB_OBSERVE_TIMES)
		return -EINVAL;
	thread_observe = flags;
	if (gmb__loop)
		apply(gmb__loop);
	return 0;
}

void gmb__observe_ready(struct gmb_loop *loop, struct gmb__strand *strand)
{
	if (loop->observe & GMB_OBSERVE_TIMES)
		strand->ready_at = gmb__loop_clock(loop);
	gmb__hook(loop, scheduled, task_of(strand));
}

void gmb__observe_step_begin(struct gmb_loop *loop, struct gmb__strand *strand)
{
	gmb_time delay;

	loop->stepping = strand;
	gmb__hook(loop, step_begin, task_of(strand));
	if (!(loop->observe & GMB_OBSERVE_TIMES))
		return;
	loop->observed_at = gmb__loop_clock(loop);
	loop->page->step_since = loop->observed_at;
	if (!strand->ready_at)
		return;
	delay = loop->observed_at - strand->ready_at;
	strand->ready_at = 0;
	if (delay > strand->row.worst_ns)
		strand->row.worst_ns = delay;
	gmb__page_count(&loop->rows, GMB_STAGE_RESUME, delay);
}

void gmb__observe_step_end(struct gmb_loop *loop)
{
	struct gmb__strand *strand = loop->stepping;
	gmb_time took;

	/* Observation may have begun within the step. */
	if (!strand)
		return;
	loop->stepping = NULL;
	if (loop->page->step_since) {
		took = gmb__loop_clock(loop) - loop->observed_at;
		loop->page->step_since = 0;
		strand->row.run_ns += took;
		gmb__page_count(&loop->rows, GMB_STAGE_STEP, took);
	}
	gmb__hook(loop, step_end, task_of(strand));
}

void gmb__observe_poll_begin(struct gmb_loop *loop, gmb_time span)
{
	gmb_time now;

	gmb__hook(loop, io_begin, span);
	if (!(loop->observe & GMB_OBSERVE_TIMES))
		return;
	now = gmb__loop_clock(loop);
	if (loop->poll_ended)
		gmb__page_count(&loop->rows, GMB_STAGE_TURN,
				now - loop->poll_ended);
	loop->observed_at = now;
}

void gmb__observe_poll_end(struct gmb_loop *loop, int done)
{
	if (loop->observe & GMB_OBSERVE_TIMES) {
		loop->poll_ended = gmb__loop_clock(loop);
		gmb__page_count(&loop->rows, GMB_STAGE_POLL,
				loop->poll_ended - loop->observed_at);
	}
	gmb__hook(loop, io_end, done);
}

void gmb__observe_late(struct gmb_loop *loop)
{
	gmb_time late = loop->now - gmb__timers_next(&loop->timers);

	if (late >= 0 && loop->observe & GMB_OBSERVE_TIMES)
		gmb__page_count(&loop->rows, GMB_STAGE_LATE, late);
}
