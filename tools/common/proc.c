/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/proc.h"

char *proc_path(char path[64], pid_t pid, const char *format, ...)
{
	int n = snprintf(path, 64, "/proc/%d/", (int)pid);
	va_list args;

	va_start(args, format);
	vsnprintf(path + n, (size_t)(64 - n), format, args);
	va_end(args);
	return path;
}

bool proc_is_ours(void)
{
	char text[16];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	return atoi(text) == getpid();
}

ssize_t proc_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;
	int rc = 0;

	text[0] = '\0';
	if (fd < 0)
		return -errno;
	while (used < size - 1) {
		n = read(fd, text + used, size - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = -errno;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	close(fd);
	text[used] = '\0';
	return rc ? rc : (ssize_t)used;
}

char *proc_comm(char comm[PROC_COMM_SIZE], pid_t pid, pid_t tid)
{
	char path[64];
	ssize_t n;

	if (tid)
		proc_path(path, pid, "task/%d/comm", (int)tid);
	else
		proc_path(path, pid, "comm");
	n = proc_read(path, comm, PROC_COMM_SIZE);
	if (n > 0 && comm[n - 1] == '\n')
		comm[--n] = '\0';
	if (n <= 0)
		strcpy(comm, "?");
	return comm;
}

/*
 * The last number of "NSpid:", which is the one the process itself sees; 0: it
 * is not there; -errno. The line of groups before it may be long.
 */
static pid_t number_in(const char *path)
{
	FILE *file = fopen(path, "re");
	pid_t number = 0;
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return -errno;
	while (getline(&line, &size, file) > 0) {
		if (!strncmp(line, "NSpid:", 6) && strchr(line, '\t')) {
			number = atoi(strrchr(line, '\t') + 1);
			break;
		}
	}
	free(line);
	fclose(file);
	return number;
}

int proc_is_numbered(pid_t pid, pid_t number)
{
	char path[64];
	pid_t found = number_in(proc_path(path, pid, "status"));

	return found < 0 ? found : found == number;
}

pid_t proc_thread(pid_t pid, pid_t number)
{
	char path[64];
	struct dirent *entry;
	pid_t found = 0;
	DIR *dir;

	/* Without a namespace of its own the first look finds it. */
	proc_path(path, pid, "task/%d/status", (int)number);
	if (number_in(path) == number)
		return number;
	dir = opendir(proc_path(path, pid, "task"));
	if (!dir)
		return 0;
	while (!found && (entry = readdir(dir))) {
		proc_path(path, pid, "task/%d/status", atoi(entry->d_name));
		if (entry->d_name[0] != '.' && number_in(path) == number)
			found = atoi(entry->d_name);
	}
	closedir(dir);
	return found;
}

static uint64_t number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Field 3 is the state, 39 the processor; the name before may hold anything. */
static void read_stat(struct proc_times *times, const char *path)
{
	char text[1024], *at, *save = NULL;
	int field = 3;

	times->state = '?';
	times->cpu = -1;
	if (proc_read(path, text, sizeof(text)) <= 0)
		return;
	at = strrchr(text, ')');
	if (!at)
		return;
	for (at = strtok_r(at + 1, " ", &save); at;
	     at = strtok_r(NULL, " ", &save), field++) {
		if (field == 3)
			times->state = *at;
		if (field == 39)
			times->cpu = atoi(at);
	}
}

int proc_schedstat(struct proc_times *times, pid_t pid, pid_t tid)
{
	char path[64], text[128], *at;
	ssize_t n;

	*times = (struct proc_times){ 0 };
	n = proc_read(proc_path(path, pid, "task/%d/schedstat", (int)tid), text,
		      sizeof(text));
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	times->cpu_ns = strtoull(text, &at, 10);
	times->wait_ns = strtoull(at, &at, 10);
	times->slices = strtoull(at, NULL, 10);
	return 0;
}

int proc_times(struct proc_times *times, pid_t pid, pid_t tid)
{
	char path[64], text[4096];
	int rc = proc_schedstat(times, pid, tid);

	if (rc)
		return rc;
	if (proc_read(proc_path(path, pid, "task/%d/status", (int)tid), text,
		      sizeof(text)) > 0)
		times->switches =
			number_after(text, "\nnonvoluntary_ctxt_switches:");
	read_stat(times,
		  proc_path(path, pid, "task/%d/stat", (int)tid));
	return 0;
}
