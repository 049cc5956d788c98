/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Observation: hooks are called in their order, the page tells the truth.
 */
#include "io_harness.h"
#include "seen.h"
#include "coro/compiler.h"
#include "coro/mem.h"
#include "loop/page.h"

Suite *test_observe_suite(void);

static intptr_t give(void *arg)
{
	return (intptr_t)arg;
}

static intptr_t sleep_long(void *arg)
{
	(void)arg;
	return gmb_sleep(1000 * GMB_SEC);
}

/* Hooks */

static char trace[4096];

static void note(const char *what, struct gmb_task *task)
{
	size_t used = strlen(trace);

	snprintf(trace + used, sizeof(trace) - used, "%s%s%s ", what,
		 task ? ":" : "", task ? gmb_task_name(task) : "");
	/* A hook is no task. */
	check_that(gmb_self() == NULL);
	check_is(gmb_yield(), -EPERM);
}

static void on_start(void *user, struct gmb_loop *loop)
{
	(void)loop;
	check_is(user, 99);
	note("start", NULL);
}

static void on_exit_run(void *user, struct gmb_loop *loop, intptr_t result)
{
	(void)user;
	(void)loop;
	check_is(result, 7);
	note("end", NULL);
}

static void on_spawned(void *user, struct gmb_task *task, gmb_time delay)
{
	(void)user;
	(void)delay;
	note("spawned", task);
}

static void on_scheduled(void *user, struct gmb_task *task)
{
	(void)user;
	note("ready", task);
}

static void on_begin(void *user, struct gmb_task *task)
{
	(void)user;
	note("begin", task);
}

static void on_step_end(void *user, struct gmb_task *task)
{
	(void)user;
	note("pause", task);
}

static void on_exited(void *user, struct gmb_task *task, intptr_t result)
{
	(void)user;
	(void)result;
	note("exited", task);
}

static void on_cancelled(void *user, struct gmb_task *task)
{
	(void)user;
	note("cancelled", task);
}

static void on_failed(void *user, struct gmb_task *task, intptr_t error)
{
	(void)user;
	check_is(error, -EIO);
	note("failed", task);
}

static int io_calls;

static void on_io_begin(void *user, gmb_time span)
{
	(void)user;
	(void)span;
	io_calls++;
}

static void on_io_end(void *user, int completions)
{
	(void)user;
	(void)completions;
	io_calls--;
}

static const struct gmb_hooks hooks = {
	.size = sizeof(hooks),
	.user = (void *)99,
	.run_start = on_start,
	.run_exit = on_exit_run,
	.spawned = on_spawned,
	.scheduled = on_scheduled,
	.step_begin = on_begin,
	.step_end = on_step_end,
	.exited = on_exited,
	.io_begin = on_io_begin,
	.io_end = on_io_end,
	.cancelled = on_cancelled,
	.failed = on_failed,
};

static struct gmb_task *spawn_named(struct gmb_manager *m, const char *name,
				    gmb_task_fn fn, void *arg)
{
	struct gmb_spawn_opts opts = { .name = name };
	struct gmb_task *task;

	check_is(gmb_spawn_with(m, &opts, fn, arg, &task), 0);
	return task;
}

static intptr_t fail_beside_a_sleeper(void *arg)
{
	struct gmb_manager m;

	(void)arg;
	check_is(gmb_manager_open(&m), 0);
	spawn_named(&m, "s", sleep_long, NULL);
	spawn_named(&m, "f", give, (void *)-EIO);
	check_is(gmb_manager_close(&m), -EIO);
	return 7;
}

