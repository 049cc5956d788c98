#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Debian's kernels to test in: downloaded and unpacked, never installed.
#
#   kernels.sh get KERNEL...     fetch what is missing (6.1, 6.12, newest)
#   kernels.sh update KERNEL...  fetch again, even if it is there
#   kernels.sh bzimage KERNEL    print the path of the boot image
#   kernels.sh modules KERNEL    print the folder of the kernel's modules
#   kernels.sh kdir KERNEL       print the folder to build a module against
#   kernels.sh release KERNEL    print what uname -r says in it
#   kernels.sh root KERNEL       print the folder to chroot to for building,
#                                nothing where the machine's own tools do
#   kernels.sh source            print the folder of linux-source-6.12
#   kernels.sh harness           print the folder with its kselftest.h
#
# All lies in ${GIAMBIO_CACHE:-$HOME/.cache/giambio}/kernels. apt runs on a
# configuration, lists and a package state of its own, so the machine's are
# not touched. The mirror is the one the machine's own sources name; where it
# has none for Debian, GIAMBIO_DEBIAN_MIRROR and GIAMBIO_DEBIAN_KEYRING do.
#
# Exit status 77: the download is not to be had here and now.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
top=$gmb_cache/kernels

# release_of KERNEL - the Debian release whose packages make it
release_of()
{
	case $1 in
	6.1|6.12|source|harness) echo bookworm ;;
	newest) echo trixie ;;
	*) die "no kernel '$1'; there are 6.1, 6.12 and newest" ;;
	esac
}

# suites_of RELEASE - its suites, in the order of the sources list
suites_of()
{
	case $1 in
	bookworm) echo "bookworm bookworm-security" ;;
	trixie) echo "trixie trixie-backports" ;;
	esac
}

# metas_of KERNEL - the packages whose dependencies are the kernel
metas_of()
{
	case $1 in
	6.1) echo "linux-image-cloud-amd64 linux-headers-cloud-amd64" ;;
	6.12) echo "linux-image-6.12-cloud-amd64" \
		   "linux-headers-6.12-cloud-amd64" ;;
	newest) echo "linux-image-cloud-amd64 linux-headers-cloud-amd64" ;;
	esac
}

# The tools for building against kernels whose headers ask for a newer
# compiler and C library than the oldest supported Debian has.
build_tools="gcc-14-for-host make bash coreutils sed grep findutils gawk
	pahole sparse base-files"

# mirror KIND - the address of the archive ("debian") or of its security
# archive, from the machine's own sources
mirror()
{
	local uri release main=

	if [ -n "${GIAMBIO_DEBIAN_MIRROR:-}" ]; then
		main=${GIAMBIO_DEBIAN_MIRROR%/}
	else
		while read -r uri release; do
			case $release in
			*-security*) [ "$1" = debian ] ||
				{ echo "${uri%/}"; return; } ;;
			bookworm*|trixie*|forky*|sid|stable*|testing|unstable)
				main=${uri%/} ;;
			esac
		done < <(apt-get indextargets \
			--format '$(REPO_URI) $(RELEASE)' \
			'Created-By: Packages' | sort -u)
	fi
	[ -n "$main" ] || unavailable "apt knows no Debian mirror here;" \
		"set GIAMBIO_DEBIAN_MIRROR to the address of one"
	[ "$1" = debian ] && echo "$main" || echo "$main-security"
}

# apt_setup RELEASE - a private apt for RELEASE; sets APT_CONFIG
apt_setup()
{
	local dir=$top/apt/$1 suite uri key
	key=${GIAMBIO_DEBIAN_KEYRING:-}

	: "${key:=/usr/share/keyrings/debian-archive-keyring.gpg}"
	[ -f "$key" ] || unavailable "the keyring $key is missing; install" \
		"debian-archive-keyring or set GIAMBIO_DEBIAN_KEYRING"
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/none"
	for suite in $(suites_of "$1"); do
		case $suite in
		*-security) uri=$(mirror security) ;;
		*) uri=$(mirror debian) ;;
		esac
		echo "deb [arch=amd64 signed-by=$key] $uri $suite main"
	done >"$dir/sources.list"
	: >"$dir/status"
	{
		# The machine's way to the mirror (proxies and the like).
		apt-config dump Acquire | grep -v '^Acquire::IndexTargets'
		cat <<-EOF
		Acquire::Languages "none";
		APT::Architecture "amd64";
		APT::Sandbox::User "";
		APT::Default-Release "$(suites_of "$1" | sed 's/.* //')";
		Dir::Etc::parts "$dir/none";
		Dir::Etc::main "$dir/none/main";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "$dir/none";
		Dir::Etc::preferences "$dir/none/preferences";
		Dir::Etc::preferencesparts "$dir/none";
		Dir::State "$dir";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir";
		EOF
	} >"$dir/apt.conf.new"
	mv "$dir/apt.conf.new" "$dir/apt.conf"
	export APT_CONFIG=$dir/apt.conf
}

