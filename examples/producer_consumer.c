/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Producers and consumers around a bounded queue: whoever is too fast waits.
 * When the last producer is done the queue is closed; consumers take what is
 * left and end.
 */
#include <giambio.h>
#include <errno.h>
#include <stdio.h>

#define PRODUCERS	3
#define CONSUMERS	2
#define ITEMS		100

static struct gmb_queue queue;
static long consumed, sum;

static intptr_t produce(void *arg)
{
	int rc = 0, i;

	(void)arg;
	for (i = 1; i <= ITEMS && rc == 0; i++)
		rc = gmb_queue_put(&queue, &i);
	return rc;
}

static intptr_t produce_all(void *arg)
{
	intptr_t rc = 0;
	int i;

	(void)arg;
	gmb_manager(m, rc)
		for (i = 0; i < PRODUCERS; i++)
			gmb_spawn(m, produce, NULL);
	gmb_queue_close(&queue);
	return rc;
}

static intptr_t consume(void *arg)
{
	int rc, item;

	(void)arg;
	while ((rc = gmb_queue_get(&queue, &item)) == 0) {
		consumed++;
		sum += item;
	}
	return rc == -ENODATA ? 0 : rc;
}

static intptr_t market(void *arg)
{
	intptr_t rc = gmb_queue_init(&queue, sizeof(int), 4, NULL);
	int i;

	(void)arg;
	if (rc < 0)
		return rc;
	gmb_manager(m, rc) {
		gmb_spawn(m, produce_all, NULL);
		for (i = 0; i < CONSUMERS; i++)
			gmb_spawn(m, consume, NULL);
	}
	gmb_queue_fini(&queue);
	return rc;
}

int main(void)
{
	intptr_t rc = gmb_run(market, NULL);

	printf("%ld items, sum %ld: %s\n", consumed, sum, gmb_strerror(rc));
	return rc < 0;
}
