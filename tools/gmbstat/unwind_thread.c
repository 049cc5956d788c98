/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * The registers and the stack of a thread.
 *
 * One that blocks in a system call is described in /proc. One that runs gives a
 * sample: a timer of the kernel interrupts it when it has run for a while, and
 * notes its registers and the top of its stack in a ring. In neither case the
 * thread is stopped. The last way is ptrace.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/proc.h"
#include "gmbstat/perf_ring.h"
#include "gmbstat/unwind.h"

#define SAMPLE_STACK	(63 * 1024)	/* a record is shorter than 64 KiB */
#define RING_PAGES	32
#define SAMPLE_NS	50000
#define WAIT_MS		250
#define STOP_MS		1000	/* one that may run stops when it next does */

/* The line says "running", or the call, its arguments, stack and program. */
int unwind_blocked(struct unwind_state *state, pid_t pid, pid_t tid)
{
	unsigned long long sp, pc;
	char path[64], line[256];
	ssize_t n;

	proc_path(path, pid, "task/%d/syscall", (int)tid);
	n = proc_read(path, line, sizeof(line));
	if (n < 0)
		return (int)n;
	if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %llx %llx", &sp, &pc) !=
		    2 &&
	    sscanf(line, "-1 %llx %llx", &sp, &pc) != 2)
		return -EBUSY;
	state->pc = pc;
	state->registers[UNWIND_SP] = sp;
	state->known = (uint64_t)1 << UNWIND_SP;
	return 0;
}

#if defined(__x86_64__)
#include <asm/perf_regs.h>

#define SAMPLED	17

/* The DWARF number of each register, in the order of the sample. */
static const signed char sampled[] = {
	0, 3, 2, 1, 4, 5, 6, 7, 16, /* ax bx cx dx si di bp sp ip */
	8, 9, 10, 11, 12, 13, 14, 15,
};

#define SAMPLE_MASK						\
	(0x1ffull << PERF_REG_X86_AX | 0xffull << PERF_REG_X86_R8)

static void take_pc(struct unwind_state *state)
{
	state->pc = state->registers[16];
	state->known &= ~((uint64_t)1 << 16);
}

static void take_user(struct unwind_state *state,
		      const struct user_regs_struct *user)
{
	const uint64_t order[] = {
		user->rax, user->rdx, user->rcx, user->rbx, user->rsi,
		user->rdi, user->rbp, user->rsp, user->r8, user->r9,
		user->r10, user->r11, user->r12, user->r13, user->r14,
		user->r15,
	};

	memcpy(state->registers, order, sizeof(order));
	state->known = 0xffff;
	state->pc = user->rip;
}
#elif defined(__aarch64__)
#include <asm/perf_regs.h>

#define SAMPLED	33

static const signed char sampled[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
};

#define SAMPLE_MASK	((1ull << SAMPLED) - 1)

static void take_pc(struct unwind_state *state)
{
	state->pc = state->registers[32];
	state->known &= ~((uint64_t)1 << 32);
}

static void take_user(struct unwind_state *state,
		      const struct user_regs_struct *user)
{
	memcpy(state->registers, user->regs, sizeof(user->regs));
	state->registers[31] = user->sp;
	state->known = 0xffffffff;
	state->pc = user->pc;
}
#endif

#ifdef SAMPLED

static const struct perf_event_attr sampler = {
	.type = PERF_TYPE_SOFTWARE,
	.size = sizeof(sampler),
	.config = PERF_COUNT_SW_CPU_CLOCK,
	.sample_period = SAMPLE_NS,
	.sample_type = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
	.sample_regs_user = SAMPLE_MASK,
	.sample_stack_user = SAMPLE_STACK,
	.exclude_kernel = 1,
	.exclude_hv = 1,
	.watermark = 1,
	.wakeup_watermark = 1,
};

/*
 * A sample: which ABI the registers are of, the registers, how long the stack
 * is, its bytes, how many of them are valid.
 */
static int take_record(struct unwind_state *state, const char *at)
{
	uint64_t word, room;
	int i;

	memcpy(&word, at, sizeof(word));
	if (word != PERF_SAMPLE_REGS_ABI_64)
		return -EAGAIN;
	for (i = 0; i < SAMPLED; i++) {
		memcpy(&word, at += sizeof(word), sizeof(word));
		state->registers[sampled[i]] = word;
		state->known |= (uint64_t)1 << sampled[i];
	}
	take_pc(state);
	memcpy(&room, at += sizeof(word), sizeof(room));
	if (room == 0 || room > SAMPLE_STACK)
		return -EAGAIN;
	state->stack = malloc(room);
	if (!state->stack)
		return -ENOMEM;
	memcpy(state->stack, at += sizeof(room), room);
	memcpy(&word, at + room, sizeof(word));
	state->low = state->registers[UNWIND_SP];
	state->size = word < room ? word : room;
	return 0;
}

/* The first sample that is of use. */
struct taking {
	struct unwind_state *state;
	int rc;
};

