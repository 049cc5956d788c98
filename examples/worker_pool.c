/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Jobs in threads, at most two at a time: what blocks or calculates goes to a
 * thread, a limiter says how many run at once, and the loop stays free.
 */
#include <giambio.h>
#include <stdio.h>

#define JOBS	8

struct job {
	unsigned long n;
	unsigned long result;
};

static struct gmb_limiter limiter;
static size_t most;

/* Runs in a thread of its own: steps until the Collatz sequence is at 1. */
static intptr_t longest(void *arg)
{
	struct job *job = arg;
	unsigned long i, n, steps;

	for (i = 1; i < job->n; i++) {
		for (n = i, steps = 0; n != 1; steps++)
			n = n % 2 ? 3 * n + 1 : n / 2;
		if (steps > job->result)
			job->result = steps;
	}
	return 0;
}

static intptr_t work(void *arg)
{
	struct gmb_token token = { 0 };
	intptr_t result = 0;
	int rc = gmb_limiter_acquire(&limiter, &token);

	if (rc < 0)
		return rc;
	if (gmb_limiter_borrowed(&limiter) > most)
		most = gmb_limiter_borrowed(&limiter);
	rc = gmb_run_in_thread(longest, arg, &result);
	gmb_limiter_release(&limiter, &token);
	return rc < 0 ? rc : result;
}

static intptr_t pool(void *arg)
{
	struct job jobs[JOBS] = { { 0 } };
	intptr_t rc = 0;
	int i;

	(void)arg;
	gmb_limiter_init(&limiter, 2);
	gmb_manager(m, rc) {
		for (i = 0; i < JOBS; i++) {
			jobs[i].n = 1000ul * (unsigned long)(i + 1);
			gmb_spawn(m, work, &jobs[i]);
		}
	}
	gmb_limiter_fini(&limiter);
	for (i = 0; i < JOBS && rc == 0; i++)
		printf("below %lu: %lu steps at most\n", jobs[i].n,
		       jobs[i].result);
	return rc;
}

int main(void)
{
	intptr_t rc = gmb_run(pool, NULL);

	printf("%zu at a time: %s\n", most, gmb_strerror(rc));
	return rc < 0;
}
