/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * A call that waits keeps what every call must keep: the registers that belong
 * to the caller, by name, and the modes of the floating-point units.
 *
 * A compiler saves such a register only where it uses it, so a switch that
 * loses one may go unnoticed for long. Here each one is given a value in
 * assembly, the public function is called, and each is looked at. Meanwhile
 * another task has put other values into all of them.
 */
#include "harness.h"

Suite *test_registers_suite(void);

#if defined(__x86_64__) || defined(__aarch64__)

#if defined(__x86_64__)

static const char *const names[] = {
	"rbx", "rbp", "r12", "r13", "r14", "r15",
};

#define MARKS	6

__asm__(
	".text\n"
	".p2align 4\n"
	".globl call_marked\n"
	".hidden call_marked\n"
	".type call_marked, @function\n"
"call_marked:\n"
	"	pushq	%rbp\n"
	"	pushq	%rbx\n"
	"	pushq	%r12\n"
	"	pushq	%r13\n"
	"	pushq	%r14\n"
	"	pushq	%r15\n"
	"	pushq	%rdi\n"
	"	movq	%rdx, %rax\n"
	"	movq	0(%rsi), %rbx\n"
	"	movq	8(%rsi), %rbp\n"
	"	movq	16(%rsi), %r12\n"
	"	movq	24(%rsi), %r13\n"
	"	movq	32(%rsi), %r14\n"
	"	movq	40(%rsi), %r15\n"
	"	movq	%rcx, %rdi\n"
	"	movq	%r8, %rsi\n"
	"	movq	%r9, %rdx\n"
	"	callq	*%rax\n"
	"	popq	%rdi\n"
	"	movq	%rbx, 0(%rdi)\n"
	"	movq	%rbp, 8(%rdi)\n"
	"	movq	%r12, 16(%rdi)\n"
	"	movq	%r13, 24(%rdi)\n"
	"	movq	%r14, 32(%rdi)\n"
	"	movq	%r15, 40(%rdi)\n"
	"	popq	%r15\n"
	"	popq	%r14\n"
	"	popq	%r13\n"
	"	popq	%r12\n"
	"	popq	%rbx\n"
	"	popq	%rbp\n"
	"	ret\n"
	".size call_marked, . - call_marked\n"
);

#else

static const char *const names[] = {
	"x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28",
	"x29", "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15",
};

#define MARKS	19

__asm__(
	".text\n"
	".p2align 4\n"
	".globl call_marked\n"
	".hidden call_marked\n"
	".type call_marked, %function\n"
"call_marked:\n"
	"	stp	x29, x30, [sp, #-176]!\n"
	"	stp	x19, x20, [sp, #16]\n"
	"	stp	x21, x22, [sp, #32]\n"
	"	stp	x23, x24, [sp, #48]\n"
	"	stp	x25, x26, [sp, #64]\n"
	"	stp	x27, x28, [sp, #80]\n"
	"	stp	d8, d9, [sp, #96]\n"
	"	stp	d10, d11, [sp, #112]\n"
	"	stp	d12, d13, [sp, #128]\n"
	"	stp	d14, d15, [sp, #144]\n"
	"	str	x0, [sp, #160]\n"
	"	ldp	x19, x20, [x1]\n"
	"	ldp	x21, x22, [x1, #16]\n"
	"	ldp	x23, x24, [x1, #32]\n"
	"	ldp	x25, x26, [x1, #48]\n"
	"	ldp	x27, x28, [x1, #64]\n"
	"	ldp	x29, x9, [x1, #80]\n"
	"	fmov	d8, x9\n"
	"	ldp	d9, d10, [x1, #96]\n"
	"	ldp	d11, d12, [x1, #112]\n"
	"	ldp	d13, d14, [x1, #128]\n"
	"	ldr	d15, [x1, #144]\n"
	"	mov	x9, x2\n"
	"	mov	x0, x3\n"
	"	mov	x1, x4\n"
	"	mov	x2, x5\n"
	"	blr	x9\n"
	"	ldr	x1, [sp, #160]\n"
	"	stp	x19, x20, [x1]\n"
	"	stp	x21, x22, [x1, #16]\n"
	"	stp	x23, x24, [x1, #32]\n"
	"	stp	x25, x26, [x1, #48]\n"
	"	stp	x27, x28, [x1, #64]\n"
	"	fmov	x9, d8\n"
	"	stp	x29, x9, [x1, #80]\n"
	"	stp	d9, d10, [x1, #96]\n"
	"	stp	d11, d12, [x1, #112]\n"
	"	stp	d13, d14, [x1, #128]\n"
	"	str	d15, [x1, #144]\n"
	"	ldp	x19, x20, [sp, #16]\n"
	"	ldp	x21, x22, [sp, #32]\n"
	"	ldp	x23, x24, [sp, #48]\n"
	"	ldp	x25, x26, [sp, #64]\n"
	"	ldp	x27, x28, [sp, #80]\n"
	"	ldp	d8, d9, [sp, #96]\n"
	"	ldp	d10, d11, [sp, #112]\n"
	"	ldp	d12, d13, [sp, #128]\n"
	"	ldp	d14, d15, [sp, #144]\n"
	"	ldp	x29, x30, [sp], #176\n"
	"	ret\n"
	".size call_marked, . - call_marked\n"
);

