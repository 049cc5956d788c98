#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# format.sh FILE...: show where C files differ from what clang-format would
# write, exit 1 if they do. Alignment inside a line is left to the author: runs
# of blanks count as one. So are the spots where clang-format 14 takes a
# parenthesis for a cast, or an attribute for part of the line.

set -u

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

normal='s/(?<=\S)[ \t]+/ /g; s/\) ?([-+*&]) ?/)$1/g; s/" \(/"(/g; s/^ +(?=\*)/ /'
bad=0
for file; do
	perl -pe "$normal" "$file" >"$tmp/is"
	clang-format --style=file "$file" | perl -pe "$normal" >"$tmp/want"
	if cmp -s "$tmp/is" "$tmp/want"; then
		continue
	fi
	# A hunk that only joins lines around an attribute is no difference.
	diff "$tmp/is" "$tmp/want" | perl -0777 -ne '
		for (split /^(?=\d+[^\n]*$)/m) {
			my $old = join "", /^< (.*)$/gm;
			my $new = join "", /^> (.*)$/gm;
			s/\s+//g for $old, $new;
			next if $old eq $new && $old =~ /__attribute__/;
			print;
		}' >"$tmp/diff"
	if [ -s "$tmp/diff" ]; then
		printf '%s: (< is, > should be)\n' "$file"
		cat "$tmp/diff"
		bad=1
	fi
done
exit $bad
