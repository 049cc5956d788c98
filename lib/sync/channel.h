/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Channels from inside: a queue that lives as long as one of its ends.
 */
#ifndef GMB_SYNC_CHANNEL_H
#define GMB_SYNC_CHANNEL_H

#include <giambio/channel.h>
#include "sync/queue.h"

struct gmb__channel {
	struct gmb_queue queue;
	size_t senders;		/* open ends */
	size_t receivers;
};

#endif
