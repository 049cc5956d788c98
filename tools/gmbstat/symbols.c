/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "gmbstat/unwind.h"

#define INLINED	32	/* functions put into each other, at most */
#define DEPTH	96	/* scopes in each other, at most */

/**
 * struct symbols_entry - an address that was looked up
 * @pc:     the address; 0: the slot is free
 * @call:   see symbols_find()
 * @count:  of @frames
 * @frames: the functions, the innermost first
 */
struct symbols_entry {
	uint64_t pc;
	bool call;
	int count;
	struct backtrace_frame *frames;
};

void symbols_fini(struct symbols *symbols)
{
	size_t i;

	for (i = 0; i < symbols->room; i++)
		free(symbols->table[i].frames);
	free(symbols->table);
	symbols->table = NULL;
	symbols->room = 0;
	symbols->used = 0;
}

static struct symbols_entry *slot_of(struct symbols *symbols, uint64_t pc,
				     bool call)
{
	size_t i = (size_t)((pc ^ (uint64_t)call) * 0x9e3779b97f4a7c15u >> 32);

	for (;; i++) {
		struct symbols_entry *e = &symbols->table[i &
							  (symbols->room - 1)];

		if (!e->frames || (e->pc == pc && e->call == call))
			return e;
	}
}

static int grow(struct symbols *symbols)
{
	struct symbols bigger = { .room = 256 };
	size_t i;

	if (symbols->used * 2 < symbols->room)
		return 0;
	if (symbols->room)
		bigger.room = symbols->room * 2;
	bigger.table = calloc(bigger.room, sizeof(*bigger.table));
	if (!bigger.table)
		return -ENOMEM;
	for (i = 0; i < symbols->room; i++) {
		struct symbols_entry *e = &symbols->table[i];

		if (e->frames)
			*slot_of(&bigger, e->pc, e->call) = *e;
	}
	free(symbols->table);
	symbols->table = bigger.table;
	symbols->room = bigger.room;
	return 0;
}

/*
 * What several programs have in common may be in a file of its own: see
 * dwz(1). Where it is not found by its number, libdw opens whatever the
 * program's file names, which may be a pipe: then there are symbols only.
 */
static bool may_look_into(Dwfl_Module *mod)
{
	char path[256] = "/usr/lib/debug/.build-id/";
	const unsigned char *id;
	const void *found;
	const char *name;
	Dwarf_Addr bias;
	Dwarf *dwarf = dwfl_module_getdwarf(mod, &bias);
	ssize_t i, n = -1;
	char *to = path + strlen(path);

	if (dwarf)
		n = dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &found);
	/* So many bytes are a number to libdw. */
	if (n < 3 || n > 64)
		return n == 0;
	id = found;
	for (i = 0; i < n; i++)
		to += sprintf(to, i ? "%02x" : "%02x/", id[i]);
	strcpy(to, ".debug");
	return access(path, R_OK) == 0;
}

/*
 * The compilation unit of an address. Not every compiler writes the index by
 * addresses, and where only some did, a neighbour is found; then the units are
 * asked one after the other.
 */
static Dwarf_Die *unit_of(Dwfl_Module *mod, Dwarf_Addr pc, Dwarf_Addr *bias)
{
	Dwarf_Die *unit = dwfl_module_addrdie(mod, pc, bias);

	if (unit && dwarf_haspc(unit, pc - *bias) > 0)
		return unit;
	unit = NULL;
	while ((unit = dwfl_module_nextcu(mod, unit, bias))) {
		if (dwarf_haspc(unit, pc - *bias) > 0)
			return unit;
	}
	return NULL;
}

/*
 * The scopes of an address from the unit inwards, by descending into whatever
 * covers it. (dwarf_getscopes() finds none where the link-time optimiser has
 * put the abstract functions into other units.)
 */
