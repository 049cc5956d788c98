/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Everything here runs in a trap, under ctx->lock. Completions are posted only
 * where the trap has made sure of GMB_RING_RESERVE free entries.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/socket.h>

#include "compat.h"
#include "context.h"
#include "io.h"
#include "ops.h"
#include "peer.h"
#include "stats.h"
#include "task.h"
#include "watch.h"

union gmb_op_words {
	struct gmb_ioc_op	op;
	u64			word[8];
};

/* The bits that must be zero, field by field and operation by operation. */
/* clang-format off */
#define FLAGS(allowed)	.flags = (u8)~(allowed)
#define MSG(allowed)	.msg_flags = (u32)~(allowed)
#define NO_SLOT		.slot = ~0U
#define NO_EVENTS	.events = 0xffff
#define NO_ADDR		.addr = ~0ULL
#define NO_LEN		.len = ~0U
#define NO_BUFFER	NO_ADDR, NO_LEN
#define NO_SLACK	.slack_ns = ~0U
#define NO_FD		.fd = -1
#define NO_SECOND	.addr2 = ~0ULL, .len2 = ~0U
#define NO_RESERVED	.reserved = ~0U, .reserved2 = ~0ULL
#define NO_WAIT		NO_EVENTS, NO_SLACK, NO_SECOND, NO_RESERVED, MSG(0)

#define MSG_IN		(MSG_PEEK | MSG_TRUNC)
#define MSG_OUT		(MSG_MORE | MSG_EOR)

static const union gmb_op_words forbidden[] = {
	[GMB_OP_NOP] = { .op = {
		FLAGS(0), NO_WAIT, NO_SLOT, NO_BUFFER, NO_FD } },
	[GMB_OP_WATCH_ADD] = { .op = {
		FLAGS(GMB_F_SKIP | GMB_F_REPLACE), NO_WAIT, NO_BUFFER } },
	[GMB_OP_WATCH_DROP] = { .op = {
		FLAGS(GMB_F_SKIP | GMB_F_CLOSE), NO_WAIT, NO_BUFFER } },
	[GMB_OP_READY] = { .op = {
		FLAGS(GMB_F_NOWAIT), .events = (u16)~GMB_EVENTS_ANY, MSG(0),
		NO_BUFFER, NO_FD, NO_SECOND, NO_RESERVED } },
	[GMB_OP_RECV] = { .op = {
		FLAGS(GMB_F_NOWAIT), NO_EVENTS, MSG(MSG_IN), NO_FD, NO_SECOND,
		NO_RESERVED } },
	[GMB_OP_SEND] = { .op = {
		FLAGS(GMB_F_ALL | GMB_F_SKIP | GMB_F_NOWAIT), NO_EVENTS,
		MSG(MSG_OUT), NO_FD, NO_SECOND, NO_RESERVED } },
	[GMB_OP_EXCHANGE] = { .op = {
		FLAGS(0), NO_EVENTS, MSG(MSG_EOR), NO_FD, NO_RESERVED } },
	[GMB_OP_READ] = { .op = {
		FLAGS(GMB_F_NOWAIT), NO_EVENTS, MSG(0), NO_FD, NO_SECOND,
		NO_RESERVED } },
	[GMB_OP_WRITE] = { .op = {
		FLAGS(GMB_F_ALL | GMB_F_SKIP | GMB_F_NOWAIT), NO_EVENTS, MSG(0),
		NO_FD, NO_SECOND, NO_RESERVED } },
	[GMB_OP_CANCEL] = { .op = {
		FLAGS(GMB_F_SKIP), NO_WAIT, NO_LEN, NO_FD } },
	[GMB_OP_TASK_ADD] = { .op = {
		FLAGS(GMB_F_SKIP), NO_EVENTS, MSG(0), NO_FD, NO_SECOND,
		NO_RESERVED } },
	[GMB_OP_TASK_DROP] = { .op = {
		FLAGS(GMB_F_SKIP), NO_WAIT, NO_BUFFER, NO_FD } },
	[GMB_OP_WAKE] = { .op = {
		FLAGS(GMB_F_SKIP | GMB_F_SYNC), NO_WAIT, NO_LEN, NO_FD } },
	[GMB_OP_PEER_ADD] = { .op = {
		FLAGS(GMB_F_SKIP), NO_WAIT, NO_BUFFER } },
	[GMB_OP_PEER_DROP] = { .op = {
		FLAGS(GMB_F_SKIP), NO_WAIT, NO_BUFFER, NO_FD } },
};
/* clang-format on */

