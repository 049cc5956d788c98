/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Numbers as people read them. Every function writes into the caller's buffer
 * and returns it, so that it can stand among printf's arguments.
 */
#ifndef TOOLS_COMMON_UNITS_H
#define TOOLS_COMMON_UNITS_H

#include <stdint.h>

#define UNITS_SIZE	32

/* A span of nanoseconds: "0", "830 ns", "12.3 us", "5.01 ms", "2m13s". */
char *units_time(char text[UNITS_SIZE], int64_t ns);

/* A number of things: "950", "12.3k", "4.02M". */
char *units_count(char text[UNITS_SIZE], double count);

/* A share of a whole from 0 to 1: "12.3 %". */
char *units_share(char text[UNITS_SIZE], double share);

/* Now, on the clock of the loops (CLOCK_MONOTONIC), in nanoseconds. */
int64_t units_now(void);

#endif
