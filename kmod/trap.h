/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The trap: take operations, perform what can be performed, sleep until
 * something else can, perform that, return.
 */
#ifndef GMB_TRAP_H
#define GMB_TRAP_H

struct gmb_ctx;
struct gmb_ioc_trap;

#define GMB_TRAP_MAX_SPIN_NS	1000000U

bool gmb_trap_may_io(void);
int gmb_trap(struct gmb_ctx *ctx, const struct gmb_ioc_trap *args);

#endif /* GMB_TRAP_H */
