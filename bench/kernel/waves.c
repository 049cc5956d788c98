/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The client of the echo servers in a machine that counts instructions (see
 * tests/vm/icount.sh): COUNT connections, a request of SIZE bytes on each of
 * them, then all the answers, WAVES times. A nanosecond is an instruction
 * there, so the server's processor clock counts what its threads execute.
 *
 * The client has a real-time priority and sleeps between sending and
 * receiving: the server runs when a whole wave is there, is never preempted,
 * and its answers wake nobody. Its sleep and its wakeup are part of every
 * wave, as they are in life.
 *
 * With -c a wave is one connection: made, used for one request, closed.
 *
 * Prints KEY=VALUE words, per request (with -c: per connection):
 *
 *   insns    instructions on the server's threads
 *   client   instructions of this program; what the server's ways cost the
 *            senders (wakeups) is among them
 *   sleeps   times the server went to sleep
 *   calls    system calls of the server, in some further waves
 */

#include <errno.h>
#include <getopt.h>
#include "../bench.h"
#include "../echo/server.h"
#include "count.h"

/* How long the server has for a request, and for a wave beside that. */
#define PACE_NS		25000
#define SETTLE_NS	400000

static int *conns;
static long count = 1, waves = 100, warmup = 10;
static unsigned int size = 64;
static int churn;
static pid_t server;
static union echo_address addr;
static socklen_t addr_len;
static unsigned char *request, *answer;

static int connect_one(int flags)
{
	struct linger reset = { .l_onoff = 1 };
	int fd = socket(addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0 || connect(fd, &addr.any, addr_len))
		echo_die("connect");
	/* Many that end at once leave nothing behind; one ends as in life. */
	if (!churn)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (addr.any.sa_family == AF_INET)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(fd, F_SETFL, flags);
	return fd;
}

static void put(int fd, long serial)
{
	memcpy(request, &serial, sizeof(serial));
	if (send(fd, request, size, 0) != (ssize_t)size)
		echo_die("send");
}

/* The whole answer, waiting for a server that is slower than it should be. */
static void take(int fd, long serial)
{
	ssize_t n = recv(fd, answer, size, MSG_WAITALL | MSG_DONTWAIT);
	int naps = 0;

	while (n < 0 && errno == EAGAIN && naps++ < 1000) {
		count_sleep(PACE_NS);
		n = recv(fd, answer, size, MSG_WAITALL | MSG_DONTWAIT);
	}
	if (n < 0)
		echo_die("recv");
	if (n != (ssize_t)size || memcmp(answer, &serial, sizeof(serial))) {
		fprintf(stderr, "waves: an answer is not its request\n");
		exit(1);
	}
}

static void one_wave(void)
{
	static long serial;
	long first = serial, i;

	for (i = 0; i < count; i++)
		put(conns[i], serial++);
	count_sleep(count * PACE_NS + SETTLE_NS);
	for (i = 0; i < count; i++)
		take(conns[i], first + i);
}

static void one_connection(void)
{
	static long serial;
	int fd = connect_one(O_NONBLOCK);

	put(fd, serial);
	count_sleep(2 * SETTLE_NS);
	take(fd, serial++);
	close(fd);
	count_sleep(SETTLE_NS);
}

static void run(long n)
{
	while (n-- > 0) {
		if (churn)
			one_connection();
		else
			one_wave();
	}
}

static void usage(const char *name)
{
	fprintf(stderr,
		"usage: %s [-n CONNECTIONS] [-w WAVES] [-u WARMUP] [-s SIZE] [-c]\n"
		"       -p SERVER_PID tcp PORT | unix PATH\n",
		name);
	exit(2);
}

static void parse(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "n:w:u:s:p:c")) >= 0) {
		switch (opt) {
		case 'n':
			count = atol(optarg);
			break;
		case 'w':
			waves = atol(optarg);
			break;
		case 'u':
			warmup = atol(optarg);
			break;
		case 's':
			size = (unsigned int)atoi(optarg);
			break;
		case 'p':
			server = atoi(optarg);
			break;
		case 'c':
			churn = 1;
			break;
		default:
			usage(argv[0]);
		}
	}
	if (count < 1 || waves < 1 || warmup < 1 || !server ||
	    size < sizeof(long) || argc - optind != 2)
		usage(argv[0]);
	addr_len = echo_address(&addr, argv[optind], argv[optind + 1]);
	if (!addr_len)
		usage(argv[0]);
}

int main(int argc, char **argv)
{
	int64_t cpu, mine, theirs;
	long sleeps, calls, i;
	double requests;

	parse(argc, argv);
	echo_raise_limit();
	count_first();
	conns = calloc((size_t)count, sizeof(*conns));
	request = calloc(1, size);
	answer = calloc(1, size);
	if (!conns || !request || !answer)
		echo_die("calloc");
	for (i = 0; i < count && !churn; i++) {
		conns[i] = connect_one(O_NONBLOCK);
		if (i % 64 == 63)
			count_sleep(64 * 4 * PACE_NS);
	}
	count_sleep(SETTLE_NS);
	run(warmup);

	sleeps = count_sleeps(server);
	cpu = count_cpu(server);
	mine = bench_cpu();
	run(waves);
	mine = bench_cpu() - mine;
	theirs = count_cpu(server) - cpu;
	sleeps = count_sleeps(server) - sleeps;

	requests = (double)waves * (double)(churn ? 1 : count);
	printf("insns=%.1f client=%.1f sleeps=%.4f", (double)theirs / requests,
	       (double)mine / requests, (double)sleeps / requests);
	calls = count_calls_begin(server);
	if (calls >= 0) {
		run(10);
		calls = count_calls_end() - calls;
		printf(" calls=%.4f",
		       (double)calls / (churn ? 10 : 10 * (double)count));
	}
	putchar('\n');
	return 0;
}
