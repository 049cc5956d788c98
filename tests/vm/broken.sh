#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Proves that the tests of the kernel module can fail: every file in broken/
# puts one fault into a copy of it, and the run on the debug kernel must see
# that. Prints TAP.
#
#   broken.sh [NAME...]     all, or those of broken/NAME
#   broken.sh -k KERNEL     those that show on this kernel: kasan or kcsan
#
# A file says on which kernel the fault shows ("Kernel: NAME"), in which program
# of tests/kselftest, and in which test of it, since waiting for a wakeup that
# is lost takes its time in each ("Test: NAME ARGUMENTS"; the name fuzz stands
# for the program of tests/fuzz), with what words
# ("Expect: EXTENDED-REGEX", in the results or in the kernel's complaints), and
# what is broken: in a function of a source file ("File:", "Function:") a text
# is replaced by another ("Find:", "Put:"). A text, not a patch, so that work
# near it does not unsettle it; if it is gone, that is a failed test. Each fault
# has a boot of its own, since the kernel's checkers stop looking after their
# first report.

set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
cd "$here/../.." || exit 2

: "${O:=build}"
number=0
tests=$O/vm/kselftest

# result ok|"not ok" TEXT...
result()
{
	number=$((number + 1))
	printf '%s %d - %s\n' "$1" "$number" "${*:2}"
}

# break_copy FAULT FOLDER - put the fault into the copy of the module there
break_copy()
{
	local file

	file=$2/$(sed -n 's/^File: //p' "$1")
	awk '
		FNR == NR {
			p = index($0, ": ")
			if (p)
				fault[substr($0, 1, p - 1)] = substr($0, p + 2)
			next
		}
		index($0, fault["Function"] "(") && /^[a-z]/ { inside = 1 }
		/^}/ { inside = 0 }
		inside && (p = index($0, fault["Find"])) {
			$0 = substr($0, 1, p - 1) fault["Put"] \
				substr($0, p + length(fault["Find"]))
			done = 1
		}
		{ print }
		END { exit !done }
	' "$1" "$file" >"$file.new" && mv "$file.new" "$file"
}

# try FAULT - break, build, run, look
try()
{
	local name kernel expect test source module status=0

	name=${1##*/}
	kernel=$(sed -n 's/^Kernel: //p' "$1")
	expect=$(sed -n 's/^Expect: //p' "$1")
	test=$(sed -n 's/^Test: //p' "$1")
	source=$O/vm/broken/$name
	rm -rf "$source"
	mkdir -p "$source/include/uapi/linux"
	cp -r Kbuild kmod "$source/"
	cp include/uapi/linux/*.h "$source/include/uapi/linux/"
	if ! break_copy "$1" "$source"; then
		result "not ok" "$name: what it breaks is there (mend $1)"
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
	printf '#!/bin/sh\nexec /tests/kselftest/%s\n' "$test" >"$source/$name"
	chmod +x "$source/$name"
	"$here/run.sh" -l -t 900 -m "$module" \
		-f "$tests/${test%% *}:/tests/kselftest/${test%% *}" \
		-f "$source/$name:/tests/broken/$name" \
		-f "$here/guest.sh:/tests/guest.sh" "$kernel" -- \
		sh /tests/guest.sh 300 /tests/broken \
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

harness=$("$here/kernels.sh" harness)
status=$?
if [ "$status" = 0 ]; then
	bash "$here/kselftests.sh" "$harness" "$tests" &&
		bash "$here/../fuzz/build.sh" "$tests/fuzz" || exit
fi
if [ $# = 0 ]; then
	set -- $(ls "$here/broken")
elif [ "$1" = -k ]; then
	set -- $(cd "$here/broken" && grep -lx "Kernel: $2" *)
fi
for name in "$@"; do
	try "$here/broken/$name"
done
echo "1..$number"
