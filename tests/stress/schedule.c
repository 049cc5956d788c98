/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Random schedules: trees of tasks, managers and scopes that spawn, join,
 * cancel, wait for each other in every way there is, and read, write and close
 * streams under each other's hands. Afterwards nothing may be left, and what
 * was promised must have been kept: see world.h.
 *
 * The whole has a deadline, after which all is cancelled; so a schedule that
 * does not end is an error, however its tasks wait for each other.
 */
#include "actions.h"
#include "audit.h"
#include "loop/loop.h"

static void act(struct record *me, int nesting);

/* Records of a manager's tasks are void once it is closed. */
static void forget_tasks(struct world *w, const struct gmb_manager *manager)
{
	for (int i = 0; i < w->record_count; i++) {
		if (w->records[i].manager != manager)
			continue;
		w->records[i].task = NULL;
		w->records[i].manager = NULL;
	}
}

static intptr_t work(void *arg)
{
	struct record *me = (struct record *)arg;
	struct world *w = me->world;
	int steps = 1 + below(w, 8);

	me->ran = true;
	if (me->starter && one_in(w, 4))
		goto out;
	if (me->starter)
		must_be(gmb_started((intptr_t)me->depth), 0);
	while (steps-- && gmb_checkpoint() == 0)
		act(me, 0);
out:
	me->result = gmb_checkpoint();
	if (!me->result)
		me->result = one_in(w, 24) ? -EPROTO : me - w->records;
	me->ended = true;
	if (me->forget)
		me->task = NULL;
	return me->result;
}

/* Any manager that is open, also one that is just being closed. */
static struct gmb_manager *some_manager(struct world *w, int *depth)
{
	int i = below(w, MANAGERS);

	*depth = w->manager_depth[i];
	return w->managers[i];
}

static struct record *new_record(struct world *w, struct gmb_manager *manager,
				 int depth)
{
	struct record *r = &w->records[w->record_count];

	if (w->record_count == RECORDS)
		return NULL;
	w->record_count++;
	*r = (struct record){
		.world = w,
		.manager = manager,
		.depth = depth + 1,
	};
	return r;
}

static void spawn_wait(struct gmb_manager *manager, struct record *r)
{
	intptr_t value = -1;
	int rc;

	r->starter = true;
	/* It may be the task that was cancelled, and not the caller. */
	rc = gmb_spawn_wait(manager, work, r, &value);
	if (rc == 0) {
		must(r->ran);
		must_be(value, r->depth);
		return;
	}
	must_be(value, -1);
	if (rc == -ECHILD)
		must(r->ended && r->result >= 0);
	else
		must(rc == -ECANCELED || (r->ended && rc == r->result));
	must(!r->ran || r->ended);
	r->manager = NULL;
}

static void spawn(struct world *w, struct gmb_manager *manager, int depth)
{
	struct gmb_spawn_opts opts = { .stack_size = 256 << 10 };
	struct record *r = depth < 5 ? new_record(w, manager, depth) : NULL;
	int rc;

	if (!r)
		return;
	switch (below(w, 6)) {
	case 0:
		r->task = gmb_schedule(manager, some_span(w), work, r);
		must(r->task);
		break;
	case 1:
		r->forget = true;
		opts.flags = GMB_SPAWN_FORGET;
		/* fall through */
	case 2:
		opts.name = "with options";
		rc = gmb_spawn_with(manager, &opts, work, r, &r->task);
		must_be(rc, 0);
		break;
	case 3:
		spawn_wait(manager, r);
		break;
	default:
		r->task = gmb_spawn(manager, work, r);
		must(r->task);
	}
}

/* What a task has come to is what it returned, to whomever asks. */
static void check_result(const struct record *r, intptr_t result)
{
	if (r->ended)
		must_be(result, r->result);
	else
		must(!r->ran && result == -ECANCELED);
}

/* After all tasks have ended: results, and the manager's error. */
static void check_tasks(const struct world *w,
			const struct gmb_manager *manager, intptr_t rc)
{
	bool failed = false;

	must_be(gmb_manager_alive(manager), 0);
	for (int i = 0; i < w->record_count; i++) {
		const struct record *r = &w->records[i];

		if (r->manager != manager)
			continue;
		must(r->ended || !r->ran);
		failed |= r->ended && r->result == -EPROTO;
		if (r->task)
			check_result(r, gmb_task_result(r->task));
	}
	must_be(rc == -EPROTO, failed);
	must_be(!!gmb_manager_next_error(manager, NULL), failed);
}

