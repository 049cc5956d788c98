/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
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

const struct argp cmd_common_argp = { options, parse, 0, 0, 0, 0, 0 };

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
	return pages->count ? EXIT_OK : none(pages, common->pid);
}

void cmd_json_begin(struct json *json, const char *command)
{
	json_init(json, stdout, 4);
	json_object(json, NULL);
	json_u64(json, "gmbstat", JSON_VERSION);
	json_string(json, "command", command);
}

int cmd_json_end(struct json *json)
{
	json_finish(json);
	return cmd_end();
}

int cmd_end(void)
{
	/* A reader that has seen enough (head) is no failure. */
	if (fflush(stdout) && errno != EPIPE)
		return say(EXIT_FAILED, "the output cannot be written: %s",
			   strerror(errno));
	return EXIT_OK;
}
