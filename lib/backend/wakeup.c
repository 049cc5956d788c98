/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "backend/wakeup.h"
#include "loop/loop.h"

int gmb__wakeup_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

void gmb__wakeup_send(int fd)
{
	int saved = errno;
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0 && errno == EBADF)
		gmb__die("the loop's wakeup descriptor %d is gone: the program must not close descriptors that it did not open",
			 fd);
	errno = saved;
}
