#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Run by bench/kernel/run inside the machine that counts instructions. Prints
# lines of EXPERIMENT, CASE, CONTENDER, KEY=VALUE...
#
#   guest.sh EXPERIMENT...     echo, churn, wakes, pairs, slack, memory, observe
#
# KINDS, CONNS and CONTENDERS choose less than everything, as for bench/run.

ulimit -n 65536
# The client leaves no time for the loopback device while it sends a wave.
echo 100000 >/proc/sys/net/core/netdev_max_backlog
ip link set lo up 2>/dev/null || ifconfig lo up
: "${KINDS:=tcp unix}" "${CONNS:=1 64 1000}"
port=2000

# contender, program, mode
servers="bare-epoll-lt echo_epoll lt
bare-epoll-et echo_epoll et
bare-uring-oneshot echo_uring oneshot
bare-uring-multishot echo_uring multishot
trap echo_trap -
giambio-epoll echo_giambio -
giambio-uring echo_giambio -
giambio-kmod echo_giambio -"

wanted()
{
	case " ${CONTENDERS:-$1} " in
	*" $1 "*) command -v "$2" >/dev/null ;;
	*) return 1 ;;
	esac
}

# say EXPERIMENT CASE CONTENDER COMMAND... - its words, or why there are none.
# Seconds are those of this machine: one that hangs costs next to nothing.
say()
{
	exp=$1 case=$2 name=$3
	shift 3
	if words=$(timeout 100 "$@" 2>/tmp/err); then
		echo "$exp $case $name $words"
	else
		echo "$exp $case $name failed: $(tail -n 1 /tmp/err)"
	fi
}

# served EXPERIMENT CASE KIND NAME PROGRAM MODE WAVES-ARGUMENT... - a server
# and its client
served()
{
	exp=$1 case=$2 kind=$3 name=$4 program=$5 mode=$6
	shift 6
	port=$((port + 1))
	address=$port
	[ "$kind" = tcp ] || address=/tmp/socket
	[ "$mode" != - ] || mode=
	GMB_BACKEND=${backend:-${name#*-}} "$program" "$kind" "$address" $mode \
		2>/tmp/server.err &
	server=$!
	usleep 200000
	say "$exp" "$case" "$name" waves "$@" -p "$server" "$kind" "$address"
	if [ -s /tmp/server.err ]; then
		sed "s/^/note $case $name /" /tmp/server.err
	fi
	kill -9 "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	# What an ended server leaves to be done is in nobody's figure.
	sleep 1
}

waves_of()
{
	case $1 in
	1) echo "${WAVES:-400}" ;;
	64) echo "${WAVES:-60}" ;;
	*) echo "${WAVES:-12}" ;;
	esac
}

run_echo()
{
	for kind in $KINDS; do
		for n in $CONNS; do
			echo "$servers" | while read -r name program mode; do
				wanted "$name" "$program" || continue
				served echo "$kind/$n" "$kind" "$name" \
					"$program" "$mode" \
					-n "$n" -w "$(waves_of "$n")"
			done
		done
	done
}

run_churn()
{
	for kind in $KINDS; do
		echo "$servers" | while read -r name program mode; do
			wanted "$name" "$program" || continue
			served churn "$kind" "$kind" "$name" "$program" \
				"$mode" -c -w "${WAVES:-200}"
		done
	done
}

run_wakes()
{
	for kind in pipe eventfd timer; do
		for name in bare-epoll bare-uring-read bare-uring-poll trap; do
			wanted "$name" wakes_bare || continue
			say wakes "$kind" "$name" \
				wakes_bare "$kind" "$name" "${WAVES:-500}"
		done
		for name in epoll uring kmod; do
			wanted "giambio-$name" wakes_giambio || continue
			export GMB_BACKEND=$name
			say wakes "$kind" "giambio-$name" \
				wakes_giambio "$kind" giambio "${WAVES:-500}"
		done
	done
}

run_pairs()
{
	for name in bare-futex bare-epoll bare-uring-plain bare-uring-defer \
		trap; do
		wanted "$name" pairs_bare || continue
		say pairs wake "$name" pairs_bare "$name" 1000
	done
	for name in epoll uring kmod; do
		wanted "giambio-$name" pairs_giambio || continue
		export GMB_BACKEND=$name
		say pairs wake "giambio-$name" pairs_giambio giambio 1000
	done
}

run_slack()
{
	say slack mixed without slack 0
	say slack mixed with slack 10000000
}

run_memory()
{
	say memory "${WATCHES:-100000}" trap memory "${WATCHES:-100000}"
}

# contender, program, what the library observes, what is observed of the module,
# waves before it counts. A trace is a ring of 2^18 events; until it has been
# written once the kernel clears its pages, a byte an instruction.
observers="out echo_out - - 10
off echo_giambio - - 10
library-histograms echo_giambio times - 10
library-trace-new echo_giambio trace - 10
library-trace echo_giambio trace - 1400
module-histograms echo_giambio - histograms 10
module-events echo_giambio - events 10"

run_observe()
{
	backend=kmod
	for kind in $KINDS; do
		# The first server finds a cold kernel: it is in no figure.
		served observe "$kind/64" "$kind" cold echo_out - -n 64 -w 60 \
			>/dev/null
		echo "$observers" | while read -r name program GMB_OBSERVE what \
			before; do
			wanted "$name" "$program" || continue
			export GMB_OBSERVE
			observer=
			if [ "$what" != - ]; then
				lease "$what" >/tmp/lease 2>&1 &
				observer=$!
			fi
			served observe "$kind/64" "$kind" "$name" \
				"$program" - -n 64 -w "$(waves_of 64)" \
				-u "$before"
			[ -z "$observer" ] || {
				grep -q observing /tmp/lease ||
					echo "note $kind/64 $name not observed"
				kill -9 "$observer"
				# It ends up to a second later.
				sleep 2
			}
		done
	done
	backend=
}

for experiment; do
	"run_$experiment"
done
