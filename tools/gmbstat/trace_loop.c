/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdlib.h>
#include <string.h>
#include <giambio/task.h>
#include "common/memory.h"
#include "common/proc.h"
#include "common/units.h"
#include "gmbstat/trace_loop.h"
#include "gmbstat/trace_scopes.h"
#include "gmbstat/wait.h"

#define KIND_LOST	0xffff		/* events are missing here: arg */
#define KEPT_MAX	(4u << 20)	/* events, 160 MiB */

/* Tasks that are there already have names, and wait for something. */
static void take_rows(struct trace_loop *loop)
{
	size_t rows = page_rows(loop->page), i;
	struct trace_task *task;
	struct gmb_row row;

	for (i = 0; i < rows; i++) {
		if (!page_row(loop->page, i, &row, NULL) ||
		    row.state > GMB_TASK_WAITING)
			continue;
		task = trace_tasks_get(&loop->tasks, row.id);
		trace_task_name(task, row.name);
		if (row.state != GMB_TASK_WAITING || row.since <= 0)
			continue;
		task->state = TRACE_WAITS;
		task->wait_kind = row.wait_kind;
		task->wait_fd = row.wait_fd;
		task->since = row.since > loop->file->began ?
			row.since : loop->file->began;
	}
}

void trace_loop_init(struct trace_loop *loop, struct trace_file *file,
		     struct page *page, uint32_t number)
{
	char name[17], backend[9], text[64];

	*loop = (struct trace_loop){
		.page = page,
		.file = file,
		.track = { page->pid, (uint32_t)page->tid },
	};
	trace_tasks_init(&loop->tasks, file, page->pid,
			 number * TRACE_LOOP_ORDER + 10);
	page_names(page, name, backend);
	/* One that has ended has no name but its loop's. */
	trace_file_name_process(file, page->pid,
				strcmp(page->comm, "?") ? page->comm : name);
	snprintf(text, sizeof(text), "loop %s (%s)", name, backend);
	trace_file_name_track(file, loop->track, text,
			      number * TRACE_LOOP_ORDER);
	take_rows(loop);
}

void trace_loop_fini(struct trace_loop *loop)
{
	trace_tasks_fini(&loop->tasks);
	ring_close(loop->ring);
	free(loop->kept);
	page_free(loop->page);
}

/* What a task that waits does, in a few words. */
static const char *wait_name(const struct trace_task *task, char text[64])
{
	const char *kind = wait_kind(task->wait_kind);

	if (task->wait_kind == GMB_WAIT_NONE)
		return "gives way";
	if (task->wait_fd >= 0)
		snprintf(text, 64, "waits: %s %d", kind, task->wait_fd);
	else
		snprintf(text, 64, "waits: %s", kind);
	return text;
}

static void show_run(struct trace_loop *loop, struct trace_task *task,
		     int64_t to)
{
	struct json *json = &loop->file->json;
	struct trace_track track = trace_tasks_track(&loop->tasks, task);

	trace_file_slice(loop->file, track, "task", "runs", task->since, to);
	json_u64(json, "task", task->id);
	if (task->lane->shared && task->name[0])
		json_string(json, "name", task->name);
	if (task->ended)
		json_i64(json, "result", task->result);
	trace_file_close(loop->file);
	trace_file_slice(loop->file, loop->track, "loop",
			 task->name[0] ? task->name : "task", task->since, to);
	json_u64(json, "task", task->id);
	trace_file_close(loop->file);
}

/* The state that ends now was this. */
static void show_state(struct trace_loop *loop, struct trace_task *task,
		       int64_t to)
{
	struct trace_track track;
	char text[64];

	if (task->state == TRACE_UNKNOWN || task->since <= 0)
		return;
	if (task->state == TRACE_RUNS) {
		show_run(loop, task, to);
		return;
	}
	track = trace_tasks_track(&loop->tasks, task);
	if (task->state == TRACE_READY)
		trace_file_slice(loop->file, track, "task", "ready",
				 task->since, to);
	else
		trace_file_slice(loop->file, track, "wait",
				 wait_name(task, text), task->since, to);
	json_u64(&loop->file->json, "task", task->id);
	trace_file_close(loop->file);
}

static void enter(struct trace_task *task, enum trace_state state, int64_t at)
{
	task->state = state;
	task->since = at;
}

