/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include "gmblat/report.h"
#include "gmblat/stream.h"

/* Grows when a field changes its meaning; fields may be added. */
#define JSON_VERSION	1

static void put_share(struct json *json, const char *name,
		      const struct histogram *h, double share)
{
	if (share_is_known(h, share))
		json_u64(json, name, histogram_percentile(h, share));
	else
		json_null(json, name);
}

static void put_distribution(struct json *json, const char *name,
			     const struct histogram *h, const uint64_t *min)
{
	unsigned int i;

	json_object(json, name);
	json_u64(json, "count", h->count);
	if (min)
		json_u64(json, "min_ns", h->count ? *min : 0);
	json_double(json, "mean_ns", histogram_mean(h));
	put_share(json, "p50_ns", h, 0.5);
	put_share(json, "p90_ns", h, 0.9);
	put_share(json, "p99_ns", h, 0.99);
	put_share(json, "p999_ns", h, 0.999);
	json_u64(json, "max_ns", h->max);
	json_array(json, "buckets");
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!h->buckets[i])
			continue;
		json_array(json, NULL);
		json_u64(json, NULL, histogram_low(i));
		json_u64(json, NULL, h->buckets[i]);
		json_end(json);
	}
	json_end(json);
	json_end(json);
}

static const char *const state_names[] = {
	[OUTCOME_NONE] = "none",
	[OUTCOME_DONE] = "done",
	[OUTCOME_SKIPPED] = "skipped",
	[OUTCOME_FAILED] = "failed",
};

static void put_case(struct json *json, const struct results *results,
		     unsigned int number, unsigned int backend)
{
	const struct lat_case *c = &results->cases[number];
	const struct outcome *out = &results->outcomes[number][backend];
	unsigned int i;

	json_object(json, NULL);
	json_string(json, "case", c->name);
	json_string(json, "backend", results->backends[backend].name);
	json_string(json, "kind", kind_names[c->kind]);
	json_object(json, "parameters");
	for (i = 0; i < 2 && c->parameters[i].name; i++)
		json_i64(json, c->parameters[i].name, c->parameters[i].value);
	json_end(json);
	json_string(json, "state", state_names[out->state]);
	json_string(json, "remark", out->why[0] ? out->why : NULL);
	if (out->reached)
		json_i64(json, "reached", out->reached);
	if (out->state == OUTCOME_DONE) {
		put_distribution(json, "latency", &out->latency, &out->min);
		if (out->urgent.count)
			put_distribution(json, "urgent", &out->urgent, NULL);
		if (out->late.count)
			put_distribution(json, "source_late", &out->late, NULL);
		json_u64(json, "events", out->events);
		json_i64(json, "elapsed_ns", out->elapsed);
		json_i64(json, "cpu_ns", out->cpu);
		json_u64(json, "sleeps", out->sleeps);
		json_double(json, "events_per_s",
			    per_second(out, out->events));
		json_double(json, "sleeps_per_s",
			    per_second(out, out->sleeps));
		json_double(json, "cpu_ns_per_event", cpu_per_event(out));
		json_u64(json, "early", out->early);
		json_u64(json, "blocked", out->blocked);
		json_i64(json, "memory_bytes_per_idle", out->memory);
	}
	json_end(json);
}

static void put_settings(struct json *json, const struct settings *s)
{
	json_object(json, "settings");
	json_u64(json, "events", s->events);
	json_u64(json, "warmup", s->warmup);
	json_u64(json, "rounds", s->rounds);
	json_i64(json, "interval_ns", s->interval);
	/* A string, because many readers keep numbers as doubles. */
	char seed[24];

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)s->seed);
	json_string(json, "seed", seed);
	json_i64(json, "hold_ns", s->hold);
	json_i64(json, "work_ns", s->work);
	json_end(json);
}

static void put_machine(struct json *json, const struct machine *machine)
{
	json_object(json, "machine");
	json_string(json, "kernel", machine->kernel);
	json_string(json, "arch", machine->arch);
	json_string(json, "cpu", machine->cpu);
	json_i64(json, "cpus", machine->cpus);
	json_double(json, "load", machine->load);
	json_bool(json, "emulated", machine->emulated);
	json_bool(json, "virtual_time", machine->virtual_time);
	json_end(json);
}

void report_json_begin(struct json *json, const struct results *results,
		       const struct machine *machine, FILE *out)
{
	unsigned int i;

	json_init(json, out, 4);
	json_object(json, NULL);
	json_string(json, "tool", "gmblat");
	json_string(json, "version", GMB_VERSION);
	json_u64(json, "format", JSON_VERSION);
	json_string(json, "clock", "CLOCK_MONOTONIC");
	json_double(json, "percentile_error", 1.0 / 32);
	put_machine(json, machine);
	put_settings(json, results->settings);
	json_array(json, "backends");
	for (i = 0; i < results->backend_count; i++) {
		json_object(json, NULL);
		json_string(json, "name", results->backends[i].name);
		json_bool(json, "usable", results->backends[i].usable);
		json_string(json, "why_not", results->backends[i].usable ?
			    NULL : results->backends[i].why);
		json_end(json);
	}
	json_end(json);
	json_array(json, "experiments");
}

void report_json(struct json *json, const struct results *results)
{
	unsigned int i, j;

	json_object(json, NULL);
	json_string(json, "experiment", results->experiment->name);
	json_string(json, "title", results->experiment->title);
	json_array(json, "cases");
	for (i = 0; i < results->count; i++) {
		for (j = 0; j < results->backend_count; j++) {
			if (results->backends[j].usable)
				put_case(json, results, i, j);
		}
	}
	json_end(json);
	json_end(json);
}

int report_json_end(struct json *json)
{
	json_end(json);
	json_end(json);
	return json_finish(json);
}
