/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Making files out of descriptors; see <giambio/file.h> for what they are.
 */
#ifndef GMB_IO_FILE_H
#define GMB_IO_FILE_H

#include "backend/op.h"

/**
 * gmb__file_open() - make a file of a descriptor that does not block
 * @file: [out]
 * @fd:   non-blocking; on success it belongs to the file
 * @kind: what it is
 *
 * Return: 0; -EPERM outside a loop; errors of the backend's attach.
 */
int gmb__file_open(struct gmb_file *file, int fd, enum gmb__file_kind kind);

/* What a socket is, as far as reading it is concerned. */
enum gmb__file_kind gmb__file_socket_kind(int fd);

/* -errno of a file that cannot be used by the caller, else 0. */
int gmb__file_check(const struct gmb_file *file);

#endif