/*
 * Who woke it: the task that runs, else the poll that brought it. An arrow
 * starts within a slice, so one from the end of a poll starts just before it.
 */
static void note_waker(struct trace_loop *loop, struct trace_task *task,
		       int64_t at)
{
	task->waker.tid = 0;
	task->waker_time = at;
	if (loop->running) {
		task->waker = trace_tasks_track(&loop->tasks, loop->running);
	} else if (loop->polls && at > loop->polls) {
		task->waker = loop->track;
		task->waker_time = at - 1;
	}
}

static void on_ready(struct trace_loop *loop, struct trace_task *task,
		     int64_t at)
{
	if (task->state == TRACE_READY)
		return;
	if (task->state == TRACE_RUNS) {
		task->ready_at = at;
		return;
	}
	show_state(loop, task, at);
	enter(task, TRACE_READY, at);
	note_waker(loop, task, at);
}

static void on_begin(struct trace_loop *loop, struct trace_task *task,
		     int64_t at)
{
	if (loop->running && loop->running != task)
		show_state(loop, loop->running, at);
	show_state(loop, task, at);
	if (task->state == TRACE_READY && task->waker.tid)
		trace_file_arrow(loop->file, "wakes", task->waker,
				 task->waker_time,
				 trace_tasks_track(&loop->tasks, task), at);
	task->waker.tid = 0;
	task->ready_at = 0;
	enter(task, TRACE_RUNS, at);
	loop->running = task;
}

static void on_end(struct trace_loop *loop, struct trace_task *task,
		   const struct gmb_trace_event *event)
{
	bool ready = task->ready_at != 0;

	loop->running = NULL;
	show_state(loop, task, event->time);
	if (task->ended) {
		trace_scopes_end(loop, task, event->time);
		trace_tasks_drop(&loop->tasks, task, event->time);
		return;
	}
	task->wait_kind = event->extra;
	task->wait_fd = event->detail;
	task->ready_at = 0;
	enter(task, ready ? TRACE_READY : TRACE_WAITS, event->time);
}

static void on_exit_event(struct trace_loop *loop, struct trace_task *task,
			  const struct gmb_trace_event *event)
{
	task->ended = true;
	task->result = (int64_t)event->arg;
	/* One that never ran has no end either. */
	if (task->state == TRACE_RUNS)
		return;
	show_state(loop, task, event->time);
	trace_scopes_end(loop, task, event->time);
	trace_tasks_drop(&loop->tasks, task, event->time);
}

static void show_instant(struct trace_loop *loop, struct trace_task *task,
			 const char *name, int64_t at)
{
	trace_file_instant(loop->file, trace_tasks_track(&loop->tasks, task),
			   "task", name, at);
	json_u64(&loop->file->json, "task", task->id);
	if (task->parent)
		json_u64(&loop->file->json, "parent", task->parent);
	trace_file_close(loop->file);
}

static void on_polled(struct trace_loop *loop, uint64_t done, int64_t at)
{
	if (!loop->polls)
		return;
	trace_file_slice(loop->file, loop->track, "loop",
			 loop->may_wait ? "waits" : "polls", loop->polls, at);
	json_u64(&loop->file->json, "completions", done);
	if (loop->may_wait != GMB_NEVER)
		json_micros(&loop->file->json, "may_wait_us", loop->may_wait);
	trace_file_close(loop->file);
	loop->polls = 0;
}

static void task_event(struct trace_loop *loop,
		       const struct gmb_trace_event *event)
{
	struct trace_task *task = trace_tasks_get(&loop->tasks, event->task);

	switch (event->kind) {
	case GMB_TRACE_SPAWN:
		task->parent = event->arg;
		break;
	case GMB_TRACE_NAME:
		trace_task_name(task, event->text);
		break;
	case GMB_TRACE_READY:
		on_ready(loop, task, event->time);
		break;
	case GMB_TRACE_BEGIN:
		on_begin(loop, task, event->time);
		break;
	case GMB_TRACE_END:
		on_end(loop, task, event);
		break;
	case GMB_TRACE_EXIT:
		on_exit_event(loop, task, event);
		break;
	case GMB_TRACE_CANCEL:
		show_instant(loop, task, "cancelled", event->time);
		break;
	default:
		trace_scopes_event(loop, task, event);
	}
}

