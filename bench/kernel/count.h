/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What programs that count instructions share: priorities, clocks, and counts
 * of what another process does. Root's only, in a machine of one CPU.
 */

#ifndef GIAMBIO_BENCH_KERNEL_COUNT_H
#define GIAMBIO_BENCH_KERNEL_COUNT_H

#include <stdint.h>
#include <sys/types.h>

/* Have the calling thread run before all others, whenever it can run. */
void count_first(void);

/* Sleep for so many instructions, during which others run. */
void count_sleep(int64_t ns);

/* Instructions that a process has executed. */
int64_t count_cpu(pid_t pid);

/* Times that the threads of a process went to sleep. */
long count_sleeps(pid_t pid);

/**
 * count_calls_begin() - count the system calls of a process from now on
 * @pid: process of one thread
 *
 * Return: what count_calls_end() is compared with; -1: this kernel cannot.
 */
long count_calls_begin(pid_t pid);

/* Stop counting. */
long count_calls_end(void);

#endif
