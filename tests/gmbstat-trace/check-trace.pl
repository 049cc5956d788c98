#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# check-trace.pl FILE [QUERY...]: is FILE a trace as viewers want it? Says what
# is wrong with it, one thing a line, and fails; or answers the queries:
#
#   slices TRACK NAME	durations of the slices of that name on the tracks whose
#			name begins with TRACK, in us, one a line
#   count CATEGORY	how many slices, instants and arrows of a category
#   marks TRACK NAME	times of instants, in us
#   tracks		their names
#   other KEY		a member of otherData
#   async NAME		durations of asynchronous slices
#
# The parser knows all of JSON that is asked of a strict one: the project's
# tests need no module for it.

use strict;
use warnings;

my $problems = 0;

sub problem
{
	print "@_\n" if $problems++ < 20;
}

sub broken
{
	my ($what) = @_;

	printf "no JSON: %s at byte %d\n", $what, pos() // 0;
	exit 1;
}

sub parse_string
{
	/\G"((?:[^"\\\x00-\x1f]|\\(?:["\\\/bfnrt]|u[0-9a-fA-F]{4}))*)"/gc
		or broken('a string is expected');
	return $1;
}

sub parse_value
{
	/\G\s+/gc;
	return parse_object() if /\G\{/gc;
	return parse_array() if /\G\[/gc;
	return parse_string() if /\G(?=")/gc;
	return $1 if /\G(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)/gc;
	return 1 if /\Gtrue/gc;
	return 0 if /\Gfalse/gc;
	return undef if /\Gnull/gc;
	broken('a value is expected');
}

sub parse_object
{
	my %object;

	/\G\s+/gc;
	return \%object if /\G\}/gc;
	while (1) {
		/\G\s+/gc;
		my $key = parse_string();

		broken("'$key' occurs twice") if exists $object{$key};
		/\G\s*:/gc or broken('a colon is expected');
		$object{$key} = parse_value();
		/\G\s+/gc;
		next if /\G,/gc;
		return \%object if /\G\}/gc;
		broken('a comma or } is expected');
	}
}

sub parse_array
{
	my @array;

	/\G\s+/gc;
	return \@array if /\G\]/gc;
	while (1) {
		push @array, parse_value();
		/\G\s+/gc;
		next if /\G,/gc;
		return \@array if /\G\]/gc;
		broken('a comma or ] is expected');
	}
}

# Times are whole nanoseconds here.
sub ns
{
	my ($us) = @_;

	return int($us * 1000 + ($us < 0 ? -0.5 : 0.5));
}

sub is_number
{
	return defined $_[0] && !ref $_[0] && $_[0] =~ /^-?\d/;
}

my %WANTS = (
	X => [qw(ts dur cat name args)],
	i => [qw(ts cat name s args)],
	s => [qw(ts cat name id)],
	f => [qw(ts cat name id bp)],
	b => [qw(ts cat name id args)],
	e => [qw(ts cat name id)],
	M => [qw(name args)],
);

my (%slices, %names, %arrows, %open, %marks, %async, %categories);

