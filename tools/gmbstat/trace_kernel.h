/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The kernel's stages of each completion, as the module tells them: from ready
 * to woken (held), to running (scheduled), to done (trap). Completions of one
 * trap overlap, so they are asynchronous slices below the process.
 */
#ifndef TOOLS_GMBSTAT_TRACE_KERNEL_H
#define TOOLS_GMBSTAT_TRACE_KERNEL_H

#include "gmbstat/trace_file.h"

struct trace_kernel;

/**
 * trace_kernel_new() - subscribe to the module's events
 * @out:  [out] to be freed; NULL on failure
 * @file: where they are shown
 *
 * Return: 0; -ENOENT the module is not there; -errno.
 */
int trace_kernel_new(struct trace_kernel **out, struct trace_file *file);

/* Events of this process are shown from now on. */
void trace_kernel_add(struct trace_kernel *kernel, pid_t pid);

/* Show what has come. */
void trace_kernel_read(struct trace_kernel *kernel);

/* Events that were shown, and those that are known to be missing. */
uint64_t trace_kernel_count(const struct trace_kernel *kernel);
uint64_t trace_kernel_lost(const struct trace_kernel *kernel);

/* NULL is allowed. */
void trace_kernel_free(struct trace_kernel *kernel);

#endif
