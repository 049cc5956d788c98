/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A process that lies with purpose: liar LIE makes a loop page that is right
 * but for one thing, says "ready", and waits for the end of its input. At the
 * end it says how many KiB its page takes.
 *
 *	backend	its name has control characters
 *	bucket	a histogram whose greatest value is below its bucket
 *	holes	many more rows than there is memory for
 *	zeros	a histogram with the median 0, of a name cut within UTF-8
 */

#include <fcntl.h>
#include <giambio/page.h>
#include <giambio/task.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MIB		(1 << 20)

static int file;

static void *make(const char *name, off_t size, size_t map)
{
	void *mem;

	file = memfd_create(name, MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, size) < 0 ||
	    fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		exit(2);
	mem = mmap(NULL, map, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (mem == MAP_FAILED)
		exit(2);
	return mem;
}

static struct gmb_page *make_page(off_t size)
{
	struct gmb_page *page = make(GMB_PAGE_NAME, size, MIB);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	*page = (struct gmb_page){
		.version = GMB_PAGE_VERSION,
		.pid = (uint32_t)getpid(),
		.tid = (uint32_t)getpid(),
		.row_size = 512,
		.chunk_rows = 256,
		.row_chunks = 1,
		.histograms = sizeof(*page),
		.rows = 64 << 10,
		.chunk_size = 128 << 10,
		.started = now.tv_sec * GMB_SEC + now.tv_nsec,
		.backend = "epoll",
		.name = "liar",
	};
	*(struct gmb_row *)((char *)page + page->rows) = (struct gmb_row){
		.id = 1,
		.state = GMB_TASK_WAITING,
		.wait_kind = GMB_WAIT_SLEEP,
		.wait_arg = GMB_NEVER,
		.deadline = GMB_NEVER,
		.name = "asleep",
	};
	return page;
}

int main(int argc, char **argv)
{
	const char *lie = argc > 1 ? argv[1] : "";
	const off_t size = strcmp(lie, "holes") ? MIB : (off_t)2048 * MIB;
	struct gmb_page *page = make_page(size);
	struct gmb_histogram *h = (struct gmb_histogram *)(page + 1);
	struct pollfd input = { .fd = 0, .events = POLLIN };
	struct stat st;

	if (!strcmp(lie, "backend"))
		memcpy(page->backend, "\033[31mX\033c", 8);
	if (!strcmp(lie, "holes"))
		page->row_chunks = 16000;
	if (!strcmp(lie, "bucket")) {
		h->buckets[gmb_histogram_bucket(20)] = 1;
		h->max = 5;
	}
	if (!strcmp(lie, "zeros")) {
		prctl(PR_SET_NAME, "half a letter\xc3");
		h->buckets[0] = 200;
		h->buckets[gmb_histogram_bucket(1000)] = 20;
		h->max = 1000;
	}
	page->magic = GMB_PAGE_MAGIC;
	puts("ready");
	fflush(stdout);
	poll(&input, 1, -1);
	if (!fstat(file, &st))
		printf("%ld KiB\n", (long)(st.st_blocks / 2));
	return 0;
}
