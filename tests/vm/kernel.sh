#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The tests of the kernel module: builds it for a kernel, boots that in a
# machine of its own, and runs there what lies in tests/kselftest and, on the
# module as their backend, the library's suites. Prints TAP.
#
#   kernel.sh KERNEL [selftests]     6.1, 6.12, newest, kasan or kcsan
#
# With `selftests` the library's suites are left out: they take twice as long
# as the module's own tests.
#
# O and B are the output folders, as for make. On the debug kernels leaks are
# looked for, and kasan counts the lines of the module that were run (see
# coverage.sh). A kernel that cannot be had is a skipped test, and with
# CI=true a failed one.

set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
cd "$here/../.." || exit 2

kernel=${1:?name a kernel: 6.1, 6.12, newest, kasan or kcsan}
part=${2:-all}
: "${O:=build}" "${B:=$O}"
work=$O/vm/$kernel
module_folder=$O/kmod/tested-$kernel
kasan_suites="run scope socket file connect serve reader mailbox thread kmod"
kcsan_suites="socket mailbox thread kmod"
number=0

# result ok|"not ok" TEXT... - one test of ours
result()
{
	number=$((number + 1))
	printf '%s %d - %s\n' "$1" "$number" "${*:2}"
}

# give_up STATUS TEXT... - what there is to say when a step failed
give_up()
{
	local verdict="not ok" why=

	if [ "$1" = "$GMB_UNAVAILABLE" ] && [ "${CI:-}" != true ]; then
		verdict=ok why=" # SKIP the download is not to be had"
		note "$kernel is SKIPPED: see above"
	fi
	shift
	result "$verdict" "$*$why"
	exit
}

# compile_module - print the path of the module
compile_module()
{
	local flags=()

	# Lines are counted by subtraction: what another CPU did must not get
	# lost.
	[ "$kernel" != kasan ] ||
		flags=(GCOV_PROFILE=y KCFLAGS=-fprofile-update=atomic)
	"$here/module.sh" -c -o "$module_folder" "$kernel" "${flags[@]}" |
		tail -n 1
}

# wrap NAME LINE - a program of the suites that is a line of shell
wrap()
{
	printf '#!/bin/sh\n%s\n' "$2" >"$work/suites/$1"
	chmod +x "$work/suites/$1"
}

# collect_library - the library's tests and what they need: programs in
# $work/library, laid out as in $B, and in $work/suites what is to be run. The
# machine is emulated and slow, so it tries fewer random schedules.
#
# On a debug kernel, slower by another factor of five, only what has the module
# do something that tests/kselftest does not: suites whose tasks use files and
# other loops, and the stress with threads. Stacks, timers and what tasks do
# with each other never come to the kernel; the examples do so on stock ones.
# For races only what has several threads, or two that share a file, counts.
collect_library()
{
	local program name suites=

	rm -rf "$work/suites" "$work/library"
	mkdir -p "$work/suites" "$work/library/tests"
	cp -r "$B/tests/probe" "$B/tests/stress" "$work/library/tests/"
	cp -r "$B/examples" "$work/library/"
	find "$work/library" -name '*.[od]' -delete
	wrap stress.threads \
		'COUNT=50 exec /tests/library/tests/stress/threads'
	case $kernel in
	kasan) suites=$kasan_suites ;;
	kcsan) suites=$kcsan_suites ;;
	esac
	if [ -n "$suites" ]; then
		cp "$B/tests/unit/unit" "$work/library/"
		wrap unit "exec /tests/library/unit $suites"
		return
	fi
	cp tests/examples/check.sh "$work/library/examples.sh"
	cp "$B/tests/unit/unit" "$work/suites/"
	wrap examples 'export B=/tests/library BACKENDS=kmod
		exec bash $B/examples.sh'
	for program in "$work"/library/tests/stress/*; do
		name=${program##*/}
		[ "$name" != threads ] || continue
		wrap "stress.$name" "exec /tests/library/tests/stress/$name"
	done
	wrap stress.schedule \
		'COUNT=500 exec /tests/library/tests/stress/schedule'
}

# add_compat - the same as 32-bit programs, where there is a compiler for them
add_compat()
{
	local text="tests/kselftest compiles with -m32"

	if ! echo 'int main(void) { return 0; }' |
	     gcc -m32 -static -x c -o "$work/compat" - 2>"$work/compat.log" &&
	   [ "${CI:-}" != true ]; then
		note "install libc6-dev-i386 and lib32gcc-dev of the compiler"
		result ok "$text # SKIP no 32-bit library"
		return
	fi
	bash "$here/kselftests.sh" "$harness" "$work/kselftest32" -m32 ||
		give_up 1 "$text"
	result ok "$text"
	options+=(-f "$work/kselftest32:/tests/kselftest32")
	folders+=(/tests/kselftest32)
}

mkdir -p "$work"
harness=$("$here/kernels.sh" harness) || give_up $? "the kselftest harness"
module=$(compile_module 2>&1 >"$work/module" | sed 's/^/# /' >&2
	 exit "${PIPESTATUS[0]}") || give_up $? "the module builds for $kernel"
module=$(cat "$work/module")
result ok "the module builds for $kernel without a warning"
bash "$here/kselftests.sh" "$harness" "$work/kselftest" ||
	give_up 1 "tests/kselftest compiles"

limit=120
options=(-m "$module" -t 2400 -o "$work" -f "$work/kselftest:/tests/kselftest"
	 -f "$here/guest.sh:/tests/guest.sh")
folders=(/tests/kselftest)
case $kernel in
6.12|newest)
	add_compat ;;
esac
if [ "$part" = all ]; then
	collect_library
	options+=(-r 2048 -f "$work/library:/tests/library"
		  -f "$work/suites:/tests/suites" -f /bin/bash:/bin/bash
		  -f /usr/bin/env -e GMB_BACKEND=kmod
		  -e CK_TIMEOUT_MULTIPLIER=10 -e GMB_TEST_LEVEL=check)
	folders+=(/tests/suites)
	limit=600
fi
case $kernel in
kasan|kcsan)
	limit=$((limit * 6))
	options+=(-l -t 5400 -e CK_TIMEOUT_MULTIPLIER=60) ;;
esac
if [ "$kernel" = kasan ]; then
	rm -rf "$work/gcov" "$work/reload"
	mkdir -p "$work/reload"
	"${CC:-gcc}" -O2 -static -o "$work/reload/reload" "$here/reload.c" ||
		give_up 1 "reload.c compiles"
	options+=(-d "/sys/kernel/debug/gcov:$work/gcov"
		  -f "$work/reload:/tests/reload")
	folders+=(/tests/reload)
fi
status=0
"$here/run.sh" "${options[@]}" "$kernel" -- \
	sh /tests/guest.sh "$limit" "${folders[@]}" 2>"$work/verdict" ||
	status=$?
sed 's/^/# /' "$work/verdict"
case $status in
0)	result ok "the kernel log of $kernel has no complaint" ;;
99)	result "not ok" "the kernel log of $kernel has complaints" ;;
*)	give_up "$status" "the machine with $kernel came to its end" ;;
esac
if [ "$kernel" = kasan ]; then
	bash "$here/coverage.sh" "$work/gcov" "$module_folder" ||
		result "not ok" "every line of the module is run or excused"
fi
