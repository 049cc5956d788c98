/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Failing on purpose: of the calls that a thread makes into the kernel, the
 * nth allocation, or copy from or to the program, fails. On a kernel with fault
 * injection, whose settings (which kinds of allocation may fail) are the
 * business of who runs the tests.
 */
#ifndef GMB_SELFTEST_NTH_H
#define GMB_SELFTEST_NTH_H

#include <stdbool.h>

/* The calling thread's counter of what is yet to fail, or -errno. */
int nth_open(void);

/* Let the nth thing that can fail do so. */
void nth_arm(int fd, unsigned int n);

/* Whether something has failed since; nothing will from now on. */
bool nth_struck(int fd);

/*
 * Goes through the failures of a call: while (nth_next(&at)) arm at.n, call,
 * and set at.struck. Begins as { 0 }. A call now and then takes a page more
 * than it did before, or one less, and all that comes after it then has another
 * number. So a round ends only after several numbers that struck nothing, and
 * there are several rounds.
 */
struct nth_series {
	unsigned int n;
	unsigned int calm;	/* numbers since one struck */
	unsigned int rounds;	/* that are over */
	unsigned int failures;	/* the last number that struck, in any round */
	bool struck;
};

bool nth_next(struct nth_series *at);

/* Whether an error says that something was not to be had. */
bool nth_is_want(int error);

#endif /* GMB_SELFTEST_NTH_H */
