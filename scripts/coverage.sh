#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# coverage.sh FOLDER: run the tests of a coverage build and hold the share of
# lib/ lines that ran against LEAST percent. The list of lines is left in
# FOLDER/coverage.txt, a page to look at in FOLDER/coverage.html.

set -u

B=$1
LEAST=90
# Long runs of the stress programs come by the same lines again.
GMB_TEST_LEVEL=check
export B GMB_TEST_LEVEL

find "$B" -name '*.gcda' -delete
for backend in epoll uring; do
	sh tests/with-backend "$backend" "$B/tests/unit/unit" >/dev/null 2>&1
	for program in "$B"/tests/stress/*; do
		[ -f "$program" ] && [ -x "$program" ] &&
			sh tests/with-backend "$backend" "$program" \
				>/dev/null 2>&1
	done
done
if [ -f tests/examples/check.sh ]; then
	bash tests/examples/check.sh >/dev/null 2>&1
fi

# The kernel module's backend runs in the virtual machine (make check-kernel).
gcovr --root . --filter lib/ --exclude lib/backend/kmod.c \
	--gcov-ignore-parse-errors --object-directory "$B" --txt "$B/coverage.txt" \
	--html-details "$B/coverage.html" --print-summary "$B" >"$B/coverage.log" 2>&1
percent=$(sed -n 's/^lines: \([0-9.]*\)%.*/\1/p' "$B/coverage.log")
if [ -z "$percent" ]; then
	echo "not ok 1 - line coverage of lib/ could not be measured"
	sed 's/^/# /' "$B/coverage.log"
	exit 1
fi
if awk -v p="$percent" -v l="$LEAST" 'BEGIN { exit !(p >= l) }'; then
	echo "ok 1 - line coverage of lib/: $percent % (at least $LEAST %)"
	status=0
else
	echo "not ok 1 - line coverage of lib/: $percent % (at least $LEAST %)"
	status=1
fi
sed -n '/^lib/p; /^TOTAL/p' "$B/coverage.txt" | sed 's/^/# /'
echo "1..1"
exit $status