/* Result of starting an operation that has posted its completion, or parked. */
#define GMB_STARTED	1

static inline void gmb_ops_post(struct gmb_ctx *ctx, u64 user_data, int res,
				int error, u16 flags)
{
	gmb_stats_post(ctx, user_data, res, error, flags);
}

/* ---- the reader's place ---- */

static void gmb_reader_done(struct gmb_ctx *ctx, struct gmb_watch *w, int res,
			    u16 flags)
{
	w->op = 0;
	gmb_watch_arm_reader(w, 0);
	gmb_ops_post(ctx, w->cookie, res, 0, flags);
}

/* GMB_CAN_READ was cleared. Returns whether the operation is done. */
static bool gmb_reader_try(struct gmb_ctx *ctx, struct gmb_watch *w)
{
	bool more = false;
	int res = -EACCES;

	/* It may have been parked before the thread came under seccomp. */
	if (likely(ctx->may_io))
		res = gmb_io_in(w, w->addr, w->len, w->msg, &more);
	if (res == -EAGAIN)
		return false;
	/* After an error nothing is known. */
	if (more || res < 0)
		atomic_or(GMB_CAN_READ, &w->ready);
	gmb_reader_done(ctx, w, res, more ? GMB_CQE_MORE : 0);
	return true;
}

/* GMB_CAN_READ was cleared; the file itself says what there is. */
static bool gmb_reader_poll(struct gmb_ctx *ctx, struct gmb_watch *w)
{
	u32 events = gmb_watch_poll(w);

	if (events & (GMB_EVENTS_IN | GMB_EVENTS_END))
		atomic_or(GMB_CAN_READ, &w->ready);
	events &= gmb_watch_reader_events(w);
	if (events)
		gmb_reader_done(ctx, w, events, 0);
	return events;
}

/* The reader's fields are set: try if something may be there, else park. */
static void gmb_reader_begin(struct gmb_ctx *ctx, struct gmb_watch *w,
			     bool nowait)
{
	if (atomic_read(&w->ready) & GMB_CAN_READ) {
		/* Ordered before the attempt: see watch.h. */
		atomic_fetch_andnot(GMB_CAN_READ, &w->ready);
		if (gmb_reader_try(ctx, w))
			return;
	}
	if (nowait) {
		gmb_reader_done(ctx, w, -EAGAIN, 0);
		return;
	}
	gmb_watch_arm_reader(w, GMB_EVENTS_IN | GMB_EVENTS_END);
	smp_mb();	/* (b) in watch.h */
	if (atomic_read(&w->ready) & GMB_CAN_READ)
		gmb_watch_queue(ctx, w);
}

/* ---- the writer's place ---- */

static inline bool gmb_writer_parked(const struct gmb_watch *w)
{
	return w->writer && w->writer->op;
}

static void gmb_writer_leave(struct gmb_watch *w)
{
	w->writer->op = 0;
	if (unlikely(w->writer->starved)) {
		/* The next one shall not wait for an event that was. */
		w->writer->starved = false;
		atomic_or(GMB_CAN_WRITE, &w->ready);
	}
	gmb_watch_arm_writer(w, 0);
}

/*
 * The outcome of a SEND, WRITE or the sending half of an EXCHANGE, of which
 * done bytes are out. A failed exchange gives the reader's place back.
 */
static void gmb_writer_post(struct gmb_ctx *ctx, struct gmb_watch *w,
			    u8 opcode, u64 cookie, u32 done, int error)
{
	u16 flags = 0;

	if (opcode == GMB_OP_EXCHANGE) {
		w->op = 0;
		flags = GMB_CQE_SEND;
	}
	if (done)
		gmb_ops_post(ctx, cookie, done, -error, flags);
	else
		gmb_ops_post(ctx, cookie, error, 0, flags);
}

