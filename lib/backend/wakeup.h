/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The descriptor by which other threads end a backend's waiting.
 *
 * It is watched edge-triggered: every write makes an edge, so the counter is
 * never read. It would take centuries to fill.
 */
#ifndef GMB_BACKEND_WAKEUP_H
#define GMB_BACKEND_WAKEUP_H

/**
 * gmb__wakeup_open() - make a wakeup descriptor
 *
 * Return: an eventfd, to be closed by the caller; -EMFILE, -ENFILE, -ENOMEM.
 */
int gmb__wakeup_open(void);

/**
 * gmb__wakeup_send() - make an edge
 * @fd: from gmb__wakeup_open()
 *
 * Context: any thread, also signal handlers.
 */
void gmb__wakeup_send(int fd);

#endif
