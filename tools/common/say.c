/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "common/say.h"

enum exit_code say(enum exit_code code, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	putc('\n', stderr);
	return code;
}

enum exit_code exit_code_of(int error)
{
	switch (error) {
	case 0:
		return EXIT_OK;
	case -ENOENT:
	case -ESRCH:
		return EXIT_NOTHING;
	case -EACCES:
	case -EPERM:
		return EXIT_DENIED;
	default:
		return EXIT_FAILED;
	}
}
