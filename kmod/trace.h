/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Trace events, for perf, ftrace and bpftrace: the life of an operation from
 * its submission to its completion. Off, each costs one branch that is patched
 * out. The field ctx is the number that GMB_IOC_SETUP returned.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM giambio

#if !defined(GMB_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define GMB_TRACE_H

#include <linux/fs.h>
#include <linux/giambio.h>
#include <linux/tracepoint.h>

/* clang-format off */
TRACE_EVENT(gmb_trap_enter,
	TP_PROTO(u32 ctx, u32 waiting, u32 min, u64 timeout_ns),
	TP_ARGS(ctx, waiting, min, timeout_ns),
	TP_STRUCT__entry(
		__field(u64, timeout_ns)
		__field(u32, ctx)
		__field(u32, waiting)
		__field(u32, min)
	),
	TP_fast_assign(
		__entry->timeout_ns = timeout_ns;
		__entry->ctx = ctx;
		__entry->waiting = waiting;
		__entry->min = min;
	),
	TP_printk("ctx=%u waiting=%u min=%u timeout_ns=%llu", __entry->ctx,
		  __entry->waiting, __entry->min, __entry->timeout_ns)
);

TRACE_EVENT(gmb_trap_exit,
	TP_PROTO(u32 ctx, int ret),
	TP_ARGS(ctx, ret),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ret = ret;
	),
	TP_printk("ctx=%u ret=%d", __entry->ctx, __entry->ret)
);

TRACE_EVENT(gmb_submit,
	TP_PROTO(u32 ctx, const struct gmb_ioc_op *op),
	TP_ARGS(ctx, op),
	TP_STRUCT__entry(
		__field(u64, user_data)
		__field(u32, ctx)
		__field(u32, slot)
		__field(u32, len)
		__field(u32, slack_ns)
		__field(u8, opcode)
		__field(u8, flags)
	),
	TP_fast_assign(
		__entry->user_data = op->user_data;
		__entry->ctx = ctx;
		__entry->slot = op->slot;
		__entry->len = op->len;
		__entry->slack_ns = op->slack_ns;
		__entry->opcode = op->opcode;
		__entry->flags = op->flags;
	),
	TP_printk("ctx=%u user_data=0x%llx op=%u slot=%u len=%u flags=0x%x slack_ns=%u",
		  __entry->ctx, __entry->user_data, __entry->opcode,
		  __entry->slot, __entry->len, __entry->flags,
		  __entry->slack_ns)
);

TRACE_EVENT(gmb_ready,
	TP_PROTO(u32 ctx, const struct file *file, u32 events),
	TP_ARGS(ctx, file, events),
	TP_STRUCT__entry(
		__field(u64, ino)
		__field(u32, ctx)
		__field(u32, events)
	),
	TP_fast_assign(
		__entry->ino = file_inode(file)->i_ino;
		__entry->ctx = ctx;
		__entry->events = events;
	),
	TP_printk("ctx=%u ino=%llu events=0x%x", __entry->ctx, __entry->ino,
		  __entry->events)
);

TRACE_EVENT(gmb_task_ready,
	TP_PROTO(u32 ctx, u64 user_data),
	TP_ARGS(ctx, user_data),
	TP_STRUCT__entry(
		__field(u64, user_data)
		__field(u32, ctx)
	),
	TP_fast_assign(
		__entry->user_data = user_data;
		__entry->ctx = ctx;
	),
	TP_printk("ctx=%u user_data=0x%llx", __entry->ctx, __entry->user_data)
);

TRACE_EVENT(gmb_wake,
	TP_PROTO(u32 ctx, u32 reason, u32 events),
	TP_ARGS(ctx, reason, events),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, reason)
		__field(u32, events)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->reason = reason;
		__entry->events = events;
	),
	TP_printk("ctx=%u reason=%s events=%u", __entry->ctx,
		  __print_symbolic(__entry->reason,
				   { 0, "urgent" }, { 1, "count" },
				   { 2, "budget" }, { 3, "kick" },
				   { 4, "end" }, { 5, "sweep" }),
		  __entry->events)
);

TRACE_EVENT(gmb_complete,
	TP_PROTO(u32 ctx, u64 user_data, int res, u32 flags),
	TP_ARGS(ctx, user_data, res, flags),
	TP_STRUCT__entry(
		__field(u64, user_data)
		__field(u32, ctx)
		__field(int, res)
		__field(u32, flags)
	),
	TP_fast_assign(
		__entry->user_data = user_data;
		__entry->ctx = ctx;
		__entry->res = res;
		__entry->flags = flags;
	),
	TP_printk("ctx=%u user_data=0x%llx res=%d flags=0x%x", __entry->ctx,
		  __entry->user_data, __entry->res, __entry->flags)
);
/* clang-format on */

#endif /* GMB_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
