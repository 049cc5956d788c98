/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "gmblat/loop.h"
#include "gmblat/perform.h"
#include "gmblat/progress.h"
#include "gmblat/random.h"
#include "gmblat/stream.h"

static const char *const backend_names[BACKENDS_MAX] = {
	"kmod", "uring", "epoll",
};

/* Backends */

static intptr_t do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* In a child: try it, with what the library says going into a pipe. */
static void try_backend(const struct backend *backend, int out)
{
	struct run run = { .backend = backend->name };

	dup2(out, STDERR_FILENO);
	_exit(loop_run(&run, do_nothing, NULL) ? 1 : 0);
}

/* Leave the reason of the sentence that the library has said. */
static void keep_reason(struct backend *backend)
{
	static const char before[] = "does not work here: ";
	char *reason = strstr(backend->why, before);

	backend->why[strcspn(backend->why, "\n")] = '\0';
	if (reason)
		memmove(backend->why, reason + strlen(before),
			strlen(reason + strlen(before)) + 1);
}

static void look_at(struct backend *backend)
{
	int ends[2], status = 1;
	FILE *says;
	pid_t pid;

	if (pipe(ends))
		return;
	pid = fork();
	if (pid == 0)
		try_backend(backend, ends[1]);
	close(ends[1]);
	says = fdopen(ends[0], "r");
	if (says && fgets(backend->why, sizeof(backend->why), says))
		keep_reason(backend);
	if (says)
		fclose(says);
	if (pid > 0 && waitpid(pid, &status, 0) == pid)
		backend->usable = status == 0;
	if (!backend->usable && !backend->why[0])
		snprintf(backend->why, sizeof(backend->why),
			 "it could not be tried");
}

/* Is a name in a list whose names are parted by commas? */
static bool names(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (; list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL) {
		if (!strncmp(list, name, len) &&
		    (!list[len] || list[len] == ','))
			return true;
	}
	return false;
}

static unsigned int names_in(const char *list)
{
	unsigned int count = 1;

	for (; *list; list++)
		count += *list == ',';
	return count;
}

int backends_look(struct backend *backends, const char *wanted,
		  unsigned int *count)
{
	int usable = 0;
	unsigned int i;

	*count = 0;
	for (i = 0; i < BACKENDS_MAX; i++) {
		struct backend *backend = &backends[*count];

		if (wanted && !names(wanted, backend_names[i]))
			continue;
		*backend = (struct backend){ .name = backend_names[i] };
		look_at(backend);
		usable += backend->usable;
		++*count;
	}
	return wanted && *count != names_in(wanted) ? -EINVAL : usable;
}

/* Runs */

/*
 * How long a run may take before it is taken for hung, s. Opening and closing
 * 100,000 connections takes minutes where the processor is emulated.
 */
static unsigned int patience(const struct settings *settings)
{
	int64_t events = (int64_t)(settings->events + settings->warmup);
	int64_t s = 10 * (events * settings->interval / SEC) + 600;

	return s < 86400 ? (unsigned int)s : 86400;
}

static void run_and_exit(struct run *run)
{
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	alarm(patience(run->settings));
	rc = run->lat_case->as->run(run);
	if (rc) {
		fail(run, rc, "it failed");
		run->out->state = OUTCOME_FAILED;
	} else if (run->out->state == OUTCOME_NONE) {
		run->out->state = OUTCOME_DONE;
	}
	_exit(0);
}

static void explain_death(struct outcome *out, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(out->why, sizeof(out->why),
			 "it had not ended long after its time");
	else if (WIFSIGNALED(status))
		snprintf(out->why, sizeof(out->why),
			 "its process was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(out->why, sizeof(out->why),
			 "its process ended with status %d",
			 WEXITSTATUS(status));
	out->state = OUTCOME_FAILED;
}

/* Wait for the child, looking at how far it is if somebody wants to see it. */
static int wait_for(pid_t pid, struct progress *progress,
		    const struct outcome *out)
{
	int status;

	while (waitpid(pid, &status, progress->on ? WNOHANG : 0) != pid) {
		progress_show(progress,
			      __atomic_load_n(&out->progress,
					      __ATOMIC_RELAXED));
		usleep(progress->on ? 200000 : 0);
	}
	return status;
}

static void run_one(struct run *run, struct progress *progress)
{
	struct outcome *out = run->out;
	int status;
	pid_t pid;

	memset(out, 0, sizeof(*out));
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_and_exit(run);
	if (pid < 0) {
		snprintf(out->why, sizeof(out->why), "%s", strerror(errno));
		out->state = OUTCOME_FAILED;
		return;
	}
	status = wait_for(pid, progress, out);
	if (status || out->state == OUTCOME_NONE)
		explain_death(out, status);
}

/* A run that failed counts for the case, whatever the others did. */
static void add(struct outcome *sum, const struct outcome *one)
{
	if (sum->state == OUTCOME_FAILED)
		return;
	if (sum->state == OUTCOME_NONE)
		sum->min = one->min;
	sum->state = one->state;
	memcpy(sum->why, one->why, sizeof(sum->why));
	histogram_merge(&sum->latency, &one->latency);
	histogram_merge(&sum->urgent, &one->urgent);
	histogram_merge(&sum->late, &one->late);
	if (one->min < sum->min)
		sum->min = one->min;
	sum->events += one->events;
	sum->elapsed += one->elapsed;
	sum->cpu += one->cpu;
	sum->sleeps += one->sleeps;
	sum->early += one->early;
	sum->blocked += one->blocked;
	if (one->reached && (!sum->reached || one->reached < sum->reached))
		sum->reached = one->reached;
	if (one->memory > sum->memory)
		sum->memory = one->memory;
}

/* The same for every backend, another one for every case and round. */
static uint64_t seed_of(const struct results *results, unsigned int number,
			unsigned int round)
{
	uint64_t state = results->settings->seed + number * 1000003u + round;

	return random_next(&state);
}

static void run_case(struct results *results, unsigned int number,
		     unsigned int round, struct progress *progress,
		     struct outcome *one)
{
	struct run run = {
		.settings = results->settings,
		.lat_case = &results->cases[number],
		.seed = seed_of(results, number, round),
		.out = one,
	};
	unsigned int i;

	for (i = 0; i < results->backend_count; i++) {
		if (!results->backends[i].usable)
			continue;
		run.backend = results->backends[i].name;
		progress_begin(progress, run.backend, run.lat_case->name,
			       round);
		run_one(&run, progress);
		add(&results->outcomes[number][i], one);
	}
}

int perform(struct results *results)
{
	const struct experiment *e = results->experiment;
	struct outcome *one = shared_memory(sizeof(*one));
	struct progress progress;
	unsigned int round, i;
	int count = e->prepare(results->settings, results->cases);

	if (count < 0)
		return count;
	if (!one)
		return -ENOMEM;
	results->count = (unsigned int)count;
	progress_init(&progress, results);
	for (round = 0; round < results->settings->rounds; round++) {
		for (i = 0; i < results->count; i++)
			run_case(results, i, round, &progress, one);
	}
	progress_end(&progress);
	return 0;
}
