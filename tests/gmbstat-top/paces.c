/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* For check.sh: tasks that run at known paces, and one that never does. */
#include <giambio.h>

static intptr_t sleeps(void *arg)
{
	gmb_time span = *(gmb_time *)arg;
	int rc = 0;

	while (rc == 0)
		rc = gmb_sleep(span);
	return rc;
}

static void start(struct gmb_manager *m, const char *name, gmb_time *span)
{
	struct gmb_spawn_opts opts = { .name = name };
	struct gmb_task *task;

	if (gmb_spawn_with(m, &opts, sleeps, span, &task) < 0)
		gmb_manager_cancel(m);
}

static intptr_t all(void *arg)
{
	gmb_time spans[] = { 4 * GMB_MS, 20 * GMB_MS, 100 * GMB_MS,
			     100000 * GMB_SEC };
	intptr_t rc = 0;

	(void)arg;
	gmb_manager(m, rc) {
		start(m, "even", &spans[1]);
		start(m, "slow", &spans[2]);
		start(m, "quick", &spans[0]);
		start(m, "never", &spans[3]);
	}
	return rc;
}

int main(void)
{
	return gmb_run(all, NULL) < 0;
}