START_TEST(hooks_follow_the_life_of_tasks)
{
	struct gmb_hooks old = hooks;

	old.size = 8;
	check_is(gmb_hooks_set(&old), -EINVAL);
	check_is(gmb_hooks_set(&hooks), 0);
	check_is(run_fake(fail_beside_a_sleeper, NULL), 7);
	check_is(gmb_hooks_set(NULL), 0);
	check_str(trace,
		  "start spawned:main ready:main begin:main "
		  "spawned:s ready:s spawned:f ready:f pause:main "
		  "begin:s pause:s begin:f failed:f exited:f ready:s cancelled:s pause:f "
		  "begin:s exited:s ready:main pause:s "
		  "begin:main exited:main pause:main end ");
	check_is(io_calls, 0);
	trace[0] = 0;
	check_is(run_fake(fail_beside_a_sleeper, NULL), 7);
	check_str(trace, "");
}
END_TEST

/* The page */

static struct gmb_file *closed_by_hook;

static void close_when_ready(void *user, struct gmb_task *task)
{
	(void)user;
	if (!closed_by_hook || strcmp(gmb_task_name(task), "reader") != 0)
		return;
	check_is(gmb_file_close(closed_by_hook), 0);
	free(closed_by_hook);
	closed_by_hook = NULL;
}

static intptr_t read_one(void *arg)
{
	char c;

	return gmb_read(arg, &c, 1);
}

/* What made the task ready is gone when the hook that is told of it returns. */
REAL_TEST(hook_may_close_the_file_of_the_task_it_is_told_of)
{
	struct gmb_hooks closing = {
		.size = sizeof(closing),
		.scheduled = close_when_ready,
	};
	struct gmb_file *out = malloc(sizeof(*out)), in;
	intptr_t rc = 0, n = 0;
	struct gmb_task *t;

	open_pipe(out, &in);
	gmb_manager(m, rc) {
		t = spawn_named(m, "reader", read_one, out);
		settle();
		closed_by_hook = out;
		check_is(gmb_hooks_set(&closing), 0);
		check_is(gmb_write(&in, "x", 1), 1);
		check_is(gmb_join(t, &n), 0);
		check_is(gmb_hooks_set(NULL), 0);
	}
	check_is(n, 1);
	check_that(!closed_by_hook);
	return rc ? rc : gmb_file_close(&in);
}

TASK_TEST(page_shows_tasks_and_what_they_wait_for)
{
	const struct gmb_row *row, *self;
	const struct gmb_page *page;
	const uint64_t *context;
	struct gmb_manager m;
	size_t size;

	check_is(gmb_manager_open(&m), 0);
	spawn_named(&m, "sleeper", sleep_long, NULL);
	spawn_named(&m, "done", give, (void *)1);
	check_is(gmb_sleep(GMB_SEC), 0);
	page = seen_map(GMB_PAGE_NAME, O_RDONLY, &size);
	check_is(page->magic, GMB_PAGE_MAGIC);
	check_is(page->version, GMB_PAGE_VERSION);
	check_is(page->pid, getpid());
	check_str(page->backend, gmb_loop_backend_name(NULL));
	check_is(page->spawned, 3);
	check_is(page->exited, 1);
	self = seen_row(page, "main");
	check_that(self);
	check_is(self->state, GMB_TASK_RUNNING);
	check_is(self->steps, 2);
	row = seen_row(page, "sleeper");
	check_that(row);
	check_is(row->state, GMB_TASK_WAITING);
	check_is(row->wait_kind, GMB_WAIT_SLEEP);
	check_is(row->parent, 1);
	check_is(row->manager, &m);
	check_is(row->steps, 1);
	check_is(row->seq % 2, 0);
	check_is((gmb_time)row->wait_arg - row->since, 1000 * GMB_SEC);
	check_is(row->flags & 1, 0);
	if (page->context && !GMB__UCONTEXT) {
		context = (const void *)((const char *)row + page->context);
		check_that(context[0] >= row->stack_low &&
			   context[0] < row->stack_low + row->stack_size);
	}
	check_is(seen_row(page, "done")->state, GMB_TASK_DONE);
	gmb_manager_cancel(&m);
	check_is(row->flags & 1, 1);
	check_is(gmb_manager_close(&m), 0);
	check_that(seen_row(page, "sleeper") == NULL);
	munmap((void *)page, size);
	return 0;
}

