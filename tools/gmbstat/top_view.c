/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <math.h>
#include <ncurses.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/units.h"
#include "gmbstat/top_view.h"
#include "gmbstat/wait.h"

#define CELLS		12	/* of a bar of latencies */
#define LOOPS_SHARE	3	/* a third of the lines at most are loops */
#define HEAD_LINES	2

enum colour {
	COLOUR_GOOD = 1,
	COLOUR_FAIR,
	COLOUR_BAD,
};

/* A wakeup from 100 us on is noticed, one from 10 ms on is bad. */
#define FAIR_NS		100000
#define BAD_NS		10000000

struct column {
	const char *title;
	int width;	/* negative: at the left; 0: what is left */
	int drop;	/* 0: stays; else it goes first, the greatest first */
};

enum task_column {
	T_PID,
	T_ID,
	T_NAME,
	T_STATE,
	T_WAITS,
	T_SINCE,
	T_STEPS,
	T_SHARE,
	T_RUN,
	T_WORST,
	T_BAR,
	T_COLUMNS,
};

static const struct column task_columns[T_COLUMNS] = {
	[T_PID] = { "PID", 7, 3 },
	[T_ID] = { "ID", 7, 0 },
	[T_NAME] = { "TASK", -16, 0 },
	[T_STATE] = { "STATE", -7, 6 },
	[T_WAITS] = { "WAITS FOR", 0, 1 },
	[T_SINCE] = { "SINCE", 8, 5 },
	[T_STEPS] = { "STEPS/S", 8, 4 },
	[T_SHARE] = { "CPU", 7, 0 },
	[T_RUN] = { "RUN", 8, 7 },
	[T_WORST] = { "WORST", 8, 0 },
	[T_BAR] = { "1us..1s", -CELLS, 2 },
};

enum loop_column {
	L_PID,
	L_COMMAND,
	L_LOOP,
	L_BACKEND,
	L_TASKS,
	L_STEPS,
	L_TRAPS,
	L_CPU,
	L_P50,
	L_P99,
	L_MAX,
	L_BAR,
	L_COLUMNS,
};

static const struct column loop_columns[L_COLUMNS] = {
	[L_PID] = { "PID", 7, 0 },
	[L_COMMAND] = { "COMMAND", 0, 0 },
	[L_LOOP] = { "LOOP", -15, 6 },
	[L_BACKEND] = { "BACKEND", -7, 5 },
	[L_TASKS] = { "TASKS", 7, 0 },
	[L_STEPS] = { "STEPS/S", 8, 4 },
	[L_TRAPS] = { "TRAPS/S", 8, 3 },
	[L_CPU] = { "CPU", 7, 0 },
	[L_P50] = { "50 %", 8, 2 },
	[L_P99] = { "99 %", 8, 0 },
	[L_MAX] = { "MAX", 8, 2 },
	[L_BAR] = { "1us..1s", -CELLS, 1 },
};

static const char *const key_names[TOP_KEYS] = {
	[TOP_SHARE] = "CPU",
	[TOP_RUN] = "run time",
	[TOP_WORST] = "worst wakeup",
	[TOP_STEPS] = "steps",
	[TOP_SINCE] = "since",
	[TOP_ID] = "number",
	[TOP_NAME] = "name",
};

