/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The smallest program that shows that an installed library works: two tasks
 * sleep, and their results come back through the manager.
 */
#include <giambio.h>

static intptr_t child(void *arg)
{
	int rc = gmb_sleep(1000);

	return rc < 0 ? rc : *(int *)arg;
}

static intptr_t parent(void *arg)
{
	struct gmb_task *tasks[2] = { NULL, NULL };
	struct gmb_manager manager;
	int numbers[2] = { 20, 22 };
	intptr_t rc, sum = 0;

	(void)arg;
	rc = gmb_manager_open(&manager);
	if (rc < 0)
		return rc;
	for (int i = 0; i < 2; i++)
		tasks[i] = gmb_spawn(&manager, child, &numbers[i]);
	for (int i = 0; i < 2 && rc == 0; i++) {
		intptr_t result = 0;

		rc = gmb_join(tasks[i], &result);
		sum += result;
	}
	rc = gmb_manager_close(&manager);
	return rc < 0 ? rc : sum;
}

int main(void)
{
	return gmb_run(parent, NULL) == 42 ? 0 : 1;
}
