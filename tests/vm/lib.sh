# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# What the scripts of this folder share: messages, the cache folder, locks,
# and the question whether KVM can be used. To be sourced by bash.
# shellcheck shell=bash

# Exit status of a script whose download is not to be had: the caller says
# "skip" on a developer's machine and "failure" in CI.
GMB_UNAVAILABLE=77

gmb_cache=${GIAMBIO_CACHE:-${HOME:?set HOME or GIAMBIO_CACHE}/.cache/giambio}

# note TEXT... - one line on stderr, prefixed with the script's name
note()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# die TEXT... - say it and leave with 1
die()
{
	note "$*"
	exit 1
}

# unavailable TEXT... - say it and leave with the skip status
unavailable()
{
	note "$*"
	exit "$GMB_UNAVAILABLE"
}

# need PROGRAM PACKAGE - leave unless PROGRAM can be run
need()
{
	command -v "$1" >/dev/null 2>&1 ||
		unavailable "'$1' is missing; install the package $2"
}

# locked FILE COMMAND... - run COMMAND while no other holds the lock FILE
locked()
{
	local file=$1

	shift
	mkdir -p "${file%/*}"
	( flock 9; "$@" 9>&- ) 9>"$file"
}

# kvm_usable BZIMAGE - true where a kernel starts under KVM. A nested
# hypervisor may offer /dev/kvm and hang in it, so one trial boot decides,
# once for each start of this machine. The trial has no root: its panic
# is the proof that it came so far.
kvm_usable()
{
	local seen=$gmb_cache/kvm-probe id log answer=no

	[ "${GIAMBIO_ACCEL:-}" != tcg ] && [ -w /dev/kvm ] || return 1
	id=$(cat /proc/sys/kernel/random/boot_id)
	if [ "$(cut -d' ' -f1 "$seen" 2>/dev/null)" != "$id" ]; then
		log=$(mktemp)
		timeout -k 1 8 qemu-system-x86_64 -accel kvm -cpu host -m 256 \
			-nodefaults -no-user-config -display none -no-reboot \
			-serial "file:$log" -kernel "$1" \
			-append 'console=ttyS0 panic=-1' \
			</dev/null >/dev/null 2>&1 || :
		if grep -q 'Unable to mount root fs' "$log"; then
			answer=yes
		fi
		rm -f "$log"
		mkdir -p "$gmb_cache"
		echo "$id $answer" >"$seen.$$"
		mv "$seen.$$" "$seen"
	fi
	[ "$(cut -d' ' -f2 "$seen")" = yes ]
}
