/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Want of memory and of descriptors, at every single place: each scenario is
 * run with its first request for memory failing, then the second, until no
 * request is left to fail; and with no free descriptor, then one, until all
 * works. Every time it must end, with success or with an error that says what
 * is wanting, and leave nothing behind.
 *
 * Here a seed is the number of a scenario, from 1: the even ones want
 * descriptors.
 */
#include <sys/resource.h>
#include "harness.h"
#include "scarce.h"
#include "coro/mem.h"

#if STRESS_SLOWER > 1 && !defined(__SANITIZE_THREAD__)
#include <sanitizer/lsan_interface.h>
#define check_leaks()	must_be(__lsan_do_recoverable_leak_check(), 0)
#else
#define check_leaks()	((void)0)
#endif

static const struct {
	const char *name;
	gmb_task_fn fn;
} scenarios[] = {
	{ "nothing", scarce_nothing },
	{ "spawn", scarce_spawn },
	{ "spawn_wait", scarce_spawn_wait },
	{ "many tasks", scarce_many },
	{ "scopes", scarce_scopes },
	{ "sync", scarce_sync },
	{ "select", scarce_select },
	{ "pairs", scarce_pairs },
	{ "pipes", scarce_pipes },
	{ "tcp", scarce_tcp },
	{ "serve", scarce_serve },
	{ "resolve", scarce_resolve },
	{ "mailbox", scarce_mailbox },
	{ "thread", scarce_thread },
	{ "reader", scarce_reader },
};

enum { SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]) };

/* Real time bounds it: a thread or a peer may be what is waited for. */
static intptr_t bounded(void *arg)
{
	gmb_task_fn fn = *(const gmb_task_fn *)arg;
	struct gmb_scope scope;
	intptr_t rc;

	rc = gmb_scope_open(&scope, gmb_after(30 * GMB_SEC), 0);
	if (rc < 0)
		return rc;
	rc = fn(NULL);
	must(!gmb_scope_cancelled(&scope));
	must_be(gmb_scope_close(&scope), 0);
	return rc;
}

static bool is_want(intptr_t rc)
{
	return rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE ||
	       rc == -EAGAIN || rc == -ENOBUFS;
}

static intptr_t run(int i)
{
	intptr_t rc = gmb_run(bounded, (void *)&scenarios[i].fn);

	if (rc && !is_want(rc))
		fprintf(stderr, "%s: %s\n", scenarios[i].name,
			gmb_strerror(rc));
	must(rc == 0 || is_want(rc));
	must(!gmb_loop_current());
	return rc;
}

static void want_memory(int i)
{
	long n, left;

	for (n = 0;; n++) {
		int before = stress_descriptors();

		gmb__mem_fail_after(n);
		intptr_t rc = run(i);

		left = gmb__mem_fail_after(-1);
		must_be(stress_descriptors(), before);
		if (left >= 0) {
			must_be(rc, 0);
			break;
		}
		must(n < 100000);
	}
	/* The loop alone needs some. */
	must(n > 2);
	printf("# %s: each of %ld requests for memory was refused once\n",
	       scenarios[i].name, n);
	check_leaks();
}

static void want_descriptors(int i)
{
	struct rlimit limit, few;
	int before = stress_descriptors();
	int first = dup(0);
	int failed = 0, k;
	intptr_t rc;

	close(first);
	getrlimit(RLIMIT_NOFILE, &limit);
	few = limit;
	for (k = 0;; k++) {
		few.rlim_cur = (rlim_t)(first + k);
		must_be(setrlimit(RLIMIT_NOFILE, &few), 0);
		rc = run(i);
		must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
		must_be(stress_descriptors(), before);
		if (rc == 0)
			break;
		failed++;
		must(k < 1000);
	}
	must(failed > 1);
	printf("# %s: refused up to %d free descriptors\n", scenarios[i].name,
	       failed - 1);
	check_leaks();
}

static void exhaust(uint64_t seed)
{
	int i = (int)((seed - 1) / 2) % SCENARIOS;

	/* What the process makes once and keeps is made now. */
	must_be(run(i), 0);
	if (seed % 2)
		want_memory(i);
	else
		want_descriptors(i);
}

int main(void)
{
	static const struct stress_program program = {
		.name = "want of memory and descriptors",
		.one = exhaust,
		.check = 2 * SCENARIOS * STRESS_SLOWER,
		.full = 2 * SCENARIOS * STRESS_SLOWER,
	};

	return stress_main(&program);
}
