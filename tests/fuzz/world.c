/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

#define GUARD		4096
#define STACK		65536
/* What there is of a world's memory. */
#define MEMORY		(ARENA + GUARD + STACK)

/* A permutation of the state (splitmix64): any seed does, zero as well. */
static uint64_t next(struct world *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint32_t pick(struct world *w, uint32_t n)
{
	return (next(w) >> 32) * n >> 32;
}

bool chance(struct world *w, uint32_t n)
{
	return !pick(w, n);
}

uint64_t odd_number(struct world *w)
{
	uint64_t n = next(w);

	switch (pick(w, 6)) {
	case 0:
		return n;
	case 1:
		return n >> 32;
	case 2:
		return 1ULL << n % 64;
	case 3:
		return (1ULL << n % 64) - 1;
	case 4:
		return -(n % 5000);
	}
	return n % 100;
}

void count(struct world *w, enum kind kind, uint32_t n)
{
	w->operations += n;
	atomic_fetch_add_explicit(&w->crew->tally->count[kind], n,
				  memory_order_relaxed);
}

struct context *any_context(struct world *w)
{
	return &w->crew->context[pick(w, THREADS * CONTEXTS)];
}

static void fail_nth(struct world *w, uint32_t n)
{
	char text[12];
	int len = snprintf(text, sizeof(text), "%u", n);

	/* It fails when the number was closed meanwhile: no matter. */
	if (pwrite(w->fail_nth, text, len, 0) < 0)
		return;
}

void fail_some(struct world *w)
{
	sigset_t all;

	if (w->fail_nth < 0 || !chance(w, 30))
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	w->failing = true;
	fail_nth(w, 1 + pick(w, chance(w, 2) ? 4 : 30));
}

void fail_none(struct world *w)
{
	sigset_t none;

	if (!w->failing)
		return;
	w->failing = false;
	fail_nth(w, 0);
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static void make_memory(struct world *w)
{
	w->arena = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w->arena == MAP_FAILED ||
	    mprotect(w->arena + ARENA, GUARD, PROT_NONE)) {
		printf("Bail out! no memory: %s\n", strerror(errno));
		exit(1);
	}
	w->stack = w->arena + MEMORY;
}

static void make_listener(struct world *w)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK |
			     SOCK_CLOEXEC, 0);
	if (bind(w->listener, (void *)&a, sizeof(a)) || listen(w->listener, 4))
		printf("# no TCP: %s\n", strerror(errno));
}

void crew_begin(struct crew *crew)
{
	int i;

	for (i = 0; i < FILES; i++)
		crew->file[i] = -1;
	for (i = 0; i < THREADS * CONTEXTS; i++)
		crew->context[i].fd = -1;
}

void world_begin(struct world *w, struct crew *crew, uint32_t index)
{
	char path[50];
	int i;

	memset(w, 0, sizeof(*w));
	w->crew = crew;
	w->own = &crew->context[index * CONTEXTS];
	w->random = crew->seed + index * 0x2545f4914f6cdd1dULL;
	w->index = index;
	w->lone = crew->threads == 1;
	make_memory(w);
	make_listener(w);
	w->netlink = netlink_open();
	snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth",
		 crew->thread[index]);
	w->fail_nth = open(path, O_RDWR | O_CLOEXEC);
	for (i = 0; i < FILES / (int)crew->threads / 2; i++)
		new_file(w);
	for (i = 0; i < CONTEXTS; i++)
		context_begin(&w->own[i], w);
}

void world_end(struct world *w)
{
	int i;

	for (i = 0; i < CONTEXTS; i++)
		context_end(&w->own[i]);
	for (i = w->index; i < FILES; i += w->crew->threads)
		close(atomic_exchange(&w->crew->file[i], -1));
	close(w->listener);
	close(w->netlink);
	munmap(w->arena, MEMORY);
}
