/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The client of every echo server: COUNT connections, one request of SIZE
 * bytes outstanding on each, answers checked. It works in windows. A window
 * begins with a warm-up, reads the server's processor clock, lets exactly
 * REQUESTS answers pass while the load stays up, reads the clock again, and
 * lets the load run dry; so connecting, starting and ending are in no figure,
 * and between windows the server is at rest. Each window prints one line of
 * KEY=VALUE words:
 *
 *   requests   answers in the measured window
 *   cpu_ns     processor time of the server process per request
 *   sleeps     times a thread of the server went to sleep, per request
 *   rps        requests per second
 *   p50_us p99_us max_us   from sending a request to having its answer
 *
 * With -i a window begins when a line arrives on standard input ("ready" is
 * printed first): a driver can so take turns between several servers that
 * all stay connected, and noise that lasts longer than a turn hits all alike.
 *
 * With -W it sends on every connection, waits for every answer, and begins
 * again: ready connections then come in waves, whatever the server's speed.
 */

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <sys/epoll.h>
#include "../bench.h"
#include "server.h"

#define HIST_SUB	32	/* linear steps per power of two */
#define HIST_SIZE	(64 * HIST_SUB)

struct conn {
	int fd;
	unsigned int got;	/* bytes of the answer that are here */
	uint64_t serial;	/* opens the request under way */
	int64_t sent;		/* when it was sent */
};

static struct conn *conns;
static long count = 1, requests = 10000, warmup = 1000;
static unsigned int size = 64;
static long windows = 1;
static int waves, interactive;
static pid_t server;
static long done;		/* answers in this window, warm-up included */
static long pending;		/* requests under way */
static uint64_t serial;
static uint64_t hist[HIST_SIZE];
static int64_t longest;
static char *request, *answer;

/* Window marks: [0] when the warm-up is over, [1] at the end. */
static int64_t mark_wall[2], mark_cpu[2];
static long mark_sleeps[2];

static void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Times that thread @tid of the server has gone to sleep. */
static long thread_sleeps(const char *tid)
{
	char line[512];
	long n = 0;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/task/%s/status", (int)server,
		 tid);
	f = fopen(line, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

static long server_sleeps(void)
{
	struct dirent *entry;
	char path[64];
	long sum = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)server);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			sum += thread_sleeps(entry->d_name);
	if (dir)
		closedir(dir);
	return sum;
}

static void mark(int i)
{
	clockid_t clock;

	if (server) {
		if (clock_getcpuclockid(server, &clock)) {
			fprintf(stderr, "load: no process %d\n", (int)server);
			exit(1);
		}
		mark_sleeps[i] = server_sleeps();
		mark_cpu[i] = bench_clock(clock);
	}
	mark_wall[i] = bench_now();
}

static void hist_add(int64_t ns)
{
	uint64_t v = ns > 0 ? (uint64_t)ns : 0;
	unsigned int shift = 0;

	if (ns > longest)
		longest = ns;
	while ((v >> shift) >= 2 * HIST_SUB)
		shift++;
	hist[shift * HIST_SUB + (v >> shift)]++;
}

/* The smallest value that @share of the window's answers do not exceed. */
static double hist_quantile(double share)
{
	uint64_t want = (uint64_t)(share * (double)requests);
	uint64_t sum = 0;
	unsigned int i, shift;

	for (i = 0; i < HIST_SIZE; i++) {
		sum += hist[i];
		if (sum > want)
			break;
	}
	shift = i < 2 * HIST_SUB ? 0 : i / HIST_SUB - 1;
	return (double)((uint64_t)(i - shift * HIST_SUB) << shift);
}

static void send_request(struct conn *c, int64_t now)
{
	c->serial = ++serial;
	c->got = 0;
	c->sent = now;
	pending++;
	memcpy(request, &c->serial, sizeof(c->serial));
	if (send(c->fd, request, size, 0) != (ssize_t)size)
		fail("send");
}

/* An answer is complete: account for it. */
static void finish(struct conn *c, int64_t now)
{
	uint64_t back;

	pending--;
	if (c->got == size) {
		memcpy(&back, answer, sizeof(back));
		if (back != c->serial) {
			fprintf(stderr, "load: an answer is not its request\n");
			exit(1);
		}
	}
	done++;
	if (done == warmup)
		mark(0);
	else if (done > warmup && done <= warmup + requests)
		hist_add(now - c->sent);
	if (done == warmup + requests)
		mark(1);
}

static void on_ready(struct conn *c)
{
	ssize_t n = recv(c->fd, answer, size, 0);
	int64_t now;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		fail("the server closed a connection");
	/* a fragment carries no serial at its head: only count it */
	c->got += (unsigned int)n;
	if (c->got < size)
		return;
	if ((unsigned int)n < size)
		c->got = size + 1;
	now = bench_now();
	finish(c, now);
	if (!waves && done < warmup + requests)
		send_request(c, now);
}

