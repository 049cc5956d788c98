/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Task managers: the blocks that tasks live in.
 *
 * A manager is opened and closed by one task. Closing waits for every task
 * that was spawned in it, so no task outlives the block that holds its
 * manager, and what the tasks point to may lie on the opener's stack. The
 * first task that fails (returns a negative value) cancels the others; the
 * close returns its error, and all errors can be walked before that.
 *
 *	struct gmb_manager m;
 *	intptr_t rc = gmb_manager_open(&m);
 *
 *	if (rc == 0) {
 *		gmb_spawn(&m, worker, &a);
 *		gmb_spawn(&m, worker, &b);
 *		rc = gmb_manager_close(&m);
 *	}
 *
 * or, as a block that may be left by break, return and goto:
 *
 *	gmb_manager(m, rc) {
 *		gmb_spawn(m, worker, &a);
 *		gmb_spawn(m, worker, &b);
 *	}
 */
#ifndef GIAMBIO_MANAGER_H
#define GIAMBIO_MANAGER_H

#include <giambio/base.h>
#include <giambio/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * typedef gmb_task_fn - what a task runs
 * @arg: the pointer given at the spawn, or the address of the task's own copy
 *	of the argument on its stack
 *
 * Return: the task's result: a value or pointer >= 0, or -errno.
 */
typedef intptr_t (*gmb_task_fn)(void *arg);

/**
 * struct gmb_manager - a task manager, in storage of the task that opens it
 *
 * All members are private. It must stay where it is while it is open.
 */
struct gmb_manager {
	/* private: */
	struct gmb_scope scope;
	struct gmb_loop *loop;
	struct gmb__link tasks;		/* all that have a record, in order */
	struct gmb_task *parent;	/* who opened it; NULL once closed */
	struct gmb__waitq idle;		/* the opener, while it waits */
	size_t alive;			/* tasks that have not ended */
	intptr_t error;			/* the first one */
	const char *name;
};

/**
 * struct gmb_spawn_opts - what gmb_spawn_with() can be told; zero is default
 * @name:       shown in dumps and by the tools; copied, cut at 23 characters;
 *	NULL: "task-N"
 * @stack_size: bytes; 0 is the loop's default (64 KiB)
 * @copy_size:  when not 0, this many bytes at the argument pointer are copied
 *	onto the new task's stack and the task gets their address; at most a
 *	quarter of the stack
 * @delay_ns:   the task starts after this many nanoseconds
 * @flags:      an or of enum gmb_spawn_flags
 */
struct gmb_spawn_opts {
	const char *name;
	size_t stack_size;
	size_t copy_size;
	gmb_time delay_ns;
	unsigned int flags;
};

/**
 * enum gmb_spawn_flags - how a task is kept
 * @GMB_SPAWN_FORGET: nobody will ask for the result: the record is freed as
 *	soon as the task ends without an error, so that a manager can live for
 *	ever. The task pointer must not be used after the task has ended.
 */
enum gmb_spawn_flags {
	GMB_SPAWN_FORGET = 1 << 0,
};

/**
 * gmb_manager_open() - begin a block of tasks
 * @manager: [out] caller's storage; must stay until gmb_manager_close()
 *
 * Context: task only. Never suspends.
 * Return: 0; -EPERM outside a task. On an error nothing is open.
 */
GMB_API GMB_MUST_CHECK int gmb_manager_open(struct gmb_manager *manager);

/**
 * gmb_manager_wait() - wait until every task of a manager has ended
 * @manager: a manager that the calling task opened
 *
 * The manager stays open, so that results and errors can be read and more
 * tasks can be spawned. If the caller is cancelled the tasks are cancelled with
 * it and it goes on waiting for them, because nothing may outlive the block. A
 * scope that was opened in the block does not reach the tasks: if that is
 * cancelled only the wait ends.
 *
 * Context: the task that opened it; suspends; cancellation point.
 * Return: 0; the first error of a task; else -ECANCELED when the caller was
 *	cancelled meanwhile; -EPERM called by another task.
 */
GMB_API intptr_t gmb_manager_wait(struct gmb_manager *manager);

/**
 * gmb_manager_close() - wait for all tasks and end the block
 * @manager: the manager that the calling task opened last
 *
 * It always closes, also when it returns an error. The records of its tasks
 * are freed: task pointers are void from here on. Closing anything but the
 * innermost open manager or scope aborts the program with a sentence.
 *
 * Context: the task that opened it; suspends; cancellation point.
 * Return: as gmb_manager_wait().
 */
