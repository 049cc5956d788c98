/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* Many sleeping tasks in giambio; their results are kept until the close. */

#include <giambio.h>
#include "memory.h"

static gmb_time wake_at;
static long asleep, woken;

static void must(intptr_t rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, gmb_strerror(rc));
	exit(3);
}

static intptr_t sleeper(void *arg)
{
	int rc;

	asleep++;
	rc = gmb_sleep_until(wake_at);
	woken++;
	return rc ? rc : (intptr_t)arg;
}

static intptr_t timer_task(void *arg)
{
	const struct sleepers_args *args = arg;
	uint64_t state = gmb_task_id(gmb_self()) * 2654435761u + 1;
	int i, rc = 0;

	for (i = 0; i < TIMER_ROUNDS && !rc; i++)
		rc = gmb_sleep(sleepers_random(&state, args->count));
	return rc;
}

static void spawn_all(struct gmb_manager *m, gmb_task_fn fn, void *arg,
		      long count)
{
	long i;

	must(gmb_manager_open(m), "gmb_manager_open");
	for (i = 0; i < count; i++)
		gmb_spawn(m, fn, arg);
}

static intptr_t run_sleep(void *arg)
{
	const struct sleepers_args *args = arg;
	long rss = memory_rss(), pte = memory_pte();
	int64_t start = bench_cpu(), pause;
	struct gmb_manager m;

	wake_at = gmb_after(sleepers_span(args->count, args->us_each));
	spawn_all(&m, sleeper, NULL, args->count);
	while (asleep < args->count && !woken)
		must(gmb_yield(), "gmb_yield");
	pause = bench_cpu();
	sleepers_check(woken);
	rss = memory_rss() - rss;
	pte = memory_pte() - pte;
	start += bench_cpu() - pause;
	must(gmb_manager_close(&m), "gmb_manager_close");
	sleepers_report(args->count, rss, pte, bench_cpu() - start);
	return 0;
}

static intptr_t run_timers(void *arg)
{
	const struct sleepers_args *args = arg;
	struct gmb_manager m;
	int64_t start;

	spawn_all(&m, timer_task, arg, args->count);
	start = bench_cpu();
	must(gmb_manager_close(&m), "gmb_manager_close");
	timers_report(args->count, bench_cpu() - start);
	return 0;
}

int main(int argc, char **argv)
{
	struct sleepers_args args = sleepers_parse(argc, argv);

	must(gmb_run(args.timers ? run_timers : run_sleep, &args), "gmb_run");
	return 0;
}
