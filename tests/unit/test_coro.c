/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * Contexts: the switch keeps what it must keep, and loses what it may lose.
 *
 * The values that must survive are computed from a number the compiler cannot
 * know, and both sides of a switch keep all registers busy, so that a register
 * that is not restored is a wrong sum.
 */
#include <check.h>
#include <fenv.h>
#include <stdint.h>
#include <stdlib.h>

#include "coro/context.h"
#include "coro/stack.h"

Suite *test_coro_suite(void);

#define ROUNDS 1000

static struct gmb__stack_pool pool;

/* One context beside the test's own, and what the two tell each other. */
struct pair {
	struct gmb__context	test;
	struct gmb__context	other;
	struct gmb__stack	stack;
	volatile long		seed;
	long			count;
	long			result;
	void			*argument;
};

static void pair_start(struct pair *p, size_t size, void (*entry)(void *))
{
	gmb__stack_pool_init(&pool);
	ck_assert_int_eq(gmb__stack_get(&pool, size, &p->stack), 0);
	gmb__context_init_thread(&p->test);
	gmb__context_init(&p->other, &p->stack, entry, p);
}

static void pair_end(struct pair *p)
{
	gmb__context_fini(&p->other);
	gmb__context_fini(&p->test);
	gmb__stack_put(&pool, &p->stack);
	gmb__stack_pool_fini(&pool);
}

static void count_rounds(void *arg)
{
	struct pair *p = arg;

	p->argument = arg;
	for (int i = 0; i < ROUNDS; i++) {
		p->count++;
		gmb__context_switch(&p->other, &p->test);
	}
	gmb__context_switch_last(&p->other, &p->test);
}

START_TEST(switch_goes_there_and_back)
{
	struct pair p = { 0 };

	pair_start(&p, 0, count_rounds);
	for (int i = 0; i < ROUNDS; i++) {
		ck_assert_int_eq(p.count, i);
		gmb__context_switch(&p.test, &p.other);
	}
	ck_assert_int_eq(p.count, ROUNDS);
	gmb__context_switch(&p.test, &p.other);
	ck_assert_ptr_eq(p.argument, &p);
	pair_end(&p);
}
END_TEST

/*
 * Sixteen values live across every switch: more than there are registers, so
 * that each of them, and the frame, is in use on both sides.
 */
static __attribute__((noinline))
unsigned long mix_integers(struct gmb__context *self,
			   struct gmb__context *peer,
			   volatile long *seed, int rounds)
{
	unsigned long s = (unsigned long)*seed;
	unsigned long a = s + 1, b = s + 2, c = s + 3, d = s + 4;
	unsigned long e = s + 5, f = s + 6, g = s + 7, h = s + 8;
	unsigned long i = s + 9, j = s + 10, k = s + 11, l = s + 12;
	unsigned long m = s + 13, n = s + 14, o = s + 15, p = s + 16;

	for (int round = 0; round < rounds; round++) {
		a += b;
		c ^= d;
		e += f;
		g ^= h;
		i += j;
		k ^= l;
		m += n;
		o ^= p;
		if (self)
			gmb__context_switch(self, peer);
		b += c;
		d ^= e;
		f += g;
		h ^= i;
		j += k;
		l ^= m;
		n += o;
		p ^= a;
	}
	return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k ^ l ^ m ^ n ^ o ^ p;
}

static void integers_main(void *arg)
{
	struct pair *p = arg;
	volatile long seed = p->seed * 3;

	p->result = (long)mix_integers(&p->other, &p->test, &seed, ROUNDS);
	gmb__context_switch_last(&p->other, &p->test);
}

START_TEST(switch_keeps_live_integers)
{
	struct pair p = { .seed = 12345 };
	volatile long seed = 777, other_seed = 12345 * 3;
	unsigned long sum;

	pair_start(&p, 0, integers_main);
	sum = mix_integers(&p.test, &p.other, &seed, ROUNDS);
	gmb__context_switch(&p.test, &p.other);
	ck_assert_uint_eq(sum, mix_integers(NULL, NULL, &seed, ROUNDS));
	ck_assert_uint_eq((unsigned long)p.result,
			  mix_integers(NULL, NULL, &other_seed, ROUNDS));
	pair_end(&p);
}
END_TEST

