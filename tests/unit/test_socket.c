/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "io_harness.h"

/* Something that a task does with a socket. */
struct job {
	struct gmb_socket *socket;
	char *buf;
	size_t len;
	size_t done;
	intptr_t rc;
};

static intptr_t job_receive(void *arg)
{
	struct job *job = arg;

	job->rc = gmb_receive(job->socket, job->buf, job->len);
	return 0;
}

static intptr_t job_send_all(void *arg)
{
	struct job *job = arg;

	job->rc = gmb_send_all(job->socket, job->buf, job->len, &job->done);
	return 0;
}

static intptr_t job_receive_exactly(void *arg)
{
	struct job *job = arg;

	job->rc = gmb_receive_exactly(job->socket, job->buf, job->len,
				      &job->done);
	return 0;
}

static intptr_t job_accept(void *arg)
{
	struct gmb_socket sock;
	struct job *job = arg;

	job->rc = gmb_accept(job->socket, &sock, NULL);
	if (job->rc == 0)
		gmb_socket_close(&sock);
	return 0;
}

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
	int n, rc = 0;

	check_is(gmb_resolve("127.0.0.1", 7, out, 4), 1);
	check_is(gmb_address_port(&out[0]), 7);
	check_is(gmb_resolve(NULL, 7, out, 4), -EINVAL);
	check_is(gmb_resolve("", 7, out, 4), -EINVAL);
	check_is(gmb_resolve("localhost", 7, out, 0), -EINVAL);
	n = gmb_resolve("localhost", 7, out, 4);
	check_that(n >= 1 && n <= 4);
	check_is(gmb_address_port(&out[n - 1]), 7);
	/* An answer that came before the cancellation wins. */
	gmb_with_timeout(rc, 0) {
		rc = gmb_resolve("localhost", 7, out, 4);
	}
	check_that(rc == -ETIMEDOUT || rc >= 1);
	return 0;
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

	check_is(gmb_socket_local(listener, &address), 0);
	if (address.storage.ss_family == AF_INET6)
		check_is(gmb_address_parse(&address, "::1",
					   (uint16_t)gmb_address_port(&address)),
			 0);
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
	int i;

	check_is(gmb_unix_listen(&listener, "@giambio-test-full", &small), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, accept_late, &late);
		for (i = 0; i < 6; i++)
			check_is(gmb_unix_connect(&socks[i],
						  "@giambio-test-full"), 0);
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

/* Bytes */

static void exchange_bulk(struct gmb_socket *a, struct gmb_socket *b,
			  size_t len)
{
	char *out = malloc(len), *in = calloc(1, len), *back = calloc(1, len);
	struct job jobs[4] = {
		{ a, out, len, 0, 1 }, { b, in, len, 0, 1 },
		{ b, out, len, 0, 1 }, { a, back, len, 0, 1 },
	};
	intptr_t rc = 0;
	size_t i;

	for (i = 0; i < len; i++)
		out[i] = (char)(i * 2654435761u >> 11);
	gmb_manager(m, rc) {
		gmb_spawn(m, job_send_all, &jobs[0]);
		gmb_spawn(m, job_receive_exactly, &jobs[1]);
		gmb_spawn(m, job_send_all, &jobs[2]);
		gmb_spawn(m, job_receive_exactly, &jobs[3]);
	}
	check_is(rc, 0);
	for (i = 0; i < 4; i++) {
		check_is(jobs[i].rc, 0);
		check_is(jobs[i].done, len);
	}
	check_is(memcmp(out, in, len), 0);
	check_is(memcmp(out, back, len), 0);
	free(out);
	free(in);
	free(back);
}

IO_TEST(both_ways_at_once)
{
	struct gmb_socket one, other;

	open_tcp(&one, &other);
	exchange_bulk(&one, &other, 5000011);
	exchange_bulk(&one, &other, 1);
	close_both(&one, &other);
	check_is(gmb_socket_pair(&one, &other), 0);
	exchange_bulk(&one, &other, 3000017);
	close_both(&one, &other);
	return 0;
}

