/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A crowd: many connections of which nobody says anything. Their other ends
 * are kept by a process of its own, so that this one needs a descriptor for
 * each of them and not two.
 */
#ifndef TOOLS_GMBLAT_CROWD_H
#define TOOLS_GMBLAT_CROWD_H

#include <stdint.h>
#include <sys/types.h>

/**
 * struct crowd - see above
 * @fds:    our ends
 * @count:  how many there are
 * @keeper: the process
 */
struct crowd {
	int *fds;
	int64_t count;
	pid_t keeper;
};

/* Descriptors that this process may have, raised as far as it may. */
int64_t crowd_limit(void);

/**
 * crowd_open() - make connections
 * @crowd: [out] caller's storage
 * @kind:  KIND_UNIX or KIND_TCP
 * @count: how many; there are fewer when the system gives no more
 *
 * Return: 0 or the error that ended it, -errno; what there is by then stays.
 */
int crowd_open(struct crowd *crowd, int kind, int64_t count);

/* Let the keeper go. The descriptors are the caller's to close. */
void crowd_close(struct crowd *crowd);

#endif
