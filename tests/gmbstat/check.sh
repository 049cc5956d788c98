#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# gmbstat tells the truth: programs with known delays measure themselves, and
# what the tool says must agree. Then what it does where there is nothing to
# see, where the process goes, or lies. Prints TAP. B is where things were
# built; BACKENDS may name other backends than epoll and uring.

set -u
cd "$(dirname "$0")/../.." || exit 2
here=tests/gmbstat

: "${O:=build}" "${B:=$O}" "${CC:=gcc}"
gmbstat=$B/bin/gmbstat
number=0 failed=0 tag= pid= to=
dir=$(mktemp -d) || exit 2
out=$dir/out
trap 'end; rm -rf "$dir"' EXIT

# ok STATUS NAME: a line of TAP, with what was found if it failed
ok()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $tag$2"
	else
		echo "not ok $number - $tag$2"
		head -qn 25 "$dir"/{err,found,own} "$out" 2>/dev/null |
			cut -c1-300 | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

# stat ARGUMENTS...: what it prints goes to $out, its complaints to $dir/err
stat()
{
	timeout -k 5 60 "$gmbstat" "$@" >"$out" 2>"$dir/err"
}

# json EXPRESSION: see json.pl
json()
{
	perl $here/json.pl "$out" "$1" >"$dir/found" 2>&1
}

# start PROGRAM ARGUMENTS...: until it says that it is ready
start()
{
	local line=
	mkfifo "$dir/in"
	: >"$dir/own"
	"$@" <"$dir/in" >"$dir/own" 2>&1 &
	pid=$!
	disown "$pid"
	exec {to}>"$dir/in"
	rm -f "$dir/in"
	said '^(ready|begun)'
}

# said PATTERN: wait until the program has said that
said()
{
	for _ in {1..1200}; do
		grep -Eq "$1" "$dir/own" && return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

go()
{
	echo go >&"$to"
}

end()
{
	[ -n "$to" ] && exec {to}>&-
	while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do
		sleep 0.05
	done
	pid= to=
}

# meanwhile COMMAND...: observe while the program does what it does. It begins
# when the tool has asked for it; a signal ends the tool when it is over.
meanwhile()
{
	timeout -k 5 120 "$gmbstat" "$@" -p "$pid" -d 100 -j >"$out" \
		2>"$dir/err" &
	local tool=$!
	for _ in {1..1200}; do
		asked && break
		sleep 0.05
	done
	go
	said '^over' || return 1
	sleep 0.2
	kill -INT "$tool" && wait "$tool"
}

# asked: somebody observes the program; its loop sleeps, so its page cannot say
asked()
{
	[ -n "$(od -An -j "$control" -N 8 -t d8 "/proc/$pid/fd/$page" |
		grep -v '^ *0$')" ]
}

# The page's descriptor, and where gmb_control lies in it.
find_page()
{
	local fd
	for fd in "/proc/$pid/fd"/*; do
		[ "$(readlink "$fd")" = "/memfd:giambio-loop (deleted)" ] &&
			page=${fd##*/}
	done
	control=$("$dir/offset")
}

build()
{
	local p
	for p in known waits fake liar; do
		$CC -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Iinclude \
			-o "$dir/$p" $here/$p.c "$B/libgiambio.a" -pthread \
			$uring 2>"$dir/err" || return 1
	done
	printf '%s\n' '#include <giambio/page.h>' '#include <stdio.h>' \
		'int main(void) { printf("%zu\n", offsetof(struct gmb_page,
		control.times_until)); return 0; }' >"$dir/offset.c"
	$CC -Iinclude -o "$dir/offset" "$dir/offset.c" 2>"$dir/err"
}

