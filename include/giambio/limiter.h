/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Limiters: so many may do it at once, and it is known who they are.
 *
 * A limiter lends tokens. A token lies in storage of its borrower and is given
 * back by its address, so none is given back twice and none that was not
 * borrowed. How many there are in all can be changed at any time.
 *
 *	struct gmb_token token = { 0 };
 *
 *	rc = gmb_limiter_acquire(&limiter, &token);
 *	if (rc == 0) {
 *		rc = download(url);
 *		gmb_limiter_release(&limiter, &token);
 *	}
 */
#ifndef GIAMBIO_LIMITER_H
#define GIAMBIO_LIMITER_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gmb_limiter - a capacity limiter
 *
 * All members are private. It must stay where it is until gmb_limiter_fini().
 */
struct gmb_limiter {
	/* private: */
	struct gmb__waitq waiters;	/* empty unless all are borrowed */
	struct gmb_loop *loop;		/* whose tasks use it */
	struct gmb__link tokens;	/* those that are borrowed, in order */
	size_t total;
	size_t borrowed;
};

/**
 * struct gmb_token - what a borrower holds; zero it before the first use
 *
 * All members are private. It must stay where it is while it is borrowed.
 */
struct gmb_token {
	/* private: */
	struct gmb__link link;
	struct gmb_limiter *limiter;	/* NULL: not borrowed */
	struct gmb_task *task;		/* who borrowed it */
};

/**
 * gmb_limiter_init() - make a limiter
 * @limiter: [out] caller's storage
 * @total:   how many tokens there are; 0 lets nobody in
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_limiter_init(struct gmb_limiter *limiter, size_t total);

/**
 * gmb_limiter_fini() - end the use of a limiter
 * @limiter: all tokens have been given back and nobody waits: else the program
 *	is aborted with a sentence
 *
 * Using it afterwards aborts, too, for as long as the memory is left alone.
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_limiter_fini(struct gmb_limiter *limiter);

/**
 * gmb_limiter_acquire() - borrow a token, waiting while there is none
 * @limiter: any limiter
 * @token:   [out] zeroed, or given back
 *
 * Tasks get tokens in the order in which they came. O(1).
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0; -ECANCELED, and nothing was borrowed; -EALREADY @token is borrowed
 *	already; -EXDEV tasks of another loop use the limiter; -EPERM outside a
 *	task.
 */
GMB_API GMB_MUST_CHECK int gmb_limiter_acquire(struct gmb_limiter *limiter,
					       struct gmb_token *token);

/**
 * gmb_limiter_try_acquire() - borrow a token if there is one
 * @limiter: any limiter
 * @token:   [out] zeroed, or given back
 *
 * Context: any task or hook of the loop. Never suspends; no cancellation point.
 * Return: 0; -EAGAIN there is none; -EALREADY @token is borrowed already;
 *	-EXDEV tasks of another loop use the limiter.
 */
GMB_API GMB_MUST_CHECK int gmb_limiter_try_acquire(struct gmb_limiter *limiter,
						   struct gmb_token *token);

/**
 * gmb_limiter_release() - give a token back
 * @limiter: where it was borrowed
 * @token:   borrowed, by any task
 *
 * It goes to the task that waits longest, unless the total was lowered below
 * what is borrowed. O(1).
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: 0; -EPERM it is not borrowed from this limiter, and nothing happened;
 *	-EXDEV tasks of another loop use the limiter.
 */
GMB_API int gmb_limiter_release(struct gmb_limiter *limiter,
				struct gmb_token *token);

/**
 * gmb_limiter_set_total() - change how many tokens there are
 * @limiter: any limiter
 * @total:   the new number
 *
 * If it grows, waiting tasks get tokens at once. If it falls below what is
 * borrowed, nothing is taken away, but nobody gets one until enough have been
 * given back. O(tasks woken).
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: 0; -EXDEV tasks of another loop use the limiter.
 */
GMB_API int gmb_limiter_set_total(struct gmb_limiter *limiter, size_t total);

/**
 * gmb_limiter_total() - how many tokens there are in all
 * @limiter: any limiter
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: the number.
 */
GMB_API size_t gmb_limiter_total(const struct gmb_limiter *limiter);

/**
 * gmb_limiter_borrowed() - how many tokens are borrowed
 * @limiter: any limiter
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: the number; may be above the total after that was lowered.
 */
GMB_API size_t gmb_limiter_borrowed(const struct gmb_limiter *limiter);

/**
 * gmb_limiter_next() - walk the tokens that are borrowed
 * @limiter: any limiter
 * @after:   NULL for the first, else the token returned by the call before
 *
 * In the order in which they were borrowed.
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: the next token, or NULL.
 */
GMB_API const struct gmb_token *
gmb_limiter_next(const struct gmb_limiter *limiter,
		 const struct gmb_token *after);

/**
 * gmb_token_task() - the task that borrowed a token
 * @token: any token
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: the task; NULL if it is not borrowed, or was borrowed outside tasks.
 */
GMB_API struct gmb_task *gmb_token_task(const struct gmb_token *token);

#ifdef __cplusplus
}
#endif

#endif
