#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Builds the kernel module away from its sources.
#
#   module.sh [-c] [-s SOURCE] [-o OUT] KERNEL [MAKE-ARGUMENT...]
#
# KERNEL is 6.1, 6.12, newest, kasan, kcsan, or a folder of kernel headers
# (a KDIR). SOURCE is the folder with the top Kbuild, by default this
# project's; what changed there is copied to OUT (by default
# build/kmod/KERNEL) and built in it, so no object ever lies beside a source
# and one tree serves many kernels. The last line printed is the path of the
# module. -c adds sparse; with it, any warning is a failure.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

# What the caller's make was given is not for the kernel's: O means another thing
# there.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES O

usage()
{
	sed -n '6,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

# sync_sources FROM TO - make TO's sources equal to FROM's, leaving the dates
# of what has not changed, and dropping what is gone
sync_sources()
{
	local file

	(
		cd "$1"
		find Kbuild kmod $(ls -d include 2>/dev/null) -type f \
			\( -name '*.[ch]' -o -name 'Kbuild*' \) | sort
	) >"$2/.sources.new"
	while read -r file; do
		if ! cmp -s "$1/$file" "$2/$file"; then
			mkdir -p "$2/$(dirname "$file")"
			cp "$1/$file" "$2/$file"
		fi
	done <"$2/.sources.new"
	if [ -f "$2/.sources" ]; then
		comm -23 "$2/.sources" "$2/.sources.new" |
		while read -r file; do
			rm -f "$2/$file"
		done
	fi
	mv "$2/.sources.new" "$2/.sources"
}

# in_root ROOT OUT COMMAND... - run COMMAND in the unpacked system ROOT, with
# OUT as its /build and a /tmp of its own, in which make names a pipe by its
# process number, always 1; nothing stays mounted afterwards
in_root()
{
	local root=$1 out=$2 user=

	shift 2
	[ "$(id -u)" = 0 ] || user=--map-root-user
	unshare $user --mount --pid --fork -- sh -c '
		root=$1 out=$2
		shift 2
		mount --bind "$out" "$root/build" &&
		mount --bind /dev/null "$root/dev/null" &&
		mount -t proc proc "$root/proc" &&
		mount -t tmpfs tmpfs "$root/tmp" &&
		exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/usr/sbin \
			LC_ALL=C HOME=/ "$@"
	' sh "$root" "$out" "$@"
}

check=()
source=$(cd "$here/../.." && pwd)
out=
while getopts cs:o: opt; do
	case $opt in
	# Debian's sparse knows neither the operator that the newest headers
	# spell typeof with, nor that their MODULE_ macros are constant.
	c) check=(C=1 CHECK="sparse -D__typeof_unqual__=__typeof__") ;;
	s) source=$(cd "$OPTARG" && pwd) ;;
	o) out=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || usage
kernel=$1
shift

[ -f "$source/Kbuild" ] || die "there is no Kbuild in $source"
root=
case $kernel in
*/*)
	kdir=$kernel
	[ -f "$kdir/Makefile" ] || unavailable "there are no kernel headers" \
		"in $kdir; install linux-headers-$(uname -r) or name others" \
		"with KDIR=" ;;
kasan|kcsan)
	kdir=$("$here/debug-kernel.sh" kdir "$kernel") ;;
*)
	kdir=$("$here/kernels.sh" kdir "$kernel")
	root=$("$here/kernels.sh" root "$kernel") ;;
esac
case $kernel in
*/*) release=$(cat "$kdir/include/config/kernel.release") ;;
*) release=$kernel ;;
esac
out=${out:-$here/../../build/kmod/$release}
mkdir -p "$out"
out=$(cd "$out" && pwd)
if [ -z "$root" ] && [[ $out$kdir = *[[:space:]:]* ]]; then
	die "the kernel's make takes no blank or colon in the path $out:" \
		"build elsewhere, with O="
fi

# Suites that run at the same time may want the same module.
exec 8>"$out/.lock"
flock 8
sync_sources "$source" "$out"
compiler=$(sed -n 's/^CONFIG_GCC_VERSION=\([0-9]*\)[0-9]\{4\}$/gcc-\1/p' \
	"$kdir/.config")
command -v "$compiler" >/dev/null 2>&1 || compiler=gcc
if [ ${#check[@]} -gt 0 ]; then
	# Sparse speaks only when a file is compiled.
	find "$out" -name '*.o' -delete
fi
status=0
if [ -n "$root" ]; then
	in_root "$root" "$out" make -s -j2 -C "${kdir#"$root"}" M=/build \
		W=1 "${check[@]}" "$@" modules >"$out/log" 2>&1 || status=$?
else
	make -s -j2 -C "$kdir" M="$out" CC="$compiler" W=1 "${check[@]}" "$@" \
		modules >"$out/log" 2>&1 || status=$?
fi
# What the kernel's Makefiles say about compilers and BTF is not about us.
grep -v -e '^warning: ' -e '^  The kernel was built ' \
	-e '^  You are using: ' -e '^Skipping BTF generation' \
	-e ': error: bad constant expression$' "$out/log" |
	sed "s|$out/|$source/|g; s|^/build/|$source/|" >"$out/warnings" || :
cat "$out/warnings" >&2
[ "$status" = 0 ] ||
	die "the module does not build against $release (log: $out/log)"
if [ ${#check[@]} -gt 0 ] && [ -s "$out/warnings" ]; then
	die "the module builds with warnings against $release"
fi
find "$out" -name '*.ko'
