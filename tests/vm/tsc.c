/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Prints how many thousand times a second this machine's time-stamp counter
 * counts, or nothing where there is none. An emulated machine sees the host's
 * counter, but on a busy host it measures its rate wrong by any factor, and
 * then all its clocks run wrong.
 */

#include <stdio.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>

/* Both clocks at nearly one moment: the try with the least between reads. */
static double moment(unsigned long long *ticks)
{
	unsigned long long before, after, least = ~0ULL;
	struct timespec ts;
	double ns = 0;
	int i;

	for (i = 0; i < 100; i++) {
		before = __rdtsc();
		clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		after = __rdtsc();
		if (after - before < least) {
			least = after - before;
			*ticks = before + least / 2;
			ns = ts.tv_sec * 1e9 + ts.tv_nsec;
		}
	}
	return ns;
}

int main(void)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	unsigned long long from, to;
	double start, end;

	start = moment(&from);
	nanosleep(&pause, NULL);
	end = moment(&to);
	printf("%.0f\n", (to - from) / (end - start) * 1e6);
	return 0;
}
#else
int main(void)
{
	return 0;
}
#endif
