/* SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR MIT) */
/* Copyright (C) 2026 The giambio developers */

/*
 * /dev/giambio: the kernel's half of giambio.
 *
 * A program hands the kernel a batch of operations ("traps"), the kernel
 * performs what can be performed, sleeps until something else can, performs
 * that too and comes back with the results: one system call per turn of an
 * event loop, not one per operation.
 *
 * How a program uses it
 * ---------------------
 *	fd = open("/dev/giambio", O_RDWR | O_CLOEXEC);
 *	ioctl(fd, GMB_IOC_QUERY, &query);	version, features, limits
 *	ioctl(fd, GMB_IOC_SETUP, &setup);	sizes in, offsets out
 *	map = mmap(NULL, setup.map_size, PROT_READ | PROT_WRITE,
 *		   MAP_SHARED, fd, 0);
 *	loop:
 *		write operations at sq_tail, move sq_tail (store-release)
 *		ioctl(fd, GMB_IOC_TRAP, &trap);
 *		read completions from cq_head to cq_tail (load-acquire),
 *		move cq_head (store-release)
 *
 * A context (one open file) serves one loop. It belongs to the address space
 * that opened it: after fork, execve or descriptor passing, every call but
 * GMB_IOC_QUERY and GMB_IOC_WAKE fails with -EPERM. Unmapping the rings, which
 * exit and execve do as well, ends the context: all its operations are
 * forgotten and every file it held is released.
 *
 * The mapping holds, at the offsets GMB_IOC_SETUP returned,
 *
 *	0		struct gmb_ioc_ring	heads and tails
 *	sq_off		struct gmb_ioc_op	[sq_entries]
 *	cq_off		struct gmb_ioc_cqe	[cq_entries]
 *	stamp_off	struct gmb_ioc_stamp	[cq_entries], if asked for
 *
 * Heads and tails run freely through 2^32; entry i lies at index
 * i & (entries - 1). The kernel copies an operation once, before it checks it,
 * and keeps its own sq_head and cq_tail: writing rubbish into the mapping
 * harms nobody but the writer.
 *
 * Names an operation refers to
 * ----------------------------
 * Three tables, indexed by numbers that the program chooses, from 0 up to the
 * limit in struct gmb_ioc_setup. Small numbers cost less memory.
 *
 *	watch	a registered file. The kernel keeps a reference to it and one
 *		entry on its wait queue for as long as the watch exists. At
 *		most one reader and one writer can be parked on a watch; the
 *		next one gets -EBUSY. The descriptor's number is a fine index.
 *	task	something of the program's own that others may wake: see
 *		GMB_OP_TASK_ADD.
 *	peer	another context, whose tasks this one may wake.
 *
 * A watch outlives close(2) of its descriptor. The program should use
 * GMB_OP_WATCH_DROP, which can close the descriptor as well; where it does
 * not, a file to which nobody else holds a reference is found by a sweep, now
 * and then and soon after a sleep begins, and released. What is parked there
 * completes with -EBADF.
 *
 * An operation's life
 * -------------------
 * An operation that can be performed at once is. Otherwise it parks on its
 * watch until the file says that it is ready, or a cancel, or the end of the
 * watch. Exactly one completion is posted for each operation (none for a
 * success with GMB_F_SKIP), and only a trap posts completions: when it has
 * returned, the kernel touches no memory of the program any more except the
 * buffers of parked operations, and those only in the next trap. Order is
 * kept within a submission; a parked operation does not hold up later ones.
 *
 * A full completion ring is back-pressure: the trap stops taking and
 * performing operations and returns; nothing is lost.
 *
 * Slack
 * -----
 * slack_ns of a waiting operation (or registered task) says how long its
 * completion may be held back once it could be had: 0 ends the sleep of the
 * trap at once. A sleeping trap is woken at the earliest moment that some
 * slack runs out, or when trap.batch events are pending. A trap that is awake
 * performs what is ready and has no slack, then what has some. The latter it
 * may leave to the next trap, once, if trap.min completions are posted; and of
 * each it may leave what is beyond some dozens, as the ring's pending says.
 *
 * Every reserved or unused field must be zero, every unknown flag is refused
 * with -EINVAL, so that later versions can give them a meaning.
 */
#ifndef _UAPI_LINUX_GIAMBIO_H
#define _UAPI_LINUX_GIAMBIO_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define GMB_DEVICE		"/dev/giambio"

