/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The rings of /dev/giambio with nothing around them, for programs that show
 * what the module costs by itself.
 */

#ifndef GIAMBIO_BENCH_KERNEL_RING_H
#define GIAMBIO_BENCH_KERNEL_RING_H

#include <fcntl.h>
#include <linux/giambio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct ring {
	int fd;
	struct gmb_ioc_setup setup;
	struct gmb_ioc_ring *shared;
	struct gmb_ioc_op *ops;
	struct gmb_ioc_cqe *cqes;
	uint32_t tail;		/* of the operations */
	uint32_t head;		/* of the completions */
};

static inline void ring_die(const char *what)
{
	perror(what);
	exit(1);
}

static inline void ring_open(struct ring *ring, uint32_t entries)
{
	char *map;

	*ring = (struct ring){
		.setup = {
			.size = sizeof(ring->setup),
			.sq_entries = entries,
			.cq_entries = 2 * entries,
		},
	};
	ring->fd = open(GMB_DEVICE, O_RDWR | O_CLOEXEC);
	if (ring->fd < 0 || ioctl(ring->fd, GMB_IOC_SETUP, &ring->setup))
		ring_die(GMB_DEVICE);
	map = mmap(NULL, ring->setup.map_size, PROT_READ | PROT_WRITE,
		   MAP_SHARED, ring->fd, 0);
	if (map == MAP_FAILED)
		ring_die("mmap of " GMB_DEVICE);
	ring->shared = (void *)map;
	ring->ops = (void *)(map + ring->setup.sq_off);
	ring->cqes = (void *)(map + ring->setup.cq_off);
}

/* Hand over, wait for at least @min completions. Return: as the ioctl. */
static inline int ring_trap_with(struct ring *ring, uint32_t min,
				 uint32_t batch, uint64_t timeout_ns)
{
	struct gmb_ioc_trap trap = {
		.size = sizeof(trap),
		.min = min,
		.batch = batch,
		.timeout_ns = timeout_ns,
	};
	int n;

	__atomic_store_n(&ring->shared->sq_tail, ring->tail, __ATOMIC_RELEASE);
	n = ioctl(ring->fd, GMB_IOC_TRAP, &trap);
	if (n < 0)
		ring_die("GMB_IOC_TRAP");
	return n;
}

static inline int ring_trap(struct ring *ring, uint32_t min)
{
	return ring_trap_with(ring, min, 0, GMB_FOREVER);
}

/* A cleared entry; when the ring is full a trap empties it first. */
static inline struct gmb_ioc_op *ring_op(struct ring *ring, uint8_t opcode,
					 uint32_t slot, uint64_t user_data)
{
	struct gmb_ioc_op *op;

	if (ring->tail - ring->shared->sq_head == ring->setup.sq_entries)
		ring_trap(ring, 0);
	op = &ring->ops[ring->tail++ & (ring->setup.sq_entries - 1)];
	*op = (struct gmb_ioc_op){
		.opcode = opcode,
		.slot = slot,
		.user_data = user_data,
	};
	return op;
}

static inline void ring_watch(struct ring *ring, int fd)
{
	struct gmb_ioc_op *op = ring_op(ring, GMB_OP_WATCH_ADD, (uint32_t)fd,
					0);

	op->fd = fd;
	op->flags = GMB_F_SKIP;
}

static inline void ring_in(struct ring *ring, uint8_t opcode, int fd, void *buf,
			   uint32_t len, uint64_t user_data)
{
	struct gmb_ioc_op *op = ring_op(ring, opcode, (uint32_t)fd, user_data);

	op->addr = (uintptr_t)buf;
	op->len = len;
}

/* The next completion, or NULL. Give the room back with ring_read_up(). */
static inline const struct gmb_ioc_cqe *ring_read(struct ring *ring)
{
	if (ring->head ==
	    __atomic_load_n(&ring->shared->cq_tail, __ATOMIC_ACQUIRE))
		return NULL;
	return &ring->cqes[ring->head++ & (ring->setup.cq_entries - 1)];
}

static inline void ring_read_up(struct ring *ring)
{
	__atomic_store_n(&ring->shared->cq_head, ring->head, __ATOMIC_RELEASE);
}

#endif
