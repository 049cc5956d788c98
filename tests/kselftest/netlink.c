/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What the netlink family tells, and to whom: every request, every attribute
 * malformed in turn, numbers that can be known, other users, other namespaces,
 * and dumps of what changes meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "loop.h"
#include "nl.h"

#define MANY	2000
#define NOBODY	65534

FIXTURE(netlink)
{
	struct loop l;
	struct nl nl;
	unsigned int id;
	int fd[2];
	char buf[64];
	struct nl_item *item;
};

FIXTURE_SETUP(netlink)
{
	ASSERT_EQ(0, loop_init(&self->l, 64, 64));
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, pair_unix(self->fd));
	self->id = self->l.setup.id;
	self->item = calloc(MANY, sizeof(*self->item));
	ASSERT_NE(NULL, self->item);
}

FIXTURE_TEARDOWN(netlink)
{
	free(self->item);
	nl_close(&self->nl);
	loop_fini(&self->l);
}

/* The value of an attribute of the context now. */
#define CONTEXT(attr) ({						\
	ASSERT_EQ(0, nl_context(&self->nl, self->id, self->item));	\
	ASSERT_TRUE(self->item->set & 1U << GMB_NL_CONTEXT_##attr);	\
	self->item->value[GMB_NL_CONTEXT_##attr];			\
})

TEST_F(netlink, is_a_feature)
{
	struct gmb_ioc_query q = { .size = sizeof(q) };

	ASSERT_EQ(0, ioctl(self->l.fd, GMB_IOC_QUERY, &q));
	EXPECT_TRUE(q.features & GMB_FEATURE_NETLINK);
}

TEST_F(netlink, context)
{
	struct nl_item *i = self->item;

	prctl(PR_SET_NAME, "a loop");
	ASSERT_EQ(0, loop_watch(&self->l, self->fd[0]));
	ASSERT_EQ(0, loop_task(&self->l, 7, 0, 0, 0));
	ASSERT_EQ(0, loop_task(&self->l, 8, 0, 0, 0));
	ASSERT_EQ(0, nl_context(&self->nl, self->id, i));
	EXPECT_EQ(self->id, i->value[GMB_NL_CONTEXT_ID]);
	EXPECT_EQ(getpid(), i->value[GMB_NL_CONTEXT_PID]);
	EXPECT_EQ(syscall(SYS_gettid), i->value[GMB_NL_CONTEXT_TID]);
	EXPECT_EQ(getuid(), i->value[GMB_NL_CONTEXT_UID]);
	EXPECT_STREQ("a loop", i->comm);
	EXPECT_EQ(0, i->value[GMB_NL_CONTEXT_OBSERVED]);
	EXPECT_EQ(0, i->value[GMB_NL_CONTEXT_SLEEPING]);
	EXPECT_EQ(64, i->value[GMB_NL_CONTEXT_SQ_ENTRIES]);
	EXPECT_EQ(64, i->value[GMB_NL_CONTEXT_CQ_ENTRIES]);
	EXPECT_EQ(1, i->value[GMB_NL_CONTEXT_WATCHES]);
	EXPECT_EQ(2, i->value[GMB_NL_CONTEXT_TASKS]);
	EXPECT_EQ(0, i->value[GMB_NL_CONTEXT_PEERS]);
	EXPECT_EQ(3, i->value[GMB_NL_CONTEXT_TRAPS]);
	EXPECT_EQ(3, i->value[GMB_NL_CONTEXT_OPS]);
	EXPECT_EQ(3, i->value[GMB_NL_CONTEXT_COMPLETIONS]);
	EXPECT_EQ(0, i->value[GMB_NL_CONTEXT_SLEEPS]);
	/* All of them are told, but for padding. */
	EXPECT_EQ(((1U << (GMB_NL_CONTEXT_MAX + 1)) - 1) & ~3U,
		  i->set & ~3U);
}

static int index_of(const struct nl_item *item, int n, unsigned int id)
{
	int i, found = -1, times = 0;

	for (i = 0; i < n; i++) {
		if (item[i].value[GMB_NL_CONTEXT_ID] != id)
			continue;
		found = i;
		times++;
	}
	return times == 1 ? found : -1 - times;
}