/* All that was asked is out. */
static void gmb_writer_sent(struct gmb_ctx *ctx, struct gmb_watch *w,
			    u8 opcode, u8 flags, u64 cookie, u32 done)
{
	if (opcode == GMB_OP_EXCHANGE)
		gmb_reader_begin(ctx, w, false);
	else if (!(flags & GMB_F_SKIP))
		gmb_ops_post(ctx, cookie, done, 0, 0);
}

/*
 * An attempt failed. Where there is room all the same, memory was wanting: no
 * event will tell when there is some, so the sweep comes back to it. Room that
 * was made since has an event of its own, and the sweep is for nothing.
 */
static void gmb_writer_starve(struct gmb_ctx *ctx, struct gmb_watch *w)
{
	w->writer->starved = gmb_watch_poll(w) & GMB_EVENTS_OUT;
	if (w->writer->starved)
		ctx->sweep_wanted = true;
}

/* GMB_CAN_WRITE was cleared. */
static void gmb_writer_try(struct gmb_ctx *ctx, struct gmb_watch *w)
{
	struct gmb_writer *wr = w->writer;
	u8 opcode = wr->op;
	int res = -EACCES;

	if (likely(ctx->may_io))
		res = gmb_io_out(w, wr->addr, wr->len, wr->msg);
	if (res == -EAGAIN) {
		gmb_writer_starve(ctx, w);
		return;
	}
	atomic_or(GMB_CAN_WRITE, &w->ready);
	if (res > 0) {
		wr->done += res;
		wr->addr += res;
		wr->len -= res;
		if (wr->len && wr->flags & GMB_F_ALL) {
			/* Others first, then what room there is by then. */
			gmb_watch_queue(ctx, w);
			return;
		}
	}
	gmb_writer_leave(w);
	if (res < 0 || wr->len)
		gmb_writer_post(ctx, w, opcode, wr->cookie, wr->done,
				min(res, 0));
	else
		gmb_writer_sent(ctx, w, opcode, wr->flags, wr->cookie,
				wr->done);
}

/* GMB_CAN_WRITE was cleared; the file itself says what there is. */
static void gmb_writer_poll(struct gmb_ctx *ctx, struct gmb_watch *w)
{
	u32 events = gmb_watch_poll(w);

	if (events & (GMB_EVENTS_OUT | GMB_EVENTS_END))
		atomic_or(GMB_CAN_WRITE, &w->ready);
	events &= gmb_watch_writer_events(w);
	if (!events)
		return;
	gmb_writer_leave(w);
	gmb_ops_post(ctx, w->writer->cookie, events, 0, 0);
}

static struct gmb_writer *gmb_writer_get(struct gmb_watch *w)
{
	struct gmb_writer *wr = w->writer;

	if (!wr) {
		wr = kzalloc(sizeof(*wr), GFP_KERNEL_ACCOUNT);
		/* Pairs with the address dependency in gmb_watch_look(). */
		smp_store_release(&w->writer, wr);
	}
	return wr;
}

static void gmb_writer_arm(struct gmb_watch *w, u32 slack, u32 events)
{
	WRITE_ONCE(w->slack_write, slack);
	gmb_watch_arm_writer(w, events | GMB_EVENTS_END);
	smp_mb();	/* (b) in watch.h */
}

/* ---- starting ---- */

static int gmb_op_ready(struct gmb_ctx *ctx, const struct gmb_ioc_op *op)
{
	struct gmb_watch *w = gmb_table_get(&ctx->watches, op->slot);
	bool writer = op->events && !(op->events & ~GMB_EVENTS_OUT);

	if (!w)
		return -ENOENT;
	if (writer ? gmb_writer_parked(w) : !!w->op)
		return -EBUSY;
	if (writer) {
		if (!gmb_writer_get(w))
			return -ENOMEM;
		w->writer->op = GMB_OP_READY;
		w->writer->cookie = op->user_data;
		w->writer->done = 0;
		gmb_writer_arm(w, op->slack_ns, op->events);
		atomic_fetch_andnot(GMB_CAN_WRITE, &w->ready);
		gmb_writer_poll(ctx, w);
		if (w->writer->op && op->flags & GMB_F_NOWAIT) {
			gmb_writer_leave(w);
			return -EAGAIN;
		}
		return GMB_STARTED;
	}
	w->op = GMB_OP_READY;
	w->cookie = op->user_data;
	WRITE_ONCE(w->slack_read, op->slack_ns);
	gmb_watch_arm_reader(w, op->events | GMB_EVENTS_END);
	/* (b) in watch.h */
	atomic_fetch_andnot(GMB_CAN_READ, &w->ready);
	if (!gmb_reader_poll(ctx, w) && op->flags & GMB_F_NOWAIT)
		gmb_reader_done(ctx, w, -EAGAIN, 0);
	return GMB_STARTED;
}

