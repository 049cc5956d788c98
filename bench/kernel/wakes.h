/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What wakes.c and pairs.c measure: ways to wait, each for one contender.
 */

#ifndef GIAMBIO_BENCH_KERNEL_WAKES_H
#define GIAMBIO_BENCH_KERNEL_WAKES_H

#define WAKES_BYTES	8	/* of a message through a pipe or an eventfd */
#define WAKES_SLEEP_NS	1000000	/* of one sleep */

/**
 * struct wakes_reader - a way to wait on one thread
 * @name: of the contender
 * @read: read @rounds times %WAKES_BYTES bytes from @fd, waiting each time, and
 *        call wakes_mark() before each; NULL: it has no way
 * @sleep: sleep @rounds times %WAKES_SLEEP_NS, calling wakes_mark() likewise
 */
struct wakes_reader {
	const char *name;
	void (*read)(int fd, long rounds);
	void (*sleep)(long rounds);
};

/* The contenders of a program; ends with an entry without a name. */
extern const struct wakes_reader wakes_readers[];

/* The reader has so many rounds behind it. */
void wakes_mark(long round);

/**
 * struct pairs_way - a way for two threads to wake one another in turn
 * @name:  of the contender
 * @setup: called once, or NULL
 * @run:   thread @me (0 or 1) does @rounds round trips. Thread 0 begins, calls
 *         wakes_mark() before each, and once more at the end
 */
struct pairs_way {
	const char *name;
	void (*setup)(void);
	void (*run)(int me, long rounds);
};

/* The contenders of a program; ends with an entry without a name. */
extern const struct pairs_way pairs_ways[];

#endif
