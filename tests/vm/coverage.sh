#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The lines of the module that its tests have run.
#
#   coverage.sh GCOV BUILD
#
# GCOV is what the machine's /sys/kernel/debug/gcov held, BUILD the folder the
# module was built in. Prints TAP: a comment with each file's share, and two
# tests. At least 95 of 100 lines must have been run, and every other line be
# excused in coverage-exceptions beside this script, in lines of
#
#   FILE<tab>TEXT OF THE LINE<tab>REASON
#
# The text, not the number, so that an edit above does not unsettle it; it
# stands for every line of the file with that text. An excuse that nothing
# needs any more is a failure, too, unless the REASON begins with "Race: " or
# "Chance: ": what two processors must do at the same moment, or what depends on
# what the kernel did before, is run in some runs only.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
least=95

gcov=$(cd "$1" && pwd)
build=$(cd "$2" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/giambio-gcov.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The data go beside the notes the compiler left, each under one name.
count=0
for data in $(find "$gcov" -name '*.gcda'); do
	notes=$build/kmod/$(basename "$data" .gcda).gcno
	[ -f "$notes" ] || continue
	cp "$data" "$notes" "$work/"
	count=$((count + 1))
done
if [ "$count" = 0 ]; then
	echo "not ok 1 - the kernel has counted the module's lines"
	exit 0
fi
gcov_tool=gcov
command -v gcov-12 >/dev/null 2>&1 && gcov_tool=gcov-12
( cd "$work" && "$gcov_tool" -p -- *.gcda ) >/dev/null 2>&1

# The kernel's headers are covered as well; only our own files count. Inlined
# twice, a line may stand in several reports: it was run if it was run in one.
awk -v least="$least" -v exceptions="$here/coverage-exceptions" '
	function trim(text) {
		gsub(/^[ \t]+|[ \t]+$/, "", text)
		return text
	}
	BEGIN {
		FS = "\t"
		while ((getline line < exceptions) > 0) {
			if (line ~ /^#/ || line == "")
				continue
			split(line, part, "\t")
			excuse[part[1], part[2]] = part[3]
		}
	}
	{
		# "   count:  number:text", and "Source:" names the file.
		text = $0
		p = index(text, ":")
		runs = trim(substr(text, 1, p - 1))
		text = substr(text, p + 1)
		p = index(text, ":")
		number = trim(substr(text, 1, p - 1)) + 0
		text = substr(text, p + 1)
		if (number == 0) {
			if (text ~ /^Source:/) {
				file = substr(text, 8)
				ours = sub(/.*kmod\//, "kmod/", file) &&
					file !~ /\.mod\.c$/
			}
			next
		}
		if (!ours || runs == "-")
			next
		key = file SUBSEP number
		if (!(key in what)) {
			what[key] = trim(text)
			order[++total] = key
		}
		if (runs !~ /^[#=]/)
			run[key] = 1
	}
	END {
		for (i = 1; i <= total; i++) {
			key = order[i]
			split(key, part, SUBSEP)
			all[part[1]]++
			if (key in run) {
				good[part[1]]++
				covered++
				continue
			}
			name = part[1] SUBSEP what[key]
			used[name] = 1
			if (name in excuse)
				printf "# %s:%d excused: %s\n", part[1],
					part[2], excuse[name]
			else {
				printf "# %s:%d not run: %s\n", part[1],
					part[2], what[key]
				unexcused++
			}
		}
		for (name in all)
			printf "# %5.1f %% of %4d lines  %s\n",
				100 * good[name] / all[name], all[name], name \
				| "sort -k6"
		close("sort -k6")
		for (name in excuse) {
			if (!(name in used) &&
			    excuse[name] !~ /^(Race|Chance): /) {
				split(name, part, SUBSEP)
				printf "# nothing needs the excuse of %s: %s\n",
					part[1], part[2]
				stale++
			}
		}
		share = total ? 100 * covered / total : 0
		printf "%sok 1 - %.1f %% of %d lines of the module are run" \
			" (at least %d)\n", share < least ? "not " : "", share,
			total, least
		printf "%sok 2 - every line that is not run is excused" \
			" (%d are not, %d excuses are stale)\n",
			unexcused + stale ? "not " : "", unexcused, stale
	}' "$work"/*.gcov