static void act_manager(struct record *me, int nesting)
{
	struct world *w = me->world;
	struct gmb_manager m;
	bool bounded = one_in(w, 4);
	int at, n = below(w, 5);
	intptr_t rc;

	must_be(gmb_manager_open(&m), 0);
	at = enlist((void **)w->managers, MANAGERS, &m);
	if (at >= 0)
		w->manager_depth[at] = me->depth;
	if (bounded)
		must_be(gmb_scope_set_deadline(gmb_manager_scope(&m),
					       gmb_after(some_span(w))), 0);
	while (n--)
		spawn(w, &m, me->depth);
	while (one_in(w, 2))
		act(me, nesting + 1);
	if (one_in(w, 6))
		gmb_manager_cancel(&m);
	if (one_in(w, 2)) {
		rc = gmb_manager_wait(&m);
		check_tasks(w, &m, rc);
	}
	rc = gmb_manager_close(&m);
	if (at >= 0)
		w->managers[at] = NULL;
	forget_tasks(w, &m);
	if (rc == -ETIMEDOUT)
		must(bounded);
	else
		must(rc == 0 || rc == -EPROTO || told(rc) == -ECANCELED);
}

static void act_scope(struct record *me, int nesting)
{
	struct world *w = me->world;
	gmb_time deadline = one_in(w, 3) ? GMB_NEVER : gmb_after(some_span(w));
	unsigned int flags = (unsigned int)below(w, 4);
	struct gmb_scope scope;
	int at, rc;

	/* What is shielded must end by itself. */
	if (flags & GMB_SCOPE_SHIELD && deadline == GMB_NEVER)
		deadline = gmb_after(some_span(w));
	must_be(gmb_scope_open(&scope, deadline, flags), 0);
	at = enlist((void **)w->scopes, SCOPES, &scope);
	do
		act(me, nesting + 1);
	while (one_in(w, 2));
	if (gmb_scope_cancelled(&scope))
		must_be(gmb_checkpoint(), -ECANCELED);
	if (at >= 0)
		w->scopes[at] = NULL;
	rc = gmb_scope_close(&scope);
	/* Another task may have made the deadline an earlier one. */
	if (rc == -ETIMEDOUT)
		must(gmb_scope_cancelled(&scope) &&
		     gmb_now() >= scope.deadline && !(flags & GMB_SCOPE_SKIP));
	else
		must(rc == 0 || rc == -ECANCELED);
}

static void act_cancel(struct world *w)
{
	struct gmb_scope *scope;
	struct record *r;
	int i, depth;

	switch (below(w, 4)) {
	case 0:
		r = &w->records[below(w, w->record_count)];
		if (r->task)
			gmb_task_cancel(r->task);
		break;
	case 1:
		i = below(w, MANAGERS);
		/* The outermost one would often end all too early. */
		if (i && some_manager(w, &depth) && w->managers[i])
			gmb_manager_cancel(w->managers[i]);
		break;
	case 2:
		scope = w->scopes[below(w, SCOPES)];
		if (scope)
			gmb_scope_cancel(scope);
		break;
	default:
		scope = w->scopes[below(w, SCOPES)];
		/* Never later, so that shields end. */
		if (scope)
			must_be(gmb_scope_set_deadline(scope, gmb_now()), 0);
	}
}

static void act_join(struct world *w)
{
	struct record *r = &w->records[below(w, w->record_count)];
	intptr_t result = -1;
	int rc;

	if (!r->task || r->forget)
		return;
	rc = gmb_join(r->task, &result);
	told(rc);
	if (rc == 0)
		check_result(r, result);
	else
		must(rc == -ECANCELED || rc == -EDEADLK);
}

static void act_task(struct record *me, int nesting)
{
	struct world *w = me->world;
	struct gmb_manager *manager;
	int depth;

	switch (below(w, 6)) {
	case 0:
	case 1:
		return act_manager(me, nesting);
	case 2:
		return act_scope(me, nesting);
	case 3:
		return act_cancel(w);
	case 4:
		return act_join(w);
	default:
		manager = some_manager(w, &depth);
		if (manager)
			spawn(w, manager, depth);
	}
}

static void act(struct record *me, int nesting)
{
	struct world *w = me->world;
	struct stream *s = &w->streams[below(w, STREAMS)];

	switch (below(w, 20)) {
	case 0:
		told(gmb_sleep(some_span(w)));
		break;
	case 1:
		told(gmb_yield());
		break;
	case 2:
		return act_lock(w);
	case 3:
		return act_put(w);
	case 4:
		return act_get(w);
	case 5:
		return act_send(w);
	case 6:
		return act_receive(w);
	case 7:
		return act_event(w);
	case 8:
		return act_permit(w);
	case 9:
		return act_message(w);
	case 10:
		told(gmb_barrier_wait(&w->barrier));
		break;
	case 11:
		if (one_in(w, 3))
			act_close(w);
		else if (one_in(w, 6))
			must_be(gmb_dump(w->sink), 0);
		break;
	case 12:
	case 13:
		return stream_read(w, s);
	case 14:
	case 15:
		return stream_write(w, s);
	case 16:
		return act_select(w);
	default:
		if (nesting < 3)
			act_task(me, nesting);
	}
}

