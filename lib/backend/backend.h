/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Backends: the catchers of resource traps.
 *
 * Operations go in, completions come out. The loop knows a backend through this
 * one table. A backend belongs to one loop and its thread, except wake().
 */
#ifndef GMB_BACKEND_BACKEND_H
#define GMB_BACKEND_BACKEND_H

#include <stdbool.h>
#include <giambio/base.h>

struct gmb_file;
struct gmb_loop;
struct gmb__op;

/*
 * So many files at most are received from in one turn. Their tasks answer
 * before the next ones are looked at: the memory of what was received is freed
 * while the processor and the kernel's allocator still have it at hand. With
 * 1,000 at once an echo costs a quarter more (docs/backends.md).
 */
#define GMB__BATCH	64

/**
 * struct gmb__backend_ops - what a backend can do
 * @name:     as gmb_loop_backend_name() gives it
 * @open:     sets loop->backend_data and loop->edges; on an error *why is a
 *	constant that ends the sentence "uring is not used: …"
 * @close:    no operation is left
 * @attach:   a file was opened; may fail with -errno. File->fd is valid
 * @detach:   the file's operations have been withdrawn or finished, some of
 *	them may still be held; file->fd is still open and is closed right after
 * @start:    take an operation that must wait: it was tried, or trying it is
 *	known to be of no use. Returns 0: taken, gmb__op_finish() will come,
 *	never from inside start(); -errno
 * @start_pair: NULL, or send all of @out and then take @receive, of one buffer
 *	and without flags, as one operation that has both places of the file.
 *	Returns 0: taken; -ENOTSUP: not these, run them one by one; -errno. It
 *	may also finish with GMB__OP_REFUSED: nothing was sent, run them one by
 *	one, and the operation's cookie is the file's slot with its generation
 *	in the upper half. A writer may be started meanwhile that has not been
 *	tried: it ends with -EBUSY unless all of @out has been sent
 * @withdraw: take an operation back. Returns false: gone, no gmb__op_finish()
 *	will come; true: held, gmb__op_finish() will come
 * @poll:     hand over what was gathered, wait at most @span for completions
 *	(0: do not wait, GMB_NEVER: as long as it takes), finish what is
 *	complete. Returns how many; -EINTR is 0. Must return soon after wake()
 * @wake:     make poll() return; any thread, also signal handlers
 * @wake_soon: NULL, or have the next poll() wake another loop, @target, which
 *	cannot be closed before this returns, and set loop->unsent until that
 *	is done. Returns false: this cannot be done, call wake()
 * @flush:    NULL if there is no wake_soon(); or hand over what was gathered
 *	without waiting, and without finishing anything
 * @fd:       a descriptor that is readable when there are completions or a
 *	wake; NULL: it has none, and does not serve GMB_LOOP_FOREIGN
 */
struct gmb__backend_ops {
	const char *name;
	int (*open)(struct gmb_loop *loop, const char **why);
	void (*close)(struct gmb_loop *loop);
	int (*attach)(struct gmb_loop *loop, struct gmb_file *file);
	void (*detach)(struct gmb_loop *loop, struct gmb_file *file);
	int (*start)(struct gmb_loop *loop, struct gmb__op *op);
	int (*start_pair)(struct gmb_loop *loop, struct gmb__op *receive,
			  const void *out, size_t out_len);
	bool (*withdraw)(struct gmb_loop *loop, struct gmb__op *op);
	int (*poll)(struct gmb_loop *loop, gmb_time span);
	void (*wake)(struct gmb_loop *loop);
	bool (*wake_soon)(struct gmb_loop *loop, struct gmb_loop *target);
	void (*flush)(struct gmb_loop *loop);
	int (*fd)(struct gmb_loop *loop);
};

extern const struct gmb__backend_ops gmb__backend_epoll;
extern const struct gmb__backend_ops gmb__backend_uring;
extern const struct gmb__backend_ops gmb__backend_kmod;

/**
 * gmb__backend_open() - choose a backend for a loop and open it
 * @loop:    with its flags set
 * @request: a name, or NULL: what GMB_BACKEND says, else the best that works
 *
 * On success loop->backend is set, and loop->backend_reason says why better
 * ones were passed over, or is NULL. If the one asked for does not work, a
 * sentence on standard error says why.
 *
 * Return: 0; -EINVAL no such name; -ENOTSUP; -ENOMEM, -EMFILE, -ENFILE.
 */
int gmb__backend_open(struct gmb_loop *loop, const char *request);

/* Close the backend, if there is one, and free the reason. */
void gmb__backend_close(struct gmb_loop *loop);

#endif
