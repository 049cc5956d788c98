/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What each operation does: started once from the submission ring, and run
 * again for parked ones each time their watch has news.
 */
#ifndef GMB_OPS_H
#define GMB_OPS_H

#include <linux/types.h>

struct gmb_ctx;
struct gmb_ioc_op;
struct gmb_watch;

void gmb_ops_start(struct gmb_ctx *ctx, const struct gmb_ioc_op *shared);
void gmb_ops_run(struct gmb_ctx *ctx, struct gmb_watch *w);
void gmb_ops_end(struct gmb_ctx *ctx, u32 slot, struct gmb_watch *w, int error);

#endif /* GMB_OPS_H */