/* Grows when something incompatible happens; additions are features. */
#define GMB_ABI_VERSION		1

#define GMB_IOC_MAGIC		0xBD

/*
 * Each structure says its own size, so the numbers carry none: they stay when
 * a structure grows.
 */
#define GMB_IOC_QUERY		_IO(GMB_IOC_MAGIC, 0x00)
#define GMB_IOC_SETUP		_IO(GMB_IOC_MAGIC, 0x01)
#define GMB_IOC_TRAP		_IO(GMB_IOC_MAGIC, 0x02)
#define GMB_IOC_WAKE		_IO(GMB_IOC_MAGIC, 0x03)

/* gmb_ioc_query.features */
#define GMB_FEATURE_SLACK	(1ULL << 0)	/* slack_ns and batch work */
#define GMB_FEATURE_SPIN	(1ULL << 1)	/* spin_ns works */
#define GMB_FEATURE_SWEEP	(1ULL << 2)	/* closed files are released */
#define GMB_FEATURE_STAMPS	(1ULL << 3)	/* GMB_SETUP_STAMPS works */
#define GMB_FEATURE_NETLINK	(1ULL << 4)	/* generic netlink family */
#define GMB_FEATURE_IO		(1ULL << 5)	/* data may be transferred */

/**
 * struct gmb_ioc_query - what this kernel offers (GMB_IOC_QUERY)
 * @size:        [in/out] bytes the caller provides; on return the bytes that
 *               the kernel knows. Only the smaller of both is written.
 * @version:     [out] %GMB_ABI_VERSION of the kernel
 * @features:    [out] %GMB_FEATURE_ bits; GMB_FEATURE_IO is missing when the
 *               caller runs under seccomp and the administrator has not
 *               allowed transfers there
 * @ops:         [out] bit n set: opcode n is known
 * @max_sq:      [out] largest sq_entries
 * @max_cq:      [out] largest cq_entries
 * @max_watches: [out] most watches that the caller can ask for
 * @max_tasks:   [out] most tasks that the caller can ask for
 * @max_peers:   [out] number of peer slots
 * @max_spin_ns: [out] longest spin_ns
 *
 * Allowed to any holder of the descriptor.
 * Errors: -EINVAL size below 8; -EFAULT.
 */
struct gmb_ioc_query {
	__u32 size;
	__u32 version;
	__u64 features;
	__u64 ops;
	__u32 max_sq;
	__u32 max_cq;
	__u32 max_watches;
	__u32 max_tasks;
	__u32 max_peers;
	__u32 max_spin_ns;
};

/* gmb_ioc_setup.flags */
#define GMB_SETUP_STAMPS	(1U << 0)	/* add the stamp array */

/**
 * struct gmb_ioc_setup - make the rings (GMB_IOC_SETUP)
 * @size:        [in] sizeof(struct gmb_ioc_setup)
 * @flags:       [in] %GMB_SETUP_ bits
 * @sq_entries:  [in] operations in the submission ring: a power of two
 * @cq_entries:  [in] completions in the completion ring: a power of two, at
 *               least 4
 * @max_watches: [in/out] watches that may exist at once; 0 asks for as many
 *               as RLIMIT_NOFILE allows. Indices are below this.
 * @max_tasks:   [in/out] tasks that may exist at once; 0 asks for the most.
 *               Indices are below this.
 * @map_size:    [out] bytes to map, at offset 0, shared, once
 * @id:          [out] number of the context in netlink messages and traces
 * @sq_off:      [out] bytes from the mapping's start to the operations
 * @cq_off:      [out] bytes from the mapping's start to the completions
 * @stamp_off:   [out] bytes to the stamps; 0 without %GMB_SETUP_STAMPS
 * @reserved:    zero
 *
 * Once per context. The pages count against RLIMIT_MEMLOCK.
 * Errors: -EINVAL size, flag or number out of range; -EBUSY done already;
 * -EMFILE max_watches above RLIMIT_NOFILE; -ENOMEM; -EPERM; -EFAULT.
 */
struct gmb_ioc_setup {
	__u32 size;
	__u32 flags;
	__u32 sq_entries;
	__u32 cq_entries;
	__u32 max_watches;
	__u32 max_tasks;
	__u32 map_size;
	__u32 id;
	__u32 sq_off;
	__u32 cq_off;
	__u32 stamp_off;
	__u32 reserved;
};

