/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * A loop hands its page and its trace to who started the program to observe it.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <giambio/page.h>
#include <giambio/trace.h>
#include "harness.h"

Suite *test_announce_suite(void);

static int ends[2];

static intptr_t nothing(void *arg)
{
	(void)arg;
	return 0;
}

static void name_socket(int fd, ino_t inode)
{
	char text[64];

	snprintf(text, sizeof(text), "%d:%llu", fd, (unsigned long long)inode);
	setenv("GMB_OBSERVE_FD", text, 1);
}

static void setup(void)
{
	struct stat st;

	check_is(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	check_is(fstat(ends[1], &st), 0);
	name_socket(ends[1], st.st_ino);
	setenv("GMB_OBSERVE", "trace", 1);
}

static void teardown(void)
{
	unsetenv("GMB_OBSERVE");
	unsetenv("GMB_OBSERVE_FD");
	close(ends[0]);
	close(ends[1]);
}

/* Take what a loop has sent: two descriptors. Returns whether it has. */
static bool take(int fds[2])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control;
	char mark = 0;
	struct iovec data = { &mark, 1 };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	if (recvmsg(ends[0], &msg, MSG_DONTWAIT) != 1)
		return false;
	check_is(mark, 'L');
	check_that(CMSG_FIRSTHDR(&msg));
	check_is(CMSG_FIRSTHDR(&msg)->cmsg_type, SCM_RIGHTS);
	check_is(CMSG_FIRSTHDR(&msg)->cmsg_len, CMSG_LEN(2 * sizeof(int)));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&msg)), 2 * sizeof(int));
	return true;
}

static uint32_t magic_of(int fd)
{
	uint32_t *mem = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	uint32_t magic;

	check_that(mem != MAP_FAILED);
	magic = *mem;
	munmap(mem, 4096);
	return magic;
}

START_TEST(loop_that_is_over_has_sent_page_and_trace)
{
	int fds[2];

	check_is(gmb_run(nothing, NULL), 0);
	check_that(take(fds));
	check_is(magic_of(fds[0]), GMB_PAGE_MAGIC);
	check_is(magic_of(fds[1]), GMB_TRACE_MAGIC);
	close(fds[0]);
	close(fds[1]);
	check_that(!take(fds));
}
END_TEST

START_TEST(every_loop_is_sent)
{
	int fds[2], i;

	for (i = 0; i < 3; i++)
		check_is(gmb_run(nothing, NULL), 0);
	for (i = 0; i < 3; i++) {
		check_that(take(fds));
		close(fds[0]);
		close(fds[1]);
	}
	check_that(!take(fds));
}
END_TEST

START_TEST(loop_that_is_not_traced_is_not_sent)
{
	int fds[2];

	setenv("GMB_OBSERVE", "times", 1);
	check_is(gmb_run(nothing, NULL), 0);
	check_that(!take(fds));
}
END_TEST

START_TEST(another_file_by_that_number_gets_nothing)
{
	struct stat st;
	int fds[2];

	check_is(fstat(ends[1], &st), 0);
	name_socket(ends[1], st.st_ino + 1);
	check_is(gmb_run(nothing, NULL), 0);
	check_that(!take(fds));
	name_socket(999, st.st_ino);
	check_is(gmb_run(nothing, NULL), 0);
	setenv("GMB_OBSERVE_FD", "nonsense", 1);
	check_is(gmb_run(nothing, NULL), 0);
	setenv("GMB_OBSERVE_FD", "1", 1);
	check_is(gmb_run(nothing, NULL), 0);
	check_that(!take(fds));
}
END_TEST

START_TEST(observer_that_does_not_read_stops_nobody)
{
	char byte = 0;

	while (send(ends[1], &byte, 1, MSG_DONTWAIT) == 1)
		;
	check_is(gmb_run(nothing, NULL), 0);
}
END_TEST

START_TEST(observer_that_has_gone_stops_nobody)
{
	close(ends[0]);
	check_is(gmb_run(nothing, NULL), 0);
	ends[0] = -1;
}
END_TEST

Suite *test_announce_suite(void)
{
	Suite *suite = suite_create("announce");
	TCase *tcase = tcase_create("announce");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, loop_that_is_over_has_sent_page_and_trace);
	tcase_add_test(tcase, every_loop_is_sent);
	tcase_add_test(tcase, loop_that_is_not_traced_is_not_sent);
	tcase_add_test(tcase, another_file_by_that_number_gets_nothing);
	tcase_add_test(tcase, observer_that_does_not_read_stops_nobody);
	tcase_add_test(tcase, observer_that_has_gone_stops_nobody);
	suite_add_tcase(suite, tcase);
	return suite;
}
