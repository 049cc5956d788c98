/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * gmbstat trace: what loops do, as a file for a viewer of traces, of loops that
 * run or of a command that is run for it.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/units.h"
#include "gmbstat/cmd.h"
#include "gmbstat/limit.h"
#include "gmbstat/trace_inbox.h"
#include "gmbstat/trace_session.h"

#define READ_NS		4000000		/* between two looks at their events */
#define SCAN_NS		250000000	/* between two looks for loops */
#define COMMAND_FAILED	127

struct options {
	struct cmd_common common;
	const char *output;
	double seconds;
	char **command;	/* NULL: what runs already */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

/**
 * struct command - what is run to be traced
 * @argv:  of it; NULL: nothing is
 * @pid:   its process
 * @go:    what is written here lets it begin
 * @inbox: where its loops come from
 * @quiet: the trace goes to the standard output: what it prints goes to the
 *	standard error
 */
struct command {
	char **argv;
	pid_t pid;
	int go;
	int inbox;
	bool quiet;
};

static bool is_stdout(const struct options *options)
{
	return !strcmp(options->output, "-");
}

/* For messages. */
static const char *output_name(const struct options *options)
{
	return is_stdout(options) ? "the standard output" : options->output;
}

/* It waits until all is ready to trace it, then becomes the command. */
static void become(const struct command *command, int ready, int inbox)
{
	char **argv = command->argv;
	struct sigaction action = { .sa_handler = SIG_DFL };
	char byte;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGPIPE, &action, NULL);
	limit_restore();
	setenv("GMB_OBSERVE", "trace", 1);
	if (command->quiet)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	if (trace_inbox_export(inbox) < 0 || read(ready, &byte, 1) != 1)
		_exit(COMMAND_FAILED);
	close(ready);
	execvp(argv[0], argv);
	say(EXIT_FAILED, "%s cannot be run: %s", argv[0], strerror(errno));
	_exit(COMMAND_FAILED);
}

static int start(struct command *command)
{
	int go[2], inbox[2], rc;

	rc = trace_inbox_open(inbox);
	if (rc < 0)
		return rc;
	if (pipe(go) < 0)
		return -errno;
	command->pid = fork();
	if (command->pid < 0)
		return -errno;
	if (command->pid == 0) {
		close(go[1]);
		become(command, go[0], inbox[1]);
	}
	close(go[0]);
	close(inbox[1]);
	command->go = go[1];
	command->inbox = inbox[0];
	return 0;
}

static void release(const struct command *command)
{
	if (write(command->go, "", 1) < 0)
		say(EXIT_FAILED, "the command cannot be started: %s",
		    strerror(errno));
	close(command->go);
}

/* What the command's end says of it, as a shell would. */
static int status_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

static void pause_for(long ns)
{
	const struct timespec span = { .tv_nsec = ns };

	nanosleep(&span, NULL);
}

/*
 * Until the time is over, somebody presses Ctrl-C, or the command ends. Returns
 * whether the command has ended; then *status is its.
 */
static bool follow(struct trace_session *session, const struct options *options,
		   pid_t command, int *status)
{
	const int64_t began = session->file.began;
	const int64_t end = options->seconds > 0 ?
		began + (int64_t)(options->seconds * 1e9) : INT64_MAX;
	int64_t now = began, scanned = 0;
	bool over = false;

	while (now < end && !interrupted && !over) {
		/* Ctrl-C reaches the command, too, whose end is waited for. */
		if (command && interrupted == SIGINT)
			interrupted = 0;
		/* Its last events are read after it has ended. */
		if (command && waitpid(command, status, WNOHANG) == command)
			over = true;
		if (now - scanned >= SCAN_NS && !over) {
			trace_session_scan(session);
			scanned = now;
		}
		trace_session_read(session);
		if (!over)
			pause_for(READ_NS);
		now = units_now();
	}
	trace_session_read(session);
	return over;
}

/* The command is asked to end as if by Ctrl-C, which giambio unwinds. */
static int stop(pid_t command)
{
	int status;

	kill(command, SIGINT);
	while (waitpid(command, &status, 0) < 0 && errno == EINTR)
		;
	return EXIT_OK;
}

static void warn(const struct trace_session *session)
{
	unsigned int i, silent = 0;

	for (i = 0; i < session->count; i++)
		silent += !session->loops[i]->ring;
	if (silent)
		say(0, "%u of %u loops did not wake up, or are of a version that cannot trace, and are empty",
		    silent, session->count);
	if (session->lease_error)
		say(0, "a loop could not be asked to trace: %s",
		    strerror(-session->lease_error));
	if (session->sched_error)
		say(0, "the scheduler's switches are not in the trace: %s (see perf_event_paranoid in gmbstat(8))",
		    strerror(-session->sched_error));
	else if (!trace_sched_wakes(session->sched))
		say(0, "the scheduler's wakeups are not in the trace: only root sees them");
	if (session->kernel_error && session->kernel_error != -ENOENT)
		say(0, "the module's events are not in the trace: %s",
		    strerror(-session->kernel_error));
}

