/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include "common/units.h"
#include "gmbstat/pause.h"

#define AGAIN_NS	500000000ll

static volatile sig_atomic_t ended;
static volatile int64_t ended_at;

/*
 * One press of a key can come twice, by way of sudo(8) or timeout(1): only one
 * that comes later is another.
 */
static void note(int number)
{
	int64_t now = units_now();

	if (ended && now - ended_at > AGAIN_NS)
		_exit(128 + number);
	if (!ended)
		ended_at = now;
	ended = 1;
}

static void catch_signals(void)
{
	static bool done;
	struct sigaction action = { .sa_handler = note };

	if (done)
		return;
	done = true;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool pause_us(long us)
{
	const struct timespec span = { us / 1000000, us % 1000000 * 1000 };

	catch_signals();
	if (!ended)
		nanosleep(&span, NULL);
	return ended;
}

bool pause_ms(long ms)
{
	return pause_us(ms * 1000);
}
