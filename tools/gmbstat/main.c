/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* gmbstat: giambio's loops as they can be seen from outside. */

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gmbstat/cmd.h"
#include "gmbstat/limit.h"

static const struct cmd *const commands[] = {
	&cmd_loops,
	&cmd_tasks,
	&cmd_latency,
	&cmd_stalls,
	&cmd_top,
	&cmd_trace,
};

#define COMMANDS	(sizeof(commands) / sizeof(*commands))

const char *argp_program_version = "gmbstat " GMB_VERSION;

static void list(FILE *out)
{
	unsigned int i;

	fputs("Usage: gmbstat COMMAND [OPTION...]\n"
	      "See giambio's loops and tasks, of all processes that you may look into.\n\n",
	      out);
	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name,
			commands[i]->brief);
	fputs("\ngmbstat COMMAND --help tells the options, gmbstat(8) the rest.\n",
	      out);
}

static int unknown(const char *name)
{
	unsigned int i;

	fprintf(stderr, "gmbstat: there is no command '%s', but there are:",
		name);
	for (i = 0; i < COMMANDS; i++)
		fprintf(stderr, "%s %s", i ? "," : "", commands[i]->name);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	char name[64];

	snprintf(name, sizeof(name), "gmbstat %s", cmd->name);
	argv[0] = name;
	return cmd->run(argc, argv);
}

int main(int argc, char **argv)
{
	unsigned int i;

	setlocale(LC_CTYPE, "");
	argp_err_exit_status = EXIT_USAGE;
	signal(SIGPIPE, SIG_IGN);
	limit_raise();
	if (argc < 2) {
		list(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") ||
	    !strcmp(argv[1], "help")) {
		list(stdout);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts(argp_program_version);
		return EXIT_OK;
	}
	for (i = 0; i < COMMANDS; i++) {
		if (!strcmp(argv[1], commands[i]->name))
			return run(commands[i], argc - 1, argv + 1);
	}
	return unknown(argv[1]);
}
