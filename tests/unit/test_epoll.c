/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * The choice of a backend, and what epoll is asked to watch: /proc shows the
 * registrations of an epoll descriptor, so the promises of the backend ("one
 * that never waits is never registered") can be held against it.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include "backend/backend.h"
#include "coro/mem.h"
#include "io_harness.h"
#include "loop/loop.h"

/* A test whose body is a main task on epoll; it returns 0. */
#define EPOLL_TEST(name)                                                  \
	static intptr_t name##_main(void *unused);                        \
	START_TEST(name)                                                  \
	{                                                                 \
		struct gmb_loop_opts opts = {                             \
			.size = sizeof(opts),                             \
			.flags = GMB_LOOP_NO_SIGINT,                      \
			.backend = "epoll",                               \
		};                                                        \
									  \
		check_is(gmb_run_with(&opts, name##_main, NULL), 0);      \
	}                                                                 \
	END_TEST                                                          \
	static intptr_t name##_main(void *unused __attribute__((unused)))

/* The choice */

static intptr_t tell_backend(void *arg)
{
	snprintf(arg, 16, "%s", gmb_loop_backend_name(NULL));
	check_that(gmb_loop_backend_reason(NULL));
	return 0;
}

static intptr_t run_backend(const char *backend, char *name)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.backend = backend,
	};

	return gmb_run_with(&opts, tell_backend, name);
}

START_TEST(a_backend_can_be_chosen)
{
	char name[16];

	check_is(run_backend("epoll", name), 0);
	check_str(name, "epoll");
	check_is(run_backend("kqueue", name), -EINVAL);
	check_is(setenv("GMB_BACKEND", "epoll", 1), 0);
	check_is(run_backend(NULL, name), 0);
	check_str(name, "epoll");
	check_is(setenv("GMB_BACKEND", "nonsense", 1), 0);
	check_is(run_backend(NULL, name), -EINVAL);
	/* The program's word counts more than the environment's. */
	check_is(run_backend("epoll", name), 0);
	check_is(setenv("GMB_BACKEND", "", 1), 0);
	check_is(run_backend(NULL, name), 0);
}
END_TEST

static intptr_t tell_reason(void *arg)
{
	snprintf(arg, 512, "%s", gmb_loop_backend_reason(NULL));
	return strcmp(gmb_loop_backend_name(NULL), "kmod") == 0;
}

START_TEST(the_reason_names_what_was_passed_over)
{
	char reason[512];

	unsetenv("GMB_BACKEND");
	if (gmb_run(tell_reason, reason) == 1)
		check_str(reason, "");
	else
		check_that(strstr(reason, "kmod is not used: ") == reason);
}
END_TEST

static intptr_t do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

START_TEST(no_descriptors_and_no_memory_are_errors)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.backend = "epoll",
	};
	struct rlimit limit, low;
	int before = count_fds();
	intptr_t rc;
	long n;
	int fd;

	check_is(getrlimit(RLIMIT_NOFILE, &limit), 0);
	fd = dup(0);
	close(fd);
	for (int room = 0; room < 3; room++) {
		low = (struct rlimit){ (rlim_t)(fd + room), limit.rlim_max };
		check_is(setrlimit(RLIMIT_NOFILE, &low), 0);
		rc = gmb_run_with(&opts, do_nothing, NULL);
		check_that(rc == -EMFILE || rc == 0);
		if (room == 0)
			check_is(rc, -EMFILE);
	}
	check_is(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (n = 0;; n++) {
		gmb__mem_fail_after(n);
		rc = gmb_run_with(&opts, do_nothing, NULL);
		if (gmb__mem_fail_after(-1) >= 0)
			break;
		check_that(rc == -ENOMEM || rc == 0);
	}
	check_is(rc, 0);
	check_that(n > 3);
	check_is(count_fds(), before);
}
END_TEST

/* Registrations */

