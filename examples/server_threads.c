/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A server on several threads: ./server_threads [PORT [THREADS]]. Each thread
 * runs a loop with a listener of its own on the same port, and the kernel deals
 * out the connections. Ctrl-C ends all of them.
 */
#include <giambio.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS	64

static int fds[MAX_THREADS];
static long served[MAX_THREADS];

static intptr_t answer(struct gmb_socket *sock, void *arg)
{
	char data[256];
	ssize_t n = gmb_receive(sock, data, sizeof(data));

	++*(long *)arg;
	while (n > 0)
		n = gmb_exchange(sock, data, (size_t)n, data, sizeof(data));
	return n;
}

static intptr_t serve(void *arg)
{
	int i = *(int *)arg;
	struct gmb_socket listener;
	int rc = gmb_socket_wrap(&listener, fds[i]);

	if (rc < 0)
		return rc;
	rc = gmb_serve(&listener, answer, &served[i], NULL);
	gmb_socket_close(&listener);
	return rc;
}

static int port_of(int fd)
{
	struct gmb_address addr = { .len = sizeof(addr.storage) };

	if (getsockname(fd, (struct sockaddr *)&addr.storage, &addr.len) < 0)
		return -errno;
	return gmb_address_port(&addr);
}

static void *run_loop(void *arg)
{
	intptr_t rc = gmb_run(serve, arg);

	if (rc != -EINTR)
		fprintf(stderr, "server_threads: %s\n", gmb_strerror(rc));
	return NULL;
}

int main(int argc, char **argv)
{
	uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 1503;
	int count = argc > 2 ? atoi(argv[2]) : 4, numbers[MAX_THREADS], i, rc;
	pthread_t threads[MAX_THREADS];

	if (count < 1 || count > MAX_THREADS) {
		fprintf(stderr, "1 to %d threads\n", MAX_THREADS);
		return 2;
	}
	rc = gmb_tcp_listen_group(fds, (unsigned int)count, "127.0.0.1", port,
				  NULL);
	if (rc < 0) {
		fprintf(stderr, "server_threads: %s\n", gmb_strerror(rc));
		return 1;
	}
	for (i = 0; i < count; i++) {
		numbers[i] = i;
		rc = pthread_create(&threads[i], NULL, run_loop, &numbers[i]);
		if (rc) {
			fprintf(stderr, "server_threads: %s\n", strerror(rc));
			return 1;
		}
	}
	printf("%d threads serve port %d\n", count, port_of(fds[0]));
	fflush(stdout);
	for (i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		printf("thread %d served %ld connections\n", i, served[i]);
	}
	return 0;
}
