/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The first process of the test machine, packed by run.sh as /init. It loads
 * the modules, runs the command, unloads the modules, looks for leaks and for
 * anything the kernel complained of, and only then tells the host the verdict,
 * through the port of qemu's isa-debug-exit device. Nothing else in the
 * machine writes there, so a panic, a hang or a power-off can never be taken
 * for a pass.
 *
 * From the host come, in /giambio: settings (NAME=VALUE, NUL-terminated, that
 * become the environment), command (the words, NUL-terminated), drivers and
 * loads (paths of modules, a line each), complaints and harmless (strings to
 * look for in the kernel log, a line each).
 *
 * A program, not a script: every process costs a tenth of a second in an
 * emulated machine.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "klog.h"

#define DEBUG_EXIT_PORT	0x501
/* Keeps every verdict apart from the statuses qemu itself leaves with. */
#define VERDICT_BASE	16
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"

enum verdict {
	GOOD,
	COMMAND_FAILED,
	KERNEL_COMPLAINED,
	NOT_SET_UP,
};

static const struct {
	const char *type;
	const char *target;
} mounts[] = {
	{ "devtmpfs", "/dev" },
	{ "tmpfs", "/dev/shm" },
	{ "devpts", "/dev/pts" },
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "tmpfs", "/tmp" },
	{ "tmpfs", "/run" },
	{ "debugfs", "/sys/kernel/debug" },
	{ "tracefs", "/sys/kernel/tracing" },
	{ "cgroup2", "/sys/fs/cgroup" },
};

/*
 * say() - a line into the kernel log, which the host keeps. The kernel shows
 * a line only when its end has come.
 */
__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...)
{
	char line[512] = "<4>init: ";
	size_t length = strlen(line);
	va_list args;
	int fd;

	va_start(args, format);
	vsnprintf(line + length, sizeof(line) - length - 1, format, args);
	va_end(args);
	strcat(line, "\n");
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, line, strlen(line)) < 0)
		perror("init: the kernel log takes no line");
	close(fd);
}

/* leave() - end the machine; qemu exits with (verdict + 16) << 1 | 1 */
__attribute__((noreturn))
static void leave(enum verdict verdict)
{
	sync();
	if (!getenv("INTERACTIVE")) {
		if (ioperm(DEBUG_EXIT_PORT, 1, 1))
			say("no access to the exit port: %m");
		else
			outb(VERDICT_BASE + verdict, DEBUG_EXIT_PORT);
	}
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void set_up_system(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	size_t i;
	int fd;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].target, 0755);
		mount(mounts[i].type, mounts[i].target, mounts[i].type, 0,
		      NULL);
	}
	chmod("/tmp", 01777);
	chmod("/dev/shm", 01777);
	if (symlink("/proc/self/fd", "/dev/fd"))
		say("no /dev/fd: %m");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		say("no loopback device: %m");
	close(fd);
}

/* words() - the NUL-terminated strings of a file, and a NULL after them */
static char **words(const char *path)
{
	size_t length, count = 0, i;
	char *text = klog_read_file(path, &length);
	char **list;

	for (i = 0; i < length; i++)
		count += !text[i];
	list = calloc(count + 1, sizeof(*list));
	for (i = 0; i < count; i++) {
		list[i] = text;
		text += strlen(text) + 1;
	}
	return list;
}

static void set_environment(void)
{
	char **setting;

	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
	       "/sbin:/bin", 1);
	setenv("HOME", "/tmp", 1);
	for (setting = words("/giambio/settings"); *setting; setting++)
		putenv(*setting);
}

/* load() - insert every module that a file names */
static void load(const char *list, const char *parameters)
{
	char **path = klog_read_lines(list);
	int fd;

	for (; *path; path++) {
		fd = open(*path, O_RDONLY | O_CLOEXEC);
		if (syscall(SYS_finit_module, fd, parameters, 0)) {
			say("%s cannot be loaded: %m", *path);
			leave(NOT_SET_UP);
		}
		close(fd);
	}
}

/*
 * unload() - remove the modules again, the last one first. One that is still
 * in use after the last process ended has lost a reference.
 */
static int unload(const char *list)
{
	char **path = klog_read_lines(list), *name;
	int count = 0, i, result = 0;

	while (path[count])
		count++;
	for (i = count - 1; i >= 0; i--) {
		name = strrchr(path[i], '/') + 1;
		*strrchr(name, '.') = '\0';
		if (syscall(SYS_delete_module, name, O_NONBLOCK) &&
		    errno != ENOENT) {
			say("WARNING: module %s cannot be unloaded: %m", name);
			result = -1;
		}
	}
	return result;
}

