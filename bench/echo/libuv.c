/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Echo server on libuv. The answer is tried at once (uv_try_write), which
 * is its quickest way for small answers; what does not fit drops the client.
 */

#include <uv.h>
#include "server.h"

union handle {
	uv_handle_t any;
	uv_stream_t stream;
	uv_tcp_t tcp;
	uv_pipe_t pipe;
};

static int is_unix;
static char buffer[ECHO_BUFFER];

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
	(void)handle;
	(void)hint;
	*buf = uv_buf_init(buffer, sizeof(buffer));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	uv_buf_t out;

	if (n == 0)
		return;
	if (n > 0) {
		out = uv_buf_init(buf->base, (unsigned int)n);
		if (uv_try_write(stream, &out, 1) == n)
			return;
	}
	uv_close((uv_handle_t *)stream, on_closed);
}

static void init_handle(uv_loop_t *loop, union handle *h)
{
	if (is_unix)
		uv_pipe_init(loop, &h->pipe, 0);
	else
		uv_tcp_init(loop, &h->tcp);
}

static void on_connection(uv_stream_t *listener, int status)
{
	union handle *h = malloc(sizeof(*h));

	if (status || !h)
		echo_die("on_connection");
	init_handle(listener->loop, h);
	if (uv_accept(listener, &h->stream) ||
	    uv_read_start(&h->stream, on_alloc, on_read))
		uv_close(&h->any, on_closed);
}

int main(int argc, char **argv)
{
	int fd = echo_listen(argc, argv, SOCK_NONBLOCK);
	uv_loop_t *loop = uv_default_loop();
	static union handle listener;
	int ret;

	is_unix = !strcmp(argv[1], "unix");
	init_handle(loop, &listener);
	ret = is_unix ? uv_pipe_open(&listener.pipe, fd)
		      : uv_tcp_open(&listener.tcp, fd);
	if (!ret)
		ret = uv_listen(&listener.stream, ECHO_BACKLOG, on_connection);
	if (ret) {
		fprintf(stderr, "libuv: %s\n", uv_strerror(ret));
		return 1;
	}
	return uv_run(loop, UV_RUN_DEFAULT);
}