GMB_API intptr_t gmb_manager_close(struct gmb_manager *manager);

/**
 * gmb_manager_cancel() - cancel the tasks of a manager and the block itself
 * @manager: an open manager of any task of this loop
 *
 * Tasks that end with -ECANCELED because of this do not count as failed, and
 * gmb_manager_close() returns 0 for it.
 *
 * Context: any task or hook of the loop. Never suspends.
 */
GMB_API void gmb_manager_cancel(struct gmb_manager *manager);

/**
 * gmb_manager_scope() - the cancel scope of a manager
 * @manager: an open manager
 *
 * For a deadline over the whole block: gmb_scope_set_deadline(). A passed
 * deadline cancels the tasks; gmb_manager_close() then returns -ETIMEDOUT.
 *
 * Context: any task of the loop. Never suspends.
 * Return: the scope; never NULL.
 */
GMB_API struct gmb_scope *gmb_manager_scope(struct gmb_manager *manager);

/**
 * gmb_manager_set_name() - name a manager for dumps and tools
 * @manager: an open manager
 * @name:    a string that outlives the manager, usually a literal; not copied
 *
 * Context: any task of the loop. Never suspends.
 */
GMB_API void gmb_manager_set_name(struct gmb_manager *manager,
				  const char *name);

/**
 * gmb_manager_alive() - how many tasks of a manager have not ended
 * @manager: an open manager
 *
 * Context: any task of the loop. Never suspends.
 * Return: the number of tasks.
 */
GMB_API size_t gmb_manager_alive(const struct gmb_manager *manager);

/**
 * gmb_manager_next_error() - walk the tasks of a manager that failed
 * @manager: an open manager
 * @after:   NULL for the first, else the task returned by the call before
 *
 *	for (t = gmb_manager_next_error(m, NULL); t;
 *	     t = gmb_manager_next_error(m, t))
 *		printf("%s: %s\n", gmb_task_name(t),
 *		       gmb_strerror(gmb_task_result(t)));
 *
 * In order of their spawning. Tasks that were cancelled did not fail.
 *
 * Context: any task of the loop. Never suspends.
 * Return: the next task whose result is an error, or NULL.
 */
GMB_API struct gmb_task *
gmb_manager_next_error(const struct gmb_manager *manager,
		       const struct gmb_task *after);

/**
 * gmb_spawn() - start a task
 * @manager: an open manager of any task of this loop
 * @fn:      what it runs
 * @arg:     handed to @fn; must live until the manager is closed or the task
 *	has ended, so it may lie on the stack of the manager's opener
 *
 * The task runs for the first time when the caller next waits. It inherits the
 * scopes that were active where the manager was opened. If it cannot be made
 * the manager fails with that error as if a task had, so an unchecked spawn
 * loses nothing; gmb_spawn_with() leaves the manager alone.
 *
 * Context: any task or hook of the loop. Never suspends. O(1).
 * Return: the task, whose result can be read until the manager closes; NULL
 *	when there is no memory for it.
 */
GMB_API struct gmb_task *gmb_spawn(struct gmb_manager *manager, gmb_task_fn fn,
				   void *arg);

/**
 * gmb_spawn_forget() - start a task whose result nobody will ask for
 * @manager: as in gmb_spawn()
 * @fn:      as in gmb_spawn()
 * @arg:     as in gmb_spawn()
 *
 * As gmb_spawn(), but what the task leaves behind is freed when it ends well;
 * an error still fails the manager. For a manager that lives for ever, such as
 * that of a server.
 *
 * Context: any task or hook of the loop. Never suspends. O(1).
 * Return: 0; -ENOMEM, and the manager has failed with it.
 */
GMB_API int gmb_spawn_forget(struct gmb_manager *manager, gmb_task_fn fn,
			     void *arg);

/**
 * gmb_schedule() - start a task after a delay
 * @manager:  as in gmb_spawn()
 * @delay_ns: nanoseconds from now
 * @fn:       as in gmb_spawn()
 * @arg:      as in gmb_spawn()
 *
 * The manager waits for it like for any other task. If it is cancelled during
 * the delay, @fn is never called and the result is -ECANCELED.
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: as gmb_spawn().
 */
