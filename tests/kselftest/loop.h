/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * What the tests share: a context of /dev/giambio through the raw ABI, pairs
 * of sockets, and helpers that run in the background of a trap. Nothing here
 * decides whether a test passes; calls return what the kernel said.
 */
#ifndef GMB_SELFTEST_LOOP_H
#define GMB_SELFTEST_LOOP_H

#include <linux/giambio.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

/* For emulated machines on which every access to memory is checked. */
#ifdef TEST_TIMEOUT_DEFAULT
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	300
#endif

#define MS		1000000ULL
/* Longer than anything takes on the slowest machine. */
#define LONG		(20000 * MS)
/* What loop_next() leaves where there is no completion. */
#define NONE		0xdeadbeefdeadbeefULL

struct loop {
	int fd;
	struct gmb_ioc_setup setup;
	struct gmb_ioc_ring *ring;
	struct gmb_ioc_op *sq;
	struct gmb_ioc_cqe *cq;
	unsigned int head;	/* completions read */
};

/* Each returns 0 or -errno. */
int loop_open(struct loop *l);
int loop_setup(struct loop *l, unsigned int sq, unsigned int cq);
int loop_map(struct loop *l);
int loop_init(struct loop *l, unsigned int sq, unsigned int cq);
void loop_fini(struct loop *l);
void loop_unmap(struct loop *l);

/* The next entry of the submission ring, filled in and handed over. */
struct gmb_ioc_op *loop_op(struct loop *l, int opcode, unsigned int slot,
			   unsigned long long user_data);
struct gmb_ioc_op *loop_buf(struct loop *l, int opcode, unsigned int slot,
			    unsigned long long user_data, const void *buf,
			    size_t len);

/*
 * Completions posted, or -errno. A trap may return early with none, when the
 * kernel has something to do on the way back to the program, as newer ones
 * have for any thread now and then; all but the last go on waiting then.
 */
int loop_trap(struct loop *l, unsigned int min);
int loop_trap_for(struct loop *l, unsigned int min, unsigned int batch,
		  unsigned long long timeout);
int loop_trap_once(struct loop *l, unsigned int min, unsigned int batch,
		   unsigned long long timeout);

/*
 * The same in as many traps as it takes: one may also return early with some
 * of what was asked for. Ends with the first that posts nothing in its time.
 */
int loop_gather(struct loop *l, unsigned int min, unsigned int batch,
		unsigned long long timeout);

/* Read a completion; without one, user_data is NONE and the rest poison. */
struct gmb_ioc_cqe loop_next(struct loop *l);

/*
 * Submit what was put, expect one completion at once, and return its res. An
 * impossible number tells that there was none, or more than one.
 */
#define LOOP_NOTHING	(-100000)
#define LOOP_SEVERAL	(-100001)
int loop_result(struct loop *l);

/* Add or drop a watch whose slot is its descriptor. */
int loop_watch(struct loop *l, int fd);
int loop_unwatch(struct loop *l, int fd);
int loop_task(struct loop *l, unsigned int slot, unsigned int tag,
	      unsigned long long user_data, unsigned int slack);
int loop_cancel(struct loop *l, unsigned int slot, unsigned long long what);
int wake(int fd, unsigned long long target);

int pair_unix(int fd[2]);
int pair_tcp(int fd[2]);
unsigned long long now(void);
void pause_ms(unsigned int ms);

/*
 * What a thread does to a loop that sleeps, once: not before ms have passed,
 * and not before the thread that started it sleeps.
 */
struct later {
	pthread_t thread;
	pid_t starter;
	unsigned int ms;
	void (*fn)(struct later *l);
	struct loop *loop;
	int fd;
	unsigned long long target;
	int ret;
};

int later_start(struct later *l);
void later_end(struct later *l);
void later_write(struct later *l);
void later_wake(struct later *l);

/* Number in a file under /sys or /proc, or -errno. */
long number_get(const char *path);
int number_set(const char *path, const char *value);

#define MODULE_DIR	"/sys/module/giambio/"

/* Wait until nobody uses the module more than users times. Uses left. */
long module_users(long users);

/* How a child ended that has said what went wrong: 0 is well. */
int ended(int pid);

/* In a child: whether it holds; if not, the line is told. */
#define MUST(x) do {							\
	if (!(x)) {							\
		fprintf(stderr, "# line %d: " #x "\n", __LINE__);	\
		_exit(1);						\
	}								\
} while (0)

#endif /* GMB_SELFTEST_LOOP_H */
