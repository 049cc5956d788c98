/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <giambio/task.h>
#include "common/memory.h"
#include "common/table.h"
#include "gmbstat/backtrace.h"
#include "gmbstat/stack.h"

#define TRIES	5	/* for a task that goes on all the time */

struct stack {
	struct backtrace *bt;
	int error;	/* why there is none of the kept, or why it broke off */
	int count;
	struct backtrace_frame frames[BACKTRACE_FRAMES];
};

struct stack *stack_new(pid_t pid)
{
	struct stack *stack = memory_zeroed(1, sizeof(*stack));

	stack->error = backtrace_open(&stack->bt, pid);
	if (stack->error)
		stack->bt = NULL;
	return stack;
}

void stack_free(struct stack *stack)
{
	if (!stack)
		return;
	if (stack->bt)
		backtrace_close(stack->bt);
	free(stack);
}

static int keep(void *user, const struct backtrace_frame *frame)
{
	struct stack *stack = user;

	if (stack->count < BACKTRACE_FRAMES)
		stack->frames[stack->count++] = *frame;
	return 0;
}

/* Only what was read of a task that did not run meanwhile is its stack. */
static void walk_task(struct stack *stack, struct page *page,
		      const struct tree_task *task)
{
	uint64_t context[PAGE_CONTEXT];
	struct gmb_row before, after;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		stack->count = 0;
		stack->error = -ESRCH;
		if (!page_row(page, task->index, &before, context) ||
		    before.id != task->row.id)
			return;
		stack->error = -EINVAL;
		if (before.state == GMB_TASK_RUNNING)
			break;
		stack->error = backtrace_task(stack->bt, context, keep, stack);
		if (page_row(page, task->index, &after, NULL) &&
		    after.id == before.id && after.steps == before.steps)
			return;
	}
	stack->count = 0;
	stack->error = backtrace_thread(stack->bt, page->tid, true, keep,
					stack);
}

static void take(struct stack *stack, struct page *page,
		 const struct tree_task *task)
{
	if (stack->bt)
		walk_task(stack, page, task);
}

/*
 * Any task that waits will do: it is in the program and in the library. The
 * thread waits in the C library.
 */
void stack_warm(struct stack *stack, struct page *page)
{
	size_t rows = page_rows(page), i;
	uint64_t context[PAGE_CONTEXT];
	struct gmb_row row;

	for (i = 0; stack->bt && i < rows; i++) {
		if (!page_row(page, i, &row, context) ||
		    row.state != GMB_TASK_WAITING)
			continue;
		backtrace_task(stack->bt, context, keep, stack);
		break;
	}
	if (stack->bt)
		backtrace_thread(stack->bt, page->tid, true, keep, stack);
	stack->count = 0;
}

int stack_thread(struct stack *stack, pid_t tid)
{
	if (!stack->bt)
		return stack->error;
	stack->count = 0;
	stack->error = backtrace_thread(stack->bt, tid, true, keep, stack);
	return stack->count ? stack->count : stack->error;
}

static const char *why(int error)
{
	switch (error) {
	case 0:
		return NULL;
	case -ESRCH:
		return "it has ended";
	case -EPERM:
	case -EACCES:
		return "not permitted";
	case -EAGAIN:
	case -EINVAL:
		return "it did not stay where it was long enough";
	case -ENODATA:
		return "the rest cannot be read";
	case -EXDEV:
		return "/proc is of another pid namespace";
	case -ENOEXEC:
		return "the program's files cannot be understood";
	default:
		return strerror(-error);
	}
}

void stack_print_kept(struct stack *stack, FILE *out)
{
	int i;

	for (i = 0; i < stack->count; i++) {
		fprintf(out, "    #%-2d ", i);
		backtrace_print(out, &stack->frames[i]);
		putc('\n', out);
	}
	if (why(stack->error))
		fprintf(out, "    (%s)\n", why(stack->error));
}

static void json_frame(struct json *json, const struct backtrace_frame *frame)
{
	char text[24];

	json_object(json, NULL);
	snprintf(text, sizeof(text), "%#llx", (unsigned long long)frame->pc);
	json_string(json, "pc", text);
	json_string(json, "function", frame->function);
	json_string(json, "file", frame->file);
	if (frame->line)
		json_i64(json, "line", frame->line);
	else
		json_null(json, "line");
	json_string(json, "module", frame->module);
	json_bool(json, "inlined", frame->inlined);
	json_end(json);
}

void stack_json_kept(struct stack *stack, struct json *json)
{
	int i;

	json_array(json, "stack");
	for (i = 0; i < stack->count; i++)
		json_frame(json, &stack->frames[i]);
	json_end(json);
	json_string(json, "stack_error", why(stack->error));
}

void stack_print(struct stack *stack, struct page *page,
		 const struct tree_task *task, FILE *out)
{
	take(stack, page, task);
	stack_print_kept(stack, out);
}

void stack_json(struct stack *stack, struct page *page,
		const struct tree_task *task, struct json *json)
{
	take(stack, page, task);
	stack_json_kept(stack, json);
}
