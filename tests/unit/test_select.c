/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Select: exactly one happens, whichever it is, and the rest leaves no trace.
 */
#include <fcntl.h>
#include <poll.h>
#include "coro/mem.h"
#include "harness.h"

Suite *test_select_suite(void);

/* One of everything that a select can wait for. */
struct world {
	struct gmb_queue full, empty;
	struct gmb_sender tx;
	struct gmb_receiver rx;
	struct gmb_sender tx2;
	struct gmb_receiver rx2;
	struct gmb_event event;
	struct gmb_mailbox *mailbox;
	struct gmb_file file;
	int pipe_in;
	struct gmb_event stop;
	struct gmb_task *task;
	int64_t got, put, received, sent, message;
	intptr_t value, result;
};

enum {
	GET,
	PUT,
	RECEIVE,
	SEND,
	EVENT,
	MESSAGE,
	JOIN,
	READY,
	DEADLINE,
	CASES,
};

static intptr_t wait_for_stop(void *arg)
{
	intptr_t value = 0;
	int rc = gmb_event_wait(arg, &value);

	return rc ? rc : value;
}

static void world_make(struct world *w, struct gmb_manager *m)
{
	int64_t item = 1;
	int ends[2];

	*w = (struct world){ .put = 22, .sent = 44 };
	check_is(gmb_queue_init(&w->full, 8, 1, NULL), 0);
	check_is(gmb_queue_try_put(&w->full, &item), 0);
	check_is(gmb_queue_init(&w->empty, 8, 1, NULL), 0);
	check_is(gmb_channel_open(&w->tx, &w->rx, 8, 0), 0);
	check_is(gmb_channel_open(&w->tx2, &w->rx2, 8, 0), 0);
	gmb_event_init(&w->event);
	check_is(gmb_mailbox_open(&w->mailbox, 8, 0), 0);
	check_is(pipe(ends), 0);
	check_is(gmb_file_wrap(&w->file, ends[0]), 0);
	w->pipe_in = ends[1];
	gmb_event_init(&w->stop);
	w->task = gmb_spawn(m, wait_for_stop, &w->stop);
	let_run();
}

/* Nobody stands in any line any more: all these would die or be refused. */
static void world_free(struct world *w)
{
	gmb_queue_fini(&w->full);
	gmb_queue_fini(&w->empty);
	check_is(gmb_sender_close(&w->tx), 0);
	check_is(gmb_receiver_close(&w->rx), 0);
	check_is(gmb_sender_close(&w->tx2), 0);
	check_is(gmb_receiver_close(&w->rx2), 0);
	gmb_event_fini(&w->event);
	gmb_mailbox_close(w->mailbox);
	gmb_mailbox_put(w->mailbox);
	check_is(gmb_file_close(&w->file), 0);
	close(w->pipe_in);
	if (!gmb_event_is_set(&w->stop))
		check_is(gmb_event_trigger(&w->stop, 0), 0);
}

static void cases_make(struct world *w, struct gmb_case *cases)
{
	cases[GET] = gmb_case_get(&w->empty, &w->got);
	cases[PUT] = gmb_case_put(&w->full, &w->put);
	cases[RECEIVE] = gmb_case_receive(&w->rx, &w->received);
	cases[SEND] = gmb_case_send(&w->tx2, &w->sent);
	cases[EVENT] = gmb_case_event(&w->event, &w->value);
	cases[MESSAGE] = gmb_case_message(w->mailbox, &w->message);
	cases[JOIN] = gmb_case_join(w->task, &w->result);
	cases[READY] = gmb_case_ready(&w->file, POLLIN);
	cases[DEADLINE] = gmb_case_deadline(GMB_NEVER);
}

