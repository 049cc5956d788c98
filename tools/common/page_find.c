/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/page_open.h"
#include "common/proc.h"

#define LINK_TEXT	"/memfd:" GMB_PAGE_NAME " (deleted)"

static void add(struct pages *pages, struct page *page)
{
	pages->list = memory_get(pages->list, (pages->count + 1) *
						      sizeof(*pages->list));
	pages->list[pages->count++] = page;
}

/* A process may hold several descriptors of one page. */
static bool has(const struct pages *pages, const struct page *page)
{
	unsigned int i;

	for (i = 0; i < pages->count; i++) {
		if (pages->list[i]->inode == page->inode &&
		    pages->list[i]->pid == page->pid)
			return true;
	}
	return false;
}

static void try_page(struct pages *pages, pid_t pid, int fd)
{
	struct page *page;
	int rc = page_open(&page, pid, fd);

	if (rc == -EPROTO)
		pages->strange++;
	if (rc == -EACCES || rc == -EPERM)
		pages->denied++;
	if (rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM) {
		pages->missed++;
		pages->error = rc;
	}
	if (rc)
		return;
	if (has(pages, page))
		page_free(page);
	else
		add(pages, page);
}

static int find_in(struct pages *pages, pid_t pid)
{
	char path[64], text[sizeof(LINK_TEXT) + 1];
	struct dirent *entry;
	ssize_t n;
	DIR *dir;

	proc_path(path, pid, "fd");
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((entry = readdir(dir))) {
		n = readlinkat(dirfd(dir), entry->d_name, text, sizeof(text));
		if (n == sizeof(LINK_TEXT) - 1 && !memcmp(text, LINK_TEXT, n))
			try_page(pages, pid, atoi(entry->d_name));
	}
	closedir(dir);
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct page *x = *(struct page *const *)a;
	const struct page *y = *(struct page *const *)b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->fd > y->fd) - (x->fd < y->fd);
}

/* An entry of /proc, which may be a process. */
static void look_into(struct pages *pages, const char *name)
{
	int rc;

	if (*name < '1' || *name > '9')
		return;
	rc = find_in(pages, atoi(name));
	if (rc == -EACCES)
		pages->denied++;
	if (rc == -EMFILE || rc == -ENFILE) {
		pages->missed++;
		pages->error = rc;
	}
}

int pages_find(struct pages *pages, pid_t pid)
{
	struct dirent *entry;
	int rc = 0;
	DIR *dir;

	*pages = (struct pages){ 0 };
	if (pid) {
		rc = find_in(pages, pid);
	} else {
		dir = opendir("/proc");
		if (!dir)
			return -errno;
		while ((entry = readdir(dir)))
			look_into(pages, entry->d_name);
		closedir(dir);
	}
	if (pages->count)
		qsort(pages->list, pages->count, sizeof(*pages->list),
		      by_place);
	return rc;
}

struct page *pages_take(struct pages *pages, unsigned int index)
{
	struct page *page = pages->list[index];

	pages->count--;
	memmove(&pages->list[index], &pages->list[index + 1],
		(pages->count - index) * sizeof(*pages->list));
	return page;
}
