/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* Names that programs chose, or that were cut, need not be UTF-8. */
#ifndef TOOLS_COMMON_UTF8_H
#define TOOLS_COMMON_UTF8_H

/* The length of the UTF-8 sequence that s begins with; 0: it is none. */
unsigned int utf8_length(const unsigned char *s);

#endif