/**
 * struct gmb_ioc_ring - the first bytes of the mapping
 * @sq_head: next operation the kernel takes; written by the kernel
 * @pending: not zero: the next trap will find something to perform, though it
 *           submits nothing. A hint: a loop with other work to do may leave
 *           out a trap that would only look. Written by the kernel.
 * @pad0:    unused
 * @cq_tail: end of the completions; written by the kernel (store-release)
 * @pad1:    unused
 * @sq_tail: end of the operations; written by the program (store-release)
 * @cq_head: next completion the program reads; written by the program
 * @pad2:    unused
 */
struct gmb_ioc_ring {
	__u32 sq_head;
	__u32 cq_tail;
	__u32 pad0[14];
	__u32 pending;
	__u32 pad1[15];
	__u32 sq_tail;
	__u32 cq_head;
	__u32 pad2[14];
};

/**
 * enum gmb_op - what can be asked
 * @GMB_OP_NOP:        nothing; completes with 0.
 * @GMB_OP_WATCH_ADD:  register descriptor @fd as watch @slot. Flags: SKIP,
 *                     REPLACE. 0; -EBADF; -EPERM the file cannot be polled;
 *                     -ELOOP a giambio descriptor; -EEXIST slot taken;
 *                     -EINVAL slot out of range; -EOPNOTSUPP the file waits on
 *                     more than two queues; -EMFILE the user's limit of
 *                     watches; -ENOMEM.
 * @GMB_OP_WATCH_DROP: forget watch @slot; what is parked there completes with
 *                     -ECANCELED first. Flags: SKIP, CLOSE (then @fd is the
 *                     descriptor). 0; -ENOENT no such watch; -EBADF @fd is
 *                     not the file of the watch: nothing is dropped.
 * @GMB_OP_READY:      wait until one of the poll(2) conditions @events, or
 *                     POLLERR or POLLHUP, holds; completes with those that
 *                     hold. Parks as the reader, or as the writer when
 *                     @events has no bit but POLLOUT, POLLWRNORM, POLLWRBAND.
 *                     Flags: NOWAIT.
 * @GMB_OP_RECV:       receive up to @len bytes to @addr, as recv(2).
 *                     @msg_flags: MSG_PEEK, MSG_TRUNC. Flags: NOWAIT. Bytes,
 *                     0 at the end of a stream; recv(2)'s errors; -ENOTSOCK.
 * @GMB_OP_SEND:       send @len bytes from @addr, as send(2) with MSG_NOSIGNAL.
 *                     @msg_flags: MSG_MORE, MSG_EOR. Flags: ALL, SKIP, NOWAIT.
 *                     Bytes; send(2)'s errors; -ENOTSOCK. See @err of struct
 *                     gmb_ioc_cqe for a send that stopped half-way.
 * @GMB_OP_EXCHANGE:   send all of @len bytes from @addr, then receive up to
 *                     @len2 bytes to @addr2; takes the reader's and the
 *                     writer's place and completes once. @msg_flags:
 *                     MSG_EOR. A completion with %GMB_CQE_SEND reports the
 *                     send, which was refused, failed or was cancelled:
 *                     nothing was received. Without it everything was sent,
 *                     and @res is that of the receive.
 * @GMB_OP_READ:       read up to @len bytes to @addr, as read(2), from a stream
 *                     (socket, pipe, terminal, eventfd, timerfd, …). Flags:
 *                     NOWAIT. Bytes or read(2)'s errors; -EOPNOTSUPP the file
 *                     can neither try without blocking nor is it
 *                     O_NONBLOCK; -ESPIPE it has a position.
 * @GMB_OP_WRITE:      write @len bytes from @addr, as write(2). Flags: ALL,
 *                     SKIP, NOWAIT. Errors as for READ and SEND. SIGPIPE is
 *                     raised as by write(2) on a pipe without reader.
 * @GMB_OP_CANCEL:     withdraw the operation with user_data @addr from watch
 *                     @slot: it completes with -ECANCELED (or with the bytes
 *                     it sent, @err being ECANCELED) before this one does.
 *                     Flags: SKIP. 0; -ENOENT nothing such is parked: it has
 *                     completed already, or its completion is posted by
 *                     now.
 * @GMB_OP_TASK_ADD:   register task @slot with tag @len. Each wake completes
 *                     with user_data @addr, res 0 and %GMB_CQE_WAKE; wakes that
 *                     come before the completion is posted are one.
 *                     @slack_ns counts for its wakes. Flags: SKIP. 0; -EEXIST;
 *                     -EINVAL; -ENOMEM.
 * @GMB_OP_TASK_DROP:  forget task @slot; a wake that is not yet posted is
 *                     dropped with it. Flags: SKIP. 0; -ENOENT.
 * @GMB_OP_WAKE:       wake task @addr, a GMB_TASK(slot, tag), of this context
 *                     (@slot %GMB_SELF) or of peer @slot; or with @addr
 *                     %GMB_WAKE_TRAP its trap, the sleeping one or the next,
 *                     which returns early. Flags: SKIP, SYNC. 0; -ENOENT no
 *                     such peer; -ESRCH no such task, or another tag;
 *                     -ESHUTDOWN the peer has ended.
 * @GMB_OP_PEER_ADD:   register the context behind descriptor @fd, which may be
 *                     another process's, as peer @slot. Flags: SKIP. 0;
 *                     -EBADF; -EINVAL not a giambio descriptor, or slot out of
 *                     range; -EEXIST.
 * @GMB_OP_PEER_DROP:  forget peer @slot. Flags: SKIP. 0; -ENOENT.
 * @GMB_OP_LAST:       number of opcodes; as an opcode -EINVAL
 *
 * Errors common to all: -EINVAL unknown opcode, flag, or a field not named
 * above that is not zero. To those that use a watch: -ENOENT no such watch,
 * -EBUSY somebody is parked there, -EAGAIN with NOWAIT, -EBADF the file was
 * closed everywhere else. To transfers (RECV, SEND, EXCHANGE, READ, WRITE):
 * -EINVAL length above INT_MAX, -EFAULT, -EACCES the caller runs under seccomp
 * and the administrator has not allowed transfers there.
 */
