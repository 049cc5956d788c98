/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "loop/tick.h"

#define SOURCE \
	"/sys/devices/system/clocksource/clocksource0/current_clocksource"
/* The shortest comparison: what both read is some 20 ns apart. */
#define SPAN_MIN	(2 * GMB_MS)
/* Ticks around a reading of the clock; more, and somebody came between. */
#define TICKS_MAX	2000

static bool trusted;

static void ask_kernel(void)
{
	int fd = open(SOURCE, O_RDONLY | O_CLOEXEC);
	char name[8] = "";

	if (fd < 0)
		return;
	trusted = read(fd, name, sizeof(name) - 1) == 4 &&
		  !strcmp(name, "tsc\n");
	close(fd);
}

static bool is_trusted(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!GMB__TICKS)
		return false;
	pthread_once(&once, ask_kernel);
	return trusted;
}

/* Half a per mill and a microsecond is more than either clock may be off. */
static bool agrees(const struct gmb__tick *tick, uint64_t ticks, gmb_time now)
{
	unsigned __int128 passed = ticks - tick->ticks;
	gmb_time told = tick->time + (gmb_time)(passed * tick->length >> 32);
	gmb_time off = told < now ? now - told : told - now;

	return off <= GMB_US + (now - tick->time) / 2048;
}

static void compare(struct gmb__tick *tick)
{
	gmb_time span = tick->time - tick->first_time;
	uint64_t ticks = tick->ticks - tick->first_ticks;

	/* Each one twice as long as the last, and as exact. */
	if (span < SPAN_MIN || span < 2 * tick->span || !ticks)
		return;
	tick->span = span;
	tick->length = (uint64_t)((double)span / (double)ticks * 0x1p32);
}

/* Read both at once, as far as that goes; false: it did not. */
static bool read_both(uint64_t *ticks, gmb_time *now)
{
	struct timespec ts;
	uint64_t before, after;
	int tries;

	for (tries = 0; tries < 4; tries++) {
		before = gmb__tick_count();
		clock_gettime(CLOCK_MONOTONIC, &ts);
		after = gmb__tick_count();
		if (after - before < TICKS_MAX) {
			*ticks = before + (after - before) / 2;
			*now = ts.tv_sec * GMB_SEC + ts.tv_nsec;
			return true;
		}
	}
	return false;
}

void gmb__tick_set(struct gmb__tick *tick)
{
	uint64_t ticks;
	gmb_time now;

	if (!is_trusted() || !read_both(&ticks, &now))
		return;
	if (!tick->first_time || (tick->length && !agrees(tick, ticks, now)))
		*tick = (struct gmb__tick){
			.first_ticks = ticks,
			.first_time = now,
		};
	tick->ticks = ticks;
	tick->time = now;
	compare(tick);
}
