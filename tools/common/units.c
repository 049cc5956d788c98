/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <math.h>
#include <stdio.h>
#include <time.h>
#include "common/units.h"

#define NSEC_PER_SEC	1000000000ll

/* Three digits, wherever the point stands. */
static char *three_digits(char *text, double value, const char *unit)
{
	int places = (value < 9.995) + (value < 99.95);

	snprintf(text, UNITS_SIZE, "%.*f%s", places, value, unit);
	return text;
}

static char *long_time(char *text, int64_t seconds)
{
	const int64_t minutes = seconds / 60, hours = minutes / 60;

	if (hours >= 48)
		snprintf(text, UNITS_SIZE, "%lldd%02dh",
			 (long long)(hours / 24), (int)(hours % 24));
	else if (hours)
		snprintf(text, UNITS_SIZE, "%dh%02dm", (int)hours,
			 (int)(minutes % 60));
	else
		snprintf(text, UNITS_SIZE, "%dm%02ds", (int)minutes,
			 (int)(seconds % 60));
	return text;
}

char *units_time(char text[UNITS_SIZE], int64_t ns)
{
	if (ns < 0)
		ns = 0;
	if (ns >= 60 * NSEC_PER_SEC)
		return long_time(text, ns / NSEC_PER_SEC);
	if (ns >= 999500000)
		return three_digits(text, (double)ns / 1e9, " s");
	if (ns >= 999500)
		return three_digits(text, (double)ns / 1e6, " ms");
	if (ns >= 1000)
		return three_digits(text, (double)ns / 1e3, " us");
	snprintf(text, UNITS_SIZE, ns ? "%d ns" : "0", (int)ns);
	return text;
}

char *units_count(char text[UNITS_SIZE], double count)
{
	static const char *const unit[] = { "k", "M", "G", "T", "P", "E" };
	unsigned int i = 0;

	if (!(count > 0)) {
		snprintf(text, UNITS_SIZE, "0");
		return text;
	}
	if (count < 9.95 && count != floor(count)) {
		snprintf(text, UNITS_SIZE, "%.1f", count);
		return text;
	}
	if (count < 999.5) {
		snprintf(text, UNITS_SIZE, "%.0f", count);
		return text;
	}
	for (count /= 1000; count >= 999.5 && i < 5; i++)
		count /= 1000;
	return three_digits(text, count, unit[i]);
}

char *units_share(char text[UNITS_SIZE], double share)
{
	snprintf(text, UNITS_SIZE, "%.1f %%", share > 0 ? share * 100 : 0.0);
	return text;
}

int64_t units_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}