static void show_event(struct trace_loop *loop,
		       const struct gmb_trace_event *event)
{
	/* A trace that others may write can lie; time does not go back. */
	struct gmb_trace_event e = *event;

	if (e.time < loop->last)
		e.time = loop->last;
	if (e.time > units_now())
		return;
	loop->last = e.time;
	if (!loop->first)
		loop->first = e.time;
	loop->count++;
	if (e.kind == GMB_TRACE_POLL) {
		loop->polls = e.time;
		loop->may_wait = (int64_t)e.arg;
	} else if (e.kind == GMB_TRACE_POLLED) {
		on_polled(loop, e.arg, e.time);
	} else if (e.task) {
		task_event(loop, &e);
	}
}

/* Ends at the time of the last event of the loop. */
static void forget(void *user, struct trace_task *task)
{
	struct trace_loop *loop = user;

	show_state(loop, task, loop->last);
	trace_scopes_end(loop, task, loop->last);
	enter(task, TRACE_UNKNOWN, 0);
	task->ready_at = 0;
	task->waker.tid = 0;
}

static void show_lost(struct trace_loop *loop, uint64_t count, int64_t at)
{
	char text[64];

	trace_tasks_each(&loop->tasks, forget, loop);
	loop->running = NULL;
	loop->polls = 0;
	if (at < loop->last)
		at = loop->last;
	snprintf(text, sizeof(text), "%llu events lost",
		 (unsigned long long)count);
	trace_file_slice(loop->file, loop->track, "lost", text,
			 loop->last ? loop->last : at, at);
	json_u64(&loop->file->json, "events", count);
	trace_file_close(loop->file);
	take_rows(loop);
}

static void keep(struct trace_loop *loop, const struct gmb_trace_event *event)
{
	if (loop->kept_end == loop->kept_room) {
		loop->kept_room = loop->kept_room ? 2 * loop->kept_room : 4096;
		loop->kept = memory_get(loop->kept, loop->kept_room *
							    sizeof(*event));
	}
	loop->kept[loop->kept_end++] = *event;
}

/* A gap is kept as an event of its own. */
static void keep_lost(struct trace_loop *loop, int64_t at)
{
	const struct gmb_trace_event gap = {
		.time = at,
		.kind = KIND_LOST,
		.arg = ring_lost(loop->ring) - loop->lost,
	};

	if (gap.arg)
		keep(loop, &gap);
	loop->lost += gap.arg;
}

static void take_event(void *user, const struct gmb_trace_event *event)
{
	struct trace_loop *loop = user;

	keep_lost(loop, event->time);
	if (event->kind != KIND_LOST)
		keep(loop, event);
}

size_t trace_loop_take(struct trace_loop *loop)
{
	size_t before = loop->kept_end;

	if (!loop->ring || loop->kept_end >= KEPT_MAX)
		return 0;
	ring_read(loop->ring, take_event, loop);
	/* Those that were lost last have no event behind them. */
	keep_lost(loop, units_now());
	return loop->kept_end - before;
}

size_t trace_loop_show(struct trace_loop *loop, size_t most)
{
	const struct gmb_trace_event *event;
	size_t n;

	for (n = 0; n < most && loop->kept_next < loop->kept_end; n++) {
		event = &loop->kept[loop->kept_next++];
		if (event->kind == KIND_LOST)
			show_lost(loop, event->arg, event->time);
		else
			show_event(loop, event);
	}
	if (loop->kept_next == loop->kept_end) {
		loop->kept_next = 0;
		loop->kept_end = 0;
	}
	return n;
}

/* Tasks that waited all the time are shown if they are not too many. */
static void end_task(void *user, struct trace_task *task)
{
	struct trace_loop *loop = user;

	if (!task->lane && loop->tasks.shown >= TRACE_IDLE) {
		loop->idle++;
		return;
	}
	show_state(loop, task, loop->last);
	trace_scopes_end(loop, task, loop->last);
}

void trace_loop_end(struct trace_loop *loop, int64_t at)
{
	do
		trace_loop_show(loop, SIZE_MAX);
	while (trace_loop_take(loop));
	if (at > loop->last)
		loop->last = at;
	on_polled(loop, 0, loop->last);
	trace_tasks_each(&loop->tasks, end_task, loop);
}
