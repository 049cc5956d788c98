/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Two loops on two threads, a task in each, a mailbox for each. The backend is
 * the one that GMB_BACKEND names.
 */

#include <giambio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "wakes.h"

static struct gmb_mailbox *boxes[2];

struct job {
	int me;
	long rounds;
};

static void must(intptr_t rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, gmb_strerror(rc));
	exit(1);
}

static void wait_for_other(int me)
{
	while (!__atomic_load_n(&boxes[!me], __ATOMIC_SEQ_CST))
		usleep(1000);
}

static intptr_t play(void *arg)
{
	const struct job *job = arg;
	struct gmb_mailbox *box;
	int me = job->me;
	long i, ball = 0;

	must(gmb_mailbox_open(&box, sizeof(ball), 0), "gmb_mailbox_open");
	__atomic_store_n(&boxes[me], box, __ATOMIC_SEQ_CST);
	wait_for_other(me);
	if (me)
		must(gmb_mailbox_receive(box, &ball), "gmb_mailbox_receive");
	for (i = 0; i < job->rounds - me; i++) {
		if (!me)
			wakes_mark(i);
		must(gmb_mailbox_exchange(boxes[!me], &ball, box, &ball),
		     "gmb_mailbox_exchange");
	}
	if (me)
		must(gmb_mailbox_post(boxes[0], &ball), "gmb_mailbox_post");
	else
		wakes_mark(i);
	return 0;
}

static void giambio_run(int me, long rounds)
{
	struct job job = { .me = me, .rounds = rounds };

	must(gmb_run(play, &job), "gmb_run");
}

const struct pairs_way pairs_ways[] = {
	{ "giambio", NULL, giambio_run },
	{ NULL, NULL, NULL },
};
