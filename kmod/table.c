/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "table.h"

#define GMB_TABLE_FIRST	64U

/**
 * gmb_table_reserve() - make sure that an index can be set
 * @table: table; its owner's lock is held
 * @index: any number
 *
 * Return: 0; -EINVAL index at or above the limit; -ENOMEM.
 */
int gmb_table_reserve(struct gmb_table *table, u32 index)
{
	struct gmb_slots *old = rcu_dereference_protected(table->slots, 1);
	struct gmb_slots *new;
	u32 size;

	if (index >= table->limit)
		return -EINVAL;
	if (old && index < old->size)
		return 0;

	size = max_t(u32, GMB_TABLE_FIRST, roundup_pow_of_two(index + 1));
	size = min(size, table->limit);
	new = kvzalloc(struct_size(new, slot, size), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->size = size;
	if (old)
		memcpy(new->slot, old->slot, array_size(old->size,
							sizeof(void *)));
	rcu_assign_pointer(table->slots, new);
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

/**
 * gmb_table_set() - put an item at an index, or take it away
 * @table: table; its owner's lock is held
 * @index: index that was reserved
 * @item:  new item, or NULL. What was there is the caller's to free.
 */
void gmb_table_set(struct gmb_table *table, u32 index, void *item)
{
	struct gmb_slots *slots = rcu_dereference_protected(table->slots, 1);
	void *old = slots->slot[index];

	WRITE_ONCE(table->count, table->count + !!item - !!old);
	/* Pairs with the address dependency in gmb_slots_get(). */
	smp_store_release(&slots->slot[index], item);
}

/**
 * gmb_table_free() - give the memory of an empty table back
 * @table: table; its owner's lock is held, or nobody else knows the table
 */
void gmb_table_free(struct gmb_table *table)
{
	struct gmb_slots *slots = rcu_dereference_protected(table->slots, 1);

	RCU_INIT_POINTER(table->slots, NULL);
	if (slots)
		kvfree_rcu(slots, rcu);
}
