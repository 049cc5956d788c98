/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "gmbstat/trace_tasks.h"

#define FIRST_SIZE	256

void trace_tasks_init(struct trace_tasks *tasks, struct trace_file *file,
		      pid_t pid, uint32_t order)
{
	*tasks = (struct trace_tasks){
		.file = file,
		.pid = pid,
		.order = order,
		.size = FIRST_SIZE,
	};
	tasks->buckets = memory_zeroed(tasks->size, sizeof(*tasks->buckets));
}

static void free_task(struct trace_task *task)
{
	free(task->scopes);
	free(task->lane);
	free(task);
}

void trace_tasks_fini(struct trace_tasks *tasks)
{
	struct trace_lane *lane;
	struct trace_task *task;
	size_t i;

	for (i = 0; i < tasks->size; i++) {
		while ((task = tasks->buckets[i])) {
			tasks->buckets[i] = task->next;
			free_task(task);
		}
	}
	while ((lane = tasks->lanes)) {
		tasks->lanes = lane->next;
		free(lane);
	}
	free(tasks->buckets);
}

/* Numbers are given in turn, so their last bits spread them well. */
static struct trace_task **bucket_of(const struct trace_tasks *tasks,
				     uint64_t id)
{
	return &tasks->buckets[id & (tasks->size - 1)];
}

static void grow(struct trace_tasks *tasks)
{
	struct trace_task **old = tasks->buckets, *task;
	size_t size = tasks->size, i;

	tasks->size *= 2;
	tasks->buckets = memory_zeroed(tasks->size, sizeof(*tasks->buckets));
	for (i = 0; i < size; i++) {
		while ((task = old[i])) {
			old[i] = task->next;
			task->next = *bucket_of(tasks, task->id);
			*bucket_of(tasks, task->id) = task;
		}
	}
	free(old);
}

struct trace_task *trace_tasks_get(struct trace_tasks *tasks, uint64_t id)
{
	struct trace_task *task = *bucket_of(tasks, id);

	while (task && task->id != id)
		task = task->next;
	if (task)
		return task;
	if (tasks->count >= tasks->size)
		grow(tasks);
	task = memory_zeroed(1, sizeof(*task));
	task->id = id;
	task->wait_fd = -1;
	task->next = *bucket_of(tasks, id);
	*bucket_of(tasks, id) = task;
	tasks->count++;
	return task;
}

void trace_task_name(struct trace_task *task, const char *name)
{
	snprintf(task->name, sizeof(task->name), "%s", name);
}

static void name_lane(struct trace_tasks *tasks, const struct trace_lane *lane,
		      const struct trace_task *task)
{
	const char *name = task->name[0] ? task->name : "task";
	char text[64];

	if (lane->shared)
		snprintf(text, sizeof(text), "%s", name);
	else
		snprintf(text, sizeof(text), "%s #%llu", name,
			 (unsigned long long)task->id);
	trace_file_name_track(tasks->file, lane->main, text, lane->order);
}

static bool fits(const struct trace_lane *lane, const struct trace_task *task,
		 bool crowded)
{
	/* It may have been ready while the other was still there. */
	if (lane->free_at > task->since)
		return false;
	if (!strcmp(lane->name, task->name))
		return true;
	return crowded && task->parent && lane->parent == task->parent;
}

/* A free lane that it may continue on. */
static struct trace_lane *take_lane(struct trace_tasks *tasks,
				    const struct trace_task *task)
{
	struct trace_lane **at = &tasks->lanes, *lane;
	bool crowded = tasks->made >= TRACE_LANES;

	for (; (lane = *at); at = &lane->next) {
		if (!fits(lane, task, crowded))
			continue;
		*at = lane->next;
		return lane;
	}
	return NULL;
}

static void share_lane(struct trace_tasks *tasks, struct trace_lane *lane,
		       const struct trace_task *task)
{
	char text[64];

	if (!strcmp(lane->name, "\n"))
		return;
	if (strcmp(lane->name, task->name)) {
		/* A name that no task has: it is of all of them now. */
		strcpy(lane->name, "\n");
		snprintf(text, sizeof(text), "tasks of #%llu",
			 (unsigned long long)task->parent);
		trace_file_name_track(tasks->file, lane->main, text,
				      lane->order);
	} else if (!lane->shared) {
		lane->shared = true;
		name_lane(tasks, lane, task);
	}
	lane->shared = true;
}

static struct trace_lane *make_lane(struct trace_tasks *tasks,
				    const struct trace_task *task)
{
	struct trace_lane *lane = memory_zeroed(1, sizeof(*lane));

	lane->main = trace_file_track(tasks->file, tasks->pid);
	lane->order = tasks->order;
	tasks->order += 2;
	tasks->made++;
	memcpy(lane->name, task->name, sizeof(lane->name));
	lane->parent = task->parent;
	name_lane(tasks, lane, task);
	return lane;
}

static void give_lane(struct trace_tasks *tasks, struct trace_task *task)
{
	tasks->shown++;
	task->lane = take_lane(tasks, task);
	if (task->lane)
		share_lane(tasks, task->lane, task);
	else
		task->lane = make_lane(tasks, task);
}

struct trace_track trace_tasks_track(struct trace_tasks *tasks,
				     struct trace_task *task)
{
	if (!task->lane)
		give_lane(tasks, task);
	return task->lane->main;
}

struct trace_track trace_tasks_scopes(struct trace_tasks *tasks,
				      struct trace_task *task)
{
	struct trace_lane *lane;
	char text[64];

	trace_tasks_track(tasks, task);
	lane = task->lane;
	if (!lane->scopes.tid) {
		lane->scopes = trace_file_track(tasks->file, tasks->pid);
		snprintf(text, sizeof(text), "%s: scopes",
			 task->name[0] ? task->name : "task");
		trace_file_name_track(tasks->file, lane->scopes, text,
				      lane->order + 1);
	}
	return lane->scopes;
}

void trace_tasks_drop(struct trace_tasks *tasks, struct trace_task *task,
		      int64_t at)
{
	struct trace_task **link = bucket_of(tasks, task->id);

	while (*link != task)
		link = &(*link)->next;
	*link = task->next;
	tasks->count--;
	if (task->lane) {
		task->lane->free_at = at;
		task->lane->next = tasks->lanes;
		tasks->lanes = task->lane;
		task->lane = NULL;
	}
	free_task(task);
}

void trace_tasks_each(struct trace_tasks *tasks,
		      void (*each)(void *user, struct trace_task *task),
		      void *user)
{
	struct trace_task *task;
	size_t i;

	for (i = 0; i < tasks->size; i++) {
		for (task = tasks->buckets[i]; task; task = task->next)
			each(user, task);
	}
}
