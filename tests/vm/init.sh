#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The first process of the test machine, packed by run.sh as /init. It loads
# the modules, runs the command, looks for anything the kernel complained of,
# and only then tells the host the verdict: through the port of the
# isa-debug-exit device, which nothing else in the machine writes to, so that
# a panic, a hang or a power-off can never be taken for a pass.
#
# Verdicts: 0 good, 1 the command failed, 2 the kernel complained,
# 3 the machine could not be set up.

bb=/bin/busybox
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/tmp TERM=${TERM:-dumb}

$bb mount -t devtmpfs dev /dev 2>/dev/null
$bb mkdir -p /dev/shm /dev/pts
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
$bb mount -t tmpfs tmp /tmp
$bb mount -t tmpfs shm /dev/shm
$bb mount -t devpts pts /dev/pts
$bb mount -t tmpfs run /run
$bb mount -t debugfs debug /sys/kernel/debug 2>/dev/null
$bb mount -t tracefs trace /sys/kernel/tracing 2>/dev/null
$bb mount -t cgroup2 cgroup /sys/fs/cgroup 2>/dev/null
$bb ln -sf /proc/self/fd /dev/fd
$bb ip link set lo up

. /giambio/settings

# port NAME - the device of the virtio-serial port the host calls NAME
port()
{
	for p in /sys/class/virtio-ports/*; do
		if [ "$($bb cat "$p/name" 2>/dev/null)" = "$1" ]; then
			echo "/dev/${p##*/}"
			return
		fi
	done
}

# leave VERDICT - end the machine; the host's qemu exits with
# ((VERDICT + 16) << 1) | 1
leave()
{
	$bb sync
	if [ -n "$INTERACTIVE" ]; then
		$bb poweroff -f
	fi
	/giambio/verdict "$1" 2>/dev/kmsg
	$bb poweroff -f
}

# complaints - the lines of the kernel log that no good run has
complaints()
{
	$bb dmesg | $bb grep -E -f /giambio/complaints |
		$bb grep -v -E -f /giambio/harmless
}

# leaks - what kmemleak finds. An object is reported once it looked
# unreferenced at two scans and is some seconds old.
leaks()
{
	[ -n "$KMEMLEAK" ] && [ -e /sys/kernel/debug/kmemleak ] || return 0
	echo scan >/sys/kernel/debug/kmemleak
	$bb sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	$bb cat /sys/kernel/debug/kmemleak
}

for m in $($bb cat /giambio/drivers); do
	$bb insmod "/giambio/modules/$m" || leave 3
done
result=$(port giambio.result)
out=$(port giambio.out)
files=$(port giambio.files)
if [ -z "$INTERACTIVE" ] && { [ -z "$result" ] || [ -z "$out" ]; }; then
	echo "init: the machine has no virtio-serial ports" >/dev/kmsg
	leave 3
fi
if [ -n "$KMEMLEAK" ] && [ -e /sys/kernel/debug/kmemleak ]; then
	echo clear >/sys/kernel/debug/kmemleak
fi
for m in $($bb cat /giambio/loads); do
	if ! $bb insmod "$m" $MODULE_ARGS 2>/tmp/insmod; then
		echo "init: $($bb cat /tmp/insmod)" >/dev/kmsg
		[ -n "$INTERACTIVE" ] || $bb dmesg >"$result"
		leave 3
	fi
done

if [ -n "$INTERACTIVE" ]; then
	$bb cat /giambio/motd 2>/dev/null
	$bb setsid $bb cttyhack /bin/sh -l
	leave 0
fi

[ -z "$SETTLE" ] || $bb sleep "$SETTLE"
cd /tmp || leave 3
/bin/sh /giambio/command </dev/null >"$out" 2>&1
status=$?
verdict=0
[ "$status" = 0 ] || verdict=1
if [ -n "$OUT_DIR" ] && [ -d "$OUT_DIR" ]; then
	$bb tar -C "$OUT_DIR" -cf "$files" .
fi
leaks >/tmp/leaks
complaints >/tmp/complaints
if [ -s /tmp/leaks ] || [ -s /tmp/complaints ]; then
	verdict=2
fi
{
	echo "status $status"
	$bb sed 's/^/complaint /' /tmp/complaints
	$bb sed 's/^/leak /' /tmp/leaks
	$bb dmesg | $bb sed 's/^/log /'
} >"$result"
leave $verdict
