/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* How gmbstat top draws: on the screen of ncurses, which the caller owns. */
#ifndef TOOLS_GMBSTAT_TOP_VIEW_H
#define TOOLS_GMBSTAT_TOP_VIEW_H

#include "gmbstat/top_model.h"

/**
 * struct top_view - what is drawn
 * @first:    the first task that is shown
 * @delay_ms: between two looks
 * @paused:   it does not look
 * @help:     the keys are shown in place of the tasks
 * @wide:     the terminal has the characters that bars are made of
 * @message:  for the second line; NULL: none
 */
struct top_view {
	size_t first;
	long delay_ms;
	bool paused;
	bool help;
	bool wide;
	const char *message;
};

/* Colours, if the terminal has any. */
void top_view_init(void);

/* Draw all of it; first is brought within what there is. */
void top_draw(const struct top *top, struct top_view *view);

/* How many tasks fit. */
size_t top_page_size(const struct top *top);

#endif
