/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Backtraces of tasks of other processes.
 *
 * A task that waits is read without stopping anything: its three saved
 * registers stand in the loop's page, and its stack is read by
 * process_vm_readv(). The caller makes sure that the task did not run meanwhile
 * (steps of its row are the same before and after).
 *
 * A task that runs has its registers in its thread. They, and a copy of the
 * stack, are had from a sample that the kernel takes (perf_event_open), and
 * where that is not allowed, or the thread does not run, from ptrace, which
 * stops that one thread for the time it takes to copy the stack.
 *
 * Functions and lines come from the symbol tables and the DWARF of the files
 * that the process has mapped; nothing is fetched from the network. Inlined
 * functions are frames of their own.
 */
#ifndef TOOLS_GMBSTAT_BACKTRACE_H
#define TOOLS_GMBSTAT_BACKTRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define BACKTRACE_FRAMES	256	/* a stack is given up behind these */

struct backtrace;

/**
 * struct backtrace_frame - a function on a stack
 * @pc:       where it stands
 * @function: its name; NULL: not known
 * @file:     source file, as the compiler was told; NULL: not known
 * @line:     line in it; 0: not known
 * @module:   file name of the program or library; NULL: not known
 * @offset:   of @pc in the file's address space
 * @inlined:  the compiler has put it into the next frame
 *
 * The strings live as long as the struct backtrace.
 */
struct backtrace_frame {
	uint64_t pc;
	const char *function;
	const char *file;
	int line;
	const char *module;
	uint64_t offset;
	bool inlined;
};

/* Called for each frame, the innermost first; other than 0 ends the walk. */
typedef int (*backtrace_fn)(void *arg, const struct backtrace_frame *frame);

/**
 * backtrace_open() - get ready to read the stacks of a process
 * @out: [out] to be given back with backtrace_close()
 * @pid: the process
 *
 * Costs some milliseconds, and again as much when the first line is looked up.
 *
 * Return: 0; -ESRCH no such process; -EACCES, -EPERM the user may not;
 * -ENOEXEC what it has mapped cannot be understood; -EXDEV /proc is of another
 * pid namespace.
 */
int backtrace_open(struct backtrace **out, pid_t pid);

void backtrace_close(struct backtrace *bt);

/**
 * backtrace_task() - walk the stack of a task that waits
 * @bt:      its process
 * @context: stack pointer, program counter and frame pointer of its row
 * @fn:      called for each frame
 * @arg:     handed to @fn
 *
 * Return: what ended the walk: 0 the end of the stack, or what @fn returned;
 * -EINVAL the context is empty, because the task runs or they are not kept;
 * -ESRCH the process has gone; -ENODATA the walk broke off behind the last
 * frame, where the stack cannot be read or is not described.
 */
int backtrace_task(struct backtrace *bt, const uint64_t context[3],
		   backtrace_fn fn, void *arg);

/**
 * backtrace_thread() - walk the stack on which a thread is right now
 * @bt:   its process
 * @tid:  the thread
 * @stop: it may be stopped for a moment
 * @fn:   called for each frame
 * @arg:  handed to @fn
 *
 * With @stop a system call in which it blocks may be interrupted, if it is one
 * that signal(7) names as interrupted by a stop.
 *
 * Return: as backtrace_task(); -EAGAIN it got no processor within 250 ms, so no
 * sample was taken; -EPERM, -EACCES the user may not.
 */
int backtrace_thread(struct backtrace *bt, pid_t tid, bool stop,
		     backtrace_fn fn, void *arg);

/* Write "function at file:line", or as much of it as is known. */
void backtrace_print(FILE *out, const struct backtrace_frame *frame);

#endif
