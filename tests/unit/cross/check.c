/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The runner behind the stand-in for libcheck. A test passes when its process
 * ends as expected; one that outlives its time is killed with its children.
 */
#include "check.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SECONDS 4
#define MAX_FIXTURES 8

struct run {
	const TTest *test;
	int signal;
	int status;
	int start;
	int end;
	struct run *next;
};

struct fixture {
	void (*setup)(void);
	void (*teardown)(void);
};

struct TCase {
	const char *name;
	double seconds;
	struct fixture checked[MAX_FIXTURES];
	struct fixture unchecked[MAX_FIXTURES];
	int n_checked;
	int n_unchecked;
	struct run *runs;
	struct run **runs_end;
	TCase *next;
};

struct Suite {
	const char *name;
	TCase *cases;
	TCase **cases_end;
	Suite *next;
};

struct SRunner {
	Suite *suites;
	Suite **suites_end;
	int number;
	int failed;
};

static void *allocate(size_t size)
{
	void *p = calloc(1, size);

	if (!p) {
		puts("Bail out! no memory for the tests");
		exit(2);
	}
	return p;
}

Suite *suite_create(const char *name)
{
	Suite *suite = allocate(sizeof(*suite));

	suite->name = name;
	suite->cases_end = &suite->cases;
	return suite;
}

void suite_add_tcase(Suite *suite, TCase *tcase)
{
	*suite->cases_end = tcase;
	suite->cases_end = &tcase->next;
}

TCase *tcase_create(const char *name)
{
	TCase *tcase = allocate(sizeof(*tcase));

	tcase->name = name;
	tcase->seconds = DEFAULT_SECONDS;
	tcase->runs_end = &tcase->runs;
	return tcase;
}

void tcase_set_timeout(TCase *tcase, double seconds)
{
	tcase->seconds = seconds;
}

static void add_fixture(struct fixture *list, int *n, void (*setup)(void),
			void (*teardown)(void))
{
	if (*n == MAX_FIXTURES) {
		puts("Bail out! too many fixtures in one case");
		exit(2);
	}
	list[*n].setup = setup;
	list[*n].teardown = teardown;
	(*n)++;
}

void tcase_add_checked_fixture(TCase *tcase, void (*setup)(void),
			       void (*teardown)(void))
{
	add_fixture(tcase->checked, &tcase->n_checked, setup, teardown);
}

void tcase_add_unchecked_fixture(TCase *tcase, void (*setup)(void),
				 void (*teardown)(void))
{
	add_fixture(tcase->unchecked, &tcase->n_unchecked, setup, teardown);
}

void tcase_add_runs(TCase *tcase, const TTest *test, int signal, int status,
		    int start, int end)
{
	struct run *run = allocate(sizeof(*run));

	run->test = test;
	run->signal = signal;
	run->status = status;
	run->start = start;
	run->end = end;
	*tcase->runs_end = run;
	tcase->runs_end = &run->next;
}

void ck_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	printf("# %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

static void set_up(const struct fixture *list, int n)
{
	for (int i = 0; i < n; i++) {
		if (list[i].setup)
			list[i].setup();
	}
}

static void tear_down(const struct fixture *list, int n)
{
	while (n-- > 0) {
		if (list[n].teardown)
			list[n].teardown();
	}
}

static void run_here(const TCase *tcase, const struct run *run, int i)
{
	set_up(tcase->checked, tcase->n_checked);
	run->test->fn(i);
	tear_down(tcase->checked, tcase->n_checked);
}

/* Wait for the test's process until its time is over. Returns 0 and its status,
 * or -1 when it had to be killed.
 */
static int await(pid_t pid, double seconds, int *status)
{
	const struct timespec tick = { 0, 2000000 };
	const char *multiplier = getenv("CK_TIMEOUT_MULTIPLIER");
	struct timespec now;
	double end;

	if (multiplier)
		seconds *= atof(multiplier);
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = (double)now.tv_sec + (double)now.tv_nsec / 1e9 + seconds;
	while (waitpid(pid, status, WNOHANG) == 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (seconds > 0 &&
		    (double)now.tv_sec + (double)now.tv_nsec / 1e9 > end) {
			killpg(pid, SIGKILL);
			waitpid(pid, status, 0);
			return -1;
		}
		nanosleep(&tick, NULL);
	}
	killpg(pid, SIGKILL);
	return 0;
}

/* What went wrong, or NULL. @buffer holds the answer. */
static const char *verdict(const struct run *run, int status, char *buffer,
			   size_t size)
{
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) == run->signal)
			return NULL;
		snprintf(buffer, size, "ended by signal %d", WTERMSIG(status));
		return buffer;
	}
	if (run->signal) {
		snprintf(buffer, size, "ended without signal %d", run->signal);
		return buffer;
	}
	if (WEXITSTATUS(status) == run->status)
		return NULL;
	snprintf(buffer, size, "ended with status %d", WEXITSTATUS(status));
	return buffer;
}

