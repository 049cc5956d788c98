/* SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR MIT) */
/* Copyright (C) 2026 The giambio developers */

/*
 * The generic netlink family "giambio": contexts as they can be seen from
 * outside.
 *
 * A user sees the contexts that he opened, but not those of programs that run
 * with another user's rights; who has CAP_SYS_ADMIN in the initial user
 * namespace sees all. From a network namespace only those contexts are seen
 * that were opened in it; from the initial one, all. A context that a user
 * may not see does not exist for him (-ENOENT), and one exists from
 * GMB_IOC_SETUP until its rings are unmapped. What counts is who opened the
 * netlink socket, and for CAP_SYS_ADMIN who sends through it, too. Every
 * request is checked against a strict policy: an unknown or malformed attribute
 * is refused with -EINVAL and an extended acknowledgement that names it.
 *
 * Answers are read while the context is at work: each number is right, but
 * they need not be of one moment.
 *
 * Observation
 * -----------
 * Nothing is timed until somebody asks. %GMB_NL_CMD_OBSERVE turns histograms,
 * or events, of one context or of all that the caller may see (those to come,
 * too) on, for as long as the asking socket lives; it ends with the socket, so
 * a tool that is killed leaves nothing switched on. What it asked for replaces
 * what the same socket asked for before.
 *
 * Events come in batches (%GMB_NL_CMD_EVENTS), each of one context: when some
 * have gathered, and those that have not about 10 ms after the first. There are
 * two ways to get them:
 *
 *  - A subscriber (%GMB_NL_OBSERVE_EVENTS) gets those of the contexts that it
 *    asked for, on its own socket. Every user can be one.
 *
 *  - The multicast group %GMB_NL_GROUP_EVENTS hears of all contexts, while some
 *    socket wants that (%GMB_NL_OBSERVE_GROUP): a member or somebody else. To
 *    join takes CAP_SYS_ADMIN; to want it takes what seeing all contexts takes.
 *    Each network namespace has its own group, which hears of what is seen from
 *    there: the initial one's of all contexts, another's of those opened in it.
 *    Where CAP_SYS_ADMIN over a network namespace can be had in a user
 *    namespace of one's own, its group stays silent. Early releases of Linux
 *    6.1, which cannot ask for CAP_SYS_ADMIN, have no group.
 *
 * Loss is never silent, and nobody who reads slowly holds up a loop. A batch is
 * lost to a socket whose receive buffer (SO_RCVBUF) is full, or when memory is
 * short; the socket then also reports ENOBUFS. Each batch tells how many events
 * of its context went before it (%GMB_NL_A_BEFORE), and in the group of all
 * contexts (%GMB_NL_A_GROUP_BEFORE): a reader that subtracts those that it got
 * knows exactly how many it missed. Who joins a group that speaks already takes
 * the numbers of the first message for the beginning. Numbers begin anew when a
 * group was silent because nobody wanted it any more.
 *
 * Histograms
 * ----------
 * Log-linear: 16 buckets for each power of two of nanoseconds, so a value is
 * known to 1/16. Bucket b < 16 holds the value b; above, b = 16 * e + m holds
 * the values from (16 + m) << (e - 1) up to the next bucket's first. The last
 * of %GMB_NL_BUCKETS holds everything above as well. Only buckets that are not
 * empty are sent. Answers with histograms have up to 5 KB: read with 8 KB.
 */
#ifndef _UAPI_LINUX_GIAMBIO_NETLINK_H
#define _UAPI_LINUX_GIAMBIO_NETLINK_H

#include <linux/types.h>

#define GMB_NL_FAMILY		"giambio"
#define GMB_NL_VERSION		1

/* The multicast group. */
#define GMB_NL_GROUP_EVENTS	"events"

/* 2^40 ns, eighteen minutes, is where the last bucket begins. */
#define GMB_NL_BUCKETS		(16 * 37 + 1)

