#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The kernels that check what the module does: linux-source-6.12, tinyconfig
# and the fragments in configs/, built once and kept in the cache folder.
#
#   debug-kernel.sh get KIND...    build what is missing: kasan, kcsan
#   debug-kernel.sh bzimage KIND   print the path of the boot image
#   debug-kernel.sh kdir KIND      print the folder to build a module against
#
# kasan: KASAN, lockdep, kmemleak, UBSAN, object debugging, fault injection,
# KCOV, GCOV. kcsan: KCSAN, lockdep. A build takes about 8 minutes on two free
# processors. What is kept is named by a hash of the fragments, the source
# and the compiler, so a change of any makes a new build.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
top=$gmb_cache/kernels

# fragments KIND - the files that make its configuration, in order
fragments()
{
	echo "$here/configs/base.config" "$here/configs/debug.config" \
		"$here/configs/$1.config"
}

# key KIND - the name of the build that KIND now means
key()
{
	{
		cat $(fragments "$1") "$top/source/version"
		"${CC:-gcc}" --version
	} | sha256sum | cut -c1-12
}

# configure KIND DIR - write DIR/.config, and make sure that what the
# fragments ask for is what came out
configure()
{
	local want missing=

	make -s -C "$source" O="$2" CC="${CC:-gcc}" tinyconfig >&2
	( cd "$source" && scripts/kconfig/merge_config.sh -m -O "$2" \
		"$2/.config" $(fragments "$1") ) >"$2/merge.log"
	make -s -C "$source" O="$2" CC="${CC:-gcc}" olddefconfig >&2
	while read -r want; do
		grep -qx "$want" "$2/.config" || missing+=" $want"
	done < <(cat $(fragments "$1") | grep -E '^CONFIG_.*=[^n]')
	[ -z "$missing" ] || note "the configuration lacks$missing"
}

# build KIND - build it, unless that was done before
build()
{
	local new start

	new=$top/debug/$1-$(key "$1")
	[ ! -e "$new/complete" ] || return 0
	need flex flex
	need bison bison
	need bc bc
	[ -e /usr/include/libelf.h ] ||
		unavailable "libelf.h is missing; install libelf-dev"
	mkdir -p "$new"
	start=$SECONDS
	# A build that was interrupted goes on.
	[ -e "$new/configured" ] || configure "$1" "$new"
	: >"$new/configured"
	note "building the $1 kernel in $new (log: $new/log)"
	nice make -s -j"${JOBS:-2}" -C "$source" O="$new" CC="${CC:-gcc}" all \
		>"$new/log" 2>&1 || {
		tail -n 20 "$new/log" >&2
		die "the $1 kernel does not build"
	}
	# Modules are built against headers and host tools; the objects of
	# the kernel itself are gigabytes that nobody reads again.
	find "$new" \( -path "$new/scripts" -o -path "$new/tools" \) -prune \
		-o \( -name '*.o' -o -name '*.a' -o -name '.*.cmd' \
		-o -name '*.gcno' -o -name '.tmp_vmlinux*' \) -type f \
		-exec rm -f {} +
	: >"$new/complete"
	note "the $1 kernel took $((SECONDS - start)) s"
}

verb=${1:-}
[ $# -ge 2 ] && shift || verb=
for kind in "$@"; do
	[ -f "$here/configs/$kind.config" ] && [ "$kind" != base ] ||
		die "no debug kernel '$kind'; there are kasan and kcsan"
done
case $verb in
get|bzimage|kdir)
	source=$("$here/kernels.sh" source)
	for kind in "$@"; do
		locked "$top/debug/.lock.$kind" build "$kind"
		dir=$top/debug/$kind-$(key "$kind")
		case $verb in
		bzimage) echo "$dir/arch/x86/boot/bzImage" ;;
		kdir) echo "$dir" ;;
		esac
	done
	;;
*)
	sed -n '6,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
