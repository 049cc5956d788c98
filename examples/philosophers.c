/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Dining philosophers: five of them, five forks, and nobody starves. Each takes
 * the fork with the lower number first, so they can never all wait for one
 * another. (Let everybody take the left one first and the library tells you who
 * waits for whom.)
 */
#include <giambio.h>
#include <stdio.h>

#define SEATS	5
#define MEALS	3

static struct gmb_lock forks[SEATS];
static int eaten[SEATS];

static int dine(int seat)
{
	int left = seat, right = (seat + 1) % SEATS;
	struct gmb_lock *first = &forks[left < right ? left : right];
	struct gmb_lock *second = &forks[left < right ? right : left];
	int rc = gmb_lock_acquire(first);

	if (rc < 0)
		return rc;
	/* Time enough for each of the others to take a fork, too. */
	rc = gmb_sleep(5 * GMB_MS);
	if (rc == 0)
		rc = gmb_lock_acquire(second);
	if (rc == 0) {
		rc = gmb_sleep(2 * GMB_MS);
		if (rc == 0)
			printf("philosopher %d eats meal %d\n", seat,
			       ++eaten[seat]);
		gmb_lock_release(second);
	}
	gmb_lock_release(first);
	return rc;
}

static intptr_t philosopher(void *arg)
{
	int seat = *(int *)arg, rc = 0, i;

	for (i = 0; i < MEALS && rc == 0; i++) {
		rc = gmb_sleep((1 + seat) * GMB_MS);
		if (rc == 0)
			rc = dine(seat);
	}
	return rc;
}

static intptr_t table(void *arg)
{
	struct gmb_spawn_opts opts = { .copy_size = sizeof(int) };
	intptr_t rc = 0;
	int i;

	(void)arg;
	for (i = 0; i < SEATS; i++)
		gmb_lock_init(&forks[i]);
	gmb_manager(m, rc) {
		for (i = 0; i < SEATS && rc == 0; i++)
			rc = gmb_spawn_with(m, &opts, philosopher, &i, NULL);
	}
	for (i = 0; i < SEATS; i++)
		gmb_lock_fini(&forks[i]);
	return rc;
}

int main(void)
{
	intptr_t rc = gmb_run(table, NULL);

	printf("dinner is over: %s\n", gmb_strerror(rc));
	return rc < 0;
}
