/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <sys/socket.h>
#include "io_harness.h"

/* A server in a task, what it logged, and how many it handled at a time. */
struct fixture {
	struct gmb_socket listener;
	struct gmb_address address;
	struct gmb_serve_opts opts;
	gmb_serve_fn handler;
	intptr_t rc;
	int alive;
	int most;
	int handled;
	int cancelled;
	int logs;
	int shortages;
	intptr_t error;
	char peer[GMB_ADDRESS_TEXT];
};

static void keep_log(void *user, const char *peer, intptr_t error)
{
	struct fixture *f = user;

	f->error = error;
	if (!peer) {
		f->shortages++;
		return;
	}
	f->logs++;
	snprintf(f->peer, sizeof(f->peer), "%s", peer);
}

static intptr_t echo(struct gmb_socket *sock, void *arg)
{
	struct fixture *f = arg;
	char buf[64];
	ssize_t n;

	if (++f->alive > f->most)
		f->most = f->alive;
	n = gmb_receive(sock, buf, sizeof(buf));
	while (n > 0)
		n = gmb_exchange(sock, buf, (size_t)n, buf, sizeof(buf));
	f->alive--;
	f->handled++;
	if (n == -ECANCELED)
		f->cancelled++;
	return n;
}

static intptr_t run_server(void *arg)
{
	struct fixture *f = arg;

	f->rc = gmb_serve(&f->listener, f->handler, f, &f->opts);
	return 0;
}

static void init(struct fixture *f, gmb_serve_fn handler)
{
	*f = (struct fixture){
		.handler = handler,
		.opts = { .log = keep_log, .user = f },
		.rc = 1,
	};
	check_is(gmb_tcp_listen(&f->listener, "127.0.0.1", 0, NULL), 0);
	check_is(gmb_socket_local(&f->listener, &f->address), 0);
}

static void ask(struct fixture *f, struct gmb_socket *sock)
{
	char buf[8];

	check_is(gmb_connect(sock, &f->address), 0);
	check_is(gmb_send(sock, "hello", 5), 5);
	check_is(gmb_receive_exactly(sock, buf, 5, NULL), 0);
	check_is(memcmp(buf, "hello", 5), 0);
}

IO_TEST(it_serves_until_it_is_cancelled)
{
	int before = count_fds();
	struct gmb_socket socks[10];
	struct fixture f;
	intptr_t rc = 0;
	int i;

	init(&f, echo);
	gmb_manager(m, rc) {
		gmb_spawn(m, run_server, &f);
		for (i = 0; i < 10; i++)
			ask(&f, &socks[i]);
		for (i = 0; i < 5; i++)
			check_is(gmb_socket_close(&socks[i]), 0);
		settle();
		check_is(f.handled, 5);
		gmb_manager_cancel(m);
	}
	check_is(rc, 0);
	check_is(f.rc, -ECANCELED);
	check_is(f.handled, 10);
	check_is(f.cancelled, 5);
	/* A connection that ended because the server did is no error. */
	check_is(f.logs, 0);
	for (i = 5; i < 10; i++)
		check_is(gmb_socket_close(&socks[i]), 0);
	check_is(gmb_socket_close(&f.listener), 0);
	check_is(count_fds(), before);
	return 0;
}

IO_TEST(closing_the_listener_ends_it)
{
	struct gmb_socket sock;
	struct fixture f;
	intptr_t rc = 0;

	init(&f, echo);
	gmb_manager(m, rc) {
		gmb_spawn(m, run_server, &f);
		ask(&f, &sock);
		check_is(gmb_socket_close(&f.listener), 0);
	}
	check_is(rc, 0);
	check_is(f.rc, -EBADF);
	check_is(f.cancelled, 1);
	check_is(gmb_socket_close(&sock), 0);
	return 0;
}

static intptr_t fail_at_once(struct gmb_socket *sock, void *arg)
{
	(void)sock;
	(void)arg;
	return -EPROTO;
}

