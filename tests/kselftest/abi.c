/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What the interface refuses: every field of every structure wrong in turn,
 * one cause at a time. Outputs are poisoned before a call, so that a field
 * that is not written, or is written though it must not be, shows.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <poll.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"

_Static_assert(sizeof(struct gmb_ioc_query) == 48, "query");
_Static_assert(sizeof(struct gmb_ioc_setup) == 48, "setup");
_Static_assert(sizeof(struct gmb_ioc_ring) == 192, "ring");
_Static_assert(sizeof(struct gmb_ioc_op) == 64, "op");
_Static_assert(sizeof(struct gmb_ioc_cqe) == 16, "cqe");
_Static_assert(sizeof(struct gmb_ioc_stamp) == 32, "stamp");
_Static_assert(sizeof(struct gmb_ioc_trap) == 32, "trap");
_Static_assert(sizeof(struct gmb_ioc_wake) == 16, "wake");

/* A structure that is longer than the kernel's. */
#define MORE	64

union request {
	struct gmb_ioc_query query;
	struct gmb_ioc_setup setup;
	struct gmb_ioc_trap trap;
	struct gmb_ioc_wake wake;
	__u32 size;
	unsigned char byte[sizeof(struct gmb_ioc_query) + MORE];
};

FIXTURE(abi)
{
	struct loop l;
};

FIXTURE_SETUP(abi)
{
	ASSERT_EQ(0, loop_open(&self->l));
}

FIXTURE_TEARDOWN(abi)
{
	loop_fini(&self->l);
}

