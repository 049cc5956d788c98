/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Guards: address space below a stack whose every access is a SIGSEGV.
 *
 * The best the kernel offers is taken, decided anew for each guard:
 *
 *   marked  MADV_GUARD_INSTALL (Linux 6.13): no mapping is split, so there is
 *           no limit to their number
 *   split   mprotect(PROT_NONE): each costs two mappings of the process, so
 *           all guards together take at most half of vm.max_map_count and
 *           leave the rest to the program
 *   none    the stack has room below it, but nothing watches that room; see
 *           gmb__stack_check()
 */
#ifndef GMB_LIB_CORO_GUARD_H
#define GMB_LIB_CORO_GUARD_H

#include <stddef.h>

/* How a guard was made, or, as a limit, the best that may be made. */
enum gmb__guard_kind {
	GMB__GUARD_NONE,
	GMB__GUARD_SPLIT,
	GMB__GUARD_MARKED,
};

/**
 * gmb__guard_size() - how much to reserve below each stack
 *
 * More than a page, because functions with large local arrays step over the
 * first page below a stack without touching it.
 *
 * Context: any thread.
 * Return: bytes, a multiple of the page size.
 */
size_t gmb__guard_size(void);

/**
 * gmb__guard_install() - make a range inaccessible
 * @address: page-aligned, inside a mapping from gmb__mem_map()
 * @size:    bytes, whole pages
 *
 * Context: any thread.  One or two system calls.
 * Return: the enum gmb__guard_kind that was made, of which GMB__GUARD_SPLIT is
 * to be given back by gmb__guard_release() when the mapping is gone; -ENOMEM
 * when the kernel has no memory for its page tables.
 */
int gmb__guard_install(void *address, size_t size);

/* The longest row of guards. */
#define GMB__GUARD_ROW_MAX	64

/**
 * gmb__guard_install_row() - make many marked guards at once
 * @address: the first, as for gmb__guard_install()
 * @size:    bytes of each, whole pages
 * @stride:  bytes from one to the next, whole pages
 * @count:   how many, at most GMB__GUARD_ROW_MAX
 *
 * An optimisation that needs a kernel that can, a free descriptor for the time
 * of the call, and a gmb__guard_install() that made a marked guard before.
 *
 * Context: any thread.  Three system calls.
 * Return: how many were made, from the first; 0 says that they have to be made
 * one by one.
 */
unsigned int gmb__guard_install_row(char *address, size_t size, size_t stride,
				    unsigned int count);

/**
 * gmb__guard_release() - give back the room that split guards took
 * @splits: how many are gone
 *
 * Context: any thread.
 */
void gmb__guard_release(unsigned int splits);

/**
 * gmb__guard_limit() - forbid the better kinds of guards
 * @best: the best that may be made from now on, in the whole process
 *
 * For tests of what an older kernel does.  What exists stays as it is.  Builds
 * for Valgrind never make marked guards.
 *
 * Context: any thread.
 */
void gmb__guard_limit(enum gmb__guard_kind best);

#endif /* GMB_LIB_CORO_GUARD_H */
