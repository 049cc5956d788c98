/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* What the files of backtraces share; see backtrace.h. */
#ifndef TOOLS_GMBSTAT_UNWIND_H
#define TOOLS_GMBSTAT_UNWIND_H

#include <elfutils/libdwfl.h>
#include "gmbstat/backtrace.h"

#if defined(__x86_64__)
#define UNWIND_SP	7
#define UNWIND_BP	6
#define UNWIND_REGISTERS 17	/* the last is the return address */
#elif defined(__aarch64__)
#define UNWIND_SP	31
#define UNWIND_BP	29
#define UNWIND_REGISTERS 32
#else
#define UNWIND_SP	0
#define UNWIND_BP	0
#define UNWIND_REGISTERS 0	/* contexts of this machine are not known */
#endif

/* So much of a stack is copied at most; a task's is 64 KiB by default. */
#define UNWIND_COPY	(512 * 1024)

/**
 * struct unwind_state - where a walk begins
 * @pc:        program counter
 * @registers: by their DWARF numbers
 * @known:     bit for each that is set
 * @stack:     copy of the stack from its stack pointer on; NULL: it is read
 *	where it is
 * @size:      bytes of it
 * @low:       the address of its first byte
 */
struct unwind_state {
	uint64_t pc;
	uint64_t registers[UNWIND_REGISTERS + 1];
	uint64_t known;
	char *stack;
	size_t size;
	uint64_t low;
};

/*
 * A thread's registers, and a copy of its stack, the caller's to free. Return
 * 0, or as backtrace_thread(); unwind_blocked() has a stack pointer and program
 * counter only, and returns -EBUSY for a thread that does not block.
 */
int unwind_blocked(struct unwind_state *state, pid_t pid, pid_t tid);
int unwind_sample(struct unwind_state *state, pid_t tid);
int unwind_stop(struct unwind_state *state, pid_t pid, pid_t tid);

/**
 * struct symbols - what is known of the addresses of a process
 * @dwfl:  its modules
 * @table: addresses that were looked up; most tasks wait in the same places
 * @room:  slots of it, a power of two
 * @used:  of them
 */
struct symbols {
	Dwfl *dwfl;
	struct symbols_entry *table;
	size_t room;
	size_t used;
};

/**
 * symbols_find() - the functions that an address is in
 * @symbols: the process's
 * @pc:      the address
 * @call:    it is a return address: look up the call before it
 * @frames:  [out] the innermost first; lives as long as @symbols
 *
 * Return: how many, at least 1; -ENOMEM.
 */
int symbols_find(struct symbols *symbols, uint64_t pc, bool call,
		 const struct backtrace_frame **frames);

void symbols_fini(struct symbols *symbols);

#endif