static intptr_t hold(void *arg)
{
	gmb_time until = gmb_now() + (gmb_time)(intptr_t)arg;

	while (gmb_now() < until)
		;
	return gmb_sleep(20 * GMB_MS);
}

static uint64_t count_of(const struct gmb_page *page, enum gmb_stage stage,
			 gmb_time from)
{
	const struct gmb_histogram *h = seen_histogram(page, stage);
	uint64_t sum = 0;
	unsigned int b;

	for (b = 0; b < GMB_HISTOGRAM_BUCKETS; b++)
		if ((gmb_time)gmb_histogram_value(b) >= from)
			sum += h->buckets[b];
	return sum;
}

static intptr_t observed(void *arg)
{
	const struct gmb_page *page;
	const struct gmb_row *row;
	struct gmb_manager m;
	size_t size;

	(void)arg;
	check_is(gmb_observe(1u << 7), -EINVAL);
	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	check_is(gmb_manager_open(&m), 0);
	spawn_named(&m, "hog", hold, (void *)(5 * GMB_MS));
	spawn_named(&m, "late", give, NULL);
	check_is(gmb_manager_wait(&m), 0);
	page = seen_map(GMB_PAGE_NAME, O_RDONLY, &size);
	check_is(page->observe, GMB_OBSERVE_TIMES);
	check_is(page->running, 1);
	row = seen_row(page, "hog");
	check_that(row->run_ns >= 5 * GMB_MS);
	/* It waited for its turn while the other held the loop. */
	row = seen_row(page, "late");
	check_that(row->worst_ns >= 5 * GMB_MS);
	check_that(count_of(page, GMB_STAGE_STEP, 4 * GMB_MS) >= 1);
	check_that(count_of(page, GMB_STAGE_RESUME, 4 * GMB_MS) >= 1);
	check_that(count_of(page, GMB_STAGE_POLL, 5 * GMB_MS) >= 1);
	check_that(count_of(page, GMB_STAGE_LATE, 0) >= 1);
	check_that(page->timers >= 1);
	check_is(gmb_observe(0), 0);
	check_is(gmb_manager_close(&m), 0);
	munmap((void *)page, size);
	return 0;
}

START_TEST(observed_times_are_where_the_time_went)
{
	check_is(gmb_run(observed, NULL), 0);
}
END_TEST

static struct gmb_control *control_of(size_t *size)
{
	struct gmb_page *page = seen_map(GMB_PAGE_NAME, O_RDWR, size);

	return &page->control;
}

TASK_TEST(others_turn_times_on_for_a_while)
{
	const struct gmb_page *page = gmb__loop->page;
	struct gmb_control *control;
	uint64_t steps;
	size_t size;

	check_is(gmb_observe(0), 0);
	control = control_of(&size);
	control->times_until = gmb_now() + 5 * GMB_SEC;
	check_is(page->observe, 0);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(page->observe, GMB_OBSERVE_TIMES);
	steps = seen_histogram(page, GMB_STAGE_STEP)->count;
	check_that(steps > 0);
	/* It is renewed while it is on. */
	control->times_until = gmb_now() + 5 * GMB_SEC;
	check_is(gmb_sleep(4 * GMB_SEC), 0);
	check_is(page->observe, GMB_OBSERVE_TIMES);
	check_is(gmb_sleep(2 * GMB_SEC), 0);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(page->observe, 0);
	check_is(control->times_until, 0);
	steps = seen_histogram(page, GMB_STAGE_STEP)->count;
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(seen_histogram(page, GMB_STAGE_STEP)->count, steps);
	return 0;
}

TASK_TEST(what_others_take_back_is_over)
{
	const struct gmb_page *page = gmb__loop->page;
	struct gmb_control *control;
	size_t size;

	check_is(gmb_observe(0), 0);
	control = control_of(&size);
	control->trace_until = gmb_now() + 50 * GMB_SEC;
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(page->observe, GMB_OBSERVE_TIMES | GMB_OBSERVE_TRACE);
	control->trace_until = 0;
	control->times_until = gmb_now() + 50 * GMB_SEC;
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(page->observe, GMB_OBSERVE_TIMES);
	control->times_until = 0;
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(page->observe, 0);
	return 0;
}

