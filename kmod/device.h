/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The device node: what open, ioctl, mmap and close of it lead to.
 */
#ifndef GMB_DEVICE_H
#define GMB_DEVICE_H

struct file;
struct gmb_ctx;

struct gmb_ctx *gmb_device_context(struct file *file);

#endif /* GMB_DEVICE_H */
