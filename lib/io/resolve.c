/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Looking up a host in a thread of its own.
 *
 * A lookup is a record on the heap that the task and the thread share. Its lock
 * decides who comes first: either the thread posts its note while the task
 * still waits, and then the note will end the wait (and the loop cannot be gone
 * before); or the task gives up first, and then the thread frees the record and
 * never touches the loop. Whoever of the two is done last frees it.
 */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <giambio/address.h>
#include <giambio/task.h>
#include "coro/mem.h"
#include "loop/inbox.h"
#include "loop/loop.h"
#include "loop/trap.h"

#define THREAD_STACK	((size_t)256 * 1024)

/**
 * struct lookup - see above
 * @note:   posted when the answer is there
 * @wait:   the task's; on the record, for the note finds it there
 * @loop:   the task's
 * @lock:   protects the two below
 * @posted: the thread will not touch the record any more
 * @left:   the task will not touch the record any more
 * @list:   the answer
 * @error:  of getaddrinfo()
 * @saved:  errno that goes with EAI_SYSTEM
 * @host:   the question
 */
struct lookup {
	struct gmb__note note;
	struct gmb__wait wait;
	struct gmb_loop *loop;
	pthread_mutex_t lock;
	bool posted;
	bool left;
	struct addrinfo *list;
	int error;
	int saved;
	char host[];
};

static int to_errno(int error, int saved)
{
	switch (error) {
	case 0:
		return 0;
	case EAI_NONAME:
#ifdef EAI_NODATA
	case EAI_NODATA:
#endif
#ifdef EAI_ADDRFAMILY
	case EAI_ADDRFAMILY:
#endif
		return -ENOENT;
	case EAI_AGAIN:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		/* -ECANCELED would say that the wait was withdrawn. */
		return saved && saved != ECANCELED ? -saved : -EIO;
	}
	return -EIO;
}

static void free_lookup(struct lookup *lookup)
{
	if (lookup->list)
		freeaddrinfo(lookup->list);
	pthread_mutex_destroy(&lookup->lock);
	gmb__mem_free(lookup);
}

/* On the loop's thread: the answer is there. */
static void on_note(struct gmb_loop *loop, struct gmb__note *note)
{
	struct lookup *lookup = gmb__entry(note, struct lookup, note);

	loop->outside--;
	gmb__wait_complete(&lookup->wait,
			   to_errno(lookup->error, lookup->saved));
}

static void *thread_main(void *arg)
{
	static const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG,
	};
	struct lookup *lookup = arg;
	bool left;

	lookup->error = getaddrinfo(lookup->host, NULL, &hints, &lookup->list);
	lookup->saved = errno;
	pthread_mutex_lock(&lookup->lock);
	left = lookup->left;
	lookup->posted = true;
	/* Under the lock, so that the task cannot leave and its loop end. */
	if (!left)
		gmb__inbox_post(lookup->loop, &lookup->note);
	pthread_mutex_unlock(&lookup->lock);
	if (left)
		free_lookup(lookup);
	return NULL;
}

/* If the note is on its way, its answer wins over the cancellation. */
static bool withdraw(struct gmb__wait *wait)
{
	struct lookup *lookup = gmb__entry(wait, struct lookup, wait);
	bool posted;

	pthread_mutex_lock(&lookup->lock);
	posted = lookup->posted;
	lookup->left = !posted;
	pthread_mutex_unlock(&lookup->lock);
	if (!posted)
		gmb__loop->outside--;
	return posted;
}

static int start_thread(struct lookup *lookup)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	rc = pthread_attr_init(&attr);
	if (rc)
		return -rc;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	/* Signals are the program's threads' business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&thread, &attr, thread_main, lookup);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -rc;
}

static struct lookup *make_lookup(const char *host)
{
	size_t size = strlen(host) + 1;
	struct lookup *lookup = gmb__mem_zalloc(1, sizeof(*lookup) + size);

	if (!lookup)
		return NULL;
	if (pthread_mutex_init(&lookup->lock, NULL)) {
		gmb__mem_free(lookup);
		return NULL;
	}
	lookup->loop = gmb__loop;
	lookup->note.fn = on_note;
	memcpy(lookup->host, host, size);
	return lookup;
}

static int copy_answer(const struct addrinfo *list, uint16_t port,
		       struct gmb_address *out, size_t max)
{
	const struct addrinfo *info;
	size_t n = 0;

	for (info = list; info && n < max && n < INT_MAX;
	     info = info->ai_next) {
		if (info->ai_addrlen > sizeof(out->storage))
			continue;
		memset(&out[n], 0, sizeof(out[n]));
		memcpy(&out[n].storage, info->ai_addr, info->ai_addrlen);
		out[n].len = info->ai_addrlen;
		/* The port stands in the same place for both families. */
		((struct sockaddr_in *)&out[n].storage)->sin_port = htons(port);
		n++;
	}
	return n ? (int)n : -ENOENT;
}

static int resolve_name(const char *host, uint16_t port,
			struct gmb_address *out, size_t max)
{
	struct gmb_loop *loop = gmb__loop;
	struct lookup *lookup;
	struct gmb__trap trap;
	int rc;

	rc = gmb__trap_init(&trap);
	if (rc)
		return rc;
	lookup = make_lookup(host);
	if (!lookup)
		return -ENOMEM;
	rc = start_thread(lookup);
	if (rc) {
		free_lookup(lookup);
		return rc;
	}
	loop->outside++;
	gmb__trap_add(&trap, &lookup->wait, withdraw);
	rc = (int)gmb__trap_park(&trap, GMB_WAIT_THREAD, lookup, 0);
	/* No winner: the task has left, and the record is the thread's. */
	if (!trap.winner)
		return rc;
	if (rc == 0)
		rc = copy_answer(lookup->list, port, out, max);
	/* The thread may still stand in its last unlock. */
	pthread_mutex_lock(&lookup->lock);
	pthread_mutex_unlock(&lookup->lock);
	free_lookup(lookup);
	return rc;
}

int gmb_resolve(const char *host, uint16_t port, struct gmb_address *out,
		size_t max)
{
	int rc;

	if (!host || !*host || !max)
		return -EINVAL;
	rc = gmb_address_parse(out, host, port);
	if (rc == -EINVAL)
		return resolve_name(host, port, out, max);
	if (!rc)
		rc = gmb_yield();
	return rc ? rc : 1;
}
