/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* How many files may be open: each loop that is looked at is one. */
#ifndef TOOLS_GMBSTAT_LIMIT_H
#define TOOLS_GMBSTAT_LIMIT_H

/* As many as this user may have. */
void limit_raise(void);

/* As many as before: for a program that is run, which may use select(2). */
void limit_restore(void);

#endif
