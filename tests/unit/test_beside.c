/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * What others do with a file, or beside it, while a task works on it.
 */
#include <sys/ioctl.h>
#include "io_harness.h"
#include "loop/loop.h"

Suite *test_beside_suite(void);

/* Bytes without end */

static intptr_t count_turns(void *arg)
{
	int *turns = arg, rc;

	do
		rc = gmb_sleep(100 * GMB_US);
	while (!rc && ++*turns);
	return rc;
}

static void open_random(struct gmb_file *file)
{
	int fd = open("/dev/random", O_RDONLY);

	check_that(fd >= 0);
	check_is(gmb_file_wrap(file, fd), 0);
}

/* A file that always has more does not keep others from running. */
IO_TEST(bytes_without_end_do_not_hold_up_others)
{
	static char big[64 << 20];
	struct gmb_file file;
	struct gmb_task *t;
	intptr_t rc = 0;
	int turns = 0, result = 0;
	size_t got = 0;

	open_random(&file);
	gmb_manager(m, rc) {
		t = gmb_spawn(m, count_turns, &turns);
		check_is(gmb_read_exactly(&file, big, 8 << 20, &got), 0);
		check_is(got, 8 << 20);
		check_that(turns >= 2);
		gmb_with_timeout(result, 2 * GMB_MS)
			result = gmb_read_exactly(&file, big, sizeof(big),
						  &got);
		check_is(result, -ETIMEDOUT);
		check_that(got > 0 && got < sizeof(big));
		gmb_task_cancel(t);
	}
	check_is(rc, 0);
	return gmb_file_close(&file);
}

struct bulk {
	struct gmb_file *file;
	char *buf;
	size_t len;
	int rc;
};

static intptr_t read_bulk(void *arg)
{
	struct bulk *bulk = arg;

	bulk->rc = gmb_read_exactly(bulk->file, bulk->buf, bulk->len, NULL);
	return 0;
}

/* It has its place also while others run in between. */
IO_TEST(bytes_without_end_end_with_their_file)
{
	static char big[64 << 20];
	struct gmb_file *file = malloc(sizeof(*file));
	struct bulk bulk = { file, big, sizeof(big), 1 };
	intptr_t rc = 0;
	char byte;

	open_random(file);
	gmb_manager(m, rc) {
		gmb_spawn(m, read_bulk, &bulk);
		check_is(gmb_sleep(3 * GMB_MS), 0);
		check_is(gmb_read(file, &byte, 1), -EBUSY);
		check_is(gmb_file_close(file), 0);
		free(file);
	}
	check_is(bulk.rc, -EBADF);
	return rc;
}

struct chunks {
	struct gmb_file file;
	struct gmb_event ready;
	int rc;
};

/* The first byte is for being watched from then on. */
static intptr_t read_chunks(void *arg)
{
	static char big[3 << 19];
	struct chunks *chunks = arg;

	check_is(gmb_read(&chunks->file, big, 1), 1);
	check_is(gmb_event_wait(&chunks->ready, NULL), 0);
	chunks->rc = gmb_read_exactly(&chunks->file, big, sizeof(big), NULL);
	return 0;
}

