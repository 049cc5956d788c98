/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "coro/mem.h"
#include "io_harness.h"

static void close_both(struct gmb_socket *one, struct gmb_socket *other)
{
	check_is(gmb_socket_close(one), 0);
	check_is(gmb_socket_close(other), 0);
}

/* Addresses */

static void check_text(const char *host, uint16_t port, const char *text)
{
	struct gmb_address address;
	char buf[GMB_ADDRESS_TEXT];

	check_is(gmb_address_parse(&address, host, port), 0);
	check_is(gmb_address_format(&address, buf, sizeof(buf)), strlen(text));
	check_str(buf, text);
	check_is(gmb_address_port(&address), port);
}

START_TEST(addresses_go_to_text_and_back)
{
	struct gmb_address address = { .len = 0 };
	char buf[GMB_ADDRESS_TEXT], small[8], path[200];

	check_text("127.0.0.1", 80, "127.0.0.1:80");
	check_text("0.0.0.0", 0, "0.0.0.0:0");
	check_text("::1", 65535, "[::1]:65535");
	check_text("[::1]", 1, "[::1]:1");
	check_text("fe80::1%lo", 1, "[fe80::1%lo]:1");
	check_text(NULL, 9, "[::]:9");

	check_is(gmb_address_port(&address), -EAFNOSUPPORT);
	check_is(gmb_address_parse(&address, "localhost", 1), -EINVAL);
	check_is(gmb_address_parse(&address, "", 1), -EINVAL);
	check_is(gmb_address_parse(&address, "1.2.3", 1), -EINVAL);
	check_is(gmb_address_parse(&address, "1.2.3.4.5", 1), -EINVAL);
	check_is(gmb_address_parse(&address, "[::1", 1), -EINVAL);
	check_is(gmb_address_parse(&address, "fe80::1%nosuch", 1), -ENODEV);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	check_is(gmb_address_parse(&address, path, 1), -EINVAL);

	check_is(gmb_address_unix(&address, path), -ENAMETOOLONG);
	check_is(gmb_address_unix(&address, ""), -EINVAL);
	path[107] = '\0';
	check_is(gmb_address_unix(&address, path), 0);
	check_is(gmb_address_format(&address, buf, sizeof(buf)), 107);
	check_str(buf, path);
	check_is(gmb_address_unix(&address, "@name"), 0);
	check_is(gmb_address_format(&address, buf, sizeof(buf)), 5);
	check_str(buf, "@name");
	check_is(gmb_address_port(&address), -EAFNOSUPPORT);
	check_is(gmb_address_format(&address, small, 3), -ENOSPC);
	check_str(small, "@n");
	address.len = sizeof(sa_family_t);
	gmb_address_format(&address, buf, sizeof(buf));
	check_str(buf, "unnamed");
	address.len = 0;
	gmb_address_format(&address, buf, sizeof(buf));
	check_str(buf, "family 0");
}
END_TEST

IO_TEST(resolve_knows_numbers_and_names)
{
	struct gmb_address out[4];
	int n;

	check_is(gmb_resolve("127.0.0.1", 7, out, 4), 1);
	check_is(gmb_address_port(&out[0]), 7);
	check_is(gmb_resolve(NULL, 7, out, 4), -EINVAL);
	check_is(gmb_resolve("", 7, out, 4), -EINVAL);
	check_is(gmb_resolve("localhost", 7, out, 0), -EINVAL);
	n = gmb_resolve("localhost", 7, out, 4);
	check_that(n >= 1 && n <= 4);
	check_is(gmb_address_port(&out[n - 1]), 7);
	check_is(gmb_resolve("no-such-host.invalid", 7, out, 4) < 0, 1);
	return 0;
}