static intptr_t close_itself(struct gmb_socket *sock, void *arg)
{
	struct fixture *f = arg;

	f->handled++;
	return gmb_socket_close(sock);
}

IO_TEST(an_error_of_a_connection_is_logged_and_ends_it_alone)
{
	struct gmb_socket sock;
	struct gmb_address own;
	struct fixture f;
	char text[GMB_ADDRESS_TEXT], byte;
	intptr_t rc = 0;

	init(&f, fail_at_once);
	gmb_manager(m, rc) {
		gmb_spawn(m, run_server, &f);
		check_is(gmb_connect(&sock, &f.address), 0);
		check_is(gmb_socket_local(&sock, &own), 0);
		check_is(gmb_receive(&sock, &byte, 1), 0);
		check_is(gmb_socket_close(&sock), 0);
		check_is(f.logs, 1);
		check_is(f.error, -EPROTO);
		gmb_address_format(&own, text, sizeof(text));
		check_str(f.peer, text);
		check_is(gmb_connect(&sock, &f.address), 0);
		check_is(gmb_receive(&sock, &byte, 1), 0);
		check_is(gmb_socket_close(&sock), 0);
		check_is(f.logs, 2);
		gmb_manager_cancel(m);
	}
	check_is(rc, 0);
	check_is(gmb_socket_close(&f.listener), 0);

	init(&f, close_itself);
	gmb_manager(m, rc) {
		gmb_spawn(m, run_server, &f);
		check_is(gmb_connect(&sock, &f.address), 0);
		check_is(gmb_receive(&sock, &byte, 1), 0);
		check_is(gmb_socket_close(&sock), 0);
		gmb_manager_cancel(m);
	}
	check_is(f.handled, 1);
	check_is(f.logs, 0);
	check_is(gmb_socket_close(&f.listener), 0);
	return rc;
}

static intptr_t ask_briefly(void *arg)
{
	struct gmb_socket sock;

	ask(arg, &sock);
	check_is(gmb_sleep(GMB_MS), 0);
	return gmb_socket_close(&sock);
}

IO_TEST(connections_can_be_limited)
{
	struct fixture f;
	intptr_t rc = 0, inner = 0;
	int i;

	init(&f, echo);
	f.opts.max_connections = 3;
	gmb_manager(m, rc) {
		gmb_spawn(m, run_server, &f);
		gmb_manager(clients, inner) {
			for (i = 0; i < 20; i++)
				gmb_spawn(clients, ask_briefly, &f);
		}
		settle();
		gmb_manager_cancel(m);
	}
	check_is(rc, 0);
	check_is(inner, 0);
	check_is(f.handled, 20);
	check_is(f.most, 3);
	check_is(gmb_socket_close(&f.listener), 0);
	return 0;
}

/* Also while it takes no connection. */
IO_TEST(it_ends_with_its_listener_when_it_is_full)
{
	struct gmb_socket one;
	struct fixture f;
	intptr_t rc = 0;

	init(&f, echo);
	f.opts.max_connections = 1;
	gmb_manager(m, rc) {
		gmb_spawn(m, run_server, &f);
		ask(&f, &one);
		settle();
		check_is(gmb_socket_close(&f.listener), 0);
		settle();
		check_is(f.rc, -EBADF);
		check_is(gmb_socket_close(&one), 0);
	}
	check_is(rc, 0);
	return 0;
}