/* The watch of a transfer, or ERR_PTR() if it may not be tried at all. */
static struct gmb_watch *gmb_op_transfer(struct gmb_ctx *ctx,
					 const struct gmb_ioc_op *op)
{
	struct gmb_watch *w;
	int ret;

	if (unlikely(!ctx->may_io))
		return ERR_PTR(-EACCES);
	if (unlikely(op->len > INT_MAX || op->len2 > INT_MAX))
		return ERR_PTR(-EINVAL);
	w = gmb_table_get(&ctx->watches, op->slot);
	if (unlikely(!w))
		return ERR_PTR(-ENOENT);
	ret = gmb_io_check(w, op->opcode);
	return unlikely(ret) ? ERR_PTR(ret) : w;
}

static void gmb_reader_fill(struct gmb_watch *w, const struct gmb_ioc_op *op,
			    u64 addr, u32 len, u8 msg)
{
	w->op = op->opcode;
	w->cookie = op->user_data;
	w->addr = addr;
	w->len = len;
	w->msg = msg;
	WRITE_ONCE(w->slack_read, op->slack_ns);
}

static int gmb_op_in(struct gmb_ctx *ctx, const struct gmb_ioc_op *op)
{
	struct gmb_watch *w = gmb_op_transfer(ctx, op);

	if (IS_ERR(w))
		return PTR_ERR(w);
	if (w->op)
		return -EBUSY;
	gmb_reader_fill(w, op, op->addr, op->len, op->msg_flags & 0xff);
	gmb_reader_begin(ctx, w, op->flags & GMB_F_NOWAIT);
	return GMB_STARTED;
}

/* Park what could not be sent at once; done bytes are out already. */
static void gmb_op_park_out(struct gmb_ctx *ctx, const struct gmb_ioc_op *op,
			    struct gmb_watch *w, u8 flags, u32 done)
{
	struct gmb_writer *wr;

	if (flags & GMB_F_NOWAIT) {
		gmb_writer_post(ctx, w, op->opcode, op->user_data, done,
				-EAGAIN);
		return;
	}
	wr = gmb_writer_get(w);
	if (!wr) {
		gmb_writer_post(ctx, w, op->opcode, op->user_data, done,
				-ENOMEM);
		return;
	}
	wr->op = op->opcode;
	wr->flags = flags;
	wr->cookie = op->user_data;
	wr->addr = op->addr + done;
	wr->len = op->len - done;
	wr->done = done;
	wr->msg = op->msg_flags;
	gmb_writer_arm(w, op->slack_ns, GMB_EVENTS_OUT);
	/* Still set after the attempt above: this queues the second one. */
	if (atomic_read(&w->ready) & GMB_CAN_WRITE)
		gmb_watch_queue(ctx, w);
}

