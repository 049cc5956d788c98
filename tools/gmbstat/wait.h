/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* What a task waits for, in words and as JSON. */
#ifndef TOOLS_GMBSTAT_WAIT_H
#define TOOLS_GMBSTAT_WAIT_H

#include "common/json.h"
#include "common/sockets.h"
#include "gmbstat/tree.h"

#define WAIT_TEXT	384

/**
 * struct wait_view - what is needed to say it
 * @tree:    the tasks of the loop
 * @sockets: of its process
 * @now:     CLOCK_MONOTONIC, ns
 */
struct wait_view {
	const struct tree *tree;
	struct sockets *sockets;
	int64_t now;
};

/* Whether the task waits for a descriptor. */
bool wait_is_for_fd(const struct gmb_row *row);

/* Say it: "lock 0x1230, held by 5 (writer)"; "" if the task does not wait. */
char *wait_text(const struct wait_view *view, const struct gmb_row *row,
		char text[WAIT_TEXT]);

/* Write it as a member "wait"; null if the task does not wait. */
void wait_json(const struct wait_view *view, const struct gmb_row *row,
	       struct json *json);

/* What a state is called: enum gmb_task_state. */
const char *wait_state(unsigned int state);

/* What an enum gmb_wait_kind is called in JSON and in statistics. */
const char *wait_kind(unsigned int kind);

#endif
