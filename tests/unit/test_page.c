/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The page: what the row of a task says of its wait, whatever it waits for, and
 * what others can do to the page.
 */
#include <sys/socket.h>
#include "io_harness.h"
#include "seen.h"
#include "loop/page.h"

Suite *test_page_suite(void);

/* Things to wait for, and the manager of those who wait. */
static struct world {
	struct gmb_manager m;
	struct gmb_event event;
	struct gmb_lock lock;
	struct gmb_condition condition;
	struct gmb_semaphore semaphore;
	struct gmb_limiter limiter;
	struct gmb_barrier barrier;
	struct gmb_queue full, empty;
	struct gmb_sender to_full, to_empty;
	struct gmb_receiver from_full, from_empty;
	struct gmb_mailbox *mailbox;
	struct gmb_socket one, other, listener;
	struct gmb_address address;
	struct gmb_task *task;
	struct gmb_manager *inner;
	int item;
	_Atomic int go;
} w;

static const struct gmb_row *row_of(const char *name)
{
	size_t index = 0;
	struct gmb_row *row;

	while ((row = gmb__page_next_row(&gmb__loop->rows, &index)))
		if (!strcmp(row->name, name))
			return row;
	fprintf(stderr, "there is no task \"%s\"\n", name);
	abort();
}

static struct gmb_task *spawn_named(const char *name, gmb_task_fn fn)
{
	struct gmb_spawn_opts opts = { .name = name };
	struct gmb_task *task;

	check_is(gmb_spawn_with(&w.m, &opts, fn, NULL, &task), 0);
	return task;
}

/* A task with that name waits, and this is what its row says. */
static const struct gmb_row *check_row(const char *name, gmb_task_fn fn,
				       enum gmb_wait_kind kind,
				       const void *object, uint64_t arg)
{
	const struct gmb_row *row;

	spawn_named(name, fn);
	settle();
	row = row_of(name);
	check_is(row->state, GMB_TASK_WAITING);
	check_is(row->wait_kind, kind);
	if (object)
		check_is(row->wait_object, object);
	check_is(row->wait_arg, arg);
	check_that(row->since > 0 && row->since <= gmb_now());
	check_is(row->seq % 2, 0);
	return row;
}

static void open_world(void)
{
	check_is(gmb_manager_open(&w.m), 0);
}

/* None of the waits succeeds: they end with their manager. */
static intptr_t close_world(void)
{
	gmb_manager_cancel(&w.m);
	check_is(gmb_manager_close(&w.m), 0);
	return 0;
}

static intptr_t wait_sleep(void *arg)
{
	(void)arg;
	return gmb_sleep_until((gmb_time)w.item * GMB_SEC * GMB_SEC);
}

static intptr_t wait_join(void *arg)
{
	(void)arg;
	return gmb_join(w.task, NULL);
}

static intptr_t wait_manager(void *arg)
{
	struct gmb_manager m;

	(void)arg;
	check_is(gmb_manager_open(&m), 0);
	w.inner = &m;
	gmb_spawn(&m, wait_sleep, NULL);
	gmb_spawn(&m, wait_sleep, NULL);
	return gmb_manager_close(&m);
}

static intptr_t wait_started(void *arg)
{
	(void)arg;
	return gmb_spawn_wait(&w.m, wait_sleep, NULL, NULL);
}

IO_TEST(rows_of_tasks_that_wait_for_tasks)
{
	open_world();
	w.item = 5;
	check_row("sleep", wait_sleep, GMB_WAIT_SLEEP, NULL,
		  5ull * GMB_SEC * GMB_SEC);
	w.task = spawn_named("joined", wait_sleep);
	check_row("join", wait_join, GMB_WAIT_JOIN, w.task,
		  gmb_task_id(w.task));
	check_row("manager", wait_manager, GMB_WAIT_MANAGER, NULL, 2);
	check_is(row_of("manager")->wait_object, w.inner);
	check_row("started", wait_started, GMB_WAIT_STARTED, NULL,
		  gmb__loop->last_id + 2);
	return close_world();
}