/* Make one of the cases possible. */
static void cause(struct world *w, int which)
{
	int64_t item = 11;

	switch (which) {
	case GET:
		check_is(gmb_queue_try_put(&w->empty, &item), 0);
		break;
	case PUT:
		check_is(gmb_queue_try_get(&w->full, &item), 0);
		check_is(item, 1);
		break;
	case RECEIVE:
		item = 33;
		check_is(gmb_channel_try_send(&w->tx, &item), 0);
		break;
	case SEND:
		check_is(gmb_channel_try_receive(&w->rx2, &item), 0);
		check_is(item, 44);
		break;
	case EVENT:
		check_is(gmb_event_trigger(&w->event, -55), 0);
		break;
	case MESSAGE:
		item = 66;
		check_is(gmb_mailbox_post(w->mailbox, &item), 0);
		break;
	case JOIN:
		check_is(gmb_event_trigger(&w->stop, 77), 0);
		break;
	case READY:
		check_is(write(w->pipe_in, "x", 1), 1);
		break;
	}
}

/* The one that was caused has had its effect, and no other. */
static void check_effects(struct world *w, const struct gmb_case *cases,
			  int which)
{
	int64_t item = 0;

	check_is(cases[which].result, which == READY ? POLLIN : 0);
	check_is(w->got, which == GET ? 11 : 0);
	check_is(w->received, which == RECEIVE ? 33 : 0);
	check_is(w->value, which == EVENT ? -55 : 0);
	check_is(w->message, which == MESSAGE ? 66 : 0);
	check_is(w->result, which == JOIN ? 77 : 0);
	check_is(gmb_queue_length(&w->empty), 0);
	check_is(gmb_queue_try_get(&w->full, &item), 0);
	check_is(item, which == PUT ? 22 : 1);
	check_is(gmb_queue_try_put(&w->full, &item), 0);
	check_is(gmb_channel_try_send(&w->tx, &item), -EAGAIN);
	check_is(gmb_channel_try_receive(&w->rx2, &item), -EAGAIN);
}

struct causer {
	struct world *w;
	int which;
};

static intptr_t cause_later(void *arg)
{
	struct causer *c = arg;

	cause(c->w, c->which);
	return 0;
}

/* Each in turn, while the select waits. */
TASK_TEST(each_wins)
{
	struct gmb_case cases[CASES];
	struct causer causer;
	struct world w;
	intptr_t rc = 0;

	for (int which = 0; which < DEADLINE; which++) {
		gmb_manager(m, rc) {
			world_make(&w, m);
			cases_make(&w, cases);
			causer = (struct causer){ &w, which };
			check_is(gmb_try_select(cases, CASES), -EAGAIN);
			gmb_spawn(m, cause_later, &causer);
			check_is(gmb_select(cases, CASES), which);
			check_effects(&w, cases, which);
			world_free(&w);
		}
		check_is(rc, 0);
	}
	return 0;
}

static intptr_t meet(void *arg)
{
	struct world *w = arg;
	int64_t item = 33;

	check_is(gmb_channel_send(&w->tx, &item), 0);
	return 0;
}

static intptr_t meet2(void *arg)
{
	struct world *w = arg;
	int64_t item = 0;

	check_is(gmb_channel_receive(&w->rx2, &item), 0);
	check_is(item, 44);
	return 0;
}

/* Each in turn, possible before the select begins. */
TASK_TEST(each_wins_at_once)
{
	struct gmb_case cases[CASES];
	struct world w;
	intptr_t rc = 0;

	for (int which = 0; which < DEADLINE; which++) {
		for (int try = 0; try < 2; try++) {
			gmb_manager(m, rc) {
				world_make(&w, m);
				cases_make(&w, cases);
				if (which == RECEIVE)
					gmb_spawn(m, meet, &w);
				else if (which == SEND)
					gmb_spawn(m, meet2, &w);
				else
					cause(&w, which);
				let_run();
				check_is(try ? gmb_try_select(cases, CASES)
					     : gmb_select(cases, CASES), which);
				let_run();
				check_effects(&w, cases, which);
				world_free(&w);
			}
			check_is(rc, 0);
		}
	}
	return 0;
}

