/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Observes all contexts of the module, as gmbstat does, until it is killed:
 * "lease histograms" or "lease events". Says "observing" when it has begun.
 * Root's only, and so of the machine of bench/observe/run.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "../../tests/kselftest/nl.h"

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	bool events = !strcmp(what, "events");
	static struct nl_batch batch;
	struct nl nl;
	int rc;

	if (!events && strcmp(what, "histograms")) {
		fprintf(stderr, "usage: %s histograms | events\n", argv[0]);
		return 2;
	}
	rc = nl_open(&nl);
	if (!rc)
		rc = nl_observe(&nl, 0, events ? GMB_NL_OBSERVE_EVENTS
					       : GMB_NL_OBSERVE_HISTOGRAMS);
	if (rc) {
		fprintf(stderr, "lease: %s\n", strerror(-rc));
		return 1;
	}
	puts("observing");
	fflush(stdout);
	do {
		rc = nl_batch(&nl, &batch, -1);
	} while (!rc || rc == -EAGAIN);
	fprintf(stderr, "lease: %s\n", strerror(-rc));
	return 1;
}
