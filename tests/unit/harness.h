/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * What unit tests of tasks share.
 *
 * libcheck leaves a failed test by longjmp() when it does not fork, which would
 * tear a task off its stack. So tests that run tasks use check_that() and its
 * kin, which print the sentence and abort: libcheck then reports the signal.
 * They may be used everywhere, inside tasks and outside.
 */
#ifndef TESTS_UNIT_HARNESS_H
#define TESTS_UNIT_HARNESS_H

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <giambio.h>
#include "loop/loop.h"

#define check_that(condition)                                             \
	do {                                                              \
		if (!(condition)) {                                       \
			fprintf(stderr, "%s:%d: %s: not true: %s\n",      \
				__FILE__, __LINE__, __func__, #condition); \
			abort();                                          \
		}                                                         \
	} while (0)

/* Two integers, pointers or error codes are the same. */
#define check_is(value, expected)                                         \
	do {                                                              \
		intptr_t value_ = (intptr_t)(value);                      \
		intptr_t expected_ = (intptr_t)(expected);                \
		if (value_ != expected_) {                                \
			fprintf(stderr,                                   \
				"%s:%d: %s: %s is %ld, expected %s, %ld\n", \
				__FILE__, __LINE__, __func__, #value,     \
				(long)value_, #expected, (long)expected_); \
			abort();                                          \
		}                                                         \
	} while (0)

/* Two strings are the same. */
#define check_str(value, expected)                                        \
	do {                                                              \
		const char *value_ = (value), *expected_ = (expected);    \
		if (strcmp(value_, expected_)) {                          \
			fprintf(stderr,                                   \
				"%s:%d: %s: %s is \"%s\", expected \"%s\"\n", \
				__FILE__, __LINE__, __func__, #value,     \
				value_, expected_);                       \
			abort();                                          \
		}                                                         \
	} while (0)

/* Run a main task on a loop whose clock jumps, and return its result. */
static inline intptr_t run_fake(gmb_task_fn fn, void *arg)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.flags = GMB_LOOP_FAKE_CLOCK | GMB_LOOP_NO_SIGINT,
	};

	return gmb_run_with(&opts, fn, arg);
}

/* Likewise, for a main task that must end with 0. */
static inline void run_test(gmb_task_fn fn, void *arg)
{
	check_is(run_fake(fn, arg), 0);
}

/*
 * TASK_TEST() - a test whose body is a main task on a fake clock
 *
 * TASK_TEST(name) { ...; return 0; }
 * and then tcase_add_test(tcase, name).
 */
#define TASK_TEST(name)                                                   \
	static intptr_t name##_main(void *unused);                        \
	START_TEST(name)                                                  \
	{                                                                 \
		run_test(name##_main, NULL);                              \
	}                                                                 \
	END_TEST                                                          \
	static intptr_t name##_main(void *unused __attribute__((unused)))

/*
 * REAL_TEST() - the same on the real clock, for what waits for other threads
 */
#define REAL_TEST(name)                                                   \
	static intptr_t name##_main(void *unused);                        \
	START_TEST(name)                                                  \
	{                                                                 \
		check_is(gmb_run(name##_main, NULL), 0);                  \
	}                                                                 \
	END_TEST                                                          \
	static intptr_t name##_main(void *unused __attribute__((unused)))

/* The next scheduling point is one at which the calling task gives way. */
static inline void spend_credit(void)
{
	gmb__loop->credit = 1;
}

/* Let the others run until they all wait, as far as that takes no time. */
static inline void let_run(void)
{
	for (int i = 0; i < 10; i++)
		check_is(gmb_yield(), 0);
}

/*
 * dies() - a function ends the program by abort(), with a sentence
 * @fn:       what dies; runs in a child process
 * @sentence: a part of what it must print to standard error
 */
static inline void dies(void (*fn)(void), const char *sentence)
{
	struct rlimit no_core = { 0, 0 };
	char text[8192];
	size_t length = 0;
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	check_is(pipe(ends), 0);
	pid = fork();
	check_that(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		fn();
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + length, sizeof(text) - 1 - length)) >
	       0)
		length += (size_t)n;
	text[length] = '\0';
	close(ends[0]);
	check_is(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT ||
	    !strstr(text, sentence)) {
		fprintf(stderr, "status %#x, expected \"%s\", printed:\n%s",
			(unsigned int)status, sentence, text);
		abort();
	}
}

#endif
