/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <giambio/task.h>
#include "common/memory.h"
#include "gmbstat/tree.h"

#define MAX_DEPTH	64	/* what lies deeper is not indented any more */
#define STEP_BYTES	10	/* of a branch, in UTF-8, at most */

static int by_id(const void *a, const void *b)
{
	const struct tree_task *x = a, *y = b;

	return (x->row.id > y->row.id) - (x->row.id < y->row.id);
}

const struct tree_task *tree_find(const struct tree *tree, uint64_t id)
{
	struct tree_task key = { .row.id = id };

	return tree->count ? bsearch(&key, tree->list, tree->count,
				     sizeof(key), by_id) :
			     NULL;
}

static void read_rows(struct tree *tree, struct page *page, bool ended)
{
	size_t rows = page_rows(page), room = 0, i;
	struct tree_task task;

	for (i = 0; i < rows; i++) {
		if (!page_row(page, i, &task.row, task.context) ||
		    (!ended && task.row.state > GMB_TASK_WAITING))
			continue;
		if (tree->count == room) {
			room = room ? room * 2 : 256;
			tree->list = memory_get(tree->list,
						room * sizeof(task));
		}
		task.index = i;
		tree->list[tree->count++] = task;
	}
}

/* A row can be used anew while the picture is taken: ids are never. */
static void drop_doubles(struct tree *tree)
{
	size_t i, n = 0;

	for (i = 0; i < tree->count; i++) {
		if (!n || tree->list[n - 1].row.id != tree->list[i].row.id)
			tree->list[n++] = tree->list[i];
	}
	tree->count = n;
}

/* A parent is older than its child, so no damaged row can make a circle. */
static void find_parents(struct tree *tree)
{
	const struct tree_task *parent;
	struct tree_task *task;
	size_t i;

	for (i = 0; i < tree->count; i++) {
		task = &tree->list[i];
		parent = task->row.parent < task->row.id ?
				 tree_find(tree, task->row.parent) :
				 NULL;
		task->parent = parent ? parent - tree->list : -1;
	}
}

void tree_read(struct tree *tree, struct page *page, bool ended)
{
	*tree = (struct tree){ 0 };
	read_rows(tree, page, ended);
	if (!tree->count)
		return;
	qsort(tree->list, tree->count, sizeof(*tree->list), by_id);
	drop_doubles(tree);
	find_parents(tree);
}

void tree_free(struct tree *tree)
{
	free(tree->list);
	*tree = (struct tree){ 0 };
}

/* Tasks in the order of the picture; those of one parent lie together. */
struct order {
	const struct tree *tree;
	const struct tree_task **tasks;
	size_t *first;		/* of each task: where its children begin */
	size_t *end;		/* and end */
	size_t roots;		/* where those without a parent end */
};

static int by_manager(const void *a, const void *b)
{
	const struct tree_task *x = *(struct tree_task *const *)a;
	const struct tree_task *y = *(struct tree_task *const *)b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->row.manager != y->row.manager)
		return x->row.manager < y->row.manager ? -1 : 1;
	return by_id(x, y);
}

static int by_group(const void *a, const void *b)
{
	const struct tree_task *x = *(struct tree_task *const *)a;
	const struct tree_task *y = *(struct tree_task *const *)b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return by_id(x, y);
}

/* Managers are known by their tasks; the one with the oldest comes first. */
static void find_groups(struct order *order)
{
	const struct tree_task *task, *before = NULL;
	uint64_t group = 0;
	size_t i;

	qsort(order->tasks, order->tree->count, sizeof(*order->tasks),
	      by_manager);
	for (i = 0; i < order->tree->count; i++) {
		task = order->tasks[i];
		if (!before || before->parent != task->parent ||
		    before->row.manager != task->row.manager)
			group = task->row.id;
		order->tree->list[task - order->tree->list].group = group;
		before = task;
	}
	qsort(order->tasks, order->tree->count, sizeof(*order->tasks),
	      by_group);
}

