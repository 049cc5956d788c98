/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "common/say.h"
#include "gmblat/loop.h"

intptr_t loop_run(const struct run *run, gmb_task_fn fn, void *arg)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.flags = GMB_LOOP_NO_SIGINT,
		.backend = run->backend,
		.name = "gmblat",
	};

	return gmb_run_with(&opts, fn, arg);
}

int fail(struct run *run, int error, const char *what)
{
	if (!run->out->why[0])
		snprintf(run->out->why, sizeof(run->out->why), "%s: %s", what,
			 gmb_strerror(error));
	return error;
}

unsigned int kinds_or(const struct settings *settings, unsigned int ours,
		      unsigned int defaults)
{
	return settings->kinds ? settings->kinds & ours : defaults;
}

int64_t case_parameter(const struct lat_case *c, const char *name)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (c->parameters[i].name &&
		    !strcmp(c->parameters[i].name, name))
			return c->parameters[i].value;
	}
	return 0;
}

struct lat_case *case_add(struct lat_case *cases, int *count,
			  const struct experiment *as, const char *format, ...)
{
	struct lat_case *c;
	va_list args;

	if (*count == CASES_MAX)
		exit(say(EXIT_USAGE, "%s would have more than %d cases; ask for fewer kinds or counts",
			 as->name, CASES_MAX));
	c = &cases[(*count)++];
	*c = (struct lat_case){ .as = as };
	va_start(args, format);
	vsnprintf(c->name, sizeof(c->name), format, args);
	va_end(args);
	return c;
}
