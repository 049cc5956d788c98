#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Inside the machine (see tracers.sh): both tracers at once, on one client of an
# echo server.

tracing=/sys/kernel/tracing
clients=20 rounds=5
events=$(cd $tracing/events/giambio && echo gmb_*)
program= selection= separator=
for event in $events; do
	program="$program tracepoint:giambio:$event /comm == \"echo_client\"/
		{ @[probe] = count(); }"
	selection=$selection${separator}giambio:$event
	separator=,
done

# seen FILE EVENT - what perf or bpftrace counted
seen()
{
	sed -n "s/^\([0-9]*\),.*giambio:$2,.*/\1/p
		s/^@\[tracepoint:giambio:$2\]: //p" "$1"
}

echo_server 1600 &
server=$!
sleep 1
# bpftrace parts a command at its spaces, and at nothing else.
set -- "$(command -v perf)" stat -x, -o /tmp/perf -e "$selection" \
	"$(command -v echo_client)" 1600 $clients $rounds
bpftrace -e "$program" -o /tmp/bpftrace -c "$*"
status=$?
sed 's/^/# /' /tmp/perf /tmp/bpftrace
[ $status = 0 ] && verdict=ok || verdict="not ok"
echo "$verdict 1 - bpftrace and perf trace a program"
verdict=ok
for event in $events; do
	perf=$(seen /tmp/perf "$event")
	bpf=$(seen /tmp/bpftrace "$event")
	if [ "${perf:=none}" != "${bpf:-0}" ]; then
		echo "# $event: perf $perf, bpftrace ${bpf:-0}"
		verdict="not ok"
	fi
done
echo "$verdict 2 - both count the same of each event"
enter=$(seen /tmp/perf gmb_trap_enter)
complete=$(seen /tmp/perf gmb_complete)
verdict="not ok"
[ "${complete:-0}" -ge $((clients * rounds)) ] && [ "${enter:-0}" -gt 0 ] &&
	[ "$enter" = "$(seen /tmp/perf gmb_trap_exit)" ] && verdict=ok
echo "$verdict 3 - each trap ends, and each message is a completion"
kill $server
echo 1..3
