/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "klog.h"

#define KLOG_READ_ALL		3
#define KLOG_SIZE_BUFFER	10
#define MARKER			"giambio-test: "

char *klog_read_file(const char *path, size_t *length)
{
	size_t size = 4096;
	char *text = malloc(size);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	*length = 0;
	while (fd >= 0) {
		n = read(fd, text + *length, size - *length - 1);
		if (n <= 0)
			break;
		*length += n;
		if (*length + 1 == size) {
			size *= 2;
			text = realloc(text, size);
		}
	}
	text[*length] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

char **klog_read_lines(const char *path)
{
	size_t length, count = 0;
	char *text = klog_read_file(path, &length), *line;
	char **lines = calloc(length / 2 + 2, sizeof(*lines));

	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		lines[count++] = line;
	return lines;
}

char *klog_take(void)
{
	int size = klogctl(KLOG_SIZE_BUFFER, NULL, 0);
	char *text, *from, *to;

	if (size < 0)
		size = 0;
	text = calloc(1, size + 1);
	if (klogctl(KLOG_READ_ALL, text, size) < 0)
		return text;
	/* Drop the "<6>" that each line begins with. */
	for (from = to = text; *from; ) {
		if (*from == '<' && strchr(from, '>'))
			from = strchr(from, '>') + 1;
		while (*from && *from != '\n')
			*to++ = *from++;
		if (*from)
			*to++ = *from++;
	}
	*to = '\0';
	return text;
}

int klog_report(FILE *to, const char *word, char *text)
{
	char *line;
	int count = 0;

	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		fprintf(to, "%s %s\n", word, line);
		count++;
	}
	return count;
}

static bool contains_any(const char *line, char **list)
{
	for (; *list; list++) {
		if (strstr(line, *list))
			return true;
	}
	return false;
}

/* A function of a module, or one that it calls, is what made the access. */
#define RACE_DEPTH	2

/*
 * race_of_module() - whether the report of a data race, which goes on to a
 * line of equals signs, is about an access of a module's: a stack begins with
 * "name+0x10/0x20 [module]", or does so behind a helper of the kernel's.
 * Deeper down, the kernel's core is at work, whose races are known to it.
 */
static bool race_of_module(char **line)
{
	const char *bracket;
	int depth = 0;

	for (; *line && !strstr(*line, "========"); line++) {
		if (strstr(*line, " by task ") ||
		    strstr(*line, " by interrupt ")) {
			depth = 0;
			continue;
		}
		if (!strstr(*line, "+0x") || ++depth > RACE_DEPTH)
			continue;
		bracket = strstr(*line, " [");
		if (bracket && (*line)[strlen(*line) - 1] == ']')
			return true;
	}
	return false;
}

int klog_complaints(FILE *to, char *text, const char *complaints,
		    const char *harmless)
{
	char **bad = klog_read_lines(complaints);
	char **good = klog_read_lines(harmless);
	char **lines = calloc(strlen(text) / 2 + 2, sizeof(*lines));
	const char *test = "boot", *marker;
	char *line;
	int count = 0;
	size_t i, n = 0;

	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		lines[n++] = line;
	for (i = 0; i < n; i++) {
		marker = strstr(lines[i], MARKER);
		if (marker) {
			test = marker + strlen(MARKER);
			continue;
		}
		if (!contains_any(lines[i], bad) ||
		    contains_any(lines[i], good))
			continue;
		if (strstr(lines[i], "BUG: KCSAN") &&
		    !race_of_module(&lines[i]))
			continue;
		fprintf(to, "complaint %s: %s\n", test, lines[i]);
		count++;
	}
	return count;
}
