#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# deps.sh TARGET...: install the Debian packages that a make target needs and
# that are missing. Says what it installs and what for. Nothing is done when
# nothing is missing. NODEPS=1 skips the whole step.

set -u

# Packages of a target; a target includes those of the ones it builds on.
packages()
{
	case $1 in
	build)
		echo make gcc libc6-dev pkg-config liburing-dev ;;
	demo)
		packages tools ;;
	tools)
		packages build
		echo libnl-3-dev libnl-genl-3-dev libncurses-dev libdw-dev ;;
	check-style)
		packages build
		echo g++ clang-format groff-base man-db ;;
	check)
		packages check-style
		packages tools
		packages check-kernel
		echo check tmux gdb perl libxml2-utils ;;
	check-full)
		packages check
		packages check-kernel-debug
		echo bpftrace linux-perf clang valgrind gcovr gcc-aarch64-linux-gnu \
			libc6-dev-arm64-cross qemu-user-static ;;
	bench)
		packages build
		echo g++ libst-dev libboost-fiber-dev libboost-context-dev \
			libuv1-dev libevent-dev golang-go rustc cargo \
			librust-tokio-dev strace ;;
	bench-kernel)
		packages build
		packages machine ;;
	vm)
		packages tools
		packages machine ;;
	machine)
		echo qemu-system-x86 busybox-static cpio xz-utils zstd kmod \
			libelf-dev ;;
	check-kernel)
		packages build
		packages machine
		echo check sparse
		# Not gcc-multilib, which drives cross compilers out.
		echo libc6-dev-i386 "lib32gcc-$(gcc_major)-dev" ;;
	check-kernel-debug)
		packages check-kernel
		echo flex bison bc dwarves libssl-dev ;;
	*)
		echo "deps.sh: no such target: $1" >&2
		return 1 ;;
	esac
}

# The version of the compiler that is there, or will be.
gcc_major()
{
	gcc -dumpversion 2>/dev/null | cut -d. -f1 | grep . || echo 12
}

purpose()
{
	case $1 in
	build) echo "compiling the library" ;;
	check-style) echo "the style checks" ;;
	check | check-full) echo "the tests" ;;
	bench) echo "the benchmark and its peers" ;;
	bench-kernel) echo "measuring the kernel module in a virtual machine" ;;
	tools) echo "gmbstat and gmblat" ;;
	vm) echo "a virtual machine with the kernel module" ;;
	check-kernel*) echo "testing the kernel module in a virtual machine" ;;
	*) echo "make $1" ;;
	esac
}

missing()
{
	for p; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
		installed*) ;;
		*) echo "$p" ;;
		esac
	done
}

# Package lists older than a week name versions that mirrors have dropped.
lists_are_stale()
{
	[ -z "$(find /var/lib/apt/lists -name '*Packages*' -mtime -7 \
		2>/dev/null | head -n 1)" ]
}

# The lock is waited for, so that two makes at once do not break each other.
apt()
{
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

update()
{
	echo "deps: apt-get update"
	apt update || echo "deps: apt-get update failed; trying without" >&2
}

if [ "${NODEPS:-0}" = 1 ]; then
	exit 0
fi
wanted=
why=
for target; do
	list=$(packages "$target") || exit 2
	wanted="$wanted $list"
	why="${why:+$why, }$(purpose "$target")"
done
# shellcheck disable=SC2086 # a list of words
wanted=$(printf '%s\n' $wanted | sort -u)

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	# shellcheck disable=SC2086
	echo "deps: this system has no apt; install what corresponds to these" \
		"Debian packages yourself, then run make with NODEPS=1:" $wanted >&2
	for tool in "${CC:-cc}" pkg-config; do
		command -v "$tool" >/dev/null || exit 1
	done
	exit 0
fi

# shellcheck disable=SC2086
need=$(missing $wanted)
[ -n "$need" ] || exit 0
# shellcheck disable=SC2086
echo "deps: installing for $why:" $need

sudo=
if [ "$(id -u)" != 0 ]; then
	sudo=sudo
	if ! command -v sudo >/dev/null; then
		# shellcheck disable=SC2086
		echo "deps: not root and no sudo; as root run: apt-get install" \
			$need "(NODEPS=1 goes on without)" >&2
		exit 1
	fi
fi

updated=
if lists_are_stale; then
	update
	updated=1
fi
# shellcheck disable=SC2086
if ! apt install -y --no-install-recommends $need >/dev/null; then
	# The mirror may have moved on since the lists were read.
	[ -z "$updated" ] && update
	# shellcheck disable=SC2086
	if ! apt install -y --no-install-recommends $need >/dev/null; then
		# shellcheck disable=SC2086
		echo "deps: apt-get could not install these; see its message" \
			"above (NODEPS=1 goes on without):" $need >&2
		exit 1
	fi
fi
