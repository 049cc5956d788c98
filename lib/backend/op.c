/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Operations: how a task runs one.
 *
 * A file has one place for a reader and one for a writer. An operation takes
 * its place when the backend takes the operation, and gives it back when it is
 * finished or withdrawn; the loop counts those in between, because they are
 * what can wake it. READY may take both places.
 */
#include <errno.h>
#include <stdbool.h>
#include "backend/backend.h"
#include "backend/edge.h"
#include "backend/op.h"
#include "loop/loop.h"

static const uint8_t wait_kinds[GMB__OP_COUNT] = {
	[GMB__OP_READY] = GMB_WAIT_READY,
	[GMB__OP_RECEIVE] = GMB_WAIT_READABLE,
	[GMB__OP_SEND] = GMB_WAIT_WRITABLE,
	[GMB__OP_READ] = GMB_WAIT_READABLE,
	[GMB__OP_WRITE] = GMB_WAIT_WRITABLE,
	[GMB__OP_ACCEPT] = GMB_WAIT_ACCEPT,
	[GMB__OP_CONNECT] = GMB_WAIT_CONNECT,
};

static int why_unusable(const struct gmb_file *file)
{
	return file->loop ? -EXDEV : -EBADF;
}

static bool withdraw(struct gmb__wait *wait)
{
	struct gmb__op *op = gmb__entry(wait, struct gmb__op, wait);
	struct gmb_loop *loop = gmb__loop;

	if (loop->backend->withdraw(loop, op))
		return true;
	gmb__op_release(op);
	return false;
}

/* The operation has its places in the file, and the loop counts it. */
static inline void occupy(struct gmb__op *op, struct gmb__trap *trap)
{
	op->flags |= GMB__OP_PARKED;
	gmb__loop->pending++;
	gmb__trap_add(trap, &op->wait, withdraw);
}

/*
 * Somebody has a place. One who sends and then receives has both, and only the
 * backend knows whether the sending is over: it takes a writer then, and says
 * -EBUSY before. So the writer must not try by itself.
 */
static __attribute__((noinline)) int check_busy(struct gmb_file *file,
						uint8_t ways)
{
	if ((ways & GMB__CAN_READ && file->reader) ||
	    !(file->writer->flags & GMB__OP_PAIR))
		return -EBUSY;
	file->ready &= (uint8_t)~GMB__CAN_WRITE;
	return 0;
}

/* The loop's thread may use the file, and nobody else does in these ways. */
static gmb__always_inline int check_free(struct gmb_file *file, uint8_t ways)
{
	if (gmb__unlikely(file->loop != gmb__loop))
		return why_unusable(file);
	if (gmb__unlikely((ways & GMB__CAN_READ && file->reader) ||
			  (ways & GMB__CAN_WRITE && file->writer)))
		return check_busy(file, ways);
	return 0;
}

/* Return: 1 done, @result holds it; 0 it must wait; -errno. */
static gmb__always_inline int try_now(struct gmb__op *op, uint8_t ways,
				      intptr_t *result)
{
	if (gmb__unlikely(!gmb__edge_of(gmb__loop->edges, op->file)))
		return -EBADF;
	if (gmb__edge_must_wait(op, ways))
		return 0;
	*result = gmb__edge_attempt(op);
	return *result != -EAGAIN;
}

static gmb__always_inline void take_places(struct gmb__op *op, uint8_t ways)
{
	if (ways & GMB__CAN_READ)
		op->file->reader = op;
	if (ways & GMB__CAN_WRITE)
		op->file->writer = op;
}

/* Hand it to the backend, as one wait of a trap. Return: 0; -errno. */
static gmb__always_inline int take(struct gmb__op *op, uint8_t ways,
				   struct gmb__trap *trap)
{
	struct gmb_loop *loop = gmb__loop;
	int rc;

	rc = loop->backend->start(loop, op);
	if (gmb__unlikely(rc))
		return rc;
	take_places(op, ways);
	occupy(op, trap);
	return 0;
}

static gmb__always_inline intptr_t park(struct gmb__op *op,
					struct gmb__trap *trap)
{
	struct gmb_row *row = &trap->strand->row;
	intptr_t result;

	row->wait_fd = op->file->fd;
	result = gmb__trap_park(trap, wait_kinds[op->code], op->file,
				op->events);
	row->wait_fd = -1;
	return result;
}

