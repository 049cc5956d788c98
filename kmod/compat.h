/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What differs between the kernels that giambio builds for (6.1 and later).
 * The rest of the module is written for the newest; this header brings older
 * ones up to it. No other file looks at the kernel's version.
 */
#ifndef GMB_COMPAT_H
#define GMB_COMPAT_H

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/uio.h>
#include <linux/version.h>
#include <net/genetlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma,
				unsigned long set, unsigned long clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

/* Both: a reference to the file at *f, or NULL. RCU is held. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static inline struct file *gmb_file_get_rcu(struct file **f)
{
	struct file *file = READ_ONCE(*f);

	return file && get_file_rcu(file) ? file : NULL;
}

#define genl_info_dump	genl_dumpit_info
#else
static inline struct file *gmb_file_get_rcu(struct file **f)
{
	return get_file_rcu((struct file __rcu __force **)f);
}
#endif

/* The first of 6.1 cannot ask it of members; then there is no group. */
#ifndef GENL_MCAST_CAP_SYS_ADMIN
#define GENL_MCAST_CAP_SYS_ADMIN	0
#endif

#ifndef ITER_DEST
#define ITER_DEST	READ
#define ITER_SOURCE	WRITE
#endif

/* For what is written whole before it is read, on kernels that zero stacks. */
#if __has_attribute(uninitialized)
#define GMB_UNINITIALIZED	__attribute__((uninitialized))
#else
#define GMB_UNINITIALIZED
#endif

/* The scheduler's WF_SYNC, which only its own header names. */
#define GMB_WF_SYNC	0x10

#endif /* GMB_COMPAT_H */