/* With no descriptor free it logs once, pauses, and goes on when there is. */
IO_TEST(it_outlives_a_shortage_of_descriptors)
{
	struct rlimit limit, low;
	struct gmb_socket one, other;
	struct fixture f;
	intptr_t rc = 0;
	char buf[8];
	int next;

	init(&f, echo);
	gmb_manager(m, rc) {
		gmb_spawn(m, run_server, &f);
		ask(&f, &one);
		check_is(getrlimit(RLIMIT_NOFILE, &limit), 0);
		/* One descriptor is left, and the client takes it. */
		next = dup(0);
		check_is(close(next), 0);
		low = (struct rlimit){ (rlim_t)next + 1, limit.rlim_max };
		check_is(setrlimit(RLIMIT_NOFILE, &low), 0);
		check_is(gmb_connect(&other, &f.address), 0);
		check_is(gmb_sleep(250 * GMB_MS), 0);
		check_is(f.shortages, 1);
		check_is(f.error, -EMFILE);
		check_is(setrlimit(RLIMIT_NOFILE, &limit), 0);
		check_is(gmb_send(&other, "hi", 2), 2);
		check_is(gmb_receive(&other, buf, sizeof(buf)), 2);
		check_is(f.shortages, 1);
		gmb_manager_cancel(m);
	}
	check_is(rc, 0);
	check_is(f.rc, -ECANCELED);
	check_is(gmb_socket_close(&one), 0);
	check_is(gmb_socket_close(&other), 0);
	check_is(gmb_socket_close(&f.listener), 0);
	return 0;
}

/* Peers that reset their connections before they are accepted. */
IO_TEST(it_outlives_peers_that_vanish)
{
	struct linger abort_it = { 1, 0 };
	struct gmb_socket sock;
	struct fixture f;
	intptr_t rc = 0;
	int i;

	init(&f, echo);
	for (i = 0; i < 20; i++) {
		check_is(gmb_connect(&sock, &f.address), 0);
		check_is(setsockopt(gmb_socket_fd(&sock), SOL_SOCKET, SO_LINGER,
				    &abort_it, sizeof(abort_it)), 0);
		check_is(gmb_socket_close(&sock), 0);
	}
	gmb_manager(m, rc) {
		gmb_spawn(m, run_server, &f);
		ask(&f, &sock);
		check_is(gmb_socket_close(&sock), 0);
		settle();
		gmb_manager_cancel(m);
	}
	check_is(rc, 0);
	check_is(f.rc, -ECANCELED);
	check_that(f.handled >= 1);
	check_is(f.handled - 1, f.logs);
	check_is(gmb_socket_close(&f.listener), 0);
	return 0;
}

IO_TEST(what_does_not_listen_is_refused)
{
	struct gmb_socket one, other, closed = { 0 };
	struct fixture f;
	intptr_t rc = 0;

	check_is(gmb_socket_pair(&one, &other), 0);
	check_is(gmb_serve(&one, echo, NULL, NULL), -EINVAL);
	check_is(gmb_serve(&closed, echo, NULL, NULL), -EBADF);
	check_is(gmb_socket_close(&one), 0);
	check_is(gmb_socket_close(&other), 0);
	init(&f, echo);
	gmb_manager(m, rc) {
		gmb_spawn(m, run_server, &f);
		settle();
		check_is(gmb_serve(&f.listener, echo, NULL, NULL), -EBUSY);
		gmb_manager_cancel(m);
	}
	check_is(gmb_socket_close(&f.listener), 0);
	return rc;
}

START_TEST(serve_outside_a_task_is_refused)
{
	struct gmb_socket sock = { 0 };

	check_is(gmb_serve(&sock, echo, NULL, NULL), -EPERM);
}
END_TEST

Suite *test_serve_suite(void);

Suite *test_serve_suite(void)
{
	Suite *suite = suite_create("serve");
	TCase *tc = tcase_create("serve");

	tcase_add_test(tc, it_serves_until_it_is_cancelled);
	tcase_add_test(tc, closing_the_listener_ends_it);
	tcase_add_test(tc,
		       an_error_of_a_connection_is_logged_and_ends_it_alone);
	tcase_add_test(tc, connections_can_be_limited);
	tcase_add_test(tc, it_ends_with_its_listener_when_it_is_full);
	tcase_add_test(tc, it_outlives_a_shortage_of_descriptors);
	tcase_add_test(tc, it_outlives_peers_that_vanish);
	tcase_add_test(tc, what_does_not_listen_is_refused);
	tcase_add_test(tc, serve_outside_a_task_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