static int call(struct loop *l, unsigned int cmd, void *arg)
{
	int ret = ioctl(l->fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

TEST_F(abi, unknown_calls)
{
	unsigned int i;

	for (i = 4; i < 256; i++)
		EXPECT_EQ(-ENOTTY, call(&self->l, _IO(GMB_IOC_MAGIC, i), NULL));
	EXPECT_EQ(-ENOTTY, call(&self->l, _IO('x', 2), NULL));
	EXPECT_EQ(-ENOTTY, call(&self->l, GMB_IOC_QUERY | 8 << 16, NULL));
}

TEST_F(abi, other_file_methods)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	char c = 0;

	EXPECT_EQ(-1, epoll_ctl(epoll, EPOLL_CTL_ADD, self->l.fd, &event));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, read(self->l.fd, &c, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->l.fd, &c, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(self->l.fd, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	close(epoll);
}

TEST_F(abi, query_size)
{
	union request r;
	unsigned int size, i;

	for (size = 0; size < 8; size++) {
		memset(&r, 0xcc, sizeof(r));
		r.size = size;
		EXPECT_EQ(-EINVAL, call(&self->l, GMB_IOC_QUERY, &r));
		EXPECT_EQ(0xcccccccc, r.query.version);
	}
	for (size = 8; size <= sizeof(r); size++) {
		memset(&r, 0xcc, sizeof(r));
		r.size = size;
		ASSERT_EQ(0, call(&self->l, GMB_IOC_QUERY, &r));
		EXPECT_EQ(sizeof(r.query), r.query.size);
		EXPECT_EQ(GMB_ABI_VERSION, r.query.version);
		i = size < sizeof(r.query) ? size : sizeof(r.query);
		for (; i < sizeof(r); i++)
			ASSERT_EQ(0xcc, r.byte[i]);
	}
}

TEST_F(abi, query_values)
{
	union request r;

	memset(&r, 0xcc, sizeof(r));
	r.size = sizeof(r.query);
	ASSERT_EQ(0, call(&self->l, GMB_IOC_QUERY, &r));
	EXPECT_EQ((1ULL << GMB_OP_LAST) - 1, r.query.ops);
	EXPECT_EQ(GMB_FEATURE_SLACK | GMB_FEATURE_SPIN | GMB_FEATURE_SWEEP |
		  GMB_FEATURE_STAMPS | GMB_FEATURE_NETLINK | GMB_FEATURE_IO,
		  r.query.features);
	EXPECT_EQ(0, r.query.max_sq & (r.query.max_sq - 1));
	EXPECT_EQ(0, r.query.max_cq & (r.query.max_cq - 1));
	EXPECT_NE(0, r.query.max_watches);
	EXPECT_NE(0, r.query.max_tasks);
	EXPECT_NE(0, r.query.max_peers);
	EXPECT_GT(1000000000, r.query.max_spin_ns);
}

TEST_F(abi, bad_addresses)
{
	static const unsigned int calls[] = {
		GMB_IOC_QUERY, GMB_IOC_SETUP, GMB_IOC_TRAP, GMB_IOC_WAKE,
	};
	char *page = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	union request *end = (void *)(page + 4096 - 8);
	unsigned int i;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, mprotect(page + 4096, 4096, PROT_NONE));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(-EFAULT, call(&self->l, calls[i], NULL));
		EXPECT_EQ(-EFAULT, call(&self->l, calls[i], (void *)-4096L));
		/* It begins well and reaches where nothing may be read. */
		end->size = 48;
		EXPECT_EQ(-EFAULT, call(&self->l, calls[i], end));
	}
	/* The same for the part that only a later version would know. */
	end = (void *)(page + 4096 - sizeof(struct gmb_ioc_wake));
	end->wake = (struct gmb_ioc_wake){
		.size = sizeof(end->wake) + 8, .target = GMB_WAKE_TRAP,
	};
	EXPECT_EQ(-EFAULT, call(&self->l, GMB_IOC_WAKE, end));
	munmap(page, 2 * 4096);
}

/* What a later version may have added must be zero here. */
static void check_size(struct __test_metadata *_metadata, struct loop *l,
		       unsigned int cmd, const union request *good,
		       unsigned int known, int valid)
{
	static unsigned char big[16384];
	union request r;
	unsigned int i;

	for (i = 0; i < known; i++) {
		r = *good;
		r.size = i;
		EXPECT_EQ(-EINVAL, call(l, cmd, &r));
	}
	for (i = known; i < known + MORE && i < sizeof(r); i++) {
		r = *good;
		memset(&r.byte[known], 0, sizeof(r) - known);
		r.byte[i] = 1;
		r.size = i + 1;
		EXPECT_EQ(-EINVAL, call(l, cmd, &r));
	}
	memset(big, 0, sizeof(big));
	memcpy(big, good, known);
	((union request *)big)->size = sizeof(big);
	EXPECT_EQ(-EINVAL, call(l, cmd, big));
	((union request *)big)->size = known + MORE;
	EXPECT_EQ(valid, call(l, cmd, big));
}

TEST_F(abi, setup_size)
{
	union request good = { .size = 48 };

	good.setup.sq_entries = 8;
	good.setup.cq_entries = 8;
	check_size(_metadata, &self->l, GMB_IOC_SETUP, &good, 48, 0);
}

TEST_F(abi, wake_size)
{
	union request good = { .wake = { .size = 16,
					 .target = GMB_WAKE_TRAP } };

	check_size(_metadata, &self->l, GMB_IOC_WAKE, &good, 16, 0);
}

TEST_F(abi, trap_size)
{
	union request good = { .trap = { .size = 32 } };

	ASSERT_EQ(0, loop_setup(&self->l, 8, 8));
	ASSERT_EQ(0, loop_map(&self->l));
	check_size(_metadata, &self->l, GMB_IOC_TRAP, &good, 32, 0);
}

TEST_F(abi, setup_fields)
{
	static const struct {
		unsigned int at, value;
		int error;
	} wrong[] = {
#define AT(f)	offsetof(struct gmb_ioc_setup, f)
		{ AT(flags), 2, EINVAL },
		{ AT(flags), 1U << 31, EINVAL },
		{ AT(reserved), 1, EINVAL },
		{ AT(sq_entries), 0, EINVAL },
		{ AT(sq_entries), 3, EINVAL },
		{ AT(sq_entries), 65536, EINVAL },
		{ AT(sq_entries), 1U << 31, EINVAL },
		{ AT(sq_entries), ~0U, EINVAL },
		{ AT(cq_entries), 0, EINVAL },
		{ AT(cq_entries), 2, EINVAL },
		{ AT(cq_entries), 5, EINVAL },
		{ AT(cq_entries), 131072, EINVAL },
		{ AT(cq_entries), 1U << 31, EINVAL },
		{ AT(cq_entries), ~0U, EINVAL },
		{ AT(max_tasks), (1U << 20) + 1, EINVAL },
		{ AT(max_tasks), ~0U, EINVAL },
		{ AT(max_watches), ~0U, EMFILE },
#undef AT
	};
	struct gmb_ioc_setup good = {
		.size = sizeof(good), .sq_entries = 8, .cq_entries = 8,
	};
	union request r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		r.setup = good;
		memcpy(&r.byte[wrong[i].at], &wrong[i].value, 4);
		EXPECT_EQ(-wrong[i].error, call(&self->l, GMB_IOC_SETUP, &r))
		{
			TH_LOG("field at %u, value %u", wrong[i].at,
			       wrong[i].value);
		}
		EXPECT_EQ(0, r.setup.map_size);
	}
	memset(&r, 0xcc, sizeof(r));
	r.setup.size = sizeof(r.setup);
	r.setup.flags = 0;
	r.setup.sq_entries = 4;
	r.setup.cq_entries = 16;
	r.setup.max_watches = 0;
	r.setup.max_tasks = 0;
	r.setup.reserved = 0;
	EXPECT_EQ(0, call(&self->l, GMB_IOC_SETUP, &r));
	EXPECT_NE(0, r.setup.id);
	EXPECT_NE(0xcccccccc, r.setup.id);
	EXPECT_EQ(0, r.setup.stamp_off);
	EXPECT_EQ(0, r.setup.map_size % 4096);
	EXPECT_EQ(0, r.setup.sq_off % 64);
	EXPECT_EQ(0, r.setup.cq_off % 16);
	EXPECT_LE(r.setup.sq_off + 4 * 64, r.setup.map_size);
	EXPECT_LE(r.setup.cq_off + 16 * 16, r.setup.map_size);
	EXPECT_LT(0, r.setup.max_watches);
	EXPECT_LT(0, r.setup.max_tasks);
	EXPECT_EQ(-EBUSY, call(&self->l, GMB_IOC_SETUP, &r));
}

