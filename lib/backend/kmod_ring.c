/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "backend/kmod_ring.h"
#include "loop/loop.h"

#define OPS_NEEDED	(1ULL << GMB_OP_WATCH_ADD | \
			 1ULL << GMB_OP_WATCH_DROP | 1ULL << GMB_OP_READY | \
			 1ULL << GMB_OP_RECV | 1ULL << GMB_OP_SEND | \
			 1ULL << GMB_OP_EXCHANGE | 1ULL << GMB_OP_READ | \
			 1ULL << GMB_OP_WRITE | 1ULL << GMB_OP_CANCEL | \
			 1ULL << GMB_OP_WAKE | 1ULL << GMB_OP_PEER_ADD | \
			 1ULL << GMB_OP_PEER_DROP)

/* Life */

static int open_device(struct gmb__kring *ring, const char **why)
{
	ring->fd = open(GMB_DEVICE, O_RDWR | O_CLOEXEC);
	if (ring->fd >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		*why = "there is no " GMB_DEVICE ", which the module giambio.ko makes";
		break;
	case EACCES:
	case EPERM:
		*why = "this user may not open " GMB_DEVICE " (see giambio(4), PERMISSIONS)";
		break;
	default:
		*why = GMB_DEVICE " cannot be opened";
	}
	return -errno;
}

static int check_version(struct gmb__kring *ring, const char **why)
{
	struct gmb_ioc_query query = { .size = sizeof(query) };

	*why = "the module giambio.ko that is loaded does not fit this version of the library";
	if (ioctl(ring->fd, GMB_IOC_QUERY, &query) < 0)
		return -errno;
	if (query.version != GMB_ABI_VERSION ||
	    (query.ops & OPS_NEEDED) != OPS_NEEDED ||
	    query.max_sq < GMB__KRING_OPS ||
	    query.max_cq < GMB__KRING_CQES)
		return -ENOTSUP;
	ring->io = query.features & GMB_FEATURE_IO;
	return 0;
}

