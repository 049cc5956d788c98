/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * The choice of a backend: the best that works, or the one that was asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "backend/backend.h"
#include "coro/mem.h"
#include "loop/loop.h"

/**
 * struct candidate - a backend that there may be
 * @name: as it is asked for
 * @ops:  NULL: it is not part of this build
 * @why:  why not, then
 */
struct candidate {
	const char *name;
	const struct gmb__backend_ops *ops;
	const char *why;
};

/* Best first. */
static const struct candidate candidates[] = {
	{ "kmod", &gmb__backend_kmod, NULL },
#ifdef GMB_HAVE_URING
	{ "uring", &gmb__backend_uring, NULL },
#else
	{ "uring", NULL, "this build of the library was made without liburing" },
#endif
	{ "epoll", &gmb__backend_epoll, NULL },
};

#define N_CANDIDATES (sizeof(candidates) / sizeof(candidates[0]))

static const struct candidate *find(const char *name)
{
	size_t i;

	for (i = 0; i < N_CANDIDATES; i++)
		if (!strcmp(candidates[i].name, name))
			return &candidates[i];
	return NULL;
}

/* It could not do what the loop's flags ask for. */
static bool is_left_out(const struct gmb_loop *loop,
			const struct candidate *candidate)
{
	return loop->flags & GMB_LOOP_FOREIGN && candidate->ops &&
	       !candidate->ops->fd;
}

/* Open one; on an error *why is a part of a sentence. */
static int try(struct gmb_loop *loop, const struct candidate *candidate,
	       const char **why)
{
	int rc;

	*why = candidate->why;
	if (!candidate->ops)
		return -ENOTSUP;
	if (is_left_out(loop, candidate)) {
		*why = "it has no descriptor that a foreign loop can wait for";
		return -ENOTSUP;
	}
	rc = candidate->ops->open(loop, why);
	if (!rc)
		loop->backend = candidate->ops;
	return rc;
}

/* Add a sentence to the loop's; for want of memory it is left out. */
static void note_reason(struct gmb_loop *loop, const char *name,
			const char *why)
{
	size_t old = loop->backend_reason ? strlen(loop->backend_reason) : 0;
	size_t size = old + strlen(name) + strlen(why) + sizeof("\n is not used: .");
	char *text = gmb__mem_realloc(loop->backend_reason, size);

	if (!text)
		return;
	loop->backend_reason = text;
	snprintf(text + old, size - old, "%s%s is not used: %s.", old ? "\n" : "", name,
		 why);
}

static int open_forced(struct gmb_loop *loop, const char *name)
{
	const struct candidate *candidate = find(name);
	const char *why;
	int rc;

	if (!candidate) {
		fprintf(stderr,
			"giambio: there is no backend '%s'; choose kmod, uring or epoll\n",
			name);
		return -EINVAL;
	}
	rc = try(loop, candidate, &why);
	if (!rc)
		return 0;
	fprintf(stderr,
		"giambio: backend '%s' was asked for but does not work here: %s\n",
		name, why);
	if (rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE)
		return rc;
	return -ENOTSUP;
}

static int open_best(struct gmb_loop *loop)
{
	const char *why;
	size_t i;
	int rc = -ENOTSUP;

	for (i = 0; i < N_CANDIDATES; i++) {
		rc = try(loop, &candidates[i], &why);
		if (!rc)
			return 0;
		note_reason(loop, candidates[i].name, why);
	}
	gmb__backend_close(loop);
	return rc;
}

int gmb__backend_open(struct gmb_loop *loop, const char *request)
{
	const struct candidate *candidate;

	loop->backend_reason = NULL;
	if (!request) {
		/* The user cannot know of foreign loops: there it is a wish. */
		request = getenv("GMB_BACKEND");
		candidate = request ? find(request) : NULL;
		if (candidate && is_left_out(loop, candidate))
			return open_best(loop);
	}
	if (request && *request)
		return open_forced(loop, request);
	return open_best(loop);
}

void gmb__backend_close(struct gmb_loop *loop)
{
	if (loop->backend)
		loop->backend->close(loop);
	loop->backend = NULL;
	gmb__mem_free(loop->backend_reason);
	loop->backend_reason = NULL;
}
