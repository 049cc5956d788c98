/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * What is done where memory and descriptors are scarce: main tasks that use
 * the library and stop at the first thing that they are refused. Each returns 0
 * if all went well, else the refusal.
 */
#ifndef TESTS_STRESS_SCARCE_H
#define TESTS_STRESS_SCARCE_H

#include <fcntl.h>
#include <poll.h>
#include "harness.h"

/* Stop at a refusal, with what must be cleaned up behind the label. */
#define need(call)                                                        \
	do {                                                              \
		rc = (call);                                              \
		if (rc < 0)                                               \
			goto out;                                         \
	} while (0)

static intptr_t scarce_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static intptr_t sleepy(void *arg)
{
	(void)arg;
	return gmb_sleep(10 * GMB_US);
}

static intptr_t check_copy(void *arg)
{
	must_be(*(int *)arg, 42);
	return sleepy(NULL);
}

static intptr_t started(void *arg)
{
	must_be(gmb_started(1), 0);
	return sleepy(arg);
}

static intptr_t scarce_spawn(void *arg)
{
	struct gmb_spawn_opts opts = {
		.name = "a name",
		.stack_size = 200000,
		.copy_size = sizeof(int),
		.delay_ns = 1000,
	};
	struct gmb_task *task = NULL;
	intptr_t rc = 0;
	int copy = 42;

	(void)arg;
	gmb_manager(m, rc) {
		rc = gmb_spawn_with(m, &opts, check_copy, &copy, &task);
		if (rc < 0)
			break;
		copy = 0;
		rc = gmb_join(task, NULL);
		must_be(rc, 0);
		/* From here on the manager learns of refusals. */
		for (int i = 0; i < 5; i++) {
			gmb_spawn(m, sleepy, NULL);
			gmb_spawn_forget(m, sleepy, NULL);
			gmb_schedule(m, 1000, sleepy, NULL);
		}
	}
	return rc;
}

static intptr_t scarce_spawn_wait(void *arg)
{
	intptr_t rc = 0, value = 0;

	(void)arg;
	gmb_manager(m, rc) {
		rc = gmb_spawn_wait(m, started, NULL, &value);
		must_be(value, rc == 0);
	}
	return rc;
}

static intptr_t scarce_many(void *arg)
{
	intptr_t rc = 0;

	(void)arg;
	gmb_manager(m, rc) {
		for (int i = 0; i < 600; i++)
			if (!gmb_spawn(m, sleepy, NULL))
				break;
	}
	return rc;
}

static intptr_t nest(int depth)
{
	struct gmb_scope scope;
	intptr_t rc;

	rc = gmb_scope_open(&scope, gmb_after(GMB_SEC), GMB_SCOPE_SHIELD);
	if (rc < 0)
		return rc;
	rc = gmb_scope_set_deadline(&scope, gmb_after(20 * GMB_SEC));
	if (rc == 0)
		rc = depth ? nest(depth - 1) : gmb_sleep(1000);
	must_be(gmb_scope_close(&scope), 0);
	return rc;
}

static intptr_t scarce_scopes(void *arg)
{
	intptr_t rc = 0;

	(void)arg;
	gmb_with_timeout(rc, 20 * GMB_SEC) {
		rc = nest(70);
	}
	return rc;
}

static intptr_t put_five(void *arg)
{
	struct gmb_queue *queue = (struct gmb_queue *)arg;
	int i, rc = 0;

	for (i = 0; i < 5 && !rc; i++)
		rc = gmb_queue_put(queue, &i);
	gmb_queue_close(queue);
	return rc;
}

static intptr_t scarce_sync(void *arg)
{
	struct gmb_receiver receiver = { 0 }, other = { 0 };
	struct gmb_sender sender = { 0 };
	struct gmb_queue queue;
	intptr_t rc, ended = 0;
	int item = 0, got = 0;

	(void)arg;
	rc = gmb_queue_init(&queue, sizeof(int), 2, NULL);
	if (rc < 0)
		return rc;
	need(gmb_channel_open(&sender, &receiver, sizeof(int), 3));
	need(gmb_receiver_clone(&other, &receiver));
	need(gmb_channel_send(&sender, &item));
	need(gmb_channel_receive(&other, &item));
	gmb_manager(m, ended) {
		if (!gmb_spawn(m, put_five, &queue))
			gmb_queue_close(&queue);
		while (gmb_queue_get(&queue, &item) == 0)
			must_be(item, got++);
	}
	rc = ended;
	must(rc || got == 5);
out:
	gmb_sender_close(&sender);
	gmb_receiver_close(&receiver);
	gmb_receiver_close(&other);
	gmb_queue_fini(&queue);
	return rc;
}

