/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Cancel scopes: a bound around any piece of code.
 *
 * A scope is opened and closed by one task, like a pair of brackets. Once it
 * is cancelled - by gmb_scope_cancel() or because its deadline passed - every
 * wait inside fails with -ECANCELED until the scope closes, in the task itself
 * and in all tasks of managers that were opened inside. Scopes nest; the
 * nearest deadline of the enclosing scopes is the one that counts.
 *
 * A cancelled operation did not happen: a cancelled receive lost no byte. If
 * an operation completes at the moment it is cancelled, the completion wins
 * and the cancellation is seen at the next wait.
 *
 * There are no timeout arguments in this library, because a scope bounds any
 * code, also code that knows nothing of it:
 *
 *	ssize_t n = 0;
 *
 *	gmb_with_timeout(n, 5 * GMB_SEC) {
 *		n = gmb_receive(sock, buf, sizeof(buf));
 *	}
 *	if (n == -ETIMEDOUT)
 *		...
 */
#ifndef GIAMBIO_SCOPE_H
#define GIAMBIO_SCOPE_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum gmb_scope_flags - how a scope behaves
 * @GMB_SCOPE_SHIELD: cancellation of the enclosing scopes is not seen inside;
 *	the scope's own deadline and gmb_scope_cancel() still are. For clean-up
 *	that must wait; give it a deadline.
 * @GMB_SCOPE_SKIP: passing the deadline is no error: gmb_scope_close() returns
 *	0 for it
 */
enum gmb_scope_flags {
	GMB_SCOPE_SHIELD = 1 << 0,
	GMB_SCOPE_SKIP = 1 << 1,
};

/**
 * struct gmb_scope - a cancel scope, in storage of the task that opens it
 *
 * All members are private. It must stay where it is while it is open.
 */
struct gmb_scope {
	/* private: */
	struct gmb_scope *parent;
	struct gmb_scope *origin;	/* whose cancellation is in force */
	struct gmb_task *owner;		/* the task that runs inside */
	struct gmb__link children;
	struct gmb__link sibling;
	gmb_time deadline;
	gmb_time nearest;		/* of its own and the enclosing ones */
	uint32_t timer;			/* handle of the running timer, or 0 */
	uint8_t flags;
	uint8_t cancelled;		/* by call or by deadline */
	uint8_t timed_out;		/* it was the deadline */
	uint8_t caught;			/* a wait inside failed because of it */
};

/**
 * gmb_scope_open() - begin a cancel scope in the calling task
 * @scope:    [out] caller's storage; must stay until gmb_scope_close()
 * @deadline: absolute; %GMB_NEVER for none; a point in the past cancels at
 *	the first wait
 * @flags:    an or of enum gmb_scope_flags, or 0
 *
 * Scopes and managers of one task must be closed in the reverse order. A task
 * that ends with a scope open aborts the program. O(log n) in running timers.
 *
 * Context: task only. Never suspends.
 * Return: 0; -EPERM outside a task; -EINVAL unknown flags; -ENOMEM no memory
 *	for the timer. On an error nothing is open.
 */
GMB_API GMB_MUST_CHECK int gmb_scope_open(struct gmb_scope *scope,
					  gmb_time deadline,
					  unsigned int flags);

/**
 * gmb_scope_close() - end a cancel scope
 * @scope: the scope that the calling task opened last
 *
 * It always closes. If the scope is not the innermost one of the calling task
 * the program is aborted with a sentence that says so.
 *
 * Context: task only. Never suspends.
 * Return: 0 if no wait was cancelled by this scope or an enclosing one;
 *	-ETIMEDOUT a wait was cancelled because this scope's deadline passed
 *	(0 with %GMB_SCOPE_SKIP); -ECANCELED a wait was cancelled because
 *	somebody cancelled this scope or an enclosing one (of an enclosing one
 *	that may be a wait outside of this scope).
 */
GMB_API int gmb_scope_close(struct gmb_scope *scope);

/**
 * gmb_scope_cancel() - cancel everything inside a scope
 * @scope: an open scope of any task of this loop
 *
 * Every wait inside that is not shielded fails with -ECANCELED from now on.
 * Doing it again does nothing. Doing it on another loop's scope, or outside of
 * the loop, aborts the program with a sentence. O(number of scopes inside).
 *
 * Context: any task or hook of the loop. Never suspends.
 */
GMB_API void gmb_scope_cancel(struct gmb_scope *scope);

