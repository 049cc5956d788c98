/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The file that a trace becomes: events as chrome://tracing and Perfetto read
 * them ("JSON Array Format" of the Trace Event Format).
 *
 * A track is a row of the picture. Its slices lie in each other or beside each
 * other but never across. Times are CLOCK_MONOTONIC in ns; in the file they are
 * microseconds since the trace began, with three digits behind the point.
 */
#ifndef TOOLS_GMBSTAT_TRACE_FILE_H
#define TOOLS_GMBSTAT_TRACE_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "common/json.h"

/* Numbers of tracks that are no threads; threads' are below. */
#define TRACE_FIRST_TRACK	10000000u

/**
 * struct trace_track - a row
 * @pid: process that it stands below
 * @tid: a thread, or a number of its own
 */
struct trace_track {
	pid_t pid;
	uint32_t tid;
};

/**
 * struct trace_file - a file that is being written
 * @json:   its document
 * @began:  time 0
 * @tracks: that are no threads, so far
 * @links:  arrows and asynchronous slices, so far
 * @events: written so far
 */
struct trace_file {
	struct json json;
	int64_t began;
	uint32_t tracks;
	uint64_t links;
	uint64_t events;
};

void trace_file_begin(struct trace_file *file, FILE *out, int64_t began);

/*
 * End the list of events. What is said of the whole follows as members of
 * file->json; json_finish() ends the document.
 */
void trace_file_end(struct trace_file *file);

/* A new track below a process. */
struct trace_track trace_file_track(struct trace_file *file, pid_t pid);

/* Name a process, or a track; tracks are sorted by order. */
void trace_file_name_process(struct trace_file *file, pid_t pid,
			     const char *name);
void trace_file_name_track(struct trace_file *file, struct trace_track track,
			   const char *name, uint32_t order);

/*
 * A slice or an instant. What is known of it follows as members of file->json,
 * then trace_file_close().
 */
void trace_file_slice(struct trace_file *file, struct trace_track track,
		      const char *category, const char *name, int64_t from,
		      int64_t to);
void trace_file_instant(struct trace_file *file, struct trace_track track,
			const char *category, const char *name, int64_t at);
void trace_file_close(struct trace_file *file);

/* An arrow from what goes on on one track to what goes on on another. */
void trace_file_arrow(struct trace_file *file, const char *name,
		      struct trace_track from, int64_t from_time,
		      struct trace_track to, int64_t to_time);

/*
 * Asynchronous slices may overlap: those of one link are shown together. Begin
 * has members, as trace_file_slice().
 */
uint64_t trace_file_link(struct trace_file *file);
void trace_file_async_begin(struct trace_file *file, struct trace_track track,
			    const char *category, const char *name,
			    uint64_t link, int64_t at);
void trace_file_async_end(struct trace_file *file, struct trace_track track,
			  const char *category, const char *name, uint64_t link,
			  int64_t at);

#endif
