/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <limits.h>
#include <pthread.h>
#include <sys/socket.h>
#include "coro/mem.h"
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
	check_is(gmb_receive(&other, in, LONGEST(in)), 8);
	check_is(memcmp(in, "12345678", 8), 0);

	for (i = 0; i < 40; i++)
		iov[i] = (struct iovec){ a + i % 5, i % 2 };
	gmb__mem_fail_after(0);
	check_is(gmb_sendv_all(&one, iov, 40, &put), -ENOMEM);
	check_is(put, 0);
	check_is(gmb__mem_fail_after(-1), -1);
	check_is(gmb_sendv_all(&one, iov, 40, &put), 0);
	check_is(put, 20);
	two[0] = (struct iovec){ in, 7 };
	two[1] = (struct iovec){ in + 7, 57 };
	check_is(gmb_receivev(&other, two, 2), 20);
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

static void open_pair(struct gmb_socket *one, struct gmb_socket *other)
{
	check_is(gmb_socket_pair(one, other), 0);
}

/* The system tells nobody of a unix socket that has no room. */
IO_TEST(shutdown_ends_a_send_that_waits)
{
	void (*const open[])(struct gmb_socket *, struct gmb_socket *) = {
		open_tcp, open_pair,
	};
	static char big[1 << 20];
	struct gmb_socket one, other;
	intptr_t rc = 0;

	for (size_t i = 0; i < 2; i++) {
		struct job send = { &one, big, sizeof(big), 0, 1 };

		open[i](&one, &other);
		stuff(gmb_socket_fd(&one));
		gmb_manager(m, rc) {
			gmb_spawn(m, job_send_all, &send);
			settle();
			check_is(gmb_socket_shutdown(&one, SHUT_WR), 0);
		}
		check_is(rc, 0);
		check_is(send.rc, -EPIPE);
		close_both(&one, &other);
	}
	return 0;
}

static intptr_t job_exchange(void *arg)
{
	struct job *job = arg;
	char answer[8];

	job->rc = gmb_exchange(job->socket, job->buf, job->len, answer, 8);
	return 0;
}

/* The first half waits and is done; before the second one begins it is gone. */
IO_TEST(exchange_of_a_socket_that_is_freed_meanwhile)
{
	static char big[4 << 20];
	struct gmb_socket *one = malloc(sizeof(*one)), other;
	struct job job = { one, big, sizeof(big), 0, 1 };
	size_t got = 0;
	intptr_t rc = 0;
	ssize_t n;

	open_pair(one, &other);
	gmb_manager(m, rc) {
		gmb_spawn(m, job_exchange, &job);
		settle();
		while (got < sizeof(big)) {
			n = read(gmb_socket_fd(&other), big, sizeof(big));
			got += n > 0 ? (size_t)n : 0;
			if (n < 0)
				check_is(gmb_yield(), 0);
		}
		check_is(gmb_socket_close(one), 0);
		free(one);
	}
	check_is(rc, 0);
	check_is(job.rc, -EBADF);
	check_is(gmb_socket_close(&other), 0);
	return 0;
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
	tcase_add_test(tc, both_ways_at_once);
	tcase_add_test(tc, vectors_and_lengths);
	tcase_add_test(tc, a_long_vector_is_sent_whole);
	tcase_add_test(tc, exchange_sends_and_receives);
	tcase_add_test(tc, a_half_closed_connection_still_answers);
	tcase_add_test(tc, a_vanished_peer_is_an_error);
	tcase_add_test(tc, shutdown_ends_a_send_that_waits);
	tcase_add_test(tc, exchange_of_a_socket_that_is_freed_meanwhile);
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
