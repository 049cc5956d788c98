/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include "common/memory.h"
#include "common/units.h"
#include "gmbstat/trace_scopes.h"

static struct trace_scope *find(struct trace_task *task, uint64_t address)
{
	unsigned int i = task->depth < TRACE_SCOPES ? task->depth :
						      TRACE_SCOPES;

	while (i > 0) {
		if (task->scopes[--i].address == address)
			return &task->scopes[i];
	}
	return NULL;
}

static void open_scope(struct trace_task *task,
		       const struct gmb_trace_event *event)
{
	if (!task->scopes)
		task->scopes = memory_zeroed(TRACE_SCOPES,
					     sizeof(*task->scopes));
	if (task->depth < TRACE_SCOPES)
		task->scopes[task->depth] = (struct trace_scope){
			.address = event->arg,
			.opened = event->time,
			.deadline = (int64_t)event->arg2,
			.manager = event->extra,
		};
	task->depth++;
}

static const char *scope_name(const struct trace_scope *scope, char text[64])
{
	const char *what = scope->manager ? "manager" : "scope";
	char span[UNITS_SIZE];

	if (scope->deadline == GMB_NEVER)
		return what;
	units_time(span, scope->deadline - scope->opened);
	snprintf(text, 64, "%s, deadline in %s", what, span);
	return text;
}

static void show_scope(struct trace_loop *loop, struct trace_task *task,
		       const struct trace_scope *scope, int64_t to)
{
	struct json *json = &loop->file->json;
	char text[64];

	trace_file_slice(loop->file, trace_tasks_scopes(&loop->tasks, task),
			 "scope", scope_name(scope, text), scope->opened, to);
	snprintf(text, sizeof(text), "%#llx",
		 (unsigned long long)scope->address);
	json_string(json, "scope", text);
	json_u64(json, "task", task->id);
	if (scope->deadline != GMB_NEVER)
		json_micros(json, "deadline_us",
			    scope->deadline - loop->file->began);
	json_bool(json, "expired", scope->expired);
	trace_file_close(loop->file);
}

static void show_mark(struct trace_loop *loop, struct trace_task *task,
		      const char *name, uint64_t address, int64_t deadline,
		      int64_t at)
{
	char text[32];

	trace_file_instant(loop->file, trace_tasks_scopes(&loop->tasks, task),
			   "scope", name, at);
	snprintf(text, sizeof(text), "%#llx", (unsigned long long)address);
	json_string(&loop->file->json, "scope", text);
	if (deadline != GMB_NEVER)
		json_micros(&loop->file->json, "deadline_us",
			    deadline - loop->file->began);
	trace_file_close(loop->file);
}

/* What was opened inside, and not closed, ends with it. */
static void close_scope(struct trace_loop *loop, struct trace_task *task,
			uint64_t address, int64_t at)
{
	const struct trace_scope *scope = find(task, address);
	struct trace_scope before = {
		.address = address,
		.opened = loop->first,
		.deadline = GMB_NEVER,
	};

	if (!scope && task->depth > TRACE_SCOPES) {
		task->depth--;
		return;
	}
	if (!scope) {
		trace_scopes_end(loop, task, at);
		show_scope(loop, task, &before, at);
		return;
	}
	if (task->depth > TRACE_SCOPES)
		task->depth = TRACE_SCOPES;
	while (&task->scopes[task->depth - 1] != scope)
		show_scope(loop, task, &task->scopes[--task->depth], at);
	show_scope(loop, task, &task->scopes[--task->depth], at);
}

void trace_scopes_event(struct trace_loop *loop, struct trace_task *task,
			const struct gmb_trace_event *event)
{
	struct trace_scope *scope = find(task, event->arg);
	int64_t deadline = (int64_t)event->arg2;

	switch (event->kind) {
	case GMB_TRACE_OPEN:
		open_scope(task, event);
		break;
	case GMB_TRACE_DEADLINE:
		show_mark(loop, task, "gets a deadline", event->arg, deadline,
			  event->time);
		if (scope)
			scope->deadline = deadline;
		break;
	case GMB_TRACE_EXPIRE:
		show_mark(loop, task, "deadline passes", event->arg,
			  scope ? scope->deadline : GMB_NEVER, event->time);
		if (scope)
			scope->expired = true;
		break;
	case GMB_TRACE_CLOSE:
		close_scope(loop, task, event->arg, event->time);
		break;
	}
}

void trace_scopes_end(struct trace_loop *loop, struct trace_task *task,
		      int64_t at)
{
	if (task->depth > TRACE_SCOPES)
		task->depth = TRACE_SCOPES;
	while (task->depth > 0)
		show_scope(loop, task, &task->scopes[--task->depth], at);
}
