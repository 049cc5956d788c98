/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <giambio/hooks.h>
#include "common/memory.h"
#include "common/proc.h"
#include "common/units.h"
#include "gmbstat/trace_inbox.h"
#include "gmbstat/trace_session.h"

#define LEASE_NS	3000000000ll	/* is renewed long before */
#define FAMILY_MAX	1024		/* processes that are followed */
#define BUSY		2000		/* events from one look to the next */

static void watch_thread(struct trace_session *session, pid_t pid, pid_t tid,
			 const char *name, uint32_t order)
{
	int rc = trace_sched_add(session->sched, pid, tid, name, order);

	/* A thread that has ended is no error. */
	if (rc < 0 && rc != -ESRCH)
		session->sched_error = rc;
}

void trace_session_begin(struct trace_session *session, FILE *out, pid_t pid,
			 int inbox)
{
	*session = (struct trace_session){ .pid = pid, .inbox = inbox };
	trace_file_begin(&session->file, out, units_now());
	session->sched = trace_sched_new(&session->file);
	session->kernel_error = trace_kernel_new(&session->kernel,
						 &session->file);
	/* Most commands run their loop in their first thread. */
	if (inbox >= 0)
		watch_thread(session, pid, pid, "main thread", 1);
}

static bool is_known(const struct trace_session *session,
		     const struct page *page)
{
	unsigned int i;

	for (i = 0; i < session->count; i++) {
		if (session->loops[i]->page->inode == page->inode &&
		    session->loops[i]->page->pid == page->pid)
			return true;
	}
	return false;
}

static void watch_loop(struct trace_session *session,
		       const struct trace_loop *loop, unsigned int number)
{
	char name[17], backend[9], text[64];

	page_names(loop->page, name, backend);
	snprintf(text, sizeof(text), "thread of loop %s", name);
	if (loop->page->tid)
		watch_thread(session, loop->page->pid, loop->page->tid, text,
			     number * TRACE_LOOP_ORDER + 1);
}

static void add_loop(struct trace_session *session, struct page *page,
		     struct ring *ring)
{
	struct trace_loop *loop = memory_zeroed(1, sizeof(*loop));
	unsigned int number = session->count++;

	session->loops = memory_get(session->loops, session->count *
							    sizeof(loop));
	session->loops[number] = loop;
	trace_loop_init(loop, &session->file, page, number);
	loop->ring = ring;
	if (ring)
		ring_restart(ring);
	watch_loop(session, loop, number);
	if (session->kernel)
		trace_kernel_add(session->kernel, page->pid);
}

static void scan_process(struct trace_session *session, pid_t pid)
{
	struct pages pages;
	unsigned int i = 0;

	pages_find(&pages, pid);
	session->denied += pages.denied;
	session->strange += pages.strange;
	while (i < pages.count) {
		if (is_known(session, pages.list[i]))
			i++;
		else
			add_loop(session, pages_take(&pages, i), NULL);
	}
	pages_free(&pages);
}

/* Add the children of each thread of a process to the list. */
static unsigned int add_children(pid_t pid, pid_t *list, unsigned int count)
{
	char path[64], text[4096], *at, *save = NULL;
	struct dirent *entry;
	DIR *dir = opendir(proc_path(path, pid, "task"));

	if (!dir)
		return count;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		proc_path(path, pid, "task/%d/children", atoi(entry->d_name));
		if (proc_read(path, text, sizeof(text)) <= 0)
			continue;
		for (at = strtok_r(text, " ", &save);
		     at && count < FAMILY_MAX; at = strtok_r(NULL, " ", &save))
			list[count++] = atoi(at);
	}
	closedir(dir);
	return count;
}

static void scan_family(struct trace_session *session)
{
	pid_t list[FAMILY_MAX] = { session->pid };
	unsigned int count = 1, i;

	for (i = 0; i < count; i++) {
		scan_process(session, list[i]);
		count = add_children(list[i], list, count);
	}
}

/*
 * A loop that was made while we look is shown from its first event; of others
 * what happens from now on counts.
 */
static void try_ring(struct trace_session *session, struct trace_loop *loop)
{
	if (loop->ring || ring_open(&loop->ring, loop->page) < 0)
		return;
	if (ring_started(loop->ring) >= session->file.began)
		ring_restart(loop->ring);
}

