/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Observation: hooks are called in their order, the page tells the truth.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "harness.h"
#include "coro/compiler.h"

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

/* Map the page of this process's loop as another process would. */
static struct gmb_page *open_page(size_t *size)
{
	DIR *dir = opendir("/proc/self/fd");
	char path[300], target[100];
	struct dirent *entry;
	void *page = NULL;
	struct stat st;
	ssize_t n;
	int fd;

	while (!page && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		if (!strstr(target, GMB_PAGE_NAME))
			continue;
		fd = open(path, O_RDONLY);
		check_is(fstat(fd, &st), 0);
		*size = (size_t)st.st_size;
		page = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
		check_that(page != MAP_FAILED);
		close(fd);
	}
	closedir(dir);
	check_that(page);
	return page;
}

static const struct gmb_row *find_row(const struct gmb_page *page,
				      const char *name)
{
	uint32_t c, r;

	for (c = 0; c < page->row_chunks; c++) {
		const char *chunk = (const char *)page + page->rows +
				    c * page->chunk_size;

		for (r = 0; r < page->chunk_rows; r++) {
			const struct gmb_row *row =
				(const void *)(chunk + r * page->row_size);

			if (row->state && !strcmp(row->name, name))
				return row;
		}
	}
	return NULL;
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
	page = open_page(&size);
	check_is(page->magic, GMB_PAGE_MAGIC);
	check_is(page->version, GMB_PAGE_VERSION);
	check_is(page->pid, getpid());
	check_str(page->backend, gmb_loop_backend_name(NULL));
	check_is(page->spawned, 3);
	check_is(page->exited, 1);
	self = find_row(page, "main");
	check_that(self);
	check_is(self->state, GMB_TASK_RUNNING);
	check_is(self->steps, 2);
	check_is(page->running, self->id);
	row = find_row(page, "sleeper");
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
	check_is(find_row(page, "done")->state, GMB_TASK_DONE);
	gmb_manager_cancel(&m);
	check_is(row->flags & 1, 1);
	check_is(gmb_manager_close(&m), 0);
	check_that(find_row(page, "sleeper") == NULL);
	munmap((void *)page, size);
	return 0;
}

static intptr_t hold(void *arg)
{
	gmb_time until = gmb_now() + (gmb_time)(intptr_t)arg;

	while (gmb_now() < until)
		;
	return gmb_sleep(GMB_MS);
}

static uint64_t count_of(const struct gmb_page *page, enum gmb_stage stage,
			 gmb_time from)
{
	const struct gmb_histogram *h =
		(const void *)((const char *)page + page->histograms);
	uint64_t sum = 0;
	unsigned int b;

	for (b = 0; b < GMB_HISTOGRAM_BUCKETS; b++)
		if ((gmb_time)gmb_histogram_value(b) >= from)
			sum += h[stage].buckets[b];
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
	page = open_page(&size);
	check_is(page->observe, GMB_OBSERVE_TIMES);
	row = find_row(page, "hog");
	check_that(row->run_ns >= 5 * GMB_MS);
	/* It waited for its turn while the other held the loop. */
	row = find_row(page, "late");
	check_that(row->worst_ns >= 5 * GMB_MS);
	check_is(count_of(page, GMB_STAGE_STEP, 4 * GMB_MS), 1);
	check_that(count_of(page, GMB_STAGE_RESUME, 4 * GMB_MS) >= 1);
	check_that(count_of(page, GMB_STAGE_POLL, GMB_MS / 2) >= 1);
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

Suite *test_observe_suite(void)
{
	Suite *suite = suite_create("observe");
	TCase *tc = tcase_create("observe");

	tcase_add_test(tc, hooks_follow_the_life_of_tasks);
	tcase_add_test(tc, page_shows_tasks_and_what_they_wait_for);
	tcase_add_test(tc, observed_times_are_where_the_time_went);
	tcase_add_test(tc, buckets_know_a_value_to_a_sixteenth);
	suite_add_tcase(suite, tc);
	return suite;
}
