/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Loads the module with each allocation of its initialisation failing in turn,
 * until none is left to fail. Each time it must be refused for want of memory
 * and leave nothing behind; with none failing it must load. Then it is loaded
 * with a parameter, and at last as it was found. For a test machine whose
 * kernel has fault injection; elsewhere it is left out. Prints TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULE		"/giambio/modules/giambio.ko"
#define PARAMETER	"/sys/module/giambio/parameters/max_user_watches"

static const char *const kinds[] = {
	"failslab", "fail_page_alloc", "fail_usercopy",
};
static int nth, tests, failed;

static void check(bool good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
	failed += !good;
}

static int load(const char *parameters)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC), ret = 0;

	if (syscall(SYS_finit_module, fd, parameters, 0))
		ret = -errno;
	close(fd);
	return ret;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "giambio", O_NONBLOCK) ? -errno : 0;
}

static void put(const char *folder, const char *file,
		unsigned long long value)
{
	char path[80];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", folder, file);
	f = fopen(path, "we");
	if (f) {
		fprintf(f, "%#llx", value);
		fclose(f);
	}
}

/*
 * Let only those fail that are not far below a module's initialisation: what
 * functions of the kernel's core do with each of theirs is not our business,
 * and a load takes seconds on a kernel that checks each access.
 */
#define DEPTH		9

static bool aim(void)
{
	unsigned long long at, start = 0, end = 0;
	FILE *f = fopen("/proc/kallsyms", "re");
	char name[128];
	size_t i;

	while (f && fscanf(f, "%llx %*c %127s%*[^\n]", &at, name) == 2) {
		if (!strcmp(name, "do_one_initcall"))
			start = at;
		/* Those of the kernel itself are in order. */
		if (start && at > start && !end)
			end = at;
	}
	if (f)
		fclose(f);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		put(kinds[i], "require-start", start);
		put(kinds[i], "require-end", end);
		put(kinds[i], "stacktrace-depth", DEPTH);
	}
	return end;
}

static void release(void)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		put(kinds[i], "require-start", 0);
		put(kinds[i], "require-end", ~0UL);
		put(kinds[i], "stacktrace-depth", 32);
	}
}

/* The result of loading with the nth failure; *struck if there was one. */
static int load_failing(unsigned int n, bool *struck)
{
	char text[12] = "";
	int ret;

	snprintf(text, sizeof(text), "%u", n);
	if (pwrite(nth, text, strlen(text), 0) < 0)
		abort();
	ret = load("");
	*struck = pread(nth, text, sizeof(text), 0) > 0 && text[0] == '0';
	if (pwrite(nth, "0", 1, 0) < 0 && *struck)
		abort();
	return ret;
}

static void sweep(void)
{
	bool struck = true, refused = true, clean = true;
	unsigned int n;
	int ret = 0;

	for (n = 1; struck; n++) {
		ret = load_failing(n, &struck);
		/* What a driver core can do without is no failure. */
		if (ret && !(struck && ret == -ENOMEM)) {
			printf("# failure %u: %s\n", n, strerror(-ret));
			refused = false;
		}
		if (!ret)
			clean &= !unload();
		clean &= access("/sys/module/giambio", F_OK) != 0;
	}
	printf("# %u failures\n", n - 2);
	check(n > 5, "there is something to fail");
	check(refused, "without memory it is not loaded, and says so");
	check(clean, "and leaves nothing");
	check(!ret, "with memory it is");
}

int main(void)
{
	unsigned int value = 0;
	FILE *f;

	nth = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth < 0 || access(MODULE, R_OK)) {
		printf("1..0 # SKIP no fault injection, or no module\n");
		return 4;
	}
	check(!unload(), "it can be removed");
	if (aim())
		sweep();
	else
		check(false, "the kernel tells where modules are initialised");
	release();
	check(!load("max_user_watches=1000"), "it takes a parameter");
	f = fopen(PARAMETER, "re");
	check(f && fscanf(f, "%u", &value) == 1 && value == 1000,
	      "and keeps it");
	if (f)
		fclose(f);
	check(!unload() && !load(""), "it can be loaded again");
	printf("1..%d\n", tests);
	return failed != 0;
}
