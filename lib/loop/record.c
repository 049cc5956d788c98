/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "coro/mem.h"
#include "loop/loop.h"
#include "loop/record.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE	0x0010
#endif

/* Events begin at a cache line. */
#define HEAD_SIZE	64
#define SIZE \
	(HEAD_SIZE + GMB__RECORD_ENTRIES * sizeof(struct gmb_trace_event))

_Static_assert(sizeof(struct gmb_trace) <= HEAD_SIZE, "the head has its room");
_Static_assert(sizeof(struct gmb_trace_event) == 40, "as tools know it");

/*
 * Its size is final, and only the mapping that exists may be written. Kernels
 * before 5.1 do not know the second seal.
 */
static void seal(int fd)
{
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_FUTURE_WRITE) < 0)
		fcntl(fd, F_ADD_SEALS, seals);
}

static struct gmb_trace *map_trace(int fd)
{
	struct gmb_trace *head;

	if (ftruncate(fd, (off_t)SIZE) < 0)
		return NULL;
	head = gmb__mem_map_file(SIZE, fd, 0);
	/* A child made by fork() has no loop that it could trace. */
	if (head)
		madvise(head, SIZE, MADV_DONTFORK);
	return head;
}

int gmb__record_open(struct gmb__record *record, gmb_time now)
{
	struct gmb_trace *head;
	int fd;

	if (record->head)
		return 0;
	fd = memfd_create(GMB_TRACE_FILE, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	head = map_trace(fd);
	if (!head) {
		close(fd);
		return -ENOMEM;
	}
	seal(fd);
	record->head = head;
	record->events = (void *)((char *)head + HEAD_SIZE);
	record->fd = fd;
	head->version = GMB_TRACE_VERSION;
	head->pid = (uint32_t)getpid();
	head->tid = gmb__thread_id();
	head->entries = GMB__RECORD_ENTRIES;
	head->events = HEAD_SIZE;
	head->started = now;
	/* Pairs with the reader's check: a trace with a magic is complete. */
	__atomic_store_n(&head->magic, GMB_TRACE_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

void gmb__record_close(struct gmb__record *record)
{
	if (!record->head)
		return;
	gmb__mem_unmap(record->head, SIZE);
	close(record->fd);
	*record = (struct gmb__record){ 0 };
}
