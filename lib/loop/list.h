/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Doubly linked lists with a head of the same type; an unlinked link points
 * to itself, so unlinking twice is harmless.
 */
#ifndef GMB_LOOP_LIST_H
#define GMB_LOOP_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <giambio/base.h>
#include "coro/compiler.h"

/* The structure that holds a member, from the member's address. */
#define gmb__entry(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define gmb__list_for_each(pos, head) \
	for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

/* As above; the link at pos may be unlinked meanwhile. */
#define gmb__list_for_each_safe(pos, after, head)                  \
	for ((pos) = (head)->next, (after) = (pos)->next;          \
	     (pos) != (head); (pos) = (after), (after) = (pos)->next)

static inline void gmb__list_init(struct gmb__link *link)
{
	link->next = link;
	link->prev = link;
}

static inline bool gmb__list_empty(const struct gmb__link *head)
{
	return head->next == head;
}

static inline void gmb__list_add_tail(struct gmb__link *head,
				      struct gmb__link *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

static inline void gmb__list_del(struct gmb__link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	gmb__list_init(link);
}

#endif
