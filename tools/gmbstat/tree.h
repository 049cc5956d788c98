/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The tasks of a loop as a tree: below a task its managers, below each the
 * tasks in it. It is a picture of a moment that was not quite one: tasks come
 * and go while it is taken, and one whose parent was not seen stands at the
 * top.
 */
#ifndef TOOLS_GMBSTAT_TREE_H
#define TOOLS_GMBSTAT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include "common/page.h"

/**
 * struct tree_task - a task
 * @row:     its picture
 * @context: saved registers, zeros if they are not kept
 * @index:   of its row in the page
 * @parent:  index in the list of the task above it, or -1
 * @group:   id of the first task of its manager, which orders the managers
 */
struct tree_task {
	struct gmb_row row;
	uint64_t context[PAGE_CONTEXT];
	size_t index;
	ssize_t parent;
	uint64_t group;
};

/**
 * struct tree - the tasks of a loop
 * @list:  ascending by id
 * @count: how many
 */
struct tree {
	struct tree_task *list;
	size_t count;
};

/**
 * struct tree_line - a line of the picture
 * @task:    the task; NULL: a manager
 * @manager: its address, of a manager's line
 * @tasks:   tasks in it, of a manager's line
 * @prefix:  what stands before it, branches and blanks
 */
struct tree_line {
	const struct tree_task *task;
	uint64_t manager;
	size_t tasks;
	const char *prefix;
};

/**
 * tree_read() - take a picture of a loop's tasks
 * @tree:  [out] to be given back with tree_free()
 * @page:  the loop
 * @ended: also those that have ended and whose manager is open
 */
void tree_read(struct tree *tree, struct page *page, bool ended);

void tree_free(struct tree *tree);

/* The task with that id, or NULL. */
const struct tree_task *tree_find(const struct tree *tree, uint64_t id);

/* Call each with every line, from top to bottom. */
void tree_walk(const struct tree *tree,
	       void (*each)(void *user, const struct tree_line *line),
	       void *user);

#endif
