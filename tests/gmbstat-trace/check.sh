#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# gmbstat trace writes what viewers read, and what is in it is true: a program
# does what is known, and the trace must say so. Prints TAP. B is where things
# were built.

set -u
cd "$(dirname "$0")/../.." || exit 2

: "${O:=build}" "${B:=$O}" "${CC:=gcc}"
here=tests/gmbstat-trace
gmbstat=$PWD/$B/bin/gmbstat
number=0 failed=0 pids=()
out=$(mktemp -d) || exit 2

cleanup()
{
	[ ${#pids[@]} -gt 0 ] && kill -KILL "${pids[@]}" 2>/dev/null
	rm -rf "$out"
}
trap cleanup EXIT

ok() # STATUS NAME
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		head -n 20 "$out"/{said,found} 2>/dev/null | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

if [ ! -x "$gmbstat" ]; then
	echo "1..1"
	echo "ok 1 - gmbstat trace # SKIP gmbstat was not built"
	exit 0
fi
libs="-pthread $(printf '#include <liburing.h>\nint main(void){return 0;}' |
	${CC} -x c - -luring -o "$out/try" 2>/dev/null && echo -luring)"
# shellcheck disable=SC2086
if ! ${CC} -std=gnu11 -O2 -g -Iinclude $here/known.c "$B/libgiambio.a" $libs \
	-o "$out/known" >"$out/said" 2>&1; then
	ok 1 "known.c compiles"
	exit 1
fi

trace() # ARGUMENT...
{
	timeout 120 "$gmbstat" trace -o "$out/trace.json" "$@" \
		>"$out/found" 2>"$out/said"
}

query()
{
	perl $here/check-trace.pl "$out/trace.json" "$@" >"$out/found" 2>&1
}

# longest LEAST TRACK NAME: the longest such slice has so many us
longest()
{
	query slices "$2" "$3" && [ -s "$out/found" ] &&
		[ "$(sort -n "$out/found" | tail -n 1 | cut -d. -f1)" -ge "$1" ]
}

# count NUMBER TRACK NAME: there are so many such slices
count()
{
	query slices "$2" "$3" && [ "$(wc -l <"$out/found")" -eq "$1" ]
}

for backend in epoll uring; do
	export GMB_BACKEND=$backend
	if ! "$out/known" short 1 2>"$out/said"; then
		number=$((number + 1))
		echo "ok $number - $backend # SKIP it does not work here"
		continue
	fi
	trace -- "$out/known"
	ok $? "$backend: a command is traced"
	query tracks
	ok $? "$backend: the trace is as viewers want it"
	query other lost && [ "$(cat "$out/found")" = 0 ]
	ok $? "$backend: nothing is lost"
	count 101 yields runs
	ok $? "$backend: a task that yields 100 times runs 101 times"
	count 1000 short runs
	ok $? "$backend: a thousand short tasks run once each"
	query tracks && [ "$(grep -c '^short' "$out/found")" -le 100 ]
	ok $? "$backend: they share tracks"
	longest 5000 hogs runs
	ok $? "$backend: the task that holds the loop 5 ms runs as long"
	longest 20000 wants 'waits: lock'
	ok $? "$backend: who wants the lock waits 20 ms or more"
	longest 10000 'late: scopes' 'scope, deadline in 10.0 ms'
	ok $? "$backend: a scope of 10 ms is there as long"
	query marks 'late: scopes' 'deadline passes' &&
		[ "$(wc -l <"$out/found")" -eq 1 ]
	ok $? "$backend: its deadline passes"
	query marks forever cancelled && [ "$(wc -l <"$out/found")" -eq 1 ]
	ok $? "$backend: a task that is cancelled says so"
	query count wake && [ "$(cat "$out/found")" -ge 1100 ]
	ok $? "$backend: arrows lead from who wakes to who runs"
done
unset GMB_BACKEND

# The program's own clock and the trace must agree. On a busy machine the
# program may be interrupted just between two readings, but not always.
agree() # WHAT TRACK NAME
{
	query slices "$2" "$3"
	awk -v what="$1" -v traced="$(sort -n "$out/found" | tail -n 1)" '
		$1 == what {
			off = $2 > traced ? $2 - traced : traced - $2
			printf "# %s: %.0f us, traced %.0f us\n", what, $2,
				traced
			found = off <= 200 + $2 / 50
		}
		END { exit !found }' "$out/own"
}

agrees=1
for _ in 1 2 3 4 5 6 7 8; do
	trace -- "$out/known"
	cp "$out/found" "$out/own"
	agree hog hogs runs && agree lock wants 'waits: lock' &&
		agree deadline 'late: scopes' 'scope, deadline in 10.0 ms' &&
		agrees=0 && break
done
ok $agrees "known delays agree with the program's own clock within 2 % and 200 us"

trace -- "$out/known" short 40 && query tracks && query other events
ok $? "forty loops that live for less than a millisecond"
grep -q '40 loops' "$out/said"
ok $? "none of them is missed"

trace -j -- "$out/known" &&
	grep -q '"command": "trace"' "$out/found" &&
	grep -q '"lost": 0' "$out/found"
ok $? "--json tells the summary"
timeout 60 "$gmbstat" trace -o - -- "$out/known" >"$out/trace.json" \
	2>"$out/said" && query tracks
ok $? "the trace goes to the standard output"

trace -- sh -c "'$out/known'; exit 7"
[ $? -eq 7 ]
ok $? "the command's exit code is passed on"
grep -q '1 loop' "$out/said"
ok $? "loops of its children are seen"
trace -- "$out/nosuch"
[ $? -eq 127 ] && grep -q 'cannot be run' "$out/said"
ok $? "a command that is not there: 127"
trace -- true
[ $? -eq 1 ] && grep -q 'ran no giambio loop' "$out/said"
ok $? "a command without a loop: 1"
timeout 9 "$gmbstat" trace -o /nosuch/file -d 1 2>"$out/said"
[ $? -eq 4 ] && grep -q '/nosuch/file cannot be written' "$out/said"
ok $? "a file that cannot be written: 4"
trace -d 0
[ $? -eq 2 ] && grep -q 'wants seconds' "$out/said"
ok $? "a bad duration: 2"
trace -p 1 -- true
[ $? -eq 2 ] && grep -q 'not both' "$out/said"
ok $? "a process and a command: 2"
timeout 9 "$gmbstat" trace -o /dev/full -- "$out/known" 2>"$out/said"
[ $? -eq 4 ]
ok $? "a full disk: 4"

# in_background ARGUMENT...: trace; sets tracer and child, which is gmbstat
in_background()
{
	"$gmbstat" trace -o "$out/trace.json" "$@" >"$out/found" 2>"$out/said" &
	tracer=$!
	pids+=("$tracer")
	sleep 0.5
}

"$out/known" calm &
calm=$!
pids+=("$calm")
trace -d 0.5 -p "$calm"
ok $? "a process that runs is traced"
query tracks
ok $? "a trace that begins in the middle is as viewers want it"
count 0 'thread of' nothing && query slices 'thread of' runs
if grep -q 'switches are not' "$out/said"; then
	number=$((number + 1))
	echo "ok $number - the scheduler # SKIP its switches may not be seen here"
else
	[ -s "$out/found" ]
	ok $? "the scheduler's switches lie beside"
fi
in_background -d 30 -p "$calm"
kill "$calm"
wait "$calm" 2>/dev/null
kill -INT "$tracer"
wait "$tracer" && query tracks
ok $? "a process that ends meanwhile"

"$out/known" busy &
busy=$!
pids+=("$busy")
in_background -d 30 -p "$busy"
kill -STOP "$tracer"
sleep 1.5
kill -CONT "$tracer"
sleep 0.1
kill -INT "$tracer"
wait "$tracer"
ok $? "Ctrl-C ends a trace well"
grep -q 'were lost' "$out/said"
ok $? "events that nobody read in time are counted"
grep -q '"cat": "lost"' "$out/trace.json" &&
	tail -c 4000 "$out/trace.json" | grep -Eq '"lost": [1-9]'
ok $? "and marked where they are missing"
rm -f "$out/trace.json"
sleep 4
"$gmbstat" loops -j -p "$busy" >"$out/found" &&
	grep -q '"observed": false' "$out/found"
ok $? "the loop is not traced any more"
kill "$busy"
wait "$busy" 2>/dev/null
echo "1..$number"
[ "$failed" -eq 0 ]
