/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The backend on giambio.ko: exchanges, more operations and completions than
 * the rings hold, and that cancelling and closing leave nothing behind. Where
 * there is no module the suite is empty; tests/vm/kernel.sh runs it with one.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include "loop/loop.h"
#include "streams.h"

Suite *test_kmod_suite(void);

/* More than the submission ring, and than the completion ring, hold. */
#define MANY	700
#define CROWD	1500

static intptr_t run(gmb_task_fn fn, void *arg)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	check_is(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return run_on("kmod", fn, arg);
}

/* Whether the hard limit lets a test have so many streams. */
static int room_for(unsigned int streams)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max >= 2 * streams + 64;
}

/* Exchanges */

struct talk {
	struct gmb_socket sock;
	int fd;
	const char *out;
	size_t out_len;
	char in[64];
	ssize_t got;
};

static void open_talk(struct talk *t)
{
	int fds[2];

	check_is(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    0, fds), 0);
	check_is(gmb_socket_wrap(&t->sock, fds[0]), 0);
	t->fd = fds[1];
	t->out = "question";
	t->out_len = 8;
}

static void close_talk(struct talk *t)
{
	check_is(gmb_socket_close(&t->sock), 0);
	close(t->fd);
}

static intptr_t exchange_once(void *arg)
{
	struct talk *t = arg;

	t->got = gmb_exchange(&t->sock, t->out, t->out_len, t->in,
			      sizeof(t->in));
	return 0;
}

/* Start an exchange and let it come to its wait. */
static void begin(struct gmb_manager *m, struct talk *t)
{
	check_is(gmb_manager_open(m), 0);
	check_that(gmb_spawn(m, exchange_once, t));
	let_wait();
}

static intptr_t exchange_many(void *arg)
{
	struct gmb_manager m;
	struct talk t;
	char buf[64];
	int i;

	(void)arg;
	open_talk(&t);
	for (i = 0; i < 200; i++) {
		begin(&m, &t);
		check_is(read(t.fd, buf, sizeof(buf)), 8);
		check_is(memcmp(buf, "question", 8), 0);
		check_is(write(t.fd, "answer", 6), 6);
		check_is(gmb_manager_close(&m), 0);
		check_is(t.got, 6);
		check_is(memcmp(t.in, "answer", 6), 0);
	}
	close_talk(&t);
	return 0;
}

START_TEST(exchange_sends_then_receives)
{
	check_is(run(exchange_many, NULL), 0);
}
END_TEST

/* All was sent, and what comes later stays for the next receive. */
static intptr_t cancel_receiving(void *arg)
{
	struct gmb_manager m;
	struct talk t;
	char buf[64];

	(void)arg;
	open_talk(&t);
	begin(&m, &t);
	gmb_manager_cancel(&m);
	check_is(gmb_manager_close(&m), 0);
	check_is(t.got, -ECANCELED);
	check_is(read(t.fd, buf, sizeof(buf)), 8);
	check_is(write(t.fd, "late", 4), 4);
	check_is(gmb_receive(&t.sock, t.in, sizeof(t.in)), 4);
	close_talk(&t);
	return 0;
}

START_TEST(exchange_cancelled_while_receiving_loses_nothing)
{
	check_is(run(cancel_receiving, NULL), 0);
}
END_TEST

/* The peer reads nothing, so there is no room for all of it. */
static intptr_t cancel_sending(void *arg)
{
	static char bulk[4 << 20];
	struct gmb_manager m;
	struct talk t;

	(void)arg;
	open_talk(&t);
	t.out = bulk;
	t.out_len = sizeof(bulk);
	check_is(write(t.fd, "early", 5), 5);
	begin(&m, &t);
	gmb_manager_cancel(&m);
	check_is(gmb_manager_close(&m), 0);
	check_is(t.got, -ECANCELED);
	check_is(gmb_receive(&t.sock, t.in, sizeof(t.in)), 5);
	close_talk(&t);
	return 0;
}

START_TEST(exchange_cancelled_while_sending_receives_nothing)
{
	check_is(run(cancel_sending, NULL), 0);
}
END_TEST

static intptr_t peer_gone(void *arg)
{
	struct talk t;

	(void)arg;
	open_talk(&t);
	close(t.fd);
	exchange_once(&t);
	check_is(t.got, -EPIPE);
	check_is(gmb_socket_close(&t.sock), 0);
	open_talk(&t);
	check_is(shutdown(t.fd, SHUT_WR), 0);
	exchange_once(&t);
	check_is(t.got, 0);
	close_talk(&t);
	return 0;
}

START_TEST(exchange_with_a_peer_that_is_gone)
{
	check_is(run(peer_gone, NULL), 0);
}
END_TEST

