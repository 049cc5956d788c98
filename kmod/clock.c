/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/cache.h>
#include <linux/math64.h>

#include "clock.h"

#ifdef CONFIG_X86_64
#include <asm/tsc.h>
#endif

struct gmb_clock_rate gmb_clock_rate __read_mostly;

/**
 * gmb_clock_begin() - ask what the counter is worth, before clocks are used
 *
 * The kernel refines the rate shortly after the machine has started, and may
 * find at any time that counters of two processors disagree or stop while one
 * is idle. So this is asked whenever an observation begins.
 *
 * Context: process.
 */
void gmb_clock_begin(void)
{
#ifdef CONFIG_X86_64
	u32 khz = check_tsc_unstable() ? 0 : READ_ONCE(tsc_khz);

	if (khz)
		WRITE_ONCE(gmb_clock_rate.length,
			   div_u64(1000000ULL << 32, khz));
	WRITE_ONCE(gmb_clock_rate.span, (u64)khz * GMB_CLOCK_SPAN_US / 1000);
#endif
}