/* The rest comes in the turn in which it pauses, so the poll finishes it. */
IO_TEST(bytes_that_end_while_others_run)
{
	static char big[1 << 20];
	struct chunks chunks = { .rc = 1 };
	intptr_t rc = 0;
	int fds[2], left;

	check_is(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	if (fcntl(fds[1], F_SETPIPE_SZ, sizeof(big)) < (int)sizeof(big)) {
		close(fds[0]);
		return close(fds[1]);
	}
	check_is(gmb_file_wrap(&chunks.file, fds[0]), 0);
	gmb_event_init(&chunks.ready);
	gmb_manager(m, rc) {
		gmb_spawn(m, read_chunks, &chunks);
		settle();
		check_is(write(fds[1], "x", 1), 1);
		settle();
		check_is(write(fds[1], big, sizeof(big)), sizeof(big));
		gmb_event_trigger(&chunks.ready, 0);
		do {
			check_is(gmb_yield(), 0);
			check_is(ioctl(fds[0], FIONREAD, &left), 0);
		} while (left);
		check_is(write(fds[1], big, 1 << 19), 1 << 19);
	}
	check_is(rc, 0);
	check_is(chunks.rc, 0);
	check_is(gmb__loop->pending, 0);
	close(fds[1]);
	return gmb_file_close(&chunks.file);
}

/* Exchanges */

struct talk {
	struct gmb_socket *sock;
	const char *out;
	size_t len;
	ssize_t rc;
};

static intptr_t exchange(void *arg)
{
	struct talk *talk = arg;
	char answer[8];

	talk->rc = gmb_exchange(talk->sock, talk->out, talk->len, answer, 8);
	return 0;
}

/* Who waits for an answer has sent; so somebody else may. */
IO_TEST(send_beside_an_exchange)
{
	struct gmb_socket one, other;
	char push[] = "push", buf[64];
	struct iovec halves[2] = { { push, 2 }, { push + 2, 2 } };
	struct talk talk = { &one, "question", 8, 1 };
	intptr_t rc = 0;

	check_is(gmb_socket_pair(&one, &other), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, exchange, &talk);
		settle();
		check_is(gmb_receive(&other, buf, sizeof(buf)), 8);
		check_is(gmb_send_all(&one, push, 4, NULL), 0);
		check_is(gmb_sendv_all(&one, halves, 2, NULL), 0);
		check_is(gmb_send(&one, push, 4), 4);
		check_is(gmb_receive_exactly(&other, buf, 12, NULL), 0);
		check_is(gmb_receive(&one, buf, 1), -EBUSY);
		check_is(gmb_exchange(&one, "x", 1, buf, 1), -EBUSY);
		check_is(gmb_send_all(&other, "answer", 6, NULL), 0);
	}
	check_is(rc, 0);
	check_is(talk.rc, 6);
	check_is(gmb_socket_close(&one), 0);
	return gmb_socket_close(&other);
}

/* Who still sends keeps others from sending into the midst of it. */
IO_TEST(send_into_an_exchange)
{
	static char big[4 << 20];
	struct gmb_socket one, other;
	struct talk talk = { &one, big, sizeof(big), 1 };
	intptr_t rc = 0;

	check_is(gmb_socket_pair(&one, &other), 0);
	gmb_manager(m, rc) {
		gmb_spawn(m, exchange, &talk);
		settle();
		check_is(gmb_send(&one, "push", 4), -EBUSY);
		check_is(gmb_send(&one, "push", 4), -EBUSY);
		gmb_manager_cancel(m);
	}
	check_is(talk.rc, -ECANCELED);
	check_is(gmb_socket_close(&one), 0);
	return gmb_socket_close(&other);
}

/* Hooks */

static struct gmb_file *closing;

static void close_again(void *user, struct gmb_task *task)
{
	(void)user;
	(void)task;
	if (closing)
		check_is(gmb_file_close(closing), -EBADF);
	closing = NULL;
}

/* A hook is told of the file's task while another one closes the file. */
IO_TEST(hook_may_close_a_file_that_is_being_closed)
{
	struct gmb_hooks hooks = {
		.size = sizeof(hooks),
		.scheduled = close_again,
	};
	struct gmb_file out, in;
	char byte;
	struct bulk bulk = { &out, &byte, 1, 1 };
	intptr_t rc = 0;

	open_pipe(&out, &in);
	gmb_manager(m, rc) {
		gmb_spawn(m, read_bulk, &bulk);
		settle();
		check_is(gmb_hooks_set(&hooks), 0);
		closing = &out;
		check_is(gmb_file_close(&out), 0);
		/* On the module its task goes on after the next trap. */
		settle();
		check_that(!closing);
		check_is(gmb_hooks_set(NULL), 0);
	}
	check_is(rc, 0);
	check_is(bulk.rc, -EBADF);
	return gmb_file_close(&in);
}

Suite *test_beside_suite(void)
{
	Suite *suite = suite_create("beside");
	TCase *tc = tcase_create("beside");

	tcase_add_test(tc, bytes_without_end_do_not_hold_up_others);
	tcase_add_test(tc, bytes_without_end_end_with_their_file);
	tcase_add_test(tc, bytes_that_end_while_others_run);
	tcase_add_test(tc, send_beside_an_exchange);
	tcase_add_test(tc, send_into_an_exchange);
	tcase_add_test(tc, hook_may_close_a_file_that_is_being_closed);
	suite_add_tcase(suite, tc);
	return suite;
}
