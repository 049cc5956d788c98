/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The one-way context switch of Boost.Context, by each of its two public
 * interfaces; the quicker one speaks for it.
 */

#include <algorithm>
#include <utility>
#include <boost/context/continuation.hpp>
#include <boost/context/fiber.hpp>
#include "bench.h"

namespace ctx = boost::context;

static double run_fiber(long count)
{
	ctx::fiber f([](ctx::fiber &&back) {
		for (;;)
			back = std::move(back).resume();
		return std::move(back);
	});
	int64_t start = bench_cpu();

	for (long i = 0; i < count; i += 2)
		f = std::move(f).resume();
	return (double)(bench_cpu() - start);
}

static double run_callcc(long count)
{
	ctx::continuation c = ctx::callcc([](ctx::continuation &&back) {
		for (;;)
			back = back.resume();
		return std::move(back);
	});
	int64_t start = bench_cpu();

	for (long i = 0; i < count; i += 2)
		c = c.resume();
	return (double)(bench_cpu() - start);
}

static double run_switch(long count)
{
	double fiber = run_fiber(count);

	return std::min(fiber, run_callcc(count));
}

int main(int argc, char **argv)
{
	static const struct bench_op ops[] = {
		{ "switch", run_switch },
		{ nullptr, nullptr },
	};

	return bench_main(argc, argv, ops);
}
