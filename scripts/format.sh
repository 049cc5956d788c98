#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# format.sh FILE...: show where C files differ from what clang-format would
# write, exit 1 if they do. Two things are left to the author, since clang-format
# has no way to leave them: how words are aligned inside a line (runs of blanks
# count as one), and how a statement that goes on over several lines is broken
# and indented after its first line.

set -u

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

# clang-format 14 takes some parentheses for casts; those spots are not compared.
normal='s/(?<=\S)[ \t]+/ /g; s/\) ?([-+*&]) ?/)$1/g; s/" \(/"(/g;
	s/^ +(?=\*)/ /; s/^\s+\\$/\\/'
bad=0
for file; do
	perl -pe "$normal" "$file" >"$tmp/is"
	clang-format --style=file "$file" | perl -pe "$normal" >"$tmp/want"
	if cmp -s "$tmp/is" "$tmp/want"; then
		continue
	fi
	diff "$tmp/is" "$tmp/want" | perl -e '
		# A line goes on with a statement if the one before it did not end.
		open(my $in, "<", shift) or die;
		my @is = ("", <$in>);
		my $ends = qr/([;{}:]|\*\/)\s*\\?$|^#.*[^\\\n]$|^\s*\\?$/;

		for (split /^(?=\d)/m, join("", <STDIN>)) {
			my ($line) = /^(\d+)/;
			my $old = join "", /^< (.*)$/mg;
			my $new = join "", /^> (.*)$/mg;
			my $joined = (() = /^< /mg) > (() = /^> /mg) &&
				($old =~ /^(\s*)/)[0] eq ($new =~ /^(\s*)/)[0];
			s/\s+//g for $old, $new;

			next if $old eq $new && $old !~ /[{}]|;./ &&
				($joined || $is[$line - 1] !~ $ends ||
				 $old =~ /__attribute__/);
			print;
		}' "$tmp/is" >"$tmp/diff"
	if [ -s "$tmp/diff" ]; then
		printf '%s: (< is, > should be)\n' "$file"
		cat "$tmp/diff"
		bad=1
	fi
done
exit $bad
