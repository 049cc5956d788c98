/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>
#include "../bench.h"
#include "count.h"

#define TRACING "/sys/kernel/tracing/"

void count_first(void)
{
	struct sched_param first = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first)) {
		perror("sched_setscheduler");
		exit(1);
	}
}

void count_sleep(int64_t ns)
{
	struct timespec span = {
		.tv_sec = ns / 1000000000,
		.tv_nsec = ns % 1000000000,
	};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
}

int64_t count_cpu(pid_t pid)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock)) {
		fprintf(stderr, "there is no process %d\n", (int)pid);
		exit(1);
	}
	return bench_clock(clock);
}

static long thread_sleeps(pid_t pid, const char *tid)
{
	char line[512];
	long n = 0;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/task/%s/status", (int)pid, tid);
	f = fopen(line, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

long count_sleeps(pid_t pid)
{
	struct dirent *entry;
	char path[64];
	long sum = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			sum += thread_sleeps(pid, entry->d_name);
	if (dir)
		closedir(dir);
	return sum;
}

/* Return: 0, or -1. */
static int tell(const char *name, const char *what)
{
	char path[128];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), TRACING "%s", name);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd >= 0) {
		n = write(fd, what, strlen(what));
		close(fd);
	}
	return n < 0 ? -1 : 0;
}

/* Events that were put into the trace, and those that it had no room for. */
static long events(void)
{
	long n, sum = 0;
	char line[128];
	FILE *f = fopen(TRACING "per_cpu/cpu0/stats", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "entries: %ld", &n) == 1 ||
		    sscanf(line, "overrun: %ld", &n) == 1)
			sum += n;
	if (f)
		fclose(f);
	return sum;
}

long count_calls_begin(pid_t pid)
{
	char number[16];

	mount("tracefs", TRACING, "tracefs", 0, NULL);
	snprintf(number, sizeof(number), "%d", (int)pid);
	if (tell("set_event_pid", number) ||
	    tell("events/raw_syscalls/sys_enter/enable", "1"))
		return -1;
	return events();
}

long count_calls_end(void)
{
	tell("events/raw_syscalls/sys_enter/enable", "0");
	return events();
}
