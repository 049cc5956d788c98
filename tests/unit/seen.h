/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * What tests of observation share: this process's loop as another process
 * finds it.
 */
#ifndef TESTS_UNIT_SEEN_H
#define TESTS_UNIT_SEEN_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "harness.h"

/* Open a memfd of this process by its name, as others do; -1: there is none. */
static inline int seen_open(const char *name, int mode)
{
	DIR *dir = opendir("/proc/self/fd");
	char path[300], target[100], wanted[100];
	struct dirent *entry;
	int fd = -1;
	ssize_t n;

	check_that(dir);
	snprintf(wanted, sizeof(wanted), "/memfd:%s (deleted)", name);
	while (fd < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		if (strcmp(target, wanted) == 0)
			fd = open(path, mode | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
}

/* Map it whole. */
static inline void *seen_map(const char *name, int mode, size_t *size)
{
	int fd = seen_open(name, mode);
	struct stat st;
	void *mem;

	check_that(fd >= 0);
	check_is(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	mem = mmap(NULL, *size,
		   mode == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ,
		   MAP_SHARED, fd, 0);
	check_that(mem != MAP_FAILED);
	close(fd);
	return mem;
}

/* The row of a task, as far as the mapping goes; NULL: there is none. */
static inline const struct gmb_row *seen_row(const struct gmb_page *page,
					     const char *name)
{
	const struct gmb_row *row;
	const char *chunk;
	uint32_t c, r;

	for (c = 0; c < page->row_chunks; c++) {
		chunk = (const char *)page + page->rows + c * page->chunk_size;
		for (r = 0; r < page->chunk_rows; r++) {
			row = (const void *)(chunk + r * page->row_size);
			if (row->state && !strcmp(row->name, name))
				return row;
		}
	}
	return NULL;
}

static inline const struct gmb_histogram *
seen_histogram(const struct gmb_page *page, enum gmb_stage stage)
{
	const char *base = (const char *)page;

	return (const struct gmb_histogram *)(base + page->histograms) + stage;
}

#endif