/* The same for floating point; the long double is x87's on x86-64. */
static __attribute__((noinline))
double mix_floats(struct gmb__context *self, struct gmb__context *peer,
		  volatile long *seed, int rounds)
{
	double a = *seed + 0.5, b = *seed + 1.5, c = *seed + 2.5;
	double d = *seed + 3.5, e = *seed + 4.5, f = *seed + 5.5;
	double g = *seed + 6.5, h = *seed + 7.5, i = *seed + 8.5;
	long double x = *seed, y = *seed + 0.25L;
	float s = (float)*seed, t = (float)*seed + 0.125f;

	for (int round = 0; round < rounds; round++) {
		a += b * 0.5;
		c -= d * 0.25;
		e += f * 0.125;
		g -= h * 0.5;
		if (self)
			gmb__context_switch(self, peer);
		b -= c * 0.5;
		d += e * 0.25;
		f -= g * 0.125;
		h += i * 0.5;
		x = x * 0.5L + y;
		y = y * 0.5L - 1;
		s = s * 0.5f + t;
		t = t * 0.5f + 1;
		a *= 0.5;
		e *= 0.5;
		g *= 0.5;
		h *= 0.5;
	}
	return a + b + c + d + e + f + g + h + i + (double)(x + y) + s + t;
}

static double other_float;

static void floats_main(void *arg)
{
	struct pair *p = arg;

	other_float = mix_floats(&p->other, &p->test, &p->seed, ROUNDS);
	gmb__context_switch_last(&p->other, &p->test);
}

START_TEST(switch_keeps_live_floats)
{
	struct pair p = { .seed = 4242 };
	volatile long seed = 17;
	double sum;

	pair_start(&p, 0, floats_main);
	sum = mix_floats(&p.test, &p.other, &seed, ROUNDS);
	gmb__context_switch(&p.test, &p.other);
	ck_assert(sum == mix_floats(NULL, NULL, &seed, ROUNDS));
	ck_assert(other_float == mix_floats(NULL, NULL, &p.seed, ROUNDS));
	pair_end(&p);
}
END_TEST

static void rounding_main(void *arg)
{
	struct pair *p = arg;

	fesetround(FE_UPWARD);
	gmb__context_switch(&p->other, &p->test);
	p->result = fegetround();
	gmb__context_switch_last(&p->other, &p->test);
}

#if !GMB__UCONTEXT
START_TEST(rounding_mode_belongs_to_the_thread)
{
	struct pair p = { 0 };

	pair_start(&p, 0, rounding_main);
	gmb__context_switch(&p.test, &p.other);
	ck_assert_int_eq(fegetround(), FE_UPWARD);
	fesetround(FE_DOWNWARD);
	gmb__context_switch(&p.test, &p.other);
	ck_assert_int_eq(p.result, FE_DOWNWARD);
	fesetround(FE_TONEAREST);
	pair_end(&p);
}
END_TEST
#else
START_TEST(rounding_mode_goes_with_swapcontext)
{
	struct pair p = { 0 };

	pair_start(&p, 0, rounding_main);
	gmb__context_switch(&p.test, &p.other);
	ck_assert_int_eq(fegetround(), FE_TONEAREST);
	gmb__context_switch(&p.test, &p.other);
	ck_assert_int_eq(p.result, FE_UPWARD);
	pair_end(&p);
}
END_TEST
#endif

static void alignment_main(void *arg)
{
	struct pair *p = arg;
	_Alignas(64) volatile char buffer[64];

	buffer[0] = 1;
	p->result = (long)((uintptr_t)buffer % 64);
	p->count = (long)((uintptr_t)__builtin_frame_address(0) % 16);
	gmb__context_switch_last(&p->other, &p->test);
}

START_TEST(new_context_has_an_aligned_stack)
{
	struct pair p = { .result = -1 };

	pair_start(&p, 0, alignment_main);
	ck_assert_uint_eq((uintptr_t)p.stack.top % 16, 0);
	gmb__context_switch(&p.test, &p.other);
	ck_assert_int_eq(p.result, 0);
	ck_assert_int_eq(p.count, 0);
	pair_end(&p);
}
END_TEST

/* Switches at every depth, on the way down and on the way up. */
static __attribute__((noinline))
long descend(struct pair *p, long depth)
{
	volatile long here = depth;
	long sum;

	gmb__context_switch(&p->other, &p->test);
	if (depth == 0)
		return 0;
	sum = descend(p, depth - 1) + here;
	gmb__context_switch(&p->other, &p->test);
	return sum;
}

static void descend_main(void *arg)
{
	struct pair *p = arg;

	p->result = descend(p, p->seed);
	gmb__context_switch_last(&p->other, &p->test);
}