static intptr_t wait_event(void *arg)
{
	(void)arg;
	return gmb_event_wait(&w.event, NULL);
}

static intptr_t wait_lock(void *arg)
{
	int rc = gmb_lock_acquire(&w.lock);

	(void)arg;
	if (rc)
		return rc;
	/* Hold it until somebody allows the next one to have it. */
	rc = gmb_semaphore_acquire(&w.semaphore);
	gmb_lock_release(&w.lock);
	return rc;
}

static intptr_t wait_condition(void *arg)
{
	int rc = gmb_lock_acquire(&w.lock);

	(void)arg;
	if (rc)
		return rc;
	rc = gmb_condition_wait(&w.condition);
	gmb_lock_release(&w.lock);
	return rc;
}

static intptr_t wait_semaphore(void *arg)
{
	(void)arg;
	return gmb_semaphore_acquire(&w.semaphore);
}

static intptr_t wait_limiter(void *arg)
{
	struct gmb_token token = { 0 };

	(void)arg;
	return gmb_limiter_acquire(&w.limiter, &token);
}

static intptr_t wait_barrier(void *arg)
{
	(void)arg;
	return gmb_barrier_wait(&w.barrier);
}

IO_TEST(rows_of_tasks_that_wait_for_each_other)
{
	struct gmb_token token = { 0 };

	open_world();
	gmb_event_init(&w.event);
	check_is(gmb_semaphore_init(&w.semaphore, 0, 1), 0);
	gmb_limiter_init(&w.limiter, 1);
	check_is(gmb_limiter_acquire(&w.limiter, &token), 0);
	check_is(gmb_barrier_init(&w.barrier, 3), 0);
	check_row("event", wait_event, GMB_WAIT_EVENT, &w.event, 0);
	check_row("semaphore", wait_semaphore, GMB_WAIT_SEMAPHORE,
		  &w.semaphore, 0);
	check_row("limiter", wait_limiter, GMB_WAIT_LIMITER, &w.limiter, 0);
	check_row("barrier", wait_barrier, GMB_WAIT_BARRIER, &w.barrier, 1);
	check_row("second", wait_barrier, GMB_WAIT_BARRIER, &w.barrier, 2);
	gmb_limiter_release(&w.limiter, &token);
	return close_world();
}

IO_TEST(rows_in_the_line_of_a_lock_know_its_owner)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	int i;

	open_world();
	gmb_lock_init(&w.lock);
	check_is(gmb_semaphore_init(&w.semaphore, 0, 1), 0);
	check_is(gmb_lock_acquire(&w.lock), 0);
	for (i = 0; i < 4; i++)
		check_row(names[i], wait_lock, GMB_WAIT_LOCK, &w.lock,
			  gmb_task_id(gmb_self()));
	gmb_lock_release(&w.lock);
	settle();
	check_is(row_of("a")->wait_kind, GMB_WAIT_SEMAPHORE);
	for (i = 1; i < 4; i++)
		check_is(row_of(names[i])->wait_arg, row_of("a")->id);
	check_is(gmb_semaphore_release(&w.semaphore), 0);
	settle();
	for (i = 2; i < 4; i++)
		check_is(row_of(names[i])->wait_arg, row_of("b")->id);
	return close_world();
}

IO_TEST(a_notified_waiter_waits_for_the_lock)
{
	open_world();
	gmb_lock_init(&w.lock);
	gmb_condition_init(&w.condition, &w.lock);
	check_row("waiter", wait_condition, GMB_WAIT_CONDITION, &w.condition,
		  0);
	check_is(gmb_lock_acquire(&w.lock), 0);
	check_is(gmb_condition_notify(&w.condition, 1), 1);
	check_is(row_of("waiter")->wait_kind, GMB_WAIT_LOCK);
	check_is(row_of("waiter")->wait_object, &w.lock);
	check_is(row_of("waiter")->wait_arg, gmb_task_id(gmb_self()));
	gmb_lock_release(&w.lock);
	return close_world();
}

static intptr_t wait_put(void *arg)
{
	(void)arg;
	return gmb_queue_put(&w.full, &w.item);
}