usage()
{
	stat
	[ $? = 2 ] && grep -q 'tasks' "$dir/err"
	ok $? "without a command it says which there are"
	stat nonsense
	[ $? = 2 ] && grep -Eq "no command 'nonsense'.*loops.*tasks" "$dir/err"
	ok $? "so it does for an unknown one"
	stat --help && grep -q latency "$out" && stat --version &&
		grep -q '^gmbstat [0-9]' "$out"
	ok $? "--help and --version"
	bad=0
	for words in 'tasks -p x' 'tasks -p 0' 'latency -d -1' 'latency -d x' \
		'stalls -m 0' 'stalls -m nan' 'loops extra' 'latency -d 0 -t x' \
		'latency -d nan' 'loops -d 1e99' 'top -d nan' \
		'tasks --nonsense'; do
		# shellcheck disable=SC2086 # words
		stat $words
		[ $? = 2 ] || bad=1
		grep -q "^gmbstat ${words%% *}: " "$dir/err" || bad=1
	done
	ok $bad "wrong options are said in a sentence"
	bad=0
	for command in $("$gmbstat" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
		stat "$command" --help && grep -q -- --pid "$out" || bad=1
		grep -q "^.SS gmbstat $command\$" man/gmbstat.8 || bad=1
	done
	ok $bad "every command has --help and a section of the page"
}

nothing()
{
	bad=0
	for command in loops tasks latency stalls; do
		stat $command -p $$
		[ $? = 1 ] && grep -q "^gmbstat: process $$ runs no" "$dir/err" ||
			bad=1
		stat $command -p 2147483647 -j
		[ $? = 1 ] && grep -q 'there is no process' "$dir/err" || bad=1
	done
	stat trace -o "$dir/none" -p $$
	[ $? = 1 ] && [ ! -e "$dir/none" ] || bad=1
	ok $bad "no loop, no process: a sentence and exit code 1"
}

# wait KIND NAME EXPRESSION: a task in that wait, and what is said of it
wait_is()
{
	json "my \$w = task('$2')->{wait}; \$w->{kind} eq '$1' && ($3)"
	ok $? "tasks: $2 waits in $1"
}

waits()
{
	local listener client
	start "$dir/waits"
	ok $? "a program in all kinds of wait"
	read -r _ listener client <"$dir/own"
	stat tasks -p "$pid" -a -j
	ok $? "tasks -j"
	wait_is sleep sleep '$w->{left_ns} > 3e12 && $w->{left_ns} <= 3.6e12'
	wait_is sleep owner '!defined $w->{left_ns}'
	wait_is join join '$w->{task} == task("sleep")->{id}'
	wait_is manager manager \
		'$w->{object} eq task("sleep")->{manager}'
	wait_is lock lock '$w->{task} == task("owner")->{id} &&
		$w->{task_name} eq "owner"'
	for kind in event semaphore condition limiter receive mailbox; do
		wait_is $kind $kind '$w->{object} =~ /^0x/'
	done
	wait_is barrier barrier '$w->{count} == 1'
	wait_is queue_put queue_put '$w->{length} == 2'
	wait_is queue_get queue_get '$w->{length} == 0'
	wait_is select select '$w->{count} == 2'
	wait_is readable readable "\$w->{what} eq
		'tcp 127.0.0.1:$listener <- 127.0.0.1:$client'"
	wait_is readable unix '$w->{what} =~ /^unix \d+$/'
	wait_is accept accept \
		"\$w->{what} eq 'tcp 127.0.0.1:$listener listens'"
	json 'my $n = task("deadline")->{deadline_ns}; $n > 3e12 && $n <= 3.6e12'
	ok $? "tasks: the deadline of a scope"
	json 'task("done")->{state} eq "done" && !task("done")->{wait} &&
		task("event")->{parent} == 1 &&
		task("sleep")->{parent} == task("manager")->{id}'
	ok $? "tasks -a: who has ended; whose child who is"
	text_of_waits
	end
	! grep -q '^waits:' "$dir/own"
	ok $? "the observed program noticed nothing"
}

# lines_fit WIDTH COMMAND...: on a terminal of that width no line is longer
lines_fit()
{
	local width=$1
	shift
	script -qec "stty cols $width; COLUMNS= $gmbstat $*" /dev/null \
		>"$out" </dev/null
	[ -s "$out" ] && tr -d '\r' <"$out" | awk -v w="$width" \
		'length($0) > w && !/^process / { bad = 1 } END { exit bad }'
}

text_of_waits()
{
	stat tasks -p "$pid" && ! grep -q ' done ' "$out" &&
		grep -q ' lock 0x[0-9a-f]*, held by [0-9]* (owner)' "$out" &&
		! grep -q ' $' "$out"
	ok $? "tasks: the same in words"
	! LC_ALL=C grep -q $'[\001-\010\013-\037]' "$out" &&
		json_of_hostile
	ok $? "a name's control characters do not reach the terminal"
	bad=0
	for width in 200 80 60 40; do
		LC_ALL=C lines_fit $width tasks -p "$pid" || bad=1
		LC_ALL=C lines_fit $width loops -d 0 -p "$pid" || bad=1
		LC_ALL=C lines_fit $width latency -d 0 -p "$pid" || bad=1
	done
	ok $bad "lines fit terminals of 200 to 40 columns"
	"$gmbstat" tasks -p "$pid" 2>"$dir/err" | head -n 1 >"$out"
	[ "${PIPESTATUS[0]}" = 0 ] && [ ! -s "$dir/err" ]
	ok $? "a reader that has seen enough is no error"
	stat tasks -p "$pid" -t lock -b && grep -q ' a_lock at .*waits.c:' "$out"
	ok $? "tasks -b: where a task is"
	stat tasks -p "$pid" -t lock -b -j &&
		json 'grep { ($_->{function} // "") eq "a_lock" }
			@{task("lock")->{stack}}'
	ok $? "tasks -b -j"
	stat tasks -p "$pid" -t none
	[ $? = 1 ] && grep -q "no task is called 'none'" "$dir/err"
	ok $? "tasks -t: there is none"
	stat loops -p "$pid" -j -d 0 && json "
		\$d->{loops}[0]{backend} eq '$GMB_BACKEND' &&
		\$d->{loops}[0]{tasks} == 21 && \$d->{loops}[0]{pid} == $pid"
	ok $? "loops: backend and number of tasks"
}

json_of_hostile()
{
	stat tasks -p "$pid" -j && json 'grep { $_->{name} =~ /^\e\[31mred/ }
		@{$d->{loops}[0]{tasks}}'
}

# The middle one of twenty is compared, for a busy machine makes some of them
# longer between the two that measure.
holds()
{
	start "$dir/known" hold 20 && find_page && meanwhile stalls
	ok $? "a task that holds the loop for 5 ms, 20 times"
	json "agree([stalls('holder')], [own('$dir/own', 'hold')], 20, 100e3)"
	ok $? "stalls: each is seen, and as long as it was, within 0.1 ms"
	json '$d->{lost} == 0'
	ok $? "stalls: no event was lost"
	json 'my @s = grep { $_->{stack} && $_->{name} eq "holder" }
		@{$d->{stalls}}; @s && @s == grep { grep { ($_->{function} //
		"") eq "holder" } @{$_->{stack}} } @s'
	ok $? "stalls: the stacks that were seen are the task's"
	end
	start "$dir/known" block 20 && find_page && meanwhile stalls &&
		json "agree([stalls('blocker')], [own('$dir/own', 'block')],
		20, 100e3)"
	ok $? "stalls: a task that blocks its thread"
	json 'my @s = grep { defined $_->{cpu_ns} && $_->{kind} eq "task" }
		@{$d->{stalls}}; my @b = grep { $_->{cpu_ns} < $_->{ns} / 4 }
		@s; @b >= @s / 2'
	ok $? "stalls: it did not compute"
	end
	start "$dir/known" hang 3600 && go && sleep 1 &&
		stat stalls -p "$pid" -d 1 -j && json '
		my ($s) = grep { $_->{goes_on} } @{$d->{stalls}};
		$s->{name} eq "hanging" && $s->{ns} > 1e9 && grep {
		($_->{function} // "") eq "hanging" } @{$s->{stack}}'
	ok $? "stalls: a task that does not give way at all, and where it is"
	stat tasks -p "$pid" -j && json 'task("hanging")->{state} eq "running"'
	ok $? "tasks: it runs"
	stat loops -p "$pid" -d 1 -j && json '
		my $l = $d->{loops}[0]; $l->{cpu_share} > 0.3 &&
		$l->{cpu_share} < 1.1 && $l->{per_second}{traps} == 0'
	ok $? "loops: it has the processor, and makes no trap"
	kill -KILL "$pid"
	end
}

# A thread that others keep from running: at the least weight, beside one that
# never sleeps, on the same processor. The kernel says how long it waited.
hogged()
{
	local hog before after
	taskset -c 0 sh -c 'while :; do :; done' &
	hog=$!
	disown "$hog"
	start taskset -c 0 chrt -i 0 "$dir/known" late 10 && find_page
	before=$(awk '{ print $2 }' "/proc/$pid/schedstat")
	meanwhile stalls -m 1 -n
	ok $? "a hog beside a thread"
	after=$(awk '{ print $2 }' "/proc/$pid/schedstat")
	kill "$hog"
	json "my @t = grep { \$_->{kind} eq 'thread' } @{\$d->{stalls}};
		@t > 3 && close_to(sum(map { \$_->{wait_ns} } @t),
		$((after - before)), 0.05, 20e6)"
	ok $? "stalls: it was runnable and did not run, as long as the kernel says"
	end
}

delays()
{
	start "$dir/known" lock 20 && find_page && meanwhile latency -t waiter
	ok $? "a lock that is held for 20 ms while others want it"
	json "stage('lock')->{count} == 20 && stage('lock')->{source} eq 'wait'"
	ok $? "latency -t: each wait is counted, of tasks that came later, too"
	json "close_to(stage('lock')->{mean_ns} + stage('resume')->{mean_ns},
		sum(own('$dir/own', 'wait')) / 20, 0.02, 200e3)"
	ok $? "latency -t: they took as long as they took, within 2 % + 0.2 ms"
	end
	start "$dir/known" late 20 && find_page && meanwhile latency -t late
	ok $? "a task that is ready 5 ms before it runs"
	json "my (\$r, @own) = (stage('resume'), own('$dir/own', 'late'));
		\$r->{count} >= 20 && close_to(\$r->{sum_ns}, sum(@own), 0.02,
		2e6) && stage('event')->{count} == 20"
	ok $? "latency -t: the delay is seen, within 2 % + 0.1 ms each"
	end
	start "$dir/known" late 20 && find_page && meanwhile latency
	json "my (\$r, @own) = (stage('resume'), own('$dir/own', 'late'));
		my \$own = (sort { \$a <=> \$b } @own)[10]; my \$n = 0;
		\$n += \$_->[1] for grep { \$_->[0] > \$own * 0.7 }
		@{\$r->{buckets}}; \$n >= 10 && \$r->{max_ns} >= 4.9e6"
	ok $? "latency: so it is in the histogram of the loop"
	stat tasks -p "$pid" -j -t main
	ok $? "tasks, after it was measured"
	end
	svg
}

svg()
{
	start "$dir/known" hold 20 && find_page
	(sleep 0.5; go) &
	LC_ALL=C.UTF-8 stat latency -p "$pid" -d 2 -s "$dir/latency.svg"
	ok $? "latency --svg"
	grep -q '█' "$out" && grep -q '10ms' "$out"
	ok $? "latency: a picture in text"
	head -c 400 "$dir/latency.svg" | grep -q '<svg' &&
		tail -n 1 "$dir/latency.svg" | grep -q '</svg>' &&
		{ ! command -v xmllint >/dev/null ||
			xmllint --noout "$dir/latency.svg"; }
	ok $? "latency: and one as SVG"
	stat latency -p "$pid" -d 0.1 -s "$dir/none/x.svg"
	[ $? = 4 ] && grep -q 'cannot be written' "$dir/err"
	ok $? "latency: a file that cannot be written"
	timeout 60 "$gmbstat" loops -j >/dev/full 2>"$dir/err"
	[ $? = 4 ] && grep -q 'cannot be written' "$dir/err"
	ok $? "loops -j: no room for what is printed"
	end
}

counts()
{
	GMB_OBSERVE=times start "$dir/known" count 500 && go && said '^over'
	ok $? "500 sleeps, bytes and yields"
	stat loops -d 0 -p "$pid" -j && json '$d->{loops}[0]{timers} == 501'
	ok $? "loops: as many timers as sleeps"
	json '$d->{loops}[0]{spawned} == 3 && $d->{loops}[0]{exited} == 2'
	ok $? "loops: as many tasks as there were"
	json '$d->{loops}[0]{completions} == 501 &&
		$d->{loops}[0]{traps} > 500 && $d->{loops}[0]{traps} < 600'
	ok $? "loops: as many completions as bytes, and a trap for each wait"
	stat latency -d 0 -p "$pid" -j &&
		json "sum(map { \$_->[1] } @{stage('step')->{buckets}}) ==
		stage('step')->{count} && stage('step')->{count} > 1000"
	ok $? "latency: the buckets make the count"
	end
	start "$dir/known" count 500 && find_page &&
		meanwhile latency -t counter && json "
		stage('sleep')->{count} == 500 &&
		stage('sleep')->{source} eq 'wait'"
	ok $? "latency -t: as many sleeps as there were"
	json "stage('step')->{count} >= 501 &&
		stage('step')->{count} <= 1001 &&
		stage('resume')->{count} + 1 >= stage('step')->{count}"
	ok $? "latency -t: as many steps as there were"
	end
}

many()
{
	local TIMEFORMAT='%U %S' before after
	start "$dir/known" many 100000 && go && said '^over'
	ok $? "100,000 tasks"
	sleep 1
	before=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	{ time stat tasks -p "$pid"; } 2>"$dir/time"
	after=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	[ "$(grep -c ' sleeps until cancelled ' "$out")" = 100000 ]
	ok $? "tasks: all are listed"
	cp "$dir/time" "$out"
	awk '{ exit !($1 + $2 < 1) }' "$dir/time"
	ok $? "tasks: in less than a second of processor time ($(cat "$dir/time"))"
	[ $((after - before)) -le 1 ]
	ok $? "tasks: the process did nothing meanwhile"
	stat tasks -p "$pid" -j && json '@{$d->{loops}[0]{tasks}} == 100001'
	ok $? "tasks -j: all of them"
	end
}

going()
{
	start "$dir/known" hold 1000 && go
	(sleep 0.7; kill -KILL "$pid") &
	stat latency -p "$pid" -d 2 -j && json 'stage("step")->{count} > 3'
	ok $? "latency: the process is killed meanwhile"
	end
	start "$dir/known" hold 1000 && go
	(sleep 0.7; kill -KILL "$pid") &
	stat stalls -p "$pid" -d 2 -j && json '@{$d->{stalls}} > 3'
	ok $? "stalls: the process is killed meanwhile"
	end
}

others()
{
	if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
		number=$((number + 1))
		echo "ok $number - ${tag}another user # SKIP not root"
		return
	fi
	start "$dir/known" many 3
	chmod 755 "$dir"
	cp "$gmbstat" "$dir/gmbstat"
	setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/gmbstat" \
		tasks -p "$pid" >"$out" 2>"$dir/err"
	[ $? = 3 ] && grep -q 'belongs to another user' "$dir/err" &&
		[ ! -s "$out" ]
	ok $? "another user may not look: exit code 3"
	setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/gmbstat" \
		trace -o - -p "$pid" >"$out" 2>"$dir/err"
	[ $? = 3 ] && [ ! -s "$out" ]
	ok $? "another user may not trace: exit code 3"
	end
}

# Programs that lie must not make the tool fail, and surely not fall.
liars()
{
	local seed bad=0 seen=0 rc words
	for seed in {1..24}; do
		start "$dir/fake" "$seed"
		for words in 'tasks -a' 'tasks -b -j' 'loops -d 0' \
			'latency -d 0 -j' 'latency -d 0.02 -t 1' \
			'stalls -d 0.02 -m 0.5'; do
			# shellcheck disable=SC2086 # words
			stat $words -p "$pid"
			rc=$?
			[ $rc -le 4 ] || { bad=1; echo "# seed $seed: $words: $rc"; }
			[ $rc = 0 ] && seen=$((seen + 1))
		done
		end
	done
	ok $bad "pages and traces that lie are survived"
	[ $seen -gt 10 ]
	ok $? "some of them were believed"
}

# Each lie once did harm.
lies()
{
	start "$dir/liar" backend
	stat tasks -p "$pid" && grep -q ' on ?.31mX?c, 1 task' "$out" &&
		stat latency -d 0 -p "$pid" && grep -q ' on ?.31mX' "$out"
	ok $? "a backend's control characters do not reach the terminal"
	end
	start "$dir/liar" bucket
	stat latency -d 0 -p "$pid" && grep -q '^resume  *1 ' "$out"
	ok $? "a histogram that contradicts itself is drawn"
	end
	start "$dir/liar" holes
	stat tasks -p "$pid" -j && json '@{$d->{loops}[0]{tasks}} == 1'
	ok $? "rows that there is no memory for are no tasks"
	end
	said ' KiB$'
	[ "$(sed -n 's/ KiB$//p' "$dir/own")" -lt 1024 ]
	ok $? "nor is memory made of them"
	start "$dir/liar" zeros
	stat latency -d 0 -p "$pid" -s "$dir/zeros.svg" &&
		! grep -q nan "$dir/zeros.svg" &&
		iconv -f UTF-8 -t UTF-8 "$dir/zeros.svg" >/dev/null 2>"$dir/err"
	ok $? "the picture has no number that is none, and is UTF-8"
	end
}

completion()
{
	start "$dir/waits"
	cat >"$dir/complete" <<-'END'
	. tools/completion/gmbstat
	complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		_gmbstat; echo "${COMPREPLY[*]}"; }
	complete_line gmbstat lat
	complete_line gmbstat tasks --ba
	complete_line gmbstat tasks -t queue_
	complete_line gmbstat tasks -p ''
	complete_line gmbstat tasks --pid = ''
	END
	PATH=$B/bin:$PATH bash "$dir/complete" >"$out" 2>"$dir/err"
	[ "$(sed -n 1p "$out")" = latency ] &&
		[ "$(sed -n 2p "$out")" = --backtrace ] &&
		[ "$(sed -n 3p "$out")" = "queue_get queue_put" ] &&
		sed -n 4p "$out" | grep -qw "$pid" &&
		sed -n 5p "$out" | grep -qw "$pid"
	ok $? "completion of commands, options, tasks and processes"
	bad=0
	for command in latency loops stalls tasks; do
		for option in $("$gmbstat" $command --help |
			grep -o -- ' --[a-z][a-z-]*' | sort -u); do
			grep -q -- "$option" tools/completion/gmbstat ||
				{ [ "$option" = --version ] || bad=1; }
		done
	done
	ok $bad "completion knows every option"
	end
}

if [ ! -x "$gmbstat" ]; then
	echo "1..1"
	echo "ok 1 - gmbstat # SKIP it was not built: see make tools"
	exit 0
fi
uring=
pkg-config --exists liburing 2>/dev/null && uring=-luring
build
ok $? "the test programs compile"
[ $failed = 0 ] || { echo "1..$number"; exit 1; }
usage
nothing
for GMB_BACKEND in ${BACKENDS:-epoll uring}; do
	export GMB_BACKEND
	tag="$GMB_BACKEND: "
	if ! why=$("$B/tests/probe/backend" "$GMB_BACKEND" 2>&1); then
		number=$((number + 1))
		echo "ok $number - ${tag}gmbstat # SKIP $why"
		continue
	fi
	waits
	holds
	hogged
	delays
	counts
	many
	going
done
unset GMB_BACKEND
tag=
others
liars
lies
completion

echo "1..$number"
[ "$failed" -eq 0 ]
