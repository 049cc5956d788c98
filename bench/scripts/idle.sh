# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# idle: system calls that an idle giambio program starts within two seconds
# while its tasks wait: one in accept, one for an event, one for a receive, one
# in a sleep of a minute. It prints a line when all of them wait; what it does
# until a tenth of a second later is not counted. strace traces it from its
# start, because attaching would interrupt the very call that it sleeps in.

# Calls in the trace $1 that start 0.1 to 2.1 seconds after the printed line.
idle_calls()
{
	awk '!t0 && /write\(1, "idle/ { t0 = $2 }
		t0 && $2 > t0 + 0.1 && $2 <= t0 + 2.1 && !/resumed>/ &&
			!/^[0-9]+ +[0-9.]+ (---|\+\+\+)/ { n++ }
		END { if (!t0) exit 1; print n + 0 }' "$1"
}

idle_one()
{
	local name=$1 backend pid calls

	backend=$(backend_of "$name")
	rm -f "$TMP/pid"
	# shellcheck disable=SC2016 # expanded by the inner shell
	GMB_BACKEND=$backend strace -f -q -ttt -o "$TMP/trace" \
		sh -c 'echo $$ >"$1"; exec "$2"' sh "$TMP/pid" \
		"$D/idle_giambio" >"$TMP/out" 2>"$TMP/err" &
	sleep 3.5
	read -r pid <"$TMP/pid" && pids+=("$pid")
	pids+=("$!")
	stop_all
	if calls=$(idle_calls "$TMP/trace") && [ -n "$calls" ]; then
		record idle "2 s" "$name" 1 "calls=$calls"
	else
		skip idle "$name" "$(tail -n 1 "$TMP/err")"
	fi
}

run_idle()
{
	local name

	if ! command -v strace >/dev/null; then
		skip idle giambio "needs strace"
		return
	fi
	command_used "idle: GMB_BACKEND=BACKEND strace -f -ttt $D/idle_giambio"
	for name in giambio-epoll giambio-uring giambio-kmod; do
		[ "$name" = giambio-kmod ] && ! [ -e /dev/giambio ] && continue
		wanted "$name" idle_giambio || continue
		progress "idle $name"
		idle_one "$name"
	done
}
