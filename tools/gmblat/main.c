/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* gmblat: the latency experiments. */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/say.h"
#include "gmblat/options.h"
#include "gmblat/perform.h"
#include "gmblat/report.h"

/* The options of one experiment may leave another one without a case. */
static int no_case(const struct experiment *e)
{
	return say(EXIT_USAGE,
		   "the experiment '%s' has no case with these --kinds, --counts, --hogs or --slack; see gmblat(8)",
		   e->name);
}

static int draw(const struct options *options, const struct results *results,
		const struct machine *machine)
{
	FILE *file = fopen(options->svg, "we");
	int rc;

	if (!file)
		return say(EXIT_FAILED, "%s cannot be written: %s",
			   options->svg, strerror(errno));
	rc = report_svg(results, machine, file);
	if (fclose(file) && !rc)
		rc = -errno;
	if (rc)
		return say(EXIT_FAILED, "%s cannot be written: %s",
			   options->svg, strerror(-rc));
	return EXIT_OK;
}

/* Run one, and print it as text; JSON is for the caller to print. */
static int run_experiment(const struct options *options,
			  struct results *results,
			  const struct machine *machine)
{
	int rc;

	memset(results->outcomes, 0, sizeof(results->outcomes));
	rc = perform(results);
	if (rc == -EINVAL)
		return no_case(results->experiment);
	if (rc)
		return say(EXIT_FAILED, "it cannot be run: %s", strerror(-rc));
	if (!options->json)
		report_text(results, machine, stdout);
	if (options->svg)
		rc = draw(options, results, machine);
	return failures(results) ? EXIT_FAILED : rc;
}

static int run_all(const struct options *options, struct results *results)
{
	struct machine machine;
	struct json json;
	int i, rc, code = EXIT_OK;

	machine_look(&machine);
	if (options->json)
		report_json_begin(&json, results, &machine, stdout);
	for (i = 0; options->experiments[i] && code != EXIT_USAGE; i++) {
		results->experiment = options->experiments[i];
		if (i && !options->json)
			putchar('\n');
		rc = run_experiment(options, results, &machine);
		if (rc != EXIT_USAGE && options->json)
			report_json(&json, results);
		if (rc)
			code = rc;
		fflush(stdout);
	}
	if (options->json)
		report_json_end(&json);
	if ((fflush(stdout) || ferror(stdout)) && !code)
		code = say(EXIT_FAILED, "the output cannot be written");
	return code;
}

/* Cases first, so that no hour is spent before a mistake is told. */
static int check_cases(const struct options *options)
{
	static struct lat_case cases[CASES_MAX];
	int i;

	for (i = 0; options->experiments[i]; i++) {
		if (options->experiments[i]->prepare(&options->settings,
						     cases) < 0)
			return no_case(options->experiments[i]);
	}
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	static struct backend backends[BACKENDS_MAX];
	struct results *results;
	struct options options;
	int rc;

	setlocale(LC_CTYPE, "");
	rc = options_parse(&options, argc, argv);
	if (rc >= 0)
		return rc;
	rc = check_cases(&options);
	if (rc)
		return rc;
	results = memory_zeroed(1, sizeof(*results));
	results->settings = &options.settings;
	results->backends = backends;
	rc = backends_look(backends, options.backends,
			   &results->backend_count);
	if (rc < 0)
		rc = say(EXIT_USAGE,
			 "--backends cannot be '%s'; give some of kmod, uring and epoll, parted by commas",
			 options.backends);
	else if (!rc)
		rc = say(EXIT_NOTHING, "no backend works: %s",
			 backends[0].why);
	else
		rc = run_all(&options, results);
	free(results);
	return rc;
}
