/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The module's backend: operations gather in the submission ring while tasks
 * run, and one trap a turn hands them over, performs what can be performed, and
 * sleeps. See <linux/giambio.h>.
 *
 * The kernel performs transfers of one buffer itself, in the trap. Everything
 * else (several buffers, accept, connect, readiness, files that the module does
 * not transfer for) is "plain": the kernel tells when it is ready, and a system
 * call that does not block performs it.
 *
 * What may succeed is tried before it is parked: gmb_file.ready tells that, as
 * in edge.h, but here it only saves time. The module notes what arrives as long
 * as a watch exists, and looks itself when the watch is made, so a clear bit
 * costs a trap and loses nothing. A file's watch is made together with the
 * first operation that parks, and dropped when the file is detached. It has the
 * number of the file's slot.
 *
 * A transfer that is parked belongs to the kernel, with its buffer, until its
 * completion: withdrawing it submits a cancel, and the task stays parked until
 * the completion has come. A plain operation has no buffer in the kernel, so it
 * is gone at once when it is withdrawn; what the kernel says of it afterwards
 * carries a serial number that nobody has.
 *
 * Only poll() finishes operations. Completions that another trap finds, one
 * that had to make room, are queued here until then. So a full ring can be
 * emptied anywhere, also while poll() goes through the completions of its own.
 */
#include <errno.h>
#include <poll.h>
#include "backend/backend.h"
#include "backend/edge.h"
#include "backend/kmod_ring.h"
#include "coro/mem.h"
#include "loop/loop.h"

/*
 * user_data is the address of a transfer, or what the lowest bits say: the
 * slot is in the bits above, a number in the upper half.
 */
enum tag {
	TAG_OP,		/* an address */
	TAG_READY,	/* a plain operation and its serial number */
	TAG_ADD,	/* a watch and the slot's generation */
	TAG_PEER,	/* another loop */
	TAG_NONE,	/* nobody wants to know */
};

#define TAG_BITS	3
#define TAG_MASK	((1U << TAG_BITS) - 1)

/* Other loops that this one can wake by an operation, by their numbers. */
#define PEERS		16

/**
 * struct kmod - the backend of a loop
 * @ring:   the device and its rings
 * @serial: of the last plain operation
 * @done:   operations with a completion, in the order of their completions
 * @peers:  the numbers of the contexts that are registered; 0: none
 * @edges:  the files. interest: there is a watch; useless: only plain
 *	operations work; calm: the errno that kept the watch from being made
 */
struct kmod {
	struct gmb__kring ring;
	uint32_t serial;
	struct gmb__link done;
	uint32_t peers[PEERS];
	struct gmb__edges edges;
};

static inline uint64_t tag_of(enum tag tag, uint32_t slot, uint32_t number)
{
	return (uint64_t)number << 32 | (uint64_t)slot << TAG_BITS | tag;
}

/* Completions */

/* A plain operation, unless it was withdrawn. */
static struct gmb__op *find_plain(const struct gmb_file *file, uint64_t tag)
{
	struct gmb__op *op;
	int i;

	for (i = 0; file && i < 2; i++) {
		op = i ? file->writer : file->reader;
		if (op && op->flags & GMB__OP_PLAIN && op->cookie == tag &&
		    gmb__list_empty(&op->wait.link))
			return op;
	}
	return NULL;
}

static void note_add_failed(struct gmb__edge *edge,
			    const struct gmb_ioc_cqe *cqe)
{
	if (!edge->file || edge->generation != cqe->user_data >> 32)
		return;
	edge->interest = 0;
	edge->calm = (uint8_t)-cqe->res;
}

/* The operation that a completion is of, if there is one that waits for it. */
static inline struct gmb__op *op_of(struct kmod *kd,
				    const struct gmb_ioc_cqe *cqe)
{
	uint32_t slot = (uint32_t)cqe->user_data >> TAG_BITS;

	switch (cqe->user_data & TAG_MASK) {
	case TAG_OP:
		return (struct gmb__op *)(uintptr_t)cqe->user_data;
	case TAG_READY:
		return find_plain(kd->edges.slots[slot].file, cqe->user_data);
	case TAG_ADD:
		note_add_failed(&kd->edges.slots[slot], cqe);
		break;
	case TAG_PEER:
		kd->peers[slot] = 0;
		break;
	}
	return NULL;
}