/* From GMB_IOC_SETUP until the rings are unmapped, and nothing else. */
TEST_F(netlink, exists_from_setup_to_unmapping)
{
	struct loop l;
	int n;

	ASSERT_EQ(0, loop_open(&l));
	n = nl_contexts(&self->nl, self->item, MANY);
	EXPECT_LE(1, n);
	EXPECT_LE(0, index_of(self->item, n, self->id));
	ASSERT_EQ(0, loop_setup(&l, 4, 4));
	EXPECT_EQ(n + 1, nl_contexts(&self->nl, self->item, MANY));
	EXPECT_LE(0, index_of(self->item, n + 1, l.setup.id));
	ASSERT_EQ(0, loop_map(&l));
	EXPECT_EQ(0, nl_context(&self->nl, l.setup.id, self->item));
	loop_unmap(&l);
	EXPECT_EQ(-ENOENT, nl_context(&self->nl, l.setup.id, self->item));
	EXPECT_EQ(-ENOENT, nl_reset(&self->nl, l.setup.id));
	EXPECT_EQ(n, nl_contexts(&self->nl, self->item, MANY));
	close(l.fd);
	EXPECT_EQ(-ENOENT, nl_context(&self->nl, l.setup.id, self->item));
	EXPECT_EQ(-ENOENT, nl_context(&self->nl, 0, self->item));
	EXPECT_EQ(-ENOENT, nl_context(&self->nl, ~0U, self->item));
	EXPECT_EQ(-ENOENT, nl_context(&self->nl, 1U << 31, self->item));
}

/* One that is set up but never mapped ends with its descriptor. */
TEST_F(netlink, ends_unmapped)
{
	struct loop l;

	ASSERT_EQ(0, loop_open(&l));
	ASSERT_EQ(0, loop_setup(&l, 4, 4));
	EXPECT_EQ(0, nl_context(&self->nl, l.setup.id, self->item));
	close(l.fd);
	EXPECT_EQ(-ENOENT, nl_context(&self->nl, l.setup.id, self->item));
}

static const int commands[] = {
	GMB_NL_CMD_CONTEXT_GET, GMB_NL_CMD_WATCH_GET, GMB_NL_CMD_TASK_GET,
	GMB_NL_CMD_HISTOGRAM_GET, GMB_NL_CMD_RESET, GMB_NL_CMD_OBSERVE,
};

static int kind_of(int cmd)
{
	return cmd >= GMB_NL_CMD_WATCH_GET && cmd <= GMB_NL_CMD_HISTOGRAM_GET ?
		NL_DUMP : NL_DO;
}

static bool takes(int cmd, int attr)
{
	return attr == GMB_NL_A_CONTEXT_ID ||
	       (attr == GMB_NL_A_TASK_SLOT &&
		cmd == GMB_NL_CMD_HISTOGRAM_GET) ||
	       (attr == GMB_NL_A_OBSERVE && cmd == GMB_NL_CMD_OBSERVE);
}

/* A request that is right, but for what is put into it after. */
static void begin_right(struct nl *nl, struct nl_request *r, int cmd,
			unsigned int id, int without)
{
	nl_begin(nl, r, cmd, kind_of(cmd));
	if (without != GMB_NL_A_CONTEXT_ID)
		nl_put_u32(r, GMB_NL_A_CONTEXT_ID, id);
	if (cmd == GMB_NL_CMD_OBSERVE && without != GMB_NL_A_OBSERVE)
		nl_put_u32(r, GMB_NL_A_OBSERVE, 0);
}

TEST_F(netlink, every_attribute_malformed)
{
	static const char junk[64] = { 1 };
	struct nl_request r;
	unsigned int c, len;
	int attr;

	ASSERT_EQ(0, loop_task(&self->l, 1, 0, 0, 0));
	for (c = 0; c < ARRAY_SIZE(commands); c++) {
		begin_right(&self->nl, &r, commands[c], self->id, -1);
		EXPECT_EQ(0, nl_ask(&self->nl, &r, NULL));
		for (attr = 0; attr <= GMB_NL_A_MAX + 3; attr++) {
			for (len = 0; len <= 12; len++) {
				bool right = takes(commands[c], attr);

				if (right && len == 4)
					continue;
				begin_right(&self->nl, &r, commands[c],
					    self->id, attr);
				nl_put(&r, attr, junk, len);
				EXPECT_EQ(-EINVAL, nl_ask(&self->nl, &r, NULL))
				{
					TH_LOG("command %d attribute %d of %u",
					       commands[c], attr, len);
				}
				EXPECT_EQ(attr, self->nl.bad_attr);
			}
		}
	}
}

