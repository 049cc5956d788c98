#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# habits.pl FILE...: the habits that need no parser. Every file: licence and
# copyright at the head, no blanks at line ends, a newline at the end, no words
# that promise work. C: 80 columns, tabs, /* */ comments, short functions.

use strict;
use warnings;
no warnings "utf8";

my ($COLUMNS, $FILE_LINES, $FUNCTION_LINES) = (80, 700, 100);
my $COPYRIGHT = 'Copyright (C) 2026 The giambio developers';
my $problems = 0;

sub problem
{
	my ($file, $line, $text) = @_;

	print "$file:$line: $text\n";
	$problems++;
}

sub licence
{
	my ($file) = @_;

	return 'GPL-2.0-only WITH Linux-syscall-note OR MIT'
		if $file =~ m,^include/uapi/,;
	return 'LGPL-2.1-or-later OR MIT' if $file =~ m,^(lib|include)/,;
	return 'GPL-2.0-only';
}

# A first line that has to stand first may: #!, <?xml, a man page's '\" t.
sub check_head
{
	my ($file, @lines) = @_;
	my $want = licence($file);
	my $at = $lines[0] =~ /^(#!|<\?xml|'\\")/ ? 1 : 0;
	my $tag = $lines[$at] // '';
	my ($is) = $tag =~ /SPDX-License-Identifier: (.*?)\s*(\*\/|-->)?$/;

	if (!defined $is) {
		problem($file, $at + 1, "the SPDX-License-Identifier is missing");
	} else {
		$is =~ s/[()]//g;
		problem($file, $at + 1, "the licence here is '$want'")
			if $is ne $want;
	}
	my $head = join("\n", @lines[0 .. ($#lines < 7 ? $#lines : 7)]);
	problem($file, 2, "'$COPYRIGHT' is missing")
		if index($head, $COPYRIGHT) < 0;
}

sub expand
{
	my ($line) = @_;

	1 while $line =~ s/^([^\t]*)\t/$1 . ' ' x (8 - length($1) % 8)/e;
	return $line;
}

sub check_text
{
	my ($file, @lines) = @_;

	for my $i (0 .. $#lines) {
		problem($file, $i + 1, "blanks at the end of the line")
			if $lines[$i] =~ /[ \t]$/;
		problem($file, $i + 1, "'$1' promises work: do it, or leave it")
			if $lines[$i] =~ /\b(TO(?:DO)|FIX(?:ME)|XX(?:X))\b/;
	}
}

# Strings may run over, so that they can be searched for.
sub check_c_line
{
	my ($file, $number, $line) = @_;
	my $bare = $line;

	problem($file, $number, "longer than $COLUMNS columns")
		if length(expand($line)) > $COLUMNS && $line !~ /"|https?:/;
	problem($file, $number, "indented with blanks instead of tabs")
		if $line =~ /^\t* {8}/;
	$bare =~ s/"(\\.|[^"\\])*"/""/g;
	problem($file, $number, "comments are /* */")
		if $bare =~ m,(?<!:)//, && $bare !~ m,/\*,  && $bare !~ /^\s*\*/;
}

sub check_c
{
	my ($file, @lines) = @_;
	my $open = 0;

	problem($file, scalar @lines, "longer than $FILE_LINES lines: part it")
		if @lines > $FILE_LINES;
	for my $i (0 .. $#lines) {
		check_c_line($file, $i + 1, $lines[$i]);
		$open = $i + 1 if $lines[$i] =~ /^\{/;
		next unless $open && $lines[$i] =~ /^\}/;
		problem($file, $open, "function longer than $FUNCTION_LINES " .
			"lines: part it") if $i + 1 - $open > $FUNCTION_LINES;
		$open = 0;
	}
}

for my $file (@ARGV) {
	open(my $in, '<:utf8', $file) or next;
	my $text = do { local $/; <$in> };
	close($in);

	# Files without text have no habits.
	next if !defined $text || $text eq '' || $text =~ /\0/;
	my @lines = split /\n/, $text;

	check_head($file, @lines);
	check_text($file, @lines);
	problem($file, scalar @lines, "no newline at the end")
		if substr($text, -1) ne "\n";
	check_c($file, @lines) if $file =~ /\.[ch]$/;
}
exit($problems ? 1 : 0);
