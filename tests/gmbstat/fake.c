/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A process that lies: fake SEED makes what looks like a loop page and a trace,
 * with fields that contradict each other or are random, says "ready", and waits
 * for the end of its input. While it waits it changes them all the time.
 */

#include <fcntl.h>
#include <giambio/page.h>
#include <giambio/trace.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES	(256u << 10)
#define TRACE_BYTES	(64u << 10)

static unsigned long seed;

static uint64_t any(void)
{
	/* xorshift64: enough to be strange, and the same for a seed. */
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* A number that is small, huge, near a power of two, or anything. */
static uint64_t odd(void)
{
	switch (any() % 5) {
	case 0:
		return any() % 64;
	case 1:
		return UINT64_MAX - any() % 64;
	case 2:
		return (1ull << any() % 64) + any() % 3 - 1;
	case 3:
		return any() % PAGE_BYTES;
	default:
		return any();
	}
}

static void fill(void *mem, size_t size)
{
	uint64_t *at = mem;
	size_t i;

	for (i = 0; i < size / sizeof(*at); i++)
		at[i] = odd();
}

static void *make(const char *name, size_t size, unsigned int seals)
{
	int fd = memfd_create(name, MFD_ALLOW_SEALING | MFD_CLOEXEC);
	void *mem;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		exit(2);
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED || fcntl(fd, F_ADD_SEALS, (int)seals) < 0)
		exit(2);
	return mem;
}

/* A head that is right, but for some of its fields. */
static void make_head(struct gmb_page *page)
{
	struct gmb_page head = {
		.magic = GMB_PAGE_MAGIC,
		.version = GMB_PAGE_VERSION,
		.pid = (uint32_t)getpid(),
		.tid = (uint32_t)getpid(),
		.row_size = 512,
		.chunk_rows = 64,
		.row_chunks = 2,
		.histograms = sizeof(head),
		.rows = 64 << 10,
		.chunk_size = 32 << 10,
		.context = 256,
	};

	if (any() % 2)
		((uint32_t *)&head)[4 + any() % 3] = (uint32_t)odd();
	if (any() % 2)
		(&head.histograms)[any() % 4] = odd();
	*page = head;
}

static void make_trace(struct gmb_trace *trace)
{
	struct gmb_trace head = {
		.magic = GMB_TRACE_MAGIC,
		.version = GMB_TRACE_VERSION,
		.pid = (uint32_t)getpid(),
		.tid = (uint32_t)getpid(),
		.entries = 1024,
		.events = 64,
		.head = odd(),
	};

	if (any() % 2)
		((uint32_t *)&head)[4 + any() % 2] = (uint32_t)odd();
	*trace = head;
}

int main(int argc, char **argv)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	unsigned int seals;
	struct gmb_page *page;
	struct gmb_trace *trace;

	seed = argc > 1 ? strtoul(argv[1], NULL, 10) + 1 : 1;
	seed *= 0x9e3779b97f4a7c15u;
	/* One in eight could shrink under a reader, who must not map it. */
	seals = any() % 8 ? F_SEAL_SHRINK : 0;
	page = make(GMB_PAGE_NAME, PAGE_BYTES, seals);
	trace = make(GMB_TRACE_FILE, TRACE_BYTES, seals);
	fill(page, PAGE_BYTES);
	fill(trace, TRACE_BYTES);
	make_head(page);
	make_trace(trace);
	puts("ready");
	fflush(stdout);
	while (!poll(&input, 1, 0)) {
		fill((char *)page + sizeof(*page), PAGE_BYTES - sizeof(*page));
		make_head(page);
		make_trace(trace);
	}
	return 0;
}
