/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * giambio: structured concurrency. All of the library; each header can also be
 * included alone.
 */
#ifndef GIAMBIO_H
#define GIAMBIO_H

#include <giambio/address.h>
#include <giambio/barrier.h>
#include <giambio/base.h>
#include <giambio/channel.h>
#include <giambio/condition.h>
#include <giambio/event.h>
#include <giambio/file.h>
#include <giambio/hooks.h>
#include <giambio/limiter.h>
#include <giambio/lock.h>
#include <giambio/mailbox.h>
#include <giambio/manager.h>
#include <giambio/page.h>
#include <giambio/queue.h>
#include <giambio/reader.h>
#include <giambio/run.h>
#include <giambio/scope.h>
#include <giambio/select.h>
#include <giambio/semaphore.h>
#include <giambio/serve.h>
#include <giambio/socket.h>
#include <giambio/task.h>
#include <giambio/thread.h>
#include <giambio/trace.h>

#endif