static int report(const struct trace_session *session,
		  const struct options *options)
{
	uint64_t lost = trace_session_lost(session);
	uint64_t events = trace_session_events(session);
	struct json json;

	if (options->common.json) {
		cmd_json_begin(&json, "trace");
		json_string(&json, "file", options->output);
		json_u64(&json, "loops", session->count);
		json_u64(&json, "events", events);
		json_u64(&json, "lost", lost);
		json_bool(&json, "sched", !session->sched_error);
		json_bool(&json, "module", session->kernel);
		return cmd_json_end(&json);
	}
	warn(session);
	if (lost)
		say(0, "%llu of %llu events were lost: they are marked in the trace; trace for a shorter time, or fewer loops",
		    (unsigned long long)lost,
		    (unsigned long long)(lost + events));
	say(0, "%llu events of %u %s are in %s; open it with ui.perfetto.dev or chrome://tracing",
	    (unsigned long long)events, session->count,
	    session->count == 1 ? "loop" : "loops",
	    output_name(options));
	return EXIT_OK;
}

/* Nobody is asked to look at an empty trace. */
static int nothing(const struct trace_session *session,
		   const struct options *options)
{
	if (session->strange)
		return say(EXIT_FAILED, "a loop was found that another version of giambio runs; use the gmbstat of that version");
	if (options->command)
		return say(EXIT_NOTHING, "%s ran no giambio loop",
			   options->command[0]);
	if (session->denied)
		return say(EXIT_NOTHING, "no giambio loop runs among your processes; to see other users' run gmbstat as root");
	return say(EXIT_NOTHING, "no giambio loop runs");
}

static int trace(const struct options *options, FILE *out)
{
	struct command command = {
		.argv = options->command,
		.inbox = -1,
		.quiet = is_stdout(options),
	};
	struct trace_session session;
	int rc = EXIT_OK, status = 0;
	bool over;

	if (command.argv)
		rc = start(&command);
	if (rc < 0)
		return say(EXIT_FAILED, "%s cannot be started: %s",
			   command.argv[0], strerror(-rc));
	trace_session_begin(&session, out,
			    command.argv ? command.pid : options->common.pid,
			    command.inbox);
	if (command.argv)
		release(&command);
	over = follow(&session, options, command.pid, &status);
	if (trace_session_end(&session) < 0)
		rc = say(EXIT_FAILED, "%s cannot be written: %s",
			 output_name(options), strerror(errno));
	if (command.argv)
		status = over ? status_of(status) : stop(command.pid);
	if (rc == EXIT_OK && session.count)
		rc = report(&session, options);
	else if (rc == EXIT_OK && status != COMMAND_FAILED)
		rc = nothing(&session, options);
	trace_session_free(&session);
	return rc ? rc : status;
}

static int trace_into_file(const struct options *options)
{
	struct sigaction action = { .sa_handler = on_signal };
	FILE *out = stdout;
	int rc;

	rc = cmd_process(&options->common);
	if (rc)
		return rc;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (!is_stdout(options))
		out = fopen(options->output, "we");
	if (!out)
		return say(EXIT_FAILED, "%s cannot be written: %s",
			   options->output, strerror(errno));
	rc = trace(options, out);
	if (out != stdout && fclose(out) != 0 && rc == EXIT_OK)
		rc = say(EXIT_FAILED, "%s cannot be written: %s",
			 output_name(options), strerror(errno));
	return rc;
}

static double seconds_of(struct argp_state *state, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value > 0) || value > 86400)
		argp_failure(state, EXIT_USAGE, 0,
			     "--duration wants seconds, more than 0 and at most a day, not '%s'",
			     text);
	return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'o':
		options->output = arg;
		return 0;
	case 'd':
		options->seconds = seconds_of(state, arg);
		return 0;
	case ARGP_KEY_ARG:
		/* Not one by one. */
		return ARGP_ERR_UNKNOWN;
	case ARGP_KEY_ARGS:
		options->command = state->argv + state->next;
		return 0;
	case ARGP_KEY_END:
		if (options->command && options->common.pid)
			argp_failure(state, EXIT_USAGE, 0,
				     "give a process or a command, not both");
		if (options->common.json && !strcmp(options->output, "-"))
			argp_failure(state, EXIT_USAGE, 0,
				     "the trace and the summary cannot both go to the standard output: leave --json out, it is JSON");
		return 0;
	default:
		return cmd_parse(key, arg, state, &options->common);
	}
}

static int run(int argc, char **argv)
{
	static const struct argp_option own[] = {
		{ "output", 'o', "FILE", 0,
		  "Where to write it (giambio-trace.json); - is the standard output", 0 },
		{ "duration", 'd', "SECONDS", 0,
		  "Trace for so long; without it until Ctrl-C, or until the command ends", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		own, parse, "[-- COMMAND [ARGUMENT...]]",
		"Write down what tasks do, for ui.perfetto.dev or chrome://tracing.",
		cmd_children, NULL, NULL,
	};
	struct options options = { .output = "giambio-trace.json" };

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
	return trace_into_file(&options);
}

const struct cmd cmd_trace = {
	.name = "trace",
	.brief = "write down what tasks do, for a viewer of traces",
	.run = run,
};
