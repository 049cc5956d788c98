/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Hooks and timed histograms: what happens while loop->slow is set.
 *
 * All run on the loop's thread. A hook runs with no current task, so whatever
 * would suspend fails with -EPERM instead.
 */
#ifndef GMB_LOOP_OBSERVE_H
#define GMB_LOOP_OBSERVE_H

#include "loop/loop.h"

/* Take over what the thread has chosen before the loop began. */
void gmb__observe_init(struct gmb_loop *loop);

void gmb__observe_step_begin(struct gmb_loop *loop, struct gmb__strand *strand);
void gmb__observe_step_end(struct gmb_loop *loop);
void gmb__observe_poll_begin(struct gmb_loop *loop, gmb_time span);
void gmb__observe_poll_end(struct gmb_loop *loop, int done);
void gmb__observe_late(struct gmb_loop *loop);

/*
 * Call a hook of the loop, if there is one. The strand that runs is put aside
 * meanwhile.
 */
#define gmb__hook(loop, name, ...)                                        \
	do {                                                              \
		struct gmb_loop *loop__ = (loop);                         \
		struct gmb__strand *self__ = loop__->current;             \
									  \
		if (gmb__unlikely(loop__->hooks) && loop__->hooks->name) { \
			loop__->current = NULL;                           \
			loop__->hooks->name(loop__->hooks->user,          \
					    __VA_ARGS__);                 \
			loop__->current = self__;                         \
		}                                                         \
	} while (0)

#endif
