/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* Waiting of a command that measures for some time. */
#ifndef TOOLS_GMBSTAT_PAUSE_H
#define TOOLS_GMBSTAT_PAUSE_H

#include <stdbool.h>

/*
 * Wait; returns whether SIGINT or SIGTERM asks for the end. From the first call
 * on these signals do no more than that; one that comes later kills.
 */
bool pause_ms(long ms);

/* The same in microseconds. */
bool pause_us(long us);

#endif
