#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# `make demo`: an echo server with many tasks at work, in plain words. B is where
# the examples were built. Whatever happens, it ends within a minute.

set -u

: "${B:=build}"
clients=200 messages=60 pause=25
scratch=$(mktemp -d) || exit 2
out=$scratch/server.out
err=$scratch/server.err
server='' watchdog=''

cleanup()
{
	[ -n "$watchdog" ] && kill "$watchdog" 2>/dev/null
	[ -n "$server" ] && kill -KILL "$server" 2>/dev/null
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

say()
{
	printf '\n== %s\n' "$*"
}

fail()
{
	printf '\nThe demo has failed: %s\n' "$*" >&2
	cat "$out" "$err" >&2 2>/dev/null
	exit 1
}

show()
{
	sed 's/^/   /' "$@"
}

# until_true COMMAND...: look ten times a second, for at most twenty seconds
until_true()
{
	tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 1
		sleep 0.1
	done
}

# A shell starts background programs with SIGINT ignored; the server is to see
# Ctrl-C as it would in a terminal.
start_server()
{
	say "An echo server is started on a free port: examples/echo_server 0"
	env --default-signal=INT "$B/examples/echo_server" 0 >"$out" 2>>"$err" &
	server=$!
	(
		trap 'kill "$nap" 2>/dev/null' TERM
		sleep 50 &
		nap=$!
		wait "$nap" && kill -KILL "$server"
	) 2>/dev/null &
	watchdog=$!
	until_true grep -q ' at .*:' "$out" || fail "the server did not start"
	port=$(sed -n '1s/.*:\([0-9]*\) .*/\1/p' "$out")
	backend=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$out")
	show "$out"
	case $backend in
	kmod) what="giambio.ko, the kernel module" ;;
	uring) what="io_uring" ;;
	*) what=$backend ;;
	esac
	echo "   The waiting is done by $what. GMB_BACKEND=NAME chooses another."
}

talk()
{
	say "$clients clients connect; each sends $messages messages and checks" \
		"what comes back"
	echo "   Server and clients are one thread each: every connection is a" \
		"task on both sides."
	"$B/examples/echo_client" "$port" $clients $messages $pause \
		>"$scratch/client.out" 2>&1 &
	client=$!
}

all_at_work()
{
	: >"$err"
	kill -USR1 "$server" || return 1
	sleep 0.1
	[ "$(grep -c '"127\.0\.0\.1:[0-9]*"' "$err")" -eq "$clients" ]
}

show_tasks()
{
	until_true all_at_work || fail "not all clients were served at a time"
	say "Meanwhile: kill -USR1 has the server print its tree of tasks, and" \
		"what each waits for"
	head -n 8 "$err" | show
	lines=$(wc -l <"$err")
	echo "   ... and $((lines - 9)) more like these; the last one:"
	tail -n 1 "$err" | show
}

# What the server's tasks weigh, as the system sees it.
show_size()
{
	threads=$(awk '$1 == "Threads:" { print $2 }' "/proc/$server/status")
	memory=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$server/status")
	say "The server: $threads thread, $((memory / 1024)) MiB of memory for" \
		"all of it"
}

end_talk()
{
	wait "$client" || {
		cat "$scratch/client.out" >&2
		fail "the clients did not get back what they sent"
	}
	say "The clients are done"
	show "$scratch/client.out"
}

talk_again()
{
	"$B/examples/echo_client" "$port" 20 1000 $pause >/dev/null 2>&1 &
	client=$!
	clients=20
	until_true all_at_work || fail "the server did not accept again"
	say "Twenty more clients connect"
}

# Some connections are still open when Ctrl-C comes: their waits are cancelled.
interrupt()
{
	say "And in the middle of their talk comes Ctrl-C (SIGINT)"
	kill -INT "$server"
	wait "$server"
	status=$?
	server=''
	tail -n 1 "$out" | show
	echo "   The main task was cancelled, and with it all that it had" \
		"started; every wait ended,"
	echo "   every connection was closed, then the server returned from" \
		"main with status $status."
	wait "$client"
	[ $status -eq 0 ] || fail "the server did not end in good order"
}

# The server as another process sees it, while it runs.
see()
{
	if ! [ -x "$B/bin/gmbstat" ]; then
		say "gmbstat was not built: its libraries are missing"
		return
	fi
	say "gmbstat tasks -b: the same tree from outside, with each task's stack"
	"$B/bin/gmbstat" tasks -b -p "$server" 2>&1 | head -n 24 | show
	say "gmbstat latency: two seconds of it"
	"$B/bin/gmbstat" latency -p "$server" 2>&1 | show
}

start_server
talk
show_tasks
show_size
end_talk
talk_again
see
interrupt
say "That was it. The server is examples/echo_server.c, 70 lines; README.md" \
	"explains each."
