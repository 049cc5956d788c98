/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* Memory of the tools: without it they end, with a message. */
#ifndef TOOLS_COMMON_MEMORY_H
#define TOOLS_COMMON_MEMORY_H

#include <stddef.h>

/* realloc() that does not fail. */
void *memory_get(void *old, size_t size);

/* calloc() that does not fail. */
void *memory_zeroed(size_t count, size_t size);

/* Say that there is no memory, and end. */
void memory_out(void) __attribute__((noreturn));

#endif
