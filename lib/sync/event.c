/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <giambio/event.h>
#include "sync/owner.h"

void gmb_event_init(struct gmb_event *event)
{
	*event = (struct gmb_event){ .loop = gmb__loop };
	gmb__waitq_init(&event->waiters);
}

void gmb_event_fini(struct gmb_event *event)
{
	gmb__owner_fini(&event->loop, !gmb__waitq_empty(&event->waiters),
			__func__);
}

int gmb_event_trigger(struct gmb_event *event, intptr_t value)
{
	int rc = gmb__owner_check(event, !gmb__waitq_empty(&event->waiters));

	if (rc)
		return rc;
	if (event->set)
		return -EALREADY;
	event->set = 1;
	event->value = value;
	/* The value goes with the wakeup: the event may end before they run. */
	gmb__waitq_complete_all(&event->waiters, value);
	return 0;
}

int gmb_event_wait(struct gmb_event *event, intptr_t *value)
{
	struct gmb__trap trap;
	intptr_t got;
	int rc = gmb__trap_init(&trap);

	if (rc)
		return rc;
	rc = gmb__owner_check(event, !gmb__waitq_empty(&event->waiters));
	if (rc)
		return rc;
	if (event->set) {
		got = event->value;
		gmb__pass();
	} else {
		got = gmb__sync_park(&trap, &event->waiters, GMB_WAIT_EVENT,
				     event, 0);
		if (!trap.winner)
			return (int)got;
	}
	if (value)
		*value = got;
	return 0;
}

int gmb_event_is_set(const struct gmb_event *event)
{
	return event->set;
}
