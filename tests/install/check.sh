#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# An installed copy is usable as documented: with DESTDIR and with PREFIX,
# shared and static, found by pkg-config alone; and uninstall leaves nothing.

set -u

: "${O:=build}" "${MAKE:=make}" "${CC:=gcc}"
number=0 failed=0
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
make="$MAKE -s O=$O"

ok()
{
	local status=$1
	number=$((number + 1))
	if [ "$status" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		sed 's/^/# /' "$scratch/log"
		failed=$((failed + 1))
	fi
}

try()
{
	local name=$1
	shift
	"$@" >"$scratch/log" 2>&1
	ok $? "$name"
}

# compile OUT PKG_CONFIG_OPTION EXTRA... : exactly as a user would
compile()
{
	local out=$1 option=$2
	shift 2
	# shellcheck disable=SC2046 # words
	$CC "$@" -o "$out" "$source" \
		$(pkg-config $option --cflags --libs libgiambio)
}

use()
{
	local kind=$1 lib=$2
	source=tests/install/hello.c
	try "$kind: compiles against the shared library" \
		compile "$scratch/shared" ""
	try "$kind: runs with the shared library" \
		env LD_LIBRARY_PATH="$lib" "$scratch/shared"
	try "$kind: compiles against the static library" \
		compile "$scratch/static" --static -static
	try "$kind: runs with the static library" "$scratch/static"
	if [ -f README.md ]; then
		awk '/^```c/ { c = 1; next } /^```/ { if (seen) exit; c = 0 }
			c { text = text $0 "\n"; if (/main\(/) seen = 1 }
			!c { text = "" } END { printf "%s", text }' \
			README.md >"$scratch/readme.c"
		source=$scratch/readme.c
		try "$kind: the README's program compiles" \
			compile "$scratch/readme" "" -Wall -Wextra -Werror
	fi
}

# Every page is checked by the style lints; here, that man finds them by name.
pages()
{
	local page
	for page in gmb_run gmb_manager_open gmb_loop_opts; do
		MANPATH=$1 man --warnings "$page" 2>&1 >/dev/null
	done >"$scratch/log"
	for page in "$1"/man[1245678]/*; do
		[ -f "$page" ] && man --warnings -l "$page" 2>&1 >/dev/null
	done >>"$scratch/log"
	[ ! -s "$scratch/log" ]
	ok $? "$2: man finds and reads the pages"
}

gone()
{
	find "$1" ! -type d >"$scratch/log"
	[ ! -s "$scratch/log" ] && [ ! -d "$2/include/giambio" ]
	ok $? "$3: uninstall leaves no file"
}

prefix=$scratch/prefix
try "PREFIX: installs" $make install PREFIX="$prefix"
export PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig
use PREFIX "$prefix/lib"
pages "$prefix/share/man" PREFIX
try "PREFIX: uninstalls" $make uninstall PREFIX="$prefix"
gone "$prefix" "$prefix" PREFIX

dest=$scratch/dest
try "DESTDIR: installs" $make install DESTDIR="$dest" PREFIX=/usr
grep -rlF "$dest" "$dest" >"$scratch/log"
[ ! -s "$scratch/log" ]
ok $? "DESTDIR: is named in no installed file"
export PKG_CONFIG_LIBDIR=$dest/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest
use DESTDIR "$dest/usr/lib"
try "DESTDIR: uninstalls" $make uninstall DESTDIR="$dest" PREFIX=/usr
gone "$dest" "$dest/usr" DESTDIR

echo "1..$number"
[ "$failed" -eq 0 ]