/**
 * gmb_scope_cancelled() - was this very scope cancelled
 * @scope: an open scope, or one that the caller has just closed
 *
 * Context: any task of the loop. Never suspends.
 * Return: 1 if its deadline passed or it was cancelled, else 0.
 */
GMB_API int gmb_scope_cancelled(const struct gmb_scope *scope);

/**
 * gmb_scope_set_deadline() - move the deadline of an open scope
 * @scope:    an open scope of any task of this loop
 * @deadline: absolute; %GMB_NEVER removes it
 *
 * A scope that is cancelled already stays cancelled.
 *
 * Context: any task of the loop. Never suspends.
 * Return: 0; -ENOMEM no memory for the timer, the old deadline is in force;
 *	-EXDEV it belongs to another loop; -EPERM this thread runs no loop.
 */
GMB_API GMB_MUST_CHECK int gmb_scope_set_deadline(struct gmb_scope *scope,
						  gmb_time deadline);

/**
 * gmb_deadline() - the deadline that is in force for the calling task
 *
 * Context: any. Never suspends. O(depth of nesting).
 * Return: the nearest deadline of the enclosing scopes up to the nearest
 *	shield; 0 if they are cancelled already; %GMB_NEVER if there is none or
 *	outside a task.
 */
GMB_API gmb_time gmb_deadline(void);

/* private: what the block macros keep on the stack. */
struct gmb__scope_block {
	struct gmb_scope scope;
	void *result;
	gmb_time deadline;
	uint32_t flags;
	uint8_t result_size;
	uint8_t entered;
	uint8_t open;
};

/* private: */
GMB_API struct gmb__scope_block gmb__scope_block(void *result, size_t size,
						 gmb_time deadline,
						 unsigned int flags);
/* private: */
GMB_API int gmb__scope_block_enter(struct gmb__scope_block *block);
/* private: */
GMB_API void gmb__scope_block_leave(struct gmb__scope_block *block);

/* private: one name per block, so that blocks can nest. */
#define GMB__PASTE(a, b)	a##b
#define GMB__NAME(a, b)		GMB__PASTE(a, b)

/* private: */
#define GMB__SCOPE_BLOCK(b, rc, deadline, flags)                          \
	for (struct gmb__scope_block b                                    \
	     __attribute__((cleanup(gmb__scope_block_leave))) =           \
		     gmb__scope_block(&(rc), sizeof(rc), (deadline),      \
				      (flags));                           \
	     gmb__scope_block_enter(&b);)

/**
 * gmb_with_timeout() - a block that fails with -ETIMEDOUT when it takes longer
 * @rc:      a variable of 4 or 8 bytes (int, ssize_t, intptr_t): the block
 *	leaves its result here
 * @span_ns: nanoseconds from now
 *
 * If a wait inside was cancelled by the timeout and @rc is -ECANCELED when the
 * block is left, @rc becomes -ETIMEDOUT. A result that the block did get stays.
 * If the scope cannot be opened the block is skipped and @rc holds the error.
 * The block may be left by break, return and goto; what a return statement
 * inside has computed is not changed any more. Not for longjmp().
 */
#define gmb_with_timeout(rc, span_ns)                                     \
	GMB__SCOPE_BLOCK(GMB__NAME(gmb__block_, __COUNTER__), rc,          \
			 gmb_after(span_ns), 0)

/**
 * gmb_skip_after() - a block that is given up, without an error, after a time
 * @rc:      as in gmb_with_timeout()
 * @span_ns: nanoseconds from now
 *
 * As gmb_with_timeout(), but @rc becomes 0 instead of -ETIMEDOUT.
 */
#define gmb_skip_after(rc, span_ns)                                       \
	GMB__SCOPE_BLOCK(GMB__NAME(gmb__block_, __COUNTER__), rc,          \
			 gmb_after(span_ns), GMB_SCOPE_SKIP)

/**
 * gmb_shield() - a block that cancellation from outside does not reach
 * @rc:      as in gmb_with_timeout()
 * @span_ns: nanoseconds from now, after which waits inside are cancelled all
 *	the same and @rc becomes -ETIMEDOUT
 */
#define gmb_shield(rc, span_ns)                                           \
	GMB__SCOPE_BLOCK(GMB__NAME(gmb__block_, __COUNTER__), rc,          \
			 gmb_after(span_ns), GMB_SCOPE_SHIELD)

#ifdef __cplusplus
}
#endif

#endif
