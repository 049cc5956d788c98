/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <giambio/semaphore.h>
#include "sync/owner.h"

int gmb_semaphore_init(struct gmb_semaphore *semaphore, size_t initial,
		       size_t max)
{
	if (max == 0 || initial > max)
		return -EINVAL;
	*semaphore = (struct gmb_semaphore){
		.loop = gmb__loop,
		.value = initial,
		.max = max,
	};
	gmb__waitq_init(&semaphore->waiters);
	return 0;
}

void gmb_semaphore_fini(struct gmb_semaphore *semaphore)
{
	gmb__owner_fini(&semaphore->loop,
			!gmb__waitq_empty(&semaphore->waiters), __func__);
}

int gmb_semaphore_try_acquire(struct gmb_semaphore *semaphore)
{
	int rc = gmb__owner_check(semaphore,
				  !gmb__waitq_empty(&semaphore->waiters));

	if (rc)
		return rc;
	if (!semaphore->value)
		return -EAGAIN;
	semaphore->value--;
	return 0;
}

int gmb_semaphore_acquire(struct gmb_semaphore *semaphore)
{
	struct gmb__trap trap;
	int rc = gmb__trap_init(&trap);

	if (rc)
		return rc;
	rc = gmb_semaphore_try_acquire(semaphore);
	if (rc == -EAGAIN)
		return (int)gmb__sync_park(&trap, &semaphore->waiters,
					   GMB_WAIT_SEMAPHORE, semaphore, 0);
	if (rc == 0)
		gmb__pass();
	return rc;
}

int gmb_semaphore_release(struct gmb_semaphore *semaphore)
{
	struct gmb__wait *wait;
	int rc = gmb__owner_check(semaphore,
				  !gmb__waitq_empty(&semaphore->waiters));

	if (rc)
		return rc;
	wait = gmb__waitq_pop(&semaphore->waiters);
	if (wait) {
		gmb__wait_complete(wait, 0);
		return 0;
	}
	if (semaphore->value == semaphore->max)
		return -EOVERFLOW;
	semaphore->value++;
	return 0;
}

size_t gmb_semaphore_value(const struct gmb_semaphore *semaphore)
{
	return semaphore->value;
}
