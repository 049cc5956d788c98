/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The fuzzer's parts: a world of descriptors and contexts, which one thread
 * owns, and the steps that can be taken in it.
 */
#ifndef GMB_FUZZ_H
#define GMB_FUZZ_H

#include <linux/giambio.h>
#include <stddef.h>
#include <stdint.h>

#define CONTEXTS	3
#define FILES		24
/*
 * Buffers begin in the first quarter of an arena and reach no further than its
 * end, behind which nothing may be read or written: what the kernel writes
 * there hurts nobody.
 */
#define ARENA		(2UL << 20)

struct context {
	int fd;			/* -1: closed */
	struct gmb_ioc_setup setup;
	char *map;		/* NULL: not mapped */
};

/* One thread's; nothing of it is shared but the kernel's objects behind it. */
struct world {
	uint64_t random;
	uint64_t operations;	/* handed in, and calls made */
	uint64_t accepted;	/* completions that were no errors */
	struct context context[CONTEXTS];
	int file[FILES];	/* -1: closed */
	char *arena;
	int channel[2];		/* a pair of sockets for passing descriptors */
	int netlink;		/* a socket that nobody else closes */
};

/* Numbers: below n; whether one in n; an interesting 64-bit one. */
uint32_t pick(struct world *w, uint32_t n);
int chance(struct world *w, uint32_t n);
uint64_t odd_number(struct world *w);

void world_begin(struct world *w, uint64_t seed);
void world_end(struct world *w);
int world_file(struct world *w);
void file_step(struct world *w);

int netlink_open(void);
void netlink_step(struct world *w, int fd);

void context_begin(struct context *c, struct world *w);
void context_end(struct context *c);
void context_step(struct context *c, struct world *w);

#endif /* GMB_FUZZ_H */
