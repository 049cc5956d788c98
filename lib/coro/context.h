/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * A context: a place where execution stands, and the switch from one to
 * another.  Nothing here decides who runs; that is the loop.
 *
 * The switch is inline and stores three words: stack pointer, frame pointer
 * and the address at which to go on.  Every other register is named as
 * clobbered, so that the compiler itself saves what is live at that place, and
 * only that.  The far side is entered by an indirect jump and not by a return,
 * because a return to another stack is always mispredicted.
 *
 *	suspended context			its stack
 *	+----+----------------------+		|  frames of callers     | high
 *	| sp | -------------------------------->|  frame that switched   |
 *	| pc | in the frame's function		+------------------------+
 *	| bp | its frame pointer    |		|  free                  | low
 *	+----+----------------------+		+------------------------+
 *
 * So a suspended context can be read from outside: these three registers are
 * what an unwinder needs to begin.  With swapcontext() (GMB__UCONTEXT) they
 * describe the frame that called the switch as well as the compiler can tell.
 *
 * What is NOT switched: the floating-point control words (MXCSR, x87 control
 * word, FPCR), the signal mask and errno belong to the thread.  A task that
 * changes a rounding mode must restore it before it waits.
 *
 * What a function that switches must not have: a variable-length array or
 * alloca() beside over-aligned locals (its frame is then addressed through a
 * register that the switch clobbers; clang says so when it compiles).
 */
#ifndef GMB_LIB_CORO_CONTEXT_H
#define GMB_LIB_CORO_CONTEXT_H

#include <stddef.h>

#include "coro/compiler.h"
#include "coro/fiber.h"

#if GMB__UCONTEXT
#include <ucontext.h>
#endif

#if defined(__CET__) && (__CET__ & 2) && !GMB__UCONTEXT
#error "compile with -fcf-protection=branch: shadow stacks follow no switch"
#endif

struct gmb__stack;

/**
 * struct gmb__context - a place where execution stands
 * @sp:    stack pointer, while suspended; meaningless while running
 * @pc:    address at which execution goes on
 * @bp:    frame pointer
 * @fiber: what the sanitizers know
 * @entry: first function, for builds that enter it through C code
 * @arg:   its argument
 * @uc:    the registers, in ucontext builds
 *
 * Lives wherever its owner wants and must not move.  Used by one thread.
 */
struct gmb__context {
	void			*sp;
	void			*pc;
	void			*bp;
	struct gmb__fiber	fiber;
#if GMB__FIBER || GMB__UCONTEXT
	void			(*entry)(void *arg);
	void			*arg;
#endif
#if GMB__UCONTEXT
	ucontext_t		uc;
#endif
};

_Static_assert(offsetof(struct gmb__context, sp) == 0 &&
	       offsetof(struct gmb__context, pc) == sizeof(void *) &&
	       offsetof(struct gmb__context, bp) == 2 * sizeof(void *),
	       "the assembly below and the tools count on this order");

/**
 * gmb__context_init() - make a context that will begin in a function
 * @ctx:   caller's storage, at least until gmb__context_fini()
 * @stack: from gmb__stack_get(); must outlive the context; a few words at its
 *         top are written
 * @entry: called on @stack at the first switch to @ctx; must not return but
 *         end with gmb__context_switch_last()
 * @arg:   given to @entry
 *
 * Context: any thread that will also run it.  A handful of stores.
 */
void gmb__context_init(struct gmb__context *ctx, struct gmb__stack *stack,
		       void (*entry)(void *arg), void *arg);

/**
 * gmb__context_init_thread() - make a context for the code that runs now
 * @ctx: caller's storage; gets its contents at the first switch away from it
 *
 * For the stack that the loop itself runs on, whoever made it.
 *
 * Context: on that stack.
 */
void gmb__context_init_thread(struct gmb__context *ctx);

/**
 * gmb__context_fini() - end a context that will never run again
 * @ctx: not running, unless made by gmb__context_init_thread()
 *
 * Nothing outside sanitizer builds.  The stack stays with its owner.
 *
 * Context: not on the stack of @ctx, unless made by
 * gmb__context_init_thread().
 */
void gmb__context_fini(struct gmb__context *ctx);

#if GMB__UCONTEXT

/* The switch in ucontext builds; call gmb__context_switch(). */
void gmb__context_swap(struct gmb__context *from, struct gmb__context *to);
void gmb__context_set(struct gmb__context *from, struct gmb__context *to)
	__attribute__((noreturn));

#elif defined(__x86_64__)

/* Registers that exist only where the compiler may use them. */
#ifdef __AVX512F__
#define GMB__CLOBBER_AVX512						\
	"xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",	\
	"xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29",	\
	"xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7",
#else
#define GMB__CLOBBER_AVX512
#endif

/* Where indirect branches are checked, a switch must land on a marker. */
#if defined(__CET__) && (__CET__ & 1)
#define GMB__LANDING	"endbr64\n\t"
#else
#define GMB__LANDING
#endif

static gmb__always_inline void gmb__context_jump(struct gmb__context *from,
						 struct gmb__context *to)
{
	/*
	 * Nothing is pushed, so what a leaf function keeps below its stack
	 * pointer survives.  The operands are outputs as well because the far
	 * side leaves its own values in these registers.
	 */
	__asm__ volatile(
		"leaq	1f(%%rip), %%rax\n\t"
		"movq	%%rsp, 0(%%rdi)\n\t"
		"movq	%%rax, 8(%%rdi)\n\t"
		"movq	%%rbp, 16(%%rdi)\n\t"
		"movq	8(%%rsi), %%rax\n\t"
		"movq	0(%%rsi), %%rsp\n\t"
		"movq	16(%%rsi), %%rbp\n\t"
		"jmpq	*%%rax\n"
		"1:\n\t"
		GMB__LANDING
		: "+D" (from), "+S" (to)
		:
		: "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11",
		  "r12", "r13", "r14", "r15",
		  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
		  "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
		  "xmm14", "xmm15", GMB__CLOBBER_AVX512
		  "mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7",
		  "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)",
		  "st(7)", "memory", "cc");
}

