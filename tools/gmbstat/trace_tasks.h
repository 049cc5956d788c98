/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The tasks of a loop that is traced, and the tracks that show them.
 *
 * A task gets a track when something is shown of it. When it has ended, the
 * next task of the same name continues on its track; when there are many
 * tracks, so does the next one that the same task has started. So a server that
 * starts a task for each connection has about as many tracks as connections at
 * a time.
 */
#ifndef TOOLS_GMBSTAT_TRACE_TASKS_H
#define TOOLS_GMBSTAT_TRACE_TASKS_H

#include <giambio/page.h>
#include "gmbstat/trace_file.h"

#define TRACE_SCOPES	64	/* open at a time in a task that are shown */
#define TRACE_LANES	200	/* then tracks are shared by whose they are */

/* What a task is known to do. */
enum trace_state {
	TRACE_UNKNOWN,
	TRACE_WAITS,
	TRACE_READY,
	TRACE_RUNS,
};

/**
 * struct trace_scope - a scope that is open
 * @address:  of it
 * @opened:   when
 * @deadline: gmb_time, or %GMB_NEVER
 * @manager:  it is a manager's
 * @expired:  its deadline has passed
 */
struct trace_scope {
	uint64_t address;
	int64_t opened;
	int64_t deadline;
	bool manager;
	bool expired;
};

/**
 * struct trace_lane - tracks that belong together
 * @next:    free lanes are in a list
 * @main:    what the task does
 * @scopes:  below it, once there was one; tid 0: not yet
 * @order:   among the tracks of the process
 * @name:    of the tasks that it shows
 * @parent:  who has started them
 * @free_at: since when no task is there
 * @shared:  more than one has been there
 */
struct trace_lane {
	struct trace_lane *next;
	struct trace_track main;
	struct trace_track scopes;
	uint32_t order;
	char name[GMB_TASK_NAME_SIZE];
	uint64_t parent;
	int64_t free_at;
	bool shared;
};

/**
 * struct trace_task - a task
 * @next:       in the table
 * @id:         its number
 * @name:       may be empty
 * @lane:       where it is shown; NULL: nowhere yet
 * @state:      what it does
 * @wait_kind:  while it waits, enum gmb_wait_kind
 * @wait_fd:    while it waits, the descriptor or -1
 * @since:      when @state began
 * @ready_at:   when it became ready while it ran; 0: it did not
 * @waker:      track of what made it ready; tid 0: not known
 * @waker_time: when
 * @parent:     id of the task that it was started by; 0: not known
 * @result:     once it has ended
 * @ended:      it has said so, and will not run again
 * @depth:      scopes that are open; those above %TRACE_SCOPES are not shown
 * @scopes:     %TRACE_SCOPES of them, made with the first; the outermost first
 */
struct trace_task {
	struct trace_task *next;
	uint64_t id;
	char name[GMB_TASK_NAME_SIZE];
	struct trace_lane *lane;
	enum trace_state state;
	unsigned int wait_kind;
	int wait_fd;
	int64_t since;
	int64_t ready_at;
	struct trace_track waker;
	int64_t waker_time;
	uint64_t parent;
	int64_t result;
	bool ended;
	unsigned int depth;
	struct trace_scope *scopes;
};

/**
 * struct trace_tasks - the tasks of a loop
 * @file:    where they are shown
 * @pid:     of the process
 * @order:   of the next lane
 * @buckets: the table
 * @size:    of it, a power of two
 * @count:   tasks in it
 * @lanes:   of tasks that have ended
 * @made:    lanes in all
 * @shown:   tasks that were given a track
 */
struct trace_tasks {
	struct trace_file *file;
	pid_t pid;
	uint32_t order;
	struct trace_task **buckets;
	size_t size;
	size_t count;
	struct trace_lane *lanes;
	size_t made;
	size_t shown;
};

void trace_tasks_init(struct trace_tasks *tasks, struct trace_file *file,
		      pid_t pid, uint32_t order);
void trace_tasks_fini(struct trace_tasks *tasks);

/* The task of that number; it is made if it is not known. */
struct trace_task *trace_tasks_get(struct trace_tasks *tasks, uint64_t id);

/* Cut to what is kept. Before its first slice, or it shows on the next lane. */
void trace_task_name(struct trace_task *task, const char *name);

/* The tracks of a task. */
struct trace_track trace_tasks_track(struct trace_tasks *tasks,
				     struct trace_task *task);
struct trace_track trace_tasks_scopes(struct trace_tasks *tasks,
				      struct trace_task *task);

/* A task is over: it is freed, and its lane is for others from then on. */
void trace_tasks_drop(struct trace_tasks *tasks, struct trace_task *task,
		      int64_t at);

/* Each task; the callback must not drop it. */
void trace_tasks_each(struct trace_tasks *tasks,
		      void (*each)(void *user, struct trace_task *task),
		      void *user);

#endif
