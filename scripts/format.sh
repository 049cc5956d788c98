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
	s/^ +(?=\*)/ /; s/^\s+\\$/\\/; s/; \)/;)/g; s/: (?=:)/:/g'
bad=0

# Most files are as they should be: find the others in one go.
differing()
{
	perl -e '
		my $normal = eval "sub { local \$_ = shift; " . shift() . "; \$_ }";

		for my $file (@ARGV) {
			open(my $is, "<", $file) or next;
			open(my $want, "-|", "clang-format", "--style=file",
				$file) or die;
			my ($a, $b) = map { join "", map { $normal->($_) } @$_ }
				[<$is>], [<$want>];

			print "$file\n" if $a ne $b;
		}' "$normal" "$@"
}

for file in $(differing "$@"); do
	perl -pe "$normal" "$file" >"$tmp/is"
	clang-format --style=file "$file" | perl -pe "$normal" >"$tmp/want"
	diff "$tmp/is" "$tmp/want" | perl -e '
		open(my $in, "<", shift) or die;
		my @is = ("", <$in>);
		# How a line ends after which another statement begins.
		my $ends = qr/([;{}:]|\*\/)\s*\\?$|^#.*[^\\\n]$|^\s*\\?$/;

		sub lines { return () = $_[0] =~ /\n/g }
		sub indent { return $_[0] =~ /^(\s*)/ ? $1 : "" }

		# Does the hunk differ only in what is left to the author?
		sub free
		{
			my ($before, $old, $new) = @_;
			my $macro = $old =~ /^\s*#\s*define|\\$/m;
			my $joined = lines($old) > lines($new) &&
				indent($old) eq indent($new);

			s/\\$//mg, s/\s+//g for $old, $new;
			return 0 if $old ne $new;
			return 1 if $macro || $old =~ /__attribute__|__asm__/ ||
				$old =~ /^\w*for_each\w*\(.*\)\{$/;
			$old =~ s/"(\\.|[^"\\])*"/""/g;
			return 0 if $old =~ /;.|\)\{|^(else|do|struct|enum)\b/;
			# Without a semicolon it is a list of values.
			return 1 if $old !~ /;/ && $old =~ /,|=\{/;
			return $old !~ /[{}]/ && ($joined || $before !~ $ends);
		}

		for (split /^(?=\d)/m, join("", <STDIN>)) {
			my ($line) = /^(\d+)/;
			my $old = join "", /^< (.*\n)/mg;
			my $new = join "", /^> (.*\n)/mg;

			print unless free($is[$line - 1], $old, $new);
		}' "$tmp/is" >"$tmp/diff"
	if [ -s "$tmp/diff" ]; then
		printf '%s: (< is, > should be)\n' "$file"
		cat "$tmp/diff"
		bad=1
	fi
done
exit $bad
