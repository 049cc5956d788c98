/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Messages, and how the tools end. The codes are documented in gmbstat(8) and
 * gmblat(8).
 */
#ifndef TOOLS_COMMON_SAY_H
#define TOOLS_COMMON_SAY_H

/**
 * enum exit_code - how a tool ends
 * @EXIT_OK:      it did what it was asked to
 * @EXIT_NOTHING: there is nothing of what was asked for: no loop, no such task
 * @EXIT_USAGE:   it was called wrongly
 * @EXIT_DENIED:  the user may not
 * @EXIT_FAILED:  anything else
 */
enum exit_code {
	EXIT_OK = 0,
	EXIT_NOTHING = 1,
	EXIT_USAGE = 2,
	EXIT_DENIED = 3,
	EXIT_FAILED = 4,
};

/* Print "NAME: message" as a line to standard error; returns code. */
enum exit_code say(enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The exit code that fits an error, -errno; 0 is EXIT_OK. */
enum exit_code exit_code_of(int error);

#endif
