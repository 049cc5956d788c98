/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <giambio/task.h>
#include "common/units.h"
#include "gmbstat/wait.h"

#define KINDS	(GMB_WAIT_THREAD + 1)

/*
 * What the words say of a wait: text stands first; then what the object is, if
 * it is worth an address.
 */
struct kind {
	const char *name;
	const char *text;
};

static const struct kind kinds[KINDS] = {
	[GMB_WAIT_NONE] = { "none", "" },
	[GMB_WAIT_SLEEP] = { "sleep", "sleeps" },
	[GMB_WAIT_JOIN] = { "join", "end of" },
	[GMB_WAIT_MANAGER] = { "manager", "tasks of manager" },
	[GMB_WAIT_STARTED] = { "started", "start of" },
	[GMB_WAIT_EVENT] = { "event", "event" },
	[GMB_WAIT_LOCK] = { "lock", "lock" },
	[GMB_WAIT_SEMAPHORE] = { "semaphore", "semaphore" },
	[GMB_WAIT_CONDITION] = { "condition", "condition" },
	[GMB_WAIT_LIMITER] = { "limiter", "limiter" },
	[GMB_WAIT_BARRIER] = { "barrier", "barrier" },
	[GMB_WAIT_QUEUE_PUT] = { "queue_put", "room in queue" },
	[GMB_WAIT_QUEUE_GET] = { "queue_get", "item of queue" },
	[GMB_WAIT_SEND] = { "send", "receiver of channel" },
	[GMB_WAIT_RECEIVE] = { "receive", "item of channel" },
	[GMB_WAIT_SELECT] = { "select", "one of" },
	[GMB_WAIT_MAILBOX] = { "mailbox", "message to mailbox" },
	[GMB_WAIT_READABLE] = { "readable", "read" },
	[GMB_WAIT_WRITABLE] = { "writable", "write" },
	[GMB_WAIT_ACCEPT] = { "accept", "accept" },
	[GMB_WAIT_CONNECT] = { "connect", "connect" },
	[GMB_WAIT_READY] = { "ready", "ready" },
	[GMB_WAIT_THREAD] = { "thread", "thread" },
};

const char *wait_kind(unsigned int kind)
{
	return kind < KINDS ? kinds[kind].name : "unknown";
}

const char *wait_state(unsigned int state)
{
	static const char *const names[] = {
		[GMB_TASK_READY] = "ready",
		[GMB_TASK_RUNNING] = "running",
		[GMB_TASK_WAITING] = "waiting",
		[GMB_TASK_DONE] = "done",
		[GMB_TASK_FAILED] = "failed",
		[GMB_TASK_CANCELLED] = "cancelled",
	};

	return state && state <= GMB_TASK_CANCELLED ? names[state] : "unknown";
}

bool wait_is_for_fd(const struct gmb_row *row)
{
	return row->wait_kind >= GMB_WAIT_READABLE &&
	       row->wait_kind <= GMB_WAIT_READY;
}

static bool is_for_task(const struct gmb_row *row)
{
	return row->wait_kind == GMB_WAIT_JOIN ||
	       row->wait_kind == GMB_WAIT_STARTED ||
	       row->wait_kind == GMB_WAIT_LOCK;
}

/* The name of a task, or NULL where it has none or has gone. */
static const char *name_of(const struct wait_view *view, uint64_t id)
{
	const struct tree_task *task = tree_find(view->tree, id);

	return task && task->row.name[0] ? task->row.name : NULL;
}

static void put(char *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, WAIT_TEXT - used, format, args);
	va_end(args);
}

static void put_task(const struct wait_view *view, uint64_t id, char *text)
{
	const char *name = name_of(view, id);

	put(text, name ? " %llu (%s)" : " task %llu", (unsigned long long)id,
	    name);
}

static void put_sleep(const struct wait_view *view, const struct gmb_row *row,
		      char *text)
{
	int64_t until = (int64_t)row->wait_arg;
	char span[UNITS_SIZE];

	if (until == GMB_NEVER)
		put(text, " until cancelled");
	else
		put(text, " %s more", units_time(span, until - view->now));
}

static void put_details(const struct wait_view *view, const struct gmb_row *row,
			char *text)
{
	unsigned long long arg = (unsigned long long)row->wait_arg;
	char what[SOCKETS_TEXT];

	if (wait_is_for_fd(row)) {
		put(text, " %d: %s", row->wait_fd,
		    sockets_describe(view->sockets, row->wait_fd, what));
		return;
	}
	switch (row->wait_kind) {
	case GMB_WAIT_SLEEP:
		put_sleep(view, row, text);
		return;
	case GMB_WAIT_JOIN:
	case GMB_WAIT_STARTED:
		put_task(view, row->wait_arg, text);
		return;
	case GMB_WAIT_SELECT:
		put(text, " %llu", arg);
		return;
	case GMB_WAIT_THREAD:
		return;
	}
	put(text, " %#llx", (unsigned long long)row->wait_object);
	if (row->wait_kind == GMB_WAIT_LOCK) {
		put(text, ", held by");
		put_task(view, row->wait_arg, text);
	} else if (row->wait_kind == GMB_WAIT_QUEUE_PUT ||
		   row->wait_kind == GMB_WAIT_SEND) {
		put(text, ", length %llu", arg);
	} else if (row->wait_kind == GMB_WAIT_BARRIER) {
		put(text, ", %llu there", arg);
	}
}

char *wait_text(const struct wait_view *view, const struct gmb_row *row,
		char text[WAIT_TEXT])
{
	text[0] = '\0';
	if (row->state != GMB_TASK_WAITING)
		return text;
	if (row->wait_kind >= KINDS || row->wait_kind == GMB_WAIT_NONE) {
		put(text, "something");
		return text;
	}
	put(text, "%s", kinds[row->wait_kind].text);
	put_details(view, row, text);
	return text;
}

static void json_address(struct json *json, const char *name, uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)address);
	json_string(json, name, address ? text : NULL);
}

void wait_json(const struct wait_view *view, const struct gmb_row *row,
	       struct json *json)
{
	char what[SOCKETS_TEXT];

	if (row->state != GMB_TASK_WAITING) {
		json_null(json, "wait");
		return;
	}
	json_object(json, "wait");
	json_string(json, "kind", wait_kind(row->wait_kind));
	if (wait_is_for_fd(row)) {
		json_i64(json, "fd", row->wait_fd);
		json_string(json, "what",
			    sockets_describe(view->sockets, row->wait_fd,
					     what));
	} else if (row->wait_kind == GMB_WAIT_SLEEP) {
		if ((int64_t)row->wait_arg == GMB_NEVER)
			json_null(json, "left_ns");
		else
			json_i64(json, "left_ns",
				 (int64_t)row->wait_arg - view->now);
	} else {
		json_address(json, "object", row->wait_object);
	}
	if (is_for_task(row)) {
		json_u64(json, "task", row->wait_arg);
		json_string(json, "task_name", name_of(view, row->wait_arg));
	} else if (row->wait_kind == GMB_WAIT_QUEUE_PUT ||
		   row->wait_kind == GMB_WAIT_SEND ||
		   row->wait_kind == GMB_WAIT_QUEUE_GET) {
		json_u64(json, "length", row->wait_arg);
	} else if (row->wait_kind == GMB_WAIT_SELECT ||
		   row->wait_kind == GMB_WAIT_BARRIER) {
		json_u64(json, "count", row->wait_arg);
	} else if (row->wait_kind == GMB_WAIT_READY) {
		json_u64(json, "events", row->wait_arg);
	}
	json_end(json);
}
