/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Mailboxes, as a select sees them.
 */
#ifndef GMB_SYNC_MAILBOX_H
#define GMB_SYNC_MAILBOX_H

#include <giambio/mailbox.h>
#include "sync/queue.h"

/*
 * Stand in line after a -EAGAIN. While it waits the caller keeps loop->outside
 * one higher, so that the loop is not taken to be stuck.
 */
void gmb__mailbox_join(struct gmb_mailbox *mailbox, struct gmb__trap *trap,
		       struct gmb__transfer *transfer, void *item);

#endif
