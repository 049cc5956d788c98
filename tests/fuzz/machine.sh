#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Runs the fuzzer in a machine of its own. Prints TAP.
#
#   machine.sh [-c] KERNEL OPERATIONS [SEED]
#   machine.sh [-c] -t SECONDS KERNEL [SEED]
#
# KERNEL is as for tests/vm/run.sh. Any complaint of the kernel, a leak among
# them, is a failure. The seed is printed; a run with the same one makes the
# same decisions.
# With -t it goes on for so long, however many operations that are. With -c, on
# kasan, it tells which share of the module's lines it has run.

set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
vm=$here/../vm
. "$vm/lib.sh"
cd "$here/../.." || exit 2

seconds= coverage= limit=3500
while getopts ct: opt; do
	case $opt in
	c) coverage=1 ;;
	t) seconds=$OPTARG limit=$((OPTARG + 600)) ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
kernel=${1:?name a kernel: 6.1, 6.12, newest, kasan or kcsan}
if [ -n "$seconds" ]; then
	set -- "$kernel" 0xffffffffffff "${2:-}"
fi
operations=${2:?say how many operations}
seed=${3:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
: "${O:=build}"
work=$O/vm/fuzz-$kernel
program=$work/fuzz
# A folder of its own: other suites build the module, too, at the same time.
build=$O/kmod/fuzz-$kernel${coverage:+-lines}

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

bash "$here/build.sh" "$program" || give_up 1 "the fuzzer compiles"
module=$("$vm/module.sh" -o "$build" "$kernel" ${coverage:+GCOV_PROFILE=y} |
	 tail -n 1) || give_up $? "the module builds for $kernel"
options=(-l -t "$limit" -m "$module" -o "$work" -f "$program")
if [ -n "$coverage" ]; then
	rm -rf "$work/gcov"
	options+=(-d "/sys/kernel/debug/gcov:$work/gcov")
fi
status=0
# The number of tests is not the program's to say.
"$vm/run.sh" "${options[@]}" "$kernel" -- \
	fuzz "$operations" "$seed" $seconds 2>"$work/verdict" |
	sed -u '/^1\.\.1$/d' || status=$?
sed 's/^/# /' "$work/verdict"
if [ "$status" = 0 ]; then
	echo "ok 2 - the kernel log of $kernel has no complaint"
else
	again="$kernel $operations $seed"
	[ -z "$seconds" ] || again="-t $seconds $kernel $seed"
	echo "# again: bash tests/fuzz/machine.sh $again"
	echo "not ok 2 - fuzzing $kernel ended with $status"
fi
if [ -n "$coverage" ]; then
	bash "$vm/coverage.sh" "$work/gcov" "$build" >"$work/lines"
	sed -n -e 's/^\(not \)*ok 1 - /# /p' -e '/ % of /p' "$work/lines"
fi
exit $((status != 0))
