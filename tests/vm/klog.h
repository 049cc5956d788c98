/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The kernel log of the test machine, and reading of small files. Memory is
 * never given back: the process that uses this ends with its machine.
 */

#ifndef GMB_TESTS_VM_KLOG_H
#define GMB_TESTS_VM_KLOG_H

#include <stdio.h>

/**
 * klog_read_file() - the whole of a file, also of one that has no size
 * @path:   the file
 * @length: [out] bytes read
 *
 * Return: the bytes and a NUL after them; nothing but the NUL where the file
 * cannot be read.
 */
char *klog_read_file(const char *path, size_t *length);

/**
 * klog_read_lines() - the lines of a file
 * @path: the file
 *
 * Return: its lines that are not empty, without the line ends, and a NULL.
 */
char **klog_read_lines(const char *path);

/**
 * klog_take() - all the kernel log has kept
 *
 * Return: the text, a line per record, without priorities.
 */
char *klog_take(void);

/**
 * klog_report() - write every line of a text behind a word
 * @to:   where to
 * @word: the word
 * @text: the text; is taken apart
 *
 * Return: the number of lines.
 */
int klog_report(FILE *to, const char *word, char *text);

/**
 * klog_complaints() - report the lines of a log that no good run has
 * @to:         where to; lines "complaint TEST: LINE", where TEST is what the
 *              last line with "giambio-test: " before it named
 * @text:       the log; is taken apart
 * @complaints: file with a string on each line; a log line that contains one
 *              is a complaint
 * @harmless:   file of the same kind; a log line that contains one is none
 *
 * A data race is a complaint only where a module had a part in it: the kernel
 * has some of its own.
 *
 * Return: the number of complaints.
 */
int klog_complaints(FILE *to, char *text, const char *complaints,
		    const char *harmless);

#endif /* GMB_TESTS_VM_KLOG_H */
