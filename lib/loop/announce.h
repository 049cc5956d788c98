/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Handing a loop to whoever started the program to observe it: a loop may be
 * over before anybody outside has found it.
 */
#ifndef GMB_LOOP_ANNOUNCE_H
#define GMB_LOOP_ANNOUNCE_H

#include "loop/loop.h"

/*
 * Send the descriptors of the loop's page and trace to the socket that
 * GMB_OBSERVE_FD names (see <giambio/trace.h>), if there is one and it has
 * room. The loop goes on without an answer.
 */
void gmb__announce(const struct gmb_loop *loop);

#endif