TEST_F(netlink, requests_malformed)
{
	struct nl_request r;
	unsigned int c;
	int bit;

	for (c = 0; c < ARRAY_SIZE(commands); c++) {
		/* Without what it needs. */
		begin_right(&self->nl, &r, commands[c], self->id,
			    commands[c] == GMB_NL_CMD_OBSERVE ?
			    GMB_NL_A_OBSERVE : GMB_NL_A_CONTEXT_ID);
		EXPECT_EQ(-EINVAL, nl_ask(&self->nl, &r, NULL));
		/* Bytes that are no attribute. */
		begin_right(&self->nl, &r, commands[c], self->id, -1);
		r.h.nlmsg_len += 2;
		EXPECT_EQ(-EINVAL, nl_ask(&self->nl, &r, NULL));
		/* An attribute that reaches beyond the end. */
		begin_right(&self->nl, &r, commands[c], self->id,
			    GMB_NL_A_CONTEXT_ID);
		nl_put_u32(&r, GMB_NL_A_CONTEXT_ID, self->id);
		r.h.nlmsg_len -= 4;
		EXPECT_EQ(-EINVAL, nl_ask(&self->nl, &r, NULL));
		/* Reserved bits of the header. */
		begin_right(&self->nl, &r, commands[c], self->id, -1);
		r.g.reserved = 1;
		EXPECT_EQ(-EINVAL, nl_ask(&self->nl, &r, NULL));
		/* Marked as nested. */
		begin_right(&self->nl, &r, commands[c], self->id,
			    GMB_NL_A_CONTEXT_ID);
		nl_put_u32(&r, GMB_NL_A_CONTEXT_ID | NLA_F_NESTED, self->id);
		EXPECT_EQ(-EINVAL, nl_ask(&self->nl, &r, NULL));
		/* Of a context that is not there. */
		begin_right(&self->nl, &r, commands[c], 0, -1);
		EXPECT_EQ(-ENOENT, nl_ask(&self->nl, &r, NULL));
		/* A dump where there is none, and the other way round. */
		begin_right(&self->nl, &r, commands[c], self->id, -1);
		r.h.nlmsg_flags ^= NL_DO ^ NL_DUMP;
		EXPECT_EQ(commands[c] == GMB_NL_CMD_CONTEXT_GET ? -EINVAL :
			  -EOPNOTSUPP, nl_ask(&self->nl, &r, NULL));
	}
	for (bit = 3; bit < 32; bit++)
		EXPECT_EQ(-EINVAL, nl_observe(&self->nl, 0, 1U << bit));
	nl_begin(&self->nl, &r, GMB_NL_CMD_EVENTS, NL_DO);
	EXPECT_EQ(-EOPNOTSUPP, nl_ask(&self->nl, &r, NULL));
	nl_begin(&self->nl, &r, GMB_NL_CMD_EVENTS + 1, NL_DO);
	EXPECT_EQ(-EOPNOTSUPP, nl_ask(&self->nl, &r, NULL));
	nl_begin(&self->nl, &r, 0, NL_DO);
	EXPECT_EQ(-EOPNOTSUPP, nl_ask(&self->nl, &r, NULL));
}