/**
 * enum gmb_nl_cmd - requests and messages
 * @GMB_NL_CMD_CONTEXT_GET:   dump all contexts, or get the one with
 *                            %GMB_NL_A_CONTEXT_ID. Answers: one message each,
 *                            with the attributes of enum gmb_nl_context.
 * @GMB_NL_CMD_WATCH_GET:     dump the watches of %GMB_NL_A_CONTEXT_ID, one
 *                            message each (%GMB_NL_A_WATCH).
 * @GMB_NL_CMD_TASK_GET:      dump the registered tasks of
 *                            %GMB_NL_A_CONTEXT_ID, one message each
 *                            (%GMB_NL_A_TASK).
 * @GMB_NL_CMD_HISTOGRAM_GET: dump the histograms of %GMB_NL_A_CONTEXT_ID, one
 *                            message for each stage (%GMB_NL_A_HISTOGRAM); with
 *                            %GMB_NL_A_TASK_SLOT those of that registered
 *                            task: -ENOENT there is none, -ENOSPC others took
 *                            all that the module parameter max_task_histograms
 *                            grants to a context.
 * @GMB_NL_CMD_RESET:         empty the histograms and zero the counters of
 *                            %GMB_NL_A_CONTEXT_ID.
 * @GMB_NL_CMD_OBSERVE:       %GMB_NL_A_OBSERVE says what; of
 *                            %GMB_NL_A_CONTEXT_ID, or of all without it.
 *                            -EUSERS the user has 64 observing sockets. For
 *                            %GMB_NL_OBSERVE_GROUP, which is of all contexts:
 *                            -EPERM, see above; -EOPNOTSUPP there is no group.
 * @GMB_NL_CMD_EVENTS:        sent to who observes events: %GMB_NL_A_CONTEXT_ID,
 *                            %GMB_NL_A_SEQ, %GMB_NL_A_LOST, %GMB_NL_A_BEFORE,
 *                            %GMB_NL_A_EVENTS; to the multicast group also
 *                            %GMB_NL_A_GROUP_SEQ and %GMB_NL_A_GROUP_BEFORE
 *
 * All but EVENTS are requests. Answers carry the command of their request, and
 * all of them %GMB_NL_A_CONTEXT_ID.
 */
enum gmb_nl_cmd {
	GMB_NL_CMD_CONTEXT_GET = 1,
	GMB_NL_CMD_WATCH_GET,
	GMB_NL_CMD_TASK_GET,
	GMB_NL_CMD_HISTOGRAM_GET,
	GMB_NL_CMD_RESET,
	GMB_NL_CMD_OBSERVE,
	GMB_NL_CMD_EVENTS,
	__GMB_NL_CMD_MAX
};

/**
 * enum gmb_nl_attr - attributes of requests and messages
 * @GMB_NL_A_PAD:        alignment of 64-bit values
 * @GMB_NL_A_CONTEXT_ID: u32, the number that GMB_IOC_SETUP returned
 * @GMB_NL_A_TASK_SLOT:  u32, a registered task
 * @GMB_NL_A_OBSERVE:    u32, an or of %GMB_NL_OBSERVE_ bits
 * @GMB_NL_A_CONTEXT:    nested, enum gmb_nl_context
 * @GMB_NL_A_WATCH:      nested, enum gmb_nl_watch
 * @GMB_NL_A_TASK:       nested, enum gmb_nl_task
 * @GMB_NL_A_HISTOGRAM:  nested, enum gmb_nl_histogram
 * @GMB_NL_A_SEQ:        u64, number of the batch of events of this context for
 *                       this socket, or for the group, from 1; batches that
 *                       could not be sent count
 * @GMB_NL_A_LOST:       u64, events of this context that could not be sent to
 *                       this socket so far; or, since memory was short, not to
 *                       the group
 * @GMB_NL_A_EVENTS:     binary, array of struct gmb_nl_event
 * @GMB_NL_A_BEFORE:     u64, events of this context for this socket, or for the
 *                       group, before those of this message; lost ones count
 * @GMB_NL_A_GROUP_SEQ:  u64, number of the message to the group, of whatever
 *                       context, from 1. Only the group's messages have it.
 * @GMB_NL_A_GROUP_BEFORE: u64, events of all contexts for the group before
 *                       those of this message; lost ones count
 */
