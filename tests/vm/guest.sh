#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The test run inside the machine: guest.sh SECONDS FOLDER... runs every
# program in the folders, each for at most SECONDS, and prints their TAP as
# one: names begin with the program's, plans are checked here and dropped. A
# program that ends badly without saying "not ok", or runs no test, is a
# failed test itself; one that ends with 4 (the kernel's sign for a skipped
# test) is a skipped one. Each program is announced in the kernel log, so that
# a complaint there can be laid at its door.

limit=$1
shift

# Where failures are injected, they may hit every kind of allocation; who is
# hit is for the test to say.
for f in failslab fail_page_alloc fail_usercopy; do
	d=/sys/kernel/debug/$f
	[ -d "$d" ] || continue
	echo 0 >"$d/verbose"
	[ ! -e "$d/ignore-gfp-wait" ] || echo N >"$d/ignore-gfp-wait"
	[ ! -e "$d/min-order" ] || echo 0 >"$d/min-order"
done
# Where races are looked for, one of so many accesses is watched. The kernel's
# own choice, 4000, is for days of running, not minutes.
skip=/sys/module/kcsan/parameters/skip_watch
[ ! -e "$skip" ] || echo 50 >"$skip"
ulimit -n 65536

for dir in "$@"; do
	for program in "$dir"/*; do
		[ -x "$program" ] || continue
		name=${dir##*/}.${program##*/}
		echo "giambio-test: $name" >/dev/kmsg
		echo "# $name"
		{
			start=$(date +%s)
			timeout -k 5 "$limit" "$program" 2>&1
			echo "giambio-status $? $(($(date +%s) - start))"
		} | awk -v name="$name" -v limit="$limit" '
		/^giambio-status / { status = $2; took = $3; next }
		/^TAP version/ { next }
		/^1\.\.[0-9]+/ { plan += substr($1, 4); planned = 1; next }
		/^(not )?ok( |$)/ {
			count++
			bad += /^not /
			sub(/^(not )?ok *[0-9]* *(- )?/, "&" name ": ")
			print
			next
		}
		/^Bail out!/ { print "not ok - " name ": " $0; bad++; next }
		{ print "# " $0 }
		END {
			print "# " name " took " took " s"
			if (status == 124 || status == 143)
				print "not ok - " name ": no end in " limit " s"
			else if (status == 4 && !count)
				print "ok - " name ": left out # SKIP"
			else if (status && !bad)
				print "not ok - " name ": ended with " status
			else if (!count)
				print "not ok - " name ": ran no test"
			if (planned && plan != count && !bad && !status)
				print "not ok - " name ": ran " count \
					" tests of " plan
		}'
	done
done
echo "giambio-test: end" >/dev/kmsg
