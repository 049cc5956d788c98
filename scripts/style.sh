#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# style.sh: every lint of the project, as TAP. Run by `make check-style`, which
# passes O (where things are built), CC and CXX.

set -u

: "${O:=build}" "${CC:=gcc}" "${CXX:=g++}"
number=0
failed=0
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT

# The files of the project: what git tracks, or everything in a release, which
# may have been unpacked in a work tree of something else.
if git ls-files --error-unmatch Makefile >/dev/null 2>&1; then
	all=$(git ls-files)
else
	all=$(find . -type f ! -path "./$O/*" ! -path './.git/*' | sed 's,^\./,,')
fi
all=$(for f in $all; do [ -f "$f" ] && echo "$f"; done)

# files PATTERN [BUT]: those whose path matches
files()
{
	echo "$all" | grep -E "$1" | grep -Ev "${2:-^$}"
}

# check NAME COMMAND...: one line of TAP, with what the command said if it failed
check()
{
	name=$1
	shift
	number=$((number + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$log"
		failed=$((failed + 1))
	fi
}

skip()
{
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# Each public header must stand alone, in C and in C++.
headers_alone()
{
	bad=0
	for h in $(files '^include/.*\.h$'); do
		h=${h#include/}
		printf '#include <%s>\n' "${h#uapi/}" >"$log.c"
		$CC -std=c11 -Wall -Wextra -pedantic -Werror -fsyntax-only \
			-Iinclude -Iinclude/uapi "$log.c" || bad=1
		$CXX -x c++ -std=c++17 -Wall -Wextra -pedantic -Werror \
			-fsyntax-only \
			-Iinclude -Iinclude/uapi "$log.c" || bad=1
		rm -f "$log.c"
	done
	return $bad
}

internal_headers_alone()
{
	bad=0
	for h in $(files '^lib/.*\.h$'); do
		$CC -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror \
			-Wno-unused-function -Wno-unused-const-variable \
			-fsyntax-only -Iinclude -Ilib -x c -include "$h" \
			/dev/null || bad=1
	done
	return $bad
}

# The version script lists exactly what the headers declare.
map_is_current()
{
	sh scripts/map.sh $(files '^include/giambio') |
		diff lib/libgiambio.map - ||
		{ echo "run: make map"; return 1; }
}

# Every exported symbol is in the built library, and nothing else is.
exports_are_the_map()
{
	nm -D --defined-only "$O/libgiambio.so" | awk '$2 ~ /[TDBVWR]/ {
		sub(/@.*/, "", $3); print $3 }' | sort >"$log.so"
	sed -n 's/^\t\t\(gmb_.*\);$/\1/p' lib/libgiambio.map | sort |
		diff "$log.so" - | sed -n 's/^</exported, not in the map:/p
			s/^>/in the map, not defined:/p' >"$log.diff"
	cat "$log.diff"
	[ ! -s "$log.diff" ]
	status=$?
	rm -f "$log.so" "$log.diff"
	return $status
}

every_symbol_has_a_page()
{
	bad=0
	for s in $(sed -n 's/^\t\t\(gmb_[^_].*\);$/\1/p' lib/libgiambio.map); do
		[ -f "$O/man/$s.3" ] || { echo "no page for $s"; bad=1; }
	done
	return $bad
}

pages_are_clean()
{
	for page in "$O"/man/*.[1-9]*; do
		groff -man -ww -z "$page" 2>&1
	done >"$log.groff"
	cat "$log.groff"
	[ ! -s "$log.groff" ]
	status=$?
	rm -f "$log.groff"
	return $status
}

shell_parses()
{
	bad=0
	for f in $all; do
		case $(head -n 1 "$f" | tr -d '\0') in
		'#!'*bash*) bash -n "$f" || bad=1 ;;
		'#!'*/sh*) sh -n "$f" || bad=1 ;;
		'#!'*perl*) perl -c "$f" || bad=1 ;;
		esac
	done
	return $bad
}

# Names of the kernel's interface: calls, operations, flags; the fields of its
# structures; the errors that it tells. Padding is tested bit by bit.
uapi_words()
{
	grep -ohE '\bGMB_(IOC|OP|F|SETUP|FEATURE|CQE|NL_CMD|NL_A|NL_OBSERVE)_[A-Z0-9_]+' \
		include/uapi/linux/*.h |
		grep -vE '(_MAX|_LAST|__.*|_MASK|_ALL|_PAD)$'
	sed -nE 's/^\t__[us][0-9]+ +([a-z0-9_]+);$/\1/p' include/uapi/linux/*.h |
		grep -v '^reserved'
	grep -ohE '[^A-Za-z]-E[A-Z0-9]+' include/uapi/linux/*.h | sed 's/.*-//'
}

# Every one of them is explained and is tested.
uapi_is_covered()
{
	bad=0
	for word in $(uapi_words | sort -u); do
		grep -qw "$word" man/giambio.4 ||
			{ echo "$word: not in man/giambio.4"; bad=1; }
		[ -d tests/kselftest ] || continue
		grep -rqw "$word" tests/kselftest ||
			{ echo "$word: not in tests/kselftest"; bad=1; }
	done
	return $bad
}

code='\.[ch]$'

check "licences, copyright and habits" perl scripts/habits.pl \
	$(files . '^(LICENSES?(/|$)|.*\.(json|map\.in|png)$)')
check "layers: includes point downward" perl scripts/layers $(files "$code")
check "kernel-doc is complete" perl scripts/kdoc --lint \
	$(files '^(include|lib|kmod)/.*\.h$')
check "public headers compile alone in C11 and C++17" headers_alone
check "internal headers compile alone" internal_headers_alone
check "shell and perl scripts parse" shell_parses
check "the version script is that of the headers" map_is_current
if [ -e "$O/libgiambio.so" ]; then
	check "the shared library exports the map" exports_are_the_map
else
	skip "the shared library exports the map" "no shared library was built"
fi
check "every exported function has a man page" every_symbol_has_a_page
check "man pages have no groff warning" pages_are_clean
if [ -f include/uapi/linux/giambio.h ] && [ -f man/giambio.4 ]; then
	check "the kernel interface is documented and tested" uapi_is_covered
else
	skip "the kernel interface is documented and tested" \
		"include/uapi or man/giambio.4 is not there"
fi
if command -v clang-format >/dev/null; then
	check "kernel style (clang-format)" sh scripts/format.sh \
		$(files "$code" '^tests/unit/cross/')
else
	skip "kernel style (clang-format)" "clang-format is not installed"
fi
echo "1..$number"
[ "$failed" -eq 0 ]