void top_view_init(void)
{
	if (!has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(COLOUR_GOOD, COLOR_GREEN, -1);
	init_pair(COLOUR_FAIR, COLOR_YELLOW, -1);
	init_pair(COLOUR_BAD, COLOR_RED, -1);
}

static enum colour colour_of(int64_t ns)
{
	if (ns >= BAD_NS)
		return COLOUR_BAD;
	return ns >= FAIR_NS ? COLOUR_FAIR : COLOUR_GOOD;
}

/*
 * Which columns fit into the terminal, and how wide the one is that takes what
 * is left; it has 8 at least.
 */
static int lay_out(const struct column *columns, int count, int width,
		   bool shown[])
{
	int used, i, drop, worst;

	for (i = 0; i < count; i++)
		shown[i] = true;
	for (;;) {
		used = 0;
		worst = -1;
		drop = 0;
		for (i = 0; i < count; i++) {
			int w = columns[i].width;

			if (!shown[i])
				continue;
			used += 1 + (w ? abs(w) : 8);
			if (columns[i].drop > drop) {
				drop = columns[i].drop;
				worst = i;
			}
		}
		if (used - 1 <= width || worst < 0)
			return 8 + width - (used - 1);
		shown[worst] = false;
	}
}

/* A line that is drawn cell by cell. */
struct line {
	int y;
	int x;
	int flexible;
	const struct column *columns;
	const bool *shown;
};

static void put_text(const struct line *line, int width, const char *text)
{
	int room = getmaxx(stdscr) - line->x;
	char cut[512];
	size_t i, n = 0;
	int columns = 0, want = abs(width);

	if (room <= 0)
		return;
	if (want > room)
		want = room;
	/* Control characters stay out; a character ends whole. */
	for (i = 0; text[i] && n < sizeof(cut) - 5; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c & 0xc0) != 0x80 && columns++ == want)
			break;
		cut[n++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	cut[n] = '\0';
	columns = columns > want ? want : columns;
	mvaddstr(line->y, line->x + (width > 0 ? want - columns : 0), cut);
}

/* The next cell of the line, if its column is shown. */
static void cell(struct line *line, int column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void cell(struct line *line, int column, const char *format, ...)
{
	int width = line->columns[column].width;
	char text[512];
	va_list args;

	if (!line->shown[column])
		return;
	if (!width)
		width = -line->flexible;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_text(line, width, text);
	line->x += abs(width) + 1;
}

static void titles(int y, const struct column *columns, int count,
		   const bool shown[], int flexible)
{
	struct line line = { y, 0, flexible, columns, shown };
	int i;

	attron(A_REVERSE);
	mvhline(y, 0, ' ', getmaxx(stdscr));
	for (i = 0; i < count; i++)
		cell(&line, i, "%s", columns[i].title);
	attroff(A_REVERSE);
}

/* Which cell of a bar from 1 us to 1 s a time belongs to; -1: below. */
static int place(double ns)
{
	double at = log10(ns / 1e3) / 6 * CELLS;

	if (!(at >= 0))
		return -1;
	return at >= CELLS ? CELLS - 1 : (int)at;
}

static int64_t cell_time(int i)
{
	return (int64_t)(1e3 * pow(10, 6.0 * i / CELLS));
}

static void bar_cell(const struct line *line, const struct top_view *view,
		     int i, int level)
{
	static const char *const wide[] = { " ", "▁", "▂", "▃", "▄", "▅",
					    "▆", "▇", "█" };
	static const char *const plain[] = { " ", ".", ".", ":", "-", "=",
					     "+", "#", "#" };

	if (!level || line->x + i >= getmaxx(stdscr))
		return;
	attron(COLOR_PAIR(colour_of(cell_time(i))));
	mvaddstr(line->y, line->x + i, (view->wide ? wide : plain)[level]);
	attroff(COLOR_PAIR(colour_of(cell_time(i))));
}

/* A time as the length of a bar. */
static void time_bar(const struct line *line, const struct top_view *view,
		     int64_t ns)
{
	int end = ns > 0 ? place((double)ns) : -1, i;

	for (i = 0; i <= end; i++)
		bar_cell(line, view, i, 4);
}

/* How often each span occurred: one that occurred at all is seen. */
static void spread_bar(const struct line *line, const struct top_view *view,
		       const struct histogram *h)
{
	uint64_t counts[CELLS] = { 0 }, most = 0;
	unsigned int b;
	int i;

	for (b = 0; b < HISTOGRAM_BUCKETS; b++) {
		if (!h->buckets[b])
			continue;
		i = place((double)histogram_low(b));
		counts[i < 0 ? 0 : i] += h->buckets[b];
	}
	for (i = 0; i < CELLS; i++)
		most = counts[i] > most ? counts[i] : most;
	for (i = 0; i < CELLS; i++) {
		if (counts[i])
			bar_cell(line, view, i,
				 1 + (int)(7.0 * (double)counts[i] /
					   (double)most));
	}
}

static const char *percentile(const struct histogram *h, double share,
			      char text[UNITS_SIZE])
{
	if (!h->count)
		return "-";
	return units_time(text, (int64_t)histogram_percentile(h, share));
}

static void draw_loop(int y, const struct top_loop *loop,
		      const struct top_view *view, const bool shown[],
		      int flexible)
{
	struct line line = { y, 0, flexible, loop_columns, shown };
	const struct histogram *h = &loop->recent;
	char text[UNITS_SIZE];

	cell(&line, L_PID, "%d", (int)loop->page->pid);
	cell(&line, L_COMMAND, "%s", loop->comm);
	cell(&line, L_LOOP, "%s", loop->name);
	cell(&line, L_BACKEND, "%s", loop->backend);
	cell(&line, L_TASKS, "%zu", loop->tasks);
	cell(&line, L_STEPS, "%s", units_count(text, loop->steps));
	cell(&line, L_TRAPS, "%s", units_count(text, loop->polls));
	cell(&line, L_CPU, "%s", units_share(text, loop->cpu));
	cell(&line, L_P50, "%s", percentile(h, 0.5, text));
	cell(&line, L_P99, "%s", percentile(h, 0.99, text));
	cell(&line, L_MAX, "%s", percentile(h, 1, text));
	if (shown[L_BAR])
		spread_bar(&line, view, h);
}

static void draw_task(int y, const struct top *top, const struct top_task *task,
		      const struct top_view *view, const bool shown[],
		      int flexible)
{
	struct line line = { y, 0, flexible, task_columns, shown };
	const struct gmb_row *row = task->row;
	const struct wait_view waits = { &task->loop->tree, task->loop->sockets,
					 top->now };
	char wait[WAIT_TEXT], text[UNITS_SIZE];
	bool timed = row->run_ns || row->worst_ns;
	int64_t age = 0;

	if (row->since > 0 && row->since < top->now)
		age = top->now - row->since;
	cell(&line, T_PID, "%d", (int)task->loop->page->pid);
	cell(&line, T_ID, "%llu", (unsigned long long)row->id);
	cell(&line, T_NAME, "%s", row->name[0] ? row->name : "-");
	cell(&line, T_STATE, "%s", wait_state(row->state));
	/* What it waits for is looked up only where it is shown. */
	if (shown[T_WAITS])
		cell(&line, T_WAITS, "%s", wait_text(&waits, row, wait));
	cell(&line, T_SINCE, "%s", units_time(text, age));
	cell(&line, T_STEPS, "%s", units_count(text, task->steps));
	cell(&line, T_SHARE, "%s", units_share(text, task->share));
	cell(&line, T_RUN, "%s",
	     timed ? units_time(text, row->run_ns) : "-");
	cell(&line, T_WORST, "%s",
	     timed ? units_time(text, row->worst_ns) : "-");
	if (shown[T_BAR])
		time_bar(&line, view, row->worst_ns);
}

static size_t loop_lines(const struct top *top)
{
	size_t most = (size_t)getmaxy(stdscr) / LOOPS_SHARE;

	if (most < 1)
		most = 1;
	return top->count < most ? top->count : most;
}

size_t top_page_size(const struct top *top)
{
	/* The titles of both tables, and a line between them. */
	size_t used = HEAD_LINES + 1 + loop_lines(top) + 1 + 1;
	size_t lines = (size_t)getmaxy(stdscr);

	return lines > used ? lines - used : 0;
}

static size_t all_tasks(const struct top *top)
{
	size_t i, sum = 0;

	for (i = 0; i < top->count; i++)
		sum += top->loops[i]->tasks;
	return sum;
}

static void draw_head(const struct top *top, const struct top_view *view)
{
	struct line line = { 0 };
	time_t now = time(NULL);
	char clock[16], text[256];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	snprintf(text, sizeof(text),
		 "gmbstat top %s  %zu %s, %zu tasks  by %s%s, every %.1f s%s",
		 clock, top->count, top->count == 1 ? "loop" : "loops",
		 all_tasks(top), key_names[top->key],
		 top->up ? ", least first" : "", (double)view->delay_ms / 1000,
		 view->paused ? "  (stopped: space)" : "");
	put_text(&line, -getmaxx(stdscr), text);
	line.y = 1;
	if (view->message)
		snprintf(text, sizeof(text), "%s", view->message);
	else if (top->hidden)
		snprintf(text, sizeof(text),
			 "%zu idle tasks are hidden (i)   h help, q quit",
			 top->hidden);
	else
		snprintf(text, sizeof(text), "h help, q quit");
	attron(A_DIM);
	put_text(&line, -getmaxx(stdscr), text);
	attroff(A_DIM);
}

static void draw_help(int y)
{
	static const char *const lines[] = {
		"q         quit                   space     stop, go on",
		"d, s      seconds between looks  i         idle tasks, too",
		"P         by share of a CPU      T         by run time",
		"W         by worst wakeup        S         by steps",
		"A         by time in its state   N         by number",
		"C         by name                R         least first",
		"< >       next key to sort by    h, ?      this help",
		"up, down, page up, page down, home, end: move through the tasks",
		"",
		"Bars go from 1 us to 1 s. A loop's shows how often its wakeups",
		"took so long since the look before (from ready to running), a",
		"task's its worst one. Green is below 100 us, red from 10 ms on.",
	};
	struct line line = { .y = y };
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++, line.y++) {
		if (line.y < getmaxy(stdscr))
			put_text(&line, -getmaxx(stdscr), lines[i]);
	}
}

static int draw_loops(const struct top *top, const struct top_view *view, int y)
{
	bool shown[L_COLUMNS];
	int flexible = lay_out(loop_columns, L_COLUMNS, getmaxx(stdscr), shown);
	size_t i, count = loop_lines(top);

	titles(y++, loop_columns, L_COLUMNS, shown, flexible);
	for (i = 0; i < count; i++)
		draw_loop(y++, top->loops[i], view, shown, flexible);
	return y;
}

static void draw_tasks(const struct top *top, struct top_view *view, int y)
{
	bool shown[T_COLUMNS];
	int flexible = lay_out(task_columns, T_COLUMNS, getmaxx(stdscr), shown);
	size_t i, room = top_page_size(top);

	if (view->first + room > top->shown)
		view->first = top->shown > room ? top->shown - room : 0;
	titles(y++, task_columns, T_COLUMNS, shown, flexible);
	for (i = view->first; i < top->shown && i - view->first < room; i++)
		draw_task(y++, top, &top->tasks[i], view, shown, flexible);
}

void top_draw(const struct top *top, struct top_view *view)
{
	int y;

	erase();
	draw_head(top, view);
	y = draw_loops(top, view, HEAD_LINES) + 1;
	if (view->help)
		draw_help(y);
	else if (top->count)
		draw_tasks(top, view, y);
	else
		mvaddnstr(y, 0, top->denied ?
				  "No loop runs among your processes." :
				  "No giambio loop runs.",
			  getmaxx(stdscr));
	refresh();
}
