/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * giambio: raw switch, yield, spawn and join, rendezvous channel. All but the
 * switch go through the public interface. As for the peers, where there are
 * several ways the quickest speaks for it.
 */

#include <giambio.h>
#include "bench.h"
#include "coro/context.h"
#include "coro/stack.h"

/* What a task of this program hands to the others. */
struct job {
	double (*run)(long count);
	long count;
	double ns;
	struct gmb_sender ping, pong;
	struct gmb_receiver from_ping, from_pong;
};

static struct gmb__context outer, inner;

static void must(intptr_t rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, gmb_strerror(rc));
	exit(1);
}

static void bounce(void *arg)
{
	(void)arg;
	for (;;)
		gmb__context_switch(&inner, &outer);
}

static double run_switch(long count)
{
	struct gmb__stack_pool pool;
	struct gmb__stack stack;
	int64_t start, end;
	long i;

	gmb__stack_pool_init(&pool);
	must(gmb__stack_get(&pool, 65536, &stack), "stack");
	gmb__context_init_thread(&outer);
	gmb__context_init(&inner, &stack, bounce, NULL);
	start = bench_cpu();
	for (i = 0; i < count; i += 2)
		gmb__context_switch(&outer, &inner);
	end = bench_cpu();
	gmb__context_fini(&inner);
	gmb__context_fini(&outer);
	gmb__stack_put(&pool, &stack);
	gmb__stack_pool_fini(&pool);
	return (double)(end - start);
}

static intptr_t turns(void *arg)
{
	long count = *(long *)arg;
	long i;

	for (i = 0; i < count; i += 2)
		must(gmb_yield(), "gmb_yield");
	return 0;
}

/* Two tasks take turns; every yield hands the thread to the other one. */
static double yields(long count)
{
	struct gmb_manager m;
	int64_t start = bench_cpu();

	must(gmb_manager_open(&m), "gmb_manager_open");
	must(gmb_spawn_forget(&m, turns, &count), "gmb_spawn_forget");
	turns(&count);
	must(gmb_manager_close(&m), "gmb_manager_close");
	return (double)(bench_cpu() - start);
}

static intptr_t nothing(void *arg)
{
	return (intptr_t)arg;
}

/* A block of its own for every task. */
static double spawn_in_blocks(long count)
{
	int64_t start = bench_cpu();
	struct gmb_manager m;
	long i;

	for (i = 0; i < count; i++) {
		must(gmb_manager_open(&m), "gmb_manager_open");
		gmb_spawn(&m, nothing, NULL);
		must(gmb_manager_close(&m), "gmb_manager_close");
	}
	return (double)(bench_cpu() - start);
}

/* One block that is waited for after every spawn. */
static double spawn_and_wait(long count)
{
	int64_t start = bench_cpu();
	struct gmb_manager m;
	long i;

	must(gmb_manager_open(&m), "gmb_manager_open");
	for (i = 0; i < count; i++) {
		must(gmb_spawn_forget(&m, nothing, NULL), "gmb_spawn_forget");
		must(gmb_manager_wait(&m), "gmb_manager_wait");
	}
	must(gmb_manager_close(&m), "gmb_manager_close");
	return (double)(bench_cpu() - start);
}

static double spawns(long count)
{
	double a = spawn_in_blocks(count);
	double b = spawn_and_wait(count);

	return a < b ? a : b;
}

static intptr_t peer(void *arg)
{
	struct job *job = arg;
	int v;

	while (!gmb_channel_receive(&job->from_ping, &v))
		must(gmb_channel_send(&job->pong, &v), "gmb_channel_send");
	return 0;
}

/* One round trip: an int out over one channel and back over another. */
static double channels(long count)
{
	struct gmb_manager m;
	struct job job;
	int64_t start, end;
	int v = 0;
	long i;

	must(gmb_channel_open(&job.ping, &job.from_ping, sizeof(v), 0), "open");
	must(gmb_channel_open(&job.pong, &job.from_pong, sizeof(v), 0), "open");
	must(gmb_manager_open(&m), "gmb_manager_open");
	must(gmb_spawn_forget(&m, peer, &job), "gmb_spawn_forget");
	start = bench_cpu();
	for (i = 0; i < count; i++) {
		must(gmb_channel_send(&job.ping, &v), "gmb_channel_send");
		must(gmb_channel_receive(&job.from_pong, &v), "receive");
	}
	end = bench_cpu();
	gmb_sender_close(&job.ping);
	must(gmb_manager_close(&m), "gmb_manager_close");
	gmb_receiver_close(&job.from_ping);
	gmb_sender_close(&job.pong);
	gmb_receiver_close(&job.from_pong);
	return (double)(end - start);
}

static intptr_t in_loop(void *arg)
{
	struct job *job = arg;

	job->ns = job->run(job->count);
	return 0;
}

static double run_in_loop(double (*run)(long), long count)
{
	struct job job = { .run = run, .count = count };

	must(gmb_run(in_loop, &job), "gmb_run");
	return job.ns;
}

static double run_yield(long count)
{
	return run_in_loop(yields, count);
}

static double run_spawn(long count)
{
	return run_in_loop(spawns, count);
}

static double run_spawn_block(long count)
{
	return run_in_loop(spawn_in_blocks, count);
}

static double run_spawn_wait(long count)
{
	return run_in_loop(spawn_and_wait, count);
}

static double run_channel(long count)
{
	return run_in_loop(channels, count);
}

int main(int argc, char **argv)
{
	static const struct bench_op ops[] = {
		{ "switch", run_switch },
		{ "yield", run_yield },
		{ "spawn", run_spawn },
		{ "spawn-block", run_spawn_block },
		{ "spawn-wait", run_spawn_wait },
		{ "channel", run_channel },
		{ NULL, NULL },
	};

	return bench_main(argc, argv, ops);
}
