/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What one user holds over all his contexts, so that a thousand processes
 * cannot hold a thousand times what one may.
 */
#ifndef GMB_USER_H
#define GMB_USER_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/uidgid.h>

struct gmb_user {
	struct list_head	link;	/* users, under users_lock */
	refcount_t		refs;
	kuid_t			uid;
	atomic_long_t		watches;
};

struct gmb_user *gmb_user_get(kuid_t uid);
void gmb_user_put(struct gmb_user *user);
int gmb_user_charge(struct gmb_user *user);
void gmb_user_uncharge(struct gmb_user *user);
void gmb_user_init(void);

#endif /* GMB_USER_H */
