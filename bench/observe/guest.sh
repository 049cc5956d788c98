#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Run by bench/observe/run inside the machine that counts instructions. Prints
# lines of CASE, VARIANT, INSTRUCTIONS per operation; VARIANT is out (being
# observable was left out of the library), off, times or trace. The backend in
# CASE is kmod where the library is observed, module where only the module is
# (its histograms, its events), both where both are.
#
#   guest.sh BACKEND...

ulimit -n 65536
ip link set lo up 2>/dev/null || ifconfig lo up
: "${KINDS:=tcp unix}" "${CONNS:=1 64}"
port=2000

# program_of VARIANT NAME, and what the environment says
program_of()
{
	GMB_OBSERVE=
	case $1 in
	cold | out) program=$2_out ;;
	off) program=$2_giambio ;;
	*)
		program=$2_giambio
		GMB_OBSERVE=$1
		;;
	esac
	export GMB_OBSERVE
}

# micro OPERATION COUNT: a nanosecond is an instruction here
micro()
{
	for variant in out off times trace; do
		program_of "$variant" micro
		insns=$(timeout 100 "$program" "$1" "$2" 2>/tmp/err) ||
			insns="failed: $(tail -n 1 /tmp/err)"
		echo "$1 $variant $insns"
	done
}

# echo_insns VARIANT KIND CONNECTIONS WAVES [WHAT]: instructions per echo; WHAT somebody
# observes of the module meanwhile
echo_insns()
{
	program_of "$1" echo
	port=$((port + 1))
	address=$port
	[ "$2" = tcp ] || address=/tmp/socket
	"$program" "$2" "$address" 2>/tmp/server.err &
	server=$!
	observer=
	if [ -n "${5:-}" ]; then
		lease "$5" >/tmp/lease 2>&1 &
		observer=$!
	fi
	usleep 200000
	if [ -n "$observer" ] && ! grep -q observing /tmp/lease; then
		insns="failed:$(tail -n 1 /tmp/lease)"
	else
		words=$(timeout 100 waves -n "$3" -w "$4" -p "$server" "$2" \
			"$address" 2>/tmp/err) ||
			words="insns=failed:$(tail -n 1 /tmp/err)"
		insns=${words#*insns=}
	fi
	kill -9 "$server" $observer 2>/dev/null
	wait "$server" $observer 2>/dev/null
	# What an ended server leaves to be done is in nobody's figure, and the
	# module goes on noting moments for up to a second.
	sleep 2
}

# echoes KIND CONNECTIONS WAVES: the first server finds a cold kernel, so it is
# run once more
echoes()
{
	for variant in cold out off times trace; do
		echo_insns "$variant" "$@"
		case $variant in
		cold) continue ;;
		out) out=${insns%% *} ;;
		off) off=${insns%% *} ;;
		esac
		echo "echo/$GMB_BACKEND/$1/$2 $variant ${insns%% *}"
	done
	[ "$GMB_BACKEND" = kmod ] || return 0
	for who in module both; do
		echo "echo/$who/$1/$2 out $out"
		echo "echo/$who/$1/$2 off $off"
		for variant in times trace; do
			what=histograms
			[ "$variant" = times ] || what=events
			how=$variant
			[ "$who" = both ] || how=off
			echo_insns "$how" "$@" "$what"
			echo "echo/$who/$1/$2 $variant ${insns%% *}"
		done
	done
}

if [ -z "${NO_MICRO:-}" ]; then
	micro yield 100000
	micro channel 50000
	micro spawn-block 50000
	micro spawn-wait 50000
fi
for GMB_BACKEND; do
	export GMB_BACKEND
	for kind in $KINDS; do
		for n in $CONNS; do
			echoes "$kind" "$n" "$([ "$n" = 1 ] && echo 400 || echo 60)"
		done
	done
done