TASK_TEST(deadline_wins)
{
	struct gmb_case cases[CASES];
	gmb_time begin = gmb_now();
	struct world w;
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		world_make(&w, m);
		cases_make(&w, cases);
		cases[DEADLINE] = gmb_case_deadline(begin + 5 * GMB_MS);
		check_is(gmb_select(cases, CASES), DEADLINE);
		check_is(gmb_now() - begin, 5 * GMB_MS);
		check_effects(&w, cases, DEADLINE);
		check_is(gmb_try_select(cases, CASES), DEADLINE);
		/* Two: the nearer one. */
		cases[GET] = gmb_case_deadline(begin + 9 * GMB_MS);
		cases[DEADLINE] = gmb_case_deadline(begin + 8 * GMB_MS);
		check_is(gmb_select(cases, CASES), DEADLINE);
		world_free(&w);
	}
	return rc;
}

/* Cancelled: none happened, and nobody stands in line. */
TASK_TEST(cancelled)
{
	struct gmb_case cases[CASES];
	struct world w;
	intptr_t rc = 0;
	int n = 0;

	gmb_manager(m, rc) {
		world_make(&w, m);
		cases_make(&w, cases);
		gmb_with_timeout(n, 5 * GMB_MS)
			n = gmb_select(cases, CASES);
		check_is(n, -ETIMEDOUT);
		check_effects(&w, cases, DEADLINE);
		/* The same table serves again. */
		cause(&w, EVENT);
		check_is(gmb_select(cases, CASES), EVENT);
		world_free(&w);
	}
	return rc;
}

TASK_TEST(cancelled_before)
{
	struct gmb_case cases[CASES];
	struct gmb_scope scope;
	struct world w;
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		world_make(&w, m);
		cases_make(&w, cases);
		cause(&w, GET);
		check_is(gmb_scope_open(&scope, GMB_NEVER, 0), 0);
		gmb_scope_cancel(&scope);
		check_is(gmb_select(cases, CASES), -ECANCELED);
		check_is(gmb_try_select(cases, CASES), GET);
		check_is(gmb_scope_close(&scope), -ECANCELED);
		world_free(&w);
	}
	return rc;
}

/* What happened may be an error; it is the case's, not the select's. */
TASK_TEST(errors_are_results)
{
	struct gmb_case cases[CASES];
	struct gmb_sender tx = { 0 };
	struct gmb_receiver rx = { 0 };
	struct world w;
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		world_make(&w, m);
		cases[0] = gmb_case_send(&tx, &w.sent);
		check_is(gmb_select(cases, 1), 0);
		check_is(cases[0].result, -EBADF);
		cases[0] = gmb_case_receive(&rx, &w.received);
		check_is(gmb_try_select(cases, 1), 0);
		check_is(cases[0].result, -EBADF);
		check_is(gmb_queue_close(&w.empty), 0);
		check_is(gmb_queue_close(&w.full), 0);
		cases[0] = gmb_case_get(&w.empty, &w.got);
		check_is(gmb_select(cases, 1), 0);
		check_is(cases[0].result, -ENODATA);
		cases[0] = gmb_case_put(&w.full, &w.put);
		check_is(gmb_select(cases, 1), 0);
		check_is(cases[0].result, -EPIPE);
		cases[0] = gmb_case_ready(&w.file, 0);
		check_is(gmb_select(cases, 1), 0);
		check_is(cases[0].result, -EINVAL);
		world_free(&w);
		cases[0] = gmb_case_ready(&w.file, POLLIN);
		check_is(gmb_select(cases, 1), 0);
		check_is(cases[0].result, -EBADF);
	}
	return rc;
}

static intptr_t close_all(void *arg)
{
	struct world *w = arg;

	check_is(gmb_receiver_close(&w->rx), 0);
	return 0;
}

/* A select that waits twice by an end that is closed. */
TASK_TEST(closing_while_waiting)
{
	struct gmb_case cases[3];
	struct world w;
	intptr_t rc = 0;
	int n;

	gmb_manager(m, rc) {
		world_make(&w, m);
		cases[0] = gmb_case_receive(&w.rx, &w.received);
		cases[1] = gmb_case_receive(&w.rx, &w.received);
		cases[2] = gmb_case_event(&w.event, NULL);
		gmb_spawn(m, close_all, &w);
		n = gmb_select(cases, 3);
		check_that(n == 0 || n == 1);
		check_is(cases[n].result, -EBADF);
		check_is(gmb_sender_close(&w.tx), 0);
		check_is(gmb_channel_open(&w.tx, &w.rx, 8, 0), 0);
		world_free(&w);
	}
	return rc;
}