void trace_session_scan(struct trace_session *session)
{
	unsigned int i;
	int rc;

	session->denied = 0;
	session->strange = 0;
	if (session->inbox >= 0)
		scan_family(session);
	else
		scan_process(session, session->pid);
	for (i = 0; i < session->count; i++) {
		rc = page_lease(session->loops[i]->page, GMB_OBSERVE_TRACE,
				LEASE_NS);
		if (rc < 0)
			session->lease_error = rc;
	}
}

static void take_sent(struct trace_session *session)
{
	struct page *page;
	struct ring *ring;

	while (session->inbox >= 0 &&
	       trace_inbox_take(session->inbox, &page, &ring)) {
		if (is_known(session, page)) {
			ring_close(ring);
			page_free(page);
		} else {
			add_loop(session, page, ring);
		}
	}
}

void trace_session_read(struct trace_session *session)
{
	size_t taken = 0;
	unsigned int i;

	take_sent(session);
	for (i = 0; i < session->count; i++) {
		try_ring(session, session->loops[i]);
		taken += trace_loop_take(session->loops[i]);
		/* The kernel's rings are short. */
		trace_sched_read(session->sched);
	}
	if (session->kernel)
		trace_kernel_read(session->kernel);
	/* While loops are busy what they say is only kept. */
	for (i = 0; i < session->count && taken < BUSY; i++)
		taken += trace_loop_show(session->loops[i], BUSY);
}

uint64_t trace_session_events(const struct trace_session *session)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < session->count; i++)
		sum += session->loops[i]->count;
	return sum;
}

uint64_t trace_session_lost(const struct trace_session *session)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < session->count; i++)
		sum += session->loops[i]->lost;
	return sum;
}

static void write_loop(struct json *json, const struct trace_loop *loop)
{
	char name[17], backend[9];

	page_names(loop->page, name, backend);
	json_object(json, NULL);
	json_i64(json, "pid", loop->page->pid);
	json_i64(json, "tid", loop->page->tid);
	json_string(json, "name", name);
	json_string(json, "backend", backend);
	json_bool(json, "traced", loop->ring);
	json_u64(json, "events", loop->count);
	json_u64(json, "lost", loop->lost);
	json_u64(json, "tasks_shown", loop->tasks.shown);
	json_u64(json, "tasks_idle", loop->idle);
	json_end(json);
}

static void write_summary(struct trace_session *session, int64_t ended)
{
	struct json *json = &session->file.json;
	unsigned int i;

	json_string(json, "tool", "gmbstat trace " GMB_VERSION);
	json_string(json, "clock", "CLOCK_MONOTONIC");
	json_i64(json, "began_ns", session->file.began);
	json_i64(json, "ended_ns", ended);
	json_u64(json, "events", trace_session_events(session));
	json_u64(json, "lost", trace_session_lost(session));
	json_string(json, "sched",
		    session->sched_error ? strerror(-session->sched_error) :
		    trace_sched_wakes(session->sched) ? "switches and wakeups" :
							"switches");
	json_u64(json, "sched_lost", trace_sched_lost(session->sched));
	json_bool(json, "module", session->kernel);
	if (session->kernel) {
		json_u64(json, "module_events",
			 trace_kernel_count(session->kernel));
		json_u64(json, "module_lost",
			 trace_kernel_lost(session->kernel));
	}
	json_array(json, "loops");
	for (i = 0; i < session->count; i++)
		write_loop(json, session->loops[i]);
	json_end(json);
}

int trace_session_end(struct trace_session *session)
{
	int64_t now = units_now();
	unsigned int i;

	for (i = 0; i < session->count; i++) {
		struct trace_loop *loop = session->loops[i];

		trace_loop_end(loop, page_alive(loop->page) ? now : 0);
	}
	trace_sched_show(session->sched, now);
	trace_file_end(&session->file);
	write_summary(session, now);
	return json_finish(&session->file.json);
}

void trace_session_free(struct trace_session *session)
{
	unsigned int i;

	for (i = 0; i < session->count; i++) {
		trace_loop_fini(session->loops[i]);
		free(session->loops[i]);
	}
	free(session->loops);
	trace_sched_free(session->sched);
	trace_kernel_free(session->kernel);
}