enum gmb_op {
	GMB_OP_NOP		= 0,
	GMB_OP_WATCH_ADD	= 1,
	GMB_OP_WATCH_DROP	= 2,
	GMB_OP_READY		= 3,
	GMB_OP_RECV		= 4,
	GMB_OP_SEND		= 5,
	GMB_OP_EXCHANGE		= 6,
	GMB_OP_READ		= 7,
	GMB_OP_WRITE		= 8,
	GMB_OP_CANCEL		= 9,
	GMB_OP_TASK_ADD		= 10,
	GMB_OP_TASK_DROP	= 11,
	GMB_OP_WAKE		= 12,
	GMB_OP_PEER_ADD		= 13,
	GMB_OP_PEER_DROP	= 14,
	GMB_OP_LAST		= 15
};

/* gmb_ioc_op.flags */
#define GMB_F_SKIP	(1U << 0)	/* no completion for full success */
#define GMB_F_ALL	(1U << 1)	/* go on until all bytes are out */
#define GMB_F_NOWAIT	(1U << 2)	/* -EAGAIN instead of parking */
#define GMB_F_CLOSE	(1U << 3)	/* WATCH_DROP: close(fd) as well */
#define GMB_F_REPLACE	(1U << 4)	/* WATCH_ADD: drop what is there */
#define GMB_F_SYNC	(1U << 5)	/* WAKE: this thread sleeps soon */

#define GMB_SELF	0xffffffffU	/* gmb_ioc_op.slot: this context */
#define GMB_SLACK_MAX	0xffffffffU	/* slack_ns: no end of its own */

/* What WAKE names: the task's slot, and the tag it was registered with. */
#define GMB_TASK(slot, tag)	((__u64)(tag) << 32 | (__u32)(slot))

/* WAKE, gmb_ioc_wake.target: no task; the sleeping trap itself returns early */
#define GMB_WAKE_TRAP	(~0ULL)

/**
 * struct gmb_ioc_op - one operation: an entry of the submission ring
 * @opcode:    enum gmb_op
 * @flags:     %GMB_F_ bits
 * @events:    poll(2) conditions; READY only
 * @slot:      index of the watch, task or peer
 * @user_data: comes back in the completion
 * @addr:      address of the buffer; for CANCEL and WAKE what is meant; for
 *             TASK_ADD the user_data of its wakes
 * @len:       bytes at @addr; for TASK_ADD the tag
 * @msg_flags: MSG_ bits as each operation allows
 * @slack_ns:  how long the completion may be held back, ns; only where an
 *             operation can wait, and TASK_ADD
 * @fd:        descriptor; WATCH_ADD, WATCH_DROP with CLOSE, PEER_ADD only
 * @addr2:     EXCHANGE: address of the receive buffer
 * @len2:      EXCHANGE: bytes at @addr2
 * @reserved:  zero
 * @reserved2: zero
 */