static void queue_completion(struct kmod *kd, const struct gmb_ioc_cqe *cqe)
{
	struct gmb__op *op = op_of(kd, cqe);

	if (!op)
		return;
	op->cookie = (uint64_t)(uint32_t)cqe->res << 32 |
		     (uint64_t)cqe->err << 16 | cqe->flags;
	gmb__list_add_tail(&kd->done, &op->wait.link);
}

/* The trap, and what it brought. */
static void enter(struct kmod *kd, gmb_time span)
{
	struct gmb__kring *ring = &kd->ring;

	gmb__kring_trap(ring, span);
	while (gmb__kring_readable(ring))
		queue_completion(kd, gmb__kring_read(ring));
	gmb__kring_read_up(ring);
}

/* Submissions */

static inline void make_room(struct kmod *kd, uint32_t n)
{
	struct gmb__kring *ring = &kd->ring;

	while (gmb__unlikely(gmb__kring_waiting(ring) + n > GMB__KRING_OPS))
		enter(kd, 0);
}

static inline void submit_watch(struct kmod *kd, struct gmb__edge *edge)
{
	const struct gmb_file *file = edge->file;

	if (gmb__likely(edge->interest))
		return;
	gmb__kring_watch(&kd->ring, file,
			 tag_of(TAG_ADD, file->slot, edge->generation));
	edge->interest = 1;
	edge->calm = 0;
}

/* Room for an operation and for its watch, which is made unless it is there. */
static __attribute__((noinline)) void prepare(struct kmod *kd,
					      struct gmb__edge *edge)
{
	make_room(kd, 2);
	submit_watch(kd, edge);
}

static void submit_plain(struct kmod *kd, struct gmb__op *op)
{
	uint16_t events = POLLIN;

	if (op->code == GMB__OP_READY)
		events = op->events;
	else if (gmb__op_writes(op))
		events = POLLOUT;
	op->flags |= GMB__OP_PLAIN;
	op->cookie = tag_of(TAG_READY, op->file->slot, ++kd->serial);
	gmb__kring_ready(&kd->ring, op, events);
}

/* The kernel can perform it. */
static inline bool is_transfer(const struct gmb__edge *edge,
			       const struct gmb__op *op)
{
	return op->code >= GMB__OP_RECEIVE && op->code <= GMB__OP_WRITE &&
	       op->iovcnt == 1 && !op->msg_flags && !edge->useless;
}

/* Hand an operation to the kernel with the next trap. */
static void park(struct kmod *kd, struct gmb__edge *edge, struct gmb__op *op)
{
	prepare(kd, edge);
	gmb__list_init(&op->wait.link);
	op->flags &= (uint8_t)~GMB__OP_PLAIN;
	if (is_transfer(edge, op))
		gmb__kring_transfer(&kd->ring, op);
	else
		submit_plain(kd, op);
}

static int kmod_start(struct gmb_loop *loop, struct gmb__op *op)
{
	struct kmod *kd = loop->backend_data;

	op->slack = loop->current->slack;
	park(kd, &kd->edges.slots[op->file->slot], op);
	return 0;
}

static inline int submit_pair(struct kmod *kd, struct gmb__op *receive,
			      const void *out, size_t out_len)
{
	gmb__list_init(&receive->wait.link);
	receive->flags = GMB__OP_PAIR;
	receive->slack = gmb__loop->current->slack;
	gmb__kring_exchange(&kd->ring, out, (uint32_t)out_len, receive);
	return 0;
}

static __attribute__((noinline))
int prepare_pair(struct kmod *kd, struct gmb__op *receive, const void *out,
		 size_t out_len)
{
	prepare(kd, &kd->edges.slots[receive->file->slot]);
	return submit_pair(kd, receive, out, out_len);
}

