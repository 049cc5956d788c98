/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Events: something that happens once, and a value that it leaves behind.
 *
 * Any number of tasks wait; one trigger wakes them all and hands each the
 * value. Waiting for an event that has been triggered gives the value at once.
 *
 * Like every object of this family an event lives in storage of the caller
 * and serves the tasks of one loop. A call from another loop while tasks wait
 * returns -EXDEV; between threads use <giambio/mailbox.h>.
 */
#ifndef GIAMBIO_EVENT_H
#define GIAMBIO_EVENT_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gmb_event - a one-shot event
 *
 * All members are private. It must stay where it is until gmb_event_fini().
 */
struct gmb_event {
	/* private: */
	struct gmb__waitq waiters;
	struct gmb_loop *loop;	/* whose tasks wait */
	intptr_t value;
	uint8_t set;
};

/**
 * GMB_EVENT_INIT() - the initial value of an event of static storage
 * @event: the variable that is initialised
 */
#define GMB_EVENT_INIT(event) \
	{ \
		GMB__WAITQ_INIT((event).waiters), NULL, 0, 0 \
	}

/**
 * gmb_event_init() - make an event that has not happened
 * @event: [out] caller's storage
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_event_init(struct gmb_event *event);

/**
 * gmb_event_fini() - end the use of an event
 * @event: nobody may be waiting: that aborts the program with a sentence
 *
 * Using it afterwards aborts, too, for as long as the memory is left alone.
 * After a trigger it may be called at once, before the woken tasks have run.
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_event_fini(struct gmb_event *event);

/**
 * gmb_event_trigger() - say that it has happened
 * @event: not triggered before
 * @value: handed to every task that waits, now or later; any value
 *
 * The waiting tasks become ready in the order of their arrival. O(waiters).
 *
 * Context: any task or hook of the loop; also before the loop runs. Never
 * suspends.
 * Return: 0; -EALREADY it was triggered before, and its value stays; -EXDEV
 *	tasks of another loop wait for it.
 */
GMB_API int gmb_event_trigger(struct gmb_event *event, intptr_t value);

/**
 * gmb_event_wait() - wait until it has happened
 * @event: any event
 * @value: [out] what was handed to gmb_event_trigger(), written only on 0; may
 *	be NULL
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0; -ECANCELED; -EXDEV tasks of another loop wait for it; -EPERM
 *	outside a task.
 */
GMB_API GMB_MUST_CHECK int gmb_event_wait(struct gmb_event *event,
					  intptr_t *value);

/**
 * gmb_event_is_set() - has it happened
 * @event: any event
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: 1 or 0.
 */
GMB_API int gmb_event_is_set(const struct gmb_event *event);

#ifdef __cplusplus
}
#endif

#endif
