/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * How a context begins, and the switch where no assembly serves.  See
 * context.h.
 *
 * A new context stands in gmb__context_start with two words on its stack, the
 * entry function and its argument.  The return address of gmb__context_start
 * is declared undefined, which is how an unwinder is told that this is the
 * outermost frame.
 *
 * The entry function does not return, so it is entered by a jump: a call
 * would stay in the processor's stack of return addresses, and whoever runs
 * when the context has ended would return to the wrong place in its prediction.
 */
#include <stdint.h>
#include <stdlib.h>

#include "coro/context.h"
#include "coro/stack.h"

#if GMB__ASAN
gmb__thread_local struct gmb__fiber *gmb__fiber_left;
#endif

#if GMB__UCONTEXT

/* makecontext() passes ints only: the pointer comes in two halves. */
static void context_main(unsigned int high, unsigned int low)
{
	uintptr_t address = (uintptr_t)((uint64_t)high << 32 | low);
	struct gmb__context *ctx = (struct gmb__context *)address;

	gmb__fiber_enter(&ctx->fiber);
	ctx->entry(ctx->arg);
	abort();
}

static void context_prepare(struct gmb__context *ctx, struct gmb__stack *stack)
{
	uint64_t address = (uintptr_t)ctx;

	getcontext(&ctx->uc);
	ctx->uc.uc_stack.ss_sp = stack->base;
	ctx->uc.uc_stack.ss_size = (size_t)(stack->top - stack->base);
	ctx->uc.uc_link = NULL;
	makecontext(&ctx->uc, (void (*)(void))context_main, 2,
		    (unsigned int)(address >> 32), (unsigned int)address);
	ctx->sp = stack->top;
	ctx->pc = (void *)(uintptr_t)ctx->entry;
	ctx->bp = NULL;
}

__attribute__((noinline))
void gmb__context_swap(struct gmb__context *from, struct gmb__context *to)
{
	from->sp = __builtin_frame_address(0);
	from->pc = __builtin_return_address(0);
	from->bp = *(void **)__builtin_frame_address(0);
	gmb__fiber_leave(&from->fiber, &to->fiber, false);
	swapcontext(&from->uc, &to->uc);
	gmb__fiber_enter(&from->fiber);
}

void gmb__context_set(struct gmb__context *from, struct gmb__context *to)
{
	gmb__fiber_leave(&from->fiber, &to->fiber, true);
	setcontext(&to->uc);
	abort();
}

#else

void gmb__context_start(void);

#if defined(__x86_64__)
__asm__(
	".text\n"
	".p2align 4\n"
	".globl gmb__context_start\n"
	".hidden gmb__context_start\n"
	".type gmb__context_start, @function\n"
"gmb__context_start:\n"
	".cfi_startproc\n"
	".cfi_undefined rip\n"
	GMB__LANDING "\n"
	"	movq	0(%rsp), %rax\n"
	"	movq	8(%rsp), %rdi\n"
	"	leaq	1f(%rip), %rcx\n"
	"	pushq	%rcx\n"
	"	jmpq	*%rax\n"
	"	nop\n"
"1:	ud2\n"
	".cfi_endproc\n"
	".size gmb__context_start, . - gmb__context_start\n"
);
#elif defined(__aarch64__)
__asm__(
	".text\n"
	".p2align 4\n"
	".globl gmb__context_start\n"
	".hidden gmb__context_start\n"
	".type gmb__context_start, %function\n"
"gmb__context_start:\n"
	".cfi_startproc\n"
	".cfi_undefined x30\n"
	GMB__LANDING "\n"
	"	ldp	x9, x0, [sp]\n"
	"	mov	x30, xzr\n"
	"	blr	x9\n"
	"	brk	#1\n"
	".cfi_endproc\n"
	".size gmb__context_start, . - gmb__context_start\n"
);
#endif

#if GMB__FIBER
static void context_main(void *arg)
{
	struct gmb__context *ctx = arg;

	gmb__fiber_enter(&ctx->fiber);
	ctx->entry(ctx->arg);
	abort();
}
#endif

static void context_prepare(struct gmb__context *ctx, struct gmb__stack *stack,
			    void (*entry)(void *), void *arg)
{
	/* The top is aligned to 16, as the ABIs want it at a call. */
	void **frame = (void **)stack->top - 2;

	frame[0] = (void *)(uintptr_t)entry;
	frame[1] = arg;
	ctx->sp = frame;
	ctx->pc = (void *)(uintptr_t)gmb__context_start;
	ctx->bp = NULL;
}

#endif

