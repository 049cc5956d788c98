/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "gmblat/machine.h"

#define VIRTUAL_TIME	"gmb.virtual=1"

/* Copy what stands behind "NAME : " in a line; the first such line counts. */
static void find_field(const char *path, const char *name, char *text,
		       size_t size)
{
	char line[1024], *value;
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file)) {
		value = strchr(line, ':');
		if (!value || strncmp(line, name, strlen(name)))
			continue;
		value += strspn(value, ": \t");
		value[strcspn(value, "\n")] = '\0';
		snprintf(text, size, "%s", value);
		break;
	}
	if (file)
		fclose(file);
}

static bool is_on_command_line(const char *word)
{
	char line[8192], *token, *rest = line;
	FILE *file = fopen("/proc/cmdline", "re");
	bool found = false;

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	while ((token = strsep(&rest, " \n")))
		found |= !strcmp(token, word);
	return found;
}

void machine_look(struct machine *machine)
{
	struct utsname names;
	cpu_set_t cpus;

	*machine = (struct machine){ .cpus = 1 };
	if (!uname(&names)) {
		snprintf(machine->kernel, sizeof(machine->kernel), "%.63s",
			 names.release);
		snprintf(machine->arch, sizeof(machine->arch), "%.31s",
			 names.machine);
	}
	find_field("/proc/cpuinfo", "model name", machine->cpu,
		   sizeof(machine->cpu));
	if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		machine->cpus = CPU_COUNT(&cpus);
	if (getloadavg(&machine->load, 1) != 1)
		machine->load = 0;
	machine->emulated = strstr(machine->cpu, "QEMU") != NULL;
	machine->virtual_time = is_on_command_line(VIRTUAL_TIME);
}
