/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A task in each kind of wait, named after it, for gmbstat tasks to tell. Says
 * "begun LISTENER CLIENT" (TCP ports) when all wait, and ends when its standard
 * input does.
 */

#include <errno.h>
#include <giambio.h>
#include <poll.h>
#include <stdio.h>

static struct gmb_event event;
static struct gmb_lock lock;
static struct gmb_semaphore semaphore;
static struct gmb_condition condition;
static struct gmb_limiter limiter;
static struct gmb_barrier barrier;
static struct gmb_queue empty, full;
static struct gmb_sender sender;
static struct gmb_receiver receiver;
static struct gmb_mailbox *mailbox;
static struct gmb_socket listener, client, served, one, other;
static struct gmb_task *sleeping;

static int full_items[2], empty_items[2];

static intptr_t a_sleep(void *arg)
{
	(void)arg;
	return gmb_sleep(3600 * GMB_SEC);
}

static intptr_t a_join(void *arg)
{
	(void)arg;
	return gmb_join(sleeping, NULL);
}

static intptr_t a_event(void *arg)
{
	(void)arg;
	return gmb_event_wait(&event, NULL);
}

static intptr_t a_owner(void *arg)
{
	(void)arg;
	if (gmb_lock_acquire(&lock) < 0)
		return 0;
	gmb_sleep(GMB_NEVER);
	return gmb_lock_release(&lock);
}

static intptr_t a_lock(void *arg)
{
	(void)arg;
	return gmb_lock_acquire(&lock);
}

static intptr_t a_semaphore(void *arg)
{
	(void)arg;
	return gmb_semaphore_acquire(&semaphore);
}

static intptr_t a_condition(void *arg)
{
	static struct gmb_lock own;
	intptr_t rc;

	(void)arg;
	gmb_lock_init(&own);
	gmb_condition_init(&condition, &own);
	if (gmb_lock_acquire(&own) < 0)
		return 0;
	rc = gmb_condition_wait(&condition);
	gmb_lock_release(&own);
	return rc;
}

static intptr_t a_limiter(void *arg)
{
	struct gmb_token token = { 0 };

	(void)arg;
	return gmb_limiter_acquire(&limiter, &token);
}

static intptr_t a_barrier(void *arg)
{
	(void)arg;
	return gmb_barrier_wait(&barrier);
}

static intptr_t a_queue_put(void *arg)
{
	int item = 1, rc = 0;

	(void)arg;
	while (rc >= 0)
		rc = gmb_queue_put(&full, &item);
	return rc;
}

static intptr_t a_queue_get(void *arg)
{
	int item;

	(void)arg;
	return gmb_queue_get(&empty, &item);
}

static intptr_t a_receive(void *arg)
{
	int item;

	(void)arg;
	return gmb_channel_receive(&receiver, &item);
}

static intptr_t a_select(void *arg)
{
	struct gmb_case cases[] = {
		gmb_case_event(&event, NULL),
		gmb_case_deadline(GMB_NEVER),
	};

	(void)arg;
	return gmb_select(cases, 2);
}

static intptr_t a_mailbox(void *arg)
{
	int item;

	(void)arg;
	return gmb_mailbox_receive(mailbox, &item);
}

static intptr_t a_readable(void *arg)
{
	char byte;

	(void)arg;
	return gmb_receive(&served, &byte, 1);
}

static intptr_t a_accept(void *arg)
{
	struct gmb_socket socket;

	(void)arg;
	return gmb_accept(&listener, &socket, NULL);
}

static intptr_t a_unix(void *arg)
{
	char byte;

	(void)arg;
	return gmb_receive(&one, &byte, 1);
}

static intptr_t a_deadline(void *arg)
{
	intptr_t rc = 0;

	(void)arg;
	gmb_skip_after(rc, 3600 * GMB_SEC) {
		rc = gmb_sleep(GMB_NEVER);
	}
	return rc;
}

