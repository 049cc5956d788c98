/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * cross: from a task of one loop to a task of another, in another thread or in
 * another process. Both loops run on the same backend.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/units.h"
#include "gmblat/loop.h"
#include "gmblat/measure.h"
#include "gmblat/random.h"
#include "gmblat/source.h"

/**
 * struct meeting - what both loops know; in memory that processes share
 * @begin: when the first event may come; 0: the receiver is not ready yet
 * @error: -errno that ended the sender
 */
struct meeting {
	int64_t begin;
	int error;
};

/**
 * struct cross - a run
 * @run:     see there
 * @measure: the receiver's
 * @meeting: see there
 * @stream:  what lies between the loops; for a mailbox only its stamps
 * @mailbox: or this
 * @file:    the sender's end
 * @socket:  the sender's end
 * @thread:  the sender, or
 * @process: the sender
 */
struct cross {
	struct run *run;
	struct measure measure;
	struct meeting *meeting;
	struct stream stream;
	struct gmb_mailbox *mailbox;
	struct gmb_file file;
	struct gmb_socket socket;
	pthread_t thread;
	pid_t process;
};

/* The sender's loop */

static int wrap_sender(struct cross *cross)
{
	switch (cross->stream.kind) {
	case KIND_MAILBOX:
		return 0;
	case KIND_UNIX:
	case KIND_TCP:
		return gmb_socket_wrap(&cross->socket, cross->stream.in);
	default:
		return gmb_file_wrap(&cross->file, cross->stream.in);
	}
}

static int send_event(struct cross *cross)
{
	uint64_t one = 1;

	stream_stamp(&cross->stream, units_now());
	switch (cross->stream.kind) {
	case KIND_MAILBOX:
		return gmb_mailbox_post(cross->mailbox, NULL);
	case KIND_UNIX:
	case KIND_TCP:
		return gmb_send_all(&cross->socket, &one, 1, NULL);
	case KIND_EVENTFD:
		return gmb_write_all(&cross->file, &one, sizeof(one), NULL);
	default:
		return gmb_write_all(&cross->file, &one, 1, NULL);
	}
}

static intptr_t send_events(void *arg)
{
	struct cross *cross = arg;
	const struct settings *settings = cross->run->settings;
	uint64_t i, random = cross->run->seed;
	int64_t due, late;
	int rc = wrap_sender(cross);

	while (!rc && !__atomic_load_n(&cross->meeting->begin,
				       __ATOMIC_ACQUIRE))
		rc = gmb_sleep(MS);
	due = cross->meeting->begin;
	for (i = 0; i < settings->warmup + settings->events && !rc; i++) {
		due += random_span(&random, settings->interval);
		rc = gmb_sleep_until(due);
		late = units_now() - due;
		histogram_add(&cross->run->out->late,
			      late > 0 ? (uint64_t)late : 0);
		if (!rc)
			rc = send_event(cross);
	}
	if (cross->stream.kind == KIND_UNIX || cross->stream.kind == KIND_TCP)
		gmb_socket_close(&cross->socket);
	else if (cross->stream.kind != KIND_MAILBOX)
		gmb_file_close(&cross->file);
	return rc;
}

static void *run_sender(void *arg)
{
	struct cross *cross = arg;

	cross->meeting->error = (int)loop_run(cross->run, send_events, cross);
	/* The receiver must not wait for what will not come. */
	if (cross->meeting->error && cross->stream.kind == KIND_MAILBOX)
		gmb_mailbox_close(cross->mailbox);
	return NULL;
}

static void run_sending_process(struct cross *cross)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(cross->stream.out);
	run_sender(cross);
	_exit(0);
}

static int start_sender(struct cross *cross)
{
	if (!cross->run->lat_case->elsewhere)
		return -pthread_create(&cross->thread, NULL, run_sender, cross);
	cross->process = fork();
	if (cross->process == 0)
		run_sending_process(cross);
	if (cross->process < 0)
		return -errno;
	close(cross->stream.in);
	cross->stream.in = -1;
	return 0;
}

