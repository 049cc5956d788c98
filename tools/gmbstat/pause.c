/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <signal.h>
#include <stddef.h>
#include <time.h>
#include "gmbstat/pause.h"

static volatile sig_atomic_t ended;

static void note(int number)
{
	(void)number;
	ended = 1;
}

static void catch_signals(void)
{
	static bool done;
	struct sigaction action = {
		.sa_handler = note,
		.sa_flags = (int)SA_RESETHAND,
	};

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
