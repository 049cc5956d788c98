/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What a descriptor of another process is: a socket with its addresses, or a
 * file, pipe, event descriptor. Addresses come from /proc/PID/net, of that
 * process's network namespace, read once.
 */
#ifndef TOOLS_COMMON_SOCKETS_H
#define TOOLS_COMMON_SOCKETS_H

#include <stddef.h>
#include <sys/types.h>

#define SOCKETS_TEXT	256

struct sockets;

/* Reads nothing yet: that costs time where there are many. */
struct sockets *sockets_new(pid_t pid);
void sockets_free(struct sockets *sockets);

/**
 * sockets_describe() - say what a descriptor is
 * @sockets: of the process
 * @fd:      the number of the descriptor there
 * @text:    [out] such as "tcp 127.0.0.1:80 <- 10.0.0.1:3210", "pipe", a path;
 *	"closed" if it is not there any more
 *
 * Return: text.
 */
char *sockets_describe(struct sockets *sockets, int fd,
		       char text[SOCKETS_TEXT]);

#endif
