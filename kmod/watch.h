/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A watch: a registered file, what is known of its readiness, and the one
 * reader and the one writer that are parked on it.
 *
 * Protection
 * ----------
 * ctx->lock protects everything but the first cache line's atomics. A wake
 * callback runs in any context, possibly on several CPUs at once, under the
 * lock of the file's wait queue; it reads armed and the slacks, and writes
 * ready and, while it is the one that sets GMB_QUEUED, node.
 *
 * How no arrival is lost
 * ----------------------
 *	callback			loop
 *	--------			----
 *	data arrives			arm (store armed)
 *	set GMB_CAN_READ	(a)	full barrier		(b)
 *	load armed			load GMB_CAN_READ
 *
 * The callback's set is a fully ordered operation (a); with (b) at least one
 * side sees the other's store: either the callback queues the watch, or the
 * loop does. And before an attempt at the operation the loop clears the bit,
 * again fully ordered: what arrives after the attempt's look sets it anew.
 *
 * Lifetime
 * --------
 * Made and dropped by the loop. Dropping takes the entries off the wait queues,
 * after which no callback runs. A dropped watch that is still queued is freed
 * when the loop meets it, others at once; both after a grace period, since
 * gmb_watch_look() reads watches under RCU. What it reads may be something else
 * by then (see the unions): what counts is that the watch was not dropped yet
 * when all was read.
 */
#ifndef GMB_WATCH_H
#define GMB_WATCH_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/poll.h>
#include <linux/wait.h>

struct file;
struct gmb_ctx;

/* gmb_watch.ready */
#define GMB_CAN_READ	1	/* a receive or read may succeed */
#define GMB_CAN_WRITE	2	/* a send or write may succeed */
#define GMB_QUEUED	4	/* node is on a list of the context's */

/* Poll conditions, as plain numbers. */
#define GMB_EVENTS_END	((__force u32)(EPOLLERR | EPOLLHUP))
#define GMB_EVENTS_IN	((__force u32)(EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | \
				       EPOLLPRI | EPOLLMSG | EPOLLRDHUP))
#define GMB_EVENTS_OUT	((__force u32)(EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND))
#define GMB_EVENTS_ANY	(GMB_EVENTS_IN | GMB_EVENTS_OUT | GMB_EVENTS_END)

/* gmb_watch.kind: what is known about the file */
enum gmb_kind {
	GMB_KIND_FILE,
	GMB_KIND_SOCKET,	/* file->private_data is a struct socket */
};

/* Entry on a second wait queue, for the few files that have two. */
struct gmb_hook {
	struct wait_queue_entry	wait;	/* .private is the watch */
	struct wait_queue_head	*head;	/* NULL once the queue is gone */
};

/* A parked writer; allocated when one parks first, kept with the watch. */
struct gmb_writer {
	union {
		struct {
			u64	cookie;
			u64	addr;	/* of what is not out yet */
		};
		struct rcu_head	rcu;	/* once the watch is dropped */
	};
	u32			len;	/* of what is not out yet */
	u32			done;	/* bytes that are out */
	u32			msg;
	u8			op;	/* enum gmb_op; 0: none is parked */
	u8			flags;
	bool			starved; /* there was room, but no memory */
};

struct gmb_watch {
	/* All that a wake touches. */
	struct wait_queue_entry	wait;	/* .private is the context */
	struct llist_node	node;
	atomic_t		ready;
	u32			armed;	/* events: reader's | writer's << 16 */
	u32			slack_read;
	u32			slack_write;

	/* The loop's own. */
	struct file		*file;	/* our reference; NULL once dropped */
	struct wait_queue_head	*head;	/* NULL once the queue is gone */
	struct gmb_hook		*second;
	struct gmb_writer	*writer;
	union {
		struct {
			u64	cookie;	/* the reader's user_data */
			u64	addr;
		};
		struct rcu_head	rcu;	/* once dropped */
	};
	u32			len;
	u8			op;	/* the reader's; 0: none is parked */
	u8			msg;
	u8			kind;
	bool			dropped;
	u64			stamp;	/* when it was queued */
};

/* What others may see of a watch. */
struct gmb_watch_look {
	unsigned long		ino;
	u32			ready;	/* GMB_CAN_ bits */
	u8			reader;	/* enum gmb_op; 0: none is parked */
	u8			writer;
	u64			reader_cookie;
	u64			writer_cookie;
};

/* What vfs_poll() says, without its type. */
static inline u32 gmb_watch_poll(const struct gmb_watch *w)
{
	return (__force u32)vfs_poll(w->file, NULL);
}

static inline u32 gmb_watch_reader_events(const struct gmb_watch *w)
{
	return w->armed & 0xffff;
}

static inline u32 gmb_watch_writer_events(const struct gmb_watch *w)
{
	return w->armed >> 16;
}

static inline void gmb_watch_arm_reader(struct gmb_watch *w, u32 events)
{
	WRITE_ONCE(w->armed, (w->armed & 0xffff0000) | events);
}

static inline void gmb_watch_arm_writer(struct gmb_watch *w, u32 events)
{
	WRITE_ONCE(w->armed, (w->armed & 0xffff) | events << 16);
}

/* Whether the writer waits for memory: the file will not say when it comes. */
static inline bool gmb_watch_starved(const struct gmb_watch *w)
{
	return w->writer && w->writer->starved;
}

int gmb_watch_add(struct gmb_ctx *ctx, u32 slot, int fd, bool replace);
void gmb_watch_drop(struct gmb_ctx *ctx, u32 slot, struct gmb_watch *w);
void gmb_watch_drop_all(struct gmb_ctx *ctx);
void gmb_watch_queue(struct gmb_ctx *ctx, struct gmb_watch *w);
void gmb_watch_retry(struct gmb_ctx *ctx, struct gmb_watch *w);
void gmb_watch_free(struct gmb_watch *w);
bool gmb_watch_look(struct gmb_watch *w, struct gmb_watch_look *look);
int gmb_watch_global_init(void);
void gmb_watch_global_fini(void);

#endif /* GMB_WATCH_H */
