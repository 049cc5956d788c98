/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Overflows: each is done by a child process, whose last words and cause of
 * death are examined.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coro/context.h"
#include "coro/guard.h"
#include "coro/mem.h"
#include "coro/overflow.h"
#include "coro/stack.h"

Suite *test_overflow_suite(void);

/* The sanitizers have their own handler, which we leave in place. */
#define OURS (!GMB__ASAN && !GMB__TSAN)

static struct gmb__stack_pool pool;
static struct gmb__context test, task;
static struct gmb__stack stack;
static struct gmb__overflow watch;

static char said[4096];
static int died;

/* Run @child in a process of its own; fill @said and @died. */
static void run_child(void (*child)(void))
{
	struct rlimit no_core = { 0, 0 };
	size_t used = 0;
	ssize_t n;
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		child();
		_exit(0);
	}
	close(fds[1]);
	while (used < sizeof(said) - 1) {
		n = read(fds[0], said + used, sizeof(said) - 1 - used);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	said[used] = '\0';
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &died, 0), pid);
}

#if OURS
static void assert_killed_by(int sig)
{
	ck_assert_msg(WIFSIGNALED(died) && WTERMSIG(died) == sig,
		      "status %#x, said: %s", died, said);
}

static void assert_said(const char *text)
{
	ck_assert_msg(strstr(said, text) != NULL, "said: %s", said);
}

/* An emulator may announce the death on stderr as well. */
static void assert_said_nothing(void)
{
	ck_assert_msg(strstr(said, "giambio") == NULL, "said: %s", said);
}
#endif

static __attribute__((noinline)) long recurse(volatile long *above)
{
	volatile long here[16] = { *above + 1 };

	return here[0] < 0 ? 0 : recurse(here) + here[0];
}

static void recurse_main(void *arg)
{
	volatile long start = 0;

	*(volatile long *)arg = recurse(&start);
	abort();
}

static void begin_task(size_t size, const char *name, void (*entry)(void *))
{
	static volatile long result;

	gmb__stack_pool_init(&pool);
	if (gmb__overflow_init(&watch) || gmb__stack_get(&pool, size, &stack))
		_exit(100);
	gmb__stack_set_owner(&pool, &stack, name);
	gmb__context_init_thread(&test);
	gmb__context_init(&task, &stack, entry, (void *)&result);
}

static void run_task(size_t size, const char *name, void (*entry)(void *))
{
	begin_task(size, name, entry);
	gmb__context_switch(&test, &task);
}

#if OURS
static void overflow_default(void)
{
	run_task(0, "greedy", recurse_main);
}

START_TEST(overflow_names_the_task_and_its_size)
{
	gmb__guard_limit(_i);
	run_child(overflow_default);
	assert_killed_by(SIGSEGV);
	assert_said("giambio: task 'greedy' has overflowed its stack of 65536 "
		    "bytes; spawn it with a larger stack_size.\n");
}
END_TEST

static void overflow_huge(void)
{
	run_task(4 << 20, "giant", recurse_main);
}

START_TEST(overflow_of_a_huge_stack_is_named)
{
	run_child(overflow_huge);
	assert_killed_by(SIGSEGV);
	assert_said("task 'giant'");
}
END_TEST

static void overflow_unnamed(void)
{
	run_task(16384, NULL, recurse_main);
}

START_TEST(overflow_without_a_name_is_reported)
{
	run_child(overflow_unnamed);
	assert_killed_by(SIGSEGV);
	assert_said("a task without a name has overflowed its stack of 16384");
}
END_TEST

static void overflow_long_name(void)
{
	static char name[2000];

	memset(name, 'x', sizeof(name) - 1);
	run_task(16384, name, recurse_main);
}

START_TEST(long_names_are_cut)
{
	run_child(overflow_long_name);
	assert_killed_by(SIGSEGV);
	assert_said("xxxx' has overflowed");
	ck_assert_uint_lt(strlen(said), 500);
}
END_TEST

static void *overflow_thread(void *arg)
{
	(void)arg;
	overflow_default();
	return NULL;
}

static void overflow_in_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, overflow_thread, NULL) == 0)
		pthread_join(thread, NULL);
}

START_TEST(overflow_in_a_thread_is_named)
{
	run_child(overflow_in_thread);
	assert_killed_by(SIGSEGV);
	assert_said("task 'greedy'");
}
END_TEST

static void dereference_main(void *arg)
{
	volatile char *volatile nowhere = (char *)64;

	(void)arg;
	*nowhere = 1;
	abort();
}

static void dereference(void)
{
	run_task(0, "wild", dereference_main);
}

START_TEST(other_faults_are_as_before)
{
	run_child(dereference);
	assert_killed_by(SIGSEGV);
	assert_said_nothing();
}
END_TEST

static void touch_guard(void)
{
	/* Not the lowest: the thread's own stack may end just below that. */
	begin_task(0, "innocent", recurse_main);
	if (gmb__stack_get(&pool, 0, &stack))
		_exit(100);
	*(volatile char *)(stack.base - 1) = 1;
}

START_TEST(stray_pointer_into_a_guard_is_no_overflow)
{
	run_child(touch_guard);
	assert_killed_by(SIGSEGV);
	assert_said_nothing();
}
END_TEST

