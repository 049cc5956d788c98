/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdlib.h>
#include <string.h>
#include <giambio/task.h>
#include "common/memory.h"
#include "common/proc.h"
#include "common/ring.h"
#include "common/units.h"
#include "gmbstat/watch.h"

#define LOOKS	256u	/* of the thread's times that are remembered */
#define NAMES	1024u	/* of tasks */

/* The thread's times at a moment. */
struct look {
	int64_t time;
	uint64_t cpu_ns;
	uint64_t wait_ns;
	uint64_t slices;
};

/*
 * What the loop does, as the page shows it. While it is observed the running
 * step is known by its beginning; else there are the turn, and the row of the
 * task that runs in it, which is looked for when the turn takes long.
 */
struct step {
	bool busy;		/* it does not wait for events */
	uint64_t task;		/* that runs; 0: not known, or none */
	int64_t since;		/* when the step began; 0: it is not observed */
	uint64_t turns;
	ssize_t row;		/* of the task, of a step not observed; or -1 */
	uint64_t steps;		/* of that task */
	int64_t seen;		/* when it began, as far as is known */
	int64_t last;		/* when it was last seen to go on */
	bool looked;		/* where it is was looked at */
};

struct watch {
	struct page *page;
	int64_t least;
	void (*each)(void *user, const struct stall *stall);
	void *user;
	int64_t started;
	struct ring *ring;
	uint64_t lost;
	uint64_t task;		/* that the trace has seen begin; 0: none */
	int64_t begun;		/* when */
	int64_t told_from;	/* the last step that the trace has told */
	int64_t told_to;
	struct step step;
	struct stack *stack;	/* NULL: not wanted */
	uint64_t stack_task;	/* whose the kept one is; 0: nobody's */
	int64_t stack_time;
	struct look looks[LOOKS];
	uint64_t looks_count;
	struct {
		uint64_t task;
		char text[16];
	} names[NAMES];		/* by id, of tasks that came meanwhile */
	char name[GMB_TASK_NAME_SIZE];
};

static void take_look(struct watch *w, struct look *look)
{
	struct proc_times times;

	proc_schedstat(&times, w->page->pid, w->page->tid);
	*look = (struct look){
		.time = units_now(),
		.cpu_ns = times.cpu_ns,
		.wait_ns = times.wait_ns,
		.slices = times.slices,
	};
}

static const struct look *last_look(const struct watch *w)
{
	return &w->looks[(w->looks_count - 1) % LOOKS];
}

/* The last look before a moment, or the oldest that is remembered. */
static const struct look *look_before(const struct watch *w, int64_t time)
{
	uint64_t n = w->looks_count;
	uint64_t oldest = n > LOOKS ? n - LOOKS : 0;
	const struct look *look = last_look(w);

	while (n-- > oldest) {
		look = &w->looks[n % LOOKS];
		if (look->time <= time)
			break;
	}
	return look;
}

struct watch *watch_new(struct page *page, int64_t least, bool stacks,
			void (*each)(void *user, const struct stall *stall),
			void *user)
{
	struct watch *w = memory_zeroed(1, sizeof(*w));

	w->page = page;
	w->least = least;
	w->each = each;
	w->user = user;
	if (stacks) {
		w->stack = stack_new(page->pid);
		stack_warm(w->stack, page);
	}
	return w;
}

void watch_begin(struct watch *w)
{
	w->started = units_now();
	take_look(w, &w->looks[w->looks_count++]);
}

/*
 * The name is looked up late, for there are many steps and few stalls. The task
 * may have gone by then, and left what the trace had of its name.
 */
static const char *name_of(struct watch *w, uint64_t id)
{
	ssize_t index = page_find_row(w->page, id);
	struct gmb_row row;

	w->name[0] = '\0';
	if (w->names[id % NAMES].task == id)
		memcpy(w->name, w->names[id % NAMES].text,
		       sizeof(w->names->text));
	if (index >= 0 && page_row(w->page, (size_t)index, &row, NULL) &&
	    row.id == id)
		memcpy(w->name, row.name, sizeof(w->name));
	return w->name;
}

