/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The trace: every event stands where it happened, and says what it was.
 */
#include <stdarg.h>
#include <giambio/trace.h>
#include "coro/mem.h"
#include "seen.h"

Suite *test_record_suite(void);

/* Whatever the environment says: a test begins with nothing observed. */
static void setup(void)
{
	unsetenv("GMB_OBSERVE");
	check_is(gmb_observe(0), 0);
}

/* Reading */

struct reader {
	const struct gmb_trace *head;
	const struct gmb_trace_event *events;
	size_t size;
	uint64_t next;
};

/* Begin to read at what is written from here on. */
static void reader_open(struct reader *r)
{
	r->head = seen_map(GMB_TRACE_FILE, O_RDONLY, &r->size);
	check_is(r->head->magic, GMB_TRACE_MAGIC);
	r->events = (const void *)((const char *)r->head + r->head->events);
	r->next = r->head->head;
}

static void reader_close(struct reader *r)
{
	munmap((void *)(uintptr_t)r->head, r->size);
}

/* The next event that was not read yet, or NULL. */
static const struct gmb_trace_event *reader_next(struct reader *r)
{
	if (r->next == __atomic_load_n(&r->head->head, __ATOMIC_ACQUIRE))
		return NULL;
	return &r->events[r->next++ & (r->head->entries - 1)];
}

/* The next one of that kind; what lies between is skipped. */
static const struct gmb_trace_event *reader_find(struct reader *r,
						 enum gmb_trace_kind kind)
{
	const struct gmb_trace_event *event;

	while ((event = reader_next(r)))
		if (event->kind == kind)
			return event;
	return NULL;
}

