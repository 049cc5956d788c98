/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/proc.h"
#include "gmbstat/perf_ring.h"
#include "gmbstat/trace_sched.h"

#define RING_SIZE	(512u * 1024)
#define MOMENTS_MAX	(16u << 20)	/* of a thread; then it is cut */
#define FILTER_MAX	4096	/* bytes that the kernel takes */
#define TRACING		"/sys/kernel/tracing/events/sched/sched_waking/"

enum moment_kind {
	MOMENT_WAKES,	/* somebody made it runnable */
	MOMENT_RUNS,
	MOMENT_STOPS,	/* it waits for something */
	MOMENT_YIELDS,	/* it could run on, but another runs */
};

struct moment {
	int64_t time;
	uint32_t cpu;
	uint32_t kind;
};

struct thread {
	struct trace_sched *sched;
	struct trace_track track;
	pid_t tid;
	struct perf_ring ring;
	struct moment *moments;
	size_t count;
	size_t room;
};

struct trace_sched {
	struct trace_file *file;
	struct thread **threads;
	size_t count;
	struct perf_ring *cpus;	/* wakeups, by processor */
	size_t cpu_count;
	size_t pid_offset;	/* of the woken thread, in a wakeup's record */
	uint64_t lost;
};

/* What both kinds of records say at their ends, or beginnings. */
struct sample_id {
	uint32_t pid;
	uint32_t tid;
	uint64_t time;
	uint32_t cpu;
	uint32_t reserved;
};

static const struct perf_event_attr switches = {
	.type = PERF_TYPE_SOFTWARE,
	.size = sizeof(switches),
	.config = PERF_COUNT_SW_DUMMY,
	.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU,
	.sample_id_all = 1,
	.context_switch = 1,
	.exclude_kernel = 1,
	.exclude_hv = 1,
	.use_clockid = 1,
	.clockid = CLOCK_MONOTONIC,
};

static void add_moment(struct thread *thread, int64_t time, uint32_t cpu,
		       enum moment_kind kind)
{
	if (thread->count == MOMENTS_MAX) {
		thread->sched->lost++;
		return;
	}
	if (thread->count == thread->room) {
		thread->room = thread->room ? 2 * thread->room : 1024;
		thread->moments = memory_get(thread->moments,
					     thread->room *
						     sizeof(struct moment));
	}
	thread->moments[thread->count++] =
		(struct moment){ time, cpu, (uint32_t)kind };
}

static uint64_t lost_in(const struct perf_event_header *record)
{
	/* Its number, then how many. */
	return ((const uint64_t *)(record + 1))[1];
}

static int take_switch(void *user, const struct perf_event_header *record)
{
	struct thread *thread = user;
	enum moment_kind kind = MOMENT_RUNS;
	struct sample_id id;

	if (record->type == PERF_RECORD_LOST)
		thread->sched->lost += lost_in(record);
	if (record->type != PERF_RECORD_SWITCH ||
	    record->size < sizeof(*record) + sizeof(id))
		return 1;
	memcpy(&id, (const char *)record + record->size - sizeof(id),
	       sizeof(id));
	if (record->misc & PERF_RECORD_MISC_SWITCH_OUT)
		kind = record->misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT ?
			       MOMENT_YIELDS :
			       MOMENT_STOPS;
	add_moment(thread, (int64_t)id.time, id.cpu, kind);
	return 1;
}

static struct thread *find_thread(const struct trace_sched *sched, pid_t tid)
{
	size_t i;

	for (i = 0; i < sched->count; i++) {
		if (sched->threads[i]->tid == tid)
			return sched->threads[i];
	}
	return NULL;
}

static int take_wakeup(void *user, const struct perf_event_header *record)
{
	struct trace_sched *sched = user;
	const char *raw = (const char *)(record + 1) + sizeof(struct sample_id);
	struct sample_id id;
	uint32_t size;
	int32_t pid;
	struct thread *thread;

	if (record->type == PERF_RECORD_LOST)
		sched->lost += lost_in(record);
	if (record->type != PERF_RECORD_SAMPLE)
		return 1;
	memcpy(&id, record + 1, sizeof(id));
	memcpy(&size, raw, sizeof(size));
	if (size < sched->pid_offset + sizeof(pid))
		return 1;
	memcpy(&pid, raw + sizeof(size) + sched->pid_offset, sizeof(pid));
	thread = find_thread(sched, pid);
	if (thread)
		add_moment(thread, (int64_t)id.time, id.cpu, MOMENT_WAKES);
	return 1;
}

/* Where the event's description says that the woken thread stands. */
static size_t find_pid_field(void)
{
	char text[4096], *at;

	if (proc_read(TRACING "format", text, sizeof(text)) <= 0)
		return 0;
	at = strstr(text, "pid_t pid;");
	at = at ? strstr(at, "offset:") : NULL;
	return at ? (size_t)strtoul(at + strlen("offset:"), NULL, 10) : 0;
}