/* From now on a filter sees what system calls do; it allows all of them. */
static void come_under_seccomp(void)
{
	struct sock_filter all[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 1, all };

	check_is(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	check_is(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* One waits for its answer when the filter comes, others begin after it. */
static intptr_t exchange_under_seccomp(void *arg)
{
	struct gmb_manager m;
	struct talk t;
	char buf[64];
	int i;

	(void)arg;
	open_talk(&t);
	begin(&m, &t);
	come_under_seccomp();
	for (i = 0; i < 3; i++) {
		check_is(read(t.fd, buf, sizeof(buf)), 8);
		check_is(write(t.fd, "answer", 6), 6);
		check_is(gmb_manager_close(&m), 0);
		check_is(t.got, 6);
		if (i == 1) {
			close_talk(&t);
			open_talk(&t);
		}
		begin(&m, &t);
	}
	gmb_manager_cancel(&m);
	check_is(gmb_manager_close(&m), 0);
	check_is(t.got, -ECANCELED);
	close_talk(&t);
	return 0;
}

START_TEST(exchange_goes_on_under_seccomp)
{
	check_is(run(exchange_under_seccomp, NULL), 0);
}
END_TEST

/* More than the rings hold */

struct crowd {
	struct stream streams[CROWD];
	struct reading readings[CROWD];
	int n;
};

static void open_crowd(struct crowd *c, int n)
{
	int i;

	c->n = n;
	for (i = 0; i < n; i++) {
		open_stream(&c->streams[i]);
		c->readings[i].file = &c->streams[i].file;
	}
}

static void close_crowd(struct crowd *c)
{
	int i;

	for (i = 0; i < c->n; i++)
		close_stream(&c->streams[i]);
}

/* All wait; then all have bytes in one poll. */
static intptr_t read_crowd(void *arg)
{
	struct crowd *c = arg;
	struct gmb_manager m;
	int i;

	open_crowd(c, CROWD);
	check_is(gmb_manager_open(&m), 0);
	for (i = 0; i < CROWD; i++)
		check_that(gmb_spawn(&m, read_once, &c->readings[i]));
	let_wait();
	for (i = 0; i < CROWD; i++)
		check_is(write(c->streams[i].fd, &i, sizeof(i)), sizeof(i));
	check_is(gmb_manager_close(&m), 0);
	for (i = 0; i < CROWD; i++) {
		check_is(c->readings[i].got, sizeof(i));
		check_is(*(int *)(void *)c->readings[i].buf, i);
	}
	close_crowd(c);
	return 0;
}

static void with_crowd(gmb_task_fn fn)
{
	struct crowd *c = calloc(1, sizeof(*c));

	check_that(c);
	if (room_for(CROWD))
		check_is(run(fn, c), 0);
	free(c);
}

START_TEST(more_completions_than_the_ring_holds)
{
	with_crowd(read_crowd);
}
END_TEST

static intptr_t read_all(void *arg)
{
	struct reading *r = arg;
	size_t got = 0;
	int rc = gmb_read_exactly(r->file, r->buf, 8, &got);

	r->got = rc ? rc : (ssize_t)got;
	return 0;
}

/*
 * Each half that a poll brings parks the operation again: more of them than the
 * submission ring holds, while the poll goes through the completions.
 */
static intptr_t read_halves(void *arg)
{
	struct crowd *c = arg;
	struct gmb_manager m;
	int half, i;

	open_crowd(c, MANY);
	check_is(gmb_manager_open(&m), 0);
	for (i = 0; i < MANY; i++)
		check_that(gmb_spawn(&m, read_all, &c->readings[i]));
	for (half = 0; half < 2; half++) {
		let_wait();
		for (i = 0; i < MANY; i++)
			check_is(write(c->streams[i].fd, &i, sizeof(i)),
				 sizeof(i));
	}
	check_is(gmb_manager_close(&m), 0);
	for (i = 0; i < MANY; i++) {
		check_is(c->readings[i].got, 8);
		check_is(((int *)(void *)c->readings[i].buf)[0], i);
		check_is(((int *)(void *)c->readings[i].buf)[1], i);
	}
	close_crowd(c);
	return 0;
}

START_TEST(poll_that_needs_traps_of_its_own)
{
	with_crowd(read_halves);
}
END_TEST

/* Some have bytes when all are cancelled: those bytes are read or left. */
static intptr_t cancel_crowd(void *arg)
{
	struct crowd *c = arg;
	struct gmb_manager m;
	char buf[16];
	int i, round;

	open_crowd(c, MANY);
	for (round = 0; round < 20; round++) {
		check_is(gmb_manager_open(&m), 0);
		for (i = 0; i < MANY; i++)
			check_that(gmb_spawn(&m, read_once, &c->readings[i]));
		if (round & 1)
			let_wait();
		else
			check_is(gmb_yield(), 0);
		for (i = round % 3; i < MANY; i += 3)
			check_is(write(c->streams[i].fd, "xy", 2), 2);
		gmb_manager_cancel(&m);
		check_is(gmb_manager_close(&m), 0);
		for (i = 0; i < MANY; i++) {
			ssize_t got = c->readings[i].got;
			ssize_t wrote = i % 3 == round % 3 ? 2 : 0;

			if (got == -ECANCELED && wrote)
				got = read(c->streams[i].file.fd, buf, 16);
			check_is(got, wrote ? wrote : -ECANCELED);
		}
	}
	check_is(gmb_loop_current()->pending, 0);
	close_crowd(c);
	return 0;
}

START_TEST(cancelled_reads_lose_no_byte)
{
	with_crowd(cancel_crowd);
}
END_TEST

/* Closing */

static intptr_t close_pipe(void *arg)
{
	struct reading r;
	struct gmb_manager m;
	struct gmb_file file;
	int fds[2];

	(void)arg;
	check_is(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	check_is(gmb_file_wrap(&file, fds[0]), 0);
	r.file = &file;
	check_is(gmb_manager_open(&m), 0);
	check_that(gmb_spawn(&m, read_once, &r));
	let_wait();
	check_is(write(fds[1], "a", 1), 1);
	check_is(gmb_manager_close(&m), 0);
	check_is(r.got, 1);
	/* The watch stands. Nobody reads after this, at once. */
	signal(SIGPIPE, SIG_IGN);
	check_is(gmb_file_close(&file), 0);
	check_is(write(fds[1], "b", 1), -1);
	check_is(errno, EPIPE);
	close(fds[1]);
	return 0;
}

START_TEST(closed_pipe_is_closed_at_once)
{
	check_is(run(close_pipe, NULL), 0);
}
END_TEST

/* The program closes the number, not the file: the module finds out. */
static intptr_t close_behind(void *arg)
{
	struct reading r = { 0 };
	struct gmb_manager m;
	struct stream s;
	char c;
	int fd;

	(void)arg;
	open_stream(&s);
	r.file = &s.file;
	check_is(gmb_manager_open(&m), 0);
	check_that(gmb_spawn(&m, read_once, &r));
	let_wait();
	fd = gmb_file_fd(&s.file);
	close(fd);
	check_is(gmb_manager_close(&m), 0);
	check_is(r.got, -EBADF);
	check_is(read(s.fd, &c, 1), 0);
	close(s.fd);
	check_is(gmb_file_release(&s.file), fd);
	return 0;
}

START_TEST(number_closed_behind_the_loops_back)
{
	check_is(run(close_behind, NULL), 0);
}
END_TEST

static intptr_t leave_open(void *arg)
{
	struct stream *s = arg;
	struct reading r = { .file = &s->file };
	struct gmb_manager m;

	open_stream(s);
	check_is(gmb_manager_open(&m), 0);
	check_that(gmb_spawn(&m, read_once, &r));
	let_wait();
	gmb_manager_cancel(&m);
	check_is(gmb_manager_close(&m), 0);
	return gmb_file_fd(&s->file);
}

START_TEST(ended_loop_keeps_no_file)
{
	struct stream s;
	char c;

	close((int)run(leave_open, &s));
	check_is(read(s.fd, &c, 1), 0);
	close(s.fd);
}
END_TEST

/* A late completion of a closed file reaches neither it nor its successor. */
static intptr_t reuse_number(void *arg)
{
	struct reading r = { 0 };
	struct gmb_manager m;
	struct stream s;
	int i;

	(void)arg;
	for (i = 0; i < 200; i++) {
		open_stream(&s);
		r.file = &s.file;
		check_is(gmb_manager_open(&m), 0);
		check_that(gmb_spawn(&m, read_once, &r));
		let_wait();
		check_is(write(s.fd, "old", 3), 3);
		close_stream(&s);
		check_is(gmb_manager_close(&m), 0);
		check_is(r.got, -EBADF);
	}
	return 0;
}

START_TEST(completions_of_a_closed_file_reach_nobody)
{
	check_is(run(reuse_number, NULL), 0);
}
END_TEST

Suite *test_kmod_suite(void)
{
	Suite *suite = suite_create("kmod");
	TCase *tc = tcase_create("kmod");

	suite_add_tcase(suite, tc);
	if (access("/dev/giambio", F_OK) || !backend_works("kmod"))
		return suite;
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, exchange_sends_then_receives);
	tcase_add_test(tc, exchange_cancelled_while_receiving_loses_nothing);
	tcase_add_test(tc, exchange_cancelled_while_sending_receives_nothing);
	tcase_add_test(tc, exchange_with_a_peer_that_is_gone);
	tcase_add_test(tc, exchange_goes_on_under_seccomp);
	tcase_add_test(tc, more_completions_than_the_ring_holds);
	tcase_add_test(tc, poll_that_needs_traps_of_its_own);
	tcase_add_test(tc, cancelled_reads_lose_no_byte);
	tcase_add_test(tc, closed_pipe_is_closed_at_once);
	tcase_add_test(tc, number_closed_behind_the_loops_back);
	tcase_add_test(tc, ended_loop_keeps_no_file);
	tcase_add_test(tc, completions_of_a_closed_file_reach_nobody);
	return suite;
}
