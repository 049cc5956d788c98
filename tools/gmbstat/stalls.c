/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* gmbstat stalls: who held a loop up, how long, and where. */

#include <math.h>
#include <stdlib.h>
#include <giambio/hooks.h>
#include "common/memory.h"
#include "common/proc.h"
#include "common/table.h"
#include "common/units.h"
#include "gmbstat/cmd.h"
#include "gmbstat/pause.h"
#include "gmbstat/watch.h"

#define SPAN_MS		10000
#define LEAST_MS	5
#define LOOKS		8	/* in the shortest stall that is told */
#define MIN_LOOK_US	250
#define MAX_LOOK_US	5000

struct options {
	struct cmd_common common;
	long span_ms;
	long least_us;
	bool stacks;
};

struct hunt {
	const struct options *options;
	struct pages *pages;
	struct watch **watches;
	struct json *json;	/* NULL: text */
	int64_t started;
	uint64_t found;
	int64_t longest;
	uint64_t lost;
};

static void print_parts(const struct stall *stall)
{
	char ran[UNITS_SIZE], waited[UNITS_SIZE], blocked[UNITS_SIZE];
	const int64_t rest =
		stall->ns - (int64_t)(stall->cpu_ns + stall->wait_ns);

	if (!stall->parts_known) {
		putchar('\n');
		return;
	}
	printf(" (ran %s, waited for a CPU %s, blocked %s)\n",
	       units_time(ran, (int64_t)stall->cpu_ns),
	       units_time(waited, (int64_t)stall->wait_ns),
	       units_time(blocked, rest));
}

static void print_stall(const struct hunt *hunt, const struct stall *stall)
{
	char text[UNITS_SIZE];

	printf("%+9.3f s  ",
	       (double)(stall->began - hunt->started) / 1e9);
	cmd_put_process(stall->page);
	fputs(", ", stdout);
	if (stall->kind == STALL_THREAD) {
		printf("thread %d was runnable and did not run for %s, in %llu part%s\n",
		       (int)stall->page->tid, units_time(text, stall->ns),
		       (unsigned long long)stall->slices,
		       stall->slices == 1 ? "" : "s");
		return;
	}
	printf("task %llu", (unsigned long long)stall->task);
	if (stall->name[0]) {
		fputs(" (", stdout);
		table_put(stdout, stall->name, UINT16_MAX);
		putchar(')');
	}
	printf(" %s the loop for %s%s",
	       stall->goes_on ? "holds" : "held",
	       stall->exact ? "" : "about ",
	       units_time(text, stall->ns));
	print_parts(stall);
	if (stall->stack)
		stack_print_kept(stall->stack, stdout);
}

static void write_stall(const struct hunt *hunt, const struct stall *stall)
{
	struct json *json = hunt->json;

	json_object(json, NULL);
	json_string(json, "kind",
		    stall->kind == STALL_TASK ? "task" : "thread");
	cmd_json_process(json, stall->page);
	json_i64(json, "at_ns", stall->began - hunt->started);
	json_i64(json, "ns", stall->ns);
	if (stall->parts_known) {
		json_u64(json, "cpu_ns", stall->cpu_ns);
		json_u64(json, "wait_ns", stall->wait_ns);
	} else {
		json_null(json, "cpu_ns");
		json_null(json, "wait_ns");
	}
	if (stall->kind == STALL_THREAD) {
		json_u64(json, "parts", stall->slices);
		json_end(json);
		return;
	}
	json_u64(json, "task", stall->task);
	json_string(json, "name", stall->name);
	json_bool(json, "exact", stall->exact);
	json_bool(json, "goes_on", stall->goes_on);
	if (stall->stack)
		stack_json_kept(stall->stack, json);
	else
		json_null(json, "stack");
	json_end(json);
}

static void tell(void *user, const struct stall *stall)
{
	struct hunt *hunt = user;

	hunt->found++;
	if (stall->ns > hunt->longest)
		hunt->longest = stall->ns;
	if (hunt->json)
		write_stall(hunt, stall);
	else
		print_stall(hunt, stall);
	/* Who waits for a stall wants to see it when it happens. */
	fflush(stdout);
}

/* Often enough to see the shortest stall, seldom enough not to be one. */
static long look_us(const struct options *options)
{
	long us = options->least_us / LOOKS;

	if (us < MIN_LOOK_US)
		return MIN_LOOK_US;
	return us < MAX_LOOK_US ? us : MAX_LOOK_US;
}

