/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/page.h"
#include "common/page_open.h"
#include "common/proc.h"

#define TRIES	1000	/* an owner changes a row's identity in no time */

bool page_alive(const struct page *page)
{
	char path[64];
	struct stat st;

	proc_path(path, page->pid, "fd/%d", page->fd);
	return !stat(path, &st) && st.st_ino == page->inode;
}

/* Map what has grown. The old mapping goes: nobody keeps pointers into it. */
static int map_more(struct page *page, size_t want)
{
	void *mem;

	if (want <= page->mapped)
		return 0;
	mem = mmap(NULL, want, PROT_READ, MAP_SHARED, page->file, 0);
	if (mem == MAP_FAILED)
		return -errno;
	munmap((void *)page->head, page->mapped);
	page->head = mem;
	page->mapped = want;
	return 0;
}

/* Chunks that the file has room for, whatever the head says. */
static size_t chunks_in_file(const struct page *page)
{
	struct stat st;

	if (fstat(page->file, &st) < 0 || (uint64_t)st.st_size < page->rows)
		return 0;
	return ((uint64_t)st.st_size - page->rows) / page->chunk_size;
}

/*
 * Rows that there is memory for. An owner takes them in turn, so behind the
 * first hole of the file there are none; and to read a hole makes memory of it,
 * of which a liar would have us make as much as he has made the file large.
 */
static size_t rows_in_memory(const struct page *page)
{
	off_t hole = lseek(page->file, (off_t)page->rows, SEEK_HOLE);
	size_t size, rest;

	if (hole < 0 || (uint64_t)hole < page->rows)
		return 0;
	size = (size_t)hole - page->rows;
	rest = (size % page->chunk_size + page->row_size - 1) / page->row_size;
	if (rest > page->chunk_rows)
		rest = page->chunk_rows;
	return size / page->chunk_size * page->chunk_rows + rest;
}

size_t page_rows(struct page *page)
{
	/* Pairs with the release when the loop has made a chunk. */
	size_t chunks = __atomic_load_n(&page->head->row_chunks,
					__ATOMIC_ACQUIRE);
	size_t room = chunks_in_file(page), rows;

	rows = (chunks < room ? chunks : room) * page->chunk_rows;
	room = rows_in_memory(page);
	if (rows > room)
		rows = room;
	chunks = (rows + page->chunk_rows - 1) / page->chunk_rows;
	if (map_more(page, page->rows + chunks * page->chunk_size) < 0)
		return 0;
	return rows;
}

static const char *row_at(const struct page *page, size_t index)
{
	return (const char *)page->head + page->rows +
	       index / page->chunk_rows * page->chunk_size +
	       index % page->chunk_rows * page->row_size;
}

/* Whether a try has gone well. */
static bool try_row(const struct page *page, const char *at,
		    struct gmb_row *row, uint64_t context[PAGE_CONTEXT])
{
	const struct gmb_row *shared = (const struct gmb_row *)at;
	/* Pairs with the owner's release when the identity is complete. */
	uint32_t seq = __atomic_load_n(&shared->seq, __ATOMIC_ACQUIRE);

	if (seq & 1)
		return false;
	memcpy(row, at, sizeof(*row));
	if (context && page->context)
		memcpy(context, at + page->context,
		       PAGE_CONTEXT * sizeof(*context));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&shared->seq, __ATOMIC_RELAXED) == seq &&
	       __atomic_load_n(&shared->steps, __ATOMIC_RELAXED) == row->steps;
}

bool page_row(const struct page *page, size_t index, struct gmb_row *row,
	      uint64_t context[PAGE_CONTEXT])
{
	const char *at = row_at(page, index);
	unsigned int i;

	if (!((const struct gmb_row *)at)->state)
		return false;
	if (context)
		memset(context, 0, PAGE_CONTEXT * sizeof(*context));
	for (i = 0; i < TRIES; i++) {
		if (!try_row(page, at, row, context))
			continue;
		row->name[sizeof(row->name) - 1] = '\0';
		return row->state && row->id;
	}
	return false;
}

ssize_t page_find_row(struct page *page, uint64_t id)
{
	size_t rows = page_rows(page), i;
	struct gmb_row row;

	for (i = 0; i < rows; i++) {
		if (((const struct gmb_row *)row_at(page, i))->id == id &&
		    page_row(page, i, &row, NULL) && row.id == id)
			return (ssize_t)i;
	}
	return -ENOENT;
}

void page_histogram(const struct page *page, enum gmb_stage stage,
		    struct histogram *h)
{
	const struct gmb_histogram *all =
		(const void *)((const char *)page->head + page->histograms);

	histogram_read(h, &all[stage]);
}

void page_names(const struct page *page, char name[17], char backend[9])
{
	memcpy(name, page->head->name, 16);
	name[16] = '\0';
	memcpy(backend, page->head->backend, 8);
	backend[8] = '\0';
}

void page_free(struct page *page)
{
	if (page->head)
		munmap((void *)page->head, page->mapped);
	if (page->control)
		munmap(page->control, sizeof(*page->control));
	if (page->file >= 0)
		close(page->file);
	free(page);
}

void pages_free(struct pages *pages)
{
	unsigned int i;

	for (i = 0; i < pages->count; i++)
		page_free(pages->list[i]);
	free(pages->list);
	*pages = (struct pages){ 0 };
}