#endif

/*
 * Call @fn with the registers that it must keep set to @before; @after gets
 * what they are when it returns.
 */
intptr_t call_marked(uint64_t *after, const uint64_t *before, void *fn,
		     const void *a, const void *b, size_t c);

/* Call a function in that way, with values of the caller's own. */
static intptr_t keeps(const char *what, void *fn, const void *a, const void *b,
		      size_t c)
{
	uint64_t before[MARKS], after[MARKS];
	uint64_t own = gmb_task_id(gmb_self()) << 32;
	static uint64_t call;
	intptr_t result;
	int i;

	call++;
	for (i = 0; i < MARKS; i++)
		before[i] = own | call << 8 | (uint64_t)i;
	memset(after, 0xff, sizeof(after));
	result = call_marked(after, before, fn, a, b, c);
	for (i = 0; i < MARKS; i++) {
		if (after[i] == before[i])
			continue;
		fprintf(stderr, "%s loses %s: %#llx, was %#llx\n", what,
			names[i], (unsigned long long)after[i],
			(unsigned long long)before[i]);
		abort();
	}
	return result;
}

/* The call succeeds, and keeps them. */
#define KEEPS(fn, a, b) \
	check_is((int)keeps(#fn, (void *)(uintptr_t)(fn), a, b, 0), 0)

#define ROUNDS	40

static intptr_t yield_rounds(void *arg)
{
	int *left = arg;

	while (*left > 0) {
		--*left;
		KEEPS(gmb_yield, NULL, NULL);
	}
	return 0;
}

TASK_TEST(yield_keeps_them)
{
	struct gmb_manager m;
	int left = 3 * ROUNDS;

	check_is(gmb_manager_open(&m), 0);
	for (int i = 0; i < 3; i++)
		gmb_spawn(&m, yield_rounds, &left);
	return gmb_manager_close(&m);
}

struct ends {
	struct gmb_sender tx;
	struct gmb_receiver rx;
	struct gmb_queue queue;
};

static intptr_t take_rounds(void *arg)
{
	struct ends *ends = arg;
	int64_t item = -1;

	for (int i = 0; i < ROUNDS; i++) {
		KEEPS(gmb_channel_receive, &ends->rx, &item);
		check_is(item, i);
		KEEPS(gmb_queue_get, &ends->queue, &item);
		check_is(item, i);
	}
	return 0;
}

static intptr_t give_rounds(void *arg)
{
	struct ends *ends = arg;

	for (int64_t i = 0; i < ROUNDS; i++) {
		KEEPS(gmb_channel_send, &ends->tx, &i);
		KEEPS(gmb_queue_put, &ends->queue, &i);
	}
	return 0;
}

/* Both orders: a giver that waits, and a taker. */
TASK_TEST(channels_and_queues_keep_them)
{
	struct gmb_manager m;
	struct ends ends;

	check_is(gmb_channel_open(&ends.tx, &ends.rx, sizeof(int64_t), 0), 0);
	check_is(gmb_queue_init(&ends.queue, sizeof(int64_t), 1, NULL), 0);
	for (int order = 0; order < 2; order++) {
		check_is(gmb_manager_open(&m), 0);
		gmb_spawn(&m, order ? give_rounds : take_rounds, &ends);
		gmb_spawn(&m, order ? take_rounds : give_rounds, &ends);
		check_is(gmb_manager_close(&m), 0);
	}
	gmb_queue_fini(&ends.queue);
	check_is(gmb_sender_close(&ends.tx), 0);
	return gmb_receiver_close(&ends.rx);
}

static intptr_t sleep_rounds(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		KEEPS(gmb_sleep, arg, NULL);
	return 0;
}

/* Through the loop's own context, and through the end of a task. */
TASK_TEST(sleep_join_and_wait_keep_them)
{
	struct gmb_manager m;
	struct gmb_task *task;

	check_is(gmb_manager_open(&m), 0);
	task = gmb_spawn(&m, sleep_rounds, (void *)2);
	gmb_spawn(&m, sleep_rounds, (void *)3);
	KEEPS(gmb_join, task, NULL);
	KEEPS(gmb_manager_wait, &m, NULL);
	KEEPS(gmb_manager_close, &m, NULL);
	return 0;
}

static intptr_t echo(void *arg)
{
	struct gmb_socket *sock = arg;
	char byte;

	for (int i = 0; i < ROUNDS; i++) {
		check_is(gmb_receive(sock, &byte, 1), 1);
		check_is(gmb_send_all(sock, &byte, 1, NULL), 0);
	}
	return 0;
}

/* With a backend in between. */
TASK_TEST(input_keeps_them)
{
	struct gmb_socket pair[2];
	struct gmb_manager m;
	char byte = 'x';

	check_is(gmb_socket_pair(&pair[0], &pair[1]), 0);
	check_is(gmb_manager_open(&m), 0);
	gmb_spawn(&m, echo, &pair[1]);
	for (int i = 0; i < ROUNDS; i++) {
		check_is(gmb_send_all(&pair[0], &byte, 1, NULL), 0);
		check_is(keeps("gmb_receive", (void *)(uintptr_t)gmb_receive,
			       &pair[0], &byte, 1), 1);
	}
	check_is(gmb_manager_close(&m), 0);
	gmb_socket_close(&pair[0]);
	gmb_socket_close(&pair[1]);
	return 0;
}

/* The modes of the thread, as they are in the processor's own words. */
struct modes {
	uint64_t main;		/* MXCSR, FPCR */
	uint16_t x87;
};

/* Rounding up, and what else there is to choose, without an exception. */
static struct modes other_modes(void)
{
	struct modes modes = { 0 };

#if defined(__x86_64__)
	modes.main = 0x1f80 | 2 << 13 | 1 << 15 | 1 << 6;
	modes.x87 = 0x027f | 2 << 10;
#else
	modes.main = 1 << 22 | 1 << 24;
#endif
	return modes;
}

static void set_modes(struct modes modes)
{
#if defined(__x86_64__)
	uint32_t mxcsr = (uint32_t)modes.main;

	__asm__ volatile("ldmxcsr %0\n\tfldcw %1"
			 : : "m" (mxcsr), "m" (modes.x87));
#else
	__asm__ volatile("msr fpcr, %0" : : "r" (modes.main));
#endif
}

static struct modes get_modes(void)
{
	struct modes modes = { 0 };

#if defined(__x86_64__)
	uint32_t mxcsr;

	__asm__ volatile("stmxcsr %0\n\tfnstcw %1"
			 : "=m" (mxcsr), "=m" (modes.x87));
	modes.main = mxcsr & ~0x3fu;	/* not what has happened so far */
#else
	__asm__ volatile("mrs %0, fpcr" : "=r" (modes.main));
#endif
	return modes;
}

static intptr_t look_at_modes(void *arg)
{
	struct modes *modes = arg;

	check_is(gmb_yield(), 0);
	*modes = get_modes();
	return 0;
}

/* They are the thread's: no switch changes them. swapcontext() would. */
TASK_TEST(no_switch_changes_the_modes)
{
	struct modes usual = get_modes(), other = other_modes();
	struct modes seen, inside;
	struct gmb_manager m;

	check_that(other.main != usual.main);
	check_is(gmb_manager_open(&m), 0);
	gmb_spawn(&m, look_at_modes, &inside);
	set_modes(other);
	gmb_yield();
	gmb_sleep(1);
	gmb_manager_wait(&m);
	seen = get_modes();
	set_modes(usual);
	check_is(seen.main, other.main);
	check_is(seen.x87, other.x87);
	if (!GMB__UCONTEXT) {
		check_is(inside.main, other.main);
		check_is(inside.x87, other.x87);
	}
	return gmb_manager_close(&m);
}

Suite *test_registers_suite(void)
{
	Suite *suite = suite_create("registers");
	TCase *tc = tcase_create("registers");

	tcase_add_test(tc, yield_keeps_them);
	tcase_add_test(tc, channels_and_queues_keep_them);
	tcase_add_test(tc, sleep_join_and_wait_keep_them);
	tcase_add_test(tc, input_keeps_them);
	tcase_add_test(tc, no_switch_changes_the_modes);
	suite_add_tcase(suite, tc);
	return suite;
}

#else

Suite *test_registers_suite(void)
{
	return suite_create("registers");
}

#endif
