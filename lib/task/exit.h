/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The end of a task: who learns of its result, and what is freed when.
 */
#ifndef GMB_TASK_EXIT_H
#define GMB_TASK_EXIT_H

#include "task/task.h"

/* End the calling task with a result. */
void gmb__task_exit(struct gmb_task *task, intptr_t result)
	__attribute__((noreturn));

#endif
