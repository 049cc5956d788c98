/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* The command line. */
#ifndef TOOLS_GMBLAT_OPTIONS_H
#define TOOLS_GMBLAT_OPTIONS_H

#include "gmblat/lat.h"

/**
 * struct options - what the user asked for
 * @settings:    see there
 * @experiments: what is to be run, ended by NULL
 * @backends:    names, parted by commas; NULL: all
 * @json:        print JSON
 * @svg:         a picture goes there; NULL: none
 */
struct options {
	struct settings settings;
	const struct experiment *experiments[16];
	const char *backends;
	bool json;
	const char *svg;
};

/**
 * options_parse() - read the command line
 * @options: [out] with the defaults for what was not said
 * @argc:    as main() got it
 * @argv:    as main() got it; strings in it are kept
 *
 * Return: -1: go on; otherwise the code to exit with, everything being said.
 */
int options_parse(struct options *options, int argc, char **argv);

#endif
