/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <giambio/barrier.h>
#include "sync/owner.h"

/* A party that has come and waits. */
struct party {
	struct gmb__wait wait;
	struct gmb_barrier *barrier;
};

int gmb_barrier_init(struct gmb_barrier *barrier, size_t parties)
{
	if (parties == 0)
		return -EINVAL;
	*barrier = (struct gmb_barrier){
		.loop = gmb__loop,
		.parties = parties,
	};
	gmb__waitq_init(&barrier->waiters);
	return 0;
}

void gmb_barrier_fini(struct gmb_barrier *barrier)
{
	gmb__owner_fini(&barrier->loop, barrier->waiting != 0, __func__);
}

static bool leave(struct gmb__wait *wait)
{
	gmb__list_del(&wait->link);
	gmb__entry(wait, struct party, wait)->barrier->waiting--;
	return false;
}

int gmb_barrier_wait(struct gmb_barrier *barrier)
{
	struct gmb__trap trap;
	struct party party = { .barrier = barrier };
	struct gmb__wait *other;
	int rc = gmb__trap_init(&trap);

	if (rc)
		return rc;
	rc = gmb__owner_check(barrier, barrier->waiting != 0);
	if (rc)
		return rc;
	if (barrier->waiting + 1 == barrier->parties) {
		/* A hook that is told of one may cancel the next. */
		while ((other = gmb__waitq_pop(&barrier->waiters))) {
			barrier->waiting--;
			gmb__wait_complete(other, 0);
		}
		gmb__pass();
		return 1;
	}
	barrier->waiting++;
	gmb__trap_add(&trap, &party.wait, leave);
	gmb__waitq_push(&barrier->waiters, &party.wait);
	return (int)gmb__trap_park(&trap, GMB_WAIT_BARRIER, barrier,
				   barrier->waiting);
}

size_t gmb_barrier_waiting(const struct gmb_barrier *barrier)
{
	return barrier->waiting;
}