TEST_F(netlink, watches)
{
	int n = 300, i, sum = 0, fd[300][2];
	struct loop *l = &self->l;
	struct nl_item *it = self->item;
	struct gmb_ioc_op *op;
	struct stat st;

	EXPECT_EQ(0, nl_items(&self->nl, GMB_NL_CMD_WATCH_GET, self->id, it,
			      MANY));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, pair_unix(fd[i]));
		op = loop_op(l, GMB_OP_WATCH_ADD, i * 10, 0);
		op->fd = fd[i][0];
		ASSERT_EQ(0, loop_result(l));
	}
	/* A writer without room, a reader, and what arrived for nobody. */
	while (send(fd[1][0], self->buf, 64, MSG_DONTWAIT) > 0)
		;
	loop_op(l, GMB_OP_READY, 10, 0xabcdef0012345678)->events = POLLOUT;
	loop_buf(l, GMB_OP_RECV, 10, 0x1234567887654321, self->buf, 1);
	ASSERT_EQ(0, loop_trap(l, 0));
	ASSERT_EQ(1, write(fd[2][1], "x", 1));
	ASSERT_EQ(n, nl_items(&self->nl, GMB_NL_CMD_WATCH_GET, self->id, it,
			      MANY));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, fstat(fd[i][0], &st));
		EXPECT_EQ(i * 10, it[i].value[GMB_NL_WATCH_SLOT]);
		EXPECT_EQ(st.st_ino, it[i].value[GMB_NL_WATCH_INO]);
		sum += !!(it[i].set & 1U << GMB_NL_WATCH_READER);
		sum += !!(it[i].set & 1U << GMB_NL_WATCH_WRITER);
	}
	EXPECT_EQ(2, sum);
	EXPECT_EQ(GMB_OP_RECV, it[1].value[GMB_NL_WATCH_READER]);
	EXPECT_EQ(0x1234567887654321, it[1].value[GMB_NL_WATCH_READER_DATA]);
	EXPECT_EQ(GMB_OP_READY, it[1].value[GMB_NL_WATCH_WRITER]);
	EXPECT_EQ(0xabcdef0012345678, it[1].value[GMB_NL_WATCH_WRITER_DATA]);
	EXPECT_EQ(0, it[1].value[GMB_NL_WATCH_READY] & POLLIN);
	EXPECT_EQ(POLLIN | POLLOUT, it[2].value[GMB_NL_WATCH_READY]);
	EXPECT_EQ(0, it[3].value[GMB_NL_WATCH_READY] & POLLIN);
	loop_op(l, GMB_OP_WATCH_DROP, 20, 0);
	ASSERT_EQ(0, loop_result(l));
	EXPECT_EQ(n - 1, nl_items(&self->nl, GMB_NL_CMD_WATCH_GET, self->id,
				  it, MANY));
	for (i = 0; i < n; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
}

TEST_F(netlink, tasks)
{
	struct nl_item *it = self->item;
	int i, n = 500;

	for (i = 0; i < n; i++)
		ASSERT_EQ(0, loop_task(&self->l, i * 3, i + 1,
				       i | 1ULL << 63, i * 1000));
	ASSERT_EQ(0, wake(self->l.fd, GMB_TASK(9, 4)));
	ASSERT_EQ(n, nl_items(&self->nl, GMB_NL_CMD_TASK_GET, self->id, it,
			      MANY));
	for (i = 0; i < n; i++) {
		EXPECT_EQ(i * 3, it[i].value[GMB_NL_TASK_SLOT]);
		EXPECT_EQ(i + 1, it[i].value[GMB_NL_TASK_TAG]);
		EXPECT_EQ(i | 1ULL << 63, it[i].value[GMB_NL_TASK_USER_DATA]);
		EXPECT_EQ(i * 1000, it[i].value[GMB_NL_TASK_SLACK]);
		EXPECT_EQ(i == 3, it[i].value[GMB_NL_TASK_PENDING]);
	}
	ASSERT_EQ(1, loop_trap(&self->l, 1));
	loop_op(&self->l, GMB_OP_TASK_DROP, 0, 0);
	ASSERT_EQ(1, loop_trap(&self->l, 0));
	ASSERT_EQ(n - 1, nl_items(&self->nl, GMB_NL_CMD_TASK_GET, self->id,
				  it, MANY));
	EXPECT_EQ(0, it[2].value[GMB_NL_TASK_PENDING]);
}

static int all_commands(struct nl *nl, unsigned int id)
{
	struct nl_request r;
	unsigned int c;
	int ret = 0;

	for (c = 0; c < ARRAY_SIZE(commands); c++) {
		begin_right(nl, &r, commands[c], id, -1);
		if (nl_ask(nl, &r, NULL) != -ENOENT)
			ret = commands[c];
	}
	return ret;
}

/* The calling process as somebody with a context but without rights. */
static int become_nobody(struct loop *l)
{
	/* The device is opened by whom a process really is. */
	if (setresuid(NOBODY, 0, 0))
		return -errno;
	if (loop_init(l, 4, 4))
		return -EACCES;
	return setresuid(NOBODY, NOBODY, NOBODY) ? -errno : 0;
}