IO_TEST(vectors_and_lengths)
{
	struct gmb_socket one, other;
	char a[5] = "12345", b[3] = "678", in[64];
	struct iovec iov[40], two[2] = { { a, 5 }, { b, 3 } };
	struct iovec absurd[2] = { { a, SIZE_MAX }, { b, SIZE_MAX } };
	struct iovec none = { NULL, 0 };
	size_t put = 9;
	int i;

	open_tcp(&one, &other);
	check_is(gmb_receive(&one, in, 0), 0);
	check_is(gmb_send(&one, in, 0), 0);
	check_is(gmb_send_all(&one, NULL, 0, &put), 0);
	check_is(put, 0);
	check_is(gmb_receive_exactly(&one, in, 0, NULL), 0);
	check_is(gmb_sendv_all(&one, &none, 1, NULL), 0);
	check_is(gmb_sendv(&one, two, 0), -EINVAL);
	check_is(gmb_sendv_all(&one, two, IOV_MAX + 1, &put), -EINVAL);
	check_is(gmb_receivev(&one, absurd, 2), -EINVAL);

	check_is(gmb_sendv(&one, two, 2), 8);
	check_is(gmb_receive(&other, in, SSIZE_MAX), 8);
	check_is(memcmp(in, "12345678", 8), 0);

	for (i = 0; i < 40; i++)
		iov[i] = (struct iovec){ a + i % 5, i % 2 };
	check_is(gmb_sendv_all(&one, iov, 40, &put), 0);
	check_is(put, 20);
	check_is(gmb_receivev(&other, (struct iovec[]){ { in, 7 },
							 { in + 7, 57 } },
			      2), 20);
	for (i = 0; i < 20; i++)
		check_is(in[i], a[(2 * i + 1) % 5]);
	close_both(&one, &other);
	return 0;
}

static intptr_t job_drain(void *arg)
{
	struct job *job = arg;
	ssize_t n;

	while ((n = gmb_receive(job->socket, job->buf, job->len)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			check_is((unsigned char)job->buf[i],
				 (job->done + (size_t)i) / 100000 + 'a');
		job->done += (size_t)n;
	}
	job->rc = n;
	return 0;
}

/* More than the system takes at a time: the vector is sent in many parts. */
IO_TEST(a_long_vector_is_sent_whole)
{
	static char parts[20][100000], in[70001];
	struct gmb_socket one, other;
	struct job drain = { &other, in, sizeof(in), 0, 1 };
	struct iovec iov[20], before[20];
	intptr_t rc = 0;
	size_t put;
	int i;

	for (i = 0; i < 20; i++) {
		memset(parts[i], 'a' + i, sizeof(parts[i]));
		iov[i] = (struct iovec){ parts[i], sizeof(parts[i]) };
	}
	memcpy(before, iov, sizeof(iov));
	check_is(gmb_socket_pair(&one, &other), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, job_drain, &drain);
		check_is(gmb_sendv_all(&one, iov, 20, &put), 0);
		check_is(gmb_socket_shutdown(&one, SHUT_WR), 0);
	}
	check_is(put, sizeof(parts));
	check_is(memcmp(before, iov, sizeof(iov)), 0);
	check_is(drain.rc, 0);
	check_is(drain.done, sizeof(parts));
	close_both(&one, &other);
	return rc;
}

static intptr_t answer(void *arg)
{
	struct gmb_socket *sock = arg;
	char buf[16];
	ssize_t n;
	int rounds = 0;

	n = gmb_receive(sock, buf, sizeof(buf));
	while (n > 0 && ++rounds < 1000)
		n = gmb_exchange(sock, buf, (size_t)n, buf, sizeof(buf));
	return rounds;
}

IO_TEST(exchange_sends_and_receives)
{
	struct gmb_socket one, other;
	struct gmb_task *task = NULL;
	intptr_t rc = 0, rounds = 0;
	char buf[16];
	int i;

	open_tcp(&one, &other);
	gmb_manager(m, rc) {
		task = gmb_spawn(m, answer, &other);
		for (i = 0; i < 100; i++) {
			memset(buf, 0, sizeof(buf));
			check_is(gmb_exchange(&one, &i, sizeof(i), buf, 16), 4);
			check_is(memcmp(buf, &i, sizeof(i)), 0);
		}
		/* Nothing to send, nothing to receive. */
		check_is(gmb_exchange(&one, "abc", 3, buf, 0), 0);
		check_is(gmb_exchange(&one, NULL, 0, buf, 16), 3);
		check_is(gmb_socket_shutdown(&one, SHUT_WR), 0);
		check_is(gmb_join(task, &rounds), 0);
	}
	check_is(rc, 0);
	check_is(rounds, 101);
	check_is(gmb_exchange(&other, "x", 1, buf, 16), 0);
	close_both(&one, &other);
	check_is(gmb_exchange(&one, "x", 1, buf, 16), -EBADF);
	return 0;
}