static int kmod_start_pair(struct gmb_loop *loop, struct gmb__op *receive,
			   const void *out, size_t out_len)
{
	struct kmod *kd = loop->backend_data;
	const struct gmb__edge *edge = gmb__edge_of(&kd->edges, receive->file);

	if (gmb__unlikely(!edge))
		return -EBADF;
	if (gmb__unlikely(edge->useless || out_len > GMB__OP_LEN_MAX))
		return -ENOTSUP;
	if (gmb__unlikely(!edge->interest ||
			  gmb__kring_waiting(&kd->ring) >= GMB__KRING_OPS))
		return prepare_pair(kd, receive, out, out_len);
	return submit_pair(kd, receive, out, out_len);
}

static bool kmod_withdraw(struct gmb_loop *loop, struct gmb__op *op)
{
	struct kmod *kd = loop->backend_data;
	bool plain = op->flags & GMB__OP_PLAIN;

	op->flags |= GMB__OP_WITHDRAWN;
	make_room(kd, 1);
	if (gmb__list_empty(&op->wait.link))
		gmb__kring_cancel(&kd->ring, op->file,
				  plain ? op->cookie : (uintptr_t)op, TAG_NONE);
	else if (plain)
		gmb__list_del(&op->wait.link);
	return !plain;
}

/* Finishing */

static int finish(struct gmb__op *op, intptr_t result)
{
	gmb__op_finish(op, result);
	return 1;
}

/* Nobody has the operation; it is to wait once more. */
static int wait_again(struct kmod *kd, struct gmb__edge *edge,
		      struct gmb__op *op)
{
	if (op->flags & GMB__OP_WITHDRAWN)
		return finish(op, -ECANCELED);
	park(kd, edge, op);
	return 0;
}

/* There is no watch: it could not be made, or the file was closed elsewhere. */
static int explain(struct gmb__edge *edge, int error)
{
	if (gmb__likely(error != -ENOENT))
		return error;
	if (!edge)
		return -EBADF;
	edge->interest = 0;
	return edge->calm ? -(int)edge->calm : -EBADF;
}

static int settle_plain(struct kmod *kd, struct gmb__edge *edge,
			struct gmb__op *op, int res)
{
	intptr_t result;

	if (gmb__unlikely(res < 0))
		return finish(op, explain(edge, res));
	op->file->ready |= gmb__edge_bits((uint32_t)res);
	if (op->code == GMB__OP_READY)
		return finish(op, res);
	result = gmb__edge_attempt(op);
	if (result == -EAGAIN)
		return wait_again(kd, edge, op);
	if (gmb__unlikely(result == GMB__OP_PAUSED)) {
		gmb__op_pause(op);
		return 1;
	}
	return finish(op, result);
}

/* An exchange of which nothing was sent, because the kernel may not. */
static int refuse_pair(struct gmb__edge *edge, struct gmb__op *op)
{
	edge->useless = 1;
	if (op->flags & GMB__OP_WITHDRAWN)
		return finish(op, -ECANCELED);
	op->flags |= GMB__OP_REFUSED;
	op->cookie = (uint64_t)edge->generation << 32 | op->file->slot;
	return finish(op, -EACCES);
}

/*
 * Where the kernel does not transfer for a file (it has a position, or a
 * seccomp filter came) the system call that follows says what is to be said.
 */
static int settle_error(struct kmod *kd, struct gmb__edge *edge,
			struct gmb__op *op, int res, int error, uint16_t flags)
{
	bool sending = flags & GMB_CQE_SEND;

	if (edge && sending && res == -EACCES)
		return refuse_pair(edge, op);
	if (edge && !sending) {
		switch (error) {
		case -EOPNOTSUPP:
		case -ESPIPE:
		case -EACCES:
			edge->useless = 1;
			/* fall through */
		case -EINTR:
			return wait_again(kd, edge, op);
		}
	}
	return finish(op, explain(edge, error));
}

static int settle_transfer(struct kmod *kd, struct gmb__edge *edge,
			   struct gmb__op *op, int res, int error,
			   uint16_t flags)
{
	if (gmb__likely(edge && res >= 0)) {
		if (gmb__op_writes(op))
			op->file->ready |= GMB__CAN_WRITE;
		else if (flags & GMB_CQE_MORE)
			op->file->ready |= GMB__CAN_READ;
	}
	if (op->flags & GMB__OP_ALL && res >= 0) {
		if (gmb__op_advance(op, (size_t)res))
			return finish(op, (intptr_t)op->done);
		if (!error)
			return wait_again(kd, edge, op);
	}
	if (gmb__unlikely(error))
		return settle_error(kd, edge, op, res, error, flags);
	return finish(op, res);
}

