/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include "backend/backend.h"
#include "coro/mem.h"
#include "loop/loop.h"
#include "loop/signal.h"

static _Atomic(struct gmb__signal_slot *) slots;

static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int interrupt_users;	/* under install_lock */
static atomic_uint interrupts;		/* since the handler was installed */

static void notify(struct gmb__signal_slot *slot, unsigned int bit)
{
	struct gmb_loop *loop;

	/* Pairs with gmb__signals_detach(): it waits for visitors to leave. */
	atomic_fetch_add(&slot->visitors, 1);
	loop = atomic_load(&slot->loop);
	if (loop) {
		atomic_fetch_or(&slot->pending, bit);
		loop->backend->wake(loop);
	}
	atomic_fetch_sub(&slot->visitors, 1);
}

static void on_interrupt(int signum)
{
	struct gmb__signal_slot *slot;
	int saved = errno;

	if (atomic_fetch_add(&interrupts, 1)) {
		signal(signum, SIG_DFL);
		raise(signum);
	}
	for (slot = atomic_load(&slots); slot; slot = slot->next)
		if (atomic_load(&slot->interrupts))
			notify(slot, GMB__SIGNAL_INTERRUPT);
	errno = saved;
}

static void on_dump(int signum)
{
	struct gmb__signal_slot *slot;
	int saved = errno;

	for (slot = atomic_load(&slots); slot; slot = slot->next)
		if (atomic_load(&slot->dump_signal) == signum)
			notify(slot, GMB__SIGNAL_DUMP);
	errno = saved;
}

static struct gmb__signal_slot *take_slot(void)
{
	struct gmb__signal_slot *slot;
	bool taken;

	for (slot = atomic_load(&slots); slot; slot = slot->next) {
		taken = false;
		if (atomic_compare_exchange_strong(&slot->taken, &taken, true))
			return slot;
	}
	slot = gmb__mem_zalloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	atomic_store(&slot->taken, true);
	slot->next = atomic_load(&slots);
	while (!atomic_compare_exchange_weak(&slots, &slot->next, slot))
		;
	return slot;
}

/* Install a handler where the program has none; false if it has. */
static bool install(int signum, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };
	struct sigaction old;

	if (sigaction(signum, NULL, &old) < 0 || old.sa_handler != SIG_DFL)
		return false;
	/*
	 * On the alternate stack, where there is one: the signal may come
	 * while a task with little stack left is running.
	 */
	action.sa_flags = SA_ONSTACK | SA_RESTART;
	return sigaction(signum, &action, NULL) == 0;
}

static void attach_interrupt(struct gmb__signal_slot *slot)
{
	pthread_mutex_lock(&install_lock);
	if (interrupt_users || install(SIGINT, on_interrupt)) {
		if (!interrupt_users++)
			atomic_store(&interrupts, 0);
		slot->counted = true;
		atomic_store(&slot->interrupts, true);
	}
	pthread_mutex_unlock(&install_lock);
}

static void restore_interrupt(void)
{
	struct sigaction old;

	if (sigaction(SIGINT, NULL, &old) == 0 &&
	    old.sa_handler == on_interrupt)
		signal(SIGINT, SIG_DFL);
}

static void detach_interrupt(struct gmb__signal_slot *slot)
{
	pthread_mutex_lock(&install_lock);
	if (--interrupt_users == 0)
		restore_interrupt();
	slot->counted = false;
	pthread_mutex_unlock(&install_lock);
}

/* The handler stays installed: a late signal must not kill the program. */
static int attach_dump(struct gmb__signal_slot *slot, int signum)
{
	struct sigaction action = {
		.sa_handler = on_dump,
		.sa_flags = SA_ONSTACK | SA_RESTART,
	};

	if (signum == SIGINT || signum == SIGSEGV ||
	    sigaction(signum, &action, NULL) < 0)
		return -EINVAL;
	atomic_store(&slot->dump_signal, signum);
	return 0;
}

int gmb__signals_attach(struct gmb_loop *loop, bool interrupt, int dump_signal)
{
	struct gmb__signal_slot *slot = take_slot();
	int rc;

	if (!slot)
		return -ENOMEM;
	atomic_store(&slot->pending, 0);
	atomic_store(&slot->loop, loop);
	loop->signals = slot;
	if (dump_signal) {
		rc = attach_dump(slot, dump_signal);
		if (rc < 0) {
			gmb__signals_detach(loop);
			return rc;
		}
	}
	if (interrupt)
		attach_interrupt(slot);
	return 0;
}

void gmb__signals_detach(struct gmb_loop *loop)
{
	struct gmb__signal_slot *slot = loop->signals;

	if (!slot)
		return;
	loop->signals = NULL;
	atomic_store(&slot->interrupts, false);
	atomic_store(&slot->dump_signal, 0);
	if (slot->counted)
		detach_interrupt(slot);
	atomic_store(&slot->loop, NULL);
	/* Pairs with notify(); a handler never waits for us. */
	while (atomic_load(&slot->visitors))
		sched_yield();
	atomic_store(&slot->taken, false);
}

void gmb__signals_forget(void)
{
	struct gmb__signal_slot *slot;

	pthread_mutex_init(&install_lock, NULL);
	for (slot = atomic_load(&slots); slot; slot = slot->next) {
		atomic_store(&slot->loop, NULL);
		atomic_store(&slot->interrupts, false);
		atomic_store(&slot->dump_signal, 0);
		atomic_store(&slot->visitors, 0);
		slot->counted = false;
		atomic_store(&slot->taken, false);
	}
	if (interrupt_users)
		restore_interrupt();
	interrupt_users = 0;
}

unsigned int gmb__signals_take(struct gmb__signal_slot *slot)
{
	if (gmb__likely(!atomic_load_explicit(&slot->pending,
					      memory_order_relaxed)))
		return 0;
	return atomic_exchange(&slot->pending, 0);
}