enum gmb_nl_attr {
	GMB_NL_A_PAD = 1,
	GMB_NL_A_CONTEXT_ID,
	GMB_NL_A_TASK_SLOT,
	GMB_NL_A_OBSERVE,
	GMB_NL_A_CONTEXT,
	GMB_NL_A_WATCH,
	GMB_NL_A_TASK,
	GMB_NL_A_HISTOGRAM,
	GMB_NL_A_SEQ,
	GMB_NL_A_LOST,
	GMB_NL_A_EVENTS,
	GMB_NL_A_BEFORE,
	GMB_NL_A_GROUP_SEQ,
	GMB_NL_A_GROUP_BEFORE,
	__GMB_NL_A_MAX
};

#define GMB_NL_A_MAX	(__GMB_NL_A_MAX - 1)

/* GMB_NL_A_OBSERVE */
#define GMB_NL_OBSERVE_HISTOGRAMS	(1U << 0)
#define GMB_NL_OBSERVE_EVENTS		(1U << 1)
#define GMB_NL_OBSERVE_GROUP		(1U << 2)

/**
 * enum gmb_nl_context - a context
 * @GMB_NL_CONTEXT_PAD:           alignment of 64-bit values
 * @GMB_NL_CONTEXT_ID:            u32
 * @GMB_NL_CONTEXT_PID:           u32, process that opened it, as the reader's
 *                                pid namespace numbers it; 0: not in it
 * @GMB_NL_CONTEXT_TID:           u32, thread that made the last trap; or 0
 * @GMB_NL_CONTEXT_UID:           u32, user that opened it
 * @GMB_NL_CONTEXT_COMM:          string, name of the process
 * @GMB_NL_CONTEXT_OBSERVED:      u32, %GMB_NL_OBSERVE_ bits in force
 * @GMB_NL_CONTEXT_SLEEPING:      u32, 1 while a thread sleeps in a trap
 * @GMB_NL_CONTEXT_SQ_ENTRIES:    u32
 * @GMB_NL_CONTEXT_CQ_ENTRIES:    u32
 * @GMB_NL_CONTEXT_WATCHES:       u32, registered now
 * @GMB_NL_CONTEXT_TASKS:         u32, registered now
 * @GMB_NL_CONTEXT_PEERS:         u32, registered now
 * @GMB_NL_CONTEXT_TRAPS:         u64, traps made
 * @GMB_NL_CONTEXT_SLEEPS:        u64, sleeps in them, whatever ended them
 * @GMB_NL_CONTEXT_OPS:           u64, operations taken
 * @GMB_NL_CONTEXT_COMPLETIONS:   u64, completions posted
 * @GMB_NL_CONTEXT_WAKES_URGENT:  u64, sleeps ended by an event without slack
 * @GMB_NL_CONTEXT_WAKES_COUNT:   u64, sleeps ended by a full batch
 * @GMB_NL_CONTEXT_WAKES_BUDGET:  u64, sleeps ended because slack ran out
 * @GMB_NL_CONTEXT_WAKES_KICK:    u64, sleeps ended by %GMB_WAKE_TRAP
 * @GMB_NL_CONTEXT_FULL:          u64, traps that met a full completion ring
 * @GMB_NL_CONTEXT_SWEPT:         u64, watches of closed files released
 * @GMB_NL_CONTEXT_EVENTS_LOST:   u64, events that could not be sent to some
 *                                subscriber, or to the group at all, and values
 *                                that there was no memory for. What one member
 *                                of the group misses only it knows.
 */