static int descend(Dwarf_Die *unit, Dwarf_Addr pc, Dwarf_Die scopes[DEPTH])
{
	Dwarf_Die die;
	int n = 0, rc = dwarf_child(unit, &die);

	while (rc == 0 && n < DEPTH) {
		if (dwarf_haspc(&die, pc) > 0) {
			scopes[n++] = die;
			rc = dwarf_child(&scopes[n - 1], &die);
		} else {
			rc = dwarf_siblingof(&die, &die);
		}
	}
	return n;
}

static bool is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

static int number_of(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	if (dwarf_formudata(dwarf_attr(die, name, &attribute), &value) != 0)
		return 0;
	return (int)value;
}

/* The line of an address. */
static void set_line(struct backtrace_frame *frame, Dwarf_Die *unit,
		     Dwarf_Addr pc)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, pc);

	if (!line)
		return;
	frame->file = dwarf_linesrc(line, NULL, NULL);
	dwarf_lineno(line, &frame->line);
}

/* The line where an inlined function was called. */
static void set_call_site(struct backtrace_frame *frame, Dwarf_Die *unit,
			  Dwarf_Die *inlined)
{
	int file = number_of(inlined, DW_AT_call_file);
	Dwarf_Files *files;
	size_t count;

	frame->file = NULL;
	frame->line = 0;
	if (file <= 0 || dwarf_getsrcfiles(unit, &files, &count) != 0 ||
	    (size_t)file >= count)
		return;
	frame->file = dwarf_filesrc(files, (size_t)file, NULL, NULL);
	frame->line = number_of(inlined, DW_AT_call_line);
}

/*
 * From the innermost scope outwards to the function that was compiled for
 * itself. The first frame has what all of them share.
 */
static int add_functions(struct backtrace_frame *frames, Dwarf_Die *unit,
			 Dwarf_Addr pc)
{
	Dwarf_Die scopes[DEPTH], *inner = NULL;
	int i = descend(unit, pc, scopes), count = 0;

	while (i-- > 0 && count < INLINED) {
		if (!is_function(&scopes[i]))
			continue;
		if (inner) {
			frames[count] = frames[0];
			set_call_site(&frames[count], unit, inner);
		}
		inner = &scopes[i];
		frames[count].function = dwarf_diename(inner);
		frames[count].inlined = dwarf_tag(inner) !=
					DW_TAG_subprogram;
		count++;
	}
	return count;
}

static int look_up(struct symbols *symbols, uint64_t pc, uint64_t at,
		   struct backtrace_frame frames[INLINED])
{
	Dwfl_Module *mod = dwfl_addrmodule(symbols->dwfl, at);
	Dwarf_Addr bias = 0, start = 0;
	Dwarf_Die *unit;
	int count = 0;

	frames[0] = (struct backtrace_frame){ .pc = pc, .offset = pc };
	if (!mod)
		return 1;
	frames[0].module = dwfl_module_info(mod, NULL, &start, NULL, NULL, NULL,
					    NULL, NULL);
	frames[0].offset = pc - start;
	unit = may_look_into(mod) ? unit_of(mod, at, &bias) : NULL;
	if (unit) {
		set_line(&frames[0], unit, at - bias);
		count = add_functions(frames, unit, at - bias);
		/* Assembly has no function; its line is its neighbour's. */
		if (count == 0)
			frames[0].file = NULL;
	}
	if (count == 0)
		count = 1;
	if (!frames[count - 1].function)
		frames[count - 1].function =
			dwfl_module_addrname(mod, at);
	return count;
}

int symbols_find(struct symbols *symbols, uint64_t pc, bool call,
		 const struct backtrace_frame **frames)
{
	struct backtrace_frame found[INLINED];
	struct symbols_entry *e;

	if (grow(symbols) < 0)
		return -ENOMEM;
	e = slot_of(symbols, pc, call);
	if (!e->frames) {
		e->count = look_up(symbols, pc, call ? pc - 1 : pc, found);
		e->frames = calloc((size_t)e->count, sizeof(*e->frames));
		if (!e->frames)
			return -ENOMEM;
		memcpy(e->frames, found,
		       (size_t)e->count * sizeof(*e->frames));
		e->pc = pc;
		e->call = call;
		symbols->used++;
	}
	*frames = e->frames;
	return e->count;
}