TASK_TEST(a_wish_lasts_a_minute_at_most)
{
	const struct gmb_page *page = gmb__loop->page;
	struct gmb_control *control;
	size_t size;

	check_is(gmb_observe(0), 0);
	control = control_of(&size);
	control->times_until = INT64_MAX;
	control->trace_until = INT64_MIN;
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(page->observe, GMB_OBSERVE_TIMES);
	check_that(control->times_until <= gmb_now() + 60 * GMB_SEC);
	check_that(control->times_until > gmb_now() + 50 * GMB_SEC);
	check_is(control->trace_until, 0);
	check_is(gmb_sleep(60 * GMB_SEC), 0);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(page->observe, 0);
	return 0;
}

TASK_TEST(what_the_program_wants_stays_when_others_go)
{
	const struct gmb_page *page = gmb__loop->page;
	struct gmb_control *control;
	size_t size;

	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	control = control_of(&size);
	control->trace_until = gmb_now() + 2 * GMB_SEC;
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(gmb_sleep(GMB_SEC / 2), 0);
	check_is(page->observe, GMB_OBSERVE_TIMES | GMB_OBSERVE_TRACE);
	check_is(gmb_observe(0), 0);
	check_is(page->observe, GMB_OBSERVE_TIMES | GMB_OBSERVE_TRACE);
	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	check_is(gmb_sleep(2 * GMB_SEC), 0);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(page->observe, GMB_OBSERVE_TIMES);
	return 0;
}

TASK_TEST(a_wish_without_memory_is_taken_back)
{
	struct gmb_control *control;
	size_t size;

	control = control_of(&size);
	check_is(gmb_sleep(GMB_SEC), 0);
	control->times_until = gmb_now() + 50 * GMB_SEC;
	control->trace_until = gmb_now() + 50 * GMB_SEC;
	gmb__mem_fail_after(0);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(gmb_sleep(GMB_SEC), 0);
	check_is(gmb__mem_fail_after(-1), -1);
	check_is(control->trace_until, 0);
	check_is(gmb__loop->page->observe, GMB_OBSERVE_TIMES);
	return 0;
}

static intptr_t sleep_through_a_wish(void *arg)
{
	const struct gmb_page *page = gmb__loop->page;
	struct gmb_control *control;
	uint64_t sleeps;
	size_t size;

	(void)arg;
	check_is(gmb_observe(0), 0);
	control = control_of(&size);
	check_is(gmb_sleep(GMB_MS), 0);
	sleeps = page->sleeps;
	control->times_until = gmb_now() + 20 * GMB_MS;
	check_is(gmb_sleep(100 * GMB_MS), 0);
	/* It began and ended, and the loop did not wake up for that. */
	check_is(page->sleeps, sleeps + 1);
	return 0;
}

START_TEST(a_wish_wakes_no_loop)
{
	check_is(gmb_run(sleep_through_a_wish, NULL), 0);
}
END_TEST

static intptr_t wait_twice(void *arg)
{
	check_is(gmb_event_wait(arg, NULL), 0);
	return gmb_sleep(GMB_SEC);
}

TASK_TEST(a_delay_begins_with_its_observation)
{
	struct gmb_event event;
	struct gmb_manager m;
	struct gmb_task *task;
	const struct gmb_row *row;

	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	gmb_event_init(&event);
	check_is(gmb_manager_open(&m), 0);
	task = spawn_named(&m, "waiter", wait_twice, &event);
	row = (const struct gmb_row *)task;
	let_run();
	check_is(row->state, GMB_TASK_WAITING);
	/* It became ready, and nobody looked until much later. */
	check_is(gmb_event_trigger(&event, 0), 0);
	check_is(gmb_observe(0), 0);
	gmb__loop->fake_now += 100 * GMB_SEC;
	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	check_is(gmb_manager_close(&m), 0);
	check_is(seen_histogram(gmb__loop->page, GMB_STAGE_RESUME)->max, 0);
	return 0;
}