static void open_wakeups(struct trace_sched *sched)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
			       PERF_SAMPLE_CPU | PERF_SAMPLE_RAW,
		.disabled = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	long cpus = sysconf(_SC_NPROCESSORS_CONF), i;
	char text[32];

	sched->pid_offset = find_pid_field();
	if (!sched->pid_offset ||
	    proc_read(TRACING "id", text, sizeof(text)) <= 0)
		return;
	attr.config = strtoul(text, NULL, 10);
	sched->cpus = memory_zeroed((size_t)cpus, sizeof(*sched->cpus));
	for (i = 0; i < cpus; i++) {
		if (perf_ring_open(&sched->cpus[sched->cpu_count], &attr, -1,
				   (int)i, RING_SIZE) == 0)
			sched->cpu_count++;
	}
}

struct trace_sched *trace_sched_new(struct trace_file *file)
{
	struct trace_sched *sched = memory_zeroed(1, sizeof(*sched));

	sched->file = file;
	open_wakeups(sched);
	return sched;
}

/*
 * Only wakeups of our threads are noted. The kernel takes a page of text at
 * most; a range lets others through, which take_wakeup() passes over.
 */
static void set_filter(struct trace_sched *sched)
{
	pid_t tid, low = INT32_MAX, high = 0;
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		memory_out();
	for (i = 0; i < sched->count; i++) {
		tid = sched->threads[i]->tid;
		fprintf(out, "%spid==%d", i ? "||" : "", (int)tid);
		low = tid < low ? tid : low;
		high = tid > high ? tid : high;
	}
	fclose(out);
	if (size >= FILTER_MAX)
		sprintf(text, "pid>=%d&&pid<=%d", (int)low, (int)high);
	for (i = 0; i < sched->cpu_count; i++) {
		ioctl(sched->cpus[i].fd, PERF_EVENT_IOC_SET_FILTER, text);
		ioctl(sched->cpus[i].fd, PERF_EVENT_IOC_ENABLE, 0);
	}
	free(text);
}

int trace_sched_add(struct trace_sched *sched, pid_t pid, pid_t tid,
		    const char *name, uint32_t order)
{
	struct thread *thread = find_thread(sched, tid);
	int rc;

	if (thread) {
		trace_file_name_track(sched->file, thread->track, name, order);
		return 0;
	}
	thread = memory_zeroed(1, sizeof(*thread));
	thread->sched = sched;
	thread->tid = tid;
	rc = perf_ring_open(&thread->ring, &switches, tid, -1, RING_SIZE);
	if (rc < 0) {
		free(thread);
		return rc;
	}
	thread->track = trace_file_track(sched->file, pid);
	trace_file_name_track(sched->file, thread->track, name, order);
	sched->threads = memory_get(sched->threads,
				    (sched->count + 1) *
					    sizeof(*sched->threads));
	sched->threads[sched->count++] = thread;
	set_filter(sched);
	return 0;
}

void trace_sched_read(struct trace_sched *sched)
{
	size_t i;

	for (i = 0; i < sched->count; i++)
		perf_ring_read(&sched->threads[i]->ring, take_switch,
			       sched->threads[i]);
	for (i = 0; i < sched->cpu_count; i++)
		perf_ring_read(&sched->cpus[i], take_wakeup, sched);
}

static int by_time(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->kind > y->kind) - (x->kind < y->kind);
}

/* What the thread did from one moment to the next. */
static void show_span(struct thread *thread, const struct moment *from,
		      int64_t to)
{
	static const char *const names[] = {
		[MOMENT_WAKES] = "runnable",
		[MOMENT_RUNS] = "runs",
		[MOMENT_STOPS] = "sleeps",
		[MOMENT_YIELDS] = "runnable",
	};
	struct trace_file *file = thread->sched->file;

	trace_file_slice(file, thread->track, "sched", names[from->kind],
			 from->time, to);
	json_u64(&file->json,
		 from->kind == MOMENT_WAKES ? "woken_by_cpu" : "cpu",
		 from->cpu);
	if (from->kind == MOMENT_YIELDS)
		json_bool(&file->json, "preempted", true);
	trace_file_close(file);
}

/*
 * A wakeup counts while the thread sleeps. One that comes while it runs is of
 * no consequence, and one of a runnable thread neither.
 */
static void show_thread(struct thread *thread, int64_t until)
{
	struct moment *last = NULL, *m;
	size_t i;

	qsort(thread->moments, thread->count, sizeof(*thread->moments),
	      by_time);
	for (i = 0; i < thread->count; i++) {
		m = &thread->moments[i];
		if (m->kind == MOMENT_WAKES && last &&
		    last->kind != MOMENT_STOPS)
			continue;
		if (last)
			show_span(thread, last, m->time);
		last = m;
	}
	if (last && until > last->time)
		show_span(thread, last, until);
}

void trace_sched_show(struct trace_sched *sched, int64_t until)
{
	size_t i;

	for (i = 0; i < sched->count; i++)
		show_thread(sched->threads[i], until);
}

bool trace_sched_wakes(const struct trace_sched *sched)
{
	return sched->cpu_count > 0;
}

uint64_t trace_sched_lost(const struct trace_sched *sched)
{
	return sched->lost;
}

void trace_sched_free(struct trace_sched *sched)
{
	size_t i;

	if (!sched)
		return;
	for (i = 0; i < sched->count; i++) {
		perf_ring_close(&sched->threads[i]->ring);
		free(sched->threads[i]->moments);
		free(sched->threads[i]);
	}
	for (i = 0; i < sched->cpu_count; i++)
		perf_ring_close(&sched->cpus[i]);
	free(sched->threads);
	free(sched->cpus);
	free(sched);
}