# apt_update - fetch the lists, at most once an hour
apt_update()
{
	local stamp=${APT_CONFIG%/*}/updated

	[ -z "$(find "$stamp" -mmin -60 2>/dev/null)" ] || return 0
	apt-get -qq update >&2 ||
		unavailable "apt cannot reach the mirror named in" \
			"${APT_CONFIG%/*}/sources.list"
	touch "$stamp"
}

# parts_of PACKAGE... - the packages and, as far as they are parts of a
# kernel, those they depend on, each once
parts_of()
{
	local queue="$*" seen=" " p

	while [ -n "${queue// /}" ]; do
		p=${queue%% *}
		queue=${queue#"$p"}
		queue=${queue# }
		case $seen in *" $p "*) continue ;; esac
		seen="$seen$p "
		queue="$queue $(apt-cache depends --important "$p" |
			sed -n 's/^ *|*Depends: \([^<]*\)$/\1/p' |
			grep -E '^linux-(image|headers|kbuild|binary)-|^linux-(modules|base)-[0-9c]' |
			grep -v -e -unsigned | tr '\n' ' ')"
		queue=$(echo $queue)
	done
	echo "$seen"
}

# unpack DIR PACKAGE... - download them and unpack them under DIR
unpack()
{
	local dir=$1 deb

	shift
	mkdir -p "$dir" "$top/debs.$$"
	(
		cd "$top/debs.$$"
		apt-get -qq download "$@" >&2
	) || unavailable "the download of $* failed"
	for deb in "$top/debs.$$"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$top/debs.$$"
}

# unpack_tools ROOT - a root that compiles: the dependency closure of the
# build tools, with the links that maintainer scripts would have made
unpack_tools()
{
	local root=$1 list name tool

	list=$(apt-get -qq install --print-uris --no-install-recommends \
		$build_tools | sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p")
	[ -n "$list" ] || unavailable "apt finds no way to get $build_tools"
	mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" \
		"$root/usr/lib64"
	for name in bin sbin lib lib64; do
		ln -sfn "usr/$name" "$root/$name"
	done
	unpack "$root" $list
	for tool in "$root"/usr/bin/x86_64-linux-gnu-*; do
		name=${tool##*/x86_64-linux-gnu-}
		ln -sfn "${tool##*/}" "$root/usr/bin/$name"
		ln -sfn "${tool##*/}" "$root/usr/bin/${name%-14}"
	done
	ln -sfn bash "$root/usr/bin/sh"
	ln -sfn gawk "$root/usr/bin/awk"
	mkdir -p "$root/proc" "$root/dev" "$root/tmp" "$root/build"
	ln -sfn /proc/self/fd "$root/dev/fd"
	[ -c "$root/dev/null" ] || : >"$root/dev/null"
}

# mend_headers ROOT - put in the script that asks whether sparse works, which
# the packaged headers call and lack. That sparse is there is known.
mend_headers()
{
	local dir

	for dir in "$1"/usr/src/linux-headers-*-common/scripts; do
		[ -e "$dir/checker-valid.sh" ] || {
			printf '#!/bin/sh\necho 1\n' >"$dir/checker-valid.sh"
			chmod +x "$dir/checker-valid.sh"
		}
	done
}

# relocate ROOT - the headers' Makefiles name each other by /usr/src; say
# where they lie instead
relocate()
{
	local file

	for file in "$1"/usr/src/linux-headers-*/Makefile; do
		[ -f "$file" ] || continue
		sed -i "s|\([ =]\)/usr/src/|\1$1/usr/src/|g" "$file"
	done
}

