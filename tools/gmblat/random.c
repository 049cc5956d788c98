/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <math.h>
#include "gmblat/random.h"

int64_t random_span(uint64_t *state, int64_t mean)
{
	/* Above 0 and below 1. */
	double u = ((double)(random_next(state) >> 12) + 0.5) * 0x1p-52;

	return (int64_t)(-log(u) * (double)mean);
}