void gmb__context_init(struct gmb__context *ctx, struct gmb__stack *stack,
		       void (*entry)(void *arg), void *arg)
{
	gmb__fiber_init(&ctx->fiber, stack->base,
			(size_t)(stack->top - stack->base));
#if GMB__FIBER || GMB__UCONTEXT
	ctx->entry = entry;
	ctx->arg = arg;
#endif
#if GMB__UCONTEXT
	context_prepare(ctx, stack);
#elif GMB__FIBER
	context_prepare(ctx, stack, context_main, ctx);
#else
	context_prepare(ctx, stack, entry, arg);
#endif
}

void gmb__context_init_thread(struct gmb__context *ctx)
{
	ctx->sp = NULL;
	ctx->pc = NULL;
	ctx->bp = NULL;
	gmb__fiber_init_thread(&ctx->fiber);
}

void gmb__context_fini(struct gmb__context *ctx)
{
	gmb__fiber_fini(&ctx->fiber);
}

#if GMB__CONTEXT_TAIL

#if defined(__CET__) && (__CET__ & 1)
#define NOTRACK	"notrack "
#define LANDING	"endbr64\n\t"
#else
#define NOTRACK	""
#define LANDING	""
#endif

/*
 * The suspended context stands behind its pushes, at label 1:
 *
 *	sp ->	r15 | r14 | r13 | r12 | rbx | rbp | address of the caller
 */
__attribute__((naked))
int gmb__context_switch_tail(struct gmb__context *from __attribute__((unused)),
			     struct gmb__context *to __attribute__((unused)))
{
	__asm__ volatile(
		LANDING
		"pushq	%rbp\n\t"
		".cfi_adjust_cfa_offset 8\n\t"
		".cfi_rel_offset %rbp, 0\n\t"
		"pushq	%rbx\n\t"
		".cfi_adjust_cfa_offset 8\n\t"
		".cfi_rel_offset %rbx, 0\n\t"
		"pushq	%r12\n\t"
		".cfi_adjust_cfa_offset 8\n\t"
		".cfi_rel_offset %r12, 0\n\t"
		"pushq	%r13\n\t"
		".cfi_adjust_cfa_offset 8\n\t"
		".cfi_rel_offset %r13, 0\n\t"
		"pushq	%r14\n\t"
		".cfi_adjust_cfa_offset 8\n\t"
		".cfi_rel_offset %r14, 0\n\t"
		"pushq	%r15\n\t"
		".cfi_adjust_cfa_offset 8\n\t"
		".cfi_rel_offset %r15, 0\n\t"
		"leaq	1f(%rip), %rax\n\t"
		"movq	%rsp, 0(%rdi)\n\t"
		"movq	%rax, 8(%rdi)\n\t"
		"movq	%rbp, 16(%rdi)\n\t"
		"movq	8(%rsi), %rax\n\t"
		"movq	0(%rsi), %rsp\n\t"
		"movq	16(%rsi), %rbp\n\t"
		"jmpq	*%rax\n"
		"1:\n\t"
		LANDING
		"popq	%r15\n\t"
		".cfi_adjust_cfa_offset -8\n\t"
		".cfi_restore %r15\n\t"
		"popq	%r14\n\t"
		".cfi_adjust_cfa_offset -8\n\t"
		".cfi_restore %r14\n\t"
		"popq	%r13\n\t"
		".cfi_adjust_cfa_offset -8\n\t"
		".cfi_restore %r13\n\t"
		"popq	%r12\n\t"
		".cfi_adjust_cfa_offset -8\n\t"
		".cfi_restore %r12\n\t"
		"popq	%rbx\n\t"
		".cfi_adjust_cfa_offset -8\n\t"
		".cfi_restore %rbx\n\t"
		"popq	%rbp\n\t"
		".cfi_adjust_cfa_offset -8\n\t"
		".cfi_restore %rbp\n\t"
		"popq	%rcx\n\t"
		".cfi_adjust_cfa_offset -8\n\t"
		".cfi_register %rip, %rcx\n\t"
		"xorl	%eax, %eax\n\t"
		NOTRACK "jmpq	*%rcx\n\t");
}

__attribute__((naked))
int gmb__context_call(void *a __attribute__((unused)),
		      void *b __attribute__((unused)),
		      int (*fn)(void *a, void *b) __attribute__((unused)))
{
	__asm__ volatile(
		LANDING
		"subq	$8, %rsp\n\t"
		".cfi_adjust_cfa_offset 8\n\t"
		"callq	*%rdx\n\t"
		"addq	$8, %rsp\n\t"
		".cfi_adjust_cfa_offset -8\n\t"
		"popq	%rcx\n\t"
		".cfi_adjust_cfa_offset -8\n\t"
		".cfi_register %rip, %rcx\n\t"
		NOTRACK "jmpq	*%rcx\n\t");
}

#endif
