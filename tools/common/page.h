/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The loops of other processes, as their pages show them: see
 * <giambio/page.h>. Pages are mapped read-only and belong to a process that may
 * lie: a page is refused unless its memory cannot shrink, and every offset in
 * it is checked against its size.
 */
#ifndef TOOLS_COMMON_PAGE_H
#define TOOLS_COMMON_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <giambio/page.h>
#include "common/histogram.h"
#include "common/proc.h"

/* What a row keeps of a task that does not run: see gmb_page.context. */
#define PAGE_CONTEXT	3 /* stack pointer, program counter, frame pointer */

/**
 * struct page - one loop
 * @pid:        process, as this process's pid namespace numbers it
 * @tid:        thread, likewise; 0: it has gone
 * @comm:       name of the process when the page was opened, since it may end
 * @fd:         the number of the page's descriptor in that process
 * @inode:      of the page, which tells it from others
 * @head:       the mapping; all of it changes while it is read
 * @mapped:     bytes of it
 * @file:       our descriptor of it
 * @histograms: copies of what the head says, checked when it was opened
 * @rows:       likewise
 * @row_size:   likewise
 * @chunk_rows: likewise
 * @chunk_size: likewise
 * @context:    likewise; 0: not kept
 * @control:    writable mapping of the head, once a lease was asked for
 */
struct page {
	pid_t pid;
	pid_t tid;
	char comm[PROC_COMM_SIZE];
	int fd;
	ino_t inode;
	const struct gmb_page *head;
	size_t mapped;
	int file;
	uint64_t histograms;
	uint64_t rows;
	uint64_t chunk_size;
	uint64_t context;
	uint32_t row_size;
	uint32_t chunk_rows;
	struct gmb_page *control;
};

/**
 * struct pages - the loops that were found
 * @list:   count of them, by process and descriptor
 * @count:  how many
 * @denied: processes that could not be looked into, of this user or of others
 * @strange: pages that were refused: of another version, or damaged
 * @missed: pages that there was no descriptor or memory for
 * @error:  why, as -errno
 */
struct pages {
	struct page **list;
	unsigned int count;
	unsigned int denied;
	unsigned int strange;
	unsigned int missed;
	int error;
};

/**
 * pages_find() - find loops
 * @pages: [out] to be given back with pages_free(), also on failure
 * @pid:   those of this process; 0: all that may be seen
 *
 * Return: 0, also if there is none; -ESRCH no such process; -EACCES the user
 * may not look into it.
 */
int pages_find(struct pages *pages, pid_t pid);

void pages_free(struct pages *pages);

/* Take a loop out of the list; it is then the caller's, for page_free(). */
struct page *pages_take(struct pages *pages, unsigned int index);

void page_free(struct page *page);

/**
 * page_adopt() - map a page that a process has sent
 * @out:  [out] the caller's
 * @pid:  the process, which may have ended
 * @file: descriptor of the page; the callee's from now on, also on failure
 *
 * Return: 0; -ENOENT it is not complete; -EPROTO it is of another version, can
 * shrink, or contradicts itself; -errno.
 */
int page_adopt(struct page **out, pid_t pid, int file);

/* Whether the loop still runs; a page can be read afterwards, too. */
bool page_alive(const struct page *page);

/* How many rows there are now; makes them readable. */
size_t page_rows(struct page *page);

/**
 * page_row() - take a picture of a row
 * @page:    the loop
 * @index:   below what page_rows() has said
 * @row:     [out] its name always ends
 * @context: [out] saved registers, zeros if they are not kept; may be NULL
 *
 * The registers are those of a task that waits, if row->steps is the same after
 * they were used.
 *
 * Return: whether the row is in use and the picture is consistent; a row that
 * changes all the time is given up.
 */
bool page_row(const struct page *page, size_t index, struct gmb_row *row,
	      uint64_t context[PAGE_CONTEXT]);

/* Find the row of a task by its id; returns its index, or -ENOENT. */
ssize_t page_find_row(struct page *page, uint64_t id);

/* A picture of a stage's histogram. */
void page_histogram(const struct page *page, enum gmb_stage stage,
		    struct histogram *h);

/* The strings of the head, cut to their fields and ended. */
void page_names(const struct page *page, char name[17], char backend[9]);

/**
 * page_lease() - ask the loop to measure
 * @page:  the loop
 * @flags: an or of enum gmb_observe_flags
 * @ns:    for how long from now; at most a minute. To be renewed before
 *
 * What others asked for stays. The loop notices when it next turns.
 *
 * Return: 0; -EACCES the user may not write.
 */
int page_lease(struct page *page, unsigned int flags, int64_t ns);

/*
 * Lease all pages; returns 0 if one of them could be, else the last error, or
 * -ENOENT there is none.
 */
int pages_lease(struct pages *pages, unsigned int flags, int64_t ns);

/*
 * Lease all pages for three seconds if it is due, as it is every second; pages
 * that cannot be are left. Returns when it is due next; it is at 0.
 */
int64_t pages_renew(struct pages *pages, unsigned int flags, int64_t now,
		    int64_t due);

#endif
