/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Memory, by way of libc.  See mem.h.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "coro/compiler.h"
#include "coro/mem.h"

/* Requests until the failing one, counting it; 0 when none is to fail. */
static gmb__thread_local long fail_countdown;

static inline bool request_fails(void)
{
	if (gmb__likely(fail_countdown == 0))
		return false;
	return --fail_countdown == 0;
}

void *gmb__mem_alloc(size_t size)
{
	if (request_fails())
		return NULL;
	return malloc(size ? size : 1);
}

void *gmb__mem_zalloc(size_t count, size_t size)
{
	if (request_fails())
		return NULL;
	return count && size ? calloc(count, size) : calloc(1, 1);
}

void *gmb__mem_realloc(void *ptr, size_t size)
{
	if (request_fails())
		return NULL;
	return realloc(ptr, size ? size : 1);
}

void gmb__mem_free(void *ptr)
{
	free(ptr);
}

void *gmb__mem_map(size_t size, int flags)
{
	void *ptr;

	if (request_fails())
		return NULL;
	ptr = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	return ptr == MAP_FAILED ? NULL : ptr;
}

void *gmb__mem_map_file(size_t size, int fd, off_t offset)
{
	void *ptr;

	if (request_fails())
		return NULL;
	ptr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	return ptr == MAP_FAILED ? NULL : ptr;
}

void gmb__mem_unmap(void *ptr, size_t size)
{
	if (ptr)
		munmap(ptr, size);
}

size_t gmb__mem_page_size(void)
{
	static size_t page_size;

	/* Racing threads store the same value. */
	if (!__atomic_load_n(&page_size, __ATOMIC_RELAXED))
		__atomic_store_n(&page_size, sysconf(_SC_PAGESIZE),
				 __ATOMIC_RELAXED);
	return __atomic_load_n(&page_size, __ATOMIC_RELAXED);
}

long gmb__mem_fail_after(long n)
{
	long left = fail_countdown - 1;

	fail_countdown = n < 0 ? 0 : n + 1;
	return left;
}