TEST_F(abi, order_of_calls)
{
	EXPECT_EQ(-ENXIO, loop_trap(&self->l, 0));
	self->l.setup.map_size = 4096;
	EXPECT_EQ(-ENXIO, loop_map(&self->l));
	ASSERT_EQ(0, loop_setup(&self->l, 8, 8));
	EXPECT_EQ(-ENXIO, loop_trap(&self->l, 0));
	ASSERT_EQ(0, loop_map(&self->l));
	EXPECT_EQ(0, loop_trap(&self->l, 0));
	EXPECT_EQ(-EBUSY, loop_setup(&self->l, 8, 8));
}

TEST_F(abi, trap_fields)
{
	struct gmb_ioc_trap good = { .size = sizeof(good) }, t;
	union request q = { .size = sizeof(q.query) };
	int i;

	ASSERT_EQ(0, loop_setup(&self->l, 8, 8));
	ASSERT_EQ(0, loop_map(&self->l));
	ASSERT_EQ(0, call(&self->l, GMB_IOC_QUERY, &q));
	for (i = 0; i < 32; i++) {
		t = good;
		t.flags = 1U << i;
		EXPECT_EQ(-EINVAL, call(&self->l, GMB_IOC_TRAP, &t));
		t = good;
		t.reserved = 1U << i;
		EXPECT_EQ(-EINVAL, call(&self->l, GMB_IOC_TRAP, &t));
	}
	t = good;
	t.spin_ns = q.query.max_spin_ns + 1;
	EXPECT_EQ(-EINVAL, call(&self->l, GMB_IOC_TRAP, &t));
	t.spin_ns = q.query.max_spin_ns;
	EXPECT_EQ(0, call(&self->l, GMB_IOC_TRAP, &t));
	t = good;
	t.min = 9;
	EXPECT_EQ(-EINVAL, call(&self->l, GMB_IOC_TRAP, &t));
	t.min = ~0U;
	EXPECT_EQ(-EINVAL, call(&self->l, GMB_IOC_TRAP, &t));
	t.min = 8;
	EXPECT_EQ(0, call(&self->l, GMB_IOC_TRAP, &t));
	t.batch = ~0U;
	t.spin_ns = 1;
	EXPECT_EQ(0, call(&self->l, GMB_IOC_TRAP, &t));
}

TEST_F(abi, wake_fields)
{
	struct gmb_ioc_wake w = { .size = sizeof(w), .target = GMB_WAKE_TRAP };
	int i;

	for (i = 0; i < 32; i++) {
		w.flags = 1U << i;
		EXPECT_EQ(-EINVAL, call(&self->l, GMB_IOC_WAKE, &w));
	}
	EXPECT_EQ(-ESRCH, wake(self->l.fd, 0));
	EXPECT_EQ(-ESRCH, wake(self->l.fd, ~1ULL));
}

TEST_F(abi, mapping)
{
	struct loop *l = &self->l;
	int rw = PROT_READ | PROT_WRITE;
	unsigned int size;

	ASSERT_EQ(0, loop_setup(l, 128, 128));
	size = l->setup.map_size;
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, rw, MAP_PRIVATE, l->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, rw, MAP_SHARED, l->fd, 4096));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size - 4096, rw, MAP_SHARED, l->fd,
				   0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size + 4096, rw, MAP_SHARED, l->fd,
				   0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, rw | PROT_EXEC, MAP_SHARED,
				   l->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	/* A refused mapping was none. */
	ASSERT_EQ(0, loop_map(l));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, rw, MAP_SHARED, l->fd, 0));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(-1, mprotect(l->ring, size, rw | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, loop_trap(l, 0));
}

