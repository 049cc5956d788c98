/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdlib.h>
#include <string.h>
#include <giambio/hooks.h>
#include <giambio/task.h>
#include "common/memory.h"
#include "common/units.h"
#include "gmbstat/top_model.h"

static void free_loop(struct top_loop *loop)
{
	tree_free(&loop->tree);
	tree_free(&loop->before);
	sockets_free(loop->sockets);
	page_free(loop->page);
	free(loop);
}

/* Loops that have ended go. */
static void drop_ended(struct top *top)
{
	size_t i, kept = 0;

	for (i = 0; i < top->count; i++) {
		if (page_alive(top->loops[i]->page))
			top->loops[kept++] = top->loops[i];
		else
			free_loop(top->loops[i]);
	}
	top->count = kept;
}

static bool is_known(const struct top *top, const struct page *page)
{
	size_t i;

	for (i = 0; i < top->count; i++) {
		if (top->loops[i]->page->inode == page->inode &&
		    top->loops[i]->page->pid == page->pid)
			return true;
	}
	return false;
}

static void add_loop(struct top *top, struct page *page)
{
	struct top_loop *loop = memory_zeroed(1, sizeof(*loop));

	loop->page = page;
	page_names(page, loop->name, loop->backend);
	top->loops = memory_get(top->loops,
				(top->count + 1) * sizeof(*top->loops));
	top->loops[top->count++] = loop;
}

static void find_new(struct top *top)
{
	struct pages pages;
	unsigned int i = 0;

	pages_find(&pages, top->pid);
	top->denied = pages.denied;
	while (i < pages.count) {
		if (is_known(top, pages.list[i]))
			i++;
		else
			add_loop(top, pages_take(&pages, i));
	}
	pages_free(&pages);
}

static void take_rates(struct top_loop *loop, double seconds)
{
	const struct gmb_page *head = loop->page->head;
	struct top_counters now = { head->steps, head->polls, 0 };
	struct histogram total;
	struct proc_times times;

	now.cpu_ns = loop->last.cpu_ns;
	if (proc_times(&times, loop->page->pid, loop->page->tid) == 0)
		now.cpu_ns = times.cpu_ns;
	page_histogram(loop->page, GMB_STAGE_RESUME, &total);
	loop->recent = total;
	if (loop->seen && seconds > 0) {
		loop->steps = (double)(now.steps - loop->last.steps) / seconds;
		loop->polls = (double)(now.polls - loop->last.polls) / seconds;
		loop->cpu = (double)(now.cpu_ns - loop->last.cpu_ns) / 1e9 /
			    seconds;
		histogram_since(&loop->recent, &loop->total);
	}
	loop->last = now;
	loop->total = total;
}

static void look_at(struct top_loop *loop, double seconds)
{
	sockets_free(loop->sockets);
	loop->sockets = sockets_new(loop->page->pid);
	tree_free(&loop->before);
	loop->before = loop->tree;
	tree_read(&loop->tree, loop->page, false);
	loop->tasks = loop->tree.count;
	proc_comm(loop->comm, loop->page->pid, 0);
	take_rates(loop, seconds);
}

static void add_task(struct top *top, const struct top_task *task)
{
	if (top->shown == top->room) {
		top->room = top->room ? 2 * top->room : 256;
		top->tasks = memory_get(top->tasks,
					top->room * sizeof(*top->tasks));
	}
	top->tasks[top->shown++] = *task;
}

/* Both lists ascend by id, so they are walked side by side. */
static void add_tasks(struct top *top, struct top_loop *loop, double seconds)
{
	size_t i, old = 0;

	for (i = 0; i < loop->tree.count; i++) {
		const struct gmb_row *row = &loop->tree.list[i].row, *was;
		struct top_task task = { .loop = loop, .row = row };
		bool idle = row->state == GMB_TASK_WAITING;

		while (old < loop->before.count &&
		       loop->before.list[old].row.id < row->id)
			old++;
		if (old < loop->before.count && seconds > 0 &&
		    loop->before.list[old].row.id == row->id) {
			was = &loop->before.list[old].row;
			task.steps = (double)(row->steps - was->steps) /
				     seconds;
			task.share = (double)(row->run_ns - was->run_ns) / 1e9 /
				     seconds;
			idle = idle && row->steps == was->steps;
		}
		if (idle && !top->idle)
			top->hidden++;
		else
			add_task(top, &task);
	}
}

static int more(double a, double b)
{
	return (a < b) - (a > b);
}

static int compare_key(const struct top_task *a, const struct top_task *b,
		       enum top_key key)
{
	switch (key) {
	case TOP_SHARE:
		return more(a->share, b->share);
	case TOP_RUN:
		return more((double)a->row->run_ns, (double)b->row->run_ns);
	case TOP_WORST:
		return more((double)a->row->worst_ns,
			    (double)b->row->worst_ns);
	case TOP_STEPS:
		return more(a->steps, b->steps);
	case TOP_SINCE:
		return more((double)b->row->since, (double)a->row->since);
	case TOP_NAME:
		return strcmp(a->row->name, b->row->name);
	default:
		return 0;
	}
}

/* What is equal is in the order of loops and tasks, which does not change. */
static int compare(const void *x, const void *y, void *user)
{
	const struct top_task *a = x, *b = y;
	const struct top *top = user;
	int rc = compare_key(a, b, top->key);

	if (!rc)
		rc = a->loop->page->pid - b->loop->page->pid;
	if (!rc)
		rc = a->loop->page->fd - b->loop->page->fd;
	if (!rc)
		rc = a->row->id < b->row->id ? -1 : 1;
	return top->up ? -rc : rc;
}

void top_sort(struct top *top)
{
	double seconds = (double)top->span / 1e9;
	size_t i;

	top->shown = 0;
	top->hidden = 0;
	for (i = 0; i < top->count; i++)
		add_tasks(top, top->loops[i],
			  top->loops[i]->seen ? seconds : 0);
	if (top->shown)
		qsort_r(top->tasks, top->shown, sizeof(*top->tasks), compare,
			top);
}

static int by_cpu(const void *x, const void *y)
{
	const struct top_loop *a = *(struct top_loop *const *)x;
	const struct top_loop *b = *(struct top_loop *const *)y;
	int rc = more(a->cpu, b->cpu);

	if (!rc)
		rc = a->page->pid - b->page->pid;
	return rc ? rc : a->page->fd - b->page->fd;
}

void top_look(struct top *top, int64_t lease_ns)
{
	int64_t now = units_now();
	size_t i;

	top->span = top->now ? now - top->now : 0;
	top->now = now;
	drop_ended(top);
	find_new(top);
	for (i = 0; i < top->count; i++) {
		/* Whom we may not ask shows what it shows anyway. */
		page_lease(top->loops[i]->page, GMB_OBSERVE_TIMES, lease_ns);
		look_at(top->loops[i], (double)top->span / 1e9);
	}
	if (top->count)
		qsort(top->loops, top->count, sizeof(*top->loops), by_cpu);
	top_sort(top);
	for (i = 0; i < top->count; i++)
		top->loops[i]->seen = true;
}

void top_free(struct top *top)
{
	size_t i;

	for (i = 0; i < top->count; i++)
		free_loop(top->loops[i]);
	free(top->loops);
	free(top->tasks);
	*top = (struct top){ 0 };
}