static int gmb_op_out(struct gmb_ctx *ctx, const struct gmb_ioc_op *op)
{
	bool exchange = op->opcode == GMB_OP_EXCHANGE;
	u8 flags = exchange ? GMB_F_ALL : op->flags;
	struct gmb_watch *w = gmb_op_transfer(ctx, op);
	int res = -EAGAIN;

	if (IS_ERR(w))
		return PTR_ERR(w);
	if (gmb_writer_parked(w) || (exchange && w->op))
		return -EBUSY;
	if (exchange)
		gmb_reader_fill(w, op, op->addr2, op->len2, 0);

	/* There mostly is room, so the bit is not cleared before this. */
	if (likely(atomic_read(&w->ready) & GMB_CAN_WRITE))
		res = gmb_io_out(w, op->addr, op->len, op->msg_flags);
	if (likely(res == op->len))
		gmb_writer_sent(ctx, w, op->opcode, flags, op->user_data, res);
	else if (res < 0 && res != -EAGAIN)
		gmb_writer_post(ctx, w, op->opcode, op->user_data, 0, res);
	else if (res >= 0 && !(flags & GMB_F_ALL))
		gmb_ops_post(ctx, op->user_data, res, 0, 0);
	else
		gmb_op_park_out(ctx, op, w, flags, max(res, 0));
	return GMB_STARTED;
}

/* ---- ending ---- */

static void gmb_ops_withdraw_writer(struct gmb_ctx *ctx, struct gmb_watch *w,
				    int error)
{
	struct gmb_writer *wr = w->writer;
	u8 opcode = wr->op;

	gmb_writer_leave(w);
	gmb_writer_post(ctx, w, opcode, wr->cookie, wr->done, error);
}

static int gmb_op_cancel(struct gmb_ctx *ctx, const struct gmb_ioc_op *op)
{
	struct gmb_watch *w = gmb_table_get(&ctx->watches, op->slot);

	if (!w)
		return -ENOENT;
	if (gmb_writer_parked(w) && w->writer->cookie == op->addr)
		gmb_ops_withdraw_writer(ctx, w, -ECANCELED);
	else if (w->op && w->cookie == op->addr)
		gmb_reader_done(ctx, w, -ECANCELED, 0);
	else
		return -ENOENT;
	return 0;
}

/**
 * gmb_ops_end() - complete what is parked on a watch, then drop it
 * @ctx:   context; lock held, in a trap, room for two completions
 * @slot:  index of the watch
 * @w:     watch at that index
 * @error: why, for the completions
 */
void gmb_ops_end(struct gmb_ctx *ctx, u32 slot, struct gmb_watch *w, int error)
{
	if (gmb_writer_parked(w))
		gmb_ops_withdraw_writer(ctx, w, error);
	if (w->op)
		gmb_reader_done(ctx, w, error, 0);
	gmb_watch_drop(ctx, slot, w);
}

static int gmb_op_drop(struct gmb_ctx *ctx, const struct gmb_ioc_op *op)
{
	struct gmb_watch *w = gmb_table_get(&ctx->watches, op->slot);
	bool close = op->flags & GMB_F_CLOSE;
	struct file *file;

	if (!close && op->fd)
		return -EINVAL;
	if (!w)
		return -ENOENT;
	if (close) {
		file = fget(op->fd);
		if (file)
			fput(file);
		/* Only compared: the watch holds the one that matters. */
		if (file != w->file)
			return -EBADF;
	}
	gmb_ops_end(ctx, op->slot, w, -ECANCELED);
	return close ? close_fd(op->fd) : 0;
}

static int gmb_op_dispatch(struct gmb_ctx *ctx, const struct gmb_ioc_op *op)
{
	/* What a server does all the time comes first. */
	if (op->opcode == GMB_OP_EXCHANGE || op->opcode == GMB_OP_SEND)
		return gmb_op_out(ctx, op);
	if (op->opcode == GMB_OP_RECV)
		return gmb_op_in(ctx, op);
	switch (op->opcode) {
	case GMB_OP_READ:
		return gmb_op_in(ctx, op);
	case GMB_OP_WRITE:
		return gmb_op_out(ctx, op);
	case GMB_OP_READY:
		return gmb_op_ready(ctx, op);
	case GMB_OP_WAKE:
		return gmb_peer_wake(ctx, op->slot, op->addr,
				     op->flags & GMB_F_SYNC ? GMB_WF_SYNC : 0);
	case GMB_OP_CANCEL:
		return gmb_op_cancel(ctx, op);
	case GMB_OP_WATCH_ADD:
		return gmb_watch_add(ctx, op->slot, op->fd,
				     op->flags & GMB_F_REPLACE);
	case GMB_OP_WATCH_DROP:
		return gmb_op_drop(ctx, op);
	case GMB_OP_TASK_ADD:
		return gmb_task_add(ctx, op->slot, op->len, op->addr,
				    op->slack_ns);
	case GMB_OP_TASK_DROP:
		return gmb_task_drop(ctx, op->slot);
	case GMB_OP_PEER_ADD:
		return gmb_peer_add(ctx, op->slot, op->fd);
	case GMB_OP_PEER_DROP:
		return gmb_peer_drop(ctx, op->slot);
	}
	return 0;	/* NOP */
}

