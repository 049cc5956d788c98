/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The overflow handler.  See overflow.h.
 *
 * @users and the installed handler are protected by @lock; the handler itself
 * takes no lock and reads only what its own thread wrote.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <ucontext.h>
#include <unistd.h>

#include "coro/mem.h"
#include "coro/overflow.h"
#include "coro/stack.h"

/* What the handler needs beside the kernel's own frame. */
#define HANDLER_BYTES	(16 * 1024)

/* Longer names are cut, so that the message is one write. */
#define NAME_BYTES	256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int users;
static bool installed;

static char *append(char *at, const char *text, size_t max)
{
	while (*text && max--)
		*at++ = *text++;
	return at;
}

static char *append_number(char *at, size_t number)
{
	char digits[24];
	int n = 0;

	do {
		digits[n++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (n)
		*at++ = digits[--n];
	return at;
}

void gmb__overflow_report(const char *name, size_t size)
{
	char text[NAME_BYTES + 160];
	char *at = text;
	ssize_t n;

	at = append(at, "giambio: ", SIZE_MAX);
	if (name) {
		at = append(at, "task '", SIZE_MAX);
		at = append(at, name, NAME_BYTES);
		at = append(at, "'", SIZE_MAX);
	} else {
		at = append(at, "a task without a name", SIZE_MAX);
	}
	at = append(at, " has overflowed its stack of ", SIZE_MAX);
	at = append_number(at, size);
	at = append(at, " bytes; spawn it with a larger stack_size.\n",
		    SIZE_MAX);
	n = write(STDERR_FILENO, text, (size_t)(at - text));
	(void)n;
}

static void *stack_pointer(const ucontext_t *uc)
{
#if defined(__x86_64__)
	return (void *)uc->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	return (void *)uc->uc_mcontext.sp;
#else
	(void)uc;
	return NULL;
#endif
}

static void on_fault(int sig, siginfo_t *info, void *uc)
{
	int saved_errno = errno;
	struct gmb__stack_fault fault;
	struct sigaction action = { .sa_handler = SIG_DFL };

	/* Sent by a process rather than by an access: it must be sent anew. */
	bool sent = info->si_code <= 0;

	if (!sent && gmb__stack_find_fault(info->si_addr, stack_pointer(uc),
					   &fault))
		gmb__overflow_report(fault.name, fault.size);
	sigaction(sig, &action, NULL);
	if (sent)
		raise(sig);
	errno = saved_errno;
}

static bool is_ours(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) &&
	       action->sa_sigaction == on_fault;
}

static void install(void)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};
	struct sigaction old;

	if (sigaction(SIGSEGV, NULL, &old) != 0 ||
	    (old.sa_flags & SA_SIGINFO) || old.sa_handler != SIG_DFL)
		return;
	installed = sigaction(SIGSEGV, &action, NULL) == 0;
}

static void uninstall(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	struct sigaction old;

	if (!installed)
		return;
	installed = false;
	if (sigaction(SIGSEGV, NULL, &old) == 0 && is_ours(&old))
		sigaction(SIGSEGV, &action, NULL);
}

static size_t signal_stack_size(void)
{
	size_t page = gmb__mem_page_size();
	size_t frame = 0;

#ifdef AT_MINSIGSTKSZ
	frame = getauxval(AT_MINSIGSTKSZ);
#endif
	if (frame < (size_t)MINSIGSTKSZ)
		frame = (size_t)MINSIGSTKSZ;
	return (frame + HANDLER_BYTES + page - 1) & ~(page - 1);
}

static int give_signal_stack(struct gmb__overflow *ov)
{
	stack_t now;

	if (sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE))
		return 0;
	ov->size = signal_stack_size();
	ov->stack = gmb__mem_map(ov->size, 0);
	if (!ov->stack)
		return -ENOMEM;
	now.ss_sp = ov->stack;
	now.ss_size = ov->size;
	now.ss_flags = 0;
	if (sigaltstack(&now, NULL) != 0) {
		gmb__mem_unmap(ov->stack, ov->size);
		ov->stack = NULL;
	}
	return 0;
}

int gmb__overflow_init(struct gmb__overflow *ov)
{
	int err;

	memset(ov, 0, sizeof(*ov));
	err = give_signal_stack(ov);
	if (err)
		return err;
	pthread_mutex_lock(&lock);
	if (users++ == 0)
		install();
	pthread_mutex_unlock(&lock);
	ov->watched = true;
	return 0;
}

void gmb__overflow_fini(struct gmb__overflow *ov)
{
	stack_t off = { .ss_flags = SS_DISABLE };
	stack_t now;

	if (!ov->watched)
		return;
	pthread_mutex_lock(&lock);
	if (--users == 0)
		uninstall();
	pthread_mutex_unlock(&lock);
	if (ov->stack && sigaltstack(NULL, &now) == 0 &&
	    now.ss_sp == ov->stack)
		sigaltstack(&off, NULL);
	gmb__mem_unmap(ov->stack, ov->size);
	memset(ov, 0, sizeof(*ov));
}
