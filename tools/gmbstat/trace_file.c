/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include "gmbstat/trace_file.h"

void trace_file_begin(struct trace_file *file, FILE *out, int64_t began)
{
	*file = (struct trace_file){ .began = began };
	json_init(&file->json, out, 2);
	json_object(&file->json, NULL);
	json_string(&file->json, "displayTimeUnit", "ns");
	json_array(&file->json, "traceEvents");
}

void trace_file_end(struct trace_file *file)
{
	json_end(&file->json);
	json_object(&file->json, "otherData");
}

struct trace_track trace_file_track(struct trace_file *file, pid_t pid)
{
	return (struct trace_track){
		.pid = pid,
		.tid = TRACE_FIRST_TRACK + file->tracks++,
	};
}

static void open_event(struct trace_file *file, const char *phase,
		       struct trace_track track)
{
	file->events++;
	json_object(&file->json, NULL);
	json_string(&file->json, "ph", phase);
	json_i64(&file->json, "pid", track.pid);
	json_u64(&file->json, "tid", track.tid);
}

static void put_time(struct trace_file *file, int64_t at)
{
	json_micros(&file->json, "ts", at - file->began);
}

static void name_it(struct trace_file *file, struct trace_track track,
		    const char *what, const char *name)
{
	open_event(file, "M", track);
	json_string(&file->json, "name", what);
	json_object(&file->json, "args");
	json_string(&file->json, "name", name);
	trace_file_close(file);
}

void trace_file_name_process(struct trace_file *file, pid_t pid,
			     const char *name)
{
	name_it(file, (struct trace_track){ pid, (uint32_t)pid },
		"process_name", name);
}

void trace_file_name_track(struct trace_file *file, struct trace_track track,
			   const char *name, uint32_t order)
{
	name_it(file, track, "thread_name", name);
	open_event(file, "M", track);
	json_string(&file->json, "name", "thread_sort_index");
	json_object(&file->json, "args");
	json_u64(&file->json, "sort_index", order);
	trace_file_close(file);
}

static void open_named(struct trace_file *file, const char *phase,
		       struct trace_track track, const char *category,
		       const char *name, int64_t at)
{
	open_event(file, phase, track);
	put_time(file, at);
	json_string(&file->json, "cat", category);
	json_string(&file->json, "name", name);
}

void trace_file_slice(struct trace_file *file, struct trace_track track,
		      const char *category, const char *name, int64_t from,
		      int64_t to)
{
	open_named(file, "X", track, category, name, from);
	json_micros(&file->json, "dur", to > from ? to - from : 0);
	json_object(&file->json, "args");
}

void trace_file_instant(struct trace_file *file, struct trace_track track,
			const char *category, const char *name, int64_t at)
{
	open_named(file, "i", track, category, name, at);
	json_string(&file->json, "s", "t");
	json_object(&file->json, "args");
}

void trace_file_close(struct trace_file *file)
{
	json_end(&file->json);
	json_end(&file->json);
}

static void put_link(struct trace_file *file, uint64_t link)
{
	json_u64(&file->json, "id", link);
}

void trace_file_arrow(struct trace_file *file, const char *name,
		      struct trace_track from, int64_t from_time,
		      struct trace_track to, int64_t to_time)
{
	uint64_t link = trace_file_link(file);

	open_named(file, "s", from, "wake", name, from_time);
	put_link(file, link);
	json_end(&file->json);
	open_named(file, "f", to, "wake", name, to_time);
	put_link(file, link);
	json_string(&file->json, "bp", "e");
	json_end(&file->json);
}

uint64_t trace_file_link(struct trace_file *file)
{
	return ++file->links;
}

void trace_file_async_begin(struct trace_file *file, struct trace_track track,
			    const char *category, const char *name,
			    uint64_t link, int64_t at)
{
	open_named(file, "b", track, category, name, at);
	put_link(file, link);
	json_object(&file->json, "args");
}

void trace_file_async_end(struct trace_file *file, struct trace_track track,
			  const char *category, const char *name, uint64_t link,
			  int64_t at)
{
	open_named(file, "e", track, category, name, at);
	put_link(file, link);
	json_end(&file->json);
}