int gmb__op_start(struct gmb__op *op, struct gmb__trap *trap, intptr_t *result)
{
	uint8_t ways = gmb__edge_ways(op);
	int rc = check_free(op->file, ways);

	if (rc == 0)
		rc = try_now(op, ways, result);
	return rc ? rc : take(op, ways, trap);
}

/* The pause of an operation: all others, and the poll, have their turn. */
struct pause {
	struct gmb__op *op;
	uint32_t timer;
	bool over;
};

static void end_pause(void *arg)
{
	struct pause *pause = arg;

	pause->over = true;
	/* The poll of this turn may have decided it; it may even be done. */
	if (gmb__op_is_parked(pause->op))
		gmb__op_pause(pause->op);
}

static bool withdraw_pause(struct gmb__wait *wait)
{
	struct gmb__op *op = gmb__entry(wait, struct gmb__op, wait);
	struct pause *pause = (struct pause *)(uintptr_t)op->cookie;

	pause->over = true;
	gmb__timer_stop(&gmb__loop->timers, pause->timer);
	gmb__op_release(op);
	return false;
}

/*
 * Wait for the next turn, in the operation's places. Returns %GMB__OP_PAUSED:
 * go on; or what the backend, cancellation or a close has made of it.
 */
static intptr_t make_pause(struct gmb__op *op)
{
	struct gmb_loop *loop = gmb__loop;
	struct pause pause = { .op = op };
	struct gmb__trap trap;
	intptr_t result;

	/* Without memory for it there is none. */
	if (gmb__timer_start(&loop->timers, loop->now, end_pause, &pause,
			     &pause.timer))
		return GMB__OP_PAUSED;
	op->cookie = (uintptr_t)&pause;
	gmb__trap_make(&trap, loop->current);
	gmb__trap_add(&trap, &op->wait, withdraw_pause);
	result = park(op, &trap);
	/* The backend may be earlier. */
	if (!pause.over)
		gmb__timer_stop(&loop->timers, pause.timer);
	return result;
}

/* Another attempt, and what follows if it must wait. */
static intptr_t go_on_now(struct gmb__op *op)
{
	struct gmb_loop *loop = gmb__loop;
	intptr_t result = gmb__edge_attempt(op);
	struct gmb__trap trap;

	if (result == -EAGAIN) {
		result = loop->backend->start(loop, op);
		if (result == 0) {
			gmb__trap_make(&trap, loop->current);
			gmb__trap_add(&trap, &op->wait, withdraw);
			return park(op, &trap);
		}
	}
	if (result != GMB__OP_PAUSED)
		gmb__op_release(op);
	return result;
}

/* It has much to do: others come first, again and again. */
static __attribute__((noinline)) intptr_t go_on_later(struct gmb__op *op,
						      uint8_t ways)
{
	struct gmb_loop *loop = gmb__loop;
	intptr_t result = GMB__OP_PAUSED;

	if (!(op->flags & GMB__OP_PARKED)) {
		take_places(op, ways);
		op->flags |= GMB__OP_PARKED;
		loop->pending++;
	}
	for (;;) {
		/* Closed, or cancelled, after the pause had ended. */
		if (!op->file)
			result = -EBADF;
		else if (loop->current->cancel)
			result = gmb__trap_refuse();
		if (result != GMB__OP_PAUSED) {
			gmb__op_release(op);
			return result;
		}
		result = make_pause(op);
		if (result == GMB__OP_PAUSED && op->file &&
		    !loop->current->cancel)
			result = go_on_now(op);
		if (result != GMB__OP_PAUSED)
			return result;
	}
}

/* What is left of an operation that could not be done at once. */
static gmb__always_inline intptr_t wait_for(struct gmb__op *op, uint8_t ways)
{
	struct gmb__trap trap;
	intptr_t result;
	int rc;

	gmb__trap_make(&trap, gmb__loop->current);
	rc = take(op, ways, &trap);
	if (gmb__unlikely(rc))
		return rc;
	result = park(op, &trap);
	if (gmb__unlikely(result == GMB__OP_PAUSED))
		return go_on_later(op, ways);
	return result;
}

static gmb__always_inline intptr_t run(struct gmb__op *op)
{
	uint8_t ways = gmb__edge_ways(op);
	intptr_t result;
	int rc;

	rc = gmb__trap_enter();
	if (gmb__likely(rc == 0))
		rc = check_free(op->file, ways);
	if (gmb__unlikely(rc))
		return rc;
	rc = try_now(op, ways, &result);
	if (rc == 0)
		return wait_for(op, ways);
	if (gmb__unlikely(rc < 0))
		return rc;
	if (gmb__likely(result >= 0))
		gmb__pass();
	else if (result == GMB__OP_PAUSED)
		result = go_on_later(op, ways);
	return result;
}

