/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Guards below stacks.  See guard.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "coro/compiler.h"
#include "coro/guard.h"
#include "coro/mem.h"

/* Linux 6.13; the C library may be older than the kernel. */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#endif

#define GUARD_BYTES		(16 * 1024)
#define MAPPINGS_PER_SPLIT	2
#define MAP_COUNT_DEFAULT	65530

/* Valgrind has a limit of its own, and ends the process when it is reached. */
#define VALGRIND_SPLITS		5000

/* Valgrind reads memory on its own, and dies of a guard it does not know. */
#if GMB__VALGRIND
#define BEST_KIND		GMB__GUARD_SPLIT
#else
#define BEST_KIND		GMB__GUARD_MARKED
#endif

/* The best kind that is known to work, or may be tried. */
static int best_kind = BEST_KIND;

/* A marked guard was seen to work. */
static bool marks_work;

/* Many guards in one system call were refused. */
static bool rows_refused;

/* Split guards that exist in this process. */
static long splits_now;

/* How many may exist; 0 until it was looked up. */
static long splits_max;

static long read_map_count(void)
{
	char text[32];
	ssize_t n;
	int fd;

	fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return MAP_COUNT_DEFAULT;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return MAP_COUNT_DEFAULT;
	text[n] = '\0';
	return strtol(text, NULL, 10);
}

static long splits_allowed(void)
{
	long max = __atomic_load_n(&splits_max, __ATOMIC_RELAXED);

	if (gmb__likely(max))
		return max;
	max = read_map_count() / 2 / MAPPINGS_PER_SPLIT;
	if (max < 1)
		max = 1;
	if (GMB__VALGRIND && max > VALGRIND_SPLITS)
		max = VALGRIND_SPLITS;
	/* Racing threads store the same value. */
	__atomic_store_n(&splits_max, max, __ATOMIC_RELAXED);
	return max;
}

static int install_split(void *address, size_t size)
{
	long now = __atomic_add_fetch(&splits_now, 1, __ATOMIC_RELAXED);

	if (now <= splits_allowed() &&
	    mprotect(address, size, PROT_NONE) == 0)
		return GMB__GUARD_SPLIT;
	gmb__guard_release(1);
	return GMB__GUARD_NONE;
}

size_t gmb__guard_size(void)
{
	size_t page = gmb__mem_page_size();

	return page > GUARD_BYTES ? page : GUARD_BYTES;
}

/*
 * Emulators of Linux take advice they do not know for a hint, and say that all
 * went well.  So the first guard is tried: a system call that reads from it
 * must fail with EFAULT.
 */
static bool is_guarded(const void *address)
{
	if (__atomic_load_n(&marks_work, __ATOMIC_RELAXED))
		return true;
	if (access(address, F_OK) == 0 || errno != EFAULT)
		return false;
	__atomic_store_n(&marks_work, true, __ATOMIC_RELAXED);
	return true;
}

int gmb__guard_install(void *address, size_t size)
{
	int best = __atomic_load_n(&best_kind, __ATOMIC_RELAXED);

	if (best == GMB__GUARD_MARKED) {
		if (madvise(address, size, MADV_GUARD_INSTALL) == 0) {
			if (is_guarded(address))
				return GMB__GUARD_MARKED;
		} else if (errno != EINVAL) {
			return -ENOMEM;
		}
		/* An older kernel, or one told to lock all memory. */
		gmb__guard_limit(GMB__GUARD_SPLIT);
		best = GMB__GUARD_SPLIT;
	}
	if (best == GMB__GUARD_SPLIT)
		return install_split(address, size);
	return GMB__GUARD_NONE;
}

unsigned int gmb__guard_install_row(char *address, size_t size, size_t stride,
				    unsigned int count)
{
	struct iovec ranges[GMB__GUARD_ROW_MAX];
	ssize_t done;
	int fd;

	if (!__atomic_load_n(&marks_work, __ATOMIC_RELAXED) ||
	    __atomic_load_n(&rows_refused, __ATOMIC_RELAXED) ||
	    __atomic_load_n(&best_kind, __ATOMIC_RELAXED) != GMB__GUARD_MARKED)
		return 0;
	for (unsigned int i = 0; i < count; i++) {
		ranges[i].iov_base = address + i * stride;
		ranges[i].iov_len = size;
	}
	fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (fd < 0)
		return 0;
	done = syscall(SYS_process_madvise, fd, ranges, (size_t)count,
		       MADV_GUARD_INSTALL, 0);
	close(fd);
	if (done > 0)
		return (unsigned int)((size_t)done / size);
	__atomic_store_n(&rows_refused, true, __ATOMIC_RELAXED);
	return 0;
}

void gmb__guard_release(unsigned int splits)
{
	__atomic_sub_fetch(&splits_now, splits, __ATOMIC_RELAXED);
}

void gmb__guard_limit(enum gmb__guard_kind best)
{
	if (best > BEST_KIND)
		best = BEST_KIND;
	__atomic_store_n(&best_kind, best, __ATOMIC_RELAXED);
}