TASK_TEST(a_step_in_which_observation_ends_is_forgotten)
{
	struct gmb_manager m;

	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	check_is(gmb_manager_open(&m), 0);
	check_is(gmb_yield(), 0);
	check_that(gmb__loop->page->step_since);
	check_is(gmb_observe(0), 0);
	check_is(gmb__loop->page->step_since, 0);
	check_is(gmb__loop->stepping, NULL);
	spawn_named(&m, "other", give, NULL);
	check_is(gmb_manager_close(&m), 0);
	return 0;
}

/* Both are ready at the same time; one has to wait for the other. */
static intptr_t read_and_hold(void *arg)
{
	struct gmb_file *file = arg;
	gmb_time until;
	char c;

	check_is(gmb_read(file, &c, 1), 1);
	for (until = gmb_now() + 5 * GMB_MS; gmb_now() < until;)
		;
	return 0;
}

static intptr_t two_readers(void *arg)
{
	const struct gmb_row *rows[2];
	struct gmb_file file[2];
	struct gmb_manager m;
	int fds[2][2], i;

	(void)arg;
	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	check_is(gmb_manager_open(&m), 0);
	for (i = 0; i < 2; i++) {
		check_is(pipe(fds[i]), 0);
		check_is(gmb_file_wrap(&file[i], fds[i][0]), 0);
		rows[i] = (const struct gmb_row *)spawn_named(
			&m, "reader", read_and_hold, &file[i]);
	}
	check_is(gmb_sleep(5 * GMB_MS), 0);
	check_is(write(fds[0][1], "x", 1), 1);
	check_is(write(fds[1][1], "x", 1), 1);
	check_is(gmb_manager_wait(&m), 0);
	check_that(rows[0]->run_ns >= 5 * GMB_MS);
	check_that(rows[1]->run_ns >= 5 * GMB_MS);
	check_that(rows[0]->worst_ns >= 5 * GMB_MS ||
		   rows[1]->worst_ns >= 5 * GMB_MS);
	check_is(gmb_manager_close(&m), 0);
	for (i = 0; i < 2; i++) {
		gmb_file_close(&file[i]);
		close(fds[i][1]);
	}
	return 0;
}

START_TEST(what_is_ready_together_waits_from_then_on)
{
	check_is(gmb_run(two_readers, NULL), 0);
}
END_TEST

TASK_TEST(every_timer_is_counted_with_its_lateness)
{
	const struct gmb_histogram *late;
	struct gmb_manager m;
	int i;

	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	late = seen_histogram(gmb__loop->page, GMB_STAGE_LATE);
	check_is(gmb_manager_open(&m), 0);
	for (i = 1; i <= 3; i++)
		gmb_schedule(&m, i * GMB_MS, give, NULL);
	let_run();
	/* The loop is held for longer than the first two were to sleep. */
	gmb__loop->fake_now += 2 * GMB_MS + GMB_MS / 2;
	check_is(gmb_manager_close(&m), 0);
	check_is(late->count, 3);
	check_is(late->max, 3 * GMB_MS / 2);
	check_is(late->sum, 2 * GMB_MS);
	return 0;
}

START_TEST(buckets_know_a_value_to_a_sixteenth)
{
	uint64_t v, low;
	unsigned int b;

	for (v = 0; v < 1u << 20; v++) {
		b = gmb_histogram_bucket(v);
		low = gmb_histogram_value(b);
		check_that(low <= v && v - low <= v / 16);
		check_that(v < gmb_histogram_value(b + 1));
	}
	b = gmb_histogram_bucket(UINT64_MAX);
	check_is(b, GMB_HISTOGRAM_BUCKETS - 1);
}
END_TEST