sub check_fields
{
	my ($event, $number) = @_;
	my $wants = $WANTS{$event->{ph} // ''};

	if (!$wants) {
		problem("event $number: phase '", $event->{ph} // '', "'");
		return 0;
	}
	for my $field (qw(pid tid), @$wants) {
		next if defined $event->{$field};
		problem("event $number ($event->{ph}): no $field");
		return 0;
	}
	for my $field (qw(pid tid ts dur id)) {
		next if !exists $event->{$field} || is_number($event->{$field});
		problem("event $number: $field is no number");
		return 0;
	}
	return 1;
}

sub take
{
	my ($event, $number) = @_;
	my $ph = $event->{ph};
	my $track = "$event->{pid}:$event->{tid}";

	return unless check_fields($event, $number);
	if ($ph eq 'M') {
		$names{$track} = $event->{args}{name}
			if $event->{name} eq 'thread_name';
		return;
	}
	my $at = ns($event->{ts});
	$categories{$event->{cat}}++;
	problem("event $number: before the trace began") if $at < 0;
	if ($ph eq 'X') {
		problem("event $number: ends before it begins")
			if $event->{dur} < 0;
		push @{$slices{$track}}, [$at, $at + ns($event->{dur}),
			$event->{name}, $number];
	} elsif ($ph eq 'i') {
		push @{$marks{$track}}, [$at, $event->{name}];
	} elsif ($ph eq 's' || $ph eq 'f') {
		problem("arrow $event->{id}: two ends '$ph'")
			if $arrows{$event->{id}}{$ph};
		$arrows{$event->{id}}{$ph} = [$track, $at];
	} elsif ($ph eq 'b') {
		push @{$open{"$event->{cat}:$event->{id}"}},
			[$event->{name}, $at];
	} else {
		my $stack = $open{"$event->{cat}:$event->{id}"};
		my $begun = $stack && @$stack ? pop @$stack : ['nothing', $at];

		problem("async $event->{id}: '$event->{name}' ends, " .
			"but '$begun->[0]' is open")
			if $begun->[0] ne $event->{name};
		problem("async $event->{id}: ends before it begins")
			if $at < $begun->[1];
		push @{$async{$event->{name}}}, $at - $begun->[1];
	}
}

# Slices lie in each other or beside each other.
sub check_nesting
{
	my ($track) = @_;
	my @in = sort { $a->[0] <=> $b->[0] || $b->[1] <=> $a->[1] }
		@{$slices{$track}};
	my @stack;

	for my $slice (@in) {
		pop @stack while @stack && $stack[-1][1] <= $slice->[0];
		problem("track $track: '$slice->[2]' (event $slice->[3]) " .
			"crosses '$stack[-1][2]' (event $stack[-1][3])")
			if @stack && $slice->[1] > $stack[-1][1];
		push @stack, $slice;
	}
	$slices{$track} = \@in;
}

# Does a slice of the track cover that time? They are sorted.
sub is_covered
{
	my ($track, $at) = @_;
	my $in = $slices{$track} or return 0;
	my ($low, $high) = (0, scalar @$in);

	while ($low < $high) {
		my $middle = ($low + $high) >> 1;

		if ($in->[$middle][0] <= $at) {
			$low = $middle + 1;
		} else {
			$high = $middle;
		}
	}
	for (my $i = $low - 1; $i >= 0 && $i > $low - 70; $i--) {
		return 1 if $in->[$i][1] >= $at;
	}
	return 0;
}

sub check_arrows
{
	for my $id (keys %arrows) {
		my ($from, $to) = @{$arrows{$id}}{qw(s f)};

		if (!$from || !$to) {
			problem("arrow $id has one end");
			next;
		}
		problem("arrow $id goes back in time") if $to->[1] < $from->[1];
		for my $end ($from, $to) {
			problem("arrow $id: nothing at its end on track " .
				"$end->[0] at $end->[1]")
				unless is_covered(@$end);
		}
	}
}

sub named
{
	my ($begin) = @_;

	return grep { index($names{$_} // '', $begin) == 0 } keys %names;
}

sub answer
{
	my ($document, $what, @arguments) = @_;

	if ($what eq 'slices') {
		for my $track (named($arguments[0])) {
			printf "%.3f\n", ($_->[1] - $_->[0]) / 1000
				for grep { $_->[2] eq $arguments[1] }
					@{$slices{$track} // []};
		}
	} elsif ($what eq 'marks') {
		for my $track (named($arguments[0])) {
			printf "%.3f\n", $_->[0] / 1000
				for grep { $_->[1] eq $arguments[1] }
					@{$marks{$track} // []};
		}
	} elsif ($what eq 'async') {
		printf "%.3f\n", $_ / 1000 for @{$async{$arguments[0]} // []};
	} elsif ($what eq 'count') {
		print $categories{$arguments[0]} // 0, "\n";
	} elsif ($what eq 'tracks') {
		print "$_\n" for sort values %names;
	} elsif ($what eq 'other') {
		print $document->{otherData}{$arguments[0]} // 'null', "\n";
	} else {
		die "check-trace.pl: no query '$what'\n";
	}
}

my $file = shift @ARGV or die "usage: check-trace.pl FILE [QUERY...]\n";
open(my $in, '<', $file) or die "$file: $!\n";
$_ = do { local $/; <$in> };
close($in);

my $document = parse_value();

/\G\s*\z/gc or broken('something follows the document');
if (ref $document ne 'HASH' || ref $document->{traceEvents} ne 'ARRAY') {
	print "no array 'traceEvents'\n";
	exit 1;
}
my $number = 0;
take($_, $number++) for @{$document->{traceEvents}};
check_nesting($_) for keys %slices;
check_arrows();
for my $track (keys %slices, keys %marks) {
	problem("track $track has no name") unless exists $names{$track};
}
for my $link (keys %open) {
	problem("async $link does not end") if @{$open{$link}};
}
if ($problems) {
	print "$problems problems\n";
	exit 1;
}
answer($document, @ARGV) if @ARGV;