static void watch_all(struct hunt *hunt)
{
	const struct options *options = hunt->options;
	const int64_t end = hunt->started + options->span_ms * 1000000ll;
	const long us = look_us(options);
	int64_t now = hunt->started, renew = 0;
	bool ends = false;
	unsigned int i;

	/* What was asked to end looks once more. */
	for (; !ends && (!options->span_ms || now < end); now = units_now()) {
		renew = pages_renew(hunt->pages,
				    GMB_OBSERVE_TIMES | GMB_OBSERVE_TRACE, now,
				    renew);
		ends = pause_us(us);
		for (i = 0; i < hunt->pages->count; i++)
			watch_look(hunt->watches[i]);
	}
}

static void summarize(const struct hunt *hunt, int64_t span)
{
	char least[UNITS_SIZE], longest[UNITS_SIZE], text[UNITS_SIZE];

	units_time(least, hunt->options->least_us * 1000ll);
	units_time(text, span);
	if (hunt->found)
		printf("%llu stall%s of %s or more in %s, the longest %s\n",
		       (unsigned long long)hunt->found,
		       hunt->found == 1 ? "" : "s", least, text,
		       units_time(longest, hunt->longest));
	else
		printf("no stall of %s or more in %s\n", least, text);
	if (hunt->lost)
		printf("%llu events were lost: stalls may be missing\n",
		       (unsigned long long)hunt->lost);
}

static int hunt_all(struct hunt *hunt)
{
	const unsigned int count = hunt->pages->count;
	int64_t span;
	unsigned int i;

	hunt->watches = memory_zeroed(count, sizeof(*hunt->watches));
	for (i = 0; i < count; i++)
		hunt->watches[i] = watch_new(hunt->pages->list[i],
					     hunt->options->least_us * 1000ll,
					     hunt->options->stacks, tell, hunt);
	for (i = 0; i < count; i++)
		watch_begin(hunt->watches[i]);
	hunt->started = units_now();
	watch_all(hunt);
	span = units_now() - hunt->started;
	for (i = 0; i < count; i++) {
		hunt->lost += watch_lost(hunt->watches[i]);
		watch_free(hunt->watches[i]);
	}
	free(hunt->watches);
	if (!hunt->json) {
		summarize(hunt, span);
		return cmd_end();
	}
	json_end(hunt->json);
	json_i64(hunt->json, "watched_ns", span);
	json_u64(hunt->json, "lost", hunt->lost);
	return cmd_json_end(hunt->json);
}

static long take_least(struct argp_state *state, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0.5 && value <= 60000))
		argp_failure(state, EXIT_USAGE, 0,
			     "--min wants milliseconds from 0.5 to 60000, not '%s'",
			     text);
	return lround(value * 1000);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		options->span_ms = cmd_milliseconds(state, "--duration", arg);
		return 0;
	case 'm':
		options->least_us = take_least(state, arg);
		return 0;
	case 'n':
		options->stacks = false;
		return 0;
	default:
		return cmd_parse(key, arg, state, &options->common);
	}
}

static int run(int argc, char **argv)
{
	static const struct argp_option own[] = {
		{ "duration", 'd', "SECONDS", 0,
		  "Watch that long (10); 0: until Ctrl-C", 0 },
		{ "min", 'm', "MS", 0, "Tell of stalls of that length (5)", 0 },
		{ "no-stacks", 'n', NULL, 0,
		  "Do not look where tasks are: no thread is stopped for it", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		own, parse, NULL,
		"Tell of tasks that hold their loop too long, and of loops whose thread could run and does not. Ctrl-C ends it early.",
		cmd_children, NULL, NULL,
	};
	struct options options = {
		.span_ms = SPAN_MS,
		.least_us = LEAST_MS * 1000,
		.stacks = true,
	};
	struct hunt hunt = { .options = &options };
	struct pages pages;
	struct json json;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	rc = cmd_pages(&pages, &options.common);
	if (rc == EXIT_OK) {
		hunt.pages = &pages;
		if (options.common.json) {
			hunt.json = &json;
			cmd_json_begin(&json, "stalls");
			json_array(&json, "stalls");
		}
		rc = hunt_all(&hunt);
	}
	pages_free(&pages);
	return rc;
}

const struct cmd cmd_stalls = {
	.name = "stalls",
	.brief = "tasks that hold their loop, threads that could run and do not",
	.run = run,
};
