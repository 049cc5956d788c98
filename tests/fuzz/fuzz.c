/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * fuzz OPERATIONS [SEED [SECONDS]]: random operations, calls and rubbish for
 * /dev/giambio, from processes of several threads each, with closes, forks,
 * signals, kills, munmap, allocations that fail and passing of descriptors in
 * between. For a machine of its own: it makes the device accessible to all,
 * and has to be root for some of what it does.
 *
 * It passes when it comes to its end and the kernel did enough of what was
 * asked; that the kernel was harmed shows in the kernel's log. What counts as
 * an operation is said at enum kind. Every thread's decisions follow from the
 * seed alone, so a run can be repeated as far as the scheduler lets it. It ends
 * after so many operations, or seconds. Prints TAP.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

/* Crews at a time. */
#define CREWS		2
/* Operations between two signs of life. */
#define TELL		50000
/* So many crews that end by a signal of their own are too many. */
#define CRASHES		10

static const char *const kind_names[KINDS] = {
	[ENTRY] = "entries taken",
	[TRAP] = "traps",
	[WAKE] = "wakes",
	[MISUSE] = "misuses",
	[REQUEST] = "netlink requests",
	[OTHER] = "calls on files",
};

static void on_signal(int sig)
{
	(void)sig;
}

static uint64_t operations(const struct tally *tally)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < KINDS; i++)
		sum += tally->count[i];
	return sum;
}

static void tell(const struct tally *tally)
{
	unsigned long long n[KINDS];
	int i;

	printf("# %llu operations:", (unsigned long long)operations(tally));
	for (i = 0; i < KINDS; i++) {
		n[i] = tally->count[i];
		printf(" %llu %s%s", n[i], kind_names[i],
		       i < KINDS - 1 ? "," : "\n");
	}
	fflush(stdout);
}

static void reap_one(struct tally *tally)
{
	int status;

	while (waitpid(-1, &status, 0) < 0)
		if (errno != EINTR)
			return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		tally->killed++;
	else if (status) {
		tally->crashed++;
		printf("# a process ended with status 0x%x\n", status);
	}
}

/* What is special about a crew follows from its seed, too. */
static void begin(struct crew *crew, struct world *dice)
{
	crew->seed = dice->random;
	crew->threads = chance(dice, 5) ? 1 : THREADS;
	crew->life = 500 + pick(dice, 40000 / crew->threads);
	crew->doomed = chance(dice, 4);
	crew->tally->crews++;
	if (!fork())
		crew_run(crew);
}

/* Replace processes that end, until enough is done. */
static void supervise(uint64_t goal, time_t end, struct world *dice,
		      struct crew *crew)
{
	struct tally *tally = crew->tally;
	uint64_t told = 0;
	int running = 0;

	while (tally->crashed < CRASHES && operations(tally) < goal &&
	       (!end || time(NULL) < end)) {
		if (operations(tally) - told >= TELL) {
			tell(tally);
			told = operations(tally);
		}
		begin(crew, dice);
		if (++running >= CREWS) {
			reap_one(tally);
			running--;
		}
	}
	while (running--)
		reap_one(tally);
}

/* On a kernel that can: every kind of allocation may fail, without a word. */
static void allow_failures(void)
{
	static const char *const settings[][2] = {
		{ "failslab/verbose", "0" },
		{ "failslab/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/min-order", "0" },
		{ "fail_usercopy/verbose", "0" },
		{ "fail_futex/verbose", "0" },
	};
	char path[80];
	size_t i;
	FILE *f;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s",
			 settings[i][0]);
		f = fopen(path, "w");
		if (!f)
			continue;
		fputs(settings[i][1], f);
		fclose(f);
	}
}

static void set_up(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct rlimit files = { 512, 512 };

	setrlimit(RLIMIT_NOFILE, &files);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	allow_failures();
	if (chmod(GMB_DEVICE, 0666))
		printf("# only root may open the device: %s\n",
		       strerror(errno));
}

/* Enough was done, and it was no idle talk. */
static bool judge(const struct tally *tally, bool enough)
{
	unsigned long long all = tally->completions, good = tally->good;

	tell(tally);
	printf("# %llu completions, %llu of them good\n", all, good);
	printf("# %llu processes, %llu killed, %llu forks\n",
	       (unsigned long long)tally->crews,
	       (unsigned long long)tally->killed,
	       (unsigned long long)tally->forks);
	return enough && !tally->crashed && good >= all / 5 &&
	       all >= tally->count[ENTRY] / 2;
}

int main(int argc, char **argv)
{
	uint64_t goal = argc > 1 ? strtoull(argv[1], NULL, 0) : 100000;
	struct world dice = { .random = time(NULL) };
	struct crew crew = { 0 };
	time_t end = 0;
	int channel[2];
	bool good;

	/* The program starts itself as a child that does nothing. */
	if (argc > 1 && !goal)
		return 0;
	if (argc > 2)
		dice.random = strtoull(argv[2], NULL, 0);
	if (access(GMB_DEVICE, R_OK | W_OK)) {
		printf("1..0 # SKIP %s: %s\n", GMB_DEVICE, strerror(errno));
		return 4;
	}
	crew.tally = mmap(NULL, sizeof(*crew.tally), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crew.tally == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       channel))
		return 1;
	crew.channel = channel;
	set_up();
	printf("# seed %llu\n", (unsigned long long)dice.random);
	fflush(stdout);
	if (argc > 3)
		end = time(NULL) + strtoul(argv[3], NULL, 0);
	supervise(goal, end, &dice, &crew);
	good = judge(crew.tally, end || operations(crew.tally) >= goal);
	printf("%sok 1 - fuzz\n1..1\n", good ? "" : "not ");
	return !good;
}
