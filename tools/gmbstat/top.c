/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* gmbstat top: loops and tasks, live. */

#include <langinfo.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/units.h"
#include "gmbstat/cmd.h"
#include "gmbstat/top_view.h"

#define LEASE_MORE_MS	2000	/* measuring outlasts the delay by so much */
#define DELAY_MIN_MS	100
#define DELAY_MAX_MS	3600000

struct options {
	struct cmd_common common;
	long delay_ms;
	long looks;	/* then it ends; 0: never */
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = number;
}

/* Written so that what is no number is none. */
static bool is_delay(double seconds)
{
	return seconds * 1000 >= DELAY_MIN_MS && seconds * 1000 <= DELAY_MAX_MS;
}

/* A line is asked for in the second line; what is no number is no answer. */
static void ask_delay(struct top_view *view)
{
	char text[16] = "", *end;
	double seconds;

	mvprintw(1, 0, "Seconds between looks (%.1f): ",
		 (double)view->delay_ms / 1000);
	clrtoeol();
	echo();
	curs_set(1);
	timeout(-1);
	getnstr(text, sizeof(text) - 1);
	noecho();
	curs_set(0);
	seconds = strtod(text, &end);
	if (end == text)
		return;
	view->message = NULL;
	if (*end || !is_delay(seconds))
		view->message = "The delay is a number from 0.1 to 3600.";
	else
		view->delay_ms = (long)(seconds * 1000);
}

static void sort_by(struct top *top, int key)
{
	top->key = (enum top_key)((key + TOP_KEYS) % TOP_KEYS);
	top_sort(top);
}

static bool sort_key(struct top *top, int c)
{
	static const char keys[] = "PTWSANC";	/* in the order of top_key */
	const char *at = c > 0 && c < 128 ? strchr(keys, c) : NULL;

	if (!at)
		return false;
	sort_by(top, (int)(at - keys));
	return true;
}

static bool move_key(const struct top *top, struct top_view *view, int c)
{
	size_t page = top_page_size(top), step = 0;

	if (c == KEY_UP || c == KEY_PPAGE) {
		step = c == KEY_UP ? 1 : page;
		view->first -= view->first < step ? view->first : step;
	} else if (c == KEY_DOWN || c == KEY_NPAGE) {
		view->first += c == KEY_DOWN ? 1 : page;
	} else if (c == KEY_HOME) {
		view->first = 0;
	} else if (c == KEY_END) {
		view->first = top->shown;
	} else {
		return false;
	}
	return true;
}

/* Returns whether to go on. */
static bool on_key(struct top *top, struct top_view *view, int c)
{
	view->message = NULL;
	switch (c) {
	case 'q':
	case 'Q':
		return false;
	case ' ':
		view->paused = !view->paused;
		return true;
	case 'h':
	case '?':
		view->help = !view->help;
		return true;
	case 'd':
	case 's':
		ask_delay(view);
		return true;
	case 'i':
		top->idle = !top->idle;
		top_sort(top);
		return true;
	case 'R':
		top->up = !top->up;
		top_sort(top);
		return true;
	case '<':
		sort_by(top, (int)top->key - 1);
		return true;
	case '>':
		sort_by(top, (int)top->key + 1);
		return true;
	case 27:
		view->help = false;
		return true;
	}
	if (sort_key(top, c) || move_key(top, view, c) || c == KEY_RESIZE)
		return true;
	view->message = "That key does nothing: h shows those that do.";
	return true;
}

/* Wait for keys until the next look is due. Returns whether to go on. */
static bool until_next(struct top *top, struct top_view *view)
{
	int64_t left, due = top->now + view->delay_ms * 1000000;
	int c;

	for (;;) {
		top_draw(top, view);
		left = due - units_now();
		if (stopped || (left <= 0 && !view->paused))
			return !stopped;
		timeout(view->paused || left > 1000000000 ?
				1000 : (int)(left / 1000000) + 1);
		c = getch();
		if (c == ERR)
			continue;
		if (!on_key(top, view, c))
			return false;
		due = top->now + view->delay_ms * 1000000;
	}
}

static void watch(struct top *top, const struct options *options)
{
	struct top_view view = {
		.delay_ms = options->delay_ms,
		.wide = !strcmp(nl_langinfo(CODESET), "UTF-8"),
	};
	long looks = 0;

	/* The first rates are those of a short time. */
	top_look(top, (view.delay_ms + LEASE_MORE_MS) * 1000000);
	top_draw(top, &view);
	napms(view.delay_ms < 300 ? (int)view.delay_ms : 300);
	do
		top_look(top, (view.delay_ms + LEASE_MORE_MS) * 1000000);
	while (until_next(top, &view) &&
	       (!options->looks || ++looks < options->looks));
}

static int show(const struct options *options)
{
	struct top top = { .pid = options->common.pid };
	struct sigaction action = { .sa_handler = on_signal };
	SCREEN *screen;
	int rc;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return say(EXIT_USAGE, "top needs a terminal; gmbstat loops and gmbstat tasks write into pipes and files");
	rc = cmd_process(&options->common);
	if (rc)
		return rc;
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return say(EXIT_FAILED, "the terminal '%s' is not known; set TERM to what it is",
			   getenv("TERM") ? getenv("TERM") : "");
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	top_view_init();
	watch(&top, options);
	endwin();
	delscreen(screen);
	top_free(&top);
	return EXIT_OK;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	double seconds;
	char *end;

	switch (key) {
	case 'd':
		seconds = strtod(arg, &end);
		if (end == arg || *end || !is_delay(seconds))
			argp_failure(state, EXIT_USAGE, 0,
				     "--delay wants seconds from 0.1 to 3600, not '%s'",
				     arg);
		options->delay_ms = (long)(seconds * 1000);
		return 0;
	case 'n':
		options->looks = cmd_number(state, "--iterations", arg, 1,
					    1000000000);
		return 0;
	case ARGP_KEY_END:
		if (options->common.json)
			argp_failure(state, EXIT_USAGE, 0,
				     "top is for people; gmbstat loops --json and gmbstat tasks --json are for programs");
		return 0;
	default:
		return cmd_parse(key, arg, state, &options->common);
	}
}

static int run(int argc, char **argv)
{
	static const struct argp_option own[] = {
		{ "delay", 'd', "SECONDS", 0, "Time between two looks (2)", 0 },
		{ "iterations", 'n', "NUMBER", 0, "End after so many looks", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		own, parse, NULL,
		"Show loops and tasks, live; h shows the keys.",
		cmd_children, NULL, NULL,
	};
	struct options options = { .delay_ms = 2000 };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	return show(&options);
}

const struct cmd cmd_top = {
	.name = "top",
	.brief = "loops and tasks, live",
	.run = run,
};
