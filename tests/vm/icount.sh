#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Measures exactly: runs a command in a machine whose clock is the count of
# its instructions, one virtual nanosecond each, on one CPU and with nothing
# random, so that every time it reads, by any clock, is a number of
# instructions and comes out the same to the digit in every run, however busy
# the host is.
#
#   icount.sh [OPTION of run.sh...] KERNEL -- COMMAND [ARGUMENT...]
#   icount.sh -p [KERNEL]
#
# What it does not count: caches, contention, the cost of switching between
# user and kernel mode. The command starts after three idle seconds, which
# cost nothing, so that late work of the boot is over. A program should
# print at its end, not between two readings of the clock.
#
# -p proves it, as TAP: the same program in two machines, the second one on a
# host that is kept busy, must print the same.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

# proof KERNEL
proof()
{
	local hog status=0

	work=$(mktemp -d "${TMPDIR:-/tmp}/giambio-icount.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	"${CC:-cc}" -O2 -static -o "$work/exact" "$here/exact.c" ||
		die "exact.c does not compile"
	"$here/run.sh" -x -f "$work/exact" "$1" -- exact >"$work/one" ||
		status=$?
	if [ "$status" = "$GMB_UNAVAILABLE" ] && [ "${CI:-}" != true ]; then
		echo "ok 1 - exact machine # SKIP the kernel is not to be had"
		exit
	fi
	while :; do :; done &
	hog=$!
	trap 'kill "$hog"; rm -rf "$work"' EXIT
	"$here/run.sh" -x -f "$work/exact" "$1" -- exact >"$work/two" ||
		status=$?
	sed 's/^/# /' "$work/one"
	if [ "$status" = 0 ] && [ -s "$work/one" ] &&
	   cmp -s "$work/one" "$work/two"; then
		echo "ok 1 - two runs count the same instructions"
	else
		diff "$work/one" "$work/two" | sed 's/^/# /'
		echo "not ok 1 - two runs count the same instructions"
	fi
	if awk '/^loop/ { good = $2 >= 2000 && $2 < 2030 }
		END { exit !good }' "$work/one"; then
		echo "ok 2 - a loop of two instructions counts as two"
	else
		echo "not ok 2 - a loop of two instructions counts as two"
	fi
	echo 1..2
}

if [ "${1:-}" = -p ]; then
	proof "${2:-6.1}"
	exit
fi
exec "$here/run.sh" -x "$@"
