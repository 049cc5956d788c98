/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <sys/socket.h>
#include "io_harness.h"

/* A reader with a small buffer over a pipe. */
struct fixture {
	struct gmb_file out, in;
	struct gmb_reader reader;
	char room[16];
};

static void open_fixture(struct fixture *f)
{
	open_pipe(&f->out, &f->in);
	gmb_reader_init(&f->reader, &f->out, f->room, sizeof(f->room));
}

static void put(struct fixture *f, const char *text)
{
	check_is(gmb_write(&f->in, text, strlen(text)), strlen(text));
}

static void close_fixture(struct fixture *f)
{
	gmb_file_close(&f->in);
	check_is(gmb_file_close(&f->out), 0);
}

static void expect_line(struct fixture *f, int rc, const char *text)
{
	char *line;
	size_t len;

	check_is(gmb_read_line(&f->reader, &line, &len), rc);
	check_is(len, strlen(text));
	check_is(memcmp(line, text, len), 0);
}

IO_TEST(lines_come_one_by_one)
{
	struct fixture f;
	char *line;

	open_fixture(&f);
	put(&f, "one\ntwo\r\n\n\r\nfo");
	expect_line(&f, 1, "one");
	check_is(gmb_reader_buffered(&f.reader), 10);
	check_is(gmb_read_line(&f.reader, &line, NULL), 1);
	check_str(line, "two");
	expect_line(&f, 1, "");
	expect_line(&f, 1, "");
	put(&f, "ur\nfifteen chars..\nlast");
	expect_line(&f, 1, "four");
	expect_line(&f, 1, "fifteen chars..");
	check_is(gmb_file_close(&f.in), 0);
	expect_line(&f, 2, "last");
	check_is(gmb_read_line(&f.reader, &line, NULL), 0);
	check_is(gmb_read_line(&f.reader, &line, NULL), 0);
	close_fixture(&f);
	return 0;
}

IO_TEST(a_line_may_hold_zero_bytes)
{
	struct fixture f;
	char *line;
	size_t len;

	open_fixture(&f);
	check_is(gmb_write(&f.in, "a\0b\n", 4), 4);
	check_is(gmb_read_line(&f.reader, &line, &len), 1);
	check_is(len, 3);
	check_is(memcmp(line, "a\0b", 4), 0);
	close_fixture(&f);
	return 0;
}

IO_TEST(a_line_beyond_the_buffer_is_refused_and_not_lost)
{
	struct fixture f;
	char *line, buf[32];
	size_t len, got;

	open_fixture(&f);
	put(&f, "0123456789abcdefgh\nnext\n");
	check_is(gmb_read_line(&f.reader, &line, &len), -EMSGSIZE);
	check_is(gmb_read_line(&f.reader, &line, &len), -EMSGSIZE);
	check_is(gmb_reader_read(&f.reader, buf, 10), 10);
	check_is(memcmp(buf, "0123456789", 10), 0);
	expect_line(&f, 1, "abcdefgh");
	expect_line(&f, 1, "next");
	/* The end of the file at exactly a full buffer. */
	put(&f, "0123456789abcdef");
	check_is(gmb_file_close(&f.in), 0);
	check_is(gmb_read_line(&f.reader, &line, &len), -EMSGSIZE);
	check_is(gmb_reader_read_exactly(&f.reader, buf, 17, &got), -ENODATA);
	check_is(got, 16);
	close_fixture(&f);
	return 0;
}