/* How epoll watches a descriptor; 0: it is not registered. */
static unsigned int registration(int fd)
{
	unsigned int events, found = 0;
	char path[64], line[256];
	FILE *info;
	int tfd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d",
		 gmb__loop->backend->fd(gmb__loop));
	info = fopen(path, "r");
	check_that(info);
	while (fgets(line, sizeof(line), info))
		if (sscanf(line, "tfd: %d events: %x", &tfd, &events) == 2 &&
		    tfd == fd)
			found = events;
	fclose(info);
	return found;
}

/* The events of it that somebody asked for. */
static unsigned int watched(int fd)
{
	return registration(fd) &
	       (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI);
}

static bool is_level(int fd)
{
	return watched(fd) && !(registration(fd) & EPOLLET);
}

#define READS	(EPOLLIN | EPOLLRDHUP | EPOLLPRI)

EPOLL_TEST(what_never_waits_is_never_registered)
{
	struct gmb_socket one, other;
	char byte;
	int i;

	check_is(gmb_socket_pair(&one, &other), 0);
	for (i = 0; i < 10; i++) {
		check_is(gmb_send(&one, "x", 1), 1);
		check_is(gmb_receive(&other, &byte, 1), 1);
	}
	check_is(gmb_ready(gmb_socket_file(&one), POLLOUT), POLLOUT);
	check_is(watched(gmb_socket_fd(&one)), 0);
	check_is(watched(gmb_socket_fd(&other)), 0);
	check_is(gmb_socket_close(&one), 0);
	check_is(gmb_socket_close(&other), 0);
	return 0;
}

/* Long enough to wait for it, and not to give up before, on a busy machine. */
static void receive_nothing(struct gmb_socket *sock)
{
	char byte;
	int rc = 0;

	gmb_with_timeout(rc, 10 * GMB_MS) {
		rc = (int)gmb_receive(sock, &byte, 1);
	}
	check_is(rc, -ETIMEDOUT);
}

struct sender {
	struct gmb_socket *socket;
	intptr_t rc;
};

static intptr_t send_more(void *arg)
{
	struct sender *sender = arg;

	sender->rc = gmb_send_all(sender->socket, "more", 4, NULL);
	return 0;
}

