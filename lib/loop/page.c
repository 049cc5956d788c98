/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "coro/mem.h"
#include "loop/page.h"

#define CHUNK_ROWS	256

static size_t page_up(size_t size)
{
	size_t page = gmb__mem_page_size();

	return (size + page - 1) & ~(page - 1);
}

static size_t head_size(void)
{
	return page_up(sizeof(struct gmb_page) +
		       GMB_STAGE_COUNT * sizeof(struct gmb_histogram));
}

/*
 * Memory at an offset of the memfd, or of our own where there is none. A child
 * made by fork() does not get it: it must not write into the parent's tasks.
 */
static void *map_part(struct gmb__page *page, size_t offset, size_t size)
{
	void *mem;

	if (page->fd < 0)
		return gmb__mem_map(size, 0);
	if (ftruncate(page->fd, (off_t)(offset + size)) < 0)
		return NULL;
	mem = gmb__mem_map_file(size, page->fd, (off_t)offset);
	if (mem)
		madvise(mem, size, MADV_DONTFORK);
	return mem;
}

static int make_memfd(void)
{
	int fd = memfd_create(GMB_PAGE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0)
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL);
	return fd;
}

int gmb__page_init(struct gmb__page *page, size_t row_size, const char *name)
{
	struct gmb_page *head;

	*page = (struct gmb__page){ .fd = make_memfd() };
	head = map_part(page, 0, head_size());
	if (!head) {
		if (page->fd >= 0)
			close(page->fd);
		return -ENOMEM;
	}
	page->head = head;
	page->row_size = row_size;
	page->chunk_size = page_up(CHUNK_ROWS * row_size);
	head->version = GMB_PAGE_VERSION;
	head->pid = (uint32_t)getpid();
	head->tid = gmb__thread_id();
	head->row_size = (uint32_t)row_size;
	head->chunk_rows = CHUNK_ROWS;
	head->chunk_size = page->chunk_size;
	head->histograms = sizeof(*head);
	head->rows = head_size();
	if (!GMB__UCONTEXT)
		head->context = offsetof(struct gmb__strand, context);
	strncpy(head->name, name, sizeof(head->name) - 1);
	/* Pairs with the reader's check: a page with a magic is complete. */
	__atomic_store_n(&head->magic, GMB_PAGE_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

void gmb__page_fini(struct gmb__page *page)
{
	uint32_t i;

	for (i = 0; i < page->row_chunks; i++)
		gmb__mem_unmap(page->chunks[i], page->chunk_size);
	gmb__mem_free(page->chunks);
	gmb__mem_unmap(page->head, head_size());
	if (page->fd >= 0)
		close(page->fd);
	*page = (struct gmb__page){ .fd = -1 };
}

static struct gmb_row *row_at(const struct gmb__page *page, size_t index)
{
	return (struct gmb_row *)(page->chunks[index / CHUNK_ROWS] +
				  index % CHUNK_ROWS * page->row_size);
}

static int make_room(struct gmb__page *page)
{
	uint32_t room = page->chunk_room ? page->chunk_room * 2 : 8;
	char **chunks;

	if (page->row_chunks < page->chunk_room)
		return 0;
	chunks = gmb__mem_realloc(page->chunks, room * sizeof(*chunks));
	if (!chunks)
		return -ENOMEM;
	page->chunks = chunks;
	page->chunk_room = room;
	return 0;
}

static int grow(struct gmb__page *page)
{
	uint32_t n = page->row_chunks;
	char *chunk;

	if (make_room(page) < 0)
		return -ENOMEM;
	chunk = map_part(page, head_size() + n * page->chunk_size,
			 page->chunk_size);
	if (!chunk)
		return -ENOMEM;
	page->chunks[n] = chunk;
	page->fresh = (size_t)n * CHUNK_ROWS;
	page->fresh_end = page->fresh + CHUNK_ROWS;
	page->row_chunks = n + 1;
	/* Pairs with the reader: the chunk exists before it is counted. */
	__atomic_store_n(&page->head->row_chunks, n + 1, __ATOMIC_RELEASE);
	return 0;
}

static __attribute__((noinline)) void *get_fresh(struct gmb__page *page)
{
	if (page->fresh == page->fresh_end && grow(page) < 0)
		return NULL;
	return row_at(page, page->fresh++);
}

/*
 * Freed rows first, the latest first, because they are in the cache; then rows
 * that were never used, so that no memory is touched before it is needed.
 */
void *gmb__page_get_row(struct gmb__page *page)
{
	struct gmb__strand *strand = page->free;

	if (gmb__likely(strand)) {
		page->free = strand->next;
		return strand;
	}
	return get_fresh(page);
}

void gmb__page_put_row(struct gmb__page *page, void *row)
{
	struct gmb__strand *strand = row;

	gmb__row_begin_change(&strand->row);
	strand->row.state = 0;
	strand->next = page->free;
	page->free = strand;
}

struct gmb_row *gmb__page_next_row(struct gmb__page *page, size_t *index)
{
	size_t end = (size_t)page->row_chunks * CHUNK_ROWS;
	struct gmb_row *row;

	while (*index < end) {
		row = row_at(page, (*index)++);
		if (row->state)
			return row;
	}
	return NULL;
}
