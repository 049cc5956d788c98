/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <sys/resource.h>
#include <time.h>
#include "common/units.h"
#include "gmblat/measure.h"

static int64_t cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * SEC + t.tv_nsec;
}

/* How often the thread has given its processor up by itself. */
static uint64_t sleeps_now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_nvcsw;
}

void measure_init(struct measure *m, const struct run *run)
{
	*m = (struct measure){
		.out = run->out,
		.warmup = run->settings->warmup,
		.total = run->settings->warmup + run->settings->events,
	};
	run->out->min = UINT64_MAX;
}

static void begin(struct measure *m)
{
	m->wall = units_now();
	m->cpu = cpu_now();
	m->sleeps = sleeps_now();
}

static void end(struct measure *m)
{
	m->out->elapsed = units_now() - m->wall;
	m->out->cpu = cpu_now() - m->cpu;
	m->out->sleeps = sleeps_now() - m->sleeps;
}

void measure_event(struct measure *m, struct histogram *where, int64_t latency)
{
	uint64_t value = latency > 0 ? (uint64_t)latency : 0;

	if (measure_is_over(m))
		return;
	m->seen++;
	__atomic_store_n(&m->out->progress, m->seen, __ATOMIC_RELAXED);
	if (m->seen == m->warmup || (!m->warmup && m->seen == 1))
		begin(m);
	if (m->seen <= m->warmup)
		return;
	histogram_add(where, value);
	if (where == &m->out->latency && value < m->out->min)
		m->out->min = value;
	m->out->events++;
	if (measure_is_over(m))
		end(m);
}

int measure_stream(struct measure *m, struct stream *stream,
		   struct histogram *where)
{
	int64_t n, now;

	while (!measure_is_over(m)) {
		n = stream_take(stream);
		now = units_now();
		if (n < 0)
			return (int)n;
		while (n-- > 0) {
			measure_event(m, where,
				      now - stream_stamped(stream,
							   stream->taken));
			stream->taken++;
		}
	}
	return 0;
}

void spin(int64_t ns)
{
	int64_t end = units_now() + ns;

	while (units_now() < end)
		;
}