/* How many contexts somebody without rights sees; -errno. */
static int nobody_sees(struct nl_item *it)
{
	int pid = fork();
	struct nl nl;

	if (!pid) {
		MUST(!setresuid(NOBODY, NOBODY, NOBODY));
		MUST(!nl_open(&nl));
		_exit(100 + nl_contexts(&nl, it, MANY));
	}
	return pid < 0 ? -errno : (ended(pid) >> 8) - 100;
}

/* That he started the program does not show him what it does as another. */
TEST_F(netlink, anothers_rights_hide_a_context)
{
	int pid;

	if (geteuid())
		SKIP(return, "only root can be somebody else");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct loop l;

		MUST(!setresuid(NOBODY, 0, 0));
		MUST(!loop_init(&l, 4, 4));
		MUST(nobody_sees(self->item) == 0);
		MUST(!setresuid(NOBODY, NOBODY, 0));
		MUST(nobody_sees(self->item) == 0);
		MUST(!setresuid(NOBODY, NOBODY, NOBODY));
		MUST(nobody_sees(self->item) == 1);
		_exit(0);
	}
	EXPECT_EQ(0, ended(pid));
}

TEST_F(netlink, others_do_not_exist)
{
	struct nl *nl = &self->nl;
	struct nl_item *it = self->item;
	int pid;

	if (geteuid())
		SKIP(return, "only root can be somebody else");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct nl mine;
		struct loop l;

		MUST(!become_nobody(&l));
		MUST(!nl_open(&mine));
		MUST(!all_commands(&mine, self->id));
		MUST(nl_contexts(&mine, it, MANY) == 1);
		MUST(it[0].value[GMB_NL_CONTEXT_ID] == l.setup.id);
		MUST(it[0].value[GMB_NL_CONTEXT_UID] == NOBODY);
		MUST(!nl_observe(&mine, 0, GMB_NL_OBSERVE_EVENTS));
		MUST(!nl_context(&mine, l.setup.id, it));
		MUST(it->value[GMB_NL_CONTEXT_OBSERVED] ==
		     GMB_NL_OBSERVE_EVENTS);
		/* Root's socket shows root's own, no more than that. */
		MUST(!nl_context(nl, self->id, it));
		MUST(it->value[GMB_NL_CONTEXT_OBSERVED] == 0);
		MUST(nl_context(nl, l.setup.id, it) == -ENOENT);
		_exit(0);
	}
	EXPECT_EQ(0, ended(pid));
	/* Who may see all does. */
	EXPECT_EQ(0, CONTEXT(OBSERVED));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct loop l;

		MUST(!setresuid(NOBODY, 0, 0));
		MUST(!loop_init(&l, 4, 4));
		MUST(!setresuid(0, 0, 0));
		MUST(!nl_context(nl, l.setup.id, it));
		MUST(it->value[GMB_NL_CONTEXT_UID] == NOBODY);
		_exit(0);
	}
	EXPECT_EQ(0, ended(pid));
}

TEST_F(netlink, pid_namespaces)
{
	struct nl_item *it = self->item;
	int id[2], pid, status;
	unsigned int inner;

	if (geteuid())
		SKIP(return, "only root makes pid namespaces");
	ASSERT_EQ(0, pipe(id));
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct nl mine;
		struct loop l;

		MUST(!nl_open(&mine));
		MUST(!loop_init(&l, 4, 4));
		MUST(!loop_trap(&l, 0));
		MUST(!nl_context(&mine, l.setup.id, it));
		MUST(it->value[GMB_NL_CONTEXT_PID] == 1);
		MUST(it->value[GMB_NL_CONTEXT_TID] == 1);
		MUST(!nl_context(&mine, self->id, it));
		MUST(it->value[GMB_NL_CONTEXT_PID] == 0);
		MUST(write(id[1], &l.setup.id, 4) == 4);
		pause();
	}
	ASSERT_EQ(4, read(id[0], &inner, 4));
	EXPECT_EQ(0, nl_context(&self->nl, inner, it));
	EXPECT_EQ(pid, it->value[GMB_NL_CONTEXT_PID]);
	EXPECT_EQ(pid, it->value[GMB_NL_CONTEXT_TID]);
	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(-ENOENT, nl_context(&self->nl, inner, it));
}

