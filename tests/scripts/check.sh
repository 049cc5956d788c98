#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The nets catch: each lint is given a fault and must name it, and must be
# silent without it; the runner must count what goes wrong in a suite.

set -u

number=0 failed=0
scratch=$(mktemp -d) || exit 2
# A name without blanks, whatever the path of the checkout is: it is a word in
# commands below.
ln -s "$PWD" "$scratch/top"
top=$scratch/top
trap 'rm -rf "$scratch"' EXIT

verdict()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		sed 's/^/# /' "$scratch/out"
		failed=$((failed + 1))
	fi
}

# passes NAME COMMAND...; fails NAME SENTENCE COMMAND...
passes()
{
	local name=$1
	shift
	(cd "$scratch" && "$@") >"$scratch/out" 2>&1
	verdict $? "$name"
}

fails()
{
	local name=$1 sentence=$2
	shift 2
	if (cd "$scratch" && "$@") >"$scratch/out" 2>&1; then
		verdict 1 "$name"
	else
		grep -qF -- "$sentence" "$scratch/out"
		verdict $? "$name"
	fi
}

# file PATH: text from standard input, below a head of the right licence
file()
{
	mkdir -p "$scratch/$(dirname "$1")"
	{
		echo "/* SPDX-License-Identifier: ${2:-LGPL-2.1-or-later OR MIT} */"
		echo "/* Copyright (C) 2026 The giambio developers */"
		cat
	} >"$scratch/$1"
}

kdoc="perl $top/scripts/kdoc"
habits="perl $top/scripts/habits.pl"
layers="perl $top/scripts/layers"

good='/**
 * gmb_get() - take an item
 * @q:   the queue
 * @out: [out] the item
 *
 * Context: task only.
 * Return: 0; -ETIMEDOUT too late; -ECANCELED.
 */
GMB_API int gmb_get(struct gmb_q *q, void (*out)(int a, int b));'
file include/giambio/q.h <<<"$good"
passes "kdoc accepts a complete comment" $kdoc --lint include/giambio/q.h
passes "kdoc writes a page" $kdoc --man . include/giambio/q.h
passes "the page has an entry per error" grep -qF 'ECANCELED' gmb_get.3
passes "groff reads the page" sh -c \
	'out=$(groff -man -ww -z gmb_get.3 2>&1); echo "$out"; [ -z "$out" ]'
$kdoc --exports "$scratch/include/giambio/q.h" >"$scratch/exports"
passes "kdoc lists exports" grep -qx gmb_get exports

mutate()
{
	file include/giambio/q.h <<<"$(sed "$1" <<<"$good")"
}
mutate '/@q:/d'
fails "kdoc misses a parameter" "parameter 'q' is not described" \
	$kdoc --lint include/giambio/q.h
mutate 's/@q:/@queue:/'
fails "kdoc sees an unknown parameter" "'@queue' is described" \
	$kdoc --lint include/giambio/q.h
mutate '/Return:/d'
fails "kdoc misses Return:" "'Return:' is missing" \
	$kdoc --lint include/giambio/q.h
mutate '/Context:/d'
fails "kdoc misses Context:" "'Context:' is missing" \
	$kdoc --lint include/giambio/q.h
mutate 's/API int gmb_get/API int gmb_put/'
fails "kdoc sees a comment before another function" \
	"stands before 'gmb_put'" $kdoc --lint include/giambio/q.h
mutate '1,/\*\/$/d'
fails "kdoc sees a function without a comment" "has no kernel-doc" \
	$kdoc --lint include/giambio/q.h
file include/giambio/q.h <<'END'
/**
 * struct gmb_s - a structure
 * @a: first
 */
struct gmb_s {
	int a;
	union {
		char *b;
	};
	/* private: */
	long c;
};
END
fails "kdoc misses a member of a nested union" "member 'b' is not" \
	$kdoc --lint include/giambio/q.h
sed -i 's/^ \* @a: first/&\n * @b: second/' "$scratch/include/giambio/q.h"
passes "kdoc leaves private members alone" $kdoc --lint include/giambio/q.h

