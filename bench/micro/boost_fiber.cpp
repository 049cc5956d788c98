/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Boost.Fiber: yield, spawn and join, rendezvous channel. Where it offers
 * several ways (launch policy, stack allocator) the quickest speaks for it.
 */

#include <algorithm>
#include <memory>
#include <boost/fiber/all.hpp>
#include "bench.h"

namespace fib = boost::fibers;

/* Two fibers take turns; every yield hands the thread to the other one. */
static double run_yield(long count)
{
	auto turns = [count] {
		for (long i = 0; i < count; i += 2)
			boost::this_fiber::yield();
	};
	fib::fiber other(fib::launch::post, turns);
	int64_t start = bench_cpu();

	turns();
	other.join();
	return (double)(bench_cpu() - start);
}

template <typename Alloc>
static double spawn_with(fib::launch policy, Alloc alloc, long count)
{
	int64_t start = bench_cpu();

	for (long i = 0; i < count; i++)
		fib::fiber(policy, std::allocator_arg, alloc, [] {}).join();
	return (double)(bench_cpu() - start);
}

static double run_spawn(long count)
{
	double best = 1e18;

	for (fib::launch policy : { fib::launch::post, fib::launch::dispatch }) {
		best = std::min(best, spawn_with(policy,
				fib::fixedsize_stack(65536), count));
		best = std::min(best, spawn_with(policy,
				fib::pooled_fixedsize_stack(65536), count));
	}
	return best;
}

/* One round trip: an int out over one channel and back over another. */
static double run_channel(long count)
{
	fib::unbuffered_channel<int> ping, pong;
	fib::fiber peer(fib::launch::post, [&] {
		int v;

		while (ping.pop(v) == fib::channel_op_status::success)
			pong.push(v);
	});
	int64_t start = bench_cpu();
	int64_t end;
	int v = 0;

	for (long i = 0; i < count; i++) {
		ping.push(v);
		pong.pop(v);
	}
	end = bench_cpu();
	ping.close();
	peer.join();
	return (double)(end - start);
}

int main(int argc, char **argv)
{
	static const struct bench_op ops[] = {
		{ "yield", run_yield },
		{ "spawn", run_spawn },
		{ "channel", run_channel },
		{ nullptr, nullptr },
	};

	return bench_main(argc, argv, ops);
}
