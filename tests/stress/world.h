/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * What the tasks of a random schedule share: the things they use, and the
 * ledger against which the library is checked.
 *
 * Every task has a record. What is in flight between tasks are numbered items,
 * each of which must arrive once if its sending succeeded and never if it
 * failed. Bytes in a stream follow from their position, so a byte that is lost
 * or sent twice shows at the reader.
 */
#ifndef TESTS_STRESS_WORLD_H
#define TESTS_STRESS_WORLD_H

#include "harness.h"

enum {
	RECORDS = 160,
	MANAGERS = 24,
	SCOPES = 48,
	LOCKS = 2,
	QUEUES = 2,
	EVENTS = 3,
	STREAMS = 3,
	ITEMS = 4096,
};

/* A task, as the test knows it. */
struct record {
	struct world *world;
	struct gmb_task *task;		/* while its pointer is valid */
	struct gmb_manager *manager;	/* while it is open */
	intptr_t result;
	int depth;
	bool ran;
	bool ended;
	bool starter;			/* made by gmb_spawn_wait() */
	bool forget;
};

enum item_state {
	ITEM_NONE,
	ITEM_FLYING,	/* somebody tries to send it */
	ITEM_SENT,
	ITEM_ARRIVED,
	ITEM_VOID,	/* sending it failed */
};

enum stream_kind {
	STREAM_UNIX,
	STREAM_PIPE,
	STREAM_TCP,
};

/* One way for bytes; one task at a time reads and one writes. */
struct stream {
	enum stream_kind kind;
	struct gmb_socket in, out;	/* for a pipe only the files in them */
	uint64_t read, written;		/* positions */
	bool reading, writing;
	bool in_closed, out_closed, out_shut;
};

struct world {
	uint64_t random;
	struct record records[RECORDS];
	int record_count;
	struct gmb_manager *managers[MANAGERS];
	int manager_depth[MANAGERS];
	struct gmb_scope *scopes[SCOPES];

	struct gmb_lock locks[LOCKS];
	struct gmb_task *owners[LOCKS];
	struct gmb_condition condition;	/* of the first lock */
	struct gmb_queue queues[QUEUES];
	struct gmb_sender sender;
	struct gmb_receiver receiver;
	struct gmb_event events[EVENTS];
	struct gmb_semaphore semaphore;
	struct gmb_limiter limiter;
	struct gmb_barrier barrier;
	struct gmb_mailbox *mailbox;
	struct stream streams[STREAMS];

	uint8_t items[ITEMS];
	int item_count;
	int sink;			/* a descriptor for what nobody reads */
	int dropped;			/* items in a channel nobody read */
	gmb_time scale;			/* of all spans of time */
};

/* A number from 0 to @n - 1. */
static inline int below(struct world *w, int n)
{
	return (int)(stress_random(&w->random) >> 33) % n;
}

static inline bool one_in(struct world *w, int n)
{
	return below(w, n) == 0;
}

static inline gmb_time some_span(struct world *w)
{
	return below(w, 40) * w->scale;
}

/* Cancellation is level-triggered: who was told so stays cancelled. */
static inline intptr_t told(intptr_t rc)
{
	if (rc == -ECANCELED)
		must_be(gmb_checkpoint(), -ECANCELED);
	return rc;
}

/* Register a pointer in the first free place of a table; -1: full. */
static inline int enlist(void **table, int size, void *what)
{
	for (int i = 0; i < size; i++) {
		if (table[i])
			continue;
		table[i] = what;
		return i;
	}
	return -1;
}

/* Items */

static inline int item_new(struct world *w)
{
	if (w->item_count == ITEMS)
		return -1;
	w->items[w->item_count] = ITEM_FLYING;
	return w->item_count++;
}

static inline void item_settle(struct world *w, int item, bool sent)
{
	if (!sent) {
		must_be(w->items[item], ITEM_FLYING);
		w->items[item] = ITEM_VOID;
	} else if (w->items[item] == ITEM_FLYING) {
		w->items[item] = ITEM_SENT;
	} else {
		must_be(w->items[item], ITEM_ARRIVED);
	}
}

static inline void item_arrived(struct world *w, int item)
{
	must(item >= 0 && item < w->item_count);
	must(w->items[item] == ITEM_FLYING || w->items[item] == ITEM_SENT);
	w->items[item] = ITEM_ARRIVED;
}

/* What was sent and has not arrived must still be on its way. */
static inline void items_check(const struct world *w, size_t left)
{
	size_t sent = 0;

	for (int i = 0; i < w->item_count; i++) {
		must(w->items[i] != ITEM_FLYING);
		sent += w->items[i] == ITEM_SENT;
	}
	must_be(sent, left);
}

#endif