START_TEST(deep_calls_fit_a_small_stack)
{
	struct pair p = { .seed = 20 };

	pair_start(&p, 16 * 1024, descend_main);
	for (int i = 0; i < 2 * 20 + 2; i++) {
		ck_assert_int_eq(p.result, 0);
		gmb__context_switch(&p.test, &p.other);
	}
	ck_assert_int_eq(p.result, 20 * 21 / 2);
	pair_end(&p);
}
END_TEST

/* What a task dump reads: a suspended context stands in its own stack. */
START_TEST(suspended_context_can_be_read)
{
	struct pair p = { 0 };

	pair_start(&p, 0, count_rounds);
	for (int i = 0; i < 2; i++) {
		ck_assert((char *)p.other.sp > p.stack.base);
		ck_assert((char *)p.other.sp <= p.stack.top);
		ck_assert_ptr_nonnull(p.other.pc);
		gmb__context_switch(&p.test, &p.other);
	}
	pair_end(&p);
}
END_TEST

#define RING 300

struct ring {
	struct gmb__context	test;
	struct gmb__context	contexts[RING];
	struct gmb__stack	stacks[RING];
	long			visits[RING];
	int			next;
};

static struct ring ring;

static void ring_main(void *arg)
{
	long *visits = arg;
	int self = (int)(visits - ring.visits);

	for (int lap = 0; lap < 10; lap++) {
		ck_assert_int_eq(visits[0], lap);
		visits[0]++;
		gmb__context_switch(&ring.contexts[self],
				    self + 1 < RING ?
				    &ring.contexts[self + 1] : &ring.test);
	}
	gmb__context_switch_last(&ring.contexts[self],
				 self + 1 < RING ?
				 &ring.contexts[self + 1] : &ring.test);
}

START_TEST(contexts_switch_among_themselves)
{
	gmb__stack_pool_init(&pool);
	gmb__context_init_thread(&ring.test);
	for (int i = 0; i < RING; i++) {
		ck_assert_int_eq(gmb__stack_get(&pool, 0, &ring.stacks[i]), 0);
		gmb__context_init(&ring.contexts[i], &ring.stacks[i],
				  ring_main, &ring.visits[i]);
	}
	for (int lap = 0; lap < 11; lap++)
		gmb__context_switch(&ring.test, &ring.contexts[0]);
	for (int i = 0; i < RING; i++) {
		ck_assert_int_eq(ring.visits[i], 10);
		gmb__context_fini(&ring.contexts[i]);
		gmb__stack_put(&pool, &ring.stacks[i]);
	}
	gmb__context_fini(&ring.test);
	gmb__stack_pool_fini(&pool);
}
END_TEST

static void short_life(void *arg)
{
	struct pair *p = arg;
	volatile char local[256];

	local[p->count % 256] = 1;
	p->count += local[p->count % 256];
	gmb__context_switch_last(&p->other, &p->test);
}

START_TEST(stack_serves_one_context_after_another)
{
	struct pair p = { 0 };

	pair_start(&p, 0, short_life);
	gmb__context_fini(&p.other);
	for (int i = 0; i < ROUNDS; i++) {
		ck_assert_int_eq(p.count, i);
		gmb__stack_put(&pool, &p.stack);
		ck_assert_int_eq(gmb__stack_get(&pool, 0, &p.stack), 0);
		gmb__context_init(&p.other, &p.stack, short_life, &p);
		gmb__context_switch(&p.test, &p.other);
		gmb__context_fini(&p.other);
	}
	ck_assert_int_eq(p.count, ROUNDS);
	gmb__context_init(&p.other, &p.stack, short_life, &p);
	pair_end(&p);
}
END_TEST

Suite *test_coro_suite(void)
{
	Suite *suite = suite_create("coro");
	TCase *tc = tcase_create("context");

	tcase_add_test(tc, switch_goes_there_and_back);
	tcase_add_test(tc, switch_keeps_live_integers);
	tcase_add_test(tc, switch_keeps_live_floats);
#if !GMB__UCONTEXT
	tcase_add_test(tc, rounding_mode_belongs_to_the_thread);
#else
	tcase_add_test(tc, rounding_mode_goes_with_swapcontext);
#endif
	tcase_add_test(tc, new_context_has_an_aligned_stack);
	tcase_add_test(tc, deep_calls_fit_a_small_stack);
	tcase_add_test(tc, suspended_context_can_be_read);
	tcase_add_test(tc, contexts_switch_among_themselves);
	tcase_add_test(tc, stack_serves_one_context_after_another);
	suite_add_tcase(suite, tc);
	return suite;
}