IO_TEST(delimiters_of_several_bytes)
{
	struct fixture f;
	char *item;
	size_t len;

	open_fixture(&f);
	check_is(gmb_read_until(&f.reader, "", 0, &item, &len), -EINVAL);
	check_is(gmb_read_until(&f.reader, "", 17, &item, &len), -EINVAL);
	put(&f, "ab--\r-\r\nx\r\n\r");
	check_is(gmb_read_until(&f.reader, "\r\n", 2, &item, &len), 1);
	check_is(len, 6);
	check_is(memcmp(item, "ab--\r-", 6), 0);
	check_is(gmb_read_until(&f.reader, "\r\n", 2, &item, &len), 1);
	check_is(len, 1);
	/* A delimiter in two parts. */
	put(&f, "\nrest");
	check_is(gmb_read_until(&f.reader, "\r\n", 2, &item, &len), 1);
	check_is(len, 0);
	check_is(gmb_file_close(&f.in), 0);
	check_is(gmb_read_until(&f.reader, "\r\n", 2, &item, &len), 2);
	check_is(len, 4);
	check_is(memcmp(item, "rest", 4), 0);
	check_is(gmb_read_until(&f.reader, "\r\n", 2, &item, &len), 0);
	check_is(len, 0);
	close_fixture(&f);
	return 0;
}

IO_TEST(lines_and_bytes_take_turns)
{
	char in[100], out[100];
	struct fixture f;
	size_t got, i;

	open_fixture(&f);
	for (i = 0; i < sizeof(out); i++)
		out[i] = (char)i;
	put(&f, "length 100\n");
	check_is(gmb_write(&f.in, out, sizeof(out)), sizeof(out));
	put(&f, "end\n");
	expect_line(&f, 1, "length 100");
	check_is(gmb_reader_read_exactly(&f.reader, in, 100, &got), 0);
	check_is(got, 100);
	check_is(memcmp(in, out, 100), 0);
	expect_line(&f, 1, "end");
	check_is(gmb_reader_read(&f.reader, in, 0), 0);
	check_is(gmb_reader_read_exactly(&f.reader, in, 0, NULL), 0);
	put(&f, "direct");
	check_is(gmb_reader_read(&f.reader, in, sizeof(in)), 6);
	check_is(gmb_file_close(&f.in), 0);
	check_is(gmb_reader_read(&f.reader, in, sizeof(in)), 0);
	close_fixture(&f);
	return 0;
}

IO_TEST(a_cancelled_line_loses_no_byte)
{
	struct fixture f;
	char *line, buf[8];
	size_t len, got;
	int rc = 0;

	open_fixture(&f);
	put(&f, "begin");
	gmb_with_timeout(rc, 3 * GMB_MS) {
		rc = gmb_read_line(&f.reader, &line, &len);
	}
	check_is(rc, -ETIMEDOUT);
	put(&f, " end\nx\ny");
	expect_line(&f, 1, "begin end");
	/* Also where the line is there and the task is cancelled already. */
	rc = 0;
	gmb_with_timeout(rc, 0) {
		check_is(gmb_sleep(GMB_MS), -ECANCELED);
		rc = gmb_read_line(&f.reader, &line, &len);
	}
	check_is(rc, -ETIMEDOUT);
	expect_line(&f, 1, "x");
	rc = 0;
	gmb_with_timeout(rc, 3 * GMB_MS) {
		rc = gmb_reader_read_exactly(&f.reader, buf, 3, &got);
	}
	check_is(rc, -ETIMEDOUT);
	check_is(got, 1);
	check_is(buf[0], 'y');
	close_fixture(&f);
	check_is(gmb_read_line(&f.reader, &line, &len), -EBADF);
	return 0;
}

/* Takes lines that are there as long as no other task is at it. */
static intptr_t take_lines(void *arg)
{
	struct fixture *f = arg;
	intptr_t taken = 0;
	char *line;
	size_t len;
	int rc;

	while ((rc = gmb_read_line(&f->reader, &line, &len)) != 0) {
		if (rc == -EBUSY) {
			check_is(gmb_yield(), 0);
			continue;
		}
		check_is(rc, 1);
		check_is(len, 1);
		taken++;
	}
	return taken;
}