static intptr_t wait_get(void *arg)
{
	int item;

	(void)arg;
	return gmb_queue_get(&w.empty, &item);
}

static intptr_t wait_send(void *arg)
{
	(void)arg;
	return gmb_channel_send(&w.to_full, &w.item);
}

static intptr_t wait_receive(void *arg)
{
	int item;

	(void)arg;
	return gmb_channel_receive(&w.from_empty, &item);
}

static intptr_t wait_select(void *arg)
{
	int item;
	struct gmb_case cases[] = {
		gmb_case_get(&w.empty, &item),
		gmb_case_receive(&w.from_empty, &item),
		gmb_case_put(&w.full, &w.item),
	};

	(void)arg;
	return gmb_select(cases, 3);
}

static intptr_t wait_mailbox(void *arg)
{
	int item;

	(void)arg;
	return gmb_mailbox_receive(w.mailbox, &item);
}

static intptr_t until_go(void *arg)
{
	(void)arg;
	while (!w.go)
		usleep(1000);
	return 0;
}

static intptr_t wait_thread(void *arg)
{
	(void)arg;
	return gmb_run_in_thread(until_go, NULL, NULL);
}

IO_TEST(rows_of_tasks_that_wait_for_messages)
{
	static int storage[2][2];

	open_world();
	check_is(gmb_queue_init(&w.full, sizeof(int), 2, storage[0]), 0);
	check_is(gmb_queue_init(&w.empty, sizeof(int), 2, storage[1]), 0);
	check_is(gmb_queue_put(&w.full, &w.item), 0);
	check_is(gmb_queue_put(&w.full, &w.item), 0);
	check_is(gmb_channel_open(&w.to_full, &w.from_full, sizeof(int), 1), 0);
	check_is(gmb_channel_send(&w.to_full, &w.item), 0);
	check_is(gmb_channel_open(&w.to_empty, &w.from_empty, sizeof(int), 1),
		 0);
	check_is(gmb_mailbox_open(&w.mailbox, sizeof(int), 1), 0);
	check_row("put", wait_put, GMB_WAIT_QUEUE_PUT, &w.full, 2);
	check_row("get", wait_get, GMB_WAIT_QUEUE_GET, &w.empty, 0);
	check_row("send", wait_send, GMB_WAIT_SEND, NULL, 1);
	check_row("receive", wait_receive, GMB_WAIT_RECEIVE, NULL, 0);
	check_row("select", wait_select, GMB_WAIT_SELECT, NULL, 3);
	check_row("mailbox", wait_mailbox, GMB_WAIT_MAILBOX, w.mailbox, 0);
	check_row("thread", wait_thread, GMB_WAIT_THREAD, NULL, 0);
	w.go = 1;
	close_world();
	gmb_sender_close(&w.to_full);
	gmb_sender_close(&w.to_empty);
	gmb_receiver_close(&w.from_full);
	gmb_receiver_close(&w.from_empty);
	gmb_mailbox_close(w.mailbox);
	return 0;
}

static intptr_t wait_readable(void *arg)
{
	char c;

	(void)arg;
	return gmb_receive(&w.one, &c, 1);
}

static intptr_t wait_writable(void *arg)
{
	static char much[1 << 24];

	(void)arg;
	return gmb_send_all(&w.one, much, sizeof(much), NULL);
}

static intptr_t wait_accept(void *arg)
{
	struct gmb_socket socket;

	(void)arg;
	return gmb_accept(&w.listener, &socket, NULL);
}

static intptr_t wait_ready(void *arg)
{
	(void)arg;
	return gmb_ready(gmb_socket_file(&w.other), POLLPRI);
}

