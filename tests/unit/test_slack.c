/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Slack: how long input and output of a task may be late. What is held back is
 * seen on the module only; that nothing is lost by it, everywhere.
 */
#include <pthread.h>
#include "io_harness.h"

Suite *test_slack_suite(void);

#define STREAMS	16
#define BYTES	200

static bool holds_back(void)
{
	return !strcmp(gmb_loop_backend_name(NULL), "kmod");
}

/* A thread that writes a byte after a while, and when it did. */
struct later {
	pthread_t thread;
	useconds_t us;
	int fd;
	gmb_time wrote;
};

static void *write_later(void *arg)
{
	struct later *later = arg;

	usleep(later->us);
	later->wrote = gmb_now();
	check_is(write(later->fd, "x", 1), 1);
	return NULL;
}

static void start(struct later *later, int fd, useconds_t us)
{
	*later = (struct later){ .fd = fd, .us = us };
	check_is(pthread_create(&later->thread, NULL, write_later, later), 0);
}

static void join(struct later *later)
{
	check_is(pthread_join(later->thread, NULL), 0);
}

static void set_slack(gmb_time slack)
{
	check_is(gmb_task_set_slack(gmb_self(), slack), 0);
}

TASK_TEST(values)
{
	check_is(gmb_task_slack(gmb_self()), 0);
	set_slack(250 * GMB_US);
	check_is(gmb_task_slack(gmb_self()), 250 * GMB_US);
	check_is(gmb_task_set_slack(gmb_self(), -1), -EINVAL);
	check_is(gmb_task_set_slack(gmb_self(), GMB_SLACK_MAX_NS + 1), -EINVAL);
	check_is(gmb_task_set_slack(gmb_self(), GMB_NEVER), -EINVAL);
	check_is(gmb_task_slack(gmb_self()), 250 * GMB_US);
	set_slack(GMB_SLACK_MAX_NS);
	set_slack(0);
	check_is(gmb_task_slack(gmb_self()), 0);
	return 0;
}

static intptr_t tell_slack(void *arg)
{
	(void)arg;
	return gmb_task_slack(gmb_self());
}

/* Spawns in a manager of another task; the result is the new task. */
static intptr_t spawn_for(void *arg)
{
	set_slack(7);
	return (intptr_t)gmb_spawn(arg, tell_slack, NULL);
}

TASK_TEST(is_that_of_the_managers_opener)
{
	struct gmb_task *before, *after, *other, *last = NULL;
	intptr_t rc = 0;

	set_slack(1000);
	gmb_manager(m, rc) {
		before = gmb_spawn(m, tell_slack, NULL);
		set_slack(2000);
		after = gmb_spawn(m, tell_slack, NULL);
		other = gmb_spawn(m, spawn_for, m);
		check_is(gmb_manager_wait(m), 0);
		check_is(gmb_task_result(before), 1000);
		check_is(gmb_task_result(after), 2000);
		other = (struct gmb_task *)gmb_task_result(other);
		check_is(gmb_task_result(other), 2000);
		check_is(gmb_task_slack(before), 1000);
		last = gmb_spawn(m, tell_slack, NULL);
		check_is(gmb_task_set_slack(last, 3000), 0);
		check_is(gmb_manager_wait(m), 0);
		check_is(gmb_task_result(last), 3000);
	}
	check_is(gmb_task_slack(gmb_self()), 2000);
	return rc;
}

IO_TEST(is_held_back)
{
	struct gmb_file out, in;
	struct later later;
	gmb_time took;
	char byte;

	open_pipe(&out, &in);
	set_slack(200 * GMB_MS);
	start(&later, gmb_file_fd(&in), 10000);
	check_is(gmb_read(&out, &byte, 1), 1);
	took = gmb_now() - later.wrote;
	join(&later);
	if (holds_back())
		check_that(took >= 200 * GMB_MS);
	set_slack(0);
	start(&later, gmb_file_fd(&in), 10000);
	check_is(gmb_read(&out, &byte, 1), 1);
	join(&later);
	check_is(gmb_file_close(&out), 0);
	check_is(gmb_file_close(&in), 0);
	return 0;
}

static intptr_t receive_one(void *arg)
{
	char byte;

	return gmb_read(arg, &byte, 1) == 1 ? gmb_now() : -EIO;
}

