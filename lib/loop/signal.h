/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Signals that mean something to a loop: SIGINT and the dump signal.
 *
 * A handler runs in any thread at any moment, so all it does is to set a bit in
 * the slot of each loop concerned and to wake that loop; the loop looks at its
 * slot once a turn. Slots are kept in a list that only grows, and used again; a
 * slot counts the handlers that stand in it, and a loop that ends waits for
 * them, so a handler never meets a loop that is gone.
 *
 * Locks: `install_lock` orders installing and removing of handlers; handlers
 * take no lock.
 */
#ifndef GMB_LOOP_SIGNAL_H
#define GMB_LOOP_SIGNAL_H

#include <stdatomic.h>
#include <stdbool.h>

struct gmb_loop;

enum gmb__signal_bits {
	GMB__SIGNAL_INTERRUPT = 1 << 0,
	GMB__SIGNAL_DUMP = 1 << 1,
};

struct gmb__signal_slot {
	struct gmb__signal_slot *next;
	atomic_bool taken;
	_Atomic(struct gmb_loop *) loop;
	atomic_uint visitors;		/* handlers that use @loop */
	atomic_uint pending;		/* enum gmb__signal_bits */
	atomic_int dump_signal;
	atomic_bool interrupts;		/* SIGINT concerns this loop */
	/* Only its own loop reads these. */
	bool counted;			/* among interrupt_users */
};

/**
 * gmb__signals_attach() - make signals reach a loop
 * @loop:        with its backend open; its slot is set
 * @interrupt:   SIGINT is to reach it, if the program has no handler of its own
 * @dump_signal: a signal number, or 0
 *
 * Return: 0; -ENOMEM; -EINVAL not a signal that can be handled.
 */
int gmb__signals_attach(struct gmb_loop *loop, bool interrupt,
			int dump_signal);

/* No signal reaches the loop any more when this returns. */
void gmb__signals_detach(struct gmb_loop *loop);

/* In the child of a fork(), which has none of the loops: all is as at first. */
void gmb__signals_forget(void);

/* Take the bits that have come in; loop's thread. */
unsigned int gmb__signals_take(struct gmb__signal_slot *slot);

#endif