static void append(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

static const char *const kinds[] = {
	[GMB_TRACE_SPAWN] = "spawn",   [GMB_TRACE_NAME] = "name",
	[GMB_TRACE_READY] = "ready",   [GMB_TRACE_BEGIN] = "begin",
	[GMB_TRACE_END] = "end",       [GMB_TRACE_EXIT] = "exit",
	[GMB_TRACE_CANCEL] = "cancel", [GMB_TRACE_OPEN] = "open",
	[GMB_TRACE_DEADLINE] = "line", [GMB_TRACE_EXPIRE] = "expire",
	[GMB_TRACE_CLOSE] = "close",   [GMB_TRACE_POLL] = "poll",
	[GMB_TRACE_POLLED] = "polled",
};

/*
 * All that was not read yet as words: kind, task and what else it says. Looks
 * at the backend are left out, since how often is the loop's business.
 */
static const char *told(struct reader *r)
{
	static char text[8192];
	const struct gmb_trace_event *e;

	text[0] = 0;
	while ((e = reader_next(r))) {
		if (e->kind == GMB_TRACE_POLL || e->kind == GMB_TRACE_POLLED)
			continue;
		append(text, sizeof(text), "%s:%d", kinds[e->kind],
		       (int)e->task);
		if (e->kind == GMB_TRACE_SPAWN)
			append(text, sizeof(text), "<%d", (int)e->arg);
		if (e->kind == GMB_TRACE_NAME)
			append(text, sizeof(text), "=%s", e->text);
		if (e->kind == GMB_TRACE_END && e->extra)
			append(text, sizeof(text), "/%d", e->extra);
		if (e->kind == GMB_TRACE_EXIT)
			append(text, sizeof(text), "=%ld", (long)e->arg);
		append(text, sizeof(text), " ");
	}
	return text;
}

/* What tasks do */

static intptr_t give(void *arg)
{
	return (intptr_t)arg;
}

static intptr_t sleep_long(void *arg)
{
	(void)arg;
	return gmb_sleep(1000 * GMB_SEC);
}

static struct gmb_task *spawn_named(struct gmb_manager *m, const char *name,
				    gmb_task_fn fn, void *arg)
{
	struct gmb_spawn_opts opts = { .name = name };
	struct gmb_task *task;

	check_is(gmb_spawn_with(m, &opts, fn, arg, &task), 0);
	return task;
}

/* From here on the trace is on, and this is the reader's first event. */
static void begin(struct reader *r)
{
	check_is(gmb_observe(GMB_OBSERVE_TRACE), 0);
	check_is(gmb_yield(), 0);
	check_is(gmb_yield(), 0);
	reader_open(r);
}

TASK_TEST(there_is_none_until_somebody_asks)
{
	const struct gmb_trace *trace;
	size_t size;

	check_is(seen_open(GMB_TRACE_FILE, O_RDONLY), -1);
	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	check_is(seen_open(GMB_TRACE_FILE, O_RDONLY), -1);
	check_is(gmb_observe(GMB_OBSERVE_TRACE), 0);
	trace = seen_map(GMB_TRACE_FILE, O_RDONLY, &size);
	check_is(trace->magic, GMB_TRACE_MAGIC);
	check_is(trace->version, GMB_TRACE_VERSION);
	check_is(trace->pid, getpid());
	check_is(trace->tid, gmb__thread_id());
	check_is(trace->entries & (trace->entries - 1), 0);
	check_is(trace->events + trace->entries *
				 sizeof(struct gmb_trace_event), size);
	check_is(trace->started, gmb_now());
	check_is(gmb__loop->page->observe,
		 GMB_OBSERVE_TIMES | GMB_OBSERVE_TRACE);
	munmap((void *)(uintptr_t)trace, size);
	return 0;
}

TASK_TEST(a_life_is_told_step_by_step)
{
	struct gmb_manager m;
	struct reader r;

	begin(&r);
	check_is(gmb_manager_open(&m), 0);
	spawn_named(&m, "s", sleep_long, NULL);
	spawn_named(&m, "f", give, (void *)-EIO);
	check_is(gmb_manager_close(&m), -EIO);
	check_str(told(&r),
		  "open:1 spawn:2<1 name:2=s ready:2 spawn:3<1 name:3=f ready:3 "
		  "end:1/3 begin:2 end:2/1 "
		  "begin:3 exit:3=-5 ready:2 cancel:2 end:3 "
		  "begin:2 exit:2=-125 ready:1 end:2 begin:1 close:1 ");
	reader_close(&r);
	return 0;
}

TASK_TEST(a_yield_is_an_end_that_waits_for_nothing)
{
	struct gmb_manager m;
	struct reader r;

	begin(&r);
	check_is(gmb_manager_open(&m), 0);
	gmb_spawn(&m, give, (void *)7);
	told(&r);
	check_is(gmb_yield(), 0);
	check_str(told(&r), "ready:1 end:1 begin:2 exit:2=7 end:2 begin:1 ");
	check_is(gmb_manager_close(&m), 0);
	reader_close(&r);
	return 0;
}

TASK_TEST(a_new_name_is_told_and_cut)
{
	struct gmb_task *self = gmb_self();
	struct reader r;

	begin(&r);
	gmb_task_set_name(self, "short");
	gmb_task_set_name(self, "longer than the room for it");
	check_str(told(&r), "name:1=short name:1=longer than the ");
	reader_close(&r);
	return 0;
}

static void check_scope(const struct gmb_trace_event *e, const void *scope,
			gmb_time deadline, int is_manager, gmb_time time)
{
	check_that(e);
	check_is(e->task, 1);
	check_is(e->arg, scope);
	check_is(e->arg2, deadline);
	check_is(e->extra, is_manager);
	check_is(e->time, time);
}

TASK_TEST(scopes_are_told_with_their_deadlines)
{
	gmb_time start = gmb_now();
	struct gmb_manager m;
	struct gmb_scope s;
	struct reader r;

	begin(&r);
	check_is(gmb_scope_open(&s, start + GMB_SEC, 0), 0);
	check_scope(reader_next(&r), &s, start + GMB_SEC, 0, start);
	check_is(gmb_scope_set_deadline(&s, start + 2 * GMB_SEC), 0);
	check_is(gmb_manager_open(&m), 0);
	check_is(gmb_sleep(5 * GMB_SEC), -ECANCELED);
	check_is(gmb_manager_close(&m), -ECANCELED);
	check_is(gmb_scope_close(&s), -ETIMEDOUT);
	check_scope(reader_find(&r, GMB_TRACE_DEADLINE), &s,
		    start + 2 * GMB_SEC, 0, start);
	check_scope(reader_next(&r), &m, GMB_NEVER, 1, start);
	check_scope(reader_find(&r, GMB_TRACE_EXPIRE), &s, 0, 0,
		    start + 2 * GMB_SEC);
	check_scope(reader_find(&r, GMB_TRACE_CLOSE), &m, 0, 0,
		    start + 2 * GMB_SEC);
	check_scope(reader_find(&r, GMB_TRACE_CLOSE), &s, 0, 0,
		    start + 2 * GMB_SEC);
	check_is(reader_next(&r), NULL);
	reader_close(&r);
	return 0;
}

TASK_TEST(a_deadline_in_the_past_expires_where_it_is_set)
{
	struct gmb_scope s;
	struct reader r;

	begin(&r);
	check_is(gmb_scope_open(&s, gmb_now() - 1, 0), 0);
	check_is(gmb_checkpoint(), -ECANCELED);
	check_is(gmb_scope_close(&s), -ETIMEDOUT);
	check_str(told(&r), "open:1 expire:1 close:1 ");
	reader_close(&r);
	return 0;
}

static intptr_t wait_for_bytes(void *arg)
{
	struct gmb_manager m;
	struct gmb_file in;
	struct reader r;
	int fds[2];
	char c;
	const struct gmb_trace_event *e;

	(void)arg;
	begin(&r);
	check_is(pipe(fds), 0);
	check_is(gmb_file_wrap(&in, fds[0]), 0);
	check_is(gmb_manager_open(&m), 0);
	check_is(write(fds[1], "x", 1), 1);
	check_is(gmb_read(&in, &c, 1), 1);
	gmb_schedule(&m, 5 * GMB_MS, give, NULL);
	{
		int rc = 0;

		gmb_with_timeout(rc, 20 * GMB_MS)
			rc = (int)gmb_read(&in, &c, 1);
		check_is(rc, -ETIMEDOUT);
	}
	do
		e = reader_find(&r, GMB_TRACE_END);
	while (e && e->task != 1);
	check_that(e);
	check_is(e->extra, GMB_WAIT_READABLE);
	check_is(e->detail, fds[0]);
	check_is(gmb_manager_close(&m), 0);
	gmb_file_close(&in);
	close(fds[1]);
	reader_close(&r);
	return 0;
}

START_TEST(an_end_names_the_descriptor_waited_for)
{
	check_is(gmb_run(wait_for_bytes, NULL), 0);
}
END_TEST

static intptr_t sleep_a_little(void *arg)
{
	const struct gmb_trace_event *poll, *polled, *ready;
	struct reader r;

	(void)arg;
	begin(&r);
	check_is(gmb_sleep(20 * GMB_MS), 0);
	do {
		poll = reader_find(&r, GMB_TRACE_POLL);
		polled = reader_find(&r, GMB_TRACE_POLLED);
		check_that(poll && polled);
	} while (!poll->arg);
	/* It was to wait for the rest of the time, and did. */
	check_that((gmb_time)poll->arg <= 20 * GMB_MS);
	check_that((gmb_time)poll->arg > 10 * GMB_MS);
	check_is(poll->task, 0);
	check_is(polled->task, 0);
	check_is(polled->arg, 0);
	check_that(polled->time - poll->time >= (gmb_time)poll->arg - GMB_MS);
	ready = reader_find(&r, GMB_TRACE_READY);
	check_that(ready && ready->time >= polled->time);
	check_is(ready->task, 1);
	reader_close(&r);
	return 0;
}

START_TEST(the_wait_of_the_loop_is_told)
{
	check_is(gmb_run(sleep_a_little, NULL), 0);
}
END_TEST

TASK_TEST(the_oldest_events_are_overwritten)
{
	const struct gmb_trace_event *e;
	uint64_t head, first, i;
	struct gmb_scope s;
	struct reader r;

	begin(&r);
	for (i = 0; i < r.head->entries; i++) {
		check_is(gmb_scope_open(&s, (gmb_time)i, GMB_SCOPE_SHIELD), 0);
		(void)gmb_scope_close(&s);
	}
	head = r.head->head;
	check_that(head > 2 * (uint64_t)r.head->entries);
	first = head - r.head->entries;
	/* What is left is whole, in order, and ends with the last. */
	for (i = first; i < head; i++) {
		e = &r.events[i & (r.head->entries - 1)];
		check_that(e->kind == GMB_TRACE_OPEN ||
			   e->kind == GMB_TRACE_EXPIRE ||
			   e->kind == GMB_TRACE_CLOSE);
		check_is(e->arg, &s);
		if (e->kind == GMB_TRACE_OPEN)
			first = (uint64_t)e->arg2;
	}
	check_is(first, r.head->entries - 1);
	reader_close(&r);
	return 0;
}

TASK_TEST(it_goes_on_in_the_same_ring)
{
	struct reader r;

	begin(&r);
	check_is(gmb_observe(0), 0);
	check_is(gmb__loop->page->observe, 0);
	told(&r);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(gmb_yield(), 0);
	check_str(told(&r), "");
	check_is(gmb_observe(GMB_OBSERVE_TRACE), 0);
	check_is(gmb_yield(), 0);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_str(told(&r), "begin:1 ready:1 end:1 begin:1 end:1/1 ready:1 begin:1 ");
	reader_close(&r);
	return 0;
}

TASK_TEST(others_can_only_read_it)
{
	size_t size;
	void *mem;
	int fd;

	check_is(gmb_observe(GMB_OBSERVE_TRACE), 0);
	mem = seen_map(GMB_TRACE_FILE, O_RDONLY, &size);
	munmap(mem, size);
	fd = seen_open(GMB_TRACE_FILE, O_RDWR);
	check_that(fd >= 0);
	check_that(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			0) == MAP_FAILED);
	check_is(write(fd, "x", 1), -1);
	check_is(ftruncate(fd, 0), -1);
	check_is(ftruncate(fd, 1 << 30), -1);
	check_is(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	close(fd);
	return 0;
}

TASK_TEST(without_memory_nothing_changes)
{
	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	gmb__mem_fail_after(0);
	check_is(gmb_observe(GMB_OBSERVE_TRACE), -ENOMEM);
	check_is(gmb__loop->page->observe, GMB_OBSERVE_TIMES);
	check_is(seen_open(GMB_TRACE_FILE, O_RDONLY), -1);
	check_is(gmb_observe(GMB_OBSERVE_TRACE), 0);
	return 0;
}

static intptr_t look_at_once(void *arg)
{
	struct reader r;

	(void)arg;
	reader_open(&r);
	r.next = 0;
	check_str(told(&r), "spawn:1<0 name:1=main ready:1 begin:1 ");
	reader_close(&r);
	return 0;
}

START_TEST(the_environment_asks_from_the_start)
{
	setenv("GMB_OBSERVE", "trace", 1);
	run_test(look_at_once, NULL);
	/* It is gone with its loop. */
	check_is(seen_open(GMB_TRACE_FILE, O_RDONLY), -1);
}
END_TEST

Suite *test_record_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tc = tcase_create("record");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, there_is_none_until_somebody_asks);
	tcase_add_test(tc, a_life_is_told_step_by_step);
	tcase_add_test(tc, a_yield_is_an_end_that_waits_for_nothing);
	tcase_add_test(tc, a_new_name_is_told_and_cut);
	tcase_add_test(tc, scopes_are_told_with_their_deadlines);
	tcase_add_test(tc, a_deadline_in_the_past_expires_where_it_is_set);
	tcase_add_test(tc, an_end_names_the_descriptor_waited_for);
	tcase_add_test(tc, the_wait_of_the_loop_is_told);
	tcase_add_test(tc, the_oldest_events_are_overwritten);
	tcase_add_test(tc, it_goes_on_in_the_same_ring);
	tcase_add_test(tc, others_can_only_read_it);
	tcase_add_test(tc, without_memory_nothing_changes);
	tcase_add_test(tc, the_environment_asks_from_the_start);
	suite_add_tcase(suite, tc);
	return suite;
}