static void drain(int fd)
{
	static char buf[65536];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

EPOLL_TEST(each_way_is_registered_when_somebody_waits)
{
	struct gmb_socket one, other;
	struct sender sender = { &one, 1 };
	intptr_t rc = 0;
	char byte;
	int fd, i;

	check_is(gmb_socket_pair(&one, &other), 0);
	fd = gmb_socket_fd(&one);
	receive_nothing(&one);
	check_is(watched(fd), READS);
	stuff(fd);
	check_is(watched(fd), READS);
	gmb_manager(m, rc) {
		gmb_spawn(m, send_more, &sender);
		settle();
		check_is(watched(fd), READS | EPOLLOUT);
		drain(gmb_socket_fd(&other));
	}
	check_is(rc, 0);
	check_is(sender.rc, 0);
	/* Edges for writing that are of no use end the interest in them. */
	for (i = 0; i < 40 && watched(fd) != READS; i++) {
		check_is(gmb_send(&one, "x", 1), 1);
		drain(gmb_socket_fd(&other));
		check_is(gmb_sleep(GMB_MS / 10), 0);
		receive_nothing(&one);
	}
	check_that(i < 40);
	/* And it comes back when it is needed. */
	stuff(fd);
	gmb_manager(m, rc) {
		gmb_spawn(m, send_more, &sender);
		settle();
		check_is(watched(fd), READS | EPOLLOUT);
		drain(gmb_socket_fd(&other));
	}
	check_is(sender.rc, 0);
	check_is(gmb_send(&other, "y", 1), 1);
	check_is(gmb_receive(&one, &byte, 1), 1);
	check_is(gmb_socket_close(&one), 0);
	check_is(watched(fd), 0);
	check_is(gmb_socket_close(&other), 0);
	return 0;
}

static intptr_t receive_one(void *arg)
{
	char byte;

	return gmb_receive(arg, &byte, 1) == 1 ? 0 : -EIO;
}

/* Receive a byte that comes while the task waits. */
static void receive_awaited(struct gmb_socket *to, struct gmb_socket *from)
{
	intptr_t rc = 0;

	gmb_manager(m, rc) {
		gmb_spawn(m, receive_one, to);
		check_is(gmb_yield(), 0);
		check_is(gmb_send(from, "x", 1), 1);
	}
	check_is(rc, 0);
}

/*
 * A level that nobody waits for would wake the loop again and again, so it
 * becomes an edge, and a level again after many waits.
 */
EPOLL_TEST(a_unix_stream_is_watched_by_level_while_somebody_waits)
{
	struct gmb_socket one, other;
	uint64_t polls;
	char byte;
	int fd, i;

	check_is(gmb_socket_pair(&one, &other), 0);
	fd = gmb_socket_fd(&one);
	for (i = 0; i < 10; i++)
		receive_awaited(&one, &other);
	check_that(is_level(fd));
	check_is(gmb_send(&other, "x", 1), 1);
	polls = gmb__loop->page->polls;
	for (i = 0; i < 100 && is_level(fd); i++)
		settle();
	check_that(gmb__loop->page->polls - polls < 10);
	check_that(!is_level(fd));
	check_is(gmb_receive(&one, &byte, 1), 1);
	for (i = 0; i < 80; i++)
		receive_awaited(&one, &other);
	check_that(is_level(fd));
	/* The end of the stream is a level that stays. */
	check_is(gmb_socket_close(&other), 0);
	polls = gmb__loop->page->polls;
	settle();
	check_that(gmb__loop->page->polls - polls < 10);
	check_is(gmb_receive(&one, &byte, 1), 0);
	check_is(gmb_socket_close(&one), 0);
	return 0;
}

/* A pipe is written to only; nothing of it is ever read. */
EPOLL_TEST(a_writer_alone_registers_writing_alone)
{
	static const char zeroes[65536];
	struct gmb_file out, in;
	int rc = 0;

	open_pipe(&out, &in);
	while (write(gmb_file_fd(&in), zeroes, sizeof(zeroes)) > 0)
		;
	gmb_with_timeout(rc, GMB_MS) {
		rc = (int)gmb_write(&in, zeroes, 1);
	}
	check_is(rc, -ETIMEDOUT);
	check_is(watched(gmb_file_fd(&in)), EPOLLOUT);
	check_is(gmb_file_close(&out), 0);
	check_is(gmb_file_close(&in), 0);
	return 0;
}

EPOLL_TEST(a_duplicate_is_a_descriptor_of_its_own)
{
	struct gmb_socket one, twin, other;
	char byte;
	int fd;

	check_is(gmb_socket_pair(&one, &other), 0);
	fd = dup(gmb_socket_fd(&one));
	check_is(gmb_socket_wrap(&twin, fd), 0);
	receive_nothing(&one);
	receive_nothing(&twin);
	check_is(watched(fd), READS);
	check_is(gmb_socket_close(&one), 0);
	check_is(gmb_send(&other, "x", 1), 1);
	check_is(gmb_receive(&twin, &byte, 1), 1);
	check_is(gmb_socket_close(&twin), 0);
	check_is(gmb_socket_close(&other), 0);
	return 0;
}

/* The second wrapping of one descriptor cannot be watched, and says so. */
EPOLL_TEST(a_descriptor_wrapped_twice_is_refused_when_it_waits)
{
	struct gmb_socket one, twice, other;
	char byte;

	check_is(gmb_socket_pair(&one, &other), 0);
	receive_nothing(&one);
	check_is(gmb_socket_wrap(&twice, gmb_socket_fd(&one)), 0);
	check_is(gmb_receive(&twice, &byte, 1), -EEXIST);
	check_is(gmb_socket_release(&twice), gmb_socket_fd(&one));
	check_is(gmb_socket_close(&one), 0);
	check_is(gmb_socket_close(&other), 0);
	return 0;
}

#define MANY	200

EPOLL_TEST(no_memory_for_a_slot_leaves_the_descriptor)
{
	struct gmb_file files[MANY];
	int fds[MANY], i, failed = 0;

	for (i = 0; i < MANY; i++) {
		fds[i] = dup(0);
		close(fds[i]);
		check_is(socket(AF_UNIX, SOCK_STREAM, 0), fds[i]);
		gmb__mem_fail_after(0);
		if (gmb_file_wrap(&files[i], fds[i]) == -ENOMEM) {
			failed++;
			check_is(gmb_file_fd(&files[i]), -EBADF);
			check_that(fcntl(fds[i], F_GETFD) >= 0);
			check_is(gmb_file_wrap(&files[i], fds[i]), 0);
		}
		gmb__mem_fail_after(-1);
	}
	check_that(failed >= 1);
	for (i = 0; i < MANY; i++)
		check_is(gmb_file_close(&files[i]), 0);
	return 0;
}

/* Time */

static intptr_t sleep_a_little(void *arg)
{
	gmb_time *took = arg;
	gmb_time begin = gmb_now();

	check_is(gmb_sleep(1500 * GMB_US), 0);
	*took = gmb_now() - begin;
	return 0;
}

/* Let one system call fail with ENOSYS from here on. */
static __attribute__((unused)) void forbid(unsigned int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	check_is(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	check_is(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(a_timeout_is_never_early)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.backend = "epoll",
	};
	gmb_time took = 0;

	check_is(gmb_run_with(&opts, sleep_a_little, &took), 0);
	check_that(took >= 1500 * GMB_US);
#if defined(SYS_epoll_pwait2) && !defined(GMB_TEST_CROSS_CHECK_H)
	/* As on kernels before 5.11: milliseconds, rounded up. */
	forbid(SYS_epoll_pwait2);
	took = 0;
	check_is(gmb_run_with(&opts, sleep_a_little, &took), 0);
	check_that(took >= 1500 * GMB_US);
#endif
}
END_TEST

static void close_epoll(void)
{
	struct gmb_loop_opts opts = {
		.size = sizeof(opts),
		.backend = "epoll",
	};
	struct gmb_loop *loop;

	if (gmb_loop_open(&opts, do_nothing, NULL, &loop))
		return;
	close(gmb_loop_fd(loop));
	(void)!gmb_loop_step(loop, GMB_MS);
	loop->backend->poll(loop, 0);
}

START_TEST(closing_the_loops_descriptor_is_told)
{
	dies(close_epoll, "must not close descriptors that it did not open");
}
END_TEST

Suite *test_epoll_suite(void);

Suite *test_epoll_suite(void)
{
	Suite *suite = suite_create("epoll");
	TCase *tc = tcase_create("epoll");

	tcase_add_test(tc, a_backend_can_be_chosen);
	tcase_add_test(tc, the_reason_names_what_was_passed_over);
	tcase_add_test(tc, no_descriptors_and_no_memory_are_errors);
	tcase_add_test(tc, what_never_waits_is_never_registered);
	tcase_add_test(tc, each_way_is_registered_when_somebody_waits);
	tcase_add_test(
		tc, a_unix_stream_is_watched_by_level_while_somebody_waits);
	tcase_add_test(tc, a_writer_alone_registers_writing_alone);
	tcase_add_test(tc, a_duplicate_is_a_descriptor_of_its_own);
	tcase_add_test(tc,
		       a_descriptor_wrapped_twice_is_refused_when_it_waits);
	tcase_add_test(tc, no_memory_for_a_slot_leaves_the_descriptor);
	tcase_add_test(tc, a_timeout_is_never_early);
	tcase_add_test(tc, closing_the_loops_descriptor_is_told);
	suite_add_tcase(suite, tc);
	return suite;
}
