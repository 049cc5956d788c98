/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <linux/file.h>
#include <linux/sched.h>

#include "context.h"
#include "device.h"
#include "peer.h"
#include "task.h"

/**
 * gmb_peer_add() - register another context
 * @ctx:  context; lock held
 * @slot: index for it, any number
 * @fd:   a giambio descriptor, of whatever process
 *
 * Return: 0 or an error of %GMB_OP_PEER_ADD.
 */
int gmb_peer_add(struct gmb_ctx *ctx, u32 slot, int fd)
{
	struct gmb_ctx *peer;
	struct file *file;
	int ret;

	ret = gmb_table_reserve(&ctx->peers, slot);
	if (ret)
		return ret;
	if (gmb_table_get(&ctx->peers, slot))
		return -EEXIST;
	file = fget(fd);
	if (!file)
		return -EBADF;
	peer = gmb_device_context(file);
	if (peer) {
		kref_get(&peer->refs);
		gmb_table_set(&ctx->peers, slot, peer);
	} else {
		ret = -EINVAL;
	}
	fput(file);
	return ret;
}

/**
 * gmb_peer_drop() - forget another context
 * @ctx:  context; lock held
 * @slot: index, any number
 *
 * Return: 0; -ENOENT there is no such peer.
 */
int gmb_peer_drop(struct gmb_ctx *ctx, u32 slot)
{
	struct gmb_ctx *peer = gmb_table_get(&ctx->peers, slot);

	if (!peer)
		return -ENOENT;
	gmb_table_set(&ctx->peers, slot, NULL);
	gmb_ctx_put(peer);
	return 0;
}

/**
 * gmb_peer_drop_all() - forget all peers
 * @ctx: context; lock held
 */
void gmb_peer_drop_all(struct gmb_ctx *ctx)
{
	u32 i;

	for (i = 0; i < gmb_table_size(&ctx->peers); i++)
		gmb_peer_drop(ctx, i);
	gmb_table_free(&ctx->peers);
}

/**
 * gmb_peer_wake() - wake a task, or the trap, of this context or of a peer
 * @ctx:        context; lock held
 * @slot:       index of the peer, or GMB_SELF
 * @target:     GMB_TASK(slot, tag), or GMB_WAKE_TRAP
 * @wake_flags: for the scheduler
 *
 * Return: 0 or an error of %GMB_OP_WAKE.
 */
int gmb_peer_wake(struct gmb_ctx *ctx, u32 slot, u64 target, int wake_flags)
{
	struct gmb_ctx *peer = ctx;

	if (slot != GMB_SELF)
		peer = gmb_table_get(&ctx->peers, slot);
	if (!peer)
		return -ENOENT;
	if (target != GMB_WAKE_TRAP)
		return gmb_task_wake(peer, target, wake_flags);
	if (READ_ONCE(peer->dead))
		return -ESHUTDOWN;
	gmb_ctx_kick(peer, wake_flags);
	return 0;
}
