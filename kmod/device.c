/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * /dev/giambio. The file has no poll method: it is a sink, so no chain of
 * files that wait for one another can be closed through it.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "context.h"
#include "device.h"
#include "netlink.h"
#include "observe.h"
#include "stats.h"
#include "task.h"
#include "trap.h"
#include "user.h"
#include "watch.h"

#define GMB_FEATURES	(GMB_FEATURE_SLACK | GMB_FEATURE_SPIN | \
			 GMB_FEATURE_SWEEP | GMB_FEATURE_STAMPS | \
			 GMB_FEATURE_NETLINK)

static long gmb_device_query(void __user *arg)
{
	struct gmb_ioc_query query = {
		.version = GMB_ABI_VERSION,
		.features = GMB_FEATURES,
		.ops = (1ULL << GMB_OP_LAST) - 1,
		.max_sq = GMB_RING_MAX_SQ,
		.max_cq = GMB_RING_MAX_CQ,
		.max_watches = gmb_ctx_max_watches(),
		.max_tasks = GMB_MAX_TASKS,
		.max_peers = GMB_MAX_PEERS,
		.max_spin_ns = GMB_TRAP_MAX_SPIN_NS,
	};
	u32 size;

	if (get_user(size, (u32 __user *)arg))
		return -EFAULT;
	if (size < 8)
		return -EINVAL;
	if (gmb_trap_may_io())
		query.features |= GMB_FEATURE_IO;
	query.size = sizeof(query);
	if (copy_to_user(arg, &query, min_t(size_t, size, sizeof(query))))
		return -EFAULT;
	return 0;
}

/*
 * Take a structure whose first field is its size. A larger one than ours is
 * fine if what we do not know of is zero; a smaller one is not, there is no
 * version before this. Inline, so that the size is a constant: the copy needs
 * no check against the stack's bounds then.
 */
static __always_inline int gmb_device_copy(void *to, size_t known,
					   void __user *from)
{
	u32 size;
	int ret;

	if (copy_from_user(to, from, known))
		return -EFAULT;
	size = *(u32 *)to;
	if (likely(size == known))
		return 0;
	if (size < known || size > PAGE_SIZE)
		return -EINVAL;
	ret = check_zeroed_user(from + known, size - known);
	if (ret <= 0)
		return ret ?: -EINVAL;
	return 0;
}

static long gmb_device_setup(struct gmb_ctx *ctx, void __user *arg)
{
	struct gmb_ioc_setup setup;
	int ret;

	ret = gmb_device_copy(&setup, sizeof(setup), arg) ?:
	      gmb_ctx_setup(ctx, &setup);
	if (ret)
		return ret;
	return copy_to_user(arg, &setup, sizeof(setup)) ? -EFAULT : 0;
}

static long gmb_device_trap(struct gmb_ctx *ctx, void __user *arg)
{
	struct gmb_ioc_trap trap;
	int ret;

	ret = gmb_device_copy(&trap, sizeof(trap), arg);
	return unlikely(ret) ? ret : gmb_trap(ctx, &trap);
}

static long gmb_device_wake(struct gmb_ctx *ctx, void __user *arg)
{
	struct gmb_ioc_wake wake;
	int ret;

	ret = gmb_device_copy(&wake, sizeof(wake), arg);
	if (ret)
		return ret;
	if (wake.flags)
		return -EINVAL;
	if (wake.target != GMB_WAKE_TRAP)
		return gmb_task_wake(ctx, wake.target, 0);
	if (READ_ONCE(ctx->dead))
		return -ESHUTDOWN;
	gmb_ctx_kick(ctx, 0);
	return 0;
}

static long gmb_device_ioctl(struct file *file, unsigned int cmd,
			     unsigned long value)
{
	struct gmb_ctx *ctx = file->private_data;
	void __user *arg = (void __user *)value;

	if (likely(cmd == GMB_IOC_TRAP)) {
		if (unlikely(ctx->mm != current->mm))
			return -EPERM;
		return gmb_device_trap(ctx, arg);
	}
	switch (cmd) {
	case GMB_IOC_QUERY:
		return gmb_device_query(arg);
	case GMB_IOC_WAKE:
		return gmb_device_wake(ctx, arg);
	case GMB_IOC_SETUP:
		if (ctx->mm != current->mm)
			return -EPERM;
		return gmb_device_setup(ctx, arg);
	}
	return -ENOTTY;
}