static int settle(struct kmod *kd, struct gmb__op *op, int res, uint16_t err,
		  uint16_t flags)
{
	struct gmb_file *file = op->file;
	struct gmb__edge *edge = NULL;
	int error = res < 0 ? res : -(int)err;

	if (gmb__likely(file))
		edge = gmb__edge_of(&kd->edges, file);
	if (op->flags & GMB__OP_PLAIN)
		return settle_plain(kd, edge, op, res);
	return settle_transfer(kd, edge, op, res, error, flags);
}

/*
 * Most of what comes: bytes were received, and there is nothing to be said but
 * how many.
 */
static inline bool is_received(const struct gmb__op *op,
			       const struct gmb_ioc_cqe *cqe)
{
	const unsigned int others = GMB__OP_PLAIN | GMB__OP_ALL;

	/* An exchange that ended while sending has err. */
	return op->file && cqe->res > 0 && !(cqe->err | cqe->flags) &&
	       !(op->flags & others) && !gmb__op_writes(op);
}

static __attribute__((noinline)) int settle_other(struct kmod *kd,
						  struct gmb_ioc_cqe cqe)
{
	struct gmb__op *op = op_of(kd, &cqe);

	return op ? settle(kd, op, cqe.res, cqe.err, cqe.flags) : 0;
}

/*
 * What the trap of poll() has brought. Should one of the operations need a trap
 * of its own, that queues the rest.
 */
static int settle_ring(struct kmod *kd)
{
	struct gmb__kring *ring = &kd->ring;
	const struct gmb_ioc_cqe *cqe;
	struct gmb__op *op;
	int done = 0;

	while (gmb__kring_readable(ring)) {
		cqe = gmb__kring_read(ring);
		op = (struct gmb__op *)(uintptr_t)cqe->user_data;
		if (gmb__likely(!(cqe->user_data & TAG_MASK) &&
				is_received(op, cqe)))
			done += finish(op, cqe->res);
		else
			done += settle_other(kd, *cqe);
	}
	gmb__kring_read_up(ring);
	return done;
}

/* What comes to be queued meanwhile is for the next turn. */
static int settle_queued(struct kmod *kd)
{
	struct gmb__link batch = kd->done;
	struct gmb__op *op;
	int done = 0;

	batch.next->prev = &batch;
	batch.prev->next = &batch;
	gmb__list_init(&kd->done);
	while (!gmb__list_empty(&batch)) {
		op = gmb__entry(batch.next, struct gmb__op, wait.link);
		gmb__list_del(&op->wait.link);
		done += settle(kd, op, (int)(op->cookie >> 32),
			       (uint16_t)(op->cookie >> 16),
			       (uint16_t)op->cookie);
	}
	return done;
}

static int kmod_poll(struct gmb_loop *loop, gmb_time span)
{
	struct kmod *kd = loop->backend_data;

	if (gmb__unlikely(!gmb__list_empty(&kd->done))) {
		if (gmb__kring_has_work(&kd->ring))
			enter(kd, 0);
		loop->unsent = gmb__kring_waiting(&kd->ring);
		return settle_queued(kd);
	}
	if (!span && !gmb__kring_has_work(&kd->ring))
		return 0;
	gmb__kring_trap(&kd->ring, span);
	if (gmb__unlikely(loop->unsent))
		loop->unsent = gmb__kring_waiting(&kd->ring);
	return settle_ring(kd);
}

static void kmod_wake(struct gmb_loop *loop)
{
	const struct kmod *kd = loop->backend_data;

	gmb__kring_wake(&kd->ring);
}

/* Hand over what was gathered; what that brings is for the next poll(). */
static void kmod_flush(struct gmb_loop *loop)
{
	struct kmod *kd = loop->backend_data;

	while (gmb__kring_waiting(&kd->ring))
		enter(kd, 0);
	loop->unsent = false;
}

