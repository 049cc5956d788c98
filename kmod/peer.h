/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Peers: other contexts whose tasks this one may wake. A peer slot holds a
 * reference to the other context, not to its file, so two contexts that have
 * each other as peers keep nothing open. All under ctx->lock.
 */
#ifndef GMB_PEER_H
#define GMB_PEER_H

#include <linux/types.h>

struct gmb_ctx;

int gmb_peer_add(struct gmb_ctx *ctx, u32 slot, int fd);
int gmb_peer_drop(struct gmb_ctx *ctx, u32 slot);
void gmb_peer_drop_all(struct gmb_ctx *ctx);
int gmb_peer_wake(struct gmb_ctx *ctx, u32 slot, u64 target, int wake_flags);

#endif /* GMB_PEER_H */