/*
 * Copy an operation out of the ring, each word once, and check it as it was
 * then. Return: 0 or -EINVAL; user_data is valid in both cases.
 */
static inline int gmb_op_take(union gmb_op_words *to,
			      const struct gmb_ioc_op *shared)
{
	const u64 *from = (const u64 *)shared;
	u64 wrong, word = READ_ONCE(from[0]);
	const union gmb_op_words *zero;
	u32 opcode;

	to->word[0] = word;
	opcode = to->op.opcode;
	zero = &forbidden[array_index_nospec(opcode, GMB_OP_LAST)];
	wrong = word & zero->word[0];
#define TAKE(i) (word = to->word[i] = READ_ONCE(from[i]), \
		 wrong |= word & zero->word[i])
	TAKE(1);
	TAKE(2);
	TAKE(3);
	TAKE(4);
	TAKE(5);
	TAKE(6);
	TAKE(7);
#undef TAKE
	return unlikely(wrong || opcode >= GMB_OP_LAST) ? -EINVAL : 0;
}

/**
 * gmb_ops_start() - take one operation and do what can be done at once
 * @ctx:    context; lock held, in a trap, room for GMB_RING_RESERVE completions
 * @shared: entry of the submission ring; copied before it is looked at
 */
void gmb_ops_start(struct gmb_ctx *ctx, const struct gmb_ioc_op *shared)
{
	union gmb_op_words words GMB_UNINITIALIZED;
	u16 flags = 0;
	int ret;

	BUILD_BUG_ON(ARRAY_SIZE(forbidden) != GMB_OP_LAST);
	BUILD_BUG_ON(sizeof(words.op) != sizeof(words.word));

	ret = gmb_op_take(&words, shared);
	trace_gmb_submit(ctx->id, &words.op);
	gmb_stats_ready(ctx, 0);
	if (likely(!ret))
		ret = gmb_op_dispatch(ctx, &words.op);
	if (ret > 0 || (!ret && words.op.flags & GMB_F_SKIP))
		return;
	/* One that is refused has not sent anything. */
	if (ret && words.op.opcode == GMB_OP_EXCHANGE)
		flags = GMB_CQE_SEND;
	gmb_ops_post(ctx, words.op.user_data, ret, 0, flags);
}

/**
 * gmb_ops_run() - a watch has news: try what is parked on it
 * @ctx: context; lock held, in a trap, room for two completions
 * @w:   watch, taken off the lists; freed if it was dropped
 */
void gmb_ops_run(struct gmb_ctx *ctx, struct gmb_watch *w)
{
	bool reading = gmb_watch_reader_events(w);
	bool writing = gmb_watch_writer_events(w);
	u32 clear = GMB_QUEUED, bits;

	/* Who is parked has a clear bit: an event that sets it is a new one. */
	if (reading)
		clear |= GMB_CAN_READ;
	if (writing)
		clear |= GMB_CAN_WRITE;
	/* Ordered before the attempts: see watch.h. */
	gmb_stats_ready(ctx, w->stamp);
	bits = atomic_fetch_andnot(clear, &w->ready);

	if (unlikely(w->dropped)) {
		gmb_watch_free(w);
		return;
	}
	if (reading) {
		if (w->op == GMB_OP_READY)
			gmb_reader_poll(ctx, w);
		else if (bits & GMB_CAN_READ)
			gmb_reader_try(ctx, w);
	}
	if (writing) {
		if (w->writer->op == GMB_OP_READY)
			gmb_writer_poll(ctx, w);
		else if (bits & GMB_CAN_WRITE)
			gmb_writer_try(ctx, w);
	}
}