static gmb__always_inline __attribute__((noreturn))
void gmb__context_jump_last(struct gmb__context *to)
{
	__asm__ volatile(
		"movq	8(%0), %%rax\n\t"
		"movq	0(%0), %%rsp\n\t"
		"movq	16(%0), %%rbp\n\t"
		"jmpq	*%%rax\n"
		:
		: "S" (to)
		: "rax", "memory");
	__builtin_unreachable();
}

#elif defined(__aarch64__)

#ifdef __ARM_FEATURE_SVE
#define GMB__CLOBBER_SVE						\
	"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9",	\
	"p10", "p11", "p12", "p13", "p14", "p15",
#else
#define GMB__CLOBBER_SVE
#endif

/* "bti j", spelt so that every assembler knows it. */
#ifdef __ARM_FEATURE_BTI_DEFAULT
#define GMB__LANDING	"hint	#36\n\t"
#else
#define GMB__LANDING
#endif

static gmb__always_inline void gmb__context_jump(struct gmb__context *from,
						 struct gmb__context *to)
{
	register struct gmb__context *x0 __asm__("x0") = from;
	register struct gmb__context *x1 __asm__("x1") = to;

	/* The operands are outputs as well: the far side leaves its own. */
	__asm__ volatile(
		"adr	x9, 1f\n\t"
		"mov	x10, sp\n\t"
		"stp	x10, x9, [x0]\n\t"
		"str	x29, [x0, #16]\n\t"
		"ldp	x10, x16, [x1]\n\t"
		"ldr	x29, [x1, #16]\n\t"
		"mov	sp, x10\n\t"
		"br	x16\n"
		"1:\n\t"
		GMB__LANDING
		: "+r" (x0), "+r" (x1)
		:
		: "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
		  "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
		  "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
		  "x27", "x28", "x30",
		  "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",
		  "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17",
		  "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
		  "v26", "v27", "v28", "v29", "v30", "v31", GMB__CLOBBER_SVE
		  "memory", "cc");
}

static gmb__always_inline __attribute__((noreturn))
void gmb__context_jump_last(struct gmb__context *to)
{
	__asm__ volatile(
		"ldp	x10, x16, [%0]\n\t"
		"ldr	x29, [%0, #16]\n\t"
		"mov	sp, x10\n\t"
		"br	x16\n"
		:
		: "r" (to)
		: "x10", "x16", "memory");
	__builtin_unreachable();
}

#endif

/**
 * gmb__context_switch() - suspend one context and go on with another
 * @from: the running context; returns here when somebody switches to it
 * @to:   a suspended context of this thread, not @from
 *
 * Context: on @from's stack.  No system call (two in ucontext builds).
 */
static gmb__always_inline void gmb__context_switch(struct gmb__context *from,
						   struct gmb__context *to)
{
#if GMB__UCONTEXT
	gmb__context_swap(from, to);
#else
	gmb__fiber_leave(&from->fiber, &to->fiber, false);
	gmb__context_jump(from, to);
	gmb__fiber_enter(&from->fiber);
#endif
}

#if defined(__x86_64__) && !GMB__UCONTEXT && !GMB__FIBER

#define GMB__CONTEXT_TAIL	1

/**
 * gmb__context_switch_tail() - switch as the last thing that a function does
 * @from: the running context
 * @to:   a suspended context of this thread, not @from
 *
 * As gmb__context_switch(), for a function that has nothing left to do but to
 * return 0: `return gmb__context_switch_tail(from, to)`. When the context goes
 * on it jumps to the caller instead of returning to it. A return would be
 * mispredicted, because the processor expects the caller of whoever ran last.
 *
 * Context: on @from's stack.
 * Return: 0.
 */
int gmb__context_switch_tail(struct gmb__context *from,
			     struct gmb__context *to);

/**
 * gmb__context_call() - call a function that switches, as the last thing
 * @a:  its first argument
 * @b:  its second
 * @fn: does not end before it has been switched away from and back, mostly
 *
 * `return gmb__context_call(a, b, fn)` is `return fn(a, b)`, but for what the
 * processor expects: contexts that are suspended in here all return to one
 * place, so that these returns are predicted well, and from there it is a jump
 * that leads to the caller.
 *
 * Context: on the stack of a context.
 * Return: what @fn returns.
 */
int gmb__context_call(void *a, void *b, int (*fn)(void *a, void *b));

#else
#define GMB__CONTEXT_TAIL	0

static inline int gmb__context_call(void *a, void *b,
				    int (*fn)(void *a, void *b))
{
	return fn(a, b);
}
#endif

/**
 * gmb__context_switch_last() - leave a context for ever
 * @from: the running context; to be given to gmb__context_fini() by the others,
 *        and its stack given back by them, for it is in use until the switch
 *        is over
 * @to:   a suspended context of this thread, not @from
 *
 * Context: on @from's stack.
 */
static gmb__always_inline __attribute__((noreturn))
void gmb__context_switch_last(struct gmb__context *from,
			      struct gmb__context *to)
{
#if GMB__UCONTEXT
	gmb__context_set(from, to);
#else
	gmb__fiber_leave(&from->fiber, &to->fiber, true);
	gmb__context_jump_last(to);
#endif
}

#endif /* GMB_LIB_CORO_CONTEXT_H */
