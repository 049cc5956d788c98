/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "gmbstat/perf_ring.h"

#define RECORD_MAX	65536	/* its length has 16 bits */

int perf_ring_open(struct perf_ring *ring, const struct perf_event_attr *attr,
		   pid_t tid, int cpu, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *mem;
	long fd;
	int rc;

	fd = syscall(SYS_perf_event_open, attr, tid, cpu, -1,
		     PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	mem = mmap(NULL, page + size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   (int)fd, 0);
	if (mem == MAP_FAILED) {
		rc = -errno;
		close((int)fd);
		return rc;
	}
	ring->fd = (int)fd;
	ring->head = mem;
	ring->data = (const char *)mem + page;
	ring->size = size;
	return 0;
}

void perf_ring_close(struct perf_ring *ring)
{
	munmap(ring->head, (size_t)(ring->data - (const char *)ring->head) +
				   ring->size);
	close(ring->fd);
}

/* Records may wrap around the end of the ring. */
static void take(const struct perf_ring *ring, uint64_t at, void *out,
		 size_t size)
{
	size_t from = at & (ring->size - 1);
	size_t first = ring->size - from < size ? ring->size - from : size;

	memcpy(out, ring->data + from, first);
	memcpy((char *)out + first, ring->data, size - first);
}

void perf_ring_read(struct perf_ring *ring,
		    int (*each)(void *user,
				const struct perf_event_header *record),
		    void *user)
{
	/* Pairs with the kernel's release of what it has written. */
	uint64_t end = __atomic_load_n(&ring->head->data_head,
				       __ATOMIC_ACQUIRE);
	uint64_t at = ring->head->data_tail;
	union {
		struct perf_event_header head;
		uint64_t align;
		char bytes[RECORD_MAX];
	} record;
	int on = 1;

	while (on && at < end) {
		take(ring, at, &record.head, sizeof(record.head));
		if (record.head.size < sizeof(record.head))
			break;
		take(ring, at, &record, record.head.size);
		at += record.head.size;
		on = each(user, &record.head);
	}
	/* Pairs with the kernel's acquire: the room may be written again. */
	__atomic_store_n(&ring->head->data_tail, at, __ATOMIC_RELEASE);
}
