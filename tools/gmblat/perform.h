/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Performing experiments: every run in a process of its own, so that it begins
 * with a fresh process and can end as it likes.
 */
#ifndef TOOLS_GMBLAT_PERFORM_H
#define TOOLS_GMBLAT_PERFORM_H

#include "gmblat/lat.h"

/**
 * backends_look() - find out which backends work here
 * @backends: [out] BACKENDS_MAX of them, the library's first choice first
 * @wanted:   names, parted by commas; NULL: all
 * @count:    [out] how many were wanted
 *
 * Return: how many of them work; -EINVAL a name that there is not.
 */
int backends_look(struct backend *backends, const char *wanted,
		  unsigned int *count);

/**
 * perform() - run all cases of an experiment on all backends
 * @results: with the experiment, the settings and the backends; the rest is
 *	filled in
 *
 * A line on standard error says how far it is, if that is a terminal.
 *
 * Return: 0, also if cases failed; -EINVAL the options leave no case; -errno.
 */
int perform(struct results *results);

#endif
