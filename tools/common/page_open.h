/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* How pages come to be and go; of page.c's family only. */
#ifndef TOOLS_COMMON_PAGE_OPEN_H
#define TOOLS_COMMON_PAGE_OPEN_H

#include "common/page.h"

/**
 * page_open() - map a page
 * @out: [out] to be given back with page_free()
 * @pid: process
 * @fd:  a descriptor there that is named like a loop page
 *
 * Return: 0; -errno it cannot be opened; -ENOENT it is another process's page
 * (a child of fork() keeps the descriptor), not yet complete, or no page at
 * all; -EPROTO it is of another version, can shrink, or contradicts itself.
 */
int page_open(struct page **out, pid_t pid, int fd);

#endif