/* The answer wins, or the thread is left to itself: whoever comes first. */
IO_TEST(resolve_can_be_cancelled_at_any_time)
{
	struct gmb_address out[4];
	int i, rc;

	for (i = 0; i < 100; i++) {
		rc = 0;
		gmb_with_timeout(rc, i * 20 * GMB_US) {
			rc = gmb_resolve("localhost", 7, out, 4);
		}
		check_that(rc == -ETIMEDOUT || rc >= 1);
	}
	for (i = 0; i < 2; i++) {
		gmb__mem_fail_after(i);
		rc = gmb_resolve("localhost", 7, out, 4);
		if (gmb__mem_fail_after(-1) < 0)
			check_is(rc, -ENOMEM);
		else
			check_that(rc >= 1);
	}
	/* Leave the threads that were given up a moment to end. */
	return gmb_sleep(20 * GMB_MS);
}

START_TEST(calls_outside_a_task_are_refused)
{
	struct gmb_socket sock = { 0 }, other;
	struct gmb_address address;
	char byte;

	check_is(gmb_address_parse(&address, "127.0.0.1", 1), 0);
	check_is(gmb_tcp_listen(&sock, NULL, 0, NULL), -EPERM);
	check_is(gmb_unix_listen(&sock, "@x", NULL), -EPERM);
	check_is(gmb_connect(&sock, &address), -EPERM);
	check_is(gmb_tcp_connect(&sock, "127.0.0.1", 1), -EPERM);
	check_is(gmb_unix_connect(&sock, "@x"), -EPERM);
	check_is(gmb_socket_pair(&sock, &other), -EPERM);
	check_is(gmb_socket_wrap(&sock, 0), -EPERM);
	check_is(gmb_accept(&sock, &other, NULL), -EPERM);
	check_is(gmb_receive(&sock, &byte, 1), -EPERM);
	check_is(gmb_send(&sock, &byte, 1), -EPERM);
	check_is(gmb_exchange(&sock, &byte, 1, &byte, 1), -EPERM);
	check_is(gmb_resolve("localhost", 1, &address, 1), -EPERM);
	check_is(gmb_socket_close(&sock), -EBADF);
}
END_TEST

/* Listening and connecting */

static void connect_through(struct gmb_socket *listener, const char *peer_text)
{
	struct gmb_address address, peer, own;
	struct gmb_socket client, server;
	char text[GMB_ADDRESS_TEXT];
	char byte = 0;
	uint16_t port;

	check_is(gmb_socket_local(listener, &address), 0);
	port = (uint16_t)gmb_address_port(&address);
	if (address.storage.ss_family == AF_INET6)
		check_is(gmb_address_parse(&address, "::1", port), 0);
	check_is(gmb_connect(&client, &address), 0);
	check_is(gmb_accept(listener, &server, &peer), 0);
	gmb_address_format(&peer, text, sizeof(text));
	check_that(strstr(text, peer_text) == text);
	check_is(gmb_socket_local(&client, &own), 0);
	check_is(own.len, peer.len);
	check_is(gmb_socket_peer(&server, &own), 0);
	check_is(own.len, peer.len);
	check_is(memcmp(&own.storage, &peer.storage, peer.len), 0);
	check_is(gmb_send(&client, "b", 1), 1);
	check_is(gmb_receive(&server, &byte, 1), 1);
	check_is(byte, 'b');
	check_is(gmb_socket_close(&client), 0);
	check_is(gmb_receive(&server, &byte, 1), 0);
	check_is(gmb_socket_close(&server), 0);
}

static int option(const struct gmb_socket *sock, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	check_is(getsockopt(gmb_socket_fd(sock), level, name, &value, &len), 0);
	return value;
}

