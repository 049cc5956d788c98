/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdlib.h>
#include "common/memory.h"
#include "common/say.h"

void memory_out(void)
{
	exit(say(EXIT_FAILED, "out of memory"));
}

void *memory_get(void *old, size_t size)
{
	void *mem = realloc(old, size ? size : 1);

	if (!mem)
		memory_out();
	return mem;
}

void *memory_zeroed(size_t count, size_t size)
{
	void *mem = calloc(count ? count : 1, size ? size : 1);

	if (!mem)
		memory_out();
	return mem;
}
