/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* gmbstat tasks: the tree of managers and tasks of each loop. */

#include <stdlib.h>
#include <string.h>
#include <giambio/hooks.h>
#include <giambio/task.h>
#include "common/memory.h"
#include "common/proc.h"
#include "common/table.h"
#include "common/units.h"
#include "gmbstat/cmd.h"
#include "gmbstat/pause.h"
#include "gmbstat/stack.h"
#include "gmbstat/tree.h"
#include "gmbstat/wait.h"

#define RENEW_MS	1000
#define LATER_MS	2000	/* until a lease that is not renewed ends */

struct options {
	struct cmd_common common;
	const char *task;	/* a name or an id; NULL: all */
	long measure_ms;
	bool stacks;
	bool ended;
};

/* A loop while it is printed. */
struct report {
	const struct options *options;
	struct page *page;
	struct tree tree;
	struct wait_view view;
	struct stack *stack;	/* NULL: no backtraces are wanted */
	struct table *table;
	struct json *json;
	bool first;		/* nothing was printed before it */
	size_t shown;
};

static const struct table_column columns[] = {
	{ "ID", TABLE_RIGHT, 0 },
	{ "TASK", TABLE_CUT, 0 },
	{ "STATE", TABLE_LEFT, 4 },
	{ "WAITS FOR", TABLE_CUT, 0 },
	{ "SINCE", TABLE_RIGHT, 0 },
	{ "DEADLINE", TABLE_RIGHT, 2 },
	{ "STEPS", TABLE_RIGHT, 3 },
	{ "RUN", TABLE_RIGHT, 5 },
	{ "WORST", TABLE_RIGHT, 1 },
};

/* Whether the user asked for this task. */
static bool is_wanted(const struct options *options, const struct gmb_row *row)
{
	char id[24];

	if (!options->task)
		return true;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)row->id);
	return !strcmp(options->task, id) || !strcmp(options->task, row->name);
}

static int64_t in_state(const struct report *r, const struct gmb_row *row)
{
	int64_t span = r->view.now - row->since;

	return row->since && span > 0 ? span : 0;
}

static const char *deadline(const struct report *r, const struct gmb_row *row,
			    char text[UNITS_SIZE])
{
	if (row->deadline == GMB_NEVER || row->state > GMB_TASK_WAITING)
		return "-";
	return row->deadline > r->view.now ?
		       units_time(text, row->deadline - r->view.now) :
		       "passed";
}

/* Times that nobody has measured are not zero. */
static const char *measured(const struct gmb_row *row, int64_t ns,
			    char text[UNITS_SIZE])
{
	return row->run_ns || row->worst_ns ? units_time(text, ns) : "-";
}

static void put_task(struct report *r, const char *prefix,
		     const struct gmb_row *row)
{
	char wait[WAIT_TEXT], text[UNITS_SIZE];

	table_cell(r->table, "%llu", (unsigned long long)row->id);
	table_cell(r->table, "%s%s", prefix, row->name[0] ? row->name : "-");
	table_cell(r->table, "%s%s", wait_state(row->state),
		   row->flags & 1 && row->state <= GMB_TASK_WAITING ? "!" : "");
	table_cell(r->table, "%s", wait_text(&r->view, row, wait));
	table_cell(r->table, "%s", units_time(text, in_state(r, row)));
	table_cell(r->table, "%s", deadline(r, row, text));
	table_cell(r->table, "%llu", (unsigned long long)row->steps);
	table_cell(r->table, "%s", measured(row, row->run_ns, text));
	table_cell(r->table, "%s", measured(row, row->worst_ns, text));
}

static void put_manager(struct report *r, const struct tree_line *line)
{
	unsigned int i;

	table_cell(r->table, "%s", "");
	table_cell(r->table, "%smanager %#llx: %zu", line->prefix,
		   (unsigned long long)line->manager, line->tasks);
	for (i = 2; i < sizeof(columns) / sizeof(*columns); i++)
		table_cell(r->table, "%s", "");
}

static void put_line(void *user, const struct tree_line *line)
{
	struct report *r = user;

	if (!line->task && !r->options->task)
		put_manager(r, line);
	if (!line->task || !is_wanted(r->options, &line->task->row))
		return;
	put_task(r, r->options->task ? "" : line->prefix, &line->task->row);
	r->shown++;
}

static void put_head(const struct report *r)
{
	char name[17], backend[9];

	page_names(r->page, name, backend);
	if (!r->first)
		putchar('\n');
	cmd_put_process(r->page);
	printf(", thread %d, loop ", (int)r->page->tid);
	table_put(stdout, name, UINT16_MAX);
	fputs(" on ", stdout);
	table_put(stdout, backend, UINT16_MAX);
	printf(", %zu task%s\n", r->tree.count,
	       r->tree.count == 1 ? "" : "s");
}

/* With backtraces a task is a line of its own, and its frames follow. */
static void put_stack(void *user, const struct tree_line *line)
{
	char wait[WAIT_TEXT], text[UNITS_SIZE];
	const struct gmb_row *row;
	struct report *r = user;

	if (!line->task || !is_wanted(r->options, &line->task->row))
		return;
	if (!r->shown++)
		put_head(r);
	row = &line->task->row;
	printf("%llu ", (unsigned long long)row->id);
	table_put(stdout, row->name[0] ? row->name : "-", UINT16_MAX);
	printf(", %s %s", wait_state(row->state),
	       units_time(text, in_state(r, row)));
	if (row->state == GMB_TASK_WAITING) {
		printf(": ");
		table_put(stdout, wait_text(&r->view, row, wait), UINT16_MAX);
	}
	putchar('\n');
	stack_print(r->stack, r->page, line->task, stdout);
}