/* Bad luck */

IO_TEST(a_half_closed_connection_still_answers)
{
	struct gmb_socket one, other;
	char buf[8];

	open_tcp(&one, &other);
	check_is(gmb_send(&one, "last", 4), 4);
	check_is(gmb_socket_shutdown(&one, SHUT_WR), 0);
	check_is(gmb_send(&one, "x", 1), -EPIPE);
	/* The end behind the bytes is found, also after a short read. */
	check_is(gmb_receive(&other, buf, sizeof(buf)), 4);
	check_is(gmb_receive(&other, buf, sizeof(buf)), 0);
	check_is(gmb_receive(&other, buf, sizeof(buf)), 0);
	check_is(gmb_send(&other, "reply", 5), 5);
	check_is(gmb_receive(&one, buf, sizeof(buf)), 5);
	check_is(gmb_socket_shutdown(&one, 99), -EINVAL);
	close_both(&one, &other);
	return 0;
}

IO_TEST(a_vanished_peer_is_an_error)
{
	struct linger abort_it = { 1, 0 };
	struct gmb_socket one, other;
	char buf[8];
	struct job wait = { &other, buf, sizeof(buf), 0, 1 };
	intptr_t rc = 0;

	open_tcp(&one, &other);
	gmb_manager(m, rc) {
		gmb_spawn(m, job_receive, &wait);
		settle();
		check_is(setsockopt(gmb_socket_fd(&one), SOL_SOCKET, SO_LINGER,
				    &abort_it, sizeof(abort_it)), 0);
		check_is(gmb_socket_close(&one), 0);
	}
	check_is(rc, 0);
	check_is(wait.rc, -ECONNRESET);
	check_is(gmb_send(&other, "x", 1), -EPIPE);
	check_is(gmb_receive(&other, buf, sizeof(buf)), 0);
	check_is(gmb_socket_close(&other), 0);

	/* A sender that waits for room learns it, too. */
	open_tcp(&one, &other);
	stuff(gmb_socket_fd(&other));
	wait = (struct job){ &other, buf, sizeof(buf), 0, 1 };
	gmb_manager(m, rc) {
		gmb_spawn(m, job_send_all, &wait);
		settle();
		check_is(setsockopt(gmb_socket_fd(&one), SOL_SOCKET, SO_LINGER,
				    &abort_it, sizeof(abort_it)), 0);
		check_is(gmb_socket_close(&one), 0);
	}
	check_is(wait.rc, -ECONNRESET);
	check_is(wait.done, 0);
	check_is(gmb_socket_close(&other), 0);
	return rc;
}

IO_TEST(close_ends_every_wait)
{
	static char big[1 << 20];
	struct gmb_socket listener, one, other;
	struct job accept = { &listener, NULL, 0, 0, 1 };
	struct job receive = { &one, big, 1, 0, 1 };
	struct job send = { &one, big, sizeof(big), 0, 1 };
	intptr_t rc = 0;

	check_is(gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, job_accept, &accept);
		settle();
		check_is(gmb_socket_close(&listener), 0);
	}
	check_is(accept.rc, -EBADF);

	open_tcp(&one, &other);
	stuff(gmb_socket_fd(&one));
	gmb_manager(m, rc) {
		gmb_spawn(m, job_receive, &receive);
		gmb_spawn(m, job_send_all, &send);
		settle();
		check_is(gmb_receive(&one, big, 1), -EBUSY);
		check_is(gmb_send(&one, big, 1), -EBUSY);
		check_is(gmb_exchange(&one, big, 1, big, 1), -EBUSY);
		check_is(gmb_ready(gmb_socket_file(&one), POLLIN | POLLOUT),
			 -EBUSY);
		check_is(gmb_socket_close(&one), 0);
		memset(&one, 0x5a, sizeof(one));
	}
	check_is(receive.rc, -EBADF);
	check_is(send.rc, -EBADF);
	check_that(send.done < sizeof(big));
	check_is(gmb_socket_close(&other), 0);
	return rc;
}

