/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * An idle program: one task waits in accept, one in a receive, one for an
 * event, one sleeps for a minute. Prints a line when all of them wait.
 */

#include <giambio.h>
#include <stdio.h>
#include <stdlib.h>

static struct gmb_socket listener, pair[2];
static struct gmb_event event;

static void must(intptr_t rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, gmb_strerror(rc));
	exit(1);
}

static intptr_t accepts(void *arg)
{
	struct gmb_socket conn;

	(void)arg;
	return gmb_accept(&listener, &conn, NULL);
}

static intptr_t receives(void *arg)
{
	char byte;

	(void)arg;
	return gmb_receive(&pair[0], &byte, 1);
}

static intptr_t waits(void *arg)
{
	(void)arg;
	return gmb_event_wait(&event, NULL);
}

static intptr_t run(void *arg)
{
	struct gmb_manager m;

	(void)arg;
	gmb_event_init(&event);
	must(gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL), "gmb_tcp_listen");
	must(gmb_socket_pair(&pair[0], &pair[1]), "gmb_socket_pair");
	must(gmb_manager_open(&m), "gmb_manager_open");
	gmb_spawn(&m, accepts, NULL);
	gmb_spawn(&m, receives, NULL);
	gmb_spawn(&m, waits, NULL);
	must(gmb_sleep(100 * GMB_MS), "gmb_sleep");
	printf("idle on %s\n", gmb_loop_backend_name(NULL));
	fflush(stdout);
	must(gmb_sleep(60 * GMB_SEC), "gmb_sleep");
	gmb_manager_cancel(&m);
	return gmb_manager_close(&m);
}

int main(void)
{
	must(gmb_run(run, NULL), "gmb_run");
	return 0;
}