TASK_TEST(bounds_are_checked)
{
	static struct gmb_case cases[GMB_SELECT_MAX + 1];
	int n = 0;

	check_is(gmb_select(cases, 0), -EINVAL);
	check_is(gmb_try_select(cases, 0), -EINVAL);
	check_is(gmb_select(cases, GMB_SELECT_MAX + 1), -EINVAL);
	check_is(gmb_try_select(cases, GMB_SELECT_MAX), -EAGAIN);
	cases[GMB_SELECT_MAX - 1] = gmb_case_deadline(gmb_after(GMB_MS));
	check_is(gmb_select(cases, GMB_SELECT_MAX), GMB_SELECT_MAX - 1);
	/* Zeroed cases never happen. */
	gmb_with_timeout(n, GMB_MS)
		n = gmb_select(cases, GMB_SELECT_MAX - 1);
	check_is(n, -ETIMEDOUT);
	return 0;
}

/* All are possible all the time: each is chosen often enough. */
TASK_TEST(none_starves)
{
	struct gmb_case cases[4];
	int counts[4] = { 0 };
	struct gmb_queue q[4];
	int64_t item = 0;

	for (int i = 0; i < 4; i++) {
		check_is(gmb_queue_init(&q[i], 8, 1, NULL), 0);
		check_is(gmb_queue_try_put(&q[i], &item), 0);
		cases[i] = gmb_case_get(&q[i], &item);
	}
	for (int i = 0; i < 4000; i++) {
		int n = gmb_select(cases, 4);

		check_that(n >= 0);
		counts[n]++;
		check_is(gmb_queue_try_put(&q[n], &item), 0);
	}
	/* 1000 expected; twelve standard deviations either way. */
	for (int i = 0; i < 4; i++)
		check_that(counts[i] > 670 && counts[i] < 1330);
	for (int i = 0; i < 4; i++)
		gmb_queue_fini(&q[i]);
	return 0;
}

/* Two tasks that select on the two sides of the same two channels. */
struct pair {
	struct gmb_sender tx[2];
	struct gmb_receiver rx[2];
	int64_t sent[2], got[2];
};

static intptr_t select_send(void *arg)
{
	struct pair *p = arg;
	struct gmb_case cases[2];

	for (int64_t i = 1; i <= 1000; i++) {
		int n;

		cases[0] = gmb_case_send(&p->tx[0], &i);
		cases[1] = gmb_case_send(&p->tx[1], &i);
		n = gmb_select(cases, 2);
		check_that(n >= 0);
		check_is(cases[n].result, 0);
		p->sent[n] += i;
	}
	return 0;
}

static intptr_t select_receive(void *arg)
{
	struct pair *p = arg;
	struct gmb_case cases[2];
	int64_t item[2];

	for (int i = 1; i <= 1000; i++) {
		int n;

		cases[0] = gmb_case_receive(&p->rx[0], &item[0]);
		cases[1] = gmb_case_receive(&p->rx[1], &item[1]);
		n = gmb_select(cases, 2);
		check_that(n >= 0);
		check_is(cases[n].result, 0);
		p->got[n] += item[n];
	}
	return 0;
}

TASK_TEST(select_meets_select)
{
	struct pair p = { 0 };
	intptr_t rc = 0;

	for (int i = 0; i < 2; i++)
		check_is(gmb_channel_open(&p.tx[i], &p.rx[i], 8, 0), 0);
	gmb_manager(m, rc) {
		for (int i = 0; i < 3; i++) {
			gmb_spawn(m, select_send, &p);
			gmb_spawn(m, select_receive, &p);
		}
	}
	check_is(rc, 0);
	for (int i = 0; i < 2; i++) {
		check_is(p.sent[i], p.got[i]);
		check_that(p.sent[i] > 0);
		check_is(gmb_sender_close(&p.tx[i]), 0);
		check_is(gmb_receiver_close(&p.rx[i]), 0);
	}
	check_is(p.sent[0] + p.sent[1], 3 * 500500);
	return 0;
}

