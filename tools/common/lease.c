/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <giambio/hooks.h>
#include "common/page.h"
#include "common/proc.h"
#include "common/units.h"

#define LEASE_NS	3000000000ll
#define RENEW_NS	1000000000ll

static int map_control(struct page *page)
{
	char path[64];
	void *mem;
	int fd;

	/*
	 * Through our own descriptor: the loop may have gone meanwhile. Not by
	 * our number, which /proc may give to another if it was mounted in
	 * another pid namespace: that one's file would be written to.
	 */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", page->file);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	mem = mmap(NULL, sizeof(*page->control), PROT_READ | PROT_WRITE,
		   MAP_SHARED, fd, 0);
	close(fd);
	if (mem == MAP_FAILED)
		return -errno;
	page->control = mem;
	return 0;
}

/* Other observers' leases are never shortened. */
static void raise_to(int64_t *field, int64_t until)
{
	int64_t is = __atomic_load_n(field, __ATOMIC_RELAXED);

	while (is < until &&
	       !__atomic_compare_exchange_n(field, &is, until, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

int page_lease(struct page *page, unsigned int flags, int64_t ns)
{
	const int64_t until = units_now() + ns;
	int rc;

	if (!page->control) {
		rc = map_control(page);
		if (rc < 0)
			return rc;
	}
	if (flags & GMB_OBSERVE_TIMES)
		raise_to(&page->control->control.times_until, until);
	if (flags & GMB_OBSERVE_TRACE)
		raise_to(&page->control->control.trace_until, until);
	return 0;
}

int pages_lease(struct pages *pages, unsigned int flags, int64_t ns)
{
	int rc = -ENOENT, one;
	unsigned int i;

	for (i = 0; i < pages->count; i++) {
		one = page_lease(pages->list[i], flags, ns);
		if (rc)
			rc = one;
	}
	return rc;
}

int64_t pages_renew(struct pages *pages, unsigned int flags, int64_t now,
		    int64_t due)
{
	if (now < due)
		return due;
	(void)pages_lease(pages, flags, LEASE_NS);
	return now + RENEW_NS;
}
