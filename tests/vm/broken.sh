#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Proves that the tests of the kernel module can fail: every patch in broken/
# puts one fault into a copy of it, and the run on the debug kernel must see
# that. Prints TAP.
#
#   broken.sh [NAME...]     all, or those of broken/NAME.patch
#
# A patch says above its text what it breaks, on which kernel it shows
# ("Kernel: NAME"), and with what words ("Expect: EXTENDED-REGEX", in the
# results or in the kernel's complaints). Each has a boot of its own, since the
# kernel's checkers stop looking after their first report.

set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
cd "$here/../.." || exit 2

: "${O:=build}"
number=0
tests=$O/vm/kselftest
options=()

# result ok|"not ok" TEXT...
result()
{
	number=$((number + 1))
	printf '%s %d - %s\n' "$1" "$number" "${*:2}"
}

# try PATCH - break, build, run, look
try()
{
	local name kernel expect source module status=0

	name=$(basename "$1" .patch)
	kernel=$(sed -n 's/^Kernel: //p' "$1")
	expect=$(sed -n 's/^Expect: //p' "$1")
	source=$O/vm/broken/$name
	rm -rf "$source"
	mkdir -p "$source/include/uapi/linux"
	cp -r Kbuild kmod "$source/"
	cp include/uapi/linux/giambio.h "$source/include/uapi/linux/"
	if ! patch -s -d "$source" -p1 <"$1" >&2; then
		result "not ok" "$name: the patch still fits (mend $1)"
		return
	fi
	module=$("$here/module.sh" -s "$source" -o "$O/kmod/broken-$kernel" \
		 "$kernel" 2>"$source/build.log" | tail -n 1) || status=$?
	if [ "$status" = "$GMB_UNAVAILABLE" ] && [ "${CI:-}" != true ]; then
		result ok "$name # SKIP the kernel is not to be had"
		return
	elif [ "$status" != 0 ]; then
		sed 's/^/# /' "$source/build.log"
		result "not ok" "$name: the broken module still compiles"
		return
	fi
	"$here/run.sh" -l -t 1800 -m "$module" "${options[@]}" "$kernel" -- \
		sh /tests/guest.sh 120 /tests/kselftest \
		>"$source/log" 2>&1 || status=$?
	if [ "$status" = 0 ] && ! grep -q '^not ok' "$source/log"; then
		result "not ok" "$name: the run fails"
	elif ! grep -qE "$expect" "$source/log"; then
		tail -n 20 "$source/log" | sed 's/^/# /'
		result "not ok" "$name: the run says '$expect'"
	else
		grep -m 1 -E "$expect" "$source/log" | sed 's/^/# /'
		result ok "$name is caught"
	fi
}

need patch patch
harness=$("$here/kernels.sh" harness)
status=$?
if [ "$status" = 0 ]; then
	bash "$here/kselftests.sh" "$harness" "$tests" || exit
fi
options=(-f "$tests:/tests/kselftest" -f "$here/guest.sh:/tests/guest.sh")
if [ $# = 0 ]; then
	set -- $(basename -s .patch "$here"/broken/*.patch)
fi
for name in "$@"; do
	try "$here/broken/$name.patch"
done
echo "1..$number"