static int connect_retry(const union echo_address *addr, socklen_t len)
{
	struct linger rst = { .l_onoff = 1 };
	int64_t limit = bench_now() + 10000000000;
	int one = 1;
	int fd;

	for (;;) {
		fd = socket(addr->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			fail("socket");
		if (!connect(fd, &addr->any, len))
			break;
		close(fd);
		if (bench_now() > limit)
			fail("cannot connect for 10 seconds");
		usleep(2000);
	}
	/* closing resets: no port stays behind in TIME_WAIT */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
	if (addr->any.sa_family == AF_INET)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void connect_all(int ep, const union echo_address *addr, socklen_t len)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	long i;

	for (i = 0; i < count; i++) {
		conns[i].fd = connect_retry(addr, len);
		ev.data.ptr = &conns[i];
		if (epoll_ctl(ep, EPOLL_CTL_ADD, conns[i].fd, &ev))
			fail("epoll_ctl");
	}
}

static void send_all(void)
{
	long i;

	for (i = 0; i < count; i++)
		send_request(&conns[i], bench_now());
}

/* One window: until all its answers are here and nothing is under way. */
static void run_window(int ep)
{
	static struct epoll_event events[ECHO_BATCH];
	int i, n;

	done = 0;
	longest = 0;
	memset(hist, 0, sizeof(hist));
	send_all();
	while (pending) {
		n = epoll_wait(ep, events, ECHO_BATCH, 20000);
		if (n == 0) {
			fprintf(stderr, "load: no answer for 20 seconds\n");
			exit(1);
		}
		if (n < 0 && errno != EINTR)
			fail("epoll_wait");
		for (i = 0; i < n; i++)
			on_ready(events[i].data.ptr);
		if (waves && !pending && done < warmup + requests)
			send_all();
	}
}

static void report(void)
{
	double n = (double)requests;
	double wall = (double)(mark_wall[1] - mark_wall[0]);

	printf("requests=%ld cpu_ns=%.1f sleeps=%.4f rps=%.0f", requests,
	       (double)(mark_cpu[1] - mark_cpu[0]) / n,
	       (double)(mark_sleeps[1] - mark_sleeps[0]) / n, n * 1e9 / wall);
	printf(" p50_us=%.1f p99_us=%.1f max_us=%.1f\n",
	       hist_quantile(0.5) / 1e3, hist_quantile(0.99) / 1e3,
	       (double)longest / 1e3);
	fflush(stdout);
}

static void usage(const char *name)
{
	fprintf(stderr,
		"usage: %s [-c CONNECTIONS] [-n REQUESTS] [-w WARMUP]\n"
		"       [-s SIZE] [-p SERVER_PID] [-k WINDOWS] [-i] [-W]\n"
		"       tcp PORT | unix PATH\n",
		name);
	exit(2);
}

static void parse(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "c:n:w:s:p:k:iW")) >= 0) {
		switch (opt) {
		case 'c':
			count = atol(optarg);
			break;
		case 'n':
			requests = atol(optarg);
			break;
		case 'w':
			warmup = atol(optarg);
			break;
		case 's':
			size = (unsigned int)atoi(optarg);
			break;
		case 'p':
			server = atoi(optarg);
			break;
		case 'k':
			windows = atol(optarg);
			break;
		case 'i':
			interactive = 1;
			break;
		case 'W':
			waves = 1;
			break;
		default:
			usage(argv[0]);
		}
	}
	if (count < 1 || requests < 1 || warmup < 1 ||
	    size < sizeof(uint64_t) || argc - optind != 2)
		usage(argv[0]);
}

/* Whether another window is wanted: counted, or asked for on stdin. */
static int next_window(void)
{
	char line[64];

	if (interactive)
		return fgets(line, sizeof(line), stdin) != NULL;
	return windows-- > 0;
}

int main(int argc, char **argv)
{
	union echo_address addr;
	socklen_t len;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	parse(argc, argv);
	len = echo_address(&addr, argv[optind], argv[optind + 1]);
	if (!len)
		usage(argv[0]);
	echo_raise_limit();
	conns = calloc((size_t)count, sizeof(*conns));
	request = calloc(1, size);
	answer = calloc(1, size);
	if (ep < 0 || !conns || !request || !answer)
		fail("set-up");
	connect_all(ep, &addr, len);
	if (interactive) {
		puts("ready");
		fflush(stdout);
	}
	while (next_window()) {
		run_window(ep);
		report();
	}
	return 0;
}
