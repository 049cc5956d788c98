/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/* Echo server on State Threads (epoll): a thread per connection. */

#include <st.h>
#include "server.h"

#define STACK_SIZE	65536

static void *serve(void *arg)
{
	st_netfd_t fd = arg;
	char buf[ECHO_BUFFER];
	ssize_t n;

	while ((n = st_read(fd, buf, sizeof(buf), ST_UTIME_NO_TIMEOUT)) > 0)
		if (st_write(fd, buf, (size_t)n, ST_UTIME_NO_TIMEOUT) != n)
			break;
	st_netfd_close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	int listener = echo_listen(argc, argv, 0);
	st_netfd_t fd, conn;

	if (st_set_eventsys(ST_EVENTSYS_ALT) || st_init())
		echo_die("st_init");
	fd = st_netfd_open_socket(listener);
	if (!fd)
		echo_die("st_netfd_open_socket");
	for (;;) {
		conn = st_accept(fd, NULL, NULL, ST_UTIME_NO_TIMEOUT);
		if (!conn)
			echo_die("st_accept");
		if (!st_thread_create(serve, conn, 0, STACK_SIZE))
			echo_die("st_thread_create");
	}
}