static intptr_t a_manager(void *arg)
{
	intptr_t rc = 0;

	(void)arg;
	gmb_manager(m, rc) {
		sleeping = gmb_spawn(m, a_sleep, NULL);
		gmb_task_set_name(sleeping, "sleep");
	}
	return rc;
}

static intptr_t a_hostile(void *arg)
{
	(void)arg;
	gmb_task_set_name(gmb_self(), "\033[31mred\xff\"\n");
	return gmb_sleep(GMB_NEVER);
}

static intptr_t a_done(void *arg)
{
	(void)arg;
	return 7;
}

static const struct {
	const char *name;
	gmb_task_fn fn;
} tasks[] = {
	{ "manager", a_manager },
	{ "event", a_event },
	{ "owner", a_owner },
	{ "lock", a_lock },
	{ "semaphore", a_semaphore },
	{ "condition", a_condition },
	{ "limiter", a_limiter },
	{ "barrier", a_barrier },
	{ "queue_put", a_queue_put },
	{ "queue_get", a_queue_get },
	{ "receive", a_receive },
	{ "select", a_select },
	{ "mailbox", a_mailbox },
	{ "readable", a_readable },
	{ "accept", a_accept },
	{ "unix", a_unix },
	{ "deadline", a_deadline },
	{ "hostile", a_hostile },
	{ "done", a_done },
};

static int open_sockets(void)
{
	struct gmb_address address;
	int rc = gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL);

	if (rc >= 0)
		rc = gmb_socket_local(&listener, &address);
	if (rc >= 0)
		rc = gmb_connect(&client, &address);
	if (rc >= 0)
		rc = gmb_accept(&listener, &served, NULL);
	return rc >= 0 ? gmb_socket_pair(&one, &other) : rc;
}

static int open_all(void)
{
	gmb_event_init(&event);
	gmb_lock_init(&lock);
	gmb_limiter_init(&limiter, 0);
	if (gmb_semaphore_init(&semaphore, 0, 1) < 0 ||
	    gmb_barrier_init(&barrier, 2) < 0 ||
	    gmb_queue_init(&full, sizeof(int), 2, full_items) < 0 ||
	    gmb_queue_init(&empty, sizeof(int), 2, empty_items) < 0 ||
	    gmb_channel_open(&sender, &receiver, sizeof(int), 1) < 0 ||
	    gmb_mailbox_open(&mailbox, sizeof(int), 1) < 0)
		return -ENOMEM;
	return open_sockets();
}

static int port_of(const struct gmb_socket *socket)
{
	struct gmb_address address;

	return gmb_socket_local(socket, &address) < 0 ?
		       0 :
		       gmb_address_port(&address);
}

static intptr_t await_end(void)
{
	struct gmb_file input;
	char byte;
	ssize_t n = gmb_file_wrap(&input, 0);

	if (n < 0)
		return n;
	do {
		n = gmb_read(&input, &byte, 1);
	} while (n > 0);
	gmb_file_close(&input);
	return n;
}

static intptr_t main_task(void *arg)
{
	struct gmb_task *task;
	intptr_t rc;
	size_t i;

	(void)arg;
	rc = open_all();
	if (rc < 0)
		return rc;
	gmb_manager(m, rc) {
		for (i = 0; i < sizeof(tasks) / sizeof(*tasks); i++) {
			task = gmb_spawn(m, tasks[i].fn, NULL);
			gmb_task_set_name(task, tasks[i].name);
		}
		/* The tasks of the first are there, too, after two turns. */
		gmb_sleep(GMB_MS);
		task = gmb_spawn(m, a_join, NULL);
		gmb_task_set_name(task, "join");
		gmb_sleep(GMB_MS);
		printf("begun %d %d\n", port_of(&listener), port_of(&client));
		fflush(stdout);
		rc = await_end();
		gmb_manager_cancel(m);
	}
	return rc == -ECANCELED ? 0 : rc;
}

int main(void)
{
	intptr_t rc = gmb_run(main_task, NULL);

	if (rc < 0)
		fprintf(stderr, "waits: %s\n", gmb_strerror(rc));
	return rc < 0;
}