/* A task without slack is woken at once, and takes the patient one along. */
IO_TEST(the_urgent_do_not_wait)
{
	struct gmb_task *patient = NULL;
	struct gmb_file out[2], in[2];
	struct later later[2];
	intptr_t rc = 0;

	open_pipe(&out[0], &in[0]);
	open_pipe(&out[1], &in[1]);
	gmb_manager(m, rc) {
		patient = gmb_spawn(m, receive_one, &out[0]);
		check_is(gmb_task_set_slack(patient, GMB_SEC), 0);
		check_that(gmb_spawn(m, receive_one, &out[1]));
		start(&later[0], gmb_file_fd(&in[0]), 10000);
		start(&later[1], gmb_file_fd(&in[1]), 150000);
		check_is(gmb_manager_wait(m), 0);
		if (holds_back()) {
			check_that(gmb_task_result(patient) >= later[1].wrote);
			check_that(gmb_task_result(patient) <
				   later[0].wrote + GMB_SEC);
		}
	}
	join(&later[0]);
	join(&later[1]);
	for (int i = 0; i < 2; i++) {
		check_is(gmb_file_close(&out[i]), 0);
		check_is(gmb_file_close(&in[i]), 0);
	}
	return rc;
}

/* A deadline ends the patience, and what has arrived by then counts. */
IO_TEST(a_deadline_takes_what_is_there)
{
	struct gmb_socket one, other;
	struct later later;
	ssize_t n = 0;
	char byte;

	check_is(gmb_socket_pair(&one, &other), 0);
	set_slack(GMB_SEC);
	start(&later, gmb_socket_fd(&other), 10000);
	gmb_with_timeout(n, 400 * GMB_MS)
		n = gmb_receive(&one, &byte, 1);
	check_is(n, 1);
	join(&later);
	check_is(gmb_socket_close(&one), 0);
	check_is(gmb_socket_close(&other), 0);
	return 0;
}

/* A cancelled receive lost no byte, also one that was held back. */
IO_TEST(a_cancellation_loses_nothing)
{
	struct gmb_task *task = NULL;
	struct gmb_file out, in;
	intptr_t rc = 0, result = 0;
	struct later later;
	char byte;

	open_pipe(&out, &in);
	gmb_manager(m, rc) {
		task = gmb_spawn(m, receive_one, &out);
		check_is(gmb_task_set_slack(task, GMB_SEC), 0);
		start(&later, gmb_file_fd(&in), 10000);
		check_is(gmb_sleep(100 * GMB_MS), 0);
		join(&later);
		gmb_task_cancel(task);
		check_is(gmb_join(task, &result), 0);
		if (result < 0)
			check_is(gmb_read(&out, &byte, 1), 1);
		gmb_manager_cancel(m);
	}
	check_is(gmb_file_close(&out), 0);
	check_is(gmb_file_close(&in), 0);
	return 0;
}

struct stream {
	struct gmb_socket one;
	struct gmb_socket other;
};

/* Each answer asks for the next byte: exchange and receive take turns. */
static intptr_t answer(void *arg)
{
	struct stream *s = arg;
	ssize_t n;
	char byte;
	int i;

	n = gmb_receive(&s->one, &byte, 1);
	for (i = 1; n == 1 && i < BYTES; i++) {
		check_is(byte, (char)i);
		n = gmb_exchange(&s->one, &byte, 1, &byte, 1);
	}
	return n == 1 ? i : -EIO;
}

static intptr_t ask(void *arg)
{
	struct stream *s = arg;
	char byte;
	int i;

	for (i = 1; i < BYTES; i++) {
		byte = (char)i;
		check_is(gmb_send_all(&s->other, &byte, 1, NULL), 0);
		check_is(gmb_receive(&s->other, &byte, 1), 1);
		check_is(byte, (char)i);
	}
	return gmb_send_all(&s->other, &byte, 1, NULL);
}

/* Many patiences in one loop: all goes its way to the last byte. */
IO_TEST(nothing_is_lost)
{
	static struct stream streams[STREAMS];
	struct gmb_task *tasks[STREAMS];
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		for (int i = 0; i < STREAMS; i++) {
			check_is(gmb_socket_pair(&streams[i].one,
						 &streams[i].other), 0);
			tasks[i] = gmb_spawn(m, answer, &streams[i]);
			check_is(gmb_task_set_slack(tasks[i],
						    i * 100 * GMB_US), 0);
			check_that(gmb_spawn(m, ask, &streams[i]));
		}
		check_is(gmb_manager_wait(m), 0);
		for (int i = 0; i < STREAMS; i++)
			check_is(gmb_task_result(tasks[i]), BYTES);
	}
	for (int i = 0; i < STREAMS; i++) {
		check_is(gmb_socket_close(&streams[i].one), 0);
		check_is(gmb_socket_close(&streams[i].other), 0);
	}
	return rc;
}

Suite *test_slack_suite(void)
{
	Suite *suite = suite_create("slack");
	TCase *tcase = tcase_create("slack");

	tcase_add_test(tcase, values);
	tcase_add_test(tcase, is_that_of_the_managers_opener);
	tcase_add_test(tcase, is_held_back);
	tcase_add_test(tcase, the_urgent_do_not_wait);
	tcase_add_test(tcase, a_deadline_takes_what_is_there);
	tcase_add_test(tcase, a_cancellation_loses_nothing);
	tcase_add_test(tcase, nothing_is_lost);
	suite_add_tcase(suite, tcase);
	return suite;
}
