/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * What every other header needs: time, attributes, list links.
 *
 * Errors are -errno values; errno itself is never part of the interface,
 * because it belongs to the thread and another task may have changed it by
 * the time a call returns.
 */
#ifndef GIAMBIO_BASE_H
#define GIAMBIO_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GMB_API		__attribute__((visibility("default")))
#define GMB_MUST_CHECK	__attribute__((warn_unused_result))

/*
 * gmb_time - a point or a span of time in nanoseconds. A point lies on
 * CLOCK_MONOTONIC (or on the loop's fake clock).
 */
typedef int64_t gmb_time;

#define GMB_NEVER	INT64_MAX
#define GMB_US		((gmb_time)1000)
#define GMB_MS		((gmb_time)1000000)
#define GMB_SEC		((gmb_time)1000000000)

struct gmb_loop;
struct gmb_task;

/* private: a link in a list; both pointers lead to links. */
struct gmb__link {
	struct gmb__link *next;
	struct gmb__link *prev;
};

/* private: the tasks that wait for one thing, in order of arrival. */
struct gmb__waitq {
	struct gmb__link waits;
};

/* private: an empty queue of static storage. */
#define GMB__WAITQ_INIT(q)	{ { &(q).waits, &(q).waits } }

/**
 * gmb_now() - the current time
 *
 * Inside gmb_run() this is the loop's clock, read afresh; with a fake clock
 * it is the fake time. Elsewhere it is CLOCK_MONOTONIC.
 *
 * Context: any thread. Never suspends.
 * Return: nanoseconds.
 */
GMB_API gmb_time gmb_now(void);

/**
 * gmb_after() - the point in time that lies a span from now
 * @span_ns: nanoseconds from now; negative counts as 0, %GMB_NEVER stays never
 *
 * Context: any thread. Never suspends.
 * Return: gmb_now() + @span_ns, at most %GMB_NEVER.
 */
GMB_API gmb_time gmb_after(gmb_time span_ns);

/**
 * gmb_strerror() - what an error code of this library means
 * @error: a negative value that a function returned, or its absolute value
 *
 * Unlike strerror() it has a text for the library's own use of a code, such as
 * "cancelled" for -ECANCELED.
 *
 * Context: any thread. Never suspends.
 * Return: a constant string without a full stop; never NULL.
 */
GMB_API const char *gmb_strerror(intptr_t error);

/**
 * gmb_version() - the version of the library that is running
 *
 * Context: any thread. Never suspends.
 * Return: a constant string such as "0.1.0".
 */
GMB_API const char *gmb_version(void);

#ifdef __cplusplus
}
#endif

#endif
