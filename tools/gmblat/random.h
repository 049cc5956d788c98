/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Random numbers: the same for the same seed on every machine.
 *
 * Intervals are exponential: events that come at such random moments see every
 * state of the loop as often as it occurs, while a fixed beat could fall into
 * step with it.
 */
#ifndef TOOLS_GMBLAT_RANDOM_H
#define TOOLS_GMBLAT_RANDOM_H

#include <stdint.h>

/* The next number of a sequence (SplitMix64, Steele et al. 2014). */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* A number from 0 on and below a bound, which is small against 2^32. */
static inline uint64_t random_below(uint64_t *state, uint64_t bound)
{
	return (random_next(state) >> 32) * bound >> 32;
}

/**
 * random_span() - the time until the next of events that come at random
 * @state: of the sequence
 * @mean:  ns
 *
 * Return: ns, exponential with that mean, at most 37 times it.
 */
int64_t random_span(uint64_t *state, int64_t mean);

#endif
