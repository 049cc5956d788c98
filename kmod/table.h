/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A table of pointers indexed by numbers that user space chooses. It grows to
 * the highest index in use, by doubling, and never shrinks before the end.
 *
 * Writers hold the context's lock. Readers hold it too, or are inside an RCU
 * read-side section; what the pointers point to is the owner's to free after
 * a grace period.
 */
#ifndef GMB_TABLE_H
#define GMB_TABLE_H

#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct gmb_slots {
	struct rcu_head		rcu;
	u32			size;
	void			*slot[];
};

struct gmb_table {
	struct gmb_slots __rcu	*slots;
	u32			limit;	/* indices are below it; fixed */
	u32			count;	/* slots in use */
};

int gmb_table_reserve(struct gmb_table *table, u32 index);
void gmb_table_set(struct gmb_table *table, u32 index, void *item);
void gmb_table_free(struct gmb_table *table);

static inline void *gmb_slots_get(const struct gmb_slots *slots, u32 index)
{
	if (!slots || index >= slots->size)
		return NULL;
	index = array_index_nospec(index, slots->size);
	return READ_ONCE(slots->slot[index]);
}

/**
 * gmb_table_get() - the item at an index
 * @table: table whose owner's lock is held
 * @index: any number
 *
 * Return: the item, or NULL where there is none or no such index.
 */
static inline void *gmb_table_get(const struct gmb_table *table, u32 index)
{
	return gmb_slots_get(rcu_dereference_protected(table->slots, 1), index);
}

/* The same for readers that hold only rcu_read_lock(). */
static inline void *gmb_table_get_rcu(const struct gmb_table *table, u32 index)
{
	return gmb_slots_get(rcu_dereference(table->slots), index);
}

/* Number of indices to walk; grows only. Lock held. */
static inline u32 gmb_table_size(const struct gmb_table *table)
{
	const struct gmb_slots *slots =
		rcu_dereference_protected(table->slots, 1);

	return slots ? slots->size : 0;
}

#endif /* GMB_TABLE_H */