static void json_address(struct json *json, const char *name, uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)address);
	json_string(json, name, address ? text : NULL);
}

static void json_measured(struct json *json, const char *name, int64_t ns,
			  const struct gmb_row *row)
{
	if (row->run_ns || row->worst_ns)
		json_i64(json, name, ns);
	else
		json_null(json, name);
}

static void write_task(struct report *r, const struct tree_task *task)
{
	const struct gmb_row *row = &task->row;
	struct json *json = r->json;

	json_object(json, NULL);
	json_u64(json, "id", row->id);
	json_string(json, "name", row->name);
	json_u64(json, "parent", row->parent);
	json_address(json, "manager", row->manager);
	json_string(json, "state", wait_state(row->state));
	json_bool(json, "cancelled", row->flags & 1);
	wait_json(&r->view, row, json);
	json_i64(json, "since_ns", in_state(r, row));
	if (row->deadline == GMB_NEVER)
		json_null(json, "deadline_ns");
	else
		json_i64(json, "deadline_ns", row->deadline - r->view.now);
	json_u64(json, "steps", row->steps);
	json_measured(json, "run_ns", row->run_ns, row);
	json_measured(json, "worst_ns", row->worst_ns, row);
	if (r->stack)
		stack_json(r->stack, r->page, task, json);
	json_end(json);
}

static void write_line(void *user, const struct tree_line *line)
{
	struct report *r = user;

	if (!line->task || !is_wanted(r->options, &line->task->row))
		return;
	write_task(r, line->task);
	r->shown++;
}

static void write_loop(struct report *r)
{
	cmd_json_loop(r->json, r->page);
	json_array(r->json, "tasks");
	tree_walk(&r->tree, write_line, r);
	json_end(r->json);
	json_end(r->json);
}

static void print_loop(struct report *r)
{
	if (r->stack) {
		tree_walk(&r->tree, put_stack, r);
		return;
	}
	r->table = table_new(columns, sizeof(columns) / sizeof(*columns));
	tree_walk(&r->tree, put_line, r);
	if (r->shown) {
		put_head(r);
		table_print(r->table, stdout, table_width(stdout));
	}
	table_free(r->table);
}

/* One loop; returns how many of its tasks were shown. */
static size_t report(const struct options *options, struct page *page,
		     struct json *json, bool first)
{
	struct report r = {
		.options = options,
		.page = page,
		.json = json,
		.first = first,
	};

	tree_read(&r.tree, page, options->ended);
	r.view.tree = &r.tree;
	r.view.sockets = sockets_new(page->pid);
	r.view.now = units_now();
	if (options->stacks)
		r.stack = stack_new(page->pid);
	if (json)
		write_loop(&r);
	else
		print_loop(&r);
	stack_free(r.stack);
	sockets_free(r.view.sockets);
	tree_free(&r.tree);
	return r.shown;
}

static void measure(struct pages *pages, long ms)
{
	long step;

	/* A loop that cannot be asked is shown without times. */
	for (; ms > 0; ms -= step) {
		step = RENEW_MS < ms ? RENEW_MS : ms;
		(void)pages_lease(pages, GMB_OBSERVE_TIMES,
				  (step + LATER_MS) * 1000000ll);
		if (pause_ms(step))
			return;
	}
}

static int report_all(struct pages *pages, const struct options *options)
{
	struct json json;
	size_t shown = 0;
	unsigned int i;
	int rc;

	if (options->measure_ms)
		measure(pages, options->measure_ms);
	if (options->common.json) {
		cmd_json_begin(&json, "tasks");
		json_array(&json, "loops");
	}
	for (i = 0; i < pages->count; i++)
		shown += report(options, pages->list[i],
				options->common.json ? &json : NULL, !shown);
	rc = options->common.json ? cmd_json_end(&json) : cmd_end();
	if (rc == EXIT_OK && options->task && !shown)
		return say(EXIT_NOTHING, "no task is called '%s' or has that number",
			   options->task);
	return rc;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'a':
		options->ended = true;
		return 0;
	case 'b':
		options->stacks = true;
		return 0;
	case 'd':
		options->measure_ms =
			cmd_milliseconds(state, "--duration", arg);
		return 0;
	case 't':
		options->task = arg;
		return 0;
	default:
		return cmd_parse(key, arg, state, &options->common);
	}
}

static int run(int argc, char **argv)
{
	static const struct argp_option own[] = {
		{ "all", 'a', NULL, 0,
		  "Also tasks that have ended, while their manager is open", 0 },
		{ "backtrace", 'b', NULL, 0, "Where each task stands", 0 },
		{ "duration", 'd', "SECONDS", 0,
		  "Measure run times and wakeups that long first", 0 },
		{ "task", 't', "TASK", 0,
		  "Only tasks of this name or number", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		own, parse, NULL,
		"Show the tasks of all loops, or of one process's.",
		cmd_children, NULL, NULL,
	};
	struct options options = { 0 };
	struct pages pages;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	rc = cmd_pages(&pages, &options.common);
	if (rc == EXIT_OK)
		rc = report_all(&pages, &options);
	pages_free(&pages);
	return rc;
}

const struct cmd cmd_tasks = {
	.name = "tasks",
	.brief = "the tree of managers and tasks, and what each waits for",
	.run = run,
};
