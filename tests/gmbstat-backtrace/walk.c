/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * For check.sh: walk PID [stop] prints a line for each task of a process: its
 * name, how the walk ended, and its functions, the innermost first, as
 * function@file:line; inlined ones have a ~. With "stop" a thread that runs may
 * be stopped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <giambio/task.h>
#include "common/page.h"
#include "gmbstat/backtrace.h"

static int show(void *arg, const struct backtrace_frame *frame)
{
	const char *slash = frame->file ? strrchr(frame->file, '/') : NULL;

	(void)arg;
	printf(" %s%s", frame->inlined ? "~" : "",
	       frame->function ? frame->function : "?");
	if (frame->file)
		printf("@%s:%d", slash ? slash + 1 : frame->file, frame->line);
	return 0;
}

static void walk_task(struct backtrace *bt, struct page *page, size_t row,
		      int stop)
{
	uint64_t context[PAGE_CONTEXT];
	struct gmb_row task;
	int rc;

	if (!page_row(page, row, &task, context))
		return;
	printf("%s", task.name);
	if (task.state == GMB_TASK_RUNNING)
		rc = backtrace_thread(bt, page->tid, stop, show, NULL);
	else
		rc = backtrace_task(bt, context, show, NULL);
	printf(" = %d\n", rc);
}

int main(int argc, char **argv)
{
	struct backtrace *bt;
	struct pages pages;
	unsigned int i;
	size_t row, rows;
	int rc;

	if (argc < 2)
		return 2;
	rc = pages_find(&pages, atoi(argv[1]));
	if (rc == 0)
		rc = backtrace_open(&bt, atoi(argv[1]));
	if (rc < 0) {
		fprintf(stderr, "walk: %s\n", strerror(-rc));
		return 1;
	}
	for (i = 0; i < pages.count; i++) {
		rows = page_rows(pages.list[i]);
		for (row = 0; row < rows; row++)
			walk_task(bt, pages.list[i], row, argc > 2);
	}
	backtrace_close(bt);
	pages_free(&pages);
	return 0;
}
