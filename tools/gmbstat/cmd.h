/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A command of gmbstat: one file, one struct cmd, one line in main.c's table.
 */
#ifndef TOOLS_GMBSTAT_CMD_H
#define TOOLS_GMBSTAT_CMD_H

#include <argp.h>
#include <stdbool.h>
#include <sys/types.h>
#include "common/json.h"
#include "common/page.h"
#include "common/say.h"

/**
 * struct cmd - a command
 * @name:  what it is called by
 * @brief: what it shows, for the list of commands
 * @run:   does it; argv[0] is "gmbstat NAME". Returns an enum exit_code
 */
struct cmd {
	const char *name;
	const char *brief;
	int (*run)(int argc, char **argv);
};

extern const struct cmd cmd_latency;
extern const struct cmd cmd_loops;
extern const struct cmd cmd_stalls;
extern const struct cmd cmd_tasks;
extern const struct cmd cmd_top;
extern const struct cmd cmd_trace;

/**
 * struct cmd_common - the options that all commands have
 * @pid:  -p, the process; 0: all
 * @json: -j, --json
 */
struct cmd_common {
	pid_t pid;
	bool json;
};

/* The parser of those options: for a command's struct argp. */
extern const struct argp_child cmd_children[];

/*
 * What a command's own parser does with keys that it does not know: ends with a
 * sentence if there is an argument, as most commands take none.
 */
error_t cmd_parse(int key, const char *arg, struct argp_state *state,
		  struct cmd_common *common);

/* A whole number that an option got, within limits; ends with a sentence. */
long cmd_number(struct argp_state *state, const char *option, const char *text,
		long least, long most);

/* Seconds that an option got, with a fraction perhaps, as milliseconds. */
long cmd_milliseconds(struct argp_state *state, const char *option,
		      const char *text);

/**
 * cmd_pages() - find the loops that a command is about
 * @pages:  [out] to be given back with pages_free(), whatever is returned
 * @common: the options
 *
 * Says in a sentence why there is none.
 *
 * Return: EXIT_OK; EXIT_NOTHING no loop runs, or no such process; EXIT_DENIED.
 */
int cmd_pages(struct pages *pages, const struct cmd_common *common);

/**
 * cmd_process() - whether the process that was asked for can be looked at
 * @common: options
 *
 * Return: EXIT_OK, also without one; or an exit code, the reason was said.
 */
int cmd_process(const struct cmd_common *common);

/* Begin the document of a command: an object with "gmbstat" and "command". */
void cmd_json_begin(struct json *json, const char *command);

/* End it; returns the exit code. */
int cmd_json_end(struct json *json);

/* Members that say of which process: "pid", "tid" and "command". */
void cmd_json_process(struct json *json, const struct page *page);

/* Begin an object of a loop: these, its "name" and its "backend". */
void cmd_json_loop(struct json *json, const struct page *page);

/* The same as text: the process and its name, and no more. */
void cmd_put_process(const struct page *page);

/* End a command that has written text; returns the exit code. */
int cmd_end(void);

#endif