GMB_API struct gmb_task *gmb_schedule(struct gmb_manager *manager,
				      gmb_time delay_ns, gmb_task_fn fn,
				      void *arg);

/**
 * gmb_spawn_with() - start a task, with options
 * @manager: as in gmb_spawn()
 * @opts:    NULL for defaults
 * @fn:      as in gmb_spawn()
 * @arg:     as in gmb_spawn(); copied when @opts says so, then it need not
 *	live on
 * @task:    [out] the task; may be NULL
 *
 * Context: any task or hook of the loop. Never suspends. O(1).
 * Return: 0; -EINVAL an argument copy too large for the stack, or unknown
 *	flags; -EBADF the manager is not open; -EXDEV it belongs to another
 *	loop; -EPERM outside a loop; -ENOMEM; -EAGAIN the system allows no more
 *	mappings. On an error nothing was started and the manager is unchanged.
 */
GMB_API GMB_MUST_CHECK int gmb_spawn_with(struct gmb_manager *manager,
					  const struct gmb_spawn_opts *opts,
					  gmb_task_fn fn, void *arg,
					  struct gmb_task **task);

/**
 * gmb_spawn_wait() - start a task and wait until it says that it is ready
 * @manager: as in gmb_spawn()
 * @fn:      what it runs; it calls gmb_started() when it is ready
 * @arg:     as in gmb_spawn()
 * @value:   [out] what the task handed to gmb_started(); may be NULL
 *
 * A failure before gmb_started() is this call's error and not the manager's.
 * If the caller is cancelled meanwhile, the task is cancelled and waited for.
 * An error with which it ends all the same is this call's, too.
 *
 * Context: task only; suspends; cancellation point.
 * Return: 0; the task's error if it failed first; -ECHILD it ended well but
 *	never said that it had started; -ECANCELED the caller was cancelled, or
 *	the task before it had started; errors of gmb_spawn_with().
 */
GMB_API GMB_MUST_CHECK int gmb_spawn_wait(struct gmb_manager *manager,
					  gmb_task_fn fn, void *arg,
					  intptr_t *value);

/**
 * gmb_started() - tell the spawner that this task is ready
 * @value: handed to gmb_spawn_wait()
 *
 * Context: task only. Never suspends.
 * Return: 0; -EALREADY said before, or the task was not started by
 *	gmb_spawn_wait(); -EPERM outside a task.
 */
GMB_API int gmb_started(intptr_t value);

/* private: what the block macro keeps on the stack. */
struct gmb__manager_block {
	struct gmb_manager manager;
	void *result;
	uint8_t result_size;
	uint8_t entered;
	uint8_t open;
};

/* private: */
GMB_API struct gmb__manager_block gmb__manager_block(void *result, size_t size);
/* private: */
GMB_API struct gmb_manager *
gmb__manager_block_enter(struct gmb__manager_block *block);
/* private: */
GMB_API void gmb__manager_block_leave(struct gmb__manager_block *block);

/* private: */
#define GMB__MANAGER_BLOCK(b, m, rc)                                      \
	for (struct gmb__manager_block b                                  \
	     __attribute__((cleanup(gmb__manager_block_leave))) =         \
		     gmb__manager_block(&(rc), sizeof(rc));               \
	     !b.entered;)                                                 \
		for (struct gmb_manager *m = gmb__manager_block_enter(&b); \
		     m; m = NULL)

/**
 * gmb_manager() - a block of tasks
 * @m:  the name under which the block knows its manager, a pointer
 * @rc: a variable of 4 or 8 bytes (int, ssize_t, intptr_t): the block leaves
 *	its result here
 *
 * When the block is left - at its end or by break, return or goto - all its
 * tasks are waited for. If @rc is negative then, the block itself has failed:
 * its tasks are cancelled and @rc stays. Otherwise @rc becomes the error of
 * gmb_manager_close(), if there is one. If the manager cannot be opened the
 * block is skipped and @rc holds the error. A return statement inside has
 * computed its value before the tasks are waited for: an error that comes after
 * that is in @rc, which nobody reads then. Leave by break or goto if it counts.
 * Not for longjmp().
 */
#define gmb_manager(m, rc)                                                \
	GMB__MANAGER_BLOCK(GMB__NAME(gmb__block_, __COUNTER__), m, rc)

#ifdef __cplusplus
}
#endif

#endif
