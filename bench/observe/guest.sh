#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Run by bench/observe/run inside the machine that counts instructions. Prints
# lines of CASE, VARIANT, INSTRUCTIONS per operation; VARIANT is out (being
# observable was left out of the library), off, times or trace.
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

# echoes KIND CONNECTIONS WAVES: the first server finds a cold kernel, so it is
# run once more
echoes()
{
	for variant in cold out off times trace; do
		program_of "$variant" echo
		port=$((port + 1))
		address=$port
		[ "$1" = tcp ] || address=/tmp/socket
		"$program" "$1" "$address" 2>/tmp/server.err &
		server=$!
		usleep 200000
		words=$(timeout 100 waves -n "$2" -w "$3" -p "$server" "$1" \
			"$address" 2>/tmp/err) ||
			words="insns=failed:$(tail -n 1 /tmp/err)"
		insns=${words#*insns=}
		[ "$variant" = cold ] ||
			echo "echo/$GMB_BACKEND/$1/$2 $variant ${insns%% *}"
		kill -9 "$server" 2>/dev/null
		wait "$server" 2>/dev/null
		sleep 1
	done
}

micro yield 100000
micro channel 50000
micro spawn-block 50000
micro spawn-wait 50000
for GMB_BACKEND; do
	export GMB_BACKEND
	for kind in $KINDS; do
		for n in $CONNS; do
			echoes "$kind" "$n" "$([ "$n" = 1 ] && echo 400 || echo 60)"
		done
	done
done
