/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* The ring through which the kernel hands out what a perf event noted. */
#ifndef TOOLS_GMBSTAT_PERF_RING_H
#define TOOLS_GMBSTAT_PERF_RING_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * struct perf_ring - a perf event and its ring
 * @fd:   of the event
 * @head: the mapping
 * @data: the ring in it
 * @size: bytes of the ring, a power of two
 */
struct perf_ring {
	int fd;
	struct perf_event_mmap_page *head;
	const char *data;
	size_t size;
};

/**
 * perf_ring_open() - make a perf event with a ring
 * @ring: [out] to be given back with perf_ring_close()
 * @attr: what it notes
 * @tid:  of this thread; -1: all
 * @cpu:  on this processor; -1: all
 * @size: bytes of the ring, a power of two and a multiple of the page size
 *
 * Return: 0; -errno of perf_event_open() or mmap().
 */
int perf_ring_open(struct perf_ring *ring, const struct perf_event_attr *attr,
		   pid_t tid, int cpu, size_t size);

void perf_ring_close(struct perf_ring *ring);

/**
 * perf_ring_read() - take the records that are there
 * @ring: the ring
 * @each: called with each record, whole and in order; returns whether to go on
 * @user: handed on
 */
void perf_ring_read(struct perf_ring *ring,
		    int (*each)(void *user,
				const struct perf_event_header *record),
		    void *user);

#endif
