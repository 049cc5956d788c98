/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "common/proc.h"
#include "common/table.h"
#include "gmbstat/unwind.h"

/* What a walk reads is close together, so it is read in blocks. */
#define BLOCK	1024

/**
 * struct backtrace - a process whose stacks are read
 * @pid:       the process
 * @symbols:   its modules and what was looked up in them
 * @start:     where the walk that is going on begins
 * @block:     memory of the process from @block_at on
 * @block_at:  see @block; 1: there is none
 * @fn:        of the walk
 * @arg:       of the walk
 * @frames:    of the walk, so far
 * @result:    of @fn
 */
struct backtrace {
	pid_t pid;
	struct symbols symbols;
	const struct unwind_state *start;
	uint64_t block_at;
	char block[BLOCK];
	backtrace_fn fn;
	void *arg;
	int frames;
	int result;
};

static bool is_elf(int fd)
{
	char magic[SELFMAG];

	return pread(fd, magic, SELFMAG, 0) == SELFMAG &&
	       !memcmp(magic, ELFMAG, SELFMAG);
}

/*
 * What the program has mapped it may have replaced since: by a pipe that nobody
 * writes to, a device that does something when it is opened, or what unpacks to
 * more than there is memory. So it is looked at before it is opened, and before
 * it is given to those who read it.
 */
static int open_elf(const char *path)
{
	int look = open(path, O_PATH | O_CLOEXEC), fd = -1;
	char self[32];
	struct stat st;

	if (look < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", look);
	if (fstat(look, &st) == 0 && S_ISREG(st.st_mode))
		fd = open(self, O_RDONLY | O_CLOEXEC);
	close(look);
	if (fd < 0 || is_elf(fd))
		return fd;
	close(fd);
	return -1;
}

static bool is_deleted(const char *name)
{
	const char *end = strrchr(name, ' ');

	return end && !strcmp(end, " (deleted)");
}

/*
 * The program itself is opened through /proc, which still works when it was
 * replaced or lives in another root; so is the rest, as far as possible.
 */
static int find_elf(Dwfl_Module *mod, void **userdata, const char *name,
		    Dwarf_Addr base, char **file, Elf **elf)
{
	struct backtrace *bt = *userdata;
	char path[4200], exe[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", bt->pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n < 0 ? 0 : n] = '\0';
	if (strcmp(exe, name))
		snprintf(path, sizeof(path), "/proc/%d/root%s", bt->pid, name);
	fd = *name == '/' ? open_elf(path) : -1;
	if (fd < 0 && *name == '/') {
		if (!is_deleted(name))
			return -1;
		/*
		 * What has no file any more is read from the process's memory.
		 * Not by its name, which a file may have that is no ELF.
		 */
		snprintf(path, sizeof(path), "[vdso: %d]", bt->pid);
		name = path;
	}
	if (fd < 0)
		return dwfl_linux_proc_find_elf(mod, userdata, name, base, file,
						elf);
	*file = strdup(name);
	return fd;
}

static int adopt_module(Dwfl_Module *mod, void **userdata,
			const char *name __attribute__((unused)),
			Dwarf_Addr start __attribute__((unused)), void *arg)
{
	(void)mod;
	*userdata = arg;
	return DWARF_CB_OK;
}

static bool read_copy(const struct unwind_state *start, uint64_t address,
		      Dwarf_Word *word)
{
	if (!start->stack || address < start->low ||
	    address - start->low + sizeof(*word) > start->size)
		return false;
	memcpy(word, start->stack + (address - start->low), sizeof(*word));
	return true;
}

static bool read_process(struct backtrace *bt, uint64_t address,
			 Dwarf_Word *word)
{
	uint64_t at = address & ~(uint64_t)(BLOCK - 1);
	struct iovec local = { bt->block, BLOCK };
	struct iovec remote = { (void *)(uintptr_t)at, BLOCK };

	if (address - at + sizeof(*word) > BLOCK) {
		local = (struct iovec){ word, sizeof(*word) };
		remote = (struct iovec){ (void *)(uintptr_t)address,
					 sizeof(*word) };
		return process_vm_readv(bt->pid, &local, 1, &remote, 1, 0) ==
		       sizeof(*word);
	}
	if (at != bt->block_at) {
		bt->block_at = 1;
		if (process_vm_readv(bt->pid, &local, 1, &remote, 1, 0) !=
		    BLOCK)
			return false;
		bt->block_at = at;
	}
	memcpy(word, bt->block + (address - at), sizeof(*word));
	return true;
}

static bool memory_read(Dwfl *dwfl __attribute__((unused)), Dwarf_Addr address,
			Dwarf_Word *word, void *arg)
{
	struct backtrace *bt = arg;

	return read_copy(bt->start, address, word) ||
	       read_process(bt, address, word);
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	struct backtrace *bt = arg;
	int i;

	for (i = 0; i < UNWIND_REGISTERS; i++) {
		if (!(bt->start->known >> i & 1))
			continue;
		if (!dwfl_thread_state_registers(thread, i, 1,
						 &bt->start->registers[i]))
			return false;
	}
	dwfl_thread_state_register_pc(thread, bt->start->pc);
	return true;
}

/*
 * The walker knows threads only. There is one for it, with the number of the
 * process, which is the task that is walked.
 */
static pid_t next_thread(Dwfl *dwfl __attribute__((unused)), void *arg,
			 void **thread_arg)
{
	struct backtrace *bt = arg;

	if (*thread_arg)
		return 0;
	*thread_arg = bt;
	return bt->pid;
}

static bool get_thread(Dwfl *dwfl __attribute__((unused)),
		       pid_t tid __attribute__((unused)), void *arg,
		       void **thread_arg)
{
	*thread_arg = arg;
	return true;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_registers,
};

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	/* Not by the name that the program's file gives: it may be a pipe. */
	.find_debuginfo = dwfl_build_id_find_debuginfo,
};

static int load_modules(struct backtrace *bt)
{
	int rc;

	/* A backtrace must not wait for a server of debugging information. */
	unsetenv("DEBUGINFOD_URLS");
	bt->symbols.dwfl = dwfl_begin(&callbacks);
	if (!bt->symbols.dwfl)
		return -ENOMEM;
	rc = dwfl_linux_proc_report(bt->symbols.dwfl, bt->pid);
	if (rc != 0)
		return rc > 0 ? (rc == ENOENT ? -ESRCH : -rc) : -ENOEXEC;
	if (dwfl_report_end(bt->symbols.dwfl, NULL, NULL) != 0)
		return -ENOEXEC;
	dwfl_getmodules(bt->symbols.dwfl, adopt_module, bt, 0);
	if (!dwfl_attach_state(bt->symbols.dwfl, NULL, bt->pid,
			       &thread_callbacks, bt))
		return -ENOEXEC;
	return 0;
}

/* Nothing is mapped at 0, so only who may not look gets another error. */
static int may_read(pid_t pid)
{
	char byte;
	struct iovec local = { &byte, 1 }, remote = { NULL, 1 };

	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0 &&
	    errno != EFAULT)
		return -errno;
	return 0;
}

