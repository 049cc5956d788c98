/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * What the stress programs share. Each runs many schedules, one per seed, in a
 * child process; the parent watches, so that the seed of a schedule that
 * crashes, hangs or breaks a rule is always printed.
 *
 * SEED=n COUNT=n in the environment run n schedules from that seed on.
 */
#ifndef TESTS_STRESS_HARNESS_H
#define TESTS_STRESS_HARNESS_H

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <giambio.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STRESS_SLOWER	10
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STRESS_SLOWER	10
#endif
#endif
#ifndef STRESS_SLOWER
#define STRESS_SLOWER	1
#endif

/* Seconds without a finished schedule after which it counts as hung. */
#define STRESS_HANG	120

/* A rule of the library: if it is broken say so, and where, and stop. */
#define must(condition)                                                   \
	do {                                                              \
		if (!(condition))                                         \
			stress_fail(__FILE__, __LINE__, #condition);      \
	} while (0)

/* Likewise, two numbers or error codes that must be the same. */
#define must_be(value, expected)                                          \
	do {                                                              \
		intptr_t value_ = (intptr_t)(value);                      \
		intptr_t expected_ = (intptr_t)(expected);                \
		if (value_ != expected_) {                                \
			fprintf(stderr, "%ld is not %ld\n",               \
				(long)value_, (long)expected_);           \
			stress_fail(__FILE__, __LINE__,                   \
				    #value " == " #expected);             \
		}                                                         \
	} while (0)

/* Shared by parent and child. */
struct stress_progress {
	volatile uint64_t seed;
	volatile uint64_t done;
};

/*
 * stress_program - what main() hands to stress_main()
 * @name:  of the test in the TAP output
 * @one:   runs the schedule of a seed
 * @check: how many schedules by default
 * @full:  how many in check-full; both are divided under a sanitizer
 */
struct stress_program {
	const char *name;
	void (*one)(uint64_t seed);
	uint64_t check;
	uint64_t full;
};

static inline void stress_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, what);
	gmb_dump(STDERR_FILENO);
	/* Leave no chance to clean-up code: the state is what is wrong. */
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* Numbers that look random and depend on the seed alone. */
static inline uint64_t stress_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* How many descriptors this process has open. */
static inline int stress_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	must(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline uint64_t stress_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* The process is about to be killed: better a torn picture than none. */
static inline void stress_on_dump(int signum)
{
	(void)signum;
	gmb_dump(STDERR_FILENO);
}

static inline void stress_child(const struct stress_program *program,
				struct stress_progress *progress,
				uint64_t first, uint64_t count)
{
	int before = 0;
	uint64_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGUSR2, stress_on_dump);
	/* Pipes raise it; sockets do not. */
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < count; i++) {
		progress->seed = first + i;
		program->one(first + i);
		/* The first schedule may open what stays. */
		if (i == 0)
			before = stress_descriptors();
		else
			must_be(stress_descriptors(), before);
		progress->done = i + 1;
	}
	exit(0);
}

/* Wait for the child; true if it hung. */
static inline bool stress_watch(pid_t child, struct stress_progress *progress,
				int *status)
{
	uint64_t last = 0;
	int quiet = 0;

	while (waitpid(child, status, WNOHANG) == 0) {
		usleep(100000);
		quiet = progress->done == last ? quiet + 1 : 0;
		last = progress->done;
		if (quiet < 10 * STRESS_HANG)
			continue;
		kill(child, SIGUSR2);
		sleep(2);
		kill(child, SIGKILL);
		waitpid(child, status, 0);
		return true;
	}
	return false;
}

static inline int stress_main(const struct stress_program *program)
{
	const char *level = getenv("GMB_TEST_LEVEL");
	bool full = level && !strcmp(level, "check-full");
	uint64_t first = stress_number("SEED", 1);
	uint64_t count = (full ? program->full : program->check) /
			 STRESS_SLOWER;
	struct stress_progress *progress;
	int status = 0;
	bool hung;
	pid_t child;

	count = stress_number("COUNT", count);
	progress = (struct stress_progress *)mmap(
		NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		return 2;
	fflush(NULL);
	child = fork();
	if (child == 0)
		stress_child(program, progress, first, count);
	hung = stress_watch(child, progress, &status);
	if (!hung && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    progress->done == count) {
		printf("ok 1 - %s: %llu schedules\n1..1\n", program->name,
		       (unsigned long long)count);
		return 0;
	}
	printf("not ok 1 - %s: seed %llu %s (status %#x, after %llu); again: SEED=%llu COUNT=1\n1..1\n",
	       program->name, (unsigned long long)progress->seed,
	       hung ? "hangs" : "fails", (unsigned int)status,
	       (unsigned long long)progress->done,
	       (unsigned long long)progress->seed);
	return 1;
}

#endif
