#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# gmbstat latency and trace beside the kernel module, in a machine of its own: a
# slack of 1 ms is seen as the time that events are held back, of the whole loop
# and of the task alone; in a trace, too, by root, who listens to the module's
# multicast group, and by a user, who is sent his own. Prints TAP.

set -u
cd "$(dirname "$0")/../.." || exit 2
here=tests/gmbstat

: "${O:=build}" "${B:=$O}" "${CC:=gcc}"
number=0 failed=0
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

# ok STATUS NAME: a line of TAP, with what the machine said if it failed
ok()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		tail -qn 30 "$dir"/{log,found{,.held},out/{json,said,members}*} 2>/dev/null |
			cut -c1-200 | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

skip()
{
	echo "1..1"
	echo "ok 1 - gmbstat beside the module # SKIP $1"
	exit 0
}

[ -x "$B/bin/gmbstat" ] || skip "it was not built: see make tools"
module=$(tests/vm/module.sh -c -o "$O/kmod/6.1" 6.1 2>"$dir/log" | tail -n 1)
[ -f "$module" ] || skip "no module could be built for Linux 6.1"
uring=
pkg-config --exists liburing 2>/dev/null && uring=-luring
$CC -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Iinclude -o "$dir/known" \
	$here/known.c "$B/libgiambio.a" -pthread $uring 2>"$dir/log"
ok $? "the test program compiles"

# The program begins when it gets a line; then it takes two seconds.
cat >"$dir/inside" <<'END'
#!/bin/sh
mkdir -p /tmp/out
for what in "" "-t slack"; do
	mkfifo /tmp/in
	known slack 200 </tmp/in >/tmp/out/own &
	exec 7>/tmp/in
	rm /tmp/in
	sleep 1
	(sleep 1; echo go >&7) &
	gmbstat latency -p $(pidof known) -d 5 -j $what >"/tmp/out/json$what" ||
		exit
	exec 7>&-
	sleep 1
done

# trace WHO [SU...] - with who is a member of a group meanwhile
trace()
{
	who=$1
	shift
	{
		sleep 3
		awk '$2 == 16 && $4 !~ /^0+$/' /proc/net/netlink \
			>"/tmp/out/members.$who"
		echo go
		sleep 5
	} | "$@" sh -c "gmbstat trace -o /tmp/out/trace.$who -- \
		known slack 200 2>/tmp/out/said.$who"
}

chmod 777 /tmp/out
chmod 666 /dev/giambio
trace root env
trace user su -s /bin/sh nobody
END
chmod 755 "$dir/inside"
tests/vm/run.sh -m "$module" -f "$B/bin/gmbstat" -f "$dir/known" \
	-f "$dir/inside" -e GMB_BACKEND=kmod -d "/tmp/out:$dir/out" 6.1 -- \
	inside >"$dir/log" 2>&1
status=$?
[ $status = 77 ] && skip "Linux 6.1 is not to be had"
ok $status "gmbstat runs in a machine with the module"

for what in '' '-t slack'; do
	perl $here/json.pl "$dir/out/json$what" '
		my $h = stage("held"); my $t = stage("kernel");
		$h->{count} > 150 && $h->{count} <= 201 &&
		$h->{p50_ns} > 0.9e6 && $h->{p50_ns} < 2.5e6 &&
		$t->{p50_ns} >= $h->{p50_ns} * 0.95' >"$dir/found" 2>&1
	ok $? "latency $what: the median is 1 ms, -0.1 and +1.5 as it is emulated"
done

# query WHO WORD... - see check-trace.pl
query()
{
	perl tests/gmbstat-trace/check-trace.pl "$dir/out/trace.$1" "${@:2}" \
		>"$dir/found" 2>&1
}

for who in root user; do
	query $who tracks
	ok $? "$who: the trace is as viewers want it"
	query $who other module && grep -qx 1 "$dir/found" &&
		query $who other module_lost && grep -qx 0 "$dir/found"
	ok $? "$who: it has the module's events, and misses none"
	query $who async held && sort -n "$dir/found" | awk '
		{ ms[NR] = $1 / 1000 }
		END {
			least = ms[int(NR / 10) + 1]
			print NR, "held back, nine tenths of them at least", least, "ms"
			exit !(NR > 150 && NR <= 210 &&
				least > 0.9 && least < 2.5)
		}' >"$dir/found.held"
	ok $? "$who: 200 bytes are held back 1 ms, -0.1 and +1.5 as it is emulated"
done
[ -s "$dir/out/members.root" ]
ok $? "root listens to the multicast group"
[ -f "$dir/out/members.user" ] && [ ! -s "$dir/out/members.user" ]
ok $? "a user does not"

echo "1..$number"
[ "$failed" -eq 0 ]