IO_TEST(a_cancelled_send_all_says_how_far_it_got)
{
	static char big[8 << 20], in[65536];
	struct gmb_socket one, other;
	size_t put = 0, got = 0;
	ssize_t n;
	int rc = 0;

	open_tcp(&one, &other);
	gmb_with_timeout(rc, 20 * GMB_MS) {
		rc = gmb_send_all(&one, big, sizeof(big), &put);
	}
	check_is(rc, -ETIMEDOUT);
	check_that(put > 0 && put < sizeof(big));
	check_is(gmb_socket_shutdown(&one, SHUT_WR), 0);
	while ((n = gmb_receive(&other, in, sizeof(in))) > 0)
		got += (size_t)n;
	check_is(n, 0);
	check_is(got, put);
	close_both(&one, &other);
	return 0;
}

IO_TEST(each_wait_can_be_cancelled)
{
	struct gmb_socket listener, one, other;
	struct gmb_address address;
	char buf[4] = "";
	ssize_t n;
	int rc;

	check_is(gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL), 0);
	for (int i = 0; i < 3; i++) {
		rc = 0;
		gmb_with_timeout(rc, 2 * GMB_MS) {
			rc = gmb_accept(&listener, &one, NULL);
		}
		check_is(rc, -ETIMEDOUT);
	}
	/* The listener still works, and no connection was lost. */
	check_is(gmb_socket_local(&listener, &address), 0);
	check_is(gmb_connect(&one, &address), 0);
	check_is(gmb_accept(&listener, &other, NULL), 0);
	n = 0;
	gmb_with_timeout(n, 2 * GMB_MS) {
		n = gmb_receive(&one, buf, sizeof(buf));
	}
	check_is(n, -ETIMEDOUT);
	check_is(gmb_send(&other, "ok", 2), 2);
	check_is(gmb_receive(&one, buf, sizeof(buf)), 2);
	stuff(gmb_socket_fd(&one));
	n = 0;
	gmb_with_timeout(n, 2 * GMB_MS) {
		n = gmb_send(&one, buf, sizeof(buf));
	}
	check_is(n, -ETIMEDOUT);
	close_both(&one, &other);
	check_is(gmb_socket_close(&listener), 0);
	return 0;
}

/* One descriptor too few: the connection stays in the queue. */
IO_TEST(accept_without_descriptors)
{
	struct rlimit limit, low;
	struct gmb_socket listener, one, other;
	struct gmb_address address;

	check_is(gmb_tcp_listen(&listener, "127.0.0.1", 0, NULL), 0);
	check_is(gmb_socket_local(&listener, &address), 0);
	check_is(gmb_connect(&one, &address), 0);
	check_is(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = (struct rlimit){ (rlim_t)gmb_socket_fd(&one) + 1,
			       limit.rlim_max };
	check_is(setrlimit(RLIMIT_NOFILE, &low), 0);
	check_is(gmb_accept(&listener, &other, NULL), -EMFILE);
	check_is(gmb_socket_fd(&other), -EBADF);
	check_is(gmb_tcp_listen(&other, NULL, 0, NULL), -EMFILE);
	check_is(gmb_connect(&other, &address), -EMFILE);
	check_is(gmb_socket_pair(&other, &other), -EMFILE);
	check_is(setrlimit(RLIMIT_NOFILE, &limit), 0);
	check_is(gmb_accept(&listener, &other, NULL), 0);
	close_both(&one, &other);
	check_is(gmb_socket_close(&listener), 0);
	return 0;
}

static void send_descriptor(int sock, int fd, const char *byte)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	check_is(sendmsg(sock, &msg, 0), 1);
}

/*
 * A read of a unix stream stops behind a descriptor, one of TCP at urgent data:
 * then a short read does not mean that the stream is empty.
 */
IO_TEST(bytes_behind_a_short_read_are_found)
{
	struct gmb_socket one, other;
	char buf[16];
	ssize_t n;
	size_t sum = 0;

	check_is(gmb_socket_pair(&one, &other), 0);
	n = 0;
	gmb_skip_after(n, GMB_MS) {
		n = gmb_receive(&other, buf, sizeof(buf));
	}
	send_descriptor(gmb_socket_fd(&one), 0, "1");
	send_descriptor(gmb_socket_fd(&one), 0, "2");
	check_is(gmb_send(&one, "3", 1), 1);
	settle();
	while (sum < 3) {
		n = gmb_receive(&other, buf, sizeof(buf));
		check_that(n > 0);
		sum += (size_t)n;
	}
	close_both(&one, &other);

	open_tcp(&one, &other);
	n = 0;
	gmb_skip_after(n, GMB_MS) {
		n = gmb_receive(&other, buf, sizeof(buf));
	}
	check_is(gmb_send(&one, "before", 6), 6);
	check_is(send(gmb_socket_fd(&one), "!", 1, MSG_OOB), 1);
	check_is(gmb_send(&one, "behind", 6), 6);
	settle();
	sum = 0;
	while (sum < 12) {
		n = gmb_receive(&other, buf, sizeof(buf));
		check_that(n > 0);
		sum += (size_t)n;
	}
	check_is(gmb_ready(gmb_socket_file(&one), POLLOUT), POLLOUT);
	close_both(&one, &other);
	return 0;
}

