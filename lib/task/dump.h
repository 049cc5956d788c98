/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The tree of tasks in words.
 */
#ifndef GMB_TASK_DUMP_H
#define GMB_TASK_DUMP_H

#include "task/task.h"

/* Write the tree of a loop to a descriptor. Return: 0 or -errno of write(). */
int gmb__dump(struct gmb_loop *loop, int fd);

#endif
