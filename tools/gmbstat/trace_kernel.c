/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdlib.h>
#include "common/memory.h"
#include "common/module.h"
#include "gmbstat/trace_kernel.h"

/**
 * struct context - a context whose events come
 * @id:     its number
 * @pid:    of its process; 0: it is not one that is traced
 * @next:   events of this context before the next batch, if none is missing
 */
struct context {
	uint32_t id;
	pid_t pid;
	uint64_t next;
};

struct trace_kernel {
	struct trace_file *file;
	struct module *module;
	struct context *contexts;
	size_t context_count;
	pid_t *pids;
	size_t pid_count;
	uint64_t count;
	uint64_t lost;
};

int trace_kernel_new(struct trace_kernel **out, struct trace_file *file)
{
	struct module *module;
	int rc;

	*out = NULL;
	rc = module_open(&module);
	if (rc < 0)
		return rc;
	rc = module_subscribe(module);
	if (rc < 0) {
		module_close(module);
		return rc;
	}
	*out = memory_zeroed(1, sizeof(**out));
	(*out)->file = file;
	(*out)->module = module;
	return 0;
}

static bool is_traced(const struct trace_kernel *kernel, pid_t pid)
{
	size_t i;

	for (i = 0; i < kernel->pid_count; i++) {
		if (kernel->pids[i] == pid)
			return true;
	}
	return false;
}

void trace_kernel_add(struct trace_kernel *kernel, pid_t pid)
{
	size_t i;

	if (is_traced(kernel, pid))
		return;
	kernel->pids = memory_get(kernel->pids, (kernel->pid_count + 1) *
							sizeof(pid_t));
	kernel->pids[kernel->pid_count++] = pid;
	/* Contexts that were not of interest may be now. */
	for (i = 0; i < kernel->context_count; i++) {
		if (!kernel->contexts[i].pid)
			kernel->contexts[i].id = 0;
	}
}

/* Whose context it is; one that has ended meanwhile is nobody's. */
static pid_t owner_of(struct trace_kernel *kernel, uint32_t id)
{
	struct module_context *list = NULL;
	ssize_t n = module_contexts(kernel->module, &list), i;
	pid_t pid = 0;

	for (i = 0; i < n; i++) {
		if (list[i].value[GMB_NL_CONTEXT_ID] == id)
			pid = (pid_t)list[i].value[GMB_NL_CONTEXT_PID];
	}
	free(list);
	return is_traced(kernel, pid) ? pid : 0;
}

static struct context *context_of(struct trace_kernel *kernel,
				  const struct module_batch *batch)
{
	struct context *c;
	size_t i;

	for (i = 0; i < kernel->context_count; i++) {
		if (kernel->contexts[i].id == batch->context)
			return &kernel->contexts[i];
	}
	kernel->contexts = memory_get(kernel->contexts,
				      (kernel->context_count + 1) *
					      sizeof(*kernel->contexts));
	c = &kernel->contexts[kernel->context_count++];
	*c = (struct context){
		.id = batch->context,
		.pid = owner_of(kernel, batch->context),
		.next = batch->before,
	};
	return c;
}

static const char *reason_of(uint16_t reason)
{
	static const char *const names[] = { "urgent", "count", "budget",
					     "kick", "itself" };

	return reason < sizeof(names) / sizeof(*names) ? names[reason] :
							 "no sleep";
}

static void show_stage(struct trace_kernel *kernel, struct trace_track track,
		       const char *name, uint64_t link, uint64_t from,
		       uint64_t to)
{
	if (!from || !to || to < from)
		return;
	trace_file_async_begin(kernel->file, track, "giambio.ko", name, link,
			       (int64_t)from);
	trace_file_close(kernel->file);
	trace_file_async_end(kernel->file, track, "giambio.ko", name, link,
			     (int64_t)to);
}

/* Without a sleep there is no moment of waking, and without stamps nothing. */
static void show_event(struct trace_kernel *kernel, struct trace_track track,
		       const struct gmb_nl_event *e)
{
	struct trace_file *file = kernel->file;
	uint64_t from = e->ready ? e->ready : e->running, link;
	char text[24];

	if (!from || e->done < from || (int64_t)e->done < file->began)
		return;
	link = trace_file_link(file);
	trace_file_async_begin(file, track, "giambio.ko", "completion", link,
			       (int64_t)from);
	json_i64(&file->json, "res", e->res);
	json_string(&file->json, "wakeup", reason_of(e->reason));
	snprintf(text, sizeof(text), "%#llx", (unsigned long long)e->user_data);
	json_string(&file->json, "user_data", text);
	trace_file_close(file);
	show_stage(kernel, track, "held", link, e->ready, e->woken);
	show_stage(kernel, track, "scheduled", link, e->woken, e->running);
	show_stage(kernel, track, "trap", link, e->running, e->done);
	trace_file_async_end(file, track, "giambio.ko", "completion", link,
			     (int64_t)e->done);
	kernel->count++;
}

static void take_batch(void *user, const struct module_batch *batch)
{
	struct trace_kernel *kernel = user;
	struct context *c = context_of(kernel, batch);
	struct trace_track track = { c->pid, (uint32_t)c->pid };
	size_t i;

	/* Fewer than before: numbers have begun anew. */
	if (c->pid && batch->before > c->next)
		kernel->lost += batch->before - c->next;
	c->next = batch->before + batch->count;
	for (i = 0; i < batch->count && c->pid; i++)
		show_event(kernel, track, &batch->events[i]);
}

void trace_kernel_read(struct trace_kernel *kernel)
{
	/* The next batch tells how much did not fit; there is more to read. */
	if (module_receive(kernel->module, take_batch, kernel) == -ENOBUFS)
		module_receive(kernel->module, take_batch, kernel);
}

uint64_t trace_kernel_count(const struct trace_kernel *kernel)
{
	return kernel->count;
}

uint64_t trace_kernel_lost(const struct trace_kernel *kernel)
{
	return kernel->lost;
}

void trace_kernel_free(struct trace_kernel *kernel)
{
	if (!kernel)
		return;
	module_close(kernel->module);
	free(kernel->contexts);
	free(kernel->pids);
	free(kernel);
}