static intptr_t use_foreign(void *arg)
{
	struct gmb_socket *sock = arg, other;
	char byte;

	check_is(gmb_receive(sock, &byte, 1), -EXDEV);
	check_is(gmb_send(sock, &byte, 1), -EXDEV);
	check_is(gmb_exchange(sock, &byte, 1, &byte, 1), -EXDEV);
	check_is(gmb_accept(sock, &other, NULL), -EXDEV);
	check_is(gmb_socket_shutdown(sock, SHUT_RD), -EXDEV);
	check_is(gmb_socket_close(sock), -EXDEV);
	return 0;
}

static void *other_thread(void *arg)
{
	return (void *)gmb_run(use_foreign, arg);
}

IO_TEST(a_socket_of_another_loop_is_refused)
{
	struct gmb_socket one, other;
	pthread_t thread;
	void *result;

	check_is(gmb_socket_pair(&one, &other), 0);
	check_is(pthread_create(&thread, NULL, other_thread, &one), 0);
	check_is(pthread_join(thread, &result), 0);
	check_is(result, 0);
	close_both(&one, &other);
	return 0;
}

/* Many */

#define MANY	2000

static intptr_t echo_one(void *arg)
{
	struct gmb_socket *sock = arg;
	char buf[64];
	ssize_t n;

	while ((n = gmb_receive(sock, buf, sizeof(buf))) > 0)
		check_is(gmb_send_all(sock, buf, (size_t)n, NULL), 0);
	gmb_socket_close(sock);
	return n;
}

static intptr_t ask_one(void *arg)
{
	struct gmb_socket *sock = arg;
	char out[64], in[64];
	int i;

	for (i = 0; i < 5; i++) {
		memset(out, i, sizeof(out));
		check_is(gmb_send_all(sock, out, sizeof(out), NULL), 0);
		check_is(gmb_receive_exactly(sock, in, sizeof(in), NULL), 0);
		check_is(memcmp(in, out, sizeof(in)), 0);
	}
	return gmb_socket_close(sock);
}

IO_TEST(thousands_of_connections)
{
	static struct gmb_socket clients[MANY], servers[MANY];
	struct rlimit limit;
	intptr_t rc = 0;
	int i, before = count_fds();

	check_is(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	check_is(setrlimit(RLIMIT_NOFILE, &limit), 0);
	gmb_manager(m, rc) {
		for (i = 0; i < MANY; i++) {
			if (i % 2)
				check_is(gmb_socket_pair(&clients[i],
							 &servers[i]), 0);
			else
				open_tcp(&clients[i], &servers[i]);
			gmb_spawn(m, echo_one, &servers[i]);
			gmb_spawn(m, ask_one, &clients[i]);
		}
	}
	check_is(rc, 0);
	check_is(count_fds(), before);
	return 0;
}

Suite *test_socket_suite(void);

Suite *test_socket_suite(void)
{
	Suite *suite = suite_create("socket");
	TCase *tc = tcase_create("socket");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, addresses_go_to_text_and_back);
	tcase_add_test(tc, resolve_knows_numbers_and_names);
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
	tcase_add_test(tc, both_ways_at_once);
	tcase_add_test(tc, vectors_and_lengths);
	tcase_add_test(tc, a_long_vector_is_sent_whole);
	tcase_add_test(tc, exchange_sends_and_receives);
	tcase_add_test(tc, a_half_closed_connection_still_answers);
	tcase_add_test(tc, a_vanished_peer_is_an_error);
	tcase_add_test(tc, close_ends_every_wait);
	tcase_add_test(tc, a_cancelled_send_all_says_how_far_it_got);
	tcase_add_test(tc, each_wait_can_be_cancelled);
	tcase_add_test(tc, accept_without_descriptors);
	tcase_add_test(tc, bytes_behind_a_short_read_are_found);
	tcase_add_test(tc, a_socket_of_another_loop_is_refused);
	tcase_add_test(tc, thousands_of_connections);
	suite_add_tcase(suite, tc);
	return suite;
}