IO_TEST(every_family_connects)
{
	struct gmb_listen_opts v6 = { .flags = GMB_LISTEN_IPV6_ONLY };
	char path[] = "/tmp/giambio-test-XXXXXX";
	struct gmb_socket listener;

	check_is(gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL), 0);
	connect_through(&listener, "127.0.0.1:");
	check_is(gmb_socket_close(&listener), 0);
	if (gmb_tcp_listen(&listener, "::1", 0, &v6) == 0) {
		check_is(option(&listener, IPPROTO_IPV6, IPV6_V6ONLY), 1);
		connect_through(&listener, "[::1]:");
		check_is(gmb_socket_close(&listener), 0);
		check_is(gmb_tcp_listen(&listener, NULL, 0, NULL), 0);
		connect_through(&listener, "[::1]:");
		check_is(gmb_socket_close(&listener), 0);
	}
	check_that(mkdtemp(path));
	check_is(chdir(path), 0);
	check_is(gmb_unix_listen(&listener, "sock", NULL), 0);
	connect_through(&listener, "unnamed");
	check_is(gmb_socket_close(&listener), 0);
	check_is(unlink("sock"), 0);
	check_is(rmdir(path), 0);
	return 0;
}

IO_TEST(a_stale_unix_socket_is_replaced_only_on_request)
{
	struct gmb_listen_opts replace = { .flags = GMB_LISTEN_REPLACE };
	char path[] = "/tmp/giambio-test-XXXXXX";
	struct gmb_socket one, other;

	check_that(mkdtemp(path));
	check_is(chdir(path), 0);
	check_is(gmb_unix_listen(&one, "sock", NULL), 0);
	check_is(gmb_unix_listen(&other, "sock", NULL), -EADDRINUSE);
	/* Somebody listens: it is not stale. */
	check_is(gmb_unix_listen(&other, "sock", &replace), -EADDRINUSE);
	check_is(gmb_socket_close(&one), 0);
	check_is(gmb_unix_listen(&other, "sock", NULL), -EADDRINUSE);
	check_is(gmb_unix_listen(&other, "sock", &replace), 0);
	check_is(gmb_socket_close(&other), 0);
	check_is(unlink("sock"), 0);
	/* What is no socket is never removed. */
	check_is(mkdir("sock", 0700), 0);
	check_is(gmb_unix_listen(&other, "sock", &replace), -EADDRINUSE);
	check_is(rmdir("sock"), 0);
	check_is(gmb_unix_listen(&other, "no/such/folder", NULL), -ENOENT);
	check_is(gmb_unix_listen(&other, "", NULL), -EINVAL);
	check_is(rmdir(path), 0);
	return 0;
}

IO_TEST(listening_refuses_nonsense)
{
	struct gmb_listen_opts unknown = { .flags = 1u << 30 };
	struct gmb_listen_opts negative = { .backlog = -1 };
	struct gmb_socket listener, other;
	struct gmb_address address;
	uint16_t port;

	check_is(gmb_tcp_listen(&listener, "localhost", 0, NULL), -EINVAL);
	check_is(gmb_tcp_listen(&listener, NULL, 0, &unknown), -EINVAL);
	check_is(gmb_tcp_listen(&listener, NULL, 0, &negative), -EINVAL);
	check_is(gmb_unix_listen(&listener, "@x", &unknown), -EINVAL);
	check_is(gmb_tcp_listen(&listener, "192.0.2.1", 0, NULL),
		 -EADDRNOTAVAIL);
	check_is(gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL), 0);
	check_is(gmb_socket_local(&listener, &address), 0);
	port = (uint16_t)gmb_address_port(&address);
	check_is(gmb_tcp_listen(&other, "127.0.0.1", port, NULL), -EADDRINUSE);
	check_is(gmb_socket_fd(&other), -EBADF);
	check_is(gmb_socket_peer(&listener, &address), -ENOTCONN);
	check_is(gmb_socket_close(&listener), 0);
	check_is(gmb_socket_local(&listener, &address), -EBADF);
	check_is(gmb_socket_peer(&listener, &address), -EBADF);
	check_is(gmb_socket_set_nodelay(&listener, 1), -EBADF);
	check_is(gmb_socket_shutdown(&listener, SHUT_RD), -EBADF);
	return 0;
}

