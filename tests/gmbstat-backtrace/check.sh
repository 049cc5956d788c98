#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The stacks of another process's tasks name the right functions and lines: of
# tasks that wait, that run for ever, and that block their thread; in programs
# that were built in different ways. Prints TAP. B is where things were built.

set -u
cd "$(dirname "$0")/../.." || exit 2
here=tests/gmbstat-backtrace

: "${O:=build}" "${B:=$O}" "${CC:=gcc}"
number=0 failed=0 pid=
out=$(mktemp -d) || exit 2
trap 'stop; rm -rf "$out"' EXIT

stop()
{
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	pid=
}

skip_all()
{
	echo "1..1"
	echo "ok 1 - stacks of other processes # SKIP $1"
	exit 0
}

# ok STATUS NAME: a line of TAP, with what was found if it failed
ok()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		head -n 20 "$out"/{log,found} 2>/dev/null | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

# stack NAME FUNCTION...: the task's stack ends with these functions, the
# innermost first, between the library's ends
stack()
{
	local name=$1 want
	shift
	want=$(printf '%s@stacks.c:[0-9]+ ' "$@")
	grep -Eq "^$name .* ${want}(~?[a-z_]+@[a-z]+\.[ch]:[0-9]+ )*gmb__context_start = 0\$" \
		"$out/found" ||
		grep -Eq "^$name ${want}.*gmb__context_start = 0\$" "$out/found"
}

# line NAME FUNCTION TEXT: the frame's line is the source's that has TEXT
line()
{
	local at
	at=$(grep -nF "$3" $here/stacks.c | head -n 1 | cut -d: -f1)
	grep -Eq "^$1 .*\\b$2@stacks.c:$at " "$out/found"
}

# start ARGUMENT...: the program, until its task hangs
start()
{
	: >"$out/said"
	"$out/stacks" "$@" >"$out/said" 2>&1 &
	pid=$!
	for _ in $(seq 200); do
		grep -q hangs "$out/said" && sleep 0.05 && return 0
		sleep 0.05
	done
	return 1
}

walk()
{
	timeout 60 "$out/walk" "$pid" "$@" >"$out/found" 2>&1
}

packages="libdw libnl-3.0 libnl-genl-3.0"
# shellcheck disable=SC2086 # a list of words
pkg-config --exists $packages || skip_all "needs libdw and libnl"
case $(uname -m) in
x86_64 | aarch64) ;;
*) skip_all "the switch of this machine keeps no registers" ;;
esac

# shellcheck disable=SC2046,SC2086
${CC} -std=gnu11 -D_GNU_SOURCE -g -O1 -Iinclude -Itools $here/walk.c \
	tools/gmbstat/{backtrace,symbols,unwind_thread,perf_ring}.c tools/common/*.c \
	$(pkg-config --cflags --libs $packages) -lm -o "$out/walk" \
	>"$out/log" 2>&1 || { ok 1 "walk.c compiles"; exit 1; }

libs="-pthread $(printf '#include <liburing.h>\nint main(void){return 0;}' |
	${CC} -x c - -luring -o "$out/try" 2>/dev/null && echo -luring)"

waiting_and_running()
{
	stack sleeps sleeps_inner sleeps_outer sleeps
	ok $? "$1: a task that sleeps"
	stack locks locks_inner locks
	ok $? "$1: a task that waits for a lock"
	stack receives receives_inner receives
	ok $? "$1: a task that receives"
	stack hangs hangs_inner hangs_outer hangs
	ok $? "$1: a task that runs for ever"
}

build()
{
	# shellcheck disable=SC2086
	${2:-$CC} -std=gnu11 -g $1 -Iinclude $here/stacks.c \
		"$B/libgiambio.a" $libs -o "$out/stacks" >"$out/log" 2>&1
}

variant() # FLAGS [COMPILER]
{
	local name="${2:-$CC} $1"
	if ! build "$1" "${2:-}"; then
		ok 1 "$name: compiles"
		return
	fi
	start
	ok $? "$name: starts"
	walk
	waiting_and_running "$name"
	stop
}

variant "-O2 -fPIE -pie"
variant "-O0 -no-pie"
variant "-O2 -fno-omit-frame-pointer"
variant "-O2 -static"
command -v clang >/dev/null && variant "-O2" clang

build "-O2" && start
walk
line sleeps sleeps_inner "return gmb_sleep(600"
ok $? "the line of a call is its own, not the next"
line locks locks_inner "return gmb_lock_acquire"
ok $? "so is the line of a lock"
grep -q "^sleeps ~gmb__context_jump" "$out/found"
ok $? "inlined functions are frames"
before=$(cut -d' ' -f14 "/proc/$pid/stat")
sleep 0.3
after=$(cut -d' ' -f14 "/proc/$pid/stat")
[ "$(awk '/^State/ { print $2 }' "/proc/$pid/status")" = R ] &&
	[ "$after" -gt "$before" ]
ok $? "the process runs on"

mv "$out/stacks" "$out/gone" && rm "$out/gone"
walk
stack receives receives_inner receives
ok $? "a program that was removed meanwhile"
stop

build "-O2" && strip "$out/stacks" && start
walk
# The end of the stack is found without symbols; names are not.
grep -q '^sleeps ? .* = 0$' "$out/found"
ok $? "a stripped program: addresses to the end of the stack"
stop

build "-O0" && start block
walk
stack locks locks_inner locks
ok $? "a thread that blocks: its waiting tasks"
walk stop
grep -Eq '^hangs .*hangs_inner@stacks.c:[0-9]+ hangs_outer@.* = 0$' "$out/found"
ok $? "a thread that blocks: its running task"
kill -0 "$pid" && [ "$(awk '/^State/ { print $2 }' "/proc/$pid/status")" = S ]
ok $? "it blocks on"
stop

build "-O2" && start block
walk
grep -Eq '^hangs .*hangs_inner@stacks.c:[0-9]+ hangs_outer@.* = 0$' "$out/found"
ok $? "a thread that blocks, not stopped"
stop

walk
[ $? -eq 1 ]
ok $? "a process that is not there is an error"
echo "1..$number"
[ "$failed" -eq 0 ]
