/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The inbox: how other threads reach a loop.
 *
 * Any thread posts a note; the loop's thread calls its function at the next
 * turn. Notes of one thread arrive in the order of posting. Posting takes no
 * lock and allocates nothing, so it cannot fail; it makes a system call only
 * when the loop sleeps.
 *
 * Barriers: the poster publishes the note, then reads `asleep`; the loop
 * publishes `asleep`, then looks for notes. Both sides are sequentially
 * consistent, so at least one of them sees the other.
 */
#ifndef GMB_LOOP_INBOX_H
#define GMB_LOOP_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>

struct gmb_loop;

struct gmb__note {
	struct gmb__note *next;
	void (*fn)(struct gmb_loop *loop, struct gmb__note *note);
};

struct gmb__inbox {
	_Atomic(struct gmb__note *) notes;	/* newest first */
	atomic_bool asleep;
};

/**
 * gmb__inbox_post() - have a function called on a loop's thread
 * @loop: must not be closed before the note has been called; the caller sees
 *	to that
 * @note: the caller's; belongs to the loop until its function is called
 *
 * Context: any thread, not signal handlers.
 */
void gmb__inbox_post(struct gmb_loop *loop, struct gmb__note *note);

/**
 * gmb__inbox_post_soon() - the same, but it may wake the loop a little later
 * @loop: as for gmb__inbox_post()
 * @note: as for gmb__inbox_post()
 * @self: the caller's own loop. If it has to wake @loop it may do so with its
 *	next poll, which then is one system call for both. The caller is about
 *	to park with nobody else ready, or else calls gmb__inbox_flush()
 *
 * Context: the thread of @self.
 */
void gmb__inbox_post_soon(struct gmb_loop *loop, struct gmb__note *note,
			  struct gmb_loop *self);

/* Wake now whom gmb__inbox_post_soon() has left for later. */
void gmb__inbox_flush(struct gmb_loop *self);

/* Call all notes; returns whether there were any. Loop's thread. */
bool gmb__inbox_drain(struct gmb_loop *loop);

/*
 * Announce that the loop is about to sleep. Returns false, and takes the
 * announcement back, if there are notes. Loop's thread.
 */
bool gmb__inbox_sleep(struct gmb_loop *loop);

/* The loop is awake again. Loop's thread. */
void gmb__inbox_awake(struct gmb_loop *loop);

#endif
