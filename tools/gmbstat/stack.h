/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* Where tasks stand, as the commands show it. */
#ifndef TOOLS_GMBSTAT_STACK_H
#define TOOLS_GMBSTAT_STACK_H

#include <stdio.h>
#include "common/json.h"
#include "gmbstat/tree.h"

struct stack;

/* Where a process cannot be looked into, that is said for each task. */
struct stack *stack_new(pid_t pid);

/* NULL is allowed. */
void stack_free(struct stack *stack);

/*
 * Read what the files tell of functions and lines now, which takes a while, so
 * that it is there when a stack is to be taken quickly.
 */
void stack_warm(struct stack *stack, struct page *page);

/*
 * Print a line for each frame, or one that says why there is none. The task may
 * have gone on since its picture was taken: then its row is read again.
 */
void stack_print(struct stack *stack, struct page *page,
		 const struct tree_task *task, FILE *out);

/* Write it as the members "stack", an array, and "stack_error" or null. */
void stack_json(struct stack *stack, struct page *page,
		const struct tree_task *task, struct json *json);

/**
 * stack_thread() - where a thread stands right now
 * @stack: its process
 * @tid:   the thread
 *
 * What is found is kept until the next call with this struct stack.
 *
 * Return: frames; -errno, of backtrace_thread().
 */
int stack_thread(struct stack *stack, pid_t tid);

/* Print or write what was kept. */
void stack_print_kept(struct stack *stack, FILE *out);
void stack_json_kept(struct stack *stack, struct json *json);

#endif