int backtrace_open(struct backtrace **out, pid_t pid)
{
	struct backtrace *bt;
	int rc;

	*out = NULL;
	/* The number would be another process's, which is not to be stopped. */
	if (!proc_is_ours())
		return -EXDEV;
	rc = may_read(pid);
	if (rc < 0)
		return rc;
	bt = calloc(1, sizeof(*bt));
	if (!bt)
		return -ENOMEM;
	bt->pid = pid;
	bt->block_at = 1;
	rc = load_modules(bt);
	if (rc < 0)
		backtrace_close(bt);
	else
		*out = bt;
	return rc;
}

void backtrace_close(struct backtrace *bt)
{
	if (!bt)
		return;
	symbols_fini(&bt->symbols);
	if (bt->symbols.dwfl)
		dwfl_end(bt->symbols.dwfl);
	free(bt);
}

static int show_frame(Dwfl_Frame *state, void *arg)
{
	struct backtrace *bt = arg;
	const struct backtrace_frame *frames;
	Dwarf_Addr pc;
	bool exact;
	int n, i;

	if (!dwfl_frame_pc(state, &pc, &exact))
		return DWARF_CB_ABORT;
	if (++bt->frames > BACKTRACE_FRAMES)
		return DWARF_CB_ABORT;
	n = symbols_find(&bt->symbols, pc, !exact, &frames);
	for (i = 0; i < n && bt->result == 0; i++)
		bt->result = bt->fn(bt->arg, &frames[i]);
	if (n < 0)
		bt->result = n;
	return bt->result ? DWARF_CB_ABORT : DWARF_CB_OK;
}

