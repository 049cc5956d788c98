/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * CLOCK_MONOTONIC for many moments of one thread: read once, and then told by
 * the processor's counter, which takes a quarter of the instructions.
 *
 * The counter is believed for GMB_CLOCK_SPAN_US after the clock was read, on
 * the same processor, and only while the kernel trusts it. Within that time the
 * rate at which the clock is being steered (500 ppm at most) makes a difference
 * of 50 ns at most. Elsewhere than on x86-64 the clock is read each time.
 *
 * Who owns a clock serialises its use.
 */
#ifndef GMB_CLOCK_H
#define GMB_CLOCK_H

#include <linux/compiler.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/smp.h>
#include <linux/timex.h>
#include <linux/types.h>

#define GMB_CLOCK_SPAN_US	100

struct gmb_clock {
	u64	ns;	/* what it said */
	u64	cycles;	/* the counter then */
	u32	cpu;	/* where that was */
};

/* Of the counter. While it is in use it changes by a little at most. */
struct gmb_clock_rate {
	u64	span;	/* ticks that it is believed for; 0: not at all */
	u64	length;	/* of a tick in ns, in units of 2^-32 */
};

extern struct gmb_clock_rate gmb_clock_rate;

void gmb_clock_begin(void);

/**
 * gmb_clock_set() - read the clock, and the counter beside it
 * @clock: any
 *
 * If something came between the two readings, the clock would run ahead by that
 * for as long as the counter is believed. So interrupts are off meanwhile.
 *
 * Context: process, interrupts on.
 * Return: the time.
 */
static inline u64 gmb_clock_set(struct gmb_clock *clock)
{
	u64 now;

	local_irq_disable();
	clock->cpu = raw_smp_processor_id();
	clock->cycles = get_cycles();
	now = ktime_get_mono_fast_ns();
	local_irq_enable();
	clock->ns = now;
	return now;
}

/**
 * gmb_clock_told() - the time, as far as the counter tells it
 * @clock: zeroed at first
 *
 * Context: any but NMI.
 * Return: as of ktime_get_mono_fast_ns(), and like that it may take a small
 * step back; 0: gmb_clock_set() has to read the clock.
 */
static inline u64 gmb_clock_told(const struct gmb_clock *clock)
{
	u64 passed = get_cycles() - clock->cycles;

	if (likely(IS_ENABLED(CONFIG_X86_64) &&
		   passed < READ_ONCE(gmb_clock_rate.span) &&
		   clock->cpu == raw_smp_processor_id()))
		return clock->ns +
		       (passed * READ_ONCE(gmb_clock_rate.length) >> 32);
	return 0;
}

#endif /* GMB_CLOCK_H */