IO_TEST(one_task_at_a_time_uses_a_reader)
{
	intptr_t rc = 0, n = 0, sum = 0;
	struct gmb_task *tasks[3];
	struct fixture f;
	char byte;
	int i;

	open_fixture(&f);
	for (i = 0; i < 200; i++)
		put(&f, "x\n");
	check_is(gmb_file_close(&f.in), 0);
	gmb_manager(m, rc) {
		for (i = 0; i < 3; i++)
			tasks[i] = gmb_spawn(m, take_lines, &f);
		check_is(gmb_yield(), 0);
		check_is(gmb_reader_read(&f.reader, &byte, 1), -EBUSY);
		check_is(gmb_reader_read_exactly(&f.reader, &byte, 1, NULL),
			 -EBUSY);
		for (i = 0; i < 3; i++) {
			check_is(gmb_join(tasks[i], &n), 0);
			sum += n;
		}
	}
	check_is(rc, 0);
	check_is(sum, 200);
	close_fixture(&f);
	return 0;
}

static intptr_t read_closed(void *arg)
{
	struct fixture *f = arg;
	char *line;

	check_is(gmb_read_line(&f->reader, &line, NULL), -EBADF);
	return 0;
}

/* Its file and it may be gone when the call ends. */
IO_TEST(a_reader_ends_with_its_file)
{
	struct fixture f, gone;
	struct gmb_file in;
	intptr_t rc = 0;

	memset(&gone, 0xaa, sizeof(gone));
	open_fixture(&f);
	gmb_manager(m, rc) {
		gmb_spawn(m, read_closed, &f);
		settle();
		check_is(gmb_file_wrap(&in, gmb_file_release(&f.in)), 0);
		check_is(gmb_file_close(&f.out), 0);
		memcpy(&f, &gone, sizeof(f));
	}
	check_is(rc, 0);
	check_is(memcmp(&f, &gone, sizeof(f)), 0);
	return gmb_file_close(&in);
}

static intptr_t write_lines(void *arg)
{
	struct gmb_socket *sock = arg;
	char line[64];
	int i, n;

	for (i = 0; i < 10000; i++) {
		n = snprintf(line, sizeof(line), "line %d %.*s\n", i, i % 40,
			     "........................................");
		check_is(gmb_send_all(sock, line, (size_t)n, NULL), 0);
	}
	return gmb_socket_close(sock);
}

IO_TEST(many_lines_over_a_socket)
{
	struct gmb_socket one, other;
	struct gmb_reader reader;
	char room[64], *line;
	intptr_t rc = 0;
	int i = 0, n;
	size_t len;

	open_tcp(&one, &other);
	gmb_reader_init(&reader, gmb_socket_file(&other), room, sizeof(room));
	gmb_manager(m, rc) {
		gmb_spawn(m, write_lines, &one);
		while ((n = gmb_read_line(&reader, &line, &len)) == 1) {
			check_is(atoi(line + 5), i);
			check_is(strlen(line), len);
			i++;
		}
		check_is(n, 0);
	}
	check_is(rc, 0);
	check_is(i, 10000);
	check_is(gmb_socket_close(&other), 0);
	return 0;
}

Suite *test_reader_suite(void);

Suite *test_reader_suite(void)
{
	Suite *suite = suite_create("reader");
	TCase *tc = tcase_create("reader");

	tcase_add_test(tc, lines_come_one_by_one);
	tcase_add_test(tc, a_line_may_hold_zero_bytes);
	tcase_add_test(tc, a_line_beyond_the_buffer_is_refused_and_not_lost);
	tcase_add_test(tc, delimiters_of_several_bytes);
	tcase_add_test(tc, lines_and_bytes_take_turns);
	tcase_add_test(tc, a_cancelled_line_loses_no_byte);
	tcase_add_test(tc, one_task_at_a_time_uses_a_reader);
	tcase_add_test(tc, a_reader_ends_with_its_file);
	tcase_add_test(tc, many_lines_over_a_socket);
	suite_add_tcase(suite, tc);
	return suite;
}