enum gmb_nl_context {
	GMB_NL_CONTEXT_PAD = 1,
	GMB_NL_CONTEXT_ID,
	GMB_NL_CONTEXT_PID,
	GMB_NL_CONTEXT_TID,
	GMB_NL_CONTEXT_UID,
	GMB_NL_CONTEXT_COMM,
	GMB_NL_CONTEXT_OBSERVED,
	GMB_NL_CONTEXT_SLEEPING,
	GMB_NL_CONTEXT_SQ_ENTRIES,
	GMB_NL_CONTEXT_CQ_ENTRIES,
	GMB_NL_CONTEXT_WATCHES,
	GMB_NL_CONTEXT_TASKS,
	GMB_NL_CONTEXT_PEERS,
	GMB_NL_CONTEXT_TRAPS,
	GMB_NL_CONTEXT_SLEEPS,
	GMB_NL_CONTEXT_OPS,
	GMB_NL_CONTEXT_COMPLETIONS,
	GMB_NL_CONTEXT_WAKES_URGENT,
	GMB_NL_CONTEXT_WAKES_COUNT,
	GMB_NL_CONTEXT_WAKES_BUDGET,
	GMB_NL_CONTEXT_WAKES_KICK,
	GMB_NL_CONTEXT_FULL,
	GMB_NL_CONTEXT_SWEPT,
	GMB_NL_CONTEXT_EVENTS_LOST,
	__GMB_NL_CONTEXT_MAX
};

#define GMB_NL_CONTEXT_MAX	(__GMB_NL_CONTEXT_MAX - 1)

/**
 * enum gmb_nl_watch - a watch
 * @GMB_NL_WATCH_PAD:         alignment of 64-bit values
 * @GMB_NL_WATCH_SLOT:        u32
 * @GMB_NL_WATCH_INO:         u64, inode of the file (a socket's, as /proc
 *                            shows it)
 * @GMB_NL_WATCH_READY:       u32, POLLIN: a receive or read may succeed;
 *                            POLLOUT: a send or write may
 * @GMB_NL_WATCH_READER:      u32, opcode parked as the reader; absent: none
 * @GMB_NL_WATCH_READER_DATA: u64, its user_data
 * @GMB_NL_WATCH_WRITER:      u32, opcode parked as the writer; absent: none
 * @GMB_NL_WATCH_WRITER_DATA: u64, its user_data
 */
enum gmb_nl_watch {
	GMB_NL_WATCH_PAD = 1,
	GMB_NL_WATCH_SLOT,
	GMB_NL_WATCH_INO,
	GMB_NL_WATCH_READY,
	GMB_NL_WATCH_READER,
	GMB_NL_WATCH_READER_DATA,
	GMB_NL_WATCH_WRITER,
	GMB_NL_WATCH_WRITER_DATA,
	__GMB_NL_WATCH_MAX
};

#define GMB_NL_WATCH_MAX	(__GMB_NL_WATCH_MAX - 1)

/**
 * enum gmb_nl_task - a registered task
 * @GMB_NL_TASK_PAD:       alignment of 64-bit values
 * @GMB_NL_TASK_SLOT:      u32
 * @GMB_NL_TASK_TAG:       u32
 * @GMB_NL_TASK_USER_DATA: u64
 * @GMB_NL_TASK_SLACK:     u32, ns
 * @GMB_NL_TASK_PENDING:   u32, 1: a wake is not yet posted
 */
enum gmb_nl_task {
	GMB_NL_TASK_PAD = 1,
	GMB_NL_TASK_SLOT,
	GMB_NL_TASK_TAG,
	GMB_NL_TASK_USER_DATA,
	GMB_NL_TASK_SLACK,
	GMB_NL_TASK_PENDING,
	__GMB_NL_TASK_MAX
};

#define GMB_NL_TASK_MAX		(__GMB_NL_TASK_MAX - 1)

