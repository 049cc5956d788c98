/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdbool.h>
#include <sys/resource.h>
#include "gmbstat/limit.h"

static struct rlimit before;
static bool raised;

void limit_raise(void)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &before) < 0)
		return;
	most = (struct rlimit){ before.rlim_max, before.rlim_max };
	raised = setrlimit(RLIMIT_NOFILE, &most) == 0;
}

void limit_restore(void)
{
	if (raised)
		setrlimit(RLIMIT_NOFILE, &before);
}
