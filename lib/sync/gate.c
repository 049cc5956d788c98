/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sync/gate.h"

bool gmb__gate_enter(struct gmb__gate *gate)
{
	unsigned int before;

	if (gmb__gate_closed(gate))
		return false;
	before = atomic_fetch_add(&gate->state, GMB__GATE_ONE);
	if (!(before & GMB__GATE_CLOSED))
		return true;
	gmb__gate_leave(gate);
	return false;
}

void gmb__gate_leave(struct gmb__gate *gate)
{
	unsigned int before = atomic_fetch_sub(&gate->state, GMB__GATE_ONE);

	/*
	 * Wake the one in gmb__gate_wait(). If it is gone already, and the
	 * memory with it, this wakes nobody: the kernel only takes the address.
	 */
	if (before == (GMB__GATE_ONE | GMB__GATE_CLOSED))
		syscall(SYS_futex, &gate->state, FUTEX_WAKE_PRIVATE, 1, NULL,
			NULL, 0);
}

bool gmb__gate_close(struct gmb__gate *gate)
{
	return !(atomic_fetch_or(&gate->state, GMB__GATE_CLOSED) &
		 GMB__GATE_CLOSED);
}

void gmb__gate_wait(struct gmb__gate *gate)
{
	unsigned int state;

	while ((state = atomic_load(&gate->state)) != GMB__GATE_CLOSED)
		syscall(SYS_futex, &gate->state, FUTEX_WAIT_PRIVATE, state,
			NULL, NULL, 0);
}
