/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

/* The ends that the program writes, at the start of the mapping. */
static struct gmb_ioc_ring *ring(struct context *c)
{
	return (struct gmb_ioc_ring *)c->map;
}

static void choose_setup(struct gmb_ioc_setup *setup, struct world *w)
{
	memset(setup, 0, sizeof(*setup));
	setup->size = sizeof(*setup);
	setup->flags = chance(w, 3) ? GMB_SETUP_STAMPS : 0;
	/* Mostly roomy, since a batch should meet what the one before did. */
	setup->sq_entries = chance(w, 8) ? 1U << pick(w, 3) : 8U << pick(w, 6);
	setup->cq_entries = chance(w, 8) ? 4U << pick(w, 3) : 32U << pick(w, 5);
	setup->max_watches = chance(w, 8) ? 0 : 64;
	setup->max_tasks = chance(w, 8) ? 0 : 64;
	if (!chance(w, 20))
		return;
	/* Any word of the entries, the limits and what is reserved. */
	((uint32_t *)setup)[pick(w, sizeof(*setup) / 4)] = odd_number(w);
	/* An arena of locked memory would serve nobody. */
	setup->sq_entries &= 0x80000fff;
	setup->cq_entries &= 0x80000fff;
}

void context_begin(struct context *c, struct world *w)
{
	void *map;
	int ret;

	c->map = NULL;
	fail_some(w);
	c->fd = open(GMB_DEVICE, O_RDWR | O_CLOEXEC);
	fail_none(w);
	if (c->fd < 0)
		return;
	choose_setup(&c->setup, w);
	fail_some(w);
	ret = ioctl(c->fd, GMB_IOC_SETUP, &c->setup);
	fail_none(w);
	if (ret)
		return;
	c->id = c->setup.id;
	c->seen = c->made = 0;
	fail_some(w);
	map = mmap(NULL, c->setup.map_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   c->fd, 0);
	fail_none(w);
	if (map != MAP_FAILED)
		c->map = map;
}

void context_end(struct context *c)
{
	if (c->map)
		munmap(c->map, c->setup.map_size);
	c->map = NULL;
	close(atomic_exchange(&c->fd, -1));
}

/* What the kernel has taken since the last time. */
static void count_taken(struct context *c, struct world *w)
{
	uint32_t head = __atomic_load_n(&ring(c)->sq_head, __ATOMIC_ACQUIRE);
	uint32_t n = head - c->seen;

	c->seen = head;
	/* More cannot be in so many traps: it is what was scribbled there. */
	if (n <= THREADS * c->setup.sq_entries)
		count(w, ENTRY, n);
}

static void submit(struct context *c, struct world *w)
{
	struct gmb_ioc_op *sq = (void *)(c->map + c->setup.sq_off);
	uint32_t mask = c->setup.sq_entries - 1, i;
	uint32_t n = 1 + pick(w, chance(w, 3) ? 8 : mask + 1);
	uint32_t tail = ring(c)->sq_tail;

	/* Once rubbish was taken for a full ring, it has done its work. */
	if (tail - c->seen > mask + 1)
		tail = c->seen;
	for (i = 0; i < n && tail - c->seen <= mask; i++)
		entry_fill(w, &sq[tail++ & mask], c->made++);
	__atomic_store_n(&ring(c)->sq_tail, tail, __ATOMIC_RELEASE);
}

static void reap(struct context *c, struct world *w)
{
	struct gmb_ioc_cqe *cq = (void *)(c->map + c->setup.cq_off);
	uint32_t tail = __atomic_load_n(&ring(c)->cq_tail, __ATOMIC_ACQUIRE);
	uint32_t head = ring(c)->cq_head, good = 0;
	struct tally *tally = w->crew->tally;

	if (tail - head > c->setup.cq_entries)
		head = tail;
	atomic_fetch_add(&tally->completions, tail - head);
	for (; head != tail; head++)
		good += cq[head & (c->setup.cq_entries - 1)].res >= 0;
	atomic_fetch_add(&tally->good, good);
	__atomic_store_n(&ring(c)->cq_head, head, __ATOMIC_RELEASE);
}