static int take_sample(void *user, const struct perf_event_header *record)
{
	struct taking *taking = user;

	if (record->type == PERF_RECORD_SAMPLE)
		taking->rc = take_record(taking->state,
					 (const char *)(record + 1));
	return taking->rc == -EAGAIN;
}

int unwind_sample(struct unwind_state *state, pid_t tid)
{
	struct taking taking = { state, -EAGAIN };
	struct perf_ring ring;
	struct pollfd ready = { .events = POLLIN };
	int rc;

	rc = perf_ring_open(&ring, &sampler, tid, -1,
			    RING_PAGES * (size_t)sysconf(_SC_PAGESIZE));
	if (rc < 0)
		return rc == -ENOENT ? -EAGAIN : rc;
	ready.fd = ring.fd;
	if (poll(&ready, 1, WAIT_MS) > 0 && ready.revents & POLLIN) {
		ioctl(ring.fd, PERF_EVENT_IOC_DISABLE, 0);
		perf_ring_read(&ring, take_sample, &taking);
	}
	perf_ring_close(&ring);
	return taking.rc;
}

/* What a stop tells, in memory that this process shares with its helper. */
struct stopped {
	int rc;
	struct unwind_state state;
	char stack[UNWIND_COPY];
};

/* The stack lies in one mapping; what is above it is not readable. */
static void copy_stack(struct stopped *stopped, pid_t pid)
{
	uint64_t low = stopped->state.registers[UNWIND_SP];
	struct iovec local, remote;
	size_t size = UNWIND_COPY;
	ssize_t n = -1;

	/* What crosses the end of the mapping is read up to there. */
	for (; n <= 0 && size >= 4096; size /= 2) {
		local = (struct iovec){ stopped->stack, size };
		remote = (struct iovec){ (void *)(uintptr_t)low, size };
		n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	}
	stopped->state.low = low;
	stopped->state.size = n > 0 ? (size_t)n : 0;
}

/*
 * Wait until a thread stops. What stops it may be a signal that came first; it
 * is to be delivered when the thread goes on.
 */
static int wait_stopped(pid_t tid, int *signal)
{
	int status;
	pid_t got;

	do
		got = waitpid(tid, &status, __WALL);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (!WIFSTOPPED(status))
		return -ESRCH;
	*signal = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
	return 0;
}

static int take_stopped(struct stopped *stopped, pid_t pid, pid_t tid)
{
	struct user_regs_struct user;
	struct iovec registers = { &user, sizeof(user) };

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &registers) < 0)
		return -errno;
	take_user(&stopped->state, &user);
	copy_stack(stopped, pid);
	return 0;
}

static int stop(struct stopped *stopped, pid_t pid, pid_t tid)
{
	int rc, signal = 0;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return -errno;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		return -errno;
	rc = wait_stopped(tid, &signal);
	if (rc < 0)
		return rc;
	rc = take_stopped(stopped, pid, tid);
	ptrace(PTRACE_DETACH, tid, NULL, (void *)(intptr_t)signal);
	return rc;
}

static void help(struct stopped *stopped, pid_t pid, pid_t tid)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	stopped->rc = stop(stopped, pid, tid);
	_exit(0);
}

/* Its end of the pipe is closed when it ends. */
static int run_helper(struct stopped *stopped, pid_t pid, pid_t tid)
{
	struct pollfd over = { .events = POLLIN };
	pid_t helper;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	helper = fork();
	if (helper == 0)
		help(stopped, pid, tid);
	close(ends[1]);
	over.fd = ends[0];
	if (helper > 0) {
		while (poll(&over, 1, STOP_MS) < 0 && errno == EINTR)
			;
		kill(helper, SIGKILL);
		while (waitpid(helper, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	return helper < 0 ? -EAGAIN : stopped->rc;
}

static int take_state(struct unwind_state *state, const struct stopped *stopped)
{
	*state = stopped->state;
	state->stack = malloc(state->size ? state->size : 1);
	if (!state->stack)
		return -ENOMEM;
	memcpy(state->stack, stopped->stack, state->size);
	return 0;
}

/*
 * A thread that sleeps where nothing interrupts it (for a disk, a file server
 * that is gone, the child of vfork()) does not stop, and when it goes on it
 * would stop and wait for us. So another process asks it to; once that one has
 * ended, nobody does any more.
 */
int unwind_stop(struct unwind_state *state, pid_t pid, pid_t tid)
{
	struct stopped *stopped = mmap(NULL, sizeof(*stopped),
				       PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int rc;

	if (stopped == MAP_FAILED)
		return -errno;
	stopped->rc = -EAGAIN;
	rc = run_helper(stopped, pid, tid);
	if (rc == 0)
		rc = take_state(state, stopped);
	munmap(stopped, sizeof(*stopped));
	return rc;
}

#else

int unwind_sample(struct unwind_state *state, pid_t tid)
{
	(void)state;
	(void)tid;
	return -EINVAL;
}

int unwind_stop(struct unwind_state *state, pid_t pid, pid_t tid)
{
	(void)pid;
	return unwind_sample(state, tid);
}

#endif
