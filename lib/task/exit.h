/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The life of a task from inside, which is mostly its end: who learns of its
 * result, and what is freed when.
 */
#ifndef GMB_TASK_EXIT_H
#define GMB_TASK_EXIT_H

#include "task/task.h"

/*
 * The first function on every task's stack, and the last: it runs the task's
 * own, tells of its end, and never returns.
 */
void gmb__task_entry(void *task);

#endif
