/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A sieve of tasks: ./prime_sieve [COUNT] prints the first primes. Each prime
 * has a task that passes on what it does not divide; channels join them.
 */
#include <giambio.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct stage {
	struct gmb_receiver in;
	struct gmb_sender out;
	int prime;
};

static intptr_t generate(void *arg)
{
	struct gmb_sender *out = arg;
	int rc = 0, n;

	for (n = 2; rc == 0; n++)
		rc = gmb_channel_send(out, &n);
	gmb_sender_close(out);
	return rc;
}

static intptr_t filter(void *arg)
{
	struct stage *stage = arg;
	int rc, n;

	while ((rc = gmb_channel_receive(&stage->in, &n)) == 0) {
		if (n % stage->prime)
			rc = gmb_channel_send(&stage->out, &n);
		if (rc < 0)
			break;
	}
	gmb_receiver_close(&stage->in);
	gmb_sender_close(&stage->out);
	return rc;
}

/* Stage i finds its prime, and from then on is a task that filters. */
static int find_primes(struct gmb_manager *m, struct stage *stages, int count)
{
	int rc = 0, i;

	for (i = 0; i < count; i++) {
		struct stage *s = &stages[i];

		rc = gmb_channel_receive(&s->in, &s->prime);
		if (rc < 0)
			break;
		printf("%d\n", s->prime);
		rc = gmb_channel_open(&s->out, &stages[i + 1].in, sizeof(int),
				      0);
		if (rc < 0)
			break;
		gmb_spawn(m, filter, s);
	}
	gmb_receiver_close(&stages[i].in);
	return rc;
}

static intptr_t sieve(void *arg)
{
	int count = *(int *)arg;
	struct stage *stages = calloc((size_t)count + 1, sizeof(*stages));
	struct gmb_sender first;
	intptr_t rc;

	if (!stages)
		return -ENOMEM;
	rc = gmb_channel_open(&first, &stages[0].in, sizeof(int), 0);
	if (rc == 0) {
		gmb_manager(m, rc) {
			gmb_spawn(m, generate, &first);
			rc = find_primes(m, stages, count);
			gmb_manager_cancel(m);
		}
	}
	free(stages);
	return rc;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 25;
	intptr_t rc = count > 0 ? gmb_run(sieve, &count) : -EINVAL;

	if (rc < 0)
		fprintf(stderr, "prime_sieve: %s\n", gmb_strerror(rc));
	return rc < 0;
}