IO_TEST(nodelay_is_on_unless_it_is_asked_off)
{
	struct gmb_listen_opts delay = { .flags = GMB_LISTEN_DELAY };
	struct gmb_socket listener, client, server;
	struct gmb_address address;

	open_tcp(&client, &server);
	check_is(option(&client, IPPROTO_TCP, TCP_NODELAY), 1);
	check_is(option(&server, IPPROTO_TCP, TCP_NODELAY), 1);
	check_is(gmb_socket_set_nodelay(&server, 0), 0);
	check_is(option(&server, IPPROTO_TCP, TCP_NODELAY), 0);
	close_both(&client, &server);
	check_is(gmb_tcp_listen(&listener, "127.0.0.1", 0, &delay), 0);
	check_is(gmb_socket_local(&listener, &address), 0);
	check_is(gmb_connect(&client, &address), 0);
	check_is(gmb_accept(&listener, &server, NULL), 0);
	check_is(option(&server, IPPROTO_TCP, TCP_NODELAY), 0);
	close_both(&client, &server);
	check_is(gmb_socket_close(&listener), 0);
	check_is(gmb_socket_pair(&client, &server), 0);
	check_is(gmb_socket_set_nodelay(&server, 1), -EOPNOTSUPP);
	close_both(&client, &server);
	return 0;
}

IO_TEST(a_group_listens_on_one_port)
{
	struct gmb_socket listeners[3];
	struct gmb_address address;
	int fds[3], i, port = 0;

	check_is(gmb_tcp_listen_group(fds, 0, NULL, 0, NULL), -EINVAL);
	check_is(gmb_tcp_listen_group(fds, 3, "nonsense", 0, NULL), -EINVAL);
	check_is(gmb_tcp_listen_group(fds, 3, "127.0.0.1", 0, NULL), 0);
	for (i = 0; i < 3; i++) {
		check_is(gmb_socket_wrap(&listeners[i], fds[i]), 0);
		check_is(gmb_socket_local(&listeners[i], &address), 0);
		if (i == 0)
			port = gmb_address_port(&address);
		check_is(gmb_address_port(&address), port);
	}
	for (i = 0; i < 3; i++)
		check_is(gmb_socket_close(&listeners[i]), 0);
	return 0;
}

IO_TEST(connecting_fails_as_the_system_says)
{
	struct gmb_socket listener, sock;
	struct gmb_address address = { .len = 0 };
	int before = count_fds();
	int port, rc = 0;

	check_is(gmb_connect(&sock, &address), -EAFNOSUPPORT);
	check_is(gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL), 0);
	check_is(gmb_socket_local(&listener, &address), 0);
	port = gmb_address_port(&address);
	check_is(gmb_socket_close(&listener), 0);
	check_is(gmb_connect(&sock, &address), -ECONNREFUSED);
	check_is(gmb_tcp_connect(&sock, "127.0.0.1", (uint16_t)port),
		 -ECONNREFUSED);
	check_is(gmb_tcp_connect(&sock, "localhost", (uint16_t)port),
		 -ECONNREFUSED);
	check_is(gmb_tcp_connect(&sock, NULL, (uint16_t)port), -EINVAL);
	check_is(gmb_unix_connect(&sock, "/no/such/socket"), -ENOENT);
	check_is(gmb_unix_connect(&sock, "@giambio-nobody"), -ECONNREFUSED);
	check_is(gmb_unix_connect(&sock, ""), -EINVAL);
	check_is(gmb_socket_fd(&sock), -EBADF);
	gmb_with_timeout(rc, 0) {
		check_is(gmb_sleep(GMB_MS), -ECANCELED);
		rc = gmb_connect(&sock, &address);
	}
	check_is(rc, -ETIMEDOUT);
	check_is(count_fds(), before);
	return 0;
}

