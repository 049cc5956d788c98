/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What the kernel module tells over netlink: see
 * <linux/giambio_netlink.h>. All answers are collected before a caller gets
 * them, so a callback may ask the next question.
 */
#ifndef TOOLS_COMMON_MODULE_H
#define TOOLS_COMMON_MODULE_H

#include <stddef.h>
#include <stdint.h>
#include <uapi/linux/giambio_netlink.h>
#include "common/histogram.h"

#define MODULE_ALL	UINT32_MAX	/* of all contexts; not of one task */

struct module;

/**
 * struct module_context - a context; fields as in enum gmb_nl_context
 * @value: the numbers, by attribute
 * @comm:  name of the process
 */
struct module_context {
	uint64_t value[GMB_NL_CONTEXT_MAX + 1];
	char comm[32];
};

/**
 * struct module_watch - a watch; fields as in enum gmb_nl_watch
 * @value: the numbers, by attribute
 * @set:   a bit for each attribute that was there
 */
struct module_watch {
	uint64_t value[GMB_NL_WATCH_MAX + 1];
	uint32_t set;
};

/**
 * struct module_task - a registered task; fields as in enum gmb_nl_task
 * @value: the numbers, by attribute
 */
struct module_task {
	uint64_t value[GMB_NL_TASK_MAX + 1];
};

/**
 * module_open() - reach the module
 * @out: [out] to be given back with module_close(); NULL on failure
 *
 * Return: 0; -ENOENT it is not loaded, or has no netlink family; -errno.
 */
int module_open(struct module **out);

/* NULL is allowed. Ends what module_observe() has begun. */
void module_close(struct module *module);

/*
 * Each of these sets *out to an array that the caller frees, NULL when there is
 * nothing. They return how many there are; -ENOENT the context has gone, or the
 * user may not see it; -errno.
 */
ssize_t module_contexts(struct module *module, struct module_context **out);
ssize_t module_watches(struct module *module, uint32_t context,
		       struct module_watch **out);
ssize_t module_tasks(struct module *module, uint32_t context,
		     struct module_task **out);

/**
 * module_histograms() - the stages of a context, or of a task of it
 * @module:  the module
 * @context: its number
 * @slot:    a registered task, or %MODULE_ALL: of the whole context
 * @stages:  [out] by enum gmb_nl_stage; what was not sent is empty
 *
 * Return: 0; -ENOENT the context or the task has gone; -errno.
 */
int module_histograms(struct module *module, uint32_t context, uint32_t slot,
		      struct histogram stages[__GMB_NL_STAGE_MAX]);

/* Empty the histograms and zero the counters of a context. */
int module_reset(struct module *module, uint32_t context);

/**
 * module_observe() - turn measuring on, as long as the module is open
 * @module:  the module
 * @context: its number, or %MODULE_ALL
 * @what:    an or of %GMB_NL_OBSERVE_ bits; 0 is off
 *
 * Return: 0; -ENOENT the context has gone; -errno.
 */
int module_observe(struct module *module, uint32_t context, uint32_t what);

/**
 * struct module_batch - events of one context
 * @context: its number
 * @before:  events of this context before these; those that did not arrive
 *           count
 * @count:   events in this batch
 * @events:  they; the callee's only during the call
 */
struct module_batch {
	uint32_t context;
	uint64_t before;
	size_t count;
	const struct gmb_nl_event *events;
};

/**
 * module_subscribe() - receive events from now on
 * @module: the module; it asks for what is needed by itself, in place of what
 *          module_observe() has asked for
 *
 * Who may see all contexts becomes a member of the multicast group; everybody
 * else subscribes to his own. What comes is the same.
 *
 * Return: a descriptor to be polled, the module's own; -errno.
 */
int module_subscribe(struct module *module);

/**
 * module_receive() - take what has come, without waiting
 * @module: subscribed
 * @each:   called with each batch
 * @user:   handed on
 *
 * Return: batches; -ENOBUFS some were lost on the way to this process, more can
 * be received; -errno.
 */
int module_receive(struct module *module,
		   void (*each)(void *user, const struct module_batch *batch),
		   void *user);

#endif
