/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <string.h>
#include <giambio/base.h>

const char *gmb_strerror(intptr_t error)
{
	const char *text;

	switch (error < 0 ? -error : error) {
	case 0:
		return "success";
	case ECANCELED:
		return "cancelled";
	case ETIMEDOUT:
		return "timed out";
	case EPERM:
		return "not permitted, or called outside a task";
	case EBUSY:
		return "another task waits for it already";
	case EBADF:
		return "closed";
	case EDEADLK:
		return "nothing can ever wake the loop or the task";
	case EXDEV:
		return "belongs to another loop";
	case ECHILD:
		return "the task ended without saying that it had started";
	case EALREADY:
		return "has happened already";
	case EINPROGRESS:
		return "has not ended yet";
	default:
		text = strerrordesc_np((int)(error < 0 ? -error : error));
		return text ? text : "unknown error";
	}
}

const char *gmb_version(void)
{
	return GMB_VERSION;
}
