/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A table of text: columns as wide as they must be. On a terminal that is
 * narrower, columns that may be cut are cut, then those that may go go; into a
 * pipe everything is written whole. Control characters, which a program's names
 * may hold, never reach the terminal.
 */
#ifndef TOOLS_COMMON_TABLE_H
#define TOOLS_COMMON_TABLE_H

#include <stdio.h>

#define TABLE_LEFT	0u
#define TABLE_RIGHT	1u	/* numbers */
#define TABLE_CUT	2u	/* may be cut to its title's width, or 8 */

/**
 * struct table_column - a column
 * @title: its head
 * @flags: an or of TABLE_
 * @drop:  0: stays; else it may go, the greatest first, where room is short
 */
struct table_column {
	const char *title;
	unsigned int flags;
	unsigned int drop;
};

struct table;

/* Memory that runs out ends the program with a message. */
struct table *table_new(const struct table_column *columns, unsigned int count);

/* Fill the next cell; the one after a row's last begins a row. */
void table_cell(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * table_print() - write it, a line for the heads and one for each row
 * @table: the table
 * @out:   where to
 * @width: columns that a line may take; 0: as many as it wants
 */
void table_print(const struct table *table, FILE *out, unsigned int width);

void table_free(struct table *table);

/* Columns of the terminal that out is, COLUMNS if it is set; 0: no terminal. */
unsigned int table_width(FILE *out);

/* How many columns a text takes; what does not print counts as one. */
unsigned int table_text_width(const char *text);

/* Write at most width columns of a text, cleaned; returns how many it took. */
unsigned int table_put(FILE *out, const char *text, unsigned int width);

#endif
