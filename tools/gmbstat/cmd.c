/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "common/proc.h"
#include "common/table.h"
#include "gmbstat/cmd.h"

#define MAX_SECONDS	86400
#define JSON_VERSION	1	/* of what is documented in gmbstat(8) */

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0, "Only this process", -2 },
	{ "json", 'j', NULL, 0, "Write JSON, as gmbstat(8) describes it", -2 },
	{ 0 },
};

long cmd_number(struct argp_state *state, const char *option, const char *text,
		long least, long most)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < least || value > most)
		argp_failure(state, EXIT_USAGE, 0,
			     "%s wants a number from %ld to %ld, not '%s'",
			     option, least, most, text);
	return value;
}

long cmd_milliseconds(struct argp_state *state, const char *option,
		      const char *text)
{
	char *end;
	double value = strtod(text, &end);

	/* Written so that what is no number fails, too. */
	if (end == text || *end || !(value >= 0 && value <= MAX_SECONDS))
		argp_failure(state, EXIT_USAGE, 0,
			     "%s wants seconds from 0 to %d, not '%s'", option,
			     MAX_SECONDS, text);
	return (long)(value * 1000 + 0.5);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct cmd_common *common = state->input;

	switch (key) {
	case 'p':
		common->pid = (pid_t)cmd_number(state, "--pid", arg, 1,
						INT_MAX);
		return 0;
	case 'j':
		common->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp common_argp = { options, parse, 0, 0, 0, 0, 0 };

const struct argp_child cmd_children[] = {
	{ &common_argp, 0, NULL, 0 },
	{ 0 },
};

error_t cmd_parse(int key, const char *arg, struct argp_state *state,
		  struct cmd_common *common)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = common;
		return 0;
	case ARGP_KEY_ARG:
		argp_failure(state, EXIT_USAGE, 0, "'%s' is not understood",
			     arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int none(const struct pages *pages, pid_t pid)
{
	if (pages->strange)
		return say(EXIT_FAILED, "a loop was found that another version of giambio runs; use the gmbstat of that version");
	if (pid && pages->denied)
		return say(EXIT_DENIED, "process %d belongs to another user; run gmbstat as that user or as root",
			   (int)pid);
	if (pid)
		return say(EXIT_NOTHING, "process %d runs no giambio loop",
			   (int)pid);
	if (pages->denied)
		return say(EXIT_NOTHING, "no giambio loop runs among your processes; to see other users' run gmbstat as root");
	return say(EXIT_NOTHING, "no giambio loop runs");
}

int cmd_process(const struct cmd_common *common)
{
	struct pages pages;
	int rc;

	if (!common->pid)
		return EXIT_OK;
	rc = cmd_pages(&pages, common);
	pages_free(&pages);
	return rc;
}

int cmd_pages(struct pages *pages, const struct cmd_common *common)
{
	int rc = pages_find(pages, common->pid);

	if (rc == -ESRCH)
		return say(EXIT_NOTHING, "there is no process %d",
			   (int)common->pid);
	if (rc == -EACCES || rc == -EPERM)
		pages->denied++;
	else if (rc)
		return say(EXIT_FAILED, "/proc cannot be read: %s",
			   strerror(-rc));
	if (pages->missed)
		say(0, "not all loops are seen: %s", strerror(-pages->error));
	return pages->count ? EXIT_OK : none(pages, common->pid);
}

void cmd_json_begin(struct json *json, const char *command)
{
	json_init(json, stdout, 4);
	json_object(json, NULL);
	json_u64(json, "gmbstat", JSON_VERSION);
	json_string(json, "command", command);
}

void cmd_json_process(struct json *json, const struct page *page)
{
	json_i64(json, "pid", page->pid);
	json_i64(json, "tid", page->tid);
	json_string(json, "command", page->comm);
}

void cmd_json_loop(struct json *json, const struct page *page)
{
	char name[17], backend[9];

	page_names(page, name, backend);
	json_object(json, NULL);
	cmd_json_process(json, page);
	json_string(json, "name", name);
	json_string(json, "backend", backend);
}

void cmd_put_process(const struct page *page)
{
	printf("process %d (", (int)page->pid);
	table_put(stdout, page->comm, UINT16_MAX);
	putchar(')');
}

int cmd_json_end(struct json *json)
{
	int rc = json_finish(json);

	/* A reader that has seen enough (head) is no failure. */
	if (rc && errno != EPIPE)
		return say(EXIT_FAILED, "the output cannot be written: %s",
			   strerror(errno));
	return EXIT_OK;
}

int cmd_end(void)
{
	/* A reader that has seen enough (head) is no failure. */
	if ((fflush(stdout) || ferror(stdout)) && errno != EPIPE)
		return say(EXIT_FAILED, "the output cannot be written: %s",
			   strerror(errno));
	return EXIT_OK;
}