static int walk(struct backtrace *bt, const struct unwind_state *start,
		backtrace_fn fn, void *arg)
{
	int rc;

	bt->start = start;
	bt->block_at = 1;
	bt->fn = fn;
	bt->arg = arg;
	bt->frames = 0;
	bt->result = 0;
	rc = dwfl_getthread_frames(bt->symbols.dwfl, bt->pid, show_frame, bt);
	if (bt->result)
		return bt->result;
	if (rc == 0)
		return 0;
	if (kill(bt->pid, 0) < 0 && errno == ESRCH)
		return -ESRCH;
	return -ENODATA;
}

int backtrace_task(struct backtrace *bt, const uint64_t context[3],
		   backtrace_fn fn, void *arg)
{
	struct unwind_state start = { .pc = context[1] };

	if (!context[0] || !context[1] || UNWIND_REGISTERS == 0)
		return -EINVAL;
	start.registers[UNWIND_SP] = context[0];
	start.registers[UNWIND_BP] = context[2];
	start.known = (uint64_t)1 << UNWIND_SP | (uint64_t)1 << UNWIND_BP;
	return walk(bt, &start, fn, arg);
}

/* Frames that are shown only if the walk gets to the end. */
struct kept {
	struct backtrace_frame frames[BACKTRACE_FRAMES];
	int count;
};

static int keep_frame(void *arg, const struct backtrace_frame *frame)
{
	struct kept *kept = arg;

	if (kept->count == BACKTRACE_FRAMES)
		return -ENOBUFS;
	kept->frames[kept->count++] = *frame;
	return 0;
}

/* A task's stack ends where it began. */
static bool is_whole(const struct kept *kept)
{
	const char *end;

	if (kept->count == 0)
		return false;
	end = kept->frames[kept->count - 1].function;
	return end && !strcmp(end, "gmb__context_start");
}

/*
 * A thread that blocks in a system call needs no sample. Its frame pointer is
 * not known, though, without which not every stack can be walked; then another
 * way is better, if there is one.
 */
static int walk_blocked(struct backtrace *bt, const struct unwind_state *start,
			bool last, backtrace_fn fn, void *arg)
{
	struct kept kept = { .count = 0 };
	int rc, i;

	rc = walk(bt, start, keep_frame, &kept);
	if (rc == 0 && !is_whole(&kept))
		rc = -ENODATA;
	if (rc < 0 && !last)
		return -EAGAIN;
	for (i = 0; i < kept.count; i++) {
		int end = fn(arg, &kept.frames[i]);

		if (end)
			return end;
	}
	return rc;
}

int backtrace_thread(struct backtrace *bt, pid_t tid, bool stop,
		     backtrace_fn fn, void *arg)
{
	struct unwind_state start = { 0 };
	int rc;

	rc = unwind_blocked(&start, bt->pid, tid);
	if (rc == 0) {
		rc = walk_blocked(bt, &start, !stop, fn, arg);
		if (rc != -EAGAIN)
			return rc;
	} else if (rc == -EBUSY) {
		rc = unwind_sample(&start, tid);
	}
	if (rc < 0 && stop && rc != -ESRCH)
		rc = unwind_stop(&start, bt->pid, tid);
	if (rc == 0)
		rc = walk(bt, &start, fn, arg);
	free(start.stack);
	return rc;
}

void backtrace_print(FILE *out, const struct backtrace_frame *frame)
{
	const char *slash;

	/* The program has chosen these names: not all may reach a terminal. */
	if (frame->function)
		table_put(out, frame->function, UINT16_MAX);
	else
		fprintf(out, "0x%llx", (unsigned long long)frame->pc);
	if (frame->file) {
		fputs(" at ", out);
		table_put(out, frame->file, UINT16_MAX);
		if (frame->line > 0)
			fprintf(out, ":%d", frame->line);
	} else if (frame->module) {
		slash = strrchr(frame->module, '/');
		fputs(" in ", out);
		table_put(out, slash ? slash + 1 : frame->module, UINT16_MAX);
		fprintf(out, "+0x%llx", (unsigned long long)frame->offset);
	}
}
