/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/json.h"
#include "common/utf8.h"

void json_init(struct json *json, FILE *out, unsigned int lines)
{
	*json = (struct json){ .out = out, .lines = lines };
}

static void new_line(struct json *json)
{
	if (json->depth <= json->lines)
		fprintf(json->out, "\n%*s", 2 * (int)json->depth, "");
}

static void put_string(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned int n;

	putc('"', out);
	for (; *s; s += n ? n : 1) {
		n = utf8_length(s);
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else if (n)
			fwrite(s, 1, n, out);
		else
			fputs("\\ufffd", out);
	}
	putc('"', out);
}

static void begin_member(struct json *json, const char *name)
{
	if (!json->depth)
		return;
	if (json->used[json->depth - 1])
		fputs(json->depth <= json->lines ? "," : ", ", json->out);
	json->used[json->depth - 1] = true;
	new_line(json);
	if (name) {
		put_string(json->out, name);
		fputs(": ", json->out);
	}
}

static void begin(struct json *json, const char *name, char open, char close)
{
	if (json->depth == JSON_DEPTH)
		abort();
	begin_member(json, name);
	putc(open, json->out);
	json->used[json->depth] = false;
	json->close[json->depth++] = close;
}

void json_object(struct json *json, const char *name)
{
	begin(json, name, '{', '}');
}

void json_array(struct json *json, const char *name)
{
	begin(json, name, '[', ']');
}

void json_end(struct json *json)
{
	bool lines = json->depth <= json->lines;

	json->depth--;
	if (json->used[json->depth] && lines)
		fprintf(json->out, "\n%*s", 2 * (int)json->depth, "");
	putc(json->close[json->depth], json->out);
}

void json_string(struct json *json, const char *name, const char *value)
{
	begin_member(json, name);
	if (value)
		put_string(json->out, value);
	else
		fputs("null", json->out);
}

void json_u64(struct json *json, const char *name, uint64_t value)
{
	begin_member(json, name);
	fprintf(json->out, "%" PRIu64, value);
}

void json_i64(struct json *json, const char *name, int64_t value)
{
	begin_member(json, name);
	fprintf(json->out, "%" PRId64, value);
}

void json_double(struct json *json, const char *name, double value)
{
	begin_member(json, name);
	if (isfinite(value))
		fprintf(json->out, "%.9g", value);
	else
		fputs("null", json->out);
}

void json_micros(struct json *json, const char *name, int64_t ns)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	begin_member(json, name);
	fprintf(json->out, "%s%" PRIu64 ".%03u", ns < 0 ? "-" : "",
		size / 1000, (unsigned int)(size % 1000));
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin_member(json, name);
	fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *name)
{
	json_string(json, name, NULL);
}

int json_finish(struct json *json)
{
	while (json->depth)
		json_end(json);
	putc('\n', json->out);
	return fflush(json->out) || ferror(json->out) ? -EIO : 0;
}