/* The bits that may be set, as the interface's header says. */
#define ALL	.user_data = ~0ULL
#define BUFFER	.addr = ~0ULL, .len = ~0U
static const struct gmb_ioc_op allowed[GMB_OP_LAST] = {
	[GMB_OP_NOP] = { ALL },
	[GMB_OP_WATCH_ADD] = { ALL, .slot = ~0U, .fd = -1,
		.flags = GMB_F_SKIP | GMB_F_REPLACE },
	[GMB_OP_WATCH_DROP] = { ALL, .slot = ~0U,
		.flags = GMB_F_SKIP | GMB_F_CLOSE },
	[GMB_OP_READY] = { ALL, .slot = ~0U, .slack_ns = ~0U,
		.flags = GMB_F_NOWAIT,
		.events = POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP |
			  POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND |
			  POLLMSG | POLLRDHUP },
	[GMB_OP_RECV] = { ALL, .slot = ~0U, .slack_ns = ~0U, BUFFER,
		.flags = GMB_F_NOWAIT,
		.msg_flags = MSG_PEEK | MSG_TRUNC },
	[GMB_OP_SEND] = { ALL, .slot = ~0U, .slack_ns = ~0U, BUFFER,
		.flags = GMB_F_ALL | GMB_F_SKIP | GMB_F_NOWAIT,
		.msg_flags = MSG_MORE | MSG_EOR },
	[GMB_OP_EXCHANGE] = { ALL, .slot = ~0U, .slack_ns = ~0U, BUFFER,
		.addr2 = ~0ULL, .len2 = ~0U, .msg_flags = MSG_EOR },
	[GMB_OP_READ] = { ALL, .slot = ~0U, .slack_ns = ~0U, BUFFER,
		.flags = GMB_F_NOWAIT },
	[GMB_OP_WRITE] = { ALL, .slot = ~0U, .slack_ns = ~0U, BUFFER,
		.flags = GMB_F_ALL | GMB_F_SKIP | GMB_F_NOWAIT },
	[GMB_OP_CANCEL] = { ALL, .slot = ~0U, .addr = ~0ULL,
		.flags = GMB_F_SKIP },
	[GMB_OP_TASK_ADD] = { ALL, .slot = ~0U, .slack_ns = ~0U, BUFFER,
		.flags = GMB_F_SKIP },
	[GMB_OP_TASK_DROP] = { ALL, .slot = ~0U, .flags = GMB_F_SKIP },
	[GMB_OP_WAKE] = { ALL, .slot = ~0U, .addr = ~0ULL,
		.flags = GMB_F_SKIP | GMB_F_SYNC },
	[GMB_OP_PEER_ADD] = { ALL, .slot = ~0U, .fd = -1,
		.flags = GMB_F_SKIP },
	[GMB_OP_PEER_DROP] = { ALL, .slot = ~0U, .flags = GMB_F_SKIP },
};

/* Submit what was gathered; all of it must be refused. */
static void refused(struct __test_metadata *_metadata, struct loop *l, int n)
{
	struct gmb_ioc_cqe c;
	bool sends;

	ASSERT_EQ(n, loop_trap(l, 0));
	while (n-- > 0) {
		c = loop_next(l);
		EXPECT_EQ(-EINVAL, c.res)
		{
			TH_LOG("opcode %llu, bit %llu", c.user_data >> 16,
			       c.user_data & 0xffff);
		}
		EXPECT_EQ(0, c.err);
		/* An exchange says that it has not sent anything. */
		sends = c.user_data >> 16 == GMB_OP_EXCHANGE;
		EXPECT_EQ(sends ? GMB_CQE_SEND : 0, c.flags);
	}
}

TEST_F(abi, every_bit_of_every_operation)
{
	unsigned int opcode, bit, n = 0, checked = 0;
	struct gmb_ioc_op *op;

	ASSERT_EQ(0, loop_setup(&self->l, 64, 128));
	ASSERT_EQ(0, loop_map(&self->l));
	for (opcode = 0; opcode < GMB_OP_LAST; opcode++) {
		const unsigned char *may = (const void *)&allowed[opcode];

		for (bit = 8; bit < 8 * sizeof(*op); bit++) {
			if (may[bit / 8] >> bit % 8 & 1)
				continue;
			op = loop_op(&self->l, opcode, 0, opcode << 16 | bit);
			((unsigned char *)op)[bit / 8] |= 1 << bit % 8;
			checked++;
			if (++n == 64) {
				refused(_metadata, &self->l, n);
				n = 0;
			}
		}
	}
	refused(_metadata, &self->l, n);
	EXPECT_LT(3000, checked);
}

TEST_F(abi, unknown_operations)
{
	unsigned int opcode, n = 0;

	ASSERT_EQ(0, loop_setup(&self->l, 64, 128));
	ASSERT_EQ(0, loop_map(&self->l));
	for (opcode = GMB_OP_LAST; opcode < 256; opcode++) {
		loop_op(&self->l, opcode, 0, opcode << 16);
		if (++n == 64) {
			refused(_metadata, &self->l, n);
			n = 0;
		}
	}
	refused(_metadata, &self->l, n);
}

TEST_HARNESS_MAIN
