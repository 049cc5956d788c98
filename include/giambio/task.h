/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Tasks: join, cancel, sleep, yield, and what can be asked of a task.
 *
 * A task pointer is valid until the manager that holds the task closes (or,
 * with GMB_SPAWN_FORGET, until the task ends).
 */
#ifndef GIAMBIO_TASK_H
#define GIAMBIO_TASK_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most that gmb_task_set_slack() takes. */
#define GMB_SLACK_MAX_NS	GMB_SEC

/**
 * enum gmb_task_state - where a task stands
 * @GMB_TASK_READY:     it can run and waits for its turn
 * @GMB_TASK_RUNNING:   it runs
 * @GMB_TASK_WAITING:   it waits for something, see gmb_dump()
 * @GMB_TASK_DONE:      it ended with a result >= 0
 * @GMB_TASK_FAILED:    it ended with an error
 * @GMB_TASK_CANCELLED: it was cancelled and ended with -ECANCELED
 */
enum gmb_task_state {
	GMB_TASK_READY = 1,
	GMB_TASK_RUNNING,
	GMB_TASK_WAITING,
	GMB_TASK_DONE,
	GMB_TASK_FAILED,
	GMB_TASK_CANCELLED,
};

/**
 * gmb_self() - the task that is running
 *
 * Context: any thread. Never suspends.
 * Return: the calling task; NULL outside a task.
 */
GMB_API struct gmb_task *gmb_self(void);

/**
 * gmb_join() - wait until a task has ended
 * @task:   a task of this loop whose manager is open
 * @result: [out] the task's result; may be NULL; written only on 0
 *
 * It may be joined any number of times, by any number of tasks, also after it
 * has ended; the answer is always the same. Joining does not take the error
 * from the manager.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0; -ECANCELED the wait was cancelled; -EDEADLK the task is the
 *	caller itself or the opener of a manager that the caller lives in;
 *	-EXDEV a task of another loop; -EPERM outside a task.
 */
GMB_API int gmb_join(struct gmb_task *task, intptr_t *result);

/**
 * gmb_task_cancel() - cancel one task
 * @task: a task of this loop
 *
 * Every wait of the task that is not shielded fails with -ECANCELED from now
 * on, also those of tasks in managers that it has opened. It does not wait for
 * the task to end: gmb_join() does. A task that then returns -ECANCELED has not
 * failed. A task that has ended is left as it is.
 *
 * Context: any task or hook of the loop. Never suspends.
 */
GMB_API void gmb_task_cancel(struct gmb_task *task);

/**
 * gmb_task_result() - the result of a task that has ended
 * @task: a task whose manager is open
 *
 * Context: any task of the loop. Never suspends.
 * Return: what its function returned; -EINPROGRESS while it has not ended.
 */
GMB_API intptr_t gmb_task_result(const struct gmb_task *task);

/**
 * gmb_task_state() - where a task stands
 * @task: a task whose manager is open
 *
 * Context: any task of the loop. Never suspends.
 * Return: one of enum gmb_task_state.
 */
GMB_API enum gmb_task_state gmb_task_state(const struct gmb_task *task);

/**
 * gmb_task_id() - the number of a task
 * @task: a task whose manager is open
 *
 * Context: any task of the loop. Never suspends.
 * Return: a number that no other task of the loop has had or will have, from 1.
 */
GMB_API uint64_t gmb_task_id(const struct gmb_task *task);

/**
 * gmb_task_name() - the name of a task
 * @task: a task whose manager is open
 *
 * Context: any task of the loop. Never suspends.
 * Return: a string that lives as long as the task's record; never NULL.
 */
GMB_API const char *gmb_task_name(const struct gmb_task *task);

/**
 * gmb_task_set_name() - name a task
 * @task: a task whose manager is open
 * @name: copied, cut at 23 characters
 *
 * Context: any task of the loop. Never suspends.
 */
GMB_API void gmb_task_set_name(struct gmb_task *task, const char *name);

/**
 * gmb_task_steps() - how often a task has run
 * @task: a task whose manager is open
 *
 * Context: any task of the loop. Never suspends.
 * Return: the number of times the task was switched to.
 */
GMB_API uint64_t gmb_task_steps(const struct gmb_task *task);

/**
 * gmb_task_set_slack() - let a task's input and output be late
 * @task:     a task of this loop
 * @slack_ns: how long what the task waits for may be held back once it could
 *	be had: 0 (no time) to %GMB_SLACK_MAX_NS
 *
 * A sleeping loop is woken for each event. A task that does not care about a
 * few hundred microseconds, such as a bulk transfer, says so here; then the
 * loop sleeps until the earliest moment at which some task's patience ends,
 * and takes all events of that time in one go. A task without slack is not
 * held up by others that have it, and while the loop is awake everything goes
 * on at once.
 *
 * It counts for operations on files and sockets that begin to wait from now
 * on; timers, objects and messages are never held back. Only the kernel module
 * can treat the events of one loop differently: on the backends "uring" and
 * "epoll" the value is kept and has no effect.
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: 0; -EINVAL @slack_ns is negative or above %GMB_SLACK_MAX_NS.
 */
GMB_API int gmb_task_set_slack(struct gmb_task *task, gmb_time slack_ns);

/**
 * gmb_task_slack() - how long a task's input and output may be late
 * @task: a task whose manager is open
 *
 * A new task begins with what the task has that opened its manager, the main
 * task with 0.
 *
 * Context: any task of the loop. Never suspends.
 * Return: nanoseconds.
 */
GMB_API gmb_time gmb_task_slack(const struct gmb_task *task);

/**
 * gmb_sleep() - suspend the calling task for a time
 * @span_ns: nanoseconds; 0 or less is gmb_yield()
 *
 * Context: task only; suspends; cancellation and scheduling point.
 * Return: 0; -ECANCELED; -EPERM outside a task; -ENOMEM no memory for the
 *	timer.
 */
GMB_API int gmb_sleep(gmb_time span_ns);

/**
 * gmb_sleep_until() - suspend the calling task until a point in time
 * @when: absolute; in the past it is gmb_yield(); %GMB_NEVER sleeps until the
 *	task is cancelled
 *
 * Context: task only; suspends; cancellation and scheduling point. O(log n) in
 * running timers.
 * Return: as gmb_sleep().
 */
GMB_API int gmb_sleep_until(gmb_time when);

/**
 * gmb_yield() - let the other ready tasks run once
 *
 * The explicit checkpoint: a cancellation point and a scheduling point.
 *
 * Context: task only; may suspend.
 * Return: 0; -ECANCELED the task is cancelled, and it did not give way;
 *	-EPERM outside a task.
 */
GMB_API int gmb_yield(void);

/**
 * gmb_checkpoint() - ask whether the calling task is cancelled
 *
 * For long calculations: a cancellation point that is no scheduling point. A
 * deadline that has passed meanwhile counts. For Ctrl-C, and for what other
 * tasks and threads do, the loop must have its turn: call gmb_yield() now and
 * then.
 *
 * Context: task only. Never suspends. O(1) plus the timers that are due; reads
 * the clock if there is a deadline.
 * Return: 0; -ECANCELED; -EPERM outside a task.
 */
GMB_API int gmb_checkpoint(void);

#ifdef __cplusplus
}
#endif

#endif