/* Returns whether there is a context of this process behind the descriptor. */
static bool trap(int fd, struct world *w)
{
	struct gmb_ioc_trap arg = {
		.size = sizeof(arg),
		.min = pick(w, 4),
		.batch = pick(w, 4),
		.timeout_ns = chance(w, 2) ? 0 : pick(w, 2000000),
		.spin_ns = chance(w, 16) ? pick(w, 100000) : 0,
	};
	int ret;

	if (chance(w, 8))
		arg.timeout_ns = pick(w, 30000000);
	/* The alarm, if nothing else, ends it. */
	if (!w->index && !w->sharer && chance(w, 100))
		arg.timeout_ns = GMB_FOREVER;
	if (chance(w, 50)) {
		/* A wrong one, but never a sleep without end. */
		arg.size += pick(w, 40);
		arg.flags = chance(w, 2);
		arg.min = odd_number(w);
		arg.batch = odd_number(w);
		arg.spin_ns = odd_number(w) & 0xfffff;
		arg.timeout_ns = pick(w, 1000000);
	}
	if (arg.timeout_ns != GMB_FOREVER)
		fail_some(w);
	ret = ioctl(fd, GMB_IOC_TRAP, &arg) < 0 ? -errno : 0;
	fail_none(w);
	count(w, TRAP, 1);
	return ret != -EBADF && ret != -ENOTTY && ret != -ESHUTDOWN &&
	       ret != -EPERM;
}

static void wake(int fd, struct world *w)
{
	struct gmb_ioc_wake arg = {
		.size = sizeof(arg),
		.target = GMB_TASK(pick(w, SLOTS), pick(w, 2)),
	};

	if (chance(w, 8))
		arg.target = GMB_WAKE_TRAP;
	if (chance(w, 20))
		arg.target = odd_number(w);
	if (chance(w, 50))
		arg.size = odd_number(w);
	ioctl(fd, GMB_IOC_WAKE, &arg);
	count(w, WAKE, 1);
}

/*
 * Try to move the mapping, which is refused. What lies at the new place is lost
 * even so, and nothing else may come there meanwhile.
 */
static void move(struct context *c, struct world *w)
{
	size_t size = c->setup.map_size;
	void *to;

	if (!w->lone || chance(w, 2)) {
		mremap(c->map, size, 4096 * pick(w, 9), pick(w, 2));
		return;
	}
	to = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (to != MAP_FAILED)
		mremap(c->map, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

/* Words of any size and meaning to any of the calls. */
static void garble(struct context *c, struct world *w)
{
	unsigned long call = _IO(GMB_IOC_MAGIC, pick(w, 5));
	uint64_t arg[16];
	uint32_t i;

	for (i = 0; i < 16; i++)
		arg[i] = odd_number(w);
	/* A trap among them must not sleep for ever. */
	arg[2] &= 0xfffff;
	ioctl(c->fd, call, chance(w, 3) ? (void *)arg[3] : arg);
}

static void misuse(struct context *c, struct world *w)
{
	switch (pick(w, c->map ? 12 : 2)) {
	case 0:
	case 1:
		garble(c, w);
		break;
	case 2:
		ring(c)->sq_tail = odd_number(w);
		trap(c->fd, w);
		break;
	case 3:
		ring(c)->cq_head = odd_number(w);
		break;
	case 4:
		((uint32_t *)c->map)[pick(w, 64)] = odd_number(w);
		break;
	case 5:
		/* A part of the mapping: refused. */
		if (c->setup.map_size > 4096)
			munmap(c->map + pick(w, 2) * 4096, 4096);
		break;
	case 6:
		move(c, w);
		break;
	case 7:
		munmap(c->map, c->setup.map_size);
		c->map = NULL;
		break;
	default:
		context_end(c);
		context_begin(c, w);
	}
	count(w, MISUSE, 1);
}

void context_step(struct context *c, struct world *w)
{
	bool alive;

	if (chance(w, 100))
		misuse(c, w);
	if (chance(w, 2))
		wake(any_context(w)->fd, w);
	if (chance(w, 8))
		wake(any_file(w), w);
	if (chance(w, 8))
		trap(any_context(w)->fd, w);
	if (c->map)
		submit(c, w);
	alive = trap(c->fd, w);
	if (c->map) {
		count_taken(c, w);
		if (!chance(w, 5))
			reap(c, w);
	}
	if ((!alive || !c->map) && chance(w, 4)) {
		context_end(c);
		context_begin(c, w);
	}
}
