# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# idle: system calls that an idle giambio program starts within two seconds
# while its tasks wait: one in accept, one for an event, one for a receive, one
# in a sleep of a minute. It prints a line when all of them wait.

idle_count()
{
	local backend=$1 pid tracer i

	GMB_BACKEND=$backend "$D/idle_giambio" >"$TMP/idle.out" 2>"$TMP/err" &
	pid=$!
	pids+=("$pid")
	for ((i = 0; i < 100; i++)); do
		[ -s "$TMP/idle.out" ] && break
		sleep 0.02
	done
	if ! [ -s "$TMP/idle.out" ]; then
		skip idle "giambio-$backend" "$(tail -n 1 "$TMP/err")"
		stop_all
		return
	fi
	sleep 0.2
	strace -f -q -o "$TMP/idle.strace" -p "$pid" 2>"$TMP/err" &
	tracer=$!
	sleep 2.2
	kill -INT "$tracer" 2>/dev/null
	wait "$tracer" 2>/dev/null
	stop_all
	# The call that the program sleeps in was started before, and attaching
	# shows it once, as unfinished or restarted.
	if ! [ -e "$TMP/idle.strace" ]; then
		skip idle "giambio-$backend" "strace: $(tail -n 1 "$TMP/err")"
		return
	fi
	record idle "2 s" "giambio-$backend" 1 \
		"calls=$(awk '/ = |resumed/ && !/strace: Process/ { n++ }
			END { print n + 0 }' "$TMP/idle.strace")"
}

run_idle()
{
	local backend

	if ! command -v strace >/dev/null; then
		skip idle giambio "needs strace"
		return
	fi
	command_used "idle: GMB_BACKEND=BACKEND $D/idle_giambio, strace -f -p PID"
	for backend in epoll uring kmod; do
		[ "$backend" = kmod ] && ! [ -e /dev/giambio ] && continue
		wanted "giambio-$backend" idle_giambio || continue
		progress "idle $backend"
		idle_count "$backend"
	done
}