static void make_order(struct order *order, const struct tree *tree)
{
	size_t i;
	ssize_t parent;

	order->tree = tree;
	order->roots = 0;
	order->tasks = memory_get(NULL, tree->count * sizeof(*order->tasks));
	order->first = memory_zeroed(tree->count, sizeof(size_t));
	order->end = memory_zeroed(tree->count, sizeof(size_t));
	for (i = 0; i < tree->count; i++)
		order->tasks[i] = &tree->list[i];
	find_groups(order);
	for (i = 0; i < tree->count; i++) {
		parent = order->tasks[i]->parent;
		if (parent < 0)
			order->roots = i + 1;
		else if (!order->end[parent]++)
			order->first[parent] = i;
	}
	/* What was counted becomes an end. */
	for (i = 0; i < tree->count; i++)
		order->end[i] += order->first[i];
}

/*
 * The branches before a line: two steps for each level of tasks, that of the
 * manager and its own. Where a level goes on below, its branch does.
 */
struct branches {
	char text[2 * MAX_DEPTH * STEP_BYTES + 1];
	size_t length[2 * MAX_DEPTH + 1];
	bool utf8;
};

static const char *branch(struct branches *b, size_t depth, bool last,
			  bool leaf)
{
	static const char *const plain[] = { "|  ", "   ", "|- ", "`- " };
	static const char *const drawn[] = { "│  ", "   ", "├─ ", "└─ " };
	const char *step = (b->utf8 ? drawn : plain)[2 * leaf + last];

	if (depth >= 2 * MAX_DEPTH)
		depth = 2 * MAX_DEPTH - 1;
	strcpy(b->text + b->length[depth], step);
	b->length[depth + 1] = b->length[depth] + strlen(step);
	return b->text;
}

struct walk {
	struct order order;
	struct branches branches;
	void (*each)(void *user, const struct tree_line *line);
	void *user;
};

/* Where the tasks of the manager of the task at i end. */
static size_t group_end(const struct order *order, size_t i, size_t end)
{
	uint64_t group = order->tasks[i]->group;

	for (; i < end && order->tasks[i]->group == group; i++)
		;
	return i;
}

static void put_manager(struct walk *w, size_t i, size_t end, size_t all,
			size_t depth)
{
	struct tree_line line = {
		.manager = w->order.tasks[i]->row.manager,
		.tasks = end - i,
	};

	line.prefix = branch(&w->branches, depth, end == all, true);
	w->each(w->user, &line);
	branch(&w->branches, depth, end == all, false);
}

/* Where a walk stands at a level: the task at i, of tasks that end at end. */
struct level {
	size_t i;
	size_t group;	/* where the tasks of the manager end */
	size_t end;
};

/* Go on at a level; false: it is at its end. */
static bool put_next(struct walk *w, struct level *level, size_t depth)
{
	struct tree_line line = { 0 };

	if (level->i == level->end)
		return false;
	if (depth && level->i == level->group) {
		level->group = group_end(&w->order, level->i, level->end);
		put_manager(w, level->i, level->group, level->end,
			    2 * depth - 2);
	}
	line.task = w->order.tasks[level->i++];
	line.prefix = depth ? branch(&w->branches, 2 * depth - 1,
				     level->i == level->group, true) :
			      "";
	w->each(w->user, &line);
	if (depth)
		branch(&w->branches, 2 * depth - 1, level->i == level->group,
		       false);
	return true;
}

/* Programs nest as deep as they like, so this does not call itself. */
static void walk_levels(struct walk *w)
{
	struct level *levels = memory_get(NULL, sizeof(*levels));
	size_t depth = 0, task;

	levels[0] = (struct level){ 0, 0, w->order.roots };
	for (;;) {
		if (!put_next(w, &levels[depth], depth)) {
			if (!depth--)
				break;
			continue;
		}
		task = (size_t)(w->order.tasks[levels[depth].i - 1] -
				w->order.tree->list);
		if (w->order.first[task] == w->order.end[task])
			continue;
		levels = memory_get(levels, (++depth + 1) * sizeof(*levels));
		levels[depth] = (struct level){ w->order.first[task],
						w->order.first[task],
						w->order.end[task] };
	}
	free(levels);
}

void tree_walk(const struct tree *tree,
	       void (*each)(void *user, const struct tree_line *line),
	       void *user)
{
	struct walk w = { .each = each, .user = user };

	if (!tree->count)
		return;
	w.branches.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	make_order(&w.order, tree);
	walk_levels(&w);
	free(w.order.tasks);
	free(w.order.first);
	free(w.order.end);
}