static const struct vm_operations_struct gmb_vma_copy_ops;

/*
 * An attempt to move the mapping makes a second area for a moment. A child's,
 * which MADV_DOFORK can make where the kernel lets it, does not keep the
 * context alive.
 */
static void gmb_vma_open(struct vm_area_struct *vma)
{
	struct gmb_ctx *ctx = vma->vm_private_data;

	if (vma->vm_mm == ctx->mm)
		atomic_inc(&ctx->mapped);
	else
		vma->vm_ops = &gmb_vma_copy_ops;
}

static void gmb_vma_close(struct vm_area_struct *vma)
{
	struct gmb_ctx *ctx = vma->vm_private_data;

	if (atomic_dec_return(&ctx->mapped) == 1)
		gmb_ctx_shut(ctx);
}

/* The mapping is whole and where it was made, or not there. */
static int gmb_vma_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int gmb_vma_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static const struct vm_operations_struct gmb_vma_ops = {
	.open		= gmb_vma_open,
	.close		= gmb_vma_close,
	.may_split	= gmb_vma_may_split,
	.mremap		= gmb_vma_mremap,
};

static const struct vm_operations_struct gmb_vma_copy_ops = {
	.may_split	= gmb_vma_may_split,
	.mremap		= gmb_vma_mremap,
};

static int gmb_device_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct gmb_ctx *ctx = file->private_data;
	int ret;

	if (ctx->mm != current->mm)
		return -EPERM;
	ret = gmb_ctx_map(ctx, vma);
	if (ret)
		return ret;
	vma->vm_private_data = ctx;
	vma->vm_ops = &gmb_vma_ops;
	return 0;
}

static int gmb_device_open(struct inode *inode, struct file *file)
{
	struct gmb_ctx *ctx;

	if (!current->mm)
		return -EPERM;
	ctx = gmb_ctx_new();
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	file->private_data = ctx;
	return stream_open(inode, file);
}

static int gmb_device_release(struct inode *inode, struct file *file)
{
	gmb_ctx_release(file->private_data);
	return 0;
}

static const struct file_operations gmb_device_ops = {
	.owner		= THIS_MODULE,
	.open		= gmb_device_open,
	.release	= gmb_device_release,
	.mmap		= gmb_device_mmap,
	.unlocked_ioctl	= gmb_device_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/**
 * gmb_device_context() - the context behind a file
 * @file: any file, of which the caller has a reference
 *
 * Return: the context, or NULL if it is not a giambio descriptor.
 */
struct gmb_ctx *gmb_device_context(struct file *file)
{
	return file->f_op == &gmb_device_ops ? file->private_data : NULL;
}

static struct miscdevice gmb_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "giambio",
	.fops	= &gmb_device_ops,
	.mode	= 0660,
};

static int __init gmb_init(void)
{
	int ret;

	gmb_user_init();
	ret = gmb_stats_global_init();
	if (ret)
		return ret;
	ret = gmb_watch_global_init();
	if (ret)
		goto err_stats;
	ret = gmb_task_global_init();
	if (ret)
		goto err_watch;
	ret = gmb_ctx_global_init();
	if (ret)
		goto err_task;
	ret = gmb_netlink_init();
	if (ret)
		goto err_ctx;
	ret = misc_register(&gmb_device);
	if (ret)
		goto err_netlink;
	return 0;

err_netlink:
	gmb_netlink_fini();
	gmb_observe_global_fini();
err_ctx:
	gmb_ctx_global_fini();
err_task:
	gmb_task_global_fini();
err_watch:
	gmb_watch_global_fini();
err_stats:
	gmb_stats_global_fini();
	return ret;
}

static void __exit gmb_exit(void)
{
	misc_deregister(&gmb_device);
	gmb_netlink_fini();
	gmb_observe_global_fini();
	gmb_ctx_global_fini();
	gmb_task_global_fini();
	gmb_watch_global_fini();
	gmb_stats_global_fini();
}

module_init(gmb_init);
module_exit(gmb_exit);
MODULE_AUTHOR("The giambio developers");
MODULE_DESCRIPTION("Waiting for all tasks of an event loop in one system call");
MODULE_LICENSE("GPL");
