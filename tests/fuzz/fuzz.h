/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The fuzzer's parts. A crew is a process: contexts and files that its threads
 * share. A world is what one thread sees of it, with its own random numbers.
 * Every thread submits to its own contexts; all of them wake, trap, close and
 * replace whatever the crew has, so that sleeps are ended from outside.
 */
#ifndef GMB_FUZZ_H
#define GMB_FUZZ_H

#include <linux/giambio.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define THREADS		3
/* Of one thread. */
#define CONTEXTS	3
#define FILES		32
/* Indices of watches and tasks that are used on purpose. */
#define SLOTS		16
/*
 * Buffers begin in the first quarter of an arena and reach no further than its
 * end, behind which nothing may be read or written: what the kernel writes
 * there hurts nobody.
 */
#define ARENA		(2UL << 20)

/*
 * What counts as an operation: an entry of a submission ring that the kernel
 * took, or one call (or a request over netlink) that was made.
 */
enum kind {
	ENTRY,		/* taken from a submission ring */
	TRAP,		/* GMB_IOC_TRAP */
	WAKE,		/* GMB_IOC_WAKE */
	MISUSE,		/* rubbish for the device, rings, mapping */
	REQUEST,	/* sent over netlink */
	OTHER,		/* something done to a file that may be watched */
	KINDS
};

/* Shared by all processes. */
struct tally {
	_Atomic uint64_t count[KINDS];
	_Atomic uint64_t completions;
	_Atomic uint64_t good;		/* completions that are no errors */
	_Atomic uint64_t forks;
	uint64_t crews;
	uint64_t killed;
	uint64_t crashed;
};

struct context {
	atomic_int fd;			/* -1: closed */
	atomic_uint id;			/* for requests over netlink */
	/* The rest is for the thread that owns it. */
	struct gmb_ioc_setup setup;
	char *map;			/* NULL: not mapped */
	uint32_t seen;			/* entries that were counted */
	uint32_t made;			/* entries that were written */
};

struct crew {
	struct tally *tally;
	struct context context[THREADS * CONTEXTS];
	/* -1: closed. Sockets mostly have even indices. */
	atomic_int file[FILES];
	pid_t thread[THREADS];
	uint32_t threads;
	const int *channel;	/* a pair of sockets that all crews have */
	uint64_t seed;
	uint64_t life;		/* operations of each thread */
	bool doomed;		/* to be killed in the middle of its life */
};

struct world {
	struct crew *crew;
	struct context *own;	/* CONTEXTS of them */
	uint64_t random;
	uint64_t operations;
	uint32_t index;		/* of the thread */
	bool lone;		/* no other thread is or comes */
	bool sharer;		/* in a child that shares the memory */
	char *arena;
	char *stack;		/* for sharers; its top */
	int listener;		/* for TCP */
	int netlink;		/* a socket that mostly stays open */
	int fail_nth;		/* the kernel's file for that; or -1 */
	bool failing;
};

/* Numbers: below n; whether one in n; an interesting 64-bit one. */
uint32_t pick(struct world *w, uint32_t n);
bool chance(struct world *w, uint32_t n);
uint64_t odd_number(struct world *w);

void count(struct world *w, enum kind kind, uint32_t n);

/* world.c: what a thread begins and ends with */
void crew_begin(struct crew *crew);
void world_begin(struct world *w, struct crew *crew, uint32_t index);
void world_end(struct world *w);
struct context *any_context(struct world *w);
/*
 * Some of the time: have an allocation or a copy of what follows fail, until
 * fail_none(). Signals wait as long, or one would not find its stack.
 */
void fail_some(struct world *w);
void fail_none(struct world *w);

/* file.c: descriptors; any, or one that probably is a socket */
int any_file(struct world *w);
int any_socket(struct world *w);
int any_other(struct world *w);
void keep(struct world *w, int fd, bool is_socket);
void new_file(struct world *w);
void file_step(struct world *w);

int netlink_open(void);
void netlink_step(struct world *w, int fd);

/* entry.c: what is submitted */
/* @made: how many there were before in this context */
void entry_fill(struct world *w, struct gmb_ioc_op *op, uint32_t made);

void context_begin(struct context *c, struct world *w);
void context_end(struct context *c);
void context_step(struct context *c, struct world *w);

/* crew.c: a process, which does not return */
_Noreturn void crew_run(struct crew *crew);

#endif /* GMB_FUZZ_H */