static void tell_task(struct watch *w, uint64_t task, int64_t began,
		      int64_t ended, bool exact, bool goes_on)
{
	const struct look *before = look_before(w, began);
	const struct look *after = last_look(w);
	struct stall stall = {
		.kind = STALL_TASK,
		.page = w->page,
		.task = task,
		.name = name_of(w, task),
		.began = began,
		.ns = ended - began,
		.exact = exact,
		.goes_on = goes_on,
		.cpu_ns = after->cpu_ns - before->cpu_ns,
		.wait_ns = after->wait_ns - before->wait_ns,
	};

	stall.parts_known = before->time <= began + w->least / 4 &&
			    after->time - before->time <
				    stall.ns + stall.ns / 4 + w->least / 4;
	/* The looks lie around the step, so they may have seen more than it. */
	if (stall.wait_ns > (uint64_t)stall.ns)
		stall.wait_ns = (uint64_t)stall.ns;
	if (stall.cpu_ns > (uint64_t)stall.ns - stall.wait_ns)
		stall.cpu_ns = (uint64_t)stall.ns - stall.wait_ns;
	if (w->stack && w->stack_task == task && w->stack_time >= began &&
	    w->stack_time <= ended)
		stall.stack = w->stack;
	w->each(w->user, &stall);
}

static void take_event(void *user, const struct gmb_trace_event *event)
{
	struct watch *w = user;

	if (event->kind == GMB_TRACE_NAME) {
		w->names[event->task % NAMES].task = event->task;
		memcpy(w->names[event->task % NAMES].text, event->text,
		       sizeof(event->text));
	} else if (event->kind == GMB_TRACE_BEGIN) {
		w->task = event->task;
		w->begun = event->time;
	} else if (event->kind == GMB_TRACE_END && w->task == event->task) {
		if (event->time - w->begun >= w->least &&
		    event->time > w->started) {
			w->told_from = w->begun;
			w->told_to = event->time;
			tell_task(w, w->task, w->begun, event->time, true,
				  false);
		}
		w->task = 0;
	}
}

static void follow(struct watch *w)
{
	if (!w->ring) {
		if (ring_open(&w->ring, w->page) < 0)
			return;
		if (ring_started(w->ring) >= w->started)
			ring_rewind(w->ring);
	}
	ring_read(w->ring, take_event, w);
	if (ring_lost(w->ring) != w->lost)
		w->task = 0;
	w->lost = ring_lost(w->ring);
}

/*
 * When the step that runs began. If nobody observed that, all there is are the
 * beginning of the turn, if it was there already when watching began, or else
 * the moment when it was first seen.
 */
static int64_t step_began(const struct watch *w, const struct step *step,
			  int64_t now)
{
	int64_t turn = __atomic_load_n(&w->page->head->now, __ATOMIC_RELAXED);
	bool first = w->looks_count == 2;

	if (step->since)
		return step->since < now ? step->since : now;
	return first && turn && turn < now ? turn : now;
}

static void take_step(const struct watch *w, struct step *step, int64_t now)
{
	const struct gmb_page *head = w->page->head;

	*step = (struct step){
		.since = __atomic_load_n(&head->step_since, __ATOMIC_ACQUIRE),
		.task = __atomic_load_n(&head->running, __ATOMIC_ACQUIRE),
		.turns = __atomic_load_n(&head->turns, __ATOMIC_ACQUIRE),
		.row = -1,
	};
	if (!step->task)
		step->since = 0;
	step->busy = step->task || !__atomic_load_n(&head->poll_since,
						    __ATOMIC_RELAXED);
	step->seen = step_began(w, step, now);
	step->last = now;
}

/* Whether it is the same step; of one not observed, the same turn. */
static bool is_same(const struct step *a, const struct step *b)
{
	return a->busy && b->busy && a->turns == b->turns &&
	       a->since == b->since && (!a->since || a->task == b->task);
}

