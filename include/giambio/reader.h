/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Reading lines and the like: a buffer in front of a file or a socket.
 *
 *	char room[4096], *line;
 *	struct gmb_reader reader;
 *	size_t len;
 *
 *	gmb_reader_init(&reader, gmb_socket_file(&sock), room, sizeof(room));
 *	while (gmb_read_line(&reader, &line, &len) > 0)
 *		...
 *
 * What was read and not yet handed out stays in the buffer, also when a call is
 * cancelled or fails, so no byte is ever lost. Whoever reads the file beside
 * the reader takes bytes from it. One task at a time uses a reader: a second
 * one gets -EBUSY. One whose file was closed during a call is of no use any
 * more, and may be freed at once like the file.
 */
#ifndef GIAMBIO_READER_H
#define GIAMBIO_READER_H

#include <giambio/base.h>
#include <giambio/file.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gmb_reader - a buffer in front of a file
 *
 * All members are private. Nothing has to be done at its end.
 */
struct gmb_reader {
	/* private: */
	struct gmb_file *file;
	char *buf;
	size_t size;
	size_t start;	/* of what was read and not handed out */
	size_t end;
	uint8_t ended;	/* the file has ended */
	uint8_t busy;	/* a task is in a call */
};

/**
 * gmb_reader_init() - put a buffer in front of a file
 * @reader: [out] caller's storage
 * @file:   must outlive the reader; for a socket see gmb_socket_file()
 * @buf:    must outlive the reader; not to be touched but through it
 * @size:   bytes of @buf, at least 1; the longest line that can be read, with
 *	its line feed
 *
 * Context: any. Never suspends.
 */
GMB_API void gmb_reader_init(struct gmb_reader *reader, struct gmb_file *file,
			     void *buf, size_t size);

/**
 * gmb_read_line() - read a line
 * @reader: over a file open for reading
 * @line:   [out] the line without its line feed or CR LF; lies in the buffer
 *	and is the caller's to change until the next call. A zero byte stands
 *	behind it, except behind the unended last line of a full buffer
 * @len:    [out] its length; may be NULL. It may hold zero bytes itself
 *
 * Context: task only; may suspend; cancellation point, and scheduling point
 * also when the line is in the buffer already.
 * Return: 1 a line; 2 the last one, which no line feed ends; 0 the file has
 *	ended, and so it does when it is asked again; -EMSGSIZE the line is
 *	longer than the buffer: nothing was taken, read on with
 *	gmb_reader_read(); else as gmb_read(), and nothing was lost.
 */
GMB_API GMB_MUST_CHECK int gmb_read_line(struct gmb_reader *reader, char **line,
					 size_t *len);

/**
 * gmb_read_until() - read up to a delimiter
 * @reader:        over a file open for reading
 * @delimiter:     bytes, not ended by a zero
 * @delimiter_len: how many, at least 1, at most the size of the buffer
 * @item:          [out] what stands before the delimiter; lies in the buffer
 *	and is the caller's to change until the next call
 * @len:           [out] its length
 *
 * The delimiter is taken, too.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: as gmb_read_line(), with 2 for what stands before the end of the
 *	file; -EINVAL a bad @delimiter_len.
 */
GMB_API GMB_MUST_CHECK int gmb_read_until(struct gmb_reader *reader,
					  const void *delimiter,
					  size_t delimiter_len, char **item,
					  size_t *len);

/**
 * gmb_reader_read() - read some bytes
 * @reader: over a file open for reading
 * @buf:    [out] @len bytes
 * @len:    how many at most
 *
 * Bytes that are in the buffer come first and alone.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: as gmb_read().
 */
GMB_API GMB_MUST_CHECK ssize_t gmb_reader_read(struct gmb_reader *reader,
					       void *buf, size_t len);

/**
 * gmb_reader_read_exactly() - read a known number of bytes
 * @reader: over a file open for reading
 * @buf:    [out] @len bytes
 * @len:    how many; may be more than the buffer holds
 * @got:    [out] how many bytes are in @buf, also on an error; may be NULL
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: as gmb_read_exactly().
 */
GMB_API GMB_MUST_CHECK int gmb_reader_read_exactly(struct gmb_reader *reader,
						   void *buf, size_t len,
						   size_t *got);

/**
 * gmb_reader_buffered() - how many bytes can be had without the file
 * @reader: any
 *
 * Context: any. Never suspends.
 * Return: bytes.
 */
GMB_API size_t gmb_reader_buffered(const struct gmb_reader *reader);

#ifdef __cplusplus
}
#endif

#endif