TEST_F(netlink, network_namespaces)
{
	struct nl_item *it = self->item;
	struct nl *nl = &self->nl;
	int pid;

	if (geteuid())
		SKIP(return, "only root makes network namespaces");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct nl mine;
		struct loop l;

		MUST(!unshare(CLONE_NEWNET));
		MUST(!nl_open(&mine));
		MUST(!all_commands(&mine, self->id));
		MUST(nl_contexts(&mine, it, MANY) == 0);
		MUST(!loop_init(&l, 4, 4));
		MUST(nl_contexts(&mine, it, MANY) == 1);
		MUST(it->value[GMB_NL_CONTEXT_ID] == l.setup.id);
		/* The initial one sees all. */
		MUST(!nl_context(nl, l.setup.id, it));
		loop_fini(&l);
		nl_close(&mine);
		_exit(0);
	}
	EXPECT_EQ(0, ended(pid));
}

static void *come_and_go(void *arg)
{
	unsigned int *stop = arg;
	struct loop l[8];
	int i;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		for (i = 0; i < 8; i++)
			if (loop_init(&l[i], 4, 4))
				return (void *)1;
		for (i = 0; i < 8; i++)
			loop_fini(&l[i]);
	}
	return NULL;
}

/* What stays is told once in every dump, however much comes and goes. */
TEST_F(netlink, dump_while_contexts_come_and_go)
{
	pthread_t thread[2];
	struct loop l[64];
	unsigned int stop = 0;
	int i, n, round;
	void *failed;

	for (i = 0; i < 64; i++)
		ASSERT_EQ(0, loop_init(&l[i], 4, 4));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, come_and_go,
					    &stop));
	for (round = 0; round < 50; round++) {
		n = nl_contexts(&self->nl, self->item, MANY);
		ASSERT_LE(65, n);
		for (i = 0; i < 64; i++)
			EXPECT_LE(0, index_of(self->item, n, l[i].setup.id));
		EXPECT_EQ(0, nl_observe(&self->nl, 0, round % 4));
	}
	stop = 1;
	for (i = 0; i < 2; i++) {
		pthread_join(thread[i], &failed);
		EXPECT_EQ(NULL, failed);
	}
	EXPECT_EQ(49 % 4, CONTEXT(OBSERVED));
	for (i = 0; i < 64; i++)
		loop_fini(&l[i]);
}

struct churn {
	struct loop *l;
	int fd;
	unsigned int stop;
};

static void *add_and_drop(void *arg)
{
	struct churn *c = arg;
	char byte;
	int i;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		for (i = 0; i < 16; i++)
			loop_op(c->l, GMB_OP_WATCH_ADD, i, 0)->fd = c->fd;
		for (i = 0; i < 16; i++)
			loop_buf(c->l, GMB_OP_RECV, i, i, &byte, 1);
		for (i = 0; i < 16; i++)
			loop_op(c->l, GMB_OP_WATCH_DROP, i, 0);
		loop_trap(c->l, 0);
		while (loop_next(c->l).user_data != NONE)
			;
	}
	return NULL;
}

TEST_F(netlink, dump_while_watches_come_and_go)
{
	struct churn c = { .l = &self->l, .fd = self->fd[0] };
	struct nl_item *it = self->item;
	pthread_t thread;
	int i, n, round;

	ASSERT_EQ(0, pthread_create(&thread, NULL, add_and_drop, &c));
	for (round = 0; round < 300; round++) {
		n = nl_items(&self->nl, GMB_NL_CMD_WATCH_GET, self->id, it,
			     MANY);
		ASSERT_LE(0, n);
		EXPECT_GE(16, n);
		for (i = 0; i < n; i++) {
			unsigned long long slot =
				it[i].value[GMB_NL_WATCH_SLOT];

			EXPECT_GT(16, slot);
			if (it[i].set & 1U << GMB_NL_WATCH_READER)
				EXPECT_GT(16, it[i].value[
					  GMB_NL_WATCH_READER_DATA]);
		}
	}
	__atomic_store_n(&c.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