/* The task that runs in a long turn that nobody observes. */
static void find_running(struct watch *w)
{
	size_t rows = page_rows(w->page), i;
	struct gmb_row row;

	for (i = 0; i < rows; i++) {
		if (!page_row(w->page, i, &row, NULL) ||
		    row.state != GMB_TASK_RUNNING)
			continue;
		w->step.row = (ssize_t)i;
		w->step.task = row.id;
		w->step.steps = row.steps;
		return;
	}
}

/* Whether that task still runs, and has not been given way to meanwhile. */
static bool still_runs(const struct watch *w)
{
	struct gmb_row row;

	return page_row(w->page, (size_t)w->step.row, &row, NULL) &&
	       row.state == GMB_TASK_RUNNING && row.id == w->step.task &&
	       row.steps == w->step.steps;
}

/* Whether the step goes on, of which w->step is an earlier picture. */
static bool goes_on(struct watch *w, int64_t now)
{
	struct step step;

	take_step(w, &step, now);
	return is_same(&step, &w->step) && w->step.task &&
	       (w->step.row < 0 || still_runs(w));
}

/* Where the thread is; worthless if the step has ended meanwhile. */
static void look_where(struct watch *w, int64_t now)
{
	w->step.looked = true;
	w->stack_task = 0;
	if (stack_thread(w->stack, w->page->tid) <= 0 || !goes_on(w, now))
		return;
	w->stack_task = w->step.task;
	w->stack_time = now;
}

/*
 * A step that was seen and has ended: if the trace was not on when it began
 * nobody else has told of it.
 */
static void step_ended(struct watch *w, int64_t now)
{
	int64_t began = w->step.seen;

	if (!w->step.task || w->step.last - began < w->least)
		return;
	if (began <= w->told_to && now >= w->told_from)
		return;
	if (w->ring && ring_started(w->ring) <= began)
		return;
	tell_task(w, w->step.task, began, now, false, false);
}

/* A turn that takes long can be many short steps: then it begins anew. */
static void look_longer(struct watch *w, int64_t now)
{
	if (!w->step.since && w->step.row < 0) {
		find_running(w);
	} else if (w->step.row >= 0 && !still_runs(w)) {
		step_ended(w, now);
		w->step.row = -1;
		w->step.task = 0;
		w->step.seen = now;
		return;
	}
	w->step.last = now;
	if (w->step.task && w->stack && !w->step.looked)
		look_where(w, now);
}

static void look_at_step(struct watch *w, int64_t now)
{
	struct step step;

	take_step(w, &step, now);
	if (!is_same(&step, &w->step)) {
		step_ended(w, now);
		w->step = step;
		return;
	}
	/* Half the time is left to look before a stall may be over. */
	if (now - w->step.seen >= w->least / 2)
		look_longer(w, now);
}

static void look_at_thread(struct watch *w)
{
	const struct look before = *last_look(w);
	struct look *now = &w->looks[w->looks_count % LOOKS];
	uint64_t slices;

	take_look(w, now);
	w->looks_count++;
	/* A thread that has ended has no times any more. */
	slices = now->slices - before.slices;
	if (now->wait_ns < before.wait_ns || !slices ||
	    (now->wait_ns - before.wait_ns) / slices < (uint64_t)w->least)
		return;
	w->each(w->user, &(struct stall){
				 .kind = STALL_THREAD,
				 .page = w->page,
				 .began = before.time,
				 .ns = (int64_t)(now->wait_ns - before.wait_ns),
				 .wait_ns = now->wait_ns - before.wait_ns,
				 .cpu_ns = now->cpu_ns - before.cpu_ns,
				 .slices = slices,
				 .parts_known = true,
			 });
}

void watch_look(struct watch *w)
{
	look_at_thread(w);
	follow(w);
	look_at_step(w, units_now());
}

void watch_free(struct watch *w)
{
	int64_t now = units_now();

	if (!w)
		return;
	if (now - w->step.seen >= w->least && page_alive(w->page) &&
	    goes_on(w, now))
		tell_task(w, w->step.task, w->step.seen, now,
			  w->step.since != 0, true);
	ring_close(w->ring);
	stack_free(w->stack);
	free(w);
}

uint64_t watch_lost(const struct watch *watch)
{
	return watch->lost;
}
