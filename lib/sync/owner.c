/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include "sync/owner.h"

/* What an object's loop points to after its end; only the address counts. */
static struct gmb_loop nobody;

int gmb__owner_change(struct gmb_loop **loop, bool busy, const char *call)
{
	if (*loop == &nobody)
		gmb__die("%s: the object at %p is used after its end", call,
			 (void *)loop);
	if (busy)
		return -EXDEV;
	*loop = gmb__loop;
	return 0;
}

void gmb__owner_fini(struct gmb_loop **loop, bool busy, const char *call)
{
	if (*loop == &nobody)
		gmb__die("%s: the object at %p has ended already", call,
			 (void *)loop);
	if (busy)
		gmb__die("%s: the object at %p is ended while tasks wait for "
			 "it or hold it", call, (void *)loop);
	*loop = &nobody;
}
