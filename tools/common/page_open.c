/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/page_open.h"
#include "common/proc.h"

#define MAX_HEAD	(1u << 20)	/* with the histograms */
#define MAX_ROW		65536u
#define MAX_CHUNK	(64u << 20)

/* What the head says, if it does not contradict itself or the file. */
static int take_layout(struct page *page)
{
	const struct gmb_page *head = page->head;
	const uint64_t histograms =
		GMB_STAGE_COUNT * sizeof(struct gmb_histogram);

	page->histograms = head->histograms;
	page->rows = head->rows;
	page->row_size = head->row_size;
	page->chunk_rows = head->chunk_rows;
	page->chunk_size = head->chunk_size;
	page->context = head->context;
	if (head->version != GMB_PAGE_VERSION)
		return -EPROTO;
	if (page->histograms < sizeof(*head) || page->histograms % 8 ||
	    page->rows > page->mapped || page->rows < histograms ||
	    page->histograms > page->rows - histograms)
		return -EPROTO;
	if (page->row_size < sizeof(struct gmb_row) ||
	    page->row_size > MAX_ROW || page->row_size % 8 ||
	    !page->chunk_rows || page->chunk_size > MAX_CHUNK ||
	    page->rows % 8 || page->chunk_size % 8 ||
	    page->chunk_rows > page->chunk_size / page->row_size)
		return -EPROTO;
	if (page->context &&
	    (page->context % 8 || page->context > page->row_size ||
	     page->row_size - page->context < PAGE_CONTEXT * 8))
		return -EPROTO;
	return 0;
}

/*
 * Only memory that cannot shrink may be mapped: reading behind its end would
 * kill this process.
 */
static int map_head(struct page *page, struct stat *st)
{
	int seals = fcntl(page->file, F_GET_SEALS);
	size_t size;
	void *mem;

	if (fstat(page->file, st) < 0)
		return -errno;
	if (seals < 0)
		return -ENOENT;
	if (!(seals & F_SEAL_SHRINK))
		return -EPROTO;
	if ((uint64_t)st->st_size < sizeof(struct gmb_page))
		return -ENOENT;
	size = st->st_size < MAX_HEAD ? (size_t)st->st_size : MAX_HEAD;
	mem = mmap(NULL, size, PROT_READ, MAP_SHARED, page->file, 0);
	if (mem == MAP_FAILED)
		return -errno;
	page->head = mem;
	page->mapped = size;
	page->inode = st->st_ino;
	/* Pairs with the owner's release: what has a magic is complete. */
	if (__atomic_load_n(&page->head->magic, __ATOMIC_ACQUIRE) !=
	    GMB_PAGE_MAGIC)
		return -ENOENT;
	return 0;
}

static int take_file(struct page *page)
{
	struct stat st;
	int rc = map_head(page, &st);

	return rc ? rc : take_layout(page);
}

static int open_page(struct page *page)
{
	char path[64];
	int rc;

	proc_path(path, page->pid, "fd/%d", page->fd);
	/* By now it may be a pipe, for which opening would wait. */
	page->file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (page->file < 0)
		return -errno;
	rc = take_file(page);
	if (rc)
		return rc;
	rc = proc_is_numbered(page->pid, (pid_t)page->head->pid);
	if (rc <= 0)
		return rc < 0 ? rc : -ENOENT;
	page->tid = proc_thread(page->pid, (pid_t)page->head->tid);
	return 0;
}

static int finish(struct page **out, struct page *page, int rc)
{
	if (rc < 0)
		page_free(page);
	else
		*out = page;
	return rc;
}

int page_open(struct page **out, pid_t pid, int fd)
{
	struct page *page = memory_zeroed(1, sizeof(*page));

	page->pid = pid;
	proc_comm(page->comm, pid, 0);
	page->fd = fd;
	page->file = -1;
	return finish(out, page, open_page(page));
}

int page_adopt(struct page **out, pid_t pid, int file)
{
	struct page *page = memory_zeroed(1, sizeof(*page));
	int rc;

	page->pid = pid;
	proc_comm(page->comm, pid, 0);
	page->fd = -1;
	page->file = file;
	rc = take_file(page);
	/* It may have ended already; then the numbers are taken as they are. */
	if (rc == 0) {
		page->tid = proc_thread(pid, (pid_t)page->head->tid);
		if (!page->tid)
			page->tid = (pid_t)page->head->tid;
	}
	return finish(out, page, rc);
}