/* A full queue drops SYNs, so a connect to it stays under way. */
IO_TEST(a_cancelled_connect_closes_what_it_made)
{
	struct gmb_listen_opts small = { .backlog = 1 };
	struct gmb_socket listener, socks[8];
	struct gmb_address address;
	int before, i, rc = 0;

	check_is(gmb_tcp_listen(&listener, "127.0.0.1", 0, &small), 0);
	check_is(gmb_socket_local(&listener, &address), 0);
	for (i = 0; i < 8; i++) {
		before = count_fds();
		gmb_with_timeout(rc, 20 * GMB_MS) {
			rc = gmb_connect(&socks[i], &address);
		}
		if (rc)
			break;
	}
	check_that(i < 8);
	check_is(rc, -ETIMEDOUT);
	check_is(gmb_socket_fd(&socks[i]), -EBADF);
	check_is(count_fds(), before);
	while (i--)
		check_is(gmb_socket_close(&socks[i]), 0);
	check_is(gmb_socket_close(&listener), 0);
	return 0;
}

struct late {
	struct gmb_socket *listener;
	int count;
};

static intptr_t accept_late(void *arg)
{
	struct late *late = arg;
	struct gmb_socket sock;

	check_is(gmb_sleep(20 * GMB_MS), 0);
	while (late->count--) {
		check_is(gmb_accept(late->listener, &sock, NULL), 0);
		check_is(gmb_socket_close(&sock), 0);
	}
	return 0;
}

IO_TEST(a_full_unix_queue_is_waited_for)
{
	struct gmb_listen_opts small = { .backlog = 1 };
	struct gmb_socket listener, socks[6];
	struct late late = { &listener, 6 };
	intptr_t rc = 0;
	char name[40];
	int i;

	/* Several runs of this program may share the machine's names. */
	snprintf(name, sizeof(name), "@giambio-test-full-%d", (int)getpid());
	check_is(gmb_unix_listen(&listener, name, &small), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, accept_late, &late);
		for (i = 0; i < 6; i++)
			check_is(gmb_unix_connect(&socks[i], name), 0);
	}
	check_is(rc, 0);
	for (i = 0; i < 6; i++)
		check_is(gmb_socket_close(&socks[i]), 0);
	check_is(gmb_socket_close(&listener), 0);
	return 0;
}

IO_TEST(wrap_takes_sockets_only)
{
	struct gmb_socket sock, other;
	int fds[2];

	check_is(pipe(fds), 0);
	check_is(gmb_socket_wrap(&sock, fds[0]), -ENOTSOCK);
	check_is(gmb_socket_wrap(&sock, -1), -EBADF);
	check_is(close(fds[0]), 0);
	check_is(close(fds[1]), 0);
	check_is(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	check_is(gmb_socket_wrap(&sock, fds[0]), 0);
	check_is(gmb_socket_wrap(&other, fds[1]), 0);
	check_is(gmb_send(&sock, "x", 1), 1);
	check_is(gmb_socket_release(&sock), fds[0]);
	check_is(gmb_socket_fd(&sock), -EBADF);
	check_is(close(fds[0]), 0);
	check_is(gmb_accept(&other, &sock, NULL), -EINVAL);
	check_is(gmb_socket_close(&other), 0);
	return 0;
}

Suite *test_connect_suite(void);

Suite *test_connect_suite(void)
{
	Suite *suite = suite_create("connect");
	TCase *tc = tcase_create("connect");

	tcase_add_test(tc, addresses_go_to_text_and_back);
	tcase_add_test(tc, resolve_knows_numbers_and_names);
	tcase_add_test(tc, resolve_can_be_cancelled_at_any_time);
	tcase_add_test(tc, calls_outside_a_task_are_refused);
	tcase_add_test(tc, every_family_connects);
	tcase_add_test(tc, a_stale_unix_socket_is_replaced_only_on_request);
	tcase_add_test(tc, listening_refuses_nonsense);
	tcase_add_test(tc, nodelay_is_on_unless_it_is_asked_off);
	tcase_add_test(tc, a_group_listens_on_one_port);
	tcase_add_test(tc, connecting_fails_as_the_system_says);
	tcase_add_test(tc, a_cancelled_connect_closes_what_it_made);
	tcase_add_test(tc, a_full_unix_queue_is_waited_for);
	tcase_add_test(tc, wrap_takes_sockets_only);
	suite_add_tcase(suite, tc);
	return suite;
}
