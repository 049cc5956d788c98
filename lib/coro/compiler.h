/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Copyright (C) 2026 The giambio developers
 *
 * What differs between compilers and build variants, found once: branch
 * hints, and which tools watch this build.  The variant macros are always
 * defined, as 0 or 1, so that a misspelt one is caught by -Wundef.
 *
 *   GMB__UCONTEXT  the switch is swapcontext(): asked for with UCONTEXT=1,
 *                  or no assembly exists for this machine
 *   GMB__ASAN      AddressSanitizer
 *   GMB__TSAN      ThreadSanitizer
 *   GMB__VALGRIND  Valgrind's client requests (ucontext builds only: Valgrind
 *                  does not follow a switch that is jumped to in the middle)
 *   GMB__OBSERVE   0 in builds whose only purpose is to measure what it costs
 *                  to be observable while nobody observes (OBSERVE=0)
 */
#ifndef GMB_LIB_CORO_COMPILER_H
#define GMB_LIB_CORO_COMPILER_H

#define gmb__likely(x)		__builtin_expect(!!(x), 1)
#define gmb__unlikely(x)	__builtin_expect(!!(x), 0)
#define gmb__always_inline	inline __attribute__((always_inline))

/* Thread-local and readable in a signal handler: never allocated lazily. */
#define gmb__thread_local \
	__thread __attribute__((tls_model("initial-exec")))

#ifdef __has_feature
#define gmb__has_feature(x)	__has_feature(x)
#else
#define gmb__has_feature(x)	0
#endif

#if defined(__SANITIZE_ADDRESS__) || gmb__has_feature(address_sanitizer)
#define GMB__ASAN	1
#else
#define GMB__ASAN	0
#endif

#if defined(__SANITIZE_THREAD__) || gmb__has_feature(thread_sanitizer)
#define GMB__TSAN	1
#else
#define GMB__TSAN	0
#endif

#if defined(GMB_UCONTEXT)
#define GMB__UCONTEXT	1
#elif (defined(__x86_64__) && !defined(__ILP32__)) || \
	(defined(__aarch64__) && !defined(__ILP32__))
#define GMB__UCONTEXT	0
#else
#define GMB__UCONTEXT	1
#endif

#if defined(GMB_UCONTEXT) && __has_include(<valgrind/memcheck.h>)
#define GMB__VALGRIND	1
#else
#define GMB__VALGRIND	0
#endif

/*
 * What was stored is to be seen by other processes before what follows.
 * ThreadSanitizer knows no fences, nor does it see other processes.
 */
#if GMB__TSAN
#define gmb__release_fence()	__asm__ volatile("" ::: "memory")
#else
#define gmb__release_fence()	__atomic_thread_fence(__ATOMIC_RELEASE)
#endif

#if defined(GMB_NO_OBSERVE)
#define GMB__OBSERVE	0
#else
#define GMB__OBSERVE	1
#endif

#endif /* GMB_LIB_CORO_COMPILER_H */
