/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Barriers: nobody goes on until all have come.
 *
 * When the last of a fixed number of tasks arrives all go on, and the barrier
 * can be used again. A task that is cancelled while it waits has not come.
 */
#ifndef GIAMBIO_BARRIER_H
#define GIAMBIO_BARRIER_H

#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gmb_barrier - a reusable barrier
 *
 * All members are private. It must stay where it is until gmb_barrier_fini().
 */
struct gmb_barrier {
	/* private: */
	struct gmb__waitq waiters;
	struct gmb_loop *loop;	/* whose tasks wait */
	size_t parties;
	size_t waiting;		/* length of @waiters, less than @parties */
};

/**
 * gmb_barrier_init() - make a barrier
 * @barrier: [out] caller's storage
 * @parties: how many tasks must come, at least 1
 *
 * Context: any. Never suspends.
 * Return: 0; -EINVAL @parties is 0.
 */
GMB_API GMB_MUST_CHECK int gmb_barrier_init(struct gmb_barrier *barrier,
					    size_t parties);

/**
 * gmb_barrier_fini() - end the use of a barrier
 * @barrier: nobody may be waiting: that aborts the program with a sentence
 *
 * It may be called as soon as the last one has come, before the others have
 * run. Using it afterwards aborts, too, for as long as the memory is left
 * alone.
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_barrier_fini(struct gmb_barrier *barrier);

/**
 * gmb_barrier_wait() - wait until all parties have come
 * @barrier: any barrier
 *
 * Context: task only; may suspend; cancellation and scheduling point. The last
 * one to come does O(parties) work.
 * Return: 1 for the one that came last, 0 for the others; -ECANCELED, and the
 *	caller does not count; -EXDEV tasks of another loop wait; -EPERM outside
 *	a task.
 */
GMB_API GMB_MUST_CHECK int gmb_barrier_wait(struct gmb_barrier *barrier);

/**
 * gmb_barrier_waiting() - how many tasks have come and wait
 * @barrier: any barrier
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: the number, less than the parties.
 */
GMB_API size_t gmb_barrier_waiting(const struct gmb_barrier *barrier);

#ifdef __cplusplus
}
#endif

#endif
