#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The module's trace events as people use them: perf and bpftrace look at one
# run of an example in a machine and must count the same. Prints TAP. (ftrace is
# what tests/kselftest/trace.c reads.)
#
#   tracers.sh KERNEL

set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
cd "$here/../.." || exit 2

kernel=${1:?name a kernel: 6.1, 6.12 or newest}
: "${O:=build}" "${B:=$O}"

module=$("$here/module.sh" -o "$O/kmod/traced-$kernel" "$kernel" | tail -n 1)
status=$?
if [ "$status" = "$GMB_UNAVAILABLE" ] && [ "${CI:-}" != true ]; then
	echo "ok 1 - perf and bpftrace # SKIP the kernel is not to be had"
	echo 1..1
	exit
elif [ "$status" != 0 ]; then
	echo "not ok 1 - the module builds for $kernel"
	echo 1..1
	exit
fi
# bpftrace brings a compiler along.
if ! "$here/run.sh" -m "$module" -r 3072 -t 600 \
	-f "$(command -v bpftrace)" -f "$(command -v perf)" \
	-f "$B/examples/echo_server" -f "$B/examples/echo_client" \
	-f "$here/tracers-guest.sh:/tests/tracers.sh" "$kernel" -- \
	sh /tests/tracers.sh; then
	echo "not ok 4 - the machine with $kernel came to its end"
	echo 1..4
fi
