/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A writer of JSON. Objects and arrays are opened and ended; a member's name is
 * NULL within an array. Numbers are written whole: readers that keep them as
 * doubles lose what lies above 2^53.
 */
#ifndef TOOLS_COMMON_JSON_H
#define TOOLS_COMMON_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH	64

/**
 * struct json - a document that is being written
 * @out:   where to
 * @lines: containers opened at this depth or deeper stand on one line
 * @depth: containers that are open
 * @close: what ends each of them
 * @used:  whether it has a member already
 */
struct json {
	FILE *out;
	unsigned int lines;
	unsigned int depth;
	char close[JSON_DEPTH];
	bool used[JSON_DEPTH];
};

/* Begin a document; lines 0 puts all of it on one line. */
void json_init(struct json *json, FILE *out, unsigned int lines);

void json_object(struct json *json, const char *name);
void json_array(struct json *json, const char *name);
void json_end(struct json *json);

/* NULL is written as null. Bytes that are no UTF-8 become U+FFFD. */
void json_string(struct json *json, const char *name, const char *value);
void json_u64(struct json *json, const char *name, uint64_t value);
void json_i64(struct json *json, const char *name, int64_t value);
/* What is not finite is written as null. */
void json_double(struct json *json, const char *name, double value);
/* A time in microseconds with all three digits behind the point. */
void json_micros(struct json *json, const char *name, int64_t ns);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);

/**
 * json_finish() - end what is open, and the line
 * @json: the document
 *
 * Return: 0; -EIO something could not be written.
 */
int json_finish(struct json *json);

#endif
