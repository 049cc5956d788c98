/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* What /proc tells of other processes. Any of them may end at any moment. */
#ifndef TOOLS_COMMON_PROC_H
#define TOOLS_COMMON_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_COMM_SIZE	64

/* Write "/proc/PID/..." into path; returns path. */
char *proc_path(char path[64], pid_t pid, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Whether /proc numbers processes as system calls do: not if it was mounted in
 * another pid namespace.
 */
bool proc_is_ours(void);

/**
 * proc_read() - read a small file of /proc
 * @path: its path
 * @text: [out] ends with '\0'; cut if it is longer
 * @size: bytes of text
 *
 * Return: its length; -errno.
 */
ssize_t proc_read(const char *path, char *text, size_t size);

/* The name of a process, or of the thread tid of it; "?" if it has gone. */
char *proc_comm(char comm[PROC_COMM_SIZE], pid_t pid, pid_t tid);

/*
 * Whether a process calls itself number: it may live in a pid namespace.
 * Return: 1; 0; -errno.
 */
int proc_is_numbered(pid_t pid, pid_t number);

/* The thread of a process that calls itself number; 0: there is none. */
pid_t proc_thread(pid_t pid, pid_t number);

/**
 * struct proc_times - what a thread has done so far
 * @cpu_ns:   time it ran
 * @wait_ns:  time it was runnable and did not run; 0 where it is not kept
 * @slices:   how often it was put on a processor
 * @switches: how often it gave way although it could have run on
 * @state:    as in ps: R, S, D, ...
 * @cpu:      the processor it ran on last
 */
struct proc_times {
	uint64_t cpu_ns;
	uint64_t wait_ns;
	uint64_t slices;
	uint64_t switches;
	char state;
	int cpu;
};

/* Fill the first three only, quickly. Return: 0; -ESRCH it has gone; -errno. */
int proc_schedstat(struct proc_times *times, pid_t pid, pid_t tid);

/* Return: 0; -ESRCH it has gone; -errno. */
int proc_times(struct proc_times *times, pid_t pid, pid_t tid);

#endif