TASK_TEST(values_of_every_size_are_counted)
{
	static const struct {
		gmb_time value, counted;
	} values[] = {
		{ INT64_MIN, 0 }, { -1, 0 }, { 0, 0 }, { 15, 15 }, { 16, 16 },
		{ 17, 17 }, { GMB_SEC, GMB_SEC }, { INT64_MAX, INT64_MAX },
	};
	struct gmb__page *page = &gmb__loop->rows;
	const struct gmb_histogram *h;
	uint64_t sum = 0;
	unsigned int i, b;

	h = seen_histogram(gmb__loop->page, GMB_STAGE_LATE);
	check_is(h->count, 0);
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		b = gmb_histogram_bucket((uint64_t)values[i].counted);
		sum -= h->buckets[b];
		gmb__page_count(page, GMB_STAGE_LATE, values[i].value);
		sum += h->buckets[b];
		check_is(h->count, i + 1);
		check_is(sum, i + 1);
		check_is(h->max, values[i].counted);
	}
	check_that(h->sum == (uint64_t)INT64_MAX + GMB_SEC + 15 + 16 + 17);
	return 0;
}

/* In the middle of a step that is counted something else is wanted. */
TASK_TEST(a_step_may_change_what_is_observed)
{
	const struct gmb_page *page = gmb__loop->page;
	const struct gmb_histogram *h;

	h = seen_histogram(page, GMB_STAGE_STEP);
	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	check_is(gmb_sleep(GMB_MS), 0);
	check_is(h->count, 1);
	check_is(gmb_observe(GMB_OBSERVE_TRACE), 0);
	check_is(gmb_sleep(GMB_MS), 0);
	check_is(h->count, 2);
	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	check_is(gmb_sleep(GMB_MS), 0);
	check_is(h->count, 3);
	/* Off and on again: what came before is forgotten, the rest counts. */
	check_is(gmb_observe(0), 0);
	check_is(gmb_observe(GMB_OBSERVE_TIMES), 0);
	check_is(gmb_sleep(GMB_MS), 0);
	check_is(h->count, 4);
	check_is(page->running, 1);
	check_is(gmb_observe(0), 0);
	check_is(gmb_sleep(GMB_MS), 0);
	check_is(h->count, 4);
	check_is(page->running, 0);
	return 0;
}

/* Whatever the environment says: a test begins with nothing observed. */
static void setup(void)
{
	unsetenv("GMB_OBSERVE");
	check_is(gmb_observe(0), 0);
}

Suite *test_observe_suite(void)
{
	Suite *suite = suite_create("observe");
	TCase *tc = tcase_create("observe");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, hooks_follow_the_life_of_tasks);
	tcase_add_test(tc, hook_may_close_the_file_of_the_task_it_is_told_of);
	tcase_add_test(tc, page_shows_tasks_and_what_they_wait_for);
	tcase_add_test(tc, observed_times_are_where_the_time_went);
	tcase_add_test(tc, others_turn_times_on_for_a_while);
	tcase_add_test(tc, what_others_take_back_is_over);
	tcase_add_test(tc, a_wish_lasts_a_minute_at_most);
	tcase_add_test(tc, what_the_program_wants_stays_when_others_go);
	tcase_add_test(tc, a_wish_without_memory_is_taken_back);
	tcase_add_test(tc, a_wish_wakes_no_loop);
	tcase_add_test(tc, a_delay_begins_with_its_observation);
	tcase_add_test(tc, a_step_in_which_observation_ends_is_forgotten);
	tcase_add_test(tc, what_is_ready_together_waits_from_then_on);
	tcase_add_test(tc, every_timer_is_counted_with_its_lateness);
	tcase_add_test(tc, buckets_know_a_value_to_a_sixteenth);
	tcase_add_test(tc, values_of_every_size_are_counted);
	tcase_add_test(tc, a_step_may_change_what_is_observed);
	suite_add_tcase(suite, tc);
	return suite;
}