static intptr_t scarce_select(void *arg)
{
	enum { CASES = 40 };
	struct gmb_case cases[CASES];
	intptr_t rc = 0;
	int i;

	(void)arg;
	for (i = 0; i < CASES; i++)
		cases[i] = gmb_case_deadline(gmb_after(GMB_MS + i));
	rc = gmb_select(cases, CASES);
	return rc < 0 ? rc : 0;
}

static intptr_t echo_back(void *arg)
{
	struct gmb_socket *sock = (struct gmb_socket *)arg;
	char buf[64];
	ssize_t n = gmb_receive(sock, buf, sizeof(buf));

	if (n <= 0)
		return n;
	n = gmb_send_all(sock, buf, (size_t)n, NULL);
	must_be(gmb_socket_shutdown(sock, SHUT_WR), 0);
	return n;
}

static intptr_t scarce_pairs(void *arg)
{
	struct gmb_socket one = { 0 }, other = { 0 };
	struct iovec iov[20];
	intptr_t rc, ended = 0;
	char buf[64];
	size_t put;

	(void)arg;
	for (int i = 0; i < 20; i++)
		iov[i] = (struct iovec){ buf, 2 };
	rc = gmb_socket_pair(&one, &other);
	if (rc < 0)
		return rc;
	memset(buf, 'x', sizeof(buf));
	gmb_manager(m, ended) {
		if (!gmb_spawn(m, echo_back, &other))
			break;
		need(gmb_sendv_all(&one, iov, 20, &put));
		must_be(put, 40);
		need(gmb_ready(gmb_socket_file(&one), POLLIN));
		need(gmb_receive_exactly(&one, buf, 40, NULL));
		must_be(gmb_receive(&one, buf, 1), 0);
out:
		if (rc < 0)
			gmb_manager_cancel(m);
	}
	gmb_socket_close(&one);
	gmb_socket_close(&other);
	return rc < 0 ? rc : ended;
}

/* More descriptors than the backend has room for at first, all waited for. */
static intptr_t wait_file(void *arg)
{
	char byte;

	return gmb_read((struct gmb_file *)arg, &byte, 1);
}

static int wrap_pipe(struct gmb_file *in, int *out)
{
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	rc = gmb_file_wrap(in, fds[0]);
	if (rc < 0) {
		close(fds[0]);
		close(fds[1]);
		return rc;
	}
	*out = fds[1];
	return 0;
}

static intptr_t scarce_pipes(void *arg)
{
	enum { PIPES = 40 };
	struct gmb_file in[PIPES];
	int out[PIPES];
	intptr_t rc = 0, ended = 0;
	int i, n = 0;

	(void)arg;
	gmb_manager(m, ended) {
		for (i = 0; i < PIPES && rc == 0; i++) {
			rc = wrap_pipe(&in[i], &out[i]);
			n += rc == 0;
			if (rc == 0 && !gmb_spawn(m, wait_file, &in[i]))
				rc = -ENOMEM;
		}
		gmb_sleep(1000);
		for (i = 0; i < n; i++)
			must_be(write(out[i], "x", 1), 1);
	}
	for (i = 0; i < n; i++) {
		close(out[i]);
		must_be(gmb_file_close(&in[i]), 0);
	}
	return ended < 0 ? ended : rc;
}

static intptr_t accept_and_echo(void *arg)
{
	struct gmb_socket sock;
	intptr_t rc = gmb_accept((struct gmb_socket *)arg, &sock, NULL);

	if (rc < 0)
		return rc;
	rc = echo_back(&sock);
	must_be(gmb_socket_close(&sock), 0);
	return rc;
}

/* Say something to a listener's echo. */
static intptr_t talk(struct gmb_socket *listener, const char *name)
{
	struct gmb_address address;
	struct gmb_socket sock;
	char buf[8] = "";
	intptr_t rc;

	must_be(gmb_socket_local(listener, &address), 0);
	rc = name ? gmb_tcp_connect(&sock, name,
				    (uint16_t)gmb_address_port(&address)) :
		    gmb_connect(&sock, &address);
	if (rc < 0)
		return rc;
	rc = gmb_exchange(&sock, "hello", 5, buf, sizeof(buf));
	if (rc >= 0)
		rc = rc == 5 && !strcmp(buf, "hello") ? 0 : -ECONNABORTED;
	must_be(gmb_socket_close(&sock), 0);
	return rc;
}

