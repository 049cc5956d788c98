#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Every example does what it says, on each backend; and the code in README.md is
# that of the example. B is where the examples were built; BACKENDS may name
# other backends than epoll and uring.

set -u

: "${O:=build}" "${B:=$O}" "${CC:=gcc}"
number=0 failed=0 tag=
scratch=$(mktemp -d) || exit 2
pids=()

cleanup()
{
	[ ${#pids[@]} -gt 0 ] && kill -KILL "${pids[@]}" 2>/dev/null
	rm -rf "$scratch"
}
trap cleanup EXIT

# ok STATUS NAME: one line of TAP, and what was written if it failed
ok()
{
	local status=$1
	number=$((number + 1))
	if [ "$status" -eq 0 ]; then
		echo "ok $number - $tag$2"
	else
		echo "not ok $number - $tag$2"
		head -n 40 "$scratch"/{log,*.out} 2>/dev/null | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

# run EXAMPLE ARGUMENTS...: to its end; what it prints goes to the log
run()
{
	local program=$1
	shift
	timeout -k 5 120 "$B/examples/$program" "$@" >"$scratch/log" 2>&1
}

# says LINE...: the log consists of exactly these lines
says()
{
	printf '%s\n' "$@" | diff - "$scratch/log" >"$scratch/diff.out"
}

# start NAME EXAMPLE ARGUMENTS...: in the background; sets pid and, as soon as
# the example has said it, port. A shell starts background programs with SIGINT
# ignored; a server in a terminal does not have that.
start()
{
	local name=$1 program=$2 out=$scratch/$1.out
	shift 2
	# Emptied here, for the program is not there yet when it is looked at.
	: >"$out"
	env --default-signal=INT "$B/examples/$program" "$@" >>"$out" 2>&1 &
	pid=$!
	pids+=("$pid")
	port=
	for _ in {1..600}; do
		port=$(sed -nE '1s/.*(port |:)([0-9]+).*/\2/p' "$out")
		[ -n "$port" ] && return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# stop PID NAME: Ctrl-C ends a server in good order
stop()
{
	kill -INT "$1" 2>/dev/null
	wait "$1"
	ok $? "$2 ends well on Ctrl-C"
}

# hear FD: the next line that comes from a connection
hear()
{
	local line=
	read -r -t 60 -u "$1" line
	printf '%s' "$line"
}

expect()
{
	[ "$1" = "$2" ] && return 0
	printf 'expected: %s\n     got: %s\n' "$1" "$2" >"$scratch/log"
	return 1
}

seen_in()
{
	for _ in {1..600}; do
		grep -q "$2" "$scratch/$1.out" && return 0
		sleep 0.05
	done
	return 1
}

primes()
{
	run prime_sieve 12
	says 2 3 5 7 11 13 17 19 23 29 31 37
	ok $? "prime_sieve finds the first twelve primes"
	run prime_sieve 300 && [ "$(sed -n '300p' "$scratch/log")" = 1987 ]
	ok $? "prime_sieve goes on to the 300th"
}

market()
{
	run producer_consumer && says "300 items, sum 15150: success"
	ok $? "producer_consumer loses no item"
}

dinner()
{
	local seat meal
	run philosophers
	ok $? "philosophers end their dinner"
	for seat in 0 1 2 3 4; do
		for meal in 1 2 3; do
			echo "philosopher $seat eats meal $meal"
		done
	done >"$scratch/want"
	grep eats "$scratch/log" | sort | diff "$scratch/want" - \
		>"$scratch/diff.out"
	ok $? "philosophers all eat three times"
}

pool()
{
	awk 'BEGIN {
		for (i = 1; i < 8000; i++) {
			n = i
			for (steps = 0; n != 1; steps++)
				n = n % 2 ? 3 * n + 1 : n / 2
			if (steps > most)
				most = steps
			if ((i + 1) % 1000 == 0)
				print "below " i + 1 ": " most " steps at most"
		}
		print "2 at a time: success" }' >"$scratch/want"
	run worker_pool && diff "$scratch/want" "$scratch/log" \
		>"$scratch/diff.out"
	ok $? "worker_pool calculates in two threads at a time"
}

# The first file comes at once; from the fourth on they take longer than the
# deadline whatever happens. Between them the machine decides.
files()
{
	run downloads
	ok $? "downloads are no error when some are given up"
	# An emulated machine is too slow for what follows.
	[ -z "${BACKENDS:-}" ] || return 0
	grep -qx 'file 0: success, 4000 bytes' "$scratch/log" &&
		[ "$(grep -c '^file [345]: .*, 0 bytes$' "$scratch/log")" = 3 ] &&
		[ "$(grep -cE ': (success, 4000|.*, 0) bytes$' \
			"$scratch/log")" = 6 ]
	ok $? "downloads get the quick files and give the slow ones up"
}

sleepers()
{
	run sleepers 3000 50 && grep -q '^3000 tasks slept' "$scratch/log"
	ok $? "sleepers wake up, all 3000"
	run sleepers && grep -q '^100000 tasks slept' "$scratch/log"
	ok $? "sleepers wake up, all 100000"
}

echo_by_hand()
{
	local fd line
	exec {fd}<>"/dev/tcp/127.0.0.1/$1" || return 1
	line=$(hear "$fd")
	expect "Welcome to the server pal!" "$line"
	ok $? "echo_server welcomes"
	echo "hello there" >&"$fd"
	line=$(hear "$fd")
	expect "Got: hello there" "$line"
	ok $? "echo_server says what it has got"
	kill -USR1 "$pid"
	seen_in echo 'task .* "127\.0\.0\.1:[0-9]*" waits to read from descriptor'
	ok $? "echo_server shows its tasks on SIGUSR1"
	exec {fd}>&-
}

echoes()
{
	local server
	start echo echo_server 0
	ok $? "echo_server says where it is"
	[ -n "$port" ] || return
	server=$pid echo_port=$port
	grep -q "($GMB_BACKEND)" "$scratch/echo.out"
	ok $? "echo_server runs on $GMB_BACKEND"
	echo_by_hand "$echo_port"
	run echo_client "$echo_port" 50 20 &&
		says "1000 messages echoed to 50 clients: success"
	ok $? "echo_client gets all its messages back"
	! run echo_server "$echo_port" && grep -q '^echo_server: ' "$scratch/log"
	ok $? "echo_server says that its port is taken"
	proxies "$echo_port"
	stop "$server" echo_server
	grep -qx 'Goodbye!' "$scratch/echo.out"
	ok $? "echo_server says goodbye"
	! run echo_client "$echo_port" 3 && grep -q '^0 messages' "$scratch/log"
	ok $? "echo_client says that there is no server"
}

proxies()
{
	local proxy
	start proxy tcp_proxy 0 127.0.0.1 "$1"
	ok $? "tcp_proxy says where it is"
	[ -n "$port" ] || return
	proxy=$pid
	run echo_client "$port" 20 10 &&
		says "200 messages echoed to 20 clients: success"
	ok $? "tcp_proxy passes everything on"
	stop "$proxy" tcp_proxy
}

# A task of the first client exists before the second one's, because they were
# accepted in that order; so who has been heard can be spoken to.
chats()
{
	local chat a b line
	start chat chat_server 0
	ok $? "chat_server says where it is"
	[ -n "$port" ] || return
	chat=$pid
	exec {a}<>"/dev/tcp/127.0.0.1/$port" &&
		exec {b}<>"/dev/tcp/127.0.0.1/$port" || return
	echo "is anybody here" >&"$b"
	line=$(hear "$a")
	expect "is anybody here" "${line#*: }"
	ok $? "chat_server lets the first hear the second"
	echo "I am" >&"$a"
	line=$(hear "$b")
	expect "I am" "${line#*: }"
	ok $? "chat_server lets the second hear the first, and not itself"
	exec {a}>&-
	stop "$chat" chat_server
	exec {b}>&-
}

threads()
{
	local server fd i good=0 line
	start threads server_threads 0 3
	ok $? "server_threads says where it is"
	[ -n "$port" ] || return
	server=$pid
	for i in {1..30}; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port" || break
		echo "number $i" >&"$fd"
		line=$(hear "$fd")
		[ "$line" = "number $i" ] && good=$((good + 1))
		exec {fd}>&-
	done
	expect 30 "$good"
	ok $? "server_threads answers 30 clients"
	stop "$server" server_threads
	awk '/^thread/ { sum += $4; n++ } END { exit !(sum == 30 && n == 3) }' \
		"$scratch/threads.out"
	ok $? "server_threads has counted 30 clients in three threads"
}

# block N: the Nth block of C code in README.md
block()
{
	awk -v want="$1" '/^```c$/ { inside = ++n == want; next }
		/^```/ { inside = 0 } inside' README.md
}

readme()
{
	local n count
	block 1 >"$scratch/readme.c"
	sed -n '/^#include/,$p' examples/echo_server.c |
		diff - "$scratch/readme.c" >"$scratch/log"
	ok $? "README.md shows examples/echo_server.c"
	count=$(grep -c '^```c$' README.md)
	for ((n = 2; n <= count; n++)); do
		{ echo '#include <giambio.h>'; block $n; } >"$scratch/readme.c"
		$CC -std=gnu11 -Wall -Wextra -Werror -Wno-unused-function \
			-Iinclude -c -o "$scratch/readme.o" \
			"$scratch/readme.c" 2>"$scratch/log"
		ok $? "README.md: code block $n compiles"
	done
}

for GMB_BACKEND in ${BACKENDS:-epoll uring}; do
	export GMB_BACKEND
	tag="$GMB_BACKEND: "
	if ! why=$("$B/tests/probe/backend" $GMB_BACKEND 2>&1); then
		number=$((number + 1))
		echo "ok $number - ${tag}examples # SKIP $why"
		continue
	fi
	primes
	market
	dinner
	pool
	files
	sleepers
	echoes
	chats
	threads
done
tag=
[ -f README.md ] && readme

echo "1..$number"
[ "$failed" -eq 0 ]