static void kill_self(void)
{
	begin_task(0, "innocent", recurse_main);
	raise(SIGSEGV);
}

START_TEST(sent_signal_kills_as_before)
{
	run_child(kill_self);
	assert_killed_by(SIGSEGV);
	assert_said_nothing();
}
END_TEST

START_TEST(handler_goes_with_the_last_user)
{
	struct gmb__overflow second;
	struct sigaction now;
	stack_t alternate;

	ck_assert_int_eq(gmb__overflow_init(&watch), 0);
	ck_assert_int_eq(gmb__overflow_init(&second), 0);
	gmb__overflow_fini(&second);
	sigaction(SIGSEGV, NULL, &now);
	ck_assert(now.sa_flags & SA_SIGINFO);
	gmb__overflow_fini(&watch);
	gmb__overflow_fini(&watch);
	sigaction(SIGSEGV, NULL, &now);
	ck_assert(now.sa_handler == SIG_DFL);
	ck_assert_int_eq(sigaltstack(NULL, &alternate), 0);
	ck_assert(alternate.ss_flags & SS_DISABLE);
}
END_TEST

START_TEST(signal_stack_that_cannot_be_had_is_reported)
{
	gmb__mem_fail_after(0);
	ck_assert_int_eq(gmb__overflow_init(&watch), -ENOMEM);
	gmb__overflow_fini(&watch);
	ck_assert_int_eq(gmb__overflow_init(&watch), 0);
	gmb__overflow_fini(&watch);
}
END_TEST

/* No guard: the task stands below its stack when it would be suspended. */
static __attribute__((noinline)) long sink(volatile long *above, int depth)
{
	volatile long here[512] = { *above };

	if (depth)
		return sink(here, depth - 1) + here[0];
	gmb__stack_check(&stack);
	return here[0];
}

static void sink_main(void *arg)
{
	volatile long start = 0;

	*(volatile long *)arg = sink(&start, 4);
	gmb__context_switch_last(&task, &test);
}

static void overflow_unguarded(void)
{
	struct gmb__stack below[2];

	gmb__stack_pool_init(&pool);
	for (int i = 0; i < 2; i++) {
		if (gmb__stack_get(&pool, 16384, &below[i]))
			_exit(100);
	}
	stack = below[1];
	gmb__stack_set_owner(&pool, &stack, "sinking");
	gmb__context_init_thread(&test);
	gmb__context_init(&task, &stack, sink_main, &watch);
	gmb__context_switch(&test, &task);
}

START_TEST(check_finds_an_overflow_without_a_guard)
{
	gmb__guard_limit(GMB__GUARD_NONE);
	run_child(overflow_unguarded);
	assert_killed_by(SIGABRT);
	assert_said("task 'sinking' has overflowed its stack of 16384 bytes");
}
END_TEST
#endif

static void own_handler(int sig)
{
	(void)sig;
	_exit(42);
}

static void fault_with_own_handler(void)
{
	struct sigaction action = {
		.sa_handler = own_handler,
		.sa_flags = SA_ONSTACK,
	};

	sigaction(SIGSEGV, &action, NULL);
	run_task(0, "greedy", recurse_main);
}

START_TEST(handler_of_the_program_stays)
{
	run_child(fault_with_own_handler);
	ck_assert(WIFEXITED(died));
	ck_assert_int_eq(WEXITSTATUS(died), 42);
}
END_TEST

static void finish_main(void *arg)
{
	gmb__stack_check(&stack);
	*(volatile long *)arg = 7;
	gmb__context_switch_last(&task, &test);
}

START_TEST(task_that_fits_is_left_alone)
{
	run_task(16384, "modest", finish_main);
	gmb__context_fini(&task);
	gmb__stack_put(&pool, &stack);
	gmb__stack_pool_fini(&pool);
	gmb__overflow_fini(&watch);
}
END_TEST

Suite *test_overflow_suite(void)
{
	Suite *suite = suite_create("overflow");
	TCase *tc = tcase_create("overflow");

	tcase_set_timeout(tc, 60);
#if OURS
	tcase_add_loop_test(tc, overflow_names_the_task_and_its_size,
			    GMB__GUARD_SPLIT, GMB__GUARD_MARKED + 1);
	tcase_add_test(tc, overflow_of_a_huge_stack_is_named);
	tcase_add_test(tc, overflow_without_a_name_is_reported);
	tcase_add_test(tc, long_names_are_cut);
	tcase_add_test(tc, overflow_in_a_thread_is_named);
	tcase_add_test(tc, other_faults_are_as_before);
	tcase_add_test(tc, stray_pointer_into_a_guard_is_no_overflow);
	tcase_add_test(tc, sent_signal_kills_as_before);
	tcase_add_test(tc, handler_goes_with_the_last_user);
	tcase_add_test(tc, signal_stack_that_cannot_be_had_is_reported);
	tcase_add_test(tc, check_finds_an_overflow_without_a_guard);
#endif
	tcase_add_test(tc, handler_of_the_program_stays);
	tcase_add_test(tc, task_that_fits_is_left_alone);
	suite_add_tcase(suite, tc);
	return suite;
}