static intptr_t scarce_tcp(void *arg)
{
	struct gmb_socket listener;
	intptr_t rc, ended = 0;

	(void)arg;
	rc = gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL);
	if (rc < 0)
		return rc;
	gmb_manager(m, ended) {
		if (!gmb_spawn(m, accept_and_echo, &listener))
			break;
		rc = talk(&listener, NULL);
		if (rc < 0)
			gmb_manager_cancel(m);
	}
	must_be(gmb_socket_close(&listener), 0);
	/* What was refused to the one side breaks off the other. */
	return ended < 0 ? ended : rc;
}

static int refusals;

static void count_refusal(void *user, const char *peer, intptr_t error)
{
	(void)user;
	(void)peer;
	refusals += error == -EMFILE || error == -ENOMEM || error == -EAGAIN;
}

static intptr_t handle(struct gmb_socket *sock, void *arg)
{
	(void)arg;
	return echo_back(sock);
}

static intptr_t serve(void *arg)
{
	static const struct gmb_serve_opts opts = {
		.max_connections = 2,
		.log = count_refusal,
	};

	return gmb_serve((struct gmb_socket *)arg, handle, NULL, &opts);
}

/* The server goes on; a client that it had to turn away asks in vain. */
static intptr_t scarce_serve(void *arg)
{
	struct gmb_socket listener;
	intptr_t rc, ended = 0;

	(void)arg;
	refusals = 0;
	rc = gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL);
	if (rc < 0)
		return rc;
	gmb_manager(m, ended) {
		if (!gmb_spawn(m, serve, &listener))
			break;
		gmb_with_timeout(rc, 300 * GMB_MS) {
			rc = talk(&listener, NULL);
		}
		gmb_manager_cancel(m);
	}
	must_be(gmb_socket_close(&listener), 0);
	if (ended < 0)
		return ended;
	if (refusals && rc < 0)
		return -ENOMEM;
	return rc;
}

static intptr_t scarce_resolve(void *arg)
{
	struct gmb_address address[4];
	intptr_t rc = gmb_resolve("localhost", 80, address, 4);

	(void)arg;
	/* Name look-ups know no better word for having no descriptor. */
	if (rc == -ENOENT || rc == -EIO)
		return -EMFILE;
	return rc < 0 ? rc : 0;
}

static intptr_t scarce_mailbox(void *arg)
{
	struct gmb_mailbox *mailbox;
	intptr_t rc;
	int item = 5;

	(void)arg;
	rc = gmb_mailbox_open(&mailbox, sizeof(item), 0);
	if (rc < 0)
		return rc;
	need(gmb_mailbox_post(mailbox, &item));
	need(gmb_mailbox_post(mailbox, &item));
	need(gmb_mailbox_receive(mailbox, &item));
	must_be(gmb_mailbox_close(mailbox), 0);
	must_be(gmb_mailbox_receive(mailbox, &item), 0);
	must_be(gmb_mailbox_receive(mailbox, &item), -ENODATA);
out:
	gmb_mailbox_put(mailbox);
	return rc;
}

static intptr_t in_thread(void *arg)
{
	return *(int *)arg;
}

static intptr_t scarce_thread(void *arg)
{
	intptr_t rc, result = 0;
	int *value;

	(void)arg;
	value = (int *)malloc(sizeof(*value));
	must(value);
	*value = 3;
	rc = gmb_run_in_thread(in_thread, value, &result);
	if (rc < 0)
		goto out;
	must_be(result, 3);
	rc = gmb_run_in_thread_abandon(in_thread, value, free, &result);
	if (rc < 0)
		return rc;
	must_be(result, 3);
out:
	free(value);
	return rc;
}

static intptr_t scarce_reader(void *arg)
{
	struct gmb_reader reader;
	struct gmb_file file;
	char buf[32], *line;
	intptr_t rc;
	size_t len;
	int out;

	(void)arg;
	rc = wrap_pipe(&file, &out);
	if (rc < 0)
		return rc;
	gmb_reader_init(&reader, &file, buf, sizeof(buf));
	must_be(write(out, "one\ntwo\n", 8), 8);
	need(gmb_read_line(&reader, &line, &len));
	must(len >= 3 && !memcmp(line, "one", 3));
	need(gmb_read_line(&reader, &line, &len));
	rc = 0;
out:
	close(out);
	must_be(gmb_file_close(&file), 0);
	return rc;
}

#endif