static int map_rings(struct gmb__kring *ring, const char **why)
{
	struct gmb_ioc_setup setup = {
		.size = sizeof(setup),
		.sq_entries = GMB__KRING_OPS,
		.cq_entries = GMB__KRING_CQES,
	};
	void *map;

	*why = "there is no memory for its rings, or RLIMIT_MEMLOCK is too low";
	if (ioctl(ring->fd, GMB_IOC_SETUP, &setup) < 0)
		return -errno;
	map = mmap(NULL, setup.map_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   ring->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	ring->id = setup.id;
	ring->map_size = setup.map_size;
	ring->max_files = setup.max_watches;
	ring->ring = map;
	ring->ops = (void *)((char *)map + setup.sq_off);
	ring->cqes = (void *)((char *)map + setup.cq_off);
	return 0;
}

int gmb__kring_open(struct gmb__kring *ring, const char **why)
{
	int rc = open_device(ring, why);

	if (!rc)
		rc = check_version(ring, why);
	if (!rc)
		rc = map_rings(ring, why);
	return rc;
}

void gmb__kring_close(struct gmb__kring *ring)
{
	if (ring->ring)
		munmap(ring->ring, ring->map_size);
	if (ring->fd >= 0)
		close(ring->fd);
}

/* Calls */

void gmb__kring_trap(struct gmb__kring *ring, gmb_time span)
{
	struct gmb_ioc_trap trap = {
		.size = sizeof(trap),
		.min = span != 0,
		.batch = GMB__KRING_BATCH,
		.timeout_ns = span == GMB_NEVER ? GMB_FOREVER : (uint64_t)span,
	};

	__atomic_store_n(&ring->ring->sq_tail, ring->sq_tail, __ATOMIC_RELEASE);
	if (gmb__unlikely(ioctl(ring->fd, GMB_IOC_TRAP, &trap) < 0) &&
	    errno != EINTR)
		gmb__die("the loop's giambio descriptor %d cannot be waited for (%s): the program must not close descriptors that it did not open",
			 ring->fd, strerror(errno));
	ring->cq_tail = __atomic_load_n(&ring->ring->cq_tail, __ATOMIC_ACQUIRE);
}

void gmb__kring_wake(const struct gmb__kring *ring)
{
	struct gmb_ioc_wake wake = {
		.size = sizeof(wake),
		.target = GMB_WAKE_TRAP,
	};
	int saved = errno;

	if (ioctl(ring->fd, GMB_IOC_WAKE, &wake) < 0)
		gmb__die("the loop's giambio descriptor %d cannot be woken (%s): the program must not close descriptors that it did not open",
			 ring->fd, strerror(errno));
	errno = saved;
}

/* Submissions */

void gmb__kring_watch(struct gmb__kring *ring, const struct gmb_file *file,
		      uint64_t tag)
{
	*gmb__kring_next(ring) = (struct gmb_ioc_op){
		.opcode = GMB_OP_WATCH_ADD,
		.flags = GMB_F_SKIP | GMB_F_REPLACE,
		.slot = file->slot,
		.user_data = tag,
		.fd = file->fd,
	};
}

void gmb__kring_drop(struct gmb__kring *ring, const struct gmb_file *file,
		     uint64_t tag)
{
	*gmb__kring_next(ring) = (struct gmb_ioc_op){
		.opcode = GMB_OP_WATCH_DROP,
		.flags = GMB_F_SKIP,
		.slot = file->slot,
		.user_data = tag,
	};
}

void gmb__kring_ready(struct gmb__kring *ring, const struct gmb__op *op,
		      uint16_t events)
{
	*gmb__kring_next(ring) = (struct gmb_ioc_op){
		.opcode = GMB_OP_READY,
		.events = events,
		.slot = op->file->slot,
		.user_data = op->cookie,
		.slack_ns = op->slack,
	};
}

void gmb__kring_transfer(struct gmb__kring *ring, const struct gmb__op *op)
{
	static const uint8_t opcodes[] = {
		[GMB__OP_RECEIVE] = GMB_OP_RECV,
		[GMB__OP_SEND] = GMB_OP_SEND,
		[GMB__OP_READ] = GMB_OP_READ,
		[GMB__OP_WRITE] = GMB_OP_WRITE,
	};
	bool all = gmb__op_writes(op) && op->flags & GMB__OP_ALL;

	*gmb__kring_next(ring) = (struct gmb_ioc_op){
		.opcode = opcodes[op->code],
		.flags = all ? GMB_F_ALL : 0,
		.slot = op->file->slot,
		.user_data = (uintptr_t)op,
		.addr = (uintptr_t)op->iov->iov_base,
		.len = gmb__kring_len(op),
		.slack_ns = op->slack,
	};
}

void gmb__kring_cancel(struct gmb__kring *ring, const struct gmb_file *file,
		       uint64_t which, uint64_t tag)
{
	*gmb__kring_next(ring) = (struct gmb_ioc_op){
		.opcode = GMB_OP_CANCEL,
		.flags = GMB_F_SKIP,
		.slot = file->slot,
		.user_data = tag,
		.addr = which,
	};
}

void gmb__kring_peer(struct gmb__kring *ring, uint32_t slot,
		     const struct gmb__kring *other, uint64_t tag)
{
	*gmb__kring_next(ring) = (struct gmb_ioc_op){
		.opcode = GMB_OP_PEER_ADD,
		.flags = GMB_F_SKIP,
		.slot = slot,
		.user_data = tag,
		.fd = other->fd,
	};
}

void gmb__kring_drop_peer(struct gmb__kring *ring, uint32_t slot, uint64_t tag)
{
	*gmb__kring_next(ring) = (struct gmb_ioc_op){
		.opcode = GMB_OP_PEER_DROP,
		.flags = GMB_F_SKIP,
		.slot = slot,
		.user_data = tag,
	};
}

void gmb__kring_wake_peer(struct gmb__kring *ring, uint32_t slot, uint64_t tag)
{
	*gmb__kring_next(ring) = (struct gmb_ioc_op){
		.opcode = GMB_OP_WAKE,
		.flags = GMB_F_SKIP | GMB_F_SYNC,
		.slot = slot,
		.user_data = tag,
		.addr = GMB_WAKE_TRAP,
	};
}
