#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Runs the fuzzer in a machine of its own. Prints TAP.
#
#   machine.sh KERNEL OPERATIONS [SEED]
#   machine.sh -t SECONDS KERNEL [SEED]
#
# KERNEL is as for tests/vm/run.sh. Any complaint of the kernel, a leak among
# them, is a failure. The seed is printed; a run with the same one makes the
# same decisions.
# With -t it goes on for so long, however many operations that are.

set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
vm=$here/../vm
. "$vm/lib.sh"
cd "$here/../.." || exit 2

seconds=
if [ "${1:-}" = -t ]; then
	seconds=$2
	set -- "${3:-}" 0xffffffffffff "${4:-$RANDOM}"
fi
kernel=${1:?name a kernel: 6.1, 6.12, newest, kasan or kcsan}
operations=${2:?say how many operations}
seed=${3:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
limit=${seconds:+$((seconds + 600))}
: "${O:=build}"
program=$O/tests/fuzz/fuzz

# give_up STATUS TEXT... - what there is to say when a step failed
give_up()
{
	if [ "$1" = "$GMB_UNAVAILABLE" ] && [ "${CI:-}" != true ]; then
		echo "ok 1 - ${*:2} # SKIP the download is not to be had"
	else
		echo "not ok 1 - ${*:2}"
	fi
	exit
}

mkdir -p "$O/tests/fuzz" "$O/vm/fuzz"
"${CC:-gcc}" -O2 -g -Wall -std=gnu11 -D_GNU_SOURCE -static -pthread \
	-Iinclude/uapi -o "$program" tests/fuzz/*.c ||
	give_up 1 "the fuzzer compiles"
flags=()
[ "$kernel" != kasan ] || flags=(GCOV_PROFILE=y)
module=$("$vm/module.sh" -o "$O/kmod/$kernel" "$kernel" "${flags[@]}" |
	 tail -n 1) || give_up $? "the module builds for $kernel"
status=0
"$vm/run.sh" -l -t "${limit:-3000}" -m "$module" -o "$O/vm/fuzz" -f "$program" \
	"$kernel" -- fuzz "$operations" "$seed" $seconds 2>"$O/vm/fuzz/verdict" ||
	status=$?
sed 's/^/# /' "$O/vm/fuzz/verdict"
if [ "$status" = 0 ]; then
	echo "ok 2 - the kernel log of $kernel has no complaint"
else
	echo "# again: bash tests/fuzz/machine.sh $kernel $operations $seed"
	echo "not ok 2 - fuzzing $kernel ended with $status"
fi
