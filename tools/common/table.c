/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>
#include "common/memory.h"
#include "common/table.h"

#define GAP		2u	/* blanks between columns */
#define CUT_WIDTH	8u	/* no column is cut to less */
#define MIN_WIDTH	20u	/* a narrower terminal is not obeyed */

struct table {
	const struct table_column *columns;
	unsigned int count;
	size_t used;	/* cells that are filled */
	size_t room;
	char **cells;
};

struct table *table_new(const struct table_column *columns, unsigned int count)
{
	struct table *table = memory_get(NULL, sizeof(*table));

	*table = (struct table){ .columns = columns, .count = count };
	return table;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list args;

	if (table->used == table->room) {
		table->room = table->room ? table->room * 2 : 256;
		table->cells = memory_get(table->cells,
					  table->room * sizeof(char *));
	}
	va_start(args, format);
	if (vasprintf(&table->cells[table->used], format, args) < 0)
		memory_out();
	va_end(args);
	table->used++;
}

void table_free(struct table *table)
{
	size_t i;

	if (!table)
		return;
	for (i = 0; i < table->used; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

/* Most text is ASCII that prints, and there it can be a lot: how much of it. */
static size_t plain_length(const char *text)
{
	size_t n = 0;

	while (text[n] >= ' ' && text[n] < 0x7f)
		n++;
	return n;
}

/* The next character: how many bytes it has, and columns it takes. */
static size_t next_char(const char *text, int *columns, bool *prints)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, text, MB_CUR_MAX, &state);

	*prints = n != (size_t)-1 && n != (size_t)-2 && wcwidth(c) >= 0;
	*columns = *prints ? wcwidth(c) : 1;
	return n == (size_t)-1 || n == (size_t)-2 ? 1 : n;
}

unsigned int table_text_width(const char *text)
{
	size_t plain = plain_length(text);
	unsigned int width = (unsigned int)plain;
	int columns;
	bool prints;

	for (text += plain; *text;) {
		text += next_char(text, &columns, &prints);
		width += (unsigned int)columns;
	}
	return width;
}

unsigned int table_put(FILE *out, const char *text, unsigned int width)
{
	unsigned int taken;
	int columns;
	bool prints;
	size_t n = plain_length(text);

	if (n > width)
		n = width;
	fwrite(text, 1, n, out);
	taken = (unsigned int)n;
	for (text += n; *text;) {
		n = next_char(text, &columns, &prints);
		if (taken + (unsigned int)columns > width)
			break;
		if (prints)
			fwrite(text, 1, n, out);
		else
			putc('?', out);
		text += n;
		taken += (unsigned int)columns;
	}
	return taken;
}

/* A column that went has the width 0, and so has one that has no width. */
static unsigned int line_width(const unsigned int *widths, unsigned int count)
{
	unsigned int sum = 0, i;

	for (i = 0; i < count; i++) {
		if (widths[i])
			sum += widths[i] + (sum ? GAP : 0);
	}
	return sum;
}

static unsigned int least_width(const struct table_column *column)
{
	unsigned int title = table_text_width(column->title);

	return title > CUT_WIDTH ? title : CUT_WIDTH;
}

/* Cut the widest column that may be cut, a step at a time. */
static bool cut_one(const struct table *t, unsigned int *widths)
{
	unsigned int i, best = t->count;

	for (i = 0; i < t->count; i++) {
		if (t->columns[i].flags & TABLE_CUT &&
		    widths[i] > least_width(&t->columns[i]) &&
		    (best == t->count || widths[i] > widths[best]))
			best = i;
	}
	if (best == t->count)
		return false;
	widths[best]--;
	return true;
}

static bool drop_one(const struct table *t, unsigned int *widths)
{
	unsigned int i, best = t->count;

	for (i = 0; i < t->count; i++) {
		if (widths[i] && t->columns[i].drop &&
		    (best == t->count ||
		     t->columns[i].drop > t->columns[best].drop))
			best = i;
	}
	if (best == t->count)
		return false;
	widths[best] = 0;
	return true;
}

/*
 * Columns go before others are cut below half of what they want, so that what
 * stays can be read.
 */
static void fit(const struct table *t, unsigned int *widths, unsigned int width)
{
	unsigned int wanted[t->count];

	memcpy(wanted, widths, sizeof(wanted));
	for (;;) {
		while (line_width(widths, t->count) > width &&
		       cut_one(t, widths))
			;
		if (line_width(widths, t->count) <= width)
			return;
		if (!drop_one(t, wanted))
			return;
		memcpy(widths, wanted, sizeof(wanted));
	}
}

static void measure(const struct table *t, unsigned int *widths)
{
	unsigned int width;
	size_t i;

	for (i = 0; i < t->count; i++)
		widths[i] = table_text_width(t->columns[i].title);
	for (i = 0; i < t->used; i++) {
		width = table_text_width(t->cells[i]);
		if (width > widths[i % t->count])
			widths[i % t->count] = width;
	}
}

static void pad(FILE *out, unsigned int blanks)
{
	fprintf(out, "%*s", (int)blanks, "");
}

static void print_cell(FILE *out, const char *text, unsigned int width,
		       bool right, bool last)
{
	unsigned int want = table_text_width(text);

	if (right && want < width)
		pad(out, width - want);
	want = table_put(out, text, width);
	if (!right && !last)
		pad(out, width - want);
}

/* No line ends in blanks: what follows the last cell with a text goes. */
static void print_row(const struct table *t, FILE *out, char *const *cells,
		      const unsigned int *widths)
{
	unsigned int i, last = 0;
	const char *text;
	bool first = true;

	for (i = 0; i < t->count; i++) {
		if (widths[i] && (!cells || *cells[i]))
			last = i;
	}
	for (i = 0; i <= last; i++) {
		if (!widths[i])
			continue;
		if (!first)
			pad(out, GAP);
		text = cells ? cells[i] : t->columns[i].title;
		print_cell(out, text, widths[i],
			   t->columns[i].flags & TABLE_RIGHT, i == last);
		first = false;
	}
	putc('\n', out);
}

void table_print(const struct table *table, FILE *out, unsigned int width)
{
	unsigned int widths[table->count];
	size_t row;

	measure(table, widths);
	if (width)
		fit(table, widths, width > MIN_WIDTH ? width : MIN_WIDTH);
	print_row(table, out, NULL, widths);
	for (row = 0; row + table->count <= table->used; row += table->count)
		print_row(table, out, table->cells + row, widths);
}

unsigned int table_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (!isatty(fileno(out)))
		return 0;
	if (columns && atoi(columns) > 0)
		return (unsigned int)atoi(columns);
	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return 80;
	return size.ws_col;
}
