/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Locks, as conditions see them.
 */
#ifndef GMB_SYNC_LOCK_H
#define GMB_SYNC_LOCK_H

#include <giambio/lock.h>
#include "loop/trap.h"

struct gmb_task;

/*
 * Make a parked task wait for a lock that is held: it will own the lock when
 * its wait completes, and cancellation does not reach it any more.
 */
void gmb__lock_requeue(struct gmb_lock *lock, struct gmb__wait *wait);

/* Take a lock back, shielded; 0 or why even that failed. */
int gmb__lock_reacquire(struct gmb_lock *lock);

#endif
