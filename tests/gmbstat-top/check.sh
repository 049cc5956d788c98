#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# gmbstat top, used as a person does: in a terminal of tmux, by its keys. Prints
# TAP. B is where things were built.

set -u
cd "$(dirname "$0")/../.." || exit 2

: "${O:=build}" "${B:=$O}" "${CC:=gcc}"
gmbstat=$PWD/$B/bin/gmbstat
number=0 failed=0 pids=()
out=$(mktemp -d) || exit 2
export LC_ALL=C.UTF-8

tm()
{
	tmux -S "$out/socket" -f /dev/null "$@" 2>>"$out/said"
}

cleanup()
{
	tm kill-server
	[ ${#pids[@]} -gt 0 ] && kill -KILL "${pids[@]}" 2>/dev/null
	rm -rf "$out"
}
trap cleanup EXIT

ok() # STATUS NAME
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		head -n 30 "$out"/{said,screen} 2>/dev/null | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

skip_all()
{
	echo "1..1"
	echo "ok 1 - gmbstat top # SKIP $1"
	exit 0
}

[ -x "$gmbstat" ] || skip_all "gmbstat was not built"
command -v tmux >/dev/null || skip_all "needs tmux"

libs="-pthread $(printf '#include <liburing.h>\nint main(void){return 0;}' |
	${CC} -x c - -luring -o "$out/try" 2>/dev/null && echo -luring)"
# shellcheck disable=SC2086
if ! ${CC} -std=gnu11 -O2 -g -Iinclude tests/gmbstat-top/paces.c \
	"$B/libgiambio.a" $libs -o "$out/paces" >"$out/said" 2>&1; then
	ok 1 "paces.c compiles"
	exit 1
fi

# top WIDTH HEIGHT ARGUMENT...: in a new terminal; its exit code will be in
# $out/code
top()
{
	local width=$1 height=$2
	shift 2
	rm -f "$out/code"
	tm kill-server
	tm new-session -d -x "$width" -y "$height" \
		"$gmbstat top $* 2>'$out/said'; echo \$? >'$out/code'"
}

# sees PATTERN: within some seconds a line of the screen matches
sees()
{
	for _ in $(seq 100); do
		tm capture-pane -p >"$out/screen"
		grep -Eq -- "$1" "$out/screen" && return 0
		sleep 0.1
	done
	return 1
}

sees_no()
{
	for _ in $(seq 100); do
		tm capture-pane -p >"$out/screen"
		grep -Eq -- "$1" "$out/screen" || return 0
		sleep 0.1
	done
	return 1
}

ends() # CODE: it ends by itself with that exit code
{
	for _ in $(seq 100); do
		[ -s "$out/code" ] && [ "$(cat "$out/code")" -eq "$1" ] &&
			return 0
		sleep 0.1
	done
	return 1
}

# order WORD...: so the tasks follow each other on the screen
order()
{
	tm capture-pane -p >"$out/screen"
	[ "$(awk '/ TASK / { table = 1; next } table { print $3 }' \
		"$out/screen" | grep -E 'quick|even|slow' | tr '\n' ' ')" = \
		"$* " ]
}

keys()
{
	tm send-keys "$@"
}

"$out/paces" &
paces=$!
pids+=("$paces")

top 132 30 -d 0.5 -p "$paces"
sees "^ *$paces paces .* (uring|epoll|kmod) +5 "
ok $? "a loop with its command, backend and tasks"
sees 'TASK +STATE +WAITS FOR'
ok $? "the table of tasks"
sees "^ *$paces +[0-9]+ +quick .*sleeps"
ok $? "a task, and what it waits for"
sees '[▁▂▃▄▅▆▇█]'
ok $? "bars of latencies"
sees '[1-9] idle tasks are hidden'
ok $? "idle tasks are hidden, which is said"
sees_no ' never '
ok $? "a task that sleeps for ever is hidden"
keys i
sees ' never .*sleeps'
ok $? "i shows idle tasks"
keys i
sees 'idle tasks are hidden'
ok $? "i hides them again"

keys S
sees 'by steps'
ok $? "S sorts by steps"
sleep 1.2
order quick even slow
ok $? "the quickest task is the first, the slowest the last"
keys R
sees 'by steps, least first'
ok $? "R turns the order around"
sleep 0.7
order slow even quick
ok $? "then the slowest is the first"
keys R
sees_no 'least first'
keys '>'
sees 'by since'
ok $? "> sorts by the next column"
keys '<'
sees 'by steps'
ok $? "< by the one before"
for key in 'P:CPU' 'T:run time' 'W:worst wakeup' 'A:since' 'N:number' 'C:name'
do
	keys "${key%%:*}"
	sees "by ${key#*:}"
	ok $? "${key%%:*} sorts by ${key#*:}"
done

keys h
sees 'quit +space +stop'
ok $? "h shows the keys"
keys h
sees_no 'quit +space +stop'
ok $? "h hides them"
keys ' '
sees 'stopped'
ok $? "space stops"
keys ' '
sees_no 'stopped'
ok $? "space goes on"
keys d
sees 'Seconds between looks'
ok $? "d asks for the delay"
keys 0.3 Enter
sees 'every 0.3 s'
ok $? "and takes it"
keys d x Enter
sees_no 'Seconds between looks'
keys s 99999 Enter
sees 'number from 0.1 to 3600'
ok $? "a bad delay is refused"
keys Z
sees 'does nothing'
ok $? "a key that does nothing says so"
keys Down NPage PPage End Home Up
sees "^ *$paces +[0-9]+ +"
ok $? "keys that move"

for size in 60x14 40x10 20x6 5x2 1x1 200x50; do
	tm resize-window -x "${size%x*}" -y "${size#*x}"
	sleep 0.6
	kill -0 "$(tm list-panes -F '#{pane_pid}')" && [ ! -e "$out/code" ]
	ok $? "it lives in a terminal of $size"
done
sees "^ *$paces paces "
ok $? "and shows all again when there is room"
tm resize-window -x 60 -y 16
sees_no 'BACKEND'
ok $? "a narrow terminal leaves columns out"
[ "$(awk '{ n = length > n ? length : n } END { print n }' "$out/screen")" \
	-le 60 ]
ok $? "and no line is longer"

kill "$paces"
wait "$paces" 2>/dev/null
sees 'No giambio loop runs'
ok $? "a process that ends goes"
keys q
ends 0
ok $? "q ends with 0"

top 80 20
sees 'gmbstat top'
keys C-c
ends 0
ok $? "Ctrl-C ends with 0"
top 80 20 -n 2 -d 0.2
ends 0
ok $? "-n 2 ends by itself"
top 80 20 -d 0
ends 2 && grep -q 'wants seconds' "$out/said"
ok $? "a bad option is refused"
tm kill-server
rm -f "$out/code"
tm new-session -d "TERM=nosuch $gmbstat top 2>'$out/said'; echo \$? >'$out/code'"
ends 4 && grep -q "terminal 'nosuch' is not known" "$out/said"
ok $? "an unknown terminal"
LC_ALL=C top 80 20 -d 0.3
sees 'gmbstat top'
keys q
ends 0
ok $? "a terminal without UTF-8"

"$gmbstat" top >"$out/screen" 2>"$out/said" </dev/null
[ $? -eq 2 ] && [ "$(wc -l <"$out/said")" -eq 1 ] && [ ! -s "$out/screen" ] &&
	grep -q 'needs a terminal' "$out/said"
ok $? "without a terminal: one sentence, 2"
"$gmbstat" top --json >"$out/screen" 2>"$out/said"
[ $? -eq 2 ] && grep -q 'loops --json' "$out/said"
ok $? "--json says which commands have it"
echo "1..$number"
[ "$failed" -eq 0 ]