file lib/a/a.c </dev/null
passes "habits accepts a plain file" $habits lib/a/a.c
file lib/a/a.c GPL-2.0-only </dev/null
fails "habits sees a wrong licence" "the licence here is" $habits lib/a/a.c
echo 'int a;' >"$scratch/lib/a/a.c"
fails "habits sees a missing licence" "SPDX" $habits lib/a/a.c
file lib/a/a.c <<<'int a; '
fails "habits sees blanks at a line's end" "blanks at the end" \
	$habits lib/a/a.c
file lib/a/a.c <<<"/* TO""DO */"
fails "habits sees promised work" "promises work" $habits lib/a/a.c
file lib/a/a.c <<<'int a; // b'
fails "habits sees a // comment" "comments are" $habits lib/a/a.c
file lib/a/a.c <<<"int $(printf 'a%.0s' {1..80});"
fails "habits sees a long line" "longer than 80 columns" $habits lib/a/a.c
file lib/a/a.c <<<"/* $(printf 'é%.0s' {1..70}) */"
passes "habits counts characters, not bytes" $habits lib/a/a.c
file lib/a/a.c < <(echo 'void f(void)'; echo '{'; yes '	;' | head -n 101
	echo '}')
fails "habits sees a long function" "function longer" $habits lib/a/a.c

file lib/loop/loop.h </dev/null
file lib/task/task.h </dev/null
file lib/coro/c.c <<<'#include <string.h>'
passes "layers lets system headers be" $layers lib/coro/c.c
file lib/coro/c.c <<<'#include "loop/loop.h"'
fails "layers sees an include that points upward" "may not include" \
	$layers lib/coro/c.c
file lib/task/t.c <<<'#include "loop/loop.h"'
passes "layers allows an include that points downward" $layers lib/task/t.c
file lib/io/t.c <<<'#include <liburing.h>'
fails "layers keeps liburing in its place" "may not include" \
	$layers lib/io/t.c
file tools/x/t.c <<<'#include "task/task.h"'
fails "layers keeps tools out of the library" "may not include" \
	$layers tools/x/t.c

if command -v clang-format >/dev/null; then
	format="sh $top/scripts/format.sh"
	cp .clang-format "$scratch/"
	file a.c <<'END'
#define LONG_NAME	1
#define NAME		2

int f(int a, int b)
{
	if (a)
		return f(a,
			b);
	return b;
}
END
	passes "format leaves alignment and broken lines alone" $format a.c
	sed -i 's/^	return b/    return b/' "$scratch/a.c"
	fails "format sees a wrong indentation" "return b" $format a.c
	file a.c <<<'int f(int a) { return a; }'
	fails "format sees a brace in the wrong place" "int f" $format a.c
	file a.c <<<'int a=1;'
	fails "format sees missing blanks" "int a" $format a.c
else
	number=$((number + 1))
	echo "ok $number - format # SKIP clang-format is not installed"
fi

# The runner, with a table of its own; plain is built already.
suite()
{
	echo "check|bad|plain|${2:-20}|$1" >"$scratch/table"
}
runner="env O=$scratch/o MAKE=true bash $top/tests/run $scratch/table only bad"
suite 'echo "ok 1 - a"; echo "ok 2 - b # SKIP why"; echo 1..2'
passes "run counts passes and skips" sh -c \
	"$runner | tail -n 1 | grep -qx '2 passed, 0 failed, 1 skipped'"
suite 'echo "ok 1 - a"; echo "not ok 2 - b"'
fails "run counts a failed test" '2 passed, 1 failed' $runner
suite 'echo "ok 1 - a"; exit 3'
fails "run sees a bad exit status" 'ended with status 3' $runner
suite 'true'
fails "run sees a suite without tests" 'reported no test' $runner
suite 'echo 1..2; echo "ok 1 - a"'
fails "run sees a plan that was missed" 'planned 2 tests' $runner
suite 'echo "ok 1 - a"; sleep 30' 1
fails "run ends a hang" 'did not end within 1 s' $runner

echo "1..$number"
[ "$failed" -eq 0 ]