intptr_t gmb__op_run(struct gmb__op *op)
{
	return run(op);
}

static __attribute__((noinline)) intptr_t wait_to_send(struct gmb__op *send,
						       bool paused)
{
	return paused ? go_on_later(send, GMB__CAN_WRITE)
		      : wait_for(send, GMB__CAN_WRITE);
}

/* The backend does not take both, or not these. */
static gmb__always_inline intptr_t
run_one_by_one(const void *out, size_t out_len, struct gmb__op *receive)
{
	const struct gmb__edges *edges = gmb__loop->edges;
	uint32_t slot = receive->file->slot, generation;
	struct gmb__op send;
	intptr_t result = 0;
	int rc;

	gmb__op_init_one(&send, receive->file, GMB__OP_SEND, out, out_len);
	send.flags = GMB__OP_ALL;
	rc = try_now(&send, GMB__CAN_WRITE, &result);
	if (gmb__unlikely(rc == 0 || result == GMB__OP_PAUSED)) {
		generation = edges->slots[slot].generation;
		result = wait_to_send(&send, rc);
		/* The file may be closed and gone when the wait ends. */
		if (result >= 0 && edges->slots[slot].generation != generation)
			return -EBADF;
	} else if (gmb__unlikely(rc < 0)) {
		return rc;
	}
	if (gmb__unlikely(result < 0))
		return result;
	return run(receive);
}

/*
 * The backend has found that it cannot do both, and nothing is sent yet. The
 * file may be closed and gone by now.
 */
static __attribute__((noinline)) intptr_t
run_after_all(struct gmb_file *file, const void *out, size_t out_len,
	      struct gmb__op *refused, void *in, size_t in_len)
{
	const struct gmb__edges *edges = gmb__loop->edges;
	uint32_t slot = (uint32_t)refused->cookie;
	struct gmb__op receive;
	int rc;

	if (edges->slots[slot].generation != refused->cookie >> 32)
		return -EBADF;
	rc = check_free(file, GMB__CAN_BOTH);
	if (rc)
		return rc;
	gmb__op_init_one(&receive, file, GMB__OP_RECEIVE, in, in_len);
	return run_one_by_one(out, out_len, &receive);
}

/* One function, for the sake of the return after the switch. */
intptr_t gmb__op_run_pair(struct gmb_file *file, const void *out,
			  size_t out_len, void *in, size_t in_len)
{
	struct gmb_loop *loop = gmb__loop;
	struct gmb__op receive;
	struct gmb__trap trap;
	intptr_t result;
	int rc = gmb__trap_enter();

	if (gmb__likely(rc == 0))
		rc = check_free(file, GMB__CAN_BOTH);
	if (gmb__unlikely(rc))
		return rc;
	gmb__op_init_one(&receive, file, GMB__OP_RECEIVE, in, in_len);
	if (!loop->backend->start_pair)
		return run_one_by_one(out, out_len, &receive);
	rc = loop->backend->start_pair(loop, &receive, out, out_len);
	if (gmb__unlikely(rc == -ENOTSUP))
		return run_one_by_one(out, out_len, &receive);
	if (gmb__unlikely(rc))
		return rc;
	gmb__trap_make(&trap, loop->current);
	file->reader = &receive;
	file->writer = &receive;
	occupy(&receive, &trap);
	result = park(&receive, &trap);
	if (gmb__unlikely(result < 0 && receive.flags & GMB__OP_REFUSED))
		return run_after_all(file, out, out_len, &receive, in, in_len);
	return result;
}

intptr_t gmb__op_run_nothing(struct gmb_file *file)
{
	struct gmb__trap trap;
	int rc;

	rc = gmb__trap_init(&trap);
	if (rc)
		return rc;
	if (file->loop != gmb__loop)
		return why_unusable(file);
	gmb__pass();
	return 0;
}

static void evict(struct gmb__op *op, intptr_t reason)
{
	struct gmb_file *file = op->file;

	gmb__trap_abort(op->wait.trap, reason);
	if (file->reader == op)
		file->reader = NULL;
	if (file->writer == op)
		file->writer = NULL;
	op->file = NULL;
}

void gmb__op_evict(struct gmb_file *file, intptr_t reason)
{
	if (file->reader)
		evict(file->reader, reason);
	if (file->writer)
		evict(file->writer, reason);
}
