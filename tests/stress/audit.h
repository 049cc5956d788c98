/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Hooks that keep books of a loop, and what must be true of them when it has
 * ended.
 */
#ifndef TESTS_STRESS_AUDIT_H
#define TESTS_STRESS_AUDIT_H

#include "harness.h"

struct audit {
	struct gmb_hooks hooks;
	struct gmb_task *running;
	long spawned, exited, failed;
	long begun, ended;		/* steps */
	long asked, answered;		/* polls */
	int starts, exits;
};

static inline void audit_start(void *user, struct gmb_loop *loop)
{
	must(loop == gmb_loop_current());
	((struct audit *)user)->starts++;
}

static inline void audit_exit(void *user, struct gmb_loop *loop,
			      intptr_t result)
{
	struct audit *audit = (struct audit *)user;

	(void)loop;
	(void)result;
	must_be(audit->spawned, audit->exited);
	audit->exits++;
}

static inline void audit_spawned(void *user, struct gmb_task *task,
				 gmb_time delay_ns)
{
	must(gmb_task_state(task) != GMB_TASK_DONE && delay_ns >= 0);
	((struct audit *)user)->spawned++;
}

static inline void audit_begin(void *user, struct gmb_task *task)
{
	struct audit *audit = (struct audit *)user;

	must(!audit->running);
	audit->running = task;
	audit->begun++;
}

static inline void audit_end(void *user, struct gmb_task *task)
{
	struct audit *audit = (struct audit *)user;

	must(audit->running == task);
	audit->running = NULL;
	audit->ended++;
}

static inline void audit_exited(void *user, struct gmb_task *task,
				intptr_t result)
{
	struct audit *audit = (struct audit *)user;

	must(audit->running == task);
	must_be(gmb_task_result(task), result);
	audit->exited++;
}

static inline void audit_failed(void *user, struct gmb_task *task,
				intptr_t error)
{
	must(error < 0);
	must_be(gmb_task_state(task), GMB_TASK_FAILED);
	((struct audit *)user)->failed++;
}

static inline void audit_asks(void *user, gmb_time span_ns)
{
	must(span_ns >= 0);
	((struct audit *)user)->asked++;
}

static inline void audit_answered(void *user, int completions)
{
	must(completions >= 0);
	((struct audit *)user)->answered++;
}

/* Begin to keep books; @audit must stay until audit_close(). */
static inline void audit_open(struct audit *audit)
{
	*audit = (struct audit){
		.hooks = {
			.size = sizeof(audit->hooks),
			.user = audit,
			.run_start = audit_start,
			.run_exit = audit_exit,
			.spawned = audit_spawned,
			.step_begin = audit_begin,
			.step_end = audit_end,
			.exited = audit_exited,
			.failed = audit_failed,
			.io_begin = audit_asks,
			.io_end = audit_answered,
		},
	};
	must_be(gmb_hooks_set(&audit->hooks), 0);
}

static inline void audit_close(const struct audit *audit)
{
	must_be(gmb_hooks_set(NULL), 0);
	must_be(audit->starts, 1);
	must_be(audit->exits, 1);
	must_be(audit->spawned, audit->exited);
	must_be(audit->begun, audit->ended);
	must_be(audit->asked, audit->answered);
	must(audit->begun >= audit->spawned);
	must(audit->failed <= audit->exited);
}

#endif
