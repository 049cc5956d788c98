#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# tests/kselftest is laid out as a folder of a kernel's tree: puts a copy as
# tools/testing/selftests/giambio into one, with the module's header installed,
# and builds it there the way the kernel does. Prints TAP.
#
#   dropin.sh OUT
#
# The tree in OUT is made of links to the unpacked linux-source, so that that
# stays as it was; only what make must find beside the tests is copied.

set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

# link_all FROM TO BUT - link all of the folder FROM, but one, into TO
link_all()
{
	local entry

	mkdir -p "$2"
	for entry in "$1"/*; do
		[ "${entry##*/}" = "$3" ] || ln -s "$entry" "$2/"
	done
}

# plant TREE - the tests into a copy of the kernel's tree in $tree
plant()
{
	local source=$1 tests=tools/testing/selftests

	link_all "$source" "$tree" tools
	link_all "$source/tools" "$tree/tools" testing
	link_all "$source/tools/testing" "$tree/tools/testing" selftests
	mkdir -p "$tree/$tests"
	cp "$source/$tests"/{Makefile,lib.mk,kselftest*.h} "$tree/$tests/"
	cp -r "$here/../kselftest" "$tree/$tests/giambio"
	rm -rf "$tree/usr"
	mkdir -p "$tree/usr/include/linux"
	cp "$here"/../../include/uapi/linux/*.h "$tree/usr/include/linux/"
}

# programs - the names that the tests' Makefile lists
programs()
{
	sed -n 's/^TEST_GEN_PROGS [:+]= //p' "$here/../kselftest/Makefile"
}

out=${1:?name a folder to build in}
tree=$out/tree
source=$("$here/kernels.sh" source)
status=$?
if [ "$status" = "$GMB_UNAVAILABLE" ] && [ "${CI:-}" != true ]; then
	echo "ok 1 - tests in a kernel's tree # SKIP its source is not to be had"
	exit
elif [ "$status" != 0 ]; then
	echo "not ok 1 - there is a kernel's tree"
	exit
fi
rm -rf "$tree"
mkdir -p "$tree"
tree=$(cd "$tree" && pwd)
plant "$source"
if ! make -C "$tree/tools/testing/selftests" TARGETS=giambio \
     >"$out/dropin.log" 2>&1; then
	tail -n 20 "$out/dropin.log" | sed 's/^/# /'
	echo "not ok 1 - the tests build in a kernel's tree"
	exit
fi
echo "ok 1 - the tests build in a kernel's tree"
missing=
for name in $(programs); do
	[ -x "$tree/tools/testing/selftests/giambio/$name" ] ||
		missing+=" $name"
done
for source in "$here"/../kselftest/*.c; do
	name=$(basename "$source" .c)
	grep -qE '(\bmain\(|^TEST_HARNESS_MAIN)' "$source" || continue
	[ -x "$tree/tools/testing/selftests/giambio/$name" ] ||
		missing+=" $name"
done
[ -z "$missing" ] || echo "# not built:$missing"
echo "${missing:+not }ok 2 - all of them, by the Makefile's list"
if grep -q warning: "$out/dropin.log"; then
	grep warning: "$out/dropin.log" | sed 's/^/# /'
	echo "not ok 3 - without a warning"
else
	echo "ok 3 - without a warning"
fi
rm -rf "$tree"
echo 1..3
