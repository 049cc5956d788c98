/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * A process of the fuzzer: threads that live as long as was decided for them,
 * children that meet the contexts of their parent, signals, other users,
 * seccomp, and the end.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

struct part {
	pthread_t thread;
	struct crew *crew;
	uint32_t index;
};

/* In a copy of the parent: nothing of its threads' may be used. */
static _Noreturn void copy_run(struct world *w)
{
	uint32_t how = pick(w, 3), i;

	for (i = 0; i < 10; i++) {
		struct gmb_ioc_wake arg = {
			.size = sizeof(arg),
			.target = GMB_TASK(pick(w, SLOTS), pick(w, 2)),
		};
		struct gmb_ioc_trap trap = { .size = sizeof(trap) };

		ioctl(any_context(w)->fd, GMB_IOC_WAKE, &arg);
		ioctl(any_context(w)->fd, GMB_IOC_TRAP, &trap);
		close(any_file(w));
	}
	count(w, WAKE, 10);
	count(w, TRAP, 10);
	count(w, OTHER, 10);
	if (how == 0)
		kill(getpid(), SIGKILL);
	if (how == 1)
		execl("/proc/self/exe", "fuzz", "0", NULL);
	_exit(0);
}

/*
 * A process that shares the memory, so that the contexts are its own, but not
 * the signal handlers and perhaps not the descriptors: what it leaves watched
 * outlives it. Its parent's thread waits meanwhile.
 */
static int sharer_run(void *arg)
{
	struct world *w = arg;
	int i;

	w->sharer = true;
	for (i = 0; i < 3; i++) {
		file_step(w);
		context_step(&w->own[pick(w, CONTEXTS)], w);
	}
	w->sharer = false;
	return 0;
}

static void child_step(struct world *w)
{
	int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;

	atomic_fetch_add(&w->crew->tally->forks, 1);
	if (chance(w, 3)) {
		if (chance(w, 2))
			flags |= CLONE_FILES;
		clone(sharer_run, w->stack, flags, w);
	} else if (!fork()) {
		copy_run(w);
	}
}

/* From here on this thread's operations may not transfer data. */
static void seccomp_step(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = 1, .filter = &allow };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static void live(struct world *w)
{
	struct crew *crew = w->crew;
	uint64_t death = crew->doomed && !w->index ?
		pick(w, crew->life) : UINT64_MAX;
	uint64_t jail = chance(w, 12) ? pick(w, crew->life) : UINT64_MAX;
	uint32_t i;

	while (w->operations < crew->life) {
		context_step(&w->own[pick(w, CONTEXTS)], w);
		for (i = pick(w, 4); i; i--)
			file_step(w);
		if (chance(w, 40))
			syscall(SYS_tgkill, getpid(),
				crew->thread[pick(w, crew->threads)], SIGUSR1);
		if (chance(w, 150))
			child_step(w);
		if (chance(w, 16))
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		if (w->operations > jail) {
			jail = UINT64_MAX;
			seccomp_step();
		}
		if (w->operations > death)
			kill(getpid(), SIGKILL);
	}
}

static void *part_run(void *arg)
{
	struct part *p = arg;
	struct world w;

	p->crew->thread[p->index] = syscall(SYS_gettid);
	world_begin(&w, p->crew, p->index);
	live(&w);
	if (!chance(&w, 3))
		world_end(&w);
	return NULL;
}

/* Some are no root, may not lock much memory, and see less over netlink. */
static void become_user(struct world *dice)
{
	rlim_t pages = 4096ULL * (4 + pick(dice, 60));
	struct rlimit memory = { pages, pages };

	setrlimit(RLIMIT_MEMLOCK, &memory);
	if (setresuid(1000, 1000, 1000) == 0)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

_Noreturn void crew_run(struct crew *crew)
{
	struct world dice = { .random = crew->seed };
	struct itimerval alarm = {
		.it_interval.tv_usec = 200000,
		.it_value.tv_usec = 200000,
	};
	struct part part[THREADS] = { 0 };
	uint32_t i;

	if (chance(&dice, 4))
		become_user(&dice);
	/* Ends the sleeps of the first thread that have no limit. */
	setitimer(ITIMER_REAL, &alarm, NULL);
	crew_begin(crew);
	crew->thread[0] = getpid();
	for (i = 0; i < crew->threads; i++) {
		part[i].crew = crew;
		part[i].index = i;
		crew->thread[i] = crew->thread[0];
	}
	for (i = 1; i < crew->threads; i++)
		if (pthread_create(&part[i].thread, NULL, part_run, &part[i]))
			_exit(1);
	part_run(&part[0]);
	for (i = 1; i < crew->threads; i++)
		pthread_join(part[i].thread, NULL);
	_exit(0);
}