static void world_open(struct world *w)
{
	size_t capacity = (size_t)below(w, 3);
	int i;

	for (i = 0; i < LOCKS; i++)
		gmb_lock_init(&w->locks[i]);
	gmb_condition_init(&w->condition, &w->locks[0]);
	for (i = 0; i < QUEUES; i++)
		must_be(gmb_queue_init(&w->queues[i], sizeof(int),
				       1 + (size_t)below(w, 3), NULL), 0);
	for (i = 0; i < EVENTS; i++)
		gmb_event_init(&w->events[i]);
	must_be(gmb_channel_open(&w->sender, &w->receiver, sizeof(int),
				 capacity), 0);
	must_be(gmb_semaphore_init(&w->semaphore, 2, 2), 0);
	gmb_limiter_init(&w->limiter, 1);
	must_be(gmb_barrier_init(&w->barrier, 2 + (size_t)below(w, 2)), 0);
	must_be(gmb_mailbox_open(&w->mailbox, sizeof(int),
				 (size_t)below(w, 4)), 0);
	for (i = 0; i < STREAMS; i++)
		stream_open(w, &w->streams[i]);
	w->sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
	must(w->sink >= 0);
}

static size_t messages_left(struct world *w)
{
	size_t left = 0;
	int item;

	while (gmb_mailbox_try_receive(w->mailbox, &item) == 0)
		left++;
	return left;
}

/* Ending the use of what somebody still waits for would abort. */
static void world_close(struct world *w)
{
	size_t left = (size_t)w->dropped + messages_left(w);
	int i;

	left += gmb_channel_length(&w->receiver);
	gmb_sender_close(&w->sender);
	gmb_receiver_close(&w->receiver);
	for (i = 0; i < QUEUES; i++) {
		left += gmb_queue_length(&w->queues[i]);
		gmb_queue_fini(&w->queues[i]);
	}
	items_check(w, left);
	for (i = 0; i < EVENTS; i++)
		gmb_event_fini(&w->events[i]);
	must_be(gmb_semaphore_value(&w->semaphore), 2);
	gmb_semaphore_fini(&w->semaphore);
	must_be(gmb_limiter_borrowed(&w->limiter), 0);
	gmb_limiter_fini(&w->limiter);
	must_be(gmb_barrier_waiting(&w->barrier), 0);
	gmb_barrier_fini(&w->barrier);
	gmb_condition_fini(&w->condition);
	for (i = 0; i < LOCKS; i++)
		gmb_lock_fini(&w->locks[i]);
	gmb_mailbox_put(w->mailbox);
	for (i = 0; i < STREAMS; i++)
		stream_end(&w->streams[i]);
	close(w->sink);
}

/* What the loop counts must come out even. */
static void check_loop(void)
{
	const struct gmb_loop *loop = gmb_loop_current();

	must_be(loop->page->spawned - loop->page->exited, 1);
	must_be(loop->pending, 0);
	must_be(loop->outside, 0);
	must_be(loop->timers.count, 0);
	must(!loop->ready_first);
}

static intptr_t root(void *arg)
{
	struct world *w = (struct world *)arg;
	struct gmb_manager m;
	intptr_t rc;
	int n;

	world_open(w);
	must_be(gmb_manager_open(&m), 0);
	w->managers[0] = &m;
	must_be(gmb_scope_set_deadline(gmb_manager_scope(&m),
				       gmb_after(100 * w->scale)), 0);
	for (n = 2 + below(w, 6); n; n--)
		spawn(w, &m, 0);
	rc = gmb_manager_wait(&m);
	check_tasks(w, &m, rc);
	rc = gmb_manager_close(&m);
	must(rc == 0 || rc == -EPROTO || rc == -ETIMEDOUT);
	forget_tasks(w, &m);
	w->managers[0] = NULL;
	must_be(gmb_checkpoint(), 0);
	world_close(w);
	check_loop();
	return 4711;
}

static void schedule(uint64_t seed)
{
	static struct world w;
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.stack_size = 256 << 10,
	};
	struct audit audit;
	bool audited;

	memset(&w, 0, sizeof(w));
	w.random = seed;
	w.scale = GMB_MS;
	if (one_in(&w, 4))
		w.scale = 2 * GMB_US;
	else
		opts.flags |= GMB_LOOP_FAKE_CLOCK;
	audited = one_in(&w, 4);
	if (audited)
		audit_open(&audit);
	must_be(gmb_observe(one_in(&w, 4) ? GMB_OBSERVE_TIMES : 0), 0);
	must_be(gmb_run_with(&opts, root, &w), 4711);
	if (audited)
		audit_close(&audit);
}

int main(void)
{
	static const struct stress_program program = {
		.name = "random schedules",
		.one = schedule,
		.check = 30000,
		.full = 100000,
	};

	return stress_main(&program);
}
