/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Where the experiments ran: facts without which the numbers mean nothing.
 */
#ifndef TOOLS_GMBLAT_MACHINE_H
#define TOOLS_GMBLAT_MACHINE_H

#include <stdbool.h>

/**
 * struct machine - see above
 * @kernel:       release
 * @arch:         of the kernel
 * @cpu:          the model's name
 * @cpus:         processors that this process may use
 * @load:         tasks that wanted one during the last minute, at the start
 * @emulated:     the processor is an emulator's: times are not a machine's
 * @virtual_time: the clock counts instructions (gmb.virtual=1 on the kernel's
 *	command line): times are numbers of instructions
 */
struct machine {
	char kernel[64];
	char arch[32];
	char cpu[64];
	int cpus;
	double load;
	bool emulated;
	bool virtual_time;
};

void machine_look(struct machine *machine);

#endif