static void end_sender(struct cross *cross)
{
	if (!cross->run->lat_case->elsewhere)
		pthread_join(cross->thread, NULL);
	else if (waitpid(cross->process, NULL, 0) < 0)
		cross->meeting->error = -errno;
	/* A loop has closed it: its own, or that of the other process. */
	cross->stream.in = -1;
}

/* The receiver's loop */

static int measure_mailbox(struct cross *cross)
{
	struct stream *stream = &cross->stream;
	int rc = 0;

	while (!rc && !measure_is_over(&cross->measure)) {
		rc = gmb_mailbox_receive(cross->mailbox, NULL);
		if (rc)
			break;
		measure_event(&cross->measure, &cross->run->out->latency,
			      units_now() -
			      stream_stamped(stream, stream->taken++));
	}
	return rc;
}

static int open_receiver(struct cross *cross)
{
	if (cross->stream.kind == KIND_MAILBOX)
		return gmb_mailbox_open(&cross->mailbox, 0, 0);
	return stream_wrap(&cross->stream);
}

static intptr_t receive_events(void *arg)
{
	struct cross *cross = arg;
	int rc = open_receiver(cross);

	if (rc)
		return rc;
	__atomic_store_n(&cross->meeting->begin, units_now() + SOURCE_PAUSE,
			 __ATOMIC_RELEASE);
	if (cross->stream.kind == KIND_MAILBOX)
		return measure_mailbox(cross);
	return measure_stream(&cross->measure, &cross->stream,
			      &cross->run->out->latency);
}

static int run_both(struct cross *cross)
{
	struct run *run = cross->run;
	intptr_t rc = start_sender(cross);

	if (rc)
		return fail(run, (int)rc, "the sender could not be started");
	rc = loop_run(run, receive_events, cross);
	/* Without an end of its stream the sender might wait for ever. */
	if (rc)
		return fail(run, (int)rc, "the receiving loop ended early");
	end_sender(cross);
	gmb_mailbox_put(cross->mailbox);
	if (cross->meeting->error)
		return fail(run, cross->meeting->error,
			    "the sending loop ended early");
	return 0;
}

static int cross_run(struct run *run)
{
	struct cross cross = { .run = run };
	int rc;

	measure_init(&cross.measure, run);
	cross.meeting = shared_memory(sizeof(*cross.meeting));
	rc = stream_open(&cross.stream, run->lat_case->kind,
			 run->settings->warmup + run->settings->events);
	if (!rc && !cross.meeting)
		rc = -ENOMEM;
	if (rc)
		return fail(run, rc, "the events have no way");
	return run_both(&cross);
}

#define THREAD_KINDS	(1u << KIND_MAILBOX | 1u << KIND_UNIX | 1u << KIND_PIPE)
#define PROCESS_KINDS	(1u << KIND_PIPE | 1u << KIND_EVENTFD | \
			 1u << KIND_UNIX | 1u << KIND_TCP)

static void add_cross(struct lat_case *cases, int *count, int kind,
		      bool elsewhere)
{
	struct lat_case *c;

	c = case_add(cases, count, &experiment_cross, "%s, %s",
		     elsewhere ? "processes" : "threads", kind_names[kind]);
	c->kind = kind;
	c->elsewhere = elsewhere;
}

static int cross_prepare(const struct settings *settings,
			 struct lat_case *cases)
{
	unsigned int threads = kinds_or(settings, THREAD_KINDS, THREAD_KINDS);
	unsigned int both = kinds_or(settings, PROCESS_KINDS, PROCESS_KINDS);
	int count = 0, kind;

	if (threads & 1u << KIND_MAILBOX)
		add_cross(cases, &count, KIND_MAILBOX, false);
	for (kind = 0; kind < KIND_MAILBOX; kind++) {
		if (threads & 1u << kind)
			add_cross(cases, &count, kind, false);
	}
	for (kind = 0; kind < KIND_MAILBOX; kind++) {
		if (both & 1u << kind)
			add_cross(cases, &count, kind, true);
	}
	return count ? count : -EINVAL;
}

const struct experiment experiment_cross = {
	.name = "cross",
	.title = "from a task of one loop to a task of another loop",
	.metrics = METRIC_CPU,
	.prepare = cross_prepare,
	.run = cross_run,
};
