/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <string.h>
#include <giambio/reader.h>
#include "backend/op.h"
#include "io/transfer.h"
#include "loop/trap.h"

void gmb_reader_init(struct gmb_reader *reader, struct gmb_file *file,
		     void *buf, size_t size)
{
	*reader = (struct gmb_reader){
		.file = file,
		.buf = buf,
		.size = size,
	};
}

size_t gmb_reader_buffered(const struct gmb_reader *reader)
{
	return reader->end - reader->start;
}

static void take(struct gmb_reader *reader, size_t len)
{
	reader->start += len;
	if (reader->start == reader->end) {
		reader->start = 0;
		reader->end = 0;
	}
}

/*
 * Read more behind what is in the buffer. Returns the bytes added, 0 at the end
 * of the file, -EMSGSIZE when there is no room for any.
 */
static ssize_t fill(struct gmb_reader *reader)
{
	size_t held = reader->end - reader->start;
	ssize_t n;

	if (reader->ended)
		return gmb__op_run_nothing(reader->file);
	if (held == reader->size)
		return -EMSGSIZE;
	if (reader->end == reader->size) {
		memmove(reader->buf, reader->buf + reader->start, held);
		reader->start = 0;
		reader->end = held;
	}
	n = gmb__transfer_some(reader->file, GMB__OP_READ,
			       reader->buf + reader->end,
			       reader->size - reader->end);
	if (n > 0)
		reader->end += (size_t)n;
	return n;
}

/* The rest of a file that has ended. */
static int take_rest(struct gmb_reader *reader, char **item, size_t *len)
{
	*item = reader->buf + reader->start;
	*len = reader->end - reader->start;
	/* An end is told once: a terminal or a FIFO may go on behind it. */
	reader->ended = *len > 0;
	reader->start = 0;
	reader->end = 0;
	return *len ? 2 : 0;
}

/*
 * Find the delimiter, reading on as long as it is not there. @seen bytes have
 * been searched already, so a long item is searched once and not once per read.
 */
static int find(struct gmb_reader *reader, const void *delimiter,
		size_t delimiter_len, char **item, size_t *len)
{
	size_t held, seen = 0;
	bool waited = false;
	ssize_t n;
	char *at;

	for (;;) {
		held = reader->end - reader->start;
		*item = reader->buf + reader->start;
		at = memmem(*item + seen, held - seen, delimiter,
			    delimiter_len);
		if (at)
			break;
		if (held >= delimiter_len)
			seen = held - delimiter_len + 1;
		n = fill(reader);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return take_rest(reader, item, len);
		waited = true;
	}
	*len = (size_t)(at - *item);
	if (!waited) {
		n = gmb__op_run_nothing(reader->file);
		if (n < 0)
			return (int)n;
	}
	take(reader, *len + delimiter_len);
	return 1;
}

/*
 * Each call makes a scheduling point with what it has found in mind, so nobody
 * else may touch the buffer until it returns.
 */
static int enter(struct gmb_reader *reader)
{
	int rc = gmb__trap_enter();

	/* The operation says so; see leave(). */
	if (rc || reader->file->loop != gmb__loop)
		return rc;
	if (reader->busy)
		return -EBUSY;
	reader->busy = 1;
	return 0;
}

/* A reader whose file was closed meanwhile may be gone with it. */
static void leave(struct gmb_reader *reader, ssize_t result)
{
	if (result != -EBADF && result != -EXDEV)
		reader->busy = 0;
}

static int find_alone(struct gmb_reader *reader, const void *delimiter,
		      size_t delimiter_len, char **item, size_t *len)
{
	int rc = enter(reader);

	if (rc)
		return rc;
	rc = find(reader, delimiter, delimiter_len, item, len);
	leave(reader, rc);
	return rc;
}

int gmb_read_until(struct gmb_reader *reader, const void *delimiter,
		   size_t delimiter_len, char **item, size_t *len)
{
	*item = NULL;
	*len = 0;
	if (!delimiter_len || delimiter_len > reader->size)
		return -EINVAL;
	return find_alone(reader, delimiter, delimiter_len, item, len);
}

int gmb_read_line(struct gmb_reader *reader, char **line, size_t *len)
{
	size_t own_len;
	int rc;

	if (!len)
		len = &own_len;
	*line = NULL;
	*len = 0;
	rc = find_alone(reader, "\n", 1, line, len);
	if (rc == 1) {
		if (*len && (*line)[*len - 1] == '\r')
			--*len;
		(*line)[*len] = '\0';
	} else if (rc == 2 && *line + *len < reader->buf + reader->size) {
		(*line)[*len] = '\0';
	}
	return rc;
}

/* Hand out what is in the buffer. */
static size_t copy_out(struct gmb_reader *reader, void *buf, size_t len)
{
	size_t held = reader->end - reader->start;

	if (len > held)
		len = held;
	memcpy(buf, reader->buf + reader->start, len);
	take(reader, len);
	return len;
}

static ssize_t read_some(struct gmb_reader *reader, void *buf, size_t len)
{
	ssize_t n;

	if (!len || reader->start < reader->end) {
		n = gmb__op_run_nothing(reader->file);
		return n < 0 ? n : (ssize_t)copy_out(reader, buf, len);
	}
	if (reader->ended) {
		reader->ended = 0;
		return gmb__op_run_nothing(reader->file);
	}
	return gmb__transfer_some(reader->file, GMB__OP_READ, buf, len);
}

ssize_t gmb_reader_read(struct gmb_reader *reader, void *buf, size_t len)
{
	ssize_t n = enter(reader);

	if (n)
		return n;
	n = read_some(reader, buf, len);
	leave(reader, n);
	return n;
}

static int read_exactly(struct gmb_reader *reader, void *buf, size_t len,
			size_t *got)
{
	size_t copied = 0, more = 0;
	int rc;

	if (len <= reader->end - reader->start) {
		rc = (int)gmb__op_run_nothing(reader->file);
		if (rc)
			return rc;
	}
	copied = copy_out(reader, buf, len);
	rc = 0;
	if (copied < len && reader->ended) {
		reader->ended = 0;
		rc = -ENODATA;
	} else if (copied < len) {
		rc = gmb__transfer_all(reader->file, GMB__OP_READ,
				       (char *)buf + copied, len - copied,
				       &more);
	}
	*got = copied + more;
	return rc;
}

int gmb_reader_read_exactly(struct gmb_reader *reader, void *buf, size_t len,
			    size_t *got)
{
	size_t own_got;
	int rc = enter(reader);

	if (!got)
		got = &own_got;
	*got = 0;
	if (rc)
		return rc;
	rc = read_exactly(reader, buf, len, got);
	leave(reader, rc);
	return rc;
}
