#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# gdb must walk the stack of a running task down to its entry function and no
# further, and the stack of a suspended one from the three saved registers.
# Compiled here, because the optimisation is what is varied. Prints TAP.

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
n=0

tap() { # WORD NAME
	n=$((n + 1))
	echo "$1 $n - $2"
}

if ! command -v gdb >/dev/null || [ "$(uname -m)" != x86_64 ]; then
	echo "1..1"
	echo "ok 1 - gdb walks tasks # SKIP needs gdb on x86-64"
	exit 0
fi

# The functions of a backtrace, innermost first, on one line. gdb takes a name
# with __ that has no debugging information for Ada, and shows a dot.
functions() { # FILE MARKER
	sed -n "/^BEGIN $2\$/,/^END $2\$/p" "$1" | grep '^#' |
		sed -E 's/^#[0-9]+ +(0x[0-9a-f]+ in )?([A-Za-z0-9_.]+).*/\2/' |
		sed 's/^gmb[.]/gmb__/' |
		tr '\n' ' '
}

check() { # NAME FOUND EXPECTED
	if [ "$2" = "$3" ]; then
		tap ok "$1"
	else
		tap "not ok" "$1"
		echo "# found:    $2"
		echo "# expected: $3"
	fi
}

cat >"$out/commands" <<'COMMANDS'
set confirm off
set pagination off
set debuginfod enabled off
break stop_here
run
echo BEGIN running\n
bt
echo END running\n
set $rsp = suspended.sp
set $rip = suspended.pc
set $rbp = suspended.bp
echo BEGIN suspended\n
bt
echo END suspended\n
COMMANDS

tail="middle task_main gmb__context_start "
for flags in -O0 -O2 "-O2 -fno-omit-frame-pointer" "-O2 -fPIC"; do
	if ! ${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -g $flags \
		-fno-optimize-sibling-calls -I"$root/lib" "$here/walk.c" \
		"$root"/lib/coro/*.c -pthread -o "$out/walk"; then
		tap "not ok" "walk.c compiles with $flags"
		continue
	fi
	gdb -nx -batch -x "$out/commands" "$out/walk" >"$out/log" 2>&1
	check "a running task is walked to its entry, $flags" \
		"$(functions "$out/log" running)" "stop_here innermost $tail"
	# gmb__context_jump is inlined, but shown as a frame.
	check "a suspended task is walked from sp, pc, bp, $flags" \
		"$(functions "$out/log" suspended |
			sed -E 's/gmb__context_(jump|switch) //g')" \
		"innermost $tail"
done
echo "1..$n"
