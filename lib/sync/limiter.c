/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <giambio/limiter.h>
#include "sync/owner.h"
#include "task/task.h"

/* A wait for a token; whoever completes it has lent the token already. */
struct borrow {
	struct gmb__wait wait;
	struct gmb_token *token;
};

/* Tokens are lent to tasks of one loop, so a lent one binds the limiter. */
static bool busy(const struct gmb_limiter *limiter)
{
	return limiter->borrowed || !gmb__waitq_empty(&limiter->waiters);
}

void gmb_limiter_init(struct gmb_limiter *limiter, size_t total)
{
	*limiter = (struct gmb_limiter){
		.loop = gmb__loop,
		.total = total,
	};
	gmb__waitq_init(&limiter->waiters);
	gmb__list_init(&limiter->tokens);
}

void gmb_limiter_fini(struct gmb_limiter *limiter)
{
	gmb__owner_fini(&limiter->loop, busy(limiter), __func__);
}

static void lend(struct gmb_limiter *limiter, struct gmb_token *token,
		 struct gmb_task *task)
{
	token->limiter = limiter;
	token->task = task;
	gmb__list_add_tail(&limiter->tokens, &token->link);
	limiter->borrowed++;
}

/* Serve those who wait, as far as the tokens reach. */
static void serve(struct gmb_limiter *limiter)
{
	struct gmb__wait *wait;
	struct borrow *borrow;

	while (limiter->borrowed < limiter->total &&
	       (wait = gmb__waitq_pop(&limiter->waiters))) {
		borrow = gmb__entry(wait, struct borrow, wait);
		if (borrow->token->limiter)
			gmb__die("gmb_limiter_acquire: two tasks wait for the token at %p",
				 (void *)borrow->token);
		lend(limiter, borrow->token,
		     (struct gmb_task *)wait->trap->strand);
		gmb__wait_complete(wait, 0);
	}
}

int gmb_limiter_try_acquire(struct gmb_limiter *limiter,
			    struct gmb_token *token)
{
	int rc = gmb__owner_check(limiter, busy(limiter));

	if (rc)
		return rc;
	if (token->limiter)
		return -EALREADY;
	if (limiter->borrowed >= limiter->total)
		return -EAGAIN;
	lend(limiter, token, gmb__task_self());
	return 0;
}

int gmb_limiter_acquire(struct gmb_limiter *limiter, struct gmb_token *token)
{
	struct gmb__trap trap;
	struct borrow borrow = { .token = token };
	int rc = gmb__trap_init(&trap);

	if (rc)
		return rc;
	rc = gmb_limiter_try_acquire(limiter, token);
	if (rc == -EAGAIN) {
		gmb__trap_add(&trap, &borrow.wait, NULL);
		gmb__waitq_push(&limiter->waiters, &borrow.wait);
		return (int)gmb__trap_park(&trap, GMB_WAIT_LIMITER, limiter, 0);
	}
	if (rc == 0)
		gmb__pass();
	return rc;
}

int gmb_limiter_release(struct gmb_limiter *limiter, struct gmb_token *token)
{
	int rc = gmb__owner_check(limiter, busy(limiter));

	if (rc)
		return rc;
	if (token->limiter != limiter)
		return -EPERM;
	gmb__list_del(&token->link);
	token->limiter = NULL;
	token->task = NULL;
	limiter->borrowed--;
	serve(limiter);
	return 0;
}

int gmb_limiter_set_total(struct gmb_limiter *limiter, size_t total)
{
	int rc = gmb__owner_check(limiter, busy(limiter));

	if (rc)
		return rc;
	limiter->total = total;
	serve(limiter);
	return 0;
}

size_t gmb_limiter_total(const struct gmb_limiter *limiter)
{
	return limiter->total;
}

size_t gmb_limiter_borrowed(const struct gmb_limiter *limiter)
{
	return limiter->borrowed;
}

const struct gmb_token *gmb_limiter_next(const struct gmb_limiter *limiter,
					 const struct gmb_token *after)
{
	const struct gmb__link *link =
		after ? after->link.next : limiter->tokens.next;

	if (link == &limiter->tokens)
		return NULL;
	return gmb__entry(link, const struct gmb_token, link);
}

struct gmb_task *gmb_token_task(const struct gmb_token *token)
{
	return token->task;
}