static intptr_t count_up(void *arg)
{
	++*(int *)arg;
	return 0;
}

TASK_TEST(is_a_checkpoint)
{
	struct gmb_case c = gmb_case_deadline(0);
	intptr_t rc = 0;
	int count = 0;

	gmb_manager(m, rc) {
		gmb_spawn(m, count_up, &count);
		check_is(gmb_try_select(&c, 1), 0);
		check_is(count, 0);
		spend_credit();
		check_is(gmb_select(&c, 1), 0);
		check_is(count, 1);
	}
	return rc;
}

/* A file that another task reads already is busy; the select goes on. */
static intptr_t read_pipe(void *arg)
{
	char c;

	return gmb_read(arg, &c, 1);
}

TASK_TEST(busy_file)
{
	struct gmb_case cases[CASES];
	struct world w;
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		world_make(&w, m);
		cases_make(&w, cases);
		gmb_spawn(m, read_pipe, &w.file);
		let_run();
		check_is(gmb_select(cases, CASES), READY);
		check_is(cases[READY].result, -EBUSY);
		cause(&w, READY);
		check_is(gmb_sleep(GMB_MS), 0);
		check_effects(&w, cases, DEADLINE);
		world_free(&w);
	}
	return rc;
}

/* Out of memory for the timer: an error of the select, without a trace. */
TASK_TEST(no_memory)
{
	struct gmb_case cases[CASES];
	struct world w;
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		world_make(&w, m);
		cases_make(&w, cases);
		cases[DEADLINE] = gmb_case_deadline(gmb_after(GMB_SEC));
		gmb__mem_fail_after(0);
		rc = gmb_select(cases, CASES);
		gmb__mem_fail_after(-1);
		check_that(rc == -ENOMEM || rc == DEADLINE);
		rc = 0;
		check_effects(&w, cases, DEADLINE);
		world_free(&w);
	}
	return rc;
}

static intptr_t wait_long(void *arg)
{
	return gmb_event_wait(arg, NULL);
}

static intptr_t intrude(void *arg)
{
	struct gmb_case cases[] = { gmb_case_event(arg, NULL) };

	check_is(gmb_try_select(cases, 1), -EXDEV);
	return gmb_select(cases, 1);
}

START_TEST(another_loop_is_refused)
{
	struct gmb_case c = gmb_case_deadline(0);
	struct gmb_event event;
	struct gmb_loop *loop;

	gmb_event_init(&event);
	check_is(gmb_select(&c, 1), -EPERM);
	check_is(gmb_try_select(&c, 1), -EPERM);
	check_is(gmb_loop_open(NULL, wait_long, &event, &loop), 0);
	check_is(gmb_loop_step(loop, 0), 1);
	check_is(gmb_run(intrude, &event), -EXDEV);
	gmb_loop_cancel(loop);
	gmb_loop_close(loop, NULL);
}
END_TEST

Suite *test_select_suite(void)
{
	Suite *suite = suite_create("select");
	TCase *tcase = tcase_create("select");

	tcase_add_test(tcase, each_wins);
	tcase_add_test(tcase, each_wins_at_once);
	tcase_add_test(tcase, deadline_wins);
	tcase_add_test(tcase, cancelled);
	tcase_add_test(tcase, cancelled_before);
	tcase_add_test(tcase, errors_are_results);
	tcase_add_test(tcase, closing_while_waiting);
	tcase_add_test(tcase, bounds_are_checked);
	tcase_add_test(tcase, none_starves);
	tcase_add_test(tcase, select_meets_select);
	tcase_add_test(tcase, is_a_checkpoint);
	tcase_add_test(tcase, busy_file);
	tcase_add_test(tcase, no_memory);
	tcase_add_test(tcase, another_loop_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