# settle DIR - record where in DIR/root things lie, under fixed names
settle()
{
	local dir=$1 root=$1/root image kdir release

	image=$(ls "$root"/boot/vmlinuz-* "$root"/usr/lib/modules/*/vmlinuz \
		2>/dev/null | head -n 1) || :
	kdir=$(ls -d "$root"/usr/src/linux-headers-*-cloud-amd64 | head -n 1)
	[ -n "$image" ] && [ -n "$kdir" ] ||
		die "the packages under $root hold no image or no headers"
	release=${kdir##*/linux-headers-}
	echo "$release" >"$dir/release"
	ln -sfn "$image" "$dir/bzImage"
	ln -sfn "$kdir" "$dir/kdir"
	for kdir in "$root/usr/lib/modules/$release" \
		    "$root/lib/modules/$release"; do
		[ ! -d "$kdir/kernel" ] || ln -sfn "$kdir" "$dir/modules"
	done
	[ -d "$dir/modules/" ] || die "no modules of $release under $root"
}

# fetch_kernel KERNEL - unpack it beside the one that is there, then swap
fetch_kernel()
{
	local kernel=$1 dir=$top/$1 new=$top/$1.new

	rm -rf "$new"
	mkdir -p "$new/root"
	apt_setup "$(release_of "$kernel")"
	apt_update
	if [ "$kernel" = newest ]; then
		unpack_tools "$new/root"
	fi
	unpack "$new/root" $(parts_of $(metas_of "$kernel"))
	rm -rf "$dir"
	mv "$new" "$dir"
	if [ "$kernel" = newest ]; then
		mend_headers "$dir/root"
	else
		relocate "$dir/root"
	fi
	settle "$dir"
	: >"$dir/complete"
	note "kernel $kernel is $(cat "$dir/release"), in $dir"
}

# fetch_source - the kernel's source, for the debug kernels
fetch_source()
{
	local dir=$top/source new=$top/source.new

	rm -rf "$new"
	mkdir -p "$new"
	apt_setup "$(release_of source)"
	apt_update
	unpack "$new" linux-source-6.12
	tar -C "$new" -xf "$new"/usr/src/linux-source-6.12.tar.xz
	mv "$new/linux-source-6.12" "$new/tree"
	rm -rf "$new/usr" "$dir"
	make -s -C "$new/tree" kernelversion >"$new/version"
	mv "$new" "$dir"
	: >"$dir/complete"
	note "the source of $(cat "$dir/version") is in $dir/tree"
}

# fetch_harness - the headers that the kernel's own selftests stand on, in a
# folder with one beside it for the tests, as in the kernel's tree
fetch_harness()
{
	local dir=$top/harness new=$top/harness.new headers

	rm -rf "$new"
	mkdir -p "$new/giambio"
	headers=tools/testing/selftests
	if [ -e "$top/source/complete" ]; then
		cp "$top/source/tree/$headers"/kselftest*.h "$new"
	else
		apt_setup "$(release_of source)"
		apt_update
		unpack "$new" linux-source-6.12
		tar -C "$new" -xf "$new/usr/src/linux-source-6.12.tar.xz" \
			--strip-components=4 --wildcards \
			"*/$headers/kselftest*.h"
		rm -rf "$new/usr"
	fi
	rm -rf "$dir"
	mv "$new" "$dir"
	: >"$dir/complete"
}

# get WHAT - fetch it unless it is there
get()
{
	[ ! -e "$top/$1/complete" ] || return 0
	if [ -n "${GIAMBIO_OFFLINE:-}" ]; then
		unavailable "'$1' is not in $top and GIAMBIO_OFFLINE is set"
	fi
	need apt-get apt
	need dpkg-deb dpkg
	case $1 in
	source|harness) "fetch_$1" ;;
	*) fetch_kernel "$1" ;;
	esac
}

# show WHAT KERNEL - print one fact of KERNEL, fetching it first
show()
{
	release_of "$2" >/dev/null
	locked "$top/.lock.$2" get "$2"
	case $1 in
	bzimage) echo "$top/$2/bzImage" ;;
	modules) echo "$top/$2/modules" ;;
	kdir) readlink "$top/$2/kdir" ;;
	release) cat "$top/$2/release" ;;
	root) if [ "$2" = newest ]; then echo "$top/$2/root"; fi ;;
	esac
}

verb=${1:-}
case $verb in
get|update)
	shift
	for kernel in "$@"; do
		release_of "$kernel" >/dev/null
		if [ "$verb" = update ]; then
			rm -f "$top/$kernel/complete"
		fi
		locked "$top/.lock.$kernel" get "$kernel"
	done
	;;
bzimage|modules|kdir|release|root)
	show "$verb" "${2:?name a kernel: 6.1, 6.12 or newest}"
	;;
source)
	locked "$top/.lock.source" get source
	echo "$top/source/tree"
	;;
harness)
	locked "$top/.lock.harness" get harness
	echo "$top/harness"
	;;
*)
	sed -n '6,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