IO_TEST(rows_of_tasks_that_wait_for_descriptors)
{
	const struct gmb_row *row;

	open_world();
	open_tcp(&w.one, &w.other);
	check_is(gmb_tcp_listen(&w.listener, "127.0.0.1", 0, NULL), 0);
	stuff(gmb_socket_fd(&w.one));
	row = check_row("readable", wait_readable, GMB_WAIT_READABLE, NULL, 0);
	check_is(row->wait_fd, gmb_socket_fd(&w.one));
	row = check_row("writable", wait_writable, GMB_WAIT_WRITABLE, NULL, 0);
	check_is(row->wait_fd, gmb_socket_fd(&w.one));
	row = check_row("accept", wait_accept, GMB_WAIT_ACCEPT, NULL, 0);
	check_is(row->wait_fd, gmb_socket_fd(&w.listener));
	row = check_row("ready", wait_ready, GMB_WAIT_READY, NULL, POLLPRI);
	check_is(row->wait_fd, gmb_socket_fd(&w.other));
	check_is(row_of("main")->wait_fd, -1);
	close_world();
	gmb_socket_close(&w.one);
	gmb_socket_close(&w.other);
	gmb_socket_close(&w.listener);
	return 0;
}

static intptr_t wait_connect(void *arg)
{
	struct gmb_socket socket;

	(void)arg;
	return gmb_connect(&socket, &w.address);
}

/* A listener that accepts nobody and has no room: nobody answers. */
IO_TEST(a_row_that_waits_to_be_connected)
{
	struct gmb_listen_opts opts = { .backlog = 1 };
	const struct gmb_row *row = NULL;
	char name[16];
	int i;

	open_world();
	check_is(gmb_tcp_listen(&w.listener, "127.0.0.1", 0, &opts), 0);
	check_is(gmb_socket_local(&w.listener, &w.address), 0);
	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "connect%d", i);
		spawn_named(name, wait_connect);
	}
	settle();
	row = row_of("connect7");
	check_is(row->state, GMB_TASK_WAITING);
	check_is(row->wait_kind, GMB_WAIT_CONNECT);
	check_that(row->wait_fd > gmb_socket_fd(&w.listener));
	close_world();
	gmb_socket_close(&w.listener);
	return 0;
}

/* Deadlines */

static intptr_t sleep_in_a_scope(void *arg)
{
	intptr_t rc = 0;

	(void)arg;
	gmb_skip_after(rc, 100 * GMB_SEC)
		rc = gmb_sleep(1000 * GMB_SEC);
	return rc;
}

static intptr_t sleep_shielded(void *arg)
{
	int rc = 0;

	(void)arg;
	gmb_shield(rc, 100 * GMB_SEC)
		rc = gmb_sleep(50 * GMB_SEC);
	return rc;
}

TASK_TEST(a_row_shows_the_nearest_deadline)
{
	const struct gmb_row *self = &gmb__loop->current->row;
	gmb_time start = gmb_now();
	struct gmb_scope outer, inner;

	check_is(self->deadline, GMB_NEVER);
	check_is(gmb_scope_open(&outer, start + 10, 0), 0);
	check_is(self->deadline, start + 10);
	check_is(gmb_scope_open(&inner, start + 20, 0), 0);
	check_is(self->deadline, start + 10);
	check_is(gmb_scope_set_deadline(&outer, start + 30), 0);
	check_is(self->deadline, start + 20);
	check_is(gmb_deadline(), start + 20);
	check_is(gmb_scope_close(&inner), 0);
	check_is(self->deadline, start + 30);
	check_is(gmb_scope_set_deadline(&outer, GMB_NEVER), 0);
	check_is(self->deadline, GMB_NEVER);
	check_is(gmb_scope_close(&outer), 0);
	check_is(self->deadline, GMB_NEVER);
	return 0;
}

TASK_TEST(a_deadline_reaches_the_tasks_inside)
{
	gmb_time start = gmb_now();

	check_is(gmb_manager_open(&w.m), 0);
	w.item = 9;
	spawn_named("plain", wait_sleep);
	spawn_named("scoped", sleep_in_a_scope);
	spawn_named("shielded", sleep_shielded);
	let_run();
	check_is(row_of("plain")->deadline, GMB_NEVER);
	check_is(row_of("scoped")->deadline, start + 100 * GMB_SEC);
	check_is(gmb_scope_set_deadline(gmb_manager_scope(&w.m),
					start + 20 * GMB_SEC), 0);
	check_is(row_of("plain")->deadline, start + 20 * GMB_SEC);
	check_is(row_of("scoped")->deadline, start + 20 * GMB_SEC);
	check_is(row_of("shielded")->deadline, start + 100 * GMB_SEC);
	spawn_named("later", wait_sleep);
	check_is(row_of("later")->deadline, start + 20 * GMB_SEC);
	check_is(gmb_scope_set_deadline(gmb_manager_scope(&w.m),
					start + 200 * GMB_SEC), 0);
	check_is(row_of("plain")->deadline, start + 200 * GMB_SEC);
	check_is(row_of("scoped")->deadline, start + 100 * GMB_SEC);
	return close_world();
}

