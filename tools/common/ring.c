/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/proc.h"
#include "common/ring.h"

#define LINK_TEXT	"/memfd:" GMB_TRACE_FILE " (deleted)"
#define BATCH		1024u	/* events that are copied at a time */
/* Four times what a loop makes: reading what was not written takes memory. */
#define MAX_ENTRIES	(1u << 20)
#define MAX_BYTES	(MAX_ENTRIES * sizeof(struct gmb_trace_event) + 65536)

struct ring {
	const struct gmb_trace *head;
	const struct gmb_trace_event *events;
	size_t mapped;
	uint32_t entries;
	uint64_t next;	/* number of the event to be read */
	uint64_t lost;
	struct gmb_trace_event batch[BATCH];
};

/* Only memory that cannot shrink may be mapped (see page_open.c). */
static int map_ring(struct ring *ring, int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *mem;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (seals < 0 || !(seals & F_SEAL_SHRINK) ||
	    (uint64_t)st.st_size > MAX_BYTES)
		return -EPROTO;
	if ((uint64_t)st.st_size < sizeof(*ring->head))
		return -ENOENT;
	mem = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	ring->head = mem;
	ring->mapped = (size_t)st.st_size;
	return 0;
}

static int take_layout(struct ring *ring)
{
	const struct gmb_trace *head = ring->head;
	uint32_t offset = head->events;

	/* Pairs with the owner's release: what has a magic is complete. */
	if (__atomic_load_n(&head->magic, __ATOMIC_ACQUIRE) != GMB_TRACE_MAGIC)
		return -ENOENT;
	ring->entries = head->entries;
	if (head->version != GMB_TRACE_VERSION || !ring->entries ||
	    ring->entries > MAX_ENTRIES ||
	    ring->entries & (ring->entries - 1) || offset % 8 ||
	    offset < sizeof(*head) || offset > ring->mapped ||
	    ring->entries > (ring->mapped - offset) / sizeof(*ring->events))
		return -EPROTO;
	ring->events = (const void *)((const char *)head + offset);
	return 0;
}

int ring_adopt(struct ring **out, const struct page *page, int file)
{
	struct ring *ring = memory_zeroed(1, sizeof(*ring));
	int rc = map_ring(ring, file);

	if (!rc)
		rc = take_layout(ring);
	/* A process of several loops has several traces. */
	if (!rc && (ring->head->tid != page->head->tid ||
		    ring->head->pid != page->head->pid))
		rc = -ENOENT;
	*out = NULL;
	if (rc < 0) {
		ring_close(ring);
		return rc;
	}
	ring->next = __atomic_load_n(&ring->head->head, __ATOMIC_ACQUIRE);
	*out = ring;
	return 0;
}

static int try_link(struct ring **out, const struct page *page, int dir,
		    const char *name)
{
	char text[sizeof(LINK_TEXT) + 1];
	ssize_t n = readlinkat(dir, name, text, sizeof(text));
	int fd, rc;

	if (n != sizeof(LINK_TEXT) - 1 || memcmp(text, LINK_TEXT, (size_t)n))
		return -ENOENT;
	/* By now it may be a pipe, for which opening would wait. */
	fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = ring_adopt(out, page, fd);
	close(fd);
	return rc;
}

int ring_open(struct ring **out, const struct page *page)
{
	struct dirent *entry;
	int rc = -ENOENT;
	char path[64];
	DIR *dir;

	*out = NULL;
	dir = opendir(proc_path(path, page->pid, "fd"));
	if (!dir)
		return -errno;
	while (rc && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			rc = try_link(out, page, dirfd(dir), entry->d_name);
	}
	closedir(dir);
	return rc;
}

void ring_close(struct ring *ring)
{
	if (!ring)
		return;
	if (ring->head)
		munmap((void *)ring->head, ring->mapped);
	free(ring);
}

/* The oldest event that the owner is surely not about to overwrite. */
static uint64_t oldest(const struct ring *ring, uint64_t head)
{
	return head >= ring->entries ? head - ring->entries + 1 : 0;
}

void ring_rewind(struct ring *ring)
{
	ring->next = oldest(ring, __atomic_load_n(&ring->head->head,
						  __ATOMIC_ACQUIRE));
}

void ring_restart(struct ring *ring)
{
	ring->next = 0;
}

int64_t ring_started(const struct ring *ring)
{
	return ring->head->started;
}

uint64_t ring_lost(const struct ring *ring)
{
	return ring->lost;
}

static void skip_lost(struct ring *ring, uint64_t head)
{
	uint64_t first = oldest(ring, head);

	if (ring->next < first) {
		ring->lost += first - ring->next;
		ring->next = first;
	}
}

/* Copy a batch, and say how many of its first events are not to be used. */
static unsigned int copy_batch(struct ring *ring, unsigned int count)
{
	uint64_t first, i;

	for (i = 0; i < count; i++)
		ring->batch[i] =
			ring->events[(ring->next + i) & (ring->entries - 1)];
	/* Pairs with the owner's fence between an event and its number. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	first = oldest(ring, __atomic_load_n(&ring->head->head,
					     __ATOMIC_RELAXED));
	if (first <= ring->next)
		return 0;
	return first - ring->next < count ?
		       (unsigned int)(first - ring->next) :
		       count;
}

static void hand_on(struct gmb_trace_event *event,
		    void (*each)(void *user,
				 const struct gmb_trace_event *event),
		    void *user)
{
	if (event->kind == GMB_TRACE_NAME)
		event->text[sizeof(event->text) - 1] = '\0';
	each(user, event);
}

uint64_t ring_read(struct ring *ring,
		   void (*each)(void *user,
				const struct gmb_trace_event *event),
		   void *user)
{
	uint64_t head = __atomic_load_n(&ring->head->head, __ATOMIC_ACQUIRE);
	unsigned int count, stale, i;
	uint64_t done = 0;

	/* A head behind what was read is that of another, or of a liar. */
	if (head < ring->next)
		ring->next = head;
	skip_lost(ring, head);
	while (ring->next < head) {
		count = head - ring->next < BATCH ?
				(unsigned int)(head - ring->next) :
				BATCH;
		stale = copy_batch(ring, count);
		ring->lost += stale;
		ring->next += count;
		for (i = stale; i < count; i++)
			hand_on(&ring->batch[i], each, user);
		done += count - stale;
	}
	return done;
}