/*
 * The other loop's descriptor is open only as long as the caller sees to it,
 * so it is registered at once. Afterwards its number stands for it: when it has
 * ended, a wake is refused, and nobody minds.
 */
static bool register_peer(struct gmb_loop *loop, const struct gmb__kring *other)
{
	struct kmod *kd = loop->backend_data;
	uint32_t slot = other->id % PEERS;

	make_room(kd, 2);
	if (kd->peers[slot])
		gmb__kring_drop_peer(&kd->ring, slot, TAG_NONE);
	kd->peers[slot] = other->id;
	gmb__kring_peer(&kd->ring, slot, other, tag_of(TAG_PEER, slot, 0));
	kmod_flush(loop);
	return kd->peers[slot];
}

static bool kmod_wake_soon(struct gmb_loop *loop, struct gmb_loop *target)
{
	struct kmod *kd = loop->backend_data;
	const struct kmod *other = target->backend_data;
	uint32_t slot;

	if (target->backend != &gmb__backend_kmod)
		return false;
	slot = other->ring.id % PEERS;
	if (gmb__unlikely(kd->peers[slot] != other->ring.id) &&
	    !register_peer(loop, &other->ring))
		return false;
	make_room(kd, 1);
	gmb__kring_wake_peer(&kd->ring, slot, tag_of(TAG_NONE, slot, 0));
	loop->unsent = true;
	return true;
}

/* Files */

static int kmod_attach(struct gmb_loop *loop, struct gmb_file *file)
{
	struct kmod *kd = loop->backend_data;
	int rc = gmb__edges_attach(&kd->edges, file);

	if (rc)
		return rc;
	/* RLIMIT_NOFILE has been raised since the loop began. */
	if (file->slot >= kd->ring.max_files) {
		gmb__edges_detach(&kd->edges, &kd->edges.slots[file->slot]);
		return -EMFILE;
	}
	file->flags |= GMB__FILE_LEVEL;
	kd->edges.slots[file->slot].useless = !kd->ring.io;
	return 0;
}

/*
 * The watch must have let go of the file when the descriptor is closed right
 * after this: the peer of a pipe would wait for its end, a port would stay
 * taken.
 */
static void kmod_detach(struct gmb_loop *loop, struct gmb_file *file)
{
	struct kmod *kd = loop->backend_data;
	struct gmb__edge *edge = gmb__edge_of(&kd->edges, file);

	if (!edge)
		return;
	if (edge->interest) {
		make_room(kd, 1);
		gmb__kring_drop(&kd->ring, file, TAG_NONE);
		while (gmb__kring_waiting(&kd->ring))
			enter(kd, 0);
	}
	gmb__edges_detach(&kd->edges, edge);
}

/* Life */

static void free_kmod(struct kmod *kd)
{
	gmb__kring_close(&kd->ring);
	gmb__edges_fini(&kd->edges);
	gmb__mem_free(kd);
}

static int kmod_open(struct gmb_loop *loop, const char **why)
{
	struct kmod *kd = gmb__mem_zalloc(1, sizeof(*kd));
	int rc;

	*why = "there is no memory for it";
	if (!kd)
		return -ENOMEM;
	kd->ring.fd = -1;
	gmb__list_init(&kd->done);
	rc = gmb__edges_init(&kd->edges);
	if (!rc)
		rc = gmb__kring_open(&kd->ring, why);
	if (rc) {
		free_kmod(kd);
		return rc;
	}
	loop->backend_data = kd;
	loop->edges = &kd->edges;
	return 0;
}

static void kmod_close(struct gmb_loop *loop)
{
	free_kmod(loop->backend_data);
	loop->backend_data = NULL;
}

const struct gmb__backend_ops gmb__backend_kmod = {
	.name = "kmod",
	.open = kmod_open,
	.close = kmod_close,
	.attach = kmod_attach,
	.detach = kmod_detach,
	.start = kmod_start,
	.start_pair = kmod_start_pair,
	.withdraw = kmod_withdraw,
	.poll = kmod_poll,
	.wake = kmod_wake,
	.wake_soon = kmod_wake_soon,
	.flush = kmod_flush,
};
