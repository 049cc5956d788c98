/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The unit tests: every tests/unit/test_<unit>.c is a suite, found at build
 * time. Named suites run, or all of them; the results are TAP on stdout.
 * libcheck's own variables narrow further: CK_RUN_CASE, CK_FORK=no for gdb.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUITE(unit) Suite *test_##unit##_suite(void);
#include "suites.h"
#undef SUITE

static const struct {
	const char *name;
	Suite *(*make)(void);
} suites[] = {
#define SUITE(unit) { #unit, test_##unit##_suite },
#include "suites.h"
#undef SUITE
};

#define N_SUITES (sizeof(suites) / sizeof(suites[0]))

static int list(void)
{
	for (size_t i = 0; i < N_SUITES; i++)
		printf("%s\n", suites[i].name);
	return 0;
}

static int unknown(const char *name)
{
	fprintf(stderr, "unit: no suite is named '%s'; --list shows them\n",
		name);
	return 2;
}

/* Add the suite called @name, or every suite when @name is NULL. */
static int add(SRunner *runner, const char *name)
{
	int added = 0;

	for (size_t i = 0; i < N_SUITES; i++) {
		if (name && strcmp(name, suites[i].name) != 0)
			continue;
		srunner_add_suite(runner, suites[i].make());
		added++;
	}
	return added;
}

int main(int argc, char **argv)
{
	SRunner *runner;
	int failed;

	if (argc > 1 && strcmp(argv[1], "--list") == 0)
		return list();

	runner = srunner_create(NULL);
	if (argc < 2)
		add(runner, NULL);
	for (int i = 1; i < argc; i++) {
		if (!add(runner, argv[i]))
			return unknown(argv[i]);
	}
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
