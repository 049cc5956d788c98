/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Lock: users_lock, a mutex, protects the list and the last put. It is taken
 * when a context is opened or freed, with no other lock of the module held.
 * The counters are atomic.
 */
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "user.h"
#include "watch.h"

static LIST_HEAD(users);
static DEFINE_MUTEX(users_lock);

static ulong max_user_watches;
module_param(max_user_watches, ulong, 0644);
MODULE_PARM_DESC(max_user_watches, "Watches that one user may have in all his contexts together (default: as many as fit in 1/25 of low memory)");

/**
 * gmb_user_init() - work out the default of max_user_watches
 */
void gmb_user_init(void)
{
	struct sysinfo si;

	if (max_user_watches)
		return;
	si_meminfo(&si);
	max_user_watches = ((si.totalram - si.totalhigh) / 25 << PAGE_SHIFT) /
			   (sizeof(struct gmb_watch) + sizeof(void *));
}

/**
 * gmb_user_get() - the record of a user, made when he has none
 * @uid: user
 *
 * Context: process; may sleep.
 * Return: a reference to be put, or NULL without memory.
 */
struct gmb_user *gmb_user_get(kuid_t uid)
{
	struct gmb_user *user;

	mutex_lock(&users_lock);
	list_for_each_entry(user, &users, link) {
		if (uid_eq(user->uid, uid)) {
			refcount_inc(&user->refs);
			goto out;
		}
	}
	user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
	if (user) {
		refcount_set(&user->refs, 1);
		user->uid = uid;
		list_add(&user->link, &users);
	}
out:
	mutex_unlock(&users_lock);
	return user;
}

/**
 * gmb_user_put() - give a reference back
 * @user: from gmb_user_get()
 *
 * Context: process; may sleep.
 */
void gmb_user_put(struct gmb_user *user)
{
	if (refcount_dec_and_mutex_lock(&user->refs, &users_lock)) {
		list_del(&user->link);
		mutex_unlock(&users_lock);
		WARN_ON_ONCE(atomic_long_read(&user->watches));
		kfree(user);
	}
}

/**
 * gmb_user_charge() - count one more watch
 * @user: user
 *
 * Return: 0; -EMFILE the user has as many as he may.
 */
int gmb_user_charge(struct gmb_user *user)
{
	if ((ulong)atomic_long_inc_return(&user->watches) <=
	    READ_ONCE(max_user_watches))
		return 0;
	atomic_long_dec(&user->watches);
	return -EMFILE;
}

/**
 * gmb_user_uncharge() - count one watch less
 * @user: user
 */
void gmb_user_uncharge(struct gmb_user *user)
{
	atomic_long_dec(&user->watches);
}
