/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * fuzz OPERATIONS [SEED [SECONDS]]: random operations, calls and rubbish for
 * /dev/giambio, from processes of several threads each, with closes, forks,
 * signals, kills, munmap and passing of descriptors in between.
 *
 * It passes when it comes to its end; that the kernel was harmed shows in the
 * kernel's log. Every thread's decisions follow from the seed alone, so a run
 * can be repeated as far as the scheduler lets it. It ends after
 * so many operations, or seconds. Prints TAP.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define THREADS		2
#define PROCESSES	2
/* Operations of a thread before its process is begun anew. */
#define LIFE		5000

/* Operations between two signs of life. */
#define TELL		100000

/* Shared by all processes. */
struct tally {
	uint64_t operations;
	uint64_t accepted;
	uint64_t killed;
	uint64_t crashed;
};

struct part {
	pthread_t thread;
	uint64_t seed;
	struct tally *tally;
	pthread_t neighbour;
};

static void on_signal(int sig)
{
	(void)sig;
}

/* A child meets the contexts of its parent, and leaves them or is killed. */
static void fork_step(struct world *w)
{
	uint32_t how = pick(w, 3), i;
	pid_t child = fork();

	if (child)
		return;
	/* Only this thread came along; what others hold must not be used. */
	for (i = 0; i < 20; i++) {
		struct gmb_ioc_wake arg = {
			.size = sizeof(arg),
			.target = GMB_TASK(pick(w, 16), pick(w, 2)),
		};
		struct gmb_ioc_trap trap = { .size = sizeof(trap) };

		ioctl(w->context[pick(w, CONTEXTS)].fd, GMB_IOC_WAKE, &arg);
		ioctl(w->context[pick(w, CONTEXTS)].fd, GMB_IOC_TRAP, &trap);
		close(world_file(w));
	}
	if (how == 0)
		kill(getpid(), SIGKILL);
	if (how == 1)
		execl("/proc/self/exe", "fuzz", "0", NULL);
	_exit(0);
}

static void *run(void *arg)
{
	struct part *p = arg;
	struct world w;
	uint64_t told = 0;

	world_begin(&w, p->seed);
	while (w.operations < LIFE) {
		/* Who is killed has done what it did. */
		__atomic_add_fetch(&p->tally->operations, w.operations - told,
				   __ATOMIC_RELAXED);
		told = w.operations;
		context_step(&w.context[pick(&w, CONTEXTS)], &w);
		if (chance(&w, 2))
			file_step(&w);
		if (chance(&w, 100))
			pthread_kill(p->neighbour, SIGUSR1);
		if (chance(&w, 400))
			fork_step(&w);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	__atomic_add_fetch(&p->tally->accepted, w.accepted, __ATOMIC_RELAXED);
	if (!chance(&w, 3))
		world_end(&w);
	return NULL;
}

/* One process: some threads until they have lived their lives. */
static void process(uint64_t seed, struct tally *tally)
{
	struct part part[THREADS] = { 0 };
	int i;

	part[0].thread = pthread_self();
	for (i = 0; i < THREADS; i++) {
		part[i].seed = seed * THREADS + i;
		part[i].tally = tally;
		part[i].neighbour = pthread_self();
	}
	for (i = 1; i < THREADS; i++)
		if (pthread_create(&part[i].thread, NULL, run, &part[i]))
			_exit(1);
	/* Threads are there as long as they are not joined. */
	part[0].neighbour = part[1].thread;
	run(&part[0]);
	for (i = 1; i < THREADS; i++)
		pthread_join(part[i].thread, NULL);
	_exit(0);
}

static void reap_one(struct tally *tally)
{
	int status;

	if (waitpid(-1, &status, 0) < 0)
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		tally->killed++;
	else if (status) {
		tally->crashed++;
		printf("# a process ended with status 0x%x\n", status);
	}
}

/* Replace processes that end; kill one in between, wherever it is. */
static void supervise(uint64_t goal, time_t end, struct world *dice,
		      struct tally *tally)
{
	uint64_t generation = dice->random * 1000003;
	uint64_t done, told = 0;
	int running = 0;
	pid_t child;

	while (tally->crashed < 10 && (!end || time(NULL) < end)) {
		done = __atomic_load_n(&tally->operations, __ATOMIC_RELAXED);
		if (done >= goal)
			break;
		if (done - told >= TELL) {
			printf("# %llu operations\n", (unsigned long long)done);
			fflush(stdout);
			told = done;
		}
		child = fork();
		if (!child)
			process(generation, tally);
		generation++;
		if (chance(dice, 5)) {
			usleep(pick(dice, 300000));
			kill(child, SIGKILL);
		}
		if (++running >= PROCESSES) {
			reap_one(tally);
			running--;
		}
	}
	while (running--)
		reap_one(tally);
}

int main(int argc, char **argv)
{
	uint64_t goal = argc > 1 ? strtoull(argv[1], NULL, 0) : 100000;
	struct world dice = { .random = time(NULL) };
	struct sigaction action = { .sa_handler = on_signal };
	struct rlimit files = { 512, 512 };
	struct tally *tally;
	time_t end = 0;
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
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		return 1;
	setrlimit(RLIMIT_NOFILE, &files);
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	printf("# seed %llu\n", (unsigned long long)dice.random);
	fflush(stdout);
	if (argc > 3)
		end = time(NULL) + strtoul(argv[3], NULL, 0);
	supervise(goal, end, &dice, tally);
	good = !tally->crashed && (end || tally->operations >= goal) &&
	       tally->accepted > tally->operations / 100;
	printf("# %llu operations, %llu completed well, %llu processes killed\n",
	       (unsigned long long)tally->operations,
	       (unsigned long long)tally->accepted,
	       (unsigned long long)tally->killed);
	printf("%sok 1 - fuzz\n1..1\n", good ? "" : "not ");
	return !good;
}
