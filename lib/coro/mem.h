/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The one door to memory for the whole library.  Thin over libc; what it adds
 * is that a test can make any chosen request fail, so that every error path
 * can be walked.  The test is always compiled in: it costs one branch that is
 * never taken, and what is tested is what is shipped.
 *
 * All functions: any thread.  Failure is reported by NULL and means -ENOMEM.
 */
#ifndef GMB_LIB_CORO_MEM_H
#define GMB_LIB_CORO_MEM_H

#include <stddef.h>
#include <sys/types.h>

/**
 * gmb__mem_alloc() - allocate uninitialised memory
 * @size: bytes; 0 is served like 1, so that NULL always means failure
 *
 * Context: any thread.
 * Return: memory aligned for any type, to be given to gmb__mem_free(); NULL
 * when there is none.
 */
void *gmb__mem_alloc(size_t size) __attribute__((malloc, warn_unused_result));

/**
 * gmb__mem_zalloc() - allocate an array of zeroes
 * @count: elements
 * @size:  bytes per element
 *
 * Context: any thread.
 * Return: as gmb__mem_alloc(); NULL also when @count * @size overflows.
 */
void *gmb__mem_zalloc(size_t count, size_t size)
	__attribute__((malloc, warn_unused_result));

/**
 * gmb__mem_realloc() - change the size of an allocation
 * @ptr:  from gmb__mem_alloc(), gmb__mem_zalloc() or gmb__mem_realloc(), or
 *        NULL to allocate; on success it is no longer valid
 * @size: new size in bytes; 0 is served like 1
 *
 * Context: any thread.
 * Return: the moved memory; NULL when there is none, and @ptr is untouched.
 */
void *gmb__mem_realloc(void *ptr, size_t size)
	__attribute__((warn_unused_result));

/**
 * gmb__mem_free() - free an allocation
 * @ptr: from gmb__mem_alloc(), gmb__mem_zalloc() or gmb__mem_realloc(), or NULL
 *
 * Context: any thread.
 */
void gmb__mem_free(void *ptr);

/**
 * gmb__mem_map() - map private zeroed pages
 * @size:  bytes, rounded up to whole pages by the kernel; not 0
 * @flags: more MAP_ flags for mmap(2), such as MAP_NORESERVE; 0 for none
 *
 * Context: any thread.  One system call.
 * Return: the mapping, readable and writable, to be given to
 * gmb__mem_unmap(); NULL when there is none.
 */
void *gmb__mem_map(size_t size, int flags) __attribute__((warn_unused_result));

/**
 * gmb__mem_map_file() - map a part of a file, shared
 * @size:   bytes, rounded up to whole pages by the kernel; not 0
 * @fd:     open for reading and writing
 * @offset: a multiple of the page size
 *
 * Context: any thread.  One system call.
 * Return: the mapping, to be given to gmb__mem_unmap(); NULL when there is
 * none.
 */
void *gmb__mem_map_file(size_t size, int fd, off_t offset)
	__attribute__((warn_unused_result));

/**
 * gmb__mem_unmap() - give back a mapping
 * @ptr:  from gmb__mem_map() or gmb__mem_map_file(), or NULL
 * @size: the size it was mapped with
 *
 * Context: any thread.  One system call.
 */
void gmb__mem_unmap(void *ptr, size_t size);

/**
 * gmb__mem_page_size() - the size of a page of memory
 *
 * Context: any thread; async-signal-safe.
 * Return: bytes, a power of two.
 */
size_t gmb__mem_page_size(void);

/**
 * gmb__mem_fail_after() - make one later request of this thread fail
 * @n: how many requests succeed before the one that fails; negative: none
 *     fails, which is also the state of a new thread
 *
 * Counts gmb__mem_alloc(), gmb__mem_zalloc(), gmb__mem_realloc(),
 * gmb__mem_map() and gmb__mem_map_file() on the calling thread.  After the
 * failure everything succeeds again, so that clean-up code is not disturbed.  A
 * loop over @n that ends when the last call found its failure not yet used has
 * tried every request once.
 *
 * Context: any thread.
 * Return: requests that were still to succeed before the failure asked for
 * earlier; -1 when that failure has happened or none was asked for.
 */
long gmb__mem_fail_after(long n);

#endif /* GMB_LIB_CORO_MEM_H */