static const char *run_forked(const TCase *tcase, const struct run *run, int i,
			      char *buffer, size_t size)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return "could not fork";
	if (pid == 0) {
		setpgid(0, 0);
		run_here(tcase, run, i);
		exit(EXIT_SUCCESS);
	}
	setpgid(pid, pid);
	if (await(pid, tcase->seconds, &status) < 0)
		return "took too long";
	return verdict(run, status, buffer, size);
}

static void run_one(SRunner *runner, const TCase *tcase, const struct run *run,
		    int i)
{
	const char *fork_wanted = getenv("CK_FORK");
	const char *why = NULL;
	char buffer[64];

	if (fork_wanted && strcmp(fork_wanted, "no") == 0)
		run_here(tcase, run, i);
	else
		why = run_forked(tcase, run, i, buffer, sizeof(buffer));
	runner->number++;
	if (why)
		runner->failed++;
	printf("%sok %d - %s:%s:%s: %s\n", why ? "not " : "", runner->number,
	       run->test->file, tcase->name, run->test->name,
	       why ? why : "Passed");
	fflush(stdout);
}

static void run_case(SRunner *runner, const TCase *tcase)
{
	const char *wanted = getenv("CK_RUN_CASE");

	if (wanted && strcmp(wanted, tcase->name) != 0)
		return;
	set_up(tcase->unchecked, tcase->n_unchecked);
	for (const struct run *run = tcase->runs; run; run = run->next) {
		for (int i = run->start; i < run->end; i++)
			run_one(runner, tcase, run, i);
	}
	tear_down(tcase->unchecked, tcase->n_unchecked);
}

SRunner *srunner_create(Suite *suite)
{
	SRunner *runner = allocate(sizeof(*runner));

	runner->suites_end = &runner->suites;
	if (suite)
		srunner_add_suite(runner, suite);
	return runner;
}

void srunner_add_suite(SRunner *runner, Suite *suite)
{
	*runner->suites_end = suite;
	runner->suites_end = &suite->next;
}

/* TAP on standard output is all there is. */
void srunner_set_tap(SRunner *runner, const char *path)
{
	(void)runner;
	(void)path;
}

void srunner_run_all(SRunner *runner, enum print_output output)
{
	(void)output;
	for (const Suite *suite = runner->suites; suite; suite = suite->next) {
		for (const TCase *c = suite->cases; c; c = c->next)
			run_case(runner, c);
	}
	printf("1..%d\n", runner->number);
	fflush(stdout);
}

int srunner_ntests_failed(SRunner *runner)
{
	return runner->failed;
}

static void free_suite(Suite *suite)
{
	TCase *tcase, *next_case;
	struct run *run, *next_run;

	for (tcase = suite->cases; tcase; tcase = next_case) {
		next_case = tcase->next;
		for (run = tcase->runs; run; run = next_run) {
			next_run = run->next;
			free(run);
		}
		free(tcase);
	}
	free(suite);
}

void srunner_free(SRunner *runner)
{
	Suite *suite, *next;

	for (suite = runner->suites; suite; suite = next) {
		next = suite->next;
		free_suite(suite);
	}
	free(runner);
}
