#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# gmblat: every experiment runs on every backend and prints what gmblat(8)
# says; delays that are made on purpose show in the results; mistakes are told
# in one sentence. B is where it was built.

set -u

: "${B:=build}"
gmblat=$B/bin/gmblat
results="perl tests/gmblat/results.pl"
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
number=0 failed=0

# verdict STATUS NAME
verdict()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		head -n 20 "$scratch/said" | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

skip()
{
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

finish()
{
	echo "1..$number"
	[ "$failed" -eq 0 ]
	exit
}

if [ ! -x "$gmblat" ]; then
	skip "gmblat" "it was not built: run scripts/deps.sh tools"
	finish
fi
if ! perl -MJSON::PP -e 1 2>/dev/null; then
	skip "gmblat" "perl has no JSON::PP here"
	finish
fi

# run STATUS ARGUMENT... - run gmblat, which must end so; files out and err
run()
{
	local wanted=$1 status=0

	shift
	timeout 300 "$gmblat" "$@" >"$scratch/out" 2>"$scratch/err" ||
		status=$?
	cat "$scratch/err" >"$scratch/said"
	[ "$status" -eq "$wanted" ] && return
	echo "gmblat $*: status $status, not $wanted" >>"$scratch/said"
	return 1
}

# look COMMAND ARGUMENT... - as results.pl, at what run has left
look()
{
	$results "$1" "$scratch/out" "${@:2}" >>"$scratch/said" 2>&1
}

# Is a backend usable? A look at a run that took no time.
usable()
{
	"$gmblat" -j -b "$1" -n 1 -w 0 -r 1 -k pipe wake >/dev/null 2>&1
}

# silent - it has said nothing beside its results
silent()
{
	[ ! -s "$scratch/err" ]
}

## Every experiment

short=(-j -n 30 -w 5 -r 2 -i 500us -s 7)
for experiment in wake cross batch backends; do
	run 0 "${short[@]}" "$experiment" && silent && look schema
	verdict $? "$experiment prints what the manual says"
done
run 0 "${short[@]}" -c 1,10k timers && silent && look schema
verdict $? "timers prints what the manual says"
run 0 "${short[@]}" -c 0,5 -H 1 load && silent && look schema
verdict $? "load prints what the manual says"
run 0 "${short[@]}" -c 1,500 -k unix,tcp connections && silent && look schema
verdict $? "connections prints what the manual says"
run 0 -j -n 20 -w 0 -r 1 wake timers -c 3 && look schema
verdict $? "several experiments make one document"

## Known delays

# attempt NAME COMMAND... - true in one of five attempts: machines are busy
attempt()
{
	local name=$1 i

	shift
	for i in 1 2 3 4 5; do
		if "$@"; then
			verdict 0 "$name"
			return
		fi
	done
	verdict 1 "$name"
}

held=(-j -n 600 -w 10 -r 1 -i 5ms -c 0 -H 0 load)

# A tenth of the time the loop is held for 50 ms: of events at random moments a
# tenth waits, for up to that long, and half of those for half as long. If only
# one event were counted for each time, it would be one in a hundred.
known_hold()
{
	run 0 --hold 50ms "${held[@]}" && look schema &&
		look within latency.max_ns 45000000 75000000 &&
		look within latency.p99_ns 38000000 65000000 &&
		look above 25000000 0.025 0.085
}

no_hold()
{
	run 0 "${held[@]}" && look within latency.p99_ns 0 38000000
}

# Fifty neighbours, each at work for 1 ms: a round takes 50 ms of processor.
known_round()
{
	run 0 -j -n 40 -w 5 -r 1 -i 20ms -c 50 -H 0 --work 1ms load &&
		look share latency.p50_ns 35000000 90000000
}

known_slack()
{
	run 0 -j -b kmod -n 50 -w 5 -r 1 -i 40ms -c 1 -S 20ms batch &&
		look within latency.max_ns 19000000 40000000 &&
		look within latency.p50_ns 5000000 22000000 &&
		look within sleeps_per_s 0 250
}

# The source wants a processor while the loop is held.
if [ "$(nproc)" -gt 1 ]; then
	attempt "a neighbour that holds the loop is seen, by every event" \
		known_hold
else
	skip "a neighbour that holds the loop is seen, by every event" \
		"there is one processor only"
fi
attempt "without it there is no such delay" no_hold
attempt "a round of busy neighbours is seen" known_round
if usable kmod; then
	attempt "slack is seen" known_slack
else
	skip "slack is seen" "no module (tests/gmblat/full.sh tries it)"
fi

## Pictures, terminals

for experiment in wake timers; do
	run 0 -n 20 -w 0 -r 1 -c 1,5 --svg "$scratch/$experiment.svg" \
		"$experiment" && grep -q '</svg>' "$scratch/$experiment.svg" &&
		grep -q "gmblat $experiment" "$scratch/$experiment.svg"
	verdict $? "$experiment draws a picture"
done
if command -v xmllint >/dev/null; then
	xmllint --noout "$scratch"/*.svg >"$scratch/said" 2>&1
	verdict $? "the pictures are well-formed"
else
	skip "the pictures are well-formed" "xmllint is not installed"
fi
run 0 -s 4711 -n 5 -w 1 -r 1 -k pipe wake &&
	grep -q 'seed 4711' "$scratch/out" && silent
verdict $? "the seed is told, and no progress where there is no terminal"
if command -v script >/dev/null; then
	script -qec "$gmblat -n 300 -r 1 -k pipe wake" "$scratch/tty" \
		>"$scratch/said" 2>&1 </dev/null &&
		grep -q 'wake 1/[0-9]*, round 1/1' "$scratch/tty"
	verdict $? "a line of progress on a terminal"
else
	skip "a line of progress on a terminal" "script is not installed"
fi

## Mistakes

# mistake SENTENCE ARGUMENT... - status 2, one line that has this in it
mistake()
{
	local sentence=$1

	shift
	run 2 "$@" && [ ! -s "$scratch/out" ] &&
		[ "$(wc -l <"$scratch/err")" = 1 ] &&
		grep -q "^gmblat: .*$sentence" "$scratch/err"
	verdict $? "mistake: ${*:-no argument}"
}

mistake "name an experiment"
mistake "there is no experiment 'sleep', but there are wake" sleep
mistake "there is no option '--fast'" --fast wake
mistake "there is no option '-x'" -x wake
mistake "'--events' wants a value" wake --events
mistake "'--slack' wants a value" batch -S
mistake "'--json' takes no value" --json=yes wake
mistake "there is no option '-x'" wake -qx
mistake "events cannot be '0'" -n 0 wake
mistake "events cannot be '12x'" -n 12x wake
mistake "rounds cannot be '-1'" -r -1 wake
mistake "interval cannot be '5'; give a time" -i 5 wake
mistake "interval cannot be '5h'" -i 5h wake
mistake "hold cannot be 'long'" --hold long load
mistake "seed cannot be '1a'" -s 1a wake
mistake "kinds cannot be 'pipe,smoke'" -k pipe,smoke wake
mistake "backends cannot be 'epoll,poll'" -b epoll,poll wake
mistake "counts cannot be '1,,2'" -c 1,,2 timers
mistake "'batch' has no case" -S 2s batch
mistake "'cross' has no case" -k timer cross
mistake "'connections' has no case" -c 9999999 connections
mistake "more than 32 cases" -k pipe,eventfd,unix,tcp -c 1,2,3,4,5,6,7,8 \
	-H 1,2,3,4 load
mistake "one by one" --svg "$scratch/x.svg" wake timers

run 0 --help && grep -q -- '--slack' "$scratch/out" &&
	grep -q '^  wake ' "$scratch/out"
verdict $? "--help tells options and experiments"
run 0 --version && grep -q '^gmblat [0-9]' "$scratch/out"
verdict $? "--version"
for option in $("$gmblat" --help | grep -oE -- '--[a-z]+' | sort -u); do
	grep -qF -- "\\-\\-${option#--}" man/gmblat.8 &&
		grep -q -- "$option" tools/completion/gmblat ||
		echo "$option is missing"
done >"$scratch/said"
[ ! -s "$scratch/said" ]
verdict $? "every option is in the manual and in the completion"

## Ends

small=(-n 5 -w 0 -r 1 -k pipe wake)
if usable kmod; then
	skip "a backend that does not work is no result" "they all work"
else
	run 1 -b kmod "${small[@]}" && grep -q 'no backend works' \
		"$scratch/err"
	verdict $? "a backend that does not work is no result"
fi
run 4 --svg "$scratch/no/such.svg" "${small[@]}" &&
	grep -q 'cannot be written' "$scratch/err"
verdict $? "a picture that cannot be written is a failure"
timeout 60 "$gmblat" -j "${small[@]}" >/dev/full 2>"$scratch/said"
[ $? -eq 4 ]
verdict $? "results that cannot be written are a failure"

if (ulimit -Sn 300 && ulimit -Hn 300 && ulimit -Hn 301) 2>/dev/null; then
	skip "too few descriptors are told" "this user may raise the limit"
else
	(ulimit -Sn 300 && ulimit -Hn 300 &&
	 run 0 -j -n 20 -r 1 -c 100,1000 connections) && look schema &&
		grep -q 'only 236 connections: the limit of open files is 300' \
			"$scratch/out"
	verdict $? "too few descriptors are told"
fi

# The experiment's processes have its command line.
seed=$RANDOM$RANDOM$RANDOM
"$gmblat" -s "$seed" -c 200 connections >/dev/null 2>&1 &
pid=$!
sleep 1
kill -KILL "$pid"
wait "$pid" 2>/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do
	sleep 0.2
	pgrep -f -- "gmblat -s $seed " >"$scratch/said" || break
done
[ ! -s "$scratch/said" ]
verdict $? "killed, it leaves no process behind"

finish