/* What others can do to it */

TASK_TEST(the_seals_keep_the_page_as_it_is)
{
	int fd = seen_open(GMB_PAGE_NAME, O_RDWR);

	check_that(fd >= 0);
	check_is(ftruncate(fd, 4096), -1);
	check_is(fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK, F_SEAL_SHRINK);
	/* A seal against growing would keep the loop from making tasks. */
	check_is(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), -1);
	close(fd);
	return 0;
}

static intptr_t nothing(void *arg)
{
	return (intptr_t)arg;
}

/* All of the head is for others to see, and none of it is believed. */
TASK_TEST(nothing_in_the_head_is_believed)
{
	struct gmb_page *page;
	struct gmb_control control = { 0 };
	size_t size, index = 0, rows = 0;
	int i;

	page = seen_map(GMB_PAGE_NAME, O_RDWR, &size);
	memset(page, 0xff, sizeof(*page));
	page->control = control;
	check_is(gmb_manager_open(&w.m), 0);
	for (i = 0; i < 1000; i++)
		gmb_spawn(&w.m, nothing, NULL);
	check_is(gmb_manager_wait(&w.m), 0);
	while (gmb__page_next_row(&gmb__loop->rows, &index))
		rows++;
	check_is(rows, 1001);
	check_is(gmb_manager_close(&w.m), 0);
	munmap(page, size);
	return 0;
}

TASK_TEST(the_identity_of_a_row_is_told_to_change)
{
	const struct gmb_row *row;
	struct gmb_task *task;
	uint32_t seq;

	check_is(gmb_manager_open(&w.m), 0);
	task = gmb_spawn(&w.m, nothing, NULL);
	row = (const struct gmb_row *)task;
	seq = row->seq;
	check_is(seq % 2, 0);
	check_str(gmb_task_name(task), "task-2");
	check_is(row->seq, seq + 2);
	check_is(gmb_manager_close(&w.m), 0);
	/* It is nobody's now. */
	check_is(row->state, 0);
	check_is(row->seq % 2, 1);
	check_is(gmb_manager_open(&w.m), 0);
	check_is(gmb_spawn(&w.m, nothing, NULL), task);
	check_is(row->seq, seq + 4);
	check_is(row->id, 3);
	check_is(row->name[0], 0);
	check_is(gmb_manager_close(&w.m), 0);
	return 0;
}

Suite *test_page_suite(void)
{
	Suite *suite = suite_create("page");
	TCase *tc = tcase_create("page");

	tcase_add_test(tc, rows_of_tasks_that_wait_for_tasks);
	tcase_add_test(tc, rows_of_tasks_that_wait_for_each_other);
	tcase_add_test(tc, rows_in_the_line_of_a_lock_know_its_owner);
	tcase_add_test(tc, a_notified_waiter_waits_for_the_lock);
	tcase_add_test(tc, rows_of_tasks_that_wait_for_messages);
	tcase_add_test(tc, rows_of_tasks_that_wait_for_descriptors);
	tcase_add_test(tc, a_row_that_waits_to_be_connected);
	tcase_add_test(tc, a_row_shows_the_nearest_deadline);
	tcase_add_test(tc, a_deadline_reaches_the_tasks_inside);
	tcase_add_test(tc, the_seals_keep_the_page_as_it_is);
	tcase_add_test(tc, nothing_in_the_head_is_believed);
	tcase_add_test(tc, the_identity_of_a_row_is_told_to_change);
	suite_add_tcase(suite, tc);
	return suite;
}