/**
 * enum gmb_nl_stage - what a histogram counts
 * @GMB_NL_STAGE_HELD:  from ready to woken: how long slack, or the way to the
 *                      wakeup, held an event back
 * @GMB_NL_STAGE_SCHED: from woken to running: the scheduler's share
 * @GMB_NL_STAGE_TRAP:  from running to done: the trap's work before this one
 * @GMB_NL_STAGE_TOTAL: from ready to done, also of what became ready while
 *                      the loop was awake
 *
 * A completion counts once in each stage whose moments it has: in none when it
 * was performed without waiting, in the first three when the loop slept.
 */
enum gmb_nl_stage {
	GMB_NL_STAGE_HELD,
	GMB_NL_STAGE_SCHED,
	GMB_NL_STAGE_TRAP,
	GMB_NL_STAGE_TOTAL,
	__GMB_NL_STAGE_MAX
};

/**
 * enum gmb_nl_histogram - a histogram
 * @GMB_NL_HISTOGRAM_PAD:     alignment of 64-bit values
 * @GMB_NL_HISTOGRAM_STAGE:   u32, enum gmb_nl_stage
 * @GMB_NL_HISTOGRAM_COUNT:   u64, values
 * @GMB_NL_HISTOGRAM_SUM:     u64, ns
 * @GMB_NL_HISTOGRAM_MAX_NS:  u64, the greatest value
 * @GMB_NL_HISTOGRAM_BUCKETS: binary, array of struct gmb_nl_bucket, by index
 */
enum gmb_nl_histogram {
	GMB_NL_HISTOGRAM_PAD = 1,
	GMB_NL_HISTOGRAM_STAGE,
	GMB_NL_HISTOGRAM_COUNT,
	GMB_NL_HISTOGRAM_SUM,
	GMB_NL_HISTOGRAM_MAX_NS,
	GMB_NL_HISTOGRAM_BUCKETS,
	__GMB_NL_HISTOGRAM_MAX
};

#define GMB_NL_HISTOGRAM_MAX	(__GMB_NL_HISTOGRAM_MAX - 1)

/**
 * struct gmb_nl_bucket - one bucket of a histogram
 * @index: below %GMB_NL_BUCKETS
 * @count: values in it; stays at 2^32 - 1 once it is there, while
 *         %GMB_NL_HISTOGRAM_COUNT goes on
 */
struct gmb_nl_bucket {
	__u32 index;
	__u32 count;
};

/**
 * struct gmb_nl_event - one completion and its moments
 * @user_data: of the operation, or of the registered task
 * @ready:     as in struct gmb_ioc_stamp
 * @woken:     as in struct gmb_ioc_stamp
 * @running:   as in struct gmb_ioc_stamp
 * @done:      as in struct gmb_ioc_stamp
 * @res:       as in struct gmb_ioc_cqe
 * @flags:     as in struct gmb_ioc_cqe
 * @reason:    why the trap's last sleep ended: an event without slack
 *             (%GMB_NL_REASON_URGENT), a full batch (COUNT), slack that ran out
 *             (BUDGET), %GMB_WAKE_TRAP (KICK), or by itself, with its timeout
 *             or a signal (END); %GMB_NL_NO_SLEEP when @woken is 0
 */
struct gmb_nl_event {
	__u64 user_data;
	__u64 ready;
	__u64 woken;
	__u64 running;
	__u64 done;
	__s32 res;
	__u16 flags;
	__u16 reason;
};

/* gmb_nl_event.reason */
#define GMB_NL_REASON_URGENT	0U
#define GMB_NL_REASON_COUNT	1U
#define GMB_NL_REASON_BUDGET	2U
#define GMB_NL_REASON_KICK	3U
#define GMB_NL_REASON_END	4U
#define GMB_NL_NO_SLEEP		0xffffU

#endif /* _UAPI_LINUX_GIAMBIO_NETLINK_H */