/* open_port() - the virtio-serial port of that name; it may come late */
static int open_port(const char *name)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	char path[300], *text;
	struct dirent *entry;
	size_t length;
	int tries;
	DIR *dir;

	for (tries = 0; tries < 2000; tries++) {
		dir = opendir("/sys/class/virtio-ports");
		while (dir && (entry = readdir(dir))) {
			snprintf(path, sizeof(path),
				 "/sys/class/virtio-ports/%s/name",
				 entry->d_name);
			text = klog_read_file(path, &length);
			text[strcspn(text, "\n")] = '\0';
			if (strcmp(text, name) == 0) {
				snprintf(path, sizeof(path), "/dev/%s",
					 entry->d_name);
				closedir(dir);
				return open(path, O_WRONLY | O_CLOEXEC);
			}
			free(text);
		}
		if (dir)
			closedir(dir);
		nanosleep(&pause, NULL);
	}
	say("there is no port %s", name);
	leave(NOT_SET_UP);
}

/* run() - run a program with its output in fd; its status as a shell has it */
static int run(char **argv, int fd)
{
	int status, null;
	pid_t child, ended;

	child = fork();
	if (child == 0) {
		setsid();
		null = open("/dev/null", O_RDONLY);
		dup2(null, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		if (chdir("/tmp") == 0)
			execvp(argv[0], argv);
		fprintf(stderr, "init: cannot run %s: %m\n", argv[0]);
		_exit(127);
	}
	/* Orphans end up here, too. */
	do {
		ended = waitpid(-1, &status, 0);
	} while (ended != child && (ended > 0 || errno == EINTR));
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static int run_shell(const char *script, int fd)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };

	return run(argv, fd);
}

static void end_processes(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		say("%s takes no '%s': %m", path, text);
	close(fd);
}

/*
 * find_leaks() - what kmemleak has to say. An object counts as leaked when it
 * is some seconds old and two scans met no pointer to it.
 */
static char *find_leaks(void)
{
	size_t length;

	write_file(KMEMLEAK, "scan");
	sleep(6);
	write_file(KMEMLEAK, "scan");
	return klog_read_file(KMEMLEAK, &length);
}

static void interact(void)
{
	char *argv[] = { "setsid", "cttyhack", "sh", "-l", NULL };
	pid_t shell, ended;

	shell = fork();
	if (shell == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	/* What the shell left in the background does not keep the machine. */
	do {
		ended = waitpid(-1, NULL, 0);
	} while (ended != shell && (ended > 0 || errno == EINTR));
	end_processes();
	leave(GOOD);
}

int main(void)
{
	const char *parameters;
	enum verdict verdict = GOOD;
	int out, files, status, leaks;
	FILE *result;

	set_up_system();
	set_environment();
	leaks = getenv("LEAKS") && access(KMEMLEAK, W_OK) == 0;
	parameters = getenv("MODULE_PARAMETERS");
	load("/giambio/drivers", "");
	if (getenv("INTERACTIVE")) {
		load("/giambio/loads", parameters ? parameters : "");
		interact();
	}
	result = fdopen(open_port("giambio.result"), "w");
	out = open_port("giambio.out");
	files = open_port("giambio.files");
	if (leaks)
		write_file(KMEMLEAK, "clear");
	load("/giambio/loads", parameters ? parameters : "");
	if (getenv("SETTLE"))
		sleep(atoi(getenv("SETTLE")));

	status = run(words("/giambio/command"), out);
	if (status)
		verdict = COMMAND_FAILED;
	end_processes();
	if (unload("/giambio/loads"))
		verdict = KERNEL_COMPLAINED;
	if (getenv("COLLECT"))
		run_shell("set -- $COLLECT; [ -e \"$1\" ] || exit 0;"
			  "cp -a \"$1\" /run/collect;"
			  "tar -C /run/collect -cf - .", files);
	fprintf(result, "status %d\n", status);
	if (leaks && klog_report(result, "leak", find_leaks()))
		verdict = KERNEL_COMPLAINED;
	if (klog_complaints(result, klog_take(), "/giambio/complaints",
			    "/giambio/harmless"))
		verdict = KERNEL_COMPLAINED;
	klog_report(result, "log", klog_take());
	fclose(result);
	leave(verdict);
}
