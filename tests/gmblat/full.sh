#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# gmblat on the kernel module, in a machine whose clock counts instructions: so
# what slack does can be held against what it should do, to the microsecond.
# B and O are the output folders.

set -u

: "${B:=build}" "${O:=$B}"
kernel=6.12
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
number=0 failed=0

verdict()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		tail -n 30 "$scratch/said" | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

leave_out()
{
	echo "ok 1 - gmblat on the module # SKIP $*"
	echo 1..1
	exit
}

[ -x "$B/bin/gmblat" ] || leave_out "it was not built"
perl -MJSON::PP -e 1 2>/dev/null || leave_out "perl has no JSON::PP here"
module=$(tests/vm/module.sh -c -o "$O/kmod/$kernel" "$kernel" \
	2>"$scratch/said" | tail -n 1)
if [ "${PIPESTATUS[0]}" != 0 ] || [ ! -f "$module" ]; then
	tail -n 5 "$scratch/said" | sed 's/^/# /'
	leave_out "there is no module for $kernel here"
fi

# machine NAME LINE... - run this in a machine; what it leaves is in NAME
machine()
{
	local name=$1

	shift
	printf '%s\n' "mkdir -p /out" "$@" >"$scratch/guest.sh"
	tests/vm/run.sh -x -r 1024 -t 500 -m "$module" -f "$B/bin/gmblat" \
		-f "$scratch/guest.sh:/guest.sh" -d "/out:$scratch/$name" \
		"$kernel" -- sh -e /guest.sh >"$scratch/said" 2>&1
}

# look COMMAND RESULTS ARGUMENT... - as results.pl
look()
{
	perl tests/gmblat/results.pl "$1" "$scratch/one/$2.json" "${@:3}" \
		>>"$scratch/said" 2>&1
}

machine one \
	"gmblat -j -s 1 -b kmod -n 300 -r 1 -S 0,100us,1ms,5ms batch >/out/batch.json" \
	"gmblat -j -s 1 -n 100 -r 1 -c 1,5000 connections >/out/connections.json" \
	"gmblat -j -s 1 -n 1000 -r 1 -c 0 -H 0 --hold 5ms load >/out/load.json" \
	"gmblat -j -s 1 -n 50 -r 1 wake timers cross >/out/others.json"
verdict $? "every experiment runs on the module"
for name in batch connections load others; do
	look schema "$name" &&
		grep -q '"virtual_time": true' "$scratch/one/$name.json"
	verdict $? "$name: as in the manual, and marked as virtual time"
done

look within others latency.p50_ns 3000 40000 '^(pipe|eventfd|unix|tcp)/'
verdict $? "a wakeup takes some ten thousand instructions"
look within batch latency.p99_ns 10000 50000 '^slack 0/' &&
	look within batch latency.p99_ns 100000 160000 '^slack 100 us/' &&
	look within batch latency.p99_ns 900000 1150000 '^slack 1.00 ms/' &&
	look within batch latency.max_ns 3000000 5200000 '^slack 5.00 ms/'
verdict $? "what has slack is late by that, and not by more"
look within batch urgent.p99_ns 5000 200000
verdict $? "what has none does not wait for it"
look within batch sleeps_per_s 10000 30000 '^slack 0/' &&
	look within batch sleeps_per_s 500 2500 '^slack 1.00 ms/'
verdict $? "the loop sleeps a tenth as often with a slack of 1 ms"
# The source has to share the one processor with what holds the loop, so how
# many events it makes meanwhile is the scheduler's choice.
look within load latency.max_ns 3000000 5500000
verdict $? "a loop that is held for 5 ms is seen"
look within connections latency.p50_ns 3000 25000
verdict $? "5000 idle connections make no event slower"

# A machine is the same only if all that it is given is.
wake="gmblat -j -s 1 -n 100 -r 1 -k pipe,tcp wake >/out/wake.json"
machine two "$wake" && machine three "$wake" &&
	cmp "$scratch/two/wake.json" "$scratch/three/wake.json" \
		>>"$scratch/said" 2>&1
verdict $? "another machine counts the same"
echo "1..$number"
[ "$failed" -eq 0 ]
