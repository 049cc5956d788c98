/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "task/dump.h"

#define MAX_INDENT	40

/* A line at a time: a dump allocates nothing and may run on a small stack. */
struct out {
	int fd;
	int error;
	size_t used;
	char line[256];
};

static void flush(struct out *out)
{
	size_t done = 0;
	ssize_t n;

	while (done < out->used && !out->error) {
		n = write(out->fd, out->line + done, out->used - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			out->error = -errno;
	}
	out->used = 0;
}

static void put(struct out *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct out *out, const char *format, ...)
{
	size_t room = sizeof(out->line) - out->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out->line + out->used, room, format, args);
	va_end(args);
	if (n > 0)
		out->used += (size_t)n < room ? (size_t)n : room - 1;
}

static void end_line(struct out *out)
{
	if (out->used == sizeof(out->line) - 1)
		out->used--;
	out->line[out->used++] = '\n';
	flush(out);
}

/* What a wait of each kind is for; %s stands for nothing here. */
static const char *const wait_text[] = {
	[GMB_WAIT_NONE] = "waits",
	[GMB_WAIT_SLEEP] = "sleeps",
	[GMB_WAIT_JOIN] = "waits for the end of a task",
	[GMB_WAIT_MANAGER] = "waits for the tasks of its manager",
	[GMB_WAIT_STARTED] = "waits for a task to say that it has started",
	[GMB_WAIT_EVENT] = "waits for an event",
	[GMB_WAIT_LOCK] = "waits for a lock",
	[GMB_WAIT_SEMAPHORE] = "waits for a semaphore",
	[GMB_WAIT_CONDITION] = "waits for a condition",
	[GMB_WAIT_LIMITER] = "waits for a limiter's token",
	[GMB_WAIT_BARRIER] = "waits at a barrier",
	[GMB_WAIT_QUEUE_PUT] = "waits for room in a queue",
	[GMB_WAIT_QUEUE_GET] = "waits for an item in a queue",
	[GMB_WAIT_SEND] = "waits to send into a channel",
	[GMB_WAIT_RECEIVE] = "waits to receive from a channel",
	[GMB_WAIT_SELECT] = "waits for one of several",
	[GMB_WAIT_MAILBOX] = "waits for a message from another thread",
	[GMB_WAIT_READABLE] = "waits to read from",
	[GMB_WAIT_WRITABLE] = "waits to write to",
	[GMB_WAIT_ACCEPT] = "waits for a connection on",
	[GMB_WAIT_CONNECT] = "waits to be connected by",
	[GMB_WAIT_READY] = "waits for readiness of",
	[GMB_WAIT_THREAD] = "waits for another thread",
};

static void put_span(struct out *out, gmb_time span)
{
	if (span < 0)
		span = 0;
	if (span < GMB_SEC)
		put(out, "%.1f ms", (double)span / (double)GMB_MS);
	else
		put(out, "%.1f s", (double)span / (double)GMB_SEC);
}

static void put_object(struct out *out, const struct gmb_row *row)
{
	switch (row->wait_kind) {
	case GMB_WAIT_JOIN:
	case GMB_WAIT_STARTED:
		put(out, " (task %llu)", (unsigned long long)row->wait_arg);
		break;
	case GMB_WAIT_LOCK:
		put(out, " %#llx held by task %llu",
		    (unsigned long long)row->wait_object,
		    (unsigned long long)row->wait_arg);
		break;
	case GMB_WAIT_SELECT:
		put(out, " (%llu)", (unsigned long long)row->wait_arg);
		break;
	case GMB_WAIT_READABLE:
	case GMB_WAIT_WRITABLE:
	case GMB_WAIT_ACCEPT:
	case GMB_WAIT_CONNECT:
	case GMB_WAIT_READY:
		put(out, " descriptor %d", row->wait_fd);
		break;
	case GMB_WAIT_SLEEP:
	case GMB_WAIT_MANAGER:
	case GMB_WAIT_THREAD:
		break;
	default:
		put(out, " %#llx", (unsigned long long)row->wait_object);
	}
}

static void put_wait(struct out *out, const struct gmb_loop *loop,
		     const struct gmb_row *row)
{
	gmb_time left = (gmb_time)row->wait_arg - loop->now;

	put(out, "%s", wait_text[row->wait_kind]);
	put_object(out, row);
	if (row->wait_kind == GMB_WAIT_SLEEP &&
	    (gmb_time)row->wait_arg == GMB_NEVER) {
		put(out, " until it is cancelled");
	} else if (row->wait_kind == GMB_WAIT_SLEEP) {
		put(out, " for another ");
		put_span(out, left);
	}
	put(out, ", since ");
	put_span(out, loop->now - row->since);
}

static void put_deadline(struct out *out, const struct gmb_loop *loop,
			 const struct gmb_scope *scope)
{
	if (scope->deadline == GMB_NEVER || scope->cancelled)
		return;
	put(out, ", deadline in ");
	put_span(out, scope->deadline - loop->now);
}

static void put_task(struct out *out, const struct gmb_loop *loop,
		     const struct gmb_task *task)
{
	const struct gmb_row *row = &task->strand.row;

	put(out, "task %llu \"%s\" ", (unsigned long long)row->id,
	    gmb_task_name(task));
	if (row->state == GMB_TASK_WAITING)
		put_wait(out, loop, row);
	else
		put(out, row->state == GMB_TASK_RUNNING ? "runs" : "is ready");
	put(out, ", steps %llu", (unsigned long long)row->steps);
	if (task->strand.cancel)
		put(out, ", cancelled");
}

static void put_scope(struct out *out, const struct gmb_loop *loop,
		      const struct gmb_scope *scope, int depth)
{
	put(out, "%*s", 2 * (depth < MAX_INDENT ? depth : MAX_INDENT), "");
	if (scope->flags & GMB__SCOPE_IS_TASK) {
		put_task(out, loop, scope->owner);
	} else if (scope->flags & GMB__SCOPE_IS_MANAGER) {
		const struct gmb_manager *m =
			gmb__entry(scope, struct gmb_manager, scope);

		put(out, "manager %s%s%s%zu task%s", m->name ? "\"" : "",
		    m->name ? m->name : "", m->name ? "\", " : "", m->alive,
		    m->alive == 1 ? "" : "s");
	} else {
		put(out, "scope%s",
		    scope->flags & GMB_SCOPE_SHIELD ? ", shielded" : "");
	}
	put_deadline(out, loop, scope);
	if (scope->cancelled)
		put(out, scope->timed_out ? ", timed out" : ", cancelled");
	end_line(out);
}

static int depth_of(const struct gmb_scope *scope)
{
	int depth = 0;

	while ((scope = scope->parent))
		depth++;
	return depth;
}

int gmb__dump(struct gmb_loop *loop, int fd)
{
	unsigned long long tasks = loop->page->spawned - loop->page->exited;
	struct out out = { .fd = fd };
	struct gmb_scope *root, *scope;

	put(&out, "giambio loop \"%s\" (%s), %llu task%s", loop->page->name,
	    gmb_loop_backend_name(loop), tasks, tasks == 1 ? "" : "s");
	end_line(&out);
	if (!loop->main || loop->ended)
		return out.error;
	root = &loop->main->scope;
	for (scope = root; scope; scope = gmb__scope_next(root, scope, true))
		put_scope(&out, loop, scope, depth_of(scope));
	return out.error;
}

int gmb_dump(int fd)
{
	return gmb__loop ? gmb__dump(gmb__loop, fd) : -EPERM;
}