struct gmb_ioc_op {
	__u8  opcode;
	__u8  flags;
	__u16 events;
	__u32 slot;
	__u64 user_data;
	__u64 addr;
	__u32 len;
	__u32 msg_flags;
	__u32 slack_ns;
	__s32 fd;
	__u64 addr2;
	__u32 len2;
	__u32 reserved;
	__u64 reserved2;
};

/* gmb_ioc_cqe.flags */
#define GMB_CQE_WAKE	(1U << 0)	/* a registered task was woken */
#define GMB_CQE_SEND	(1U << 1)	/* EXCHANGE ended before all was sent */
#define GMB_CQE_MORE	(1U << 2)	/* RECV, READ: more may be there */

/**
 * struct gmb_ioc_cqe - one completion
 * @user_data: of the operation, or of the registered task
 * @res:       result: what the operation's system call would return, or -errno
 * @err:       0, or the (positive) errno that ended a SEND, WRITE or EXCHANGE
 *             with GMB_F_ALL after @res bytes, fewer than asked, were out
 * @flags:     %GMB_CQE_ bits
 */
struct gmb_ioc_cqe {
	__u64 user_data;
	__s32 res;
	__u16 err;
	__u16 flags;
};

/**
 * struct gmb_ioc_stamp - the moments of one wakeup, CLOCK_MONOTONIC ns
 * @ready:   the file said that it is ready (or the task was woken); 0 when the
 *           operation was performed without waiting
 * @woken:   the sleeping thread was made runnable, or @ready if that is later;
 *           @running when its sleep ended by itself, with the timeout or a
 *           signal; 0 when it did not sleep
 * @running: the thread ran again, back in the trap; 0 when it did not sleep
 * @done:    the completion was posted
 *
 * Stamp i belongs to completion i. Those that are not 0 never decrease from one
 * to the next. What became ready after the thread ran again was not slept for.
 */
struct gmb_ioc_stamp {
	__u64 ready;
	__u64 woken;
	__u64 running;
	__u64 done;
};

/* gmb_ioc_trap.timeout_ns: sleep without limit */
#define GMB_FOREVER	(~0ULL)

/**
 * struct gmb_ioc_trap - submit, perform, wait (GMB_IOC_TRAP)
 * @size:       sizeof(struct gmb_ioc_trap)
 * @flags:      zero
 * @min:        completions to wait for; 0 does not sleep. At most cq_entries.
 * @batch:      pending events that end a sleep before their slack does; 0: any
 *              number may wait
 * @timeout_ns: longest sleep, relative, CLOCK_MONOTONIC; %GMB_FOREVER
 * @spin_ns:    look for events this long before sleeping; at most
 *              max_spin_ns; ends when another thread wants the CPU
 * @reserved:   zero
 *
 * Returns the number of completions posted by this trap. It can be smaller
 * than @min: when the timeout passed, the completion ring is full, the
 * program was woken by %GMB_WAKE_TRAP, or there is work that the kernel only
 * does on the way back to the program. A signal ends the sleep as well:
 * -EINTR, but only if nothing was posted.
 *
 * Errors: -EINVAL size, flag or number out of range; -EPERM another address
 * space; -ENXIO rings not set up or not mapped; -EBUSY another thread sleeps
 * in this context; -ESHUTDOWN the rings were unmapped; -EINTR; -EFAULT.
 */
struct gmb_ioc_trap {
	__u32 size;
	__u32 flags;
	__u32 min;
	__u32 batch;
	__u64 timeout_ns;
	__u32 spin_ns;
	__u32 reserved;
};

/**
 * struct gmb_ioc_wake - wake without a context of one's own (GMB_IOC_WAKE)
 * @size:   sizeof(struct gmb_ioc_wake)
 * @flags:  zero
 * @target: GMB_TASK(slot, tag), or %GMB_WAKE_TRAP
 *
 * For any thread of any process that holds the descriptor. Does not wait.
 * Returns 0. Errors: -EINVAL size or flag; -ESRCH no such task, or another tag;
 * -ESHUTDOWN the context has ended; -EFAULT.
 */
struct gmb_ioc_wake {
	__u32 size;
	__u32 flags;
	__u64 target;
};

#endif /* _UAPI_LINUX_GIAMBIO_H */
