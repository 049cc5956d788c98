#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# json.pl FILE EXPRESSION: read a document of gmbstat --json as $d, print what
# the expression is, exit 0 if it is true. It may use task(NAME), stage(NAME),
# stalls(NAME), close_to(A, B, SHARE, NS), agree(LIST, LIST, COUNT, NS), and
# own(FILE, WORD): the numbers that a test program has said behind that word.

use strict;
use warnings;
use JSON::PP;

my ($file, $expression) = @ARGV;
open(my $in, '<:raw', $file) or die "$file: $!\n";
our $d = JSON::PP->new->utf8->decode(do { local $/; <$in> });

sub task
{
	my ($name) = @_;

	for my $loop (@{$d->{loops}}) {
		for my $task (@{$loop->{tasks}}) {
			return $task if $task->{name} eq $name;
		}
	}
	return {};
}

sub stage
{
	my ($name) = @_;

	for my $loop (@{$d->{loops}}) {
		for my $stage (@{$loop->{stages}}) {
			return $stage if $stage->{name} eq $name;
		}
	}
	return {};
}

sub stalls
{
	my ($name) = @_;

	return map { $_->{ns} } grep { $_->{kind} eq 'task' && $_->{exact} &&
		$_->{name} eq $name } @{$d->{stalls}};
}

sub own
{
	my ($log, $word) = @_;
	my @numbers;

	open(my $lines, '<', $log) or die "$log: $!\n";
	while (<$lines>) {
		push @numbers, $1 if /^\Q$word\E (\d+)/;
	}
	return @numbers;
}

sub sum
{
	my $sum = 0;

	$sum += $_ for @_;
	return $sum;
}

sub close_to
{
	my ($is, $want, $share, $ns) = @_;

	return defined $is && abs($is - $want) <= $share * $want + $ns;
}

# Two lists in their order: whether they are as long as that, and the middle one
# of the pairs is not further apart than that.
sub agree
{
	my ($one, $other, $count, $ns) = @_;

	print "is:   @$one\nown:  @$other\n";
	return 0 if @$one != $count || @$other != $count;
	my @differences = sort { $a <=> $b }
		map { abs($one->[$_] - $other->[$_]) } 0 .. $#$one;

	print "apart: @differences\n";
	return $differences[@differences / 2] < $ns;
}

my $result = eval $expression;
die $@ if $@;
print defined $result ? "$result\n" : "undefined\n";
exit($result ? 0 : 1);
