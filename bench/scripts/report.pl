#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# report.pl FOLDER TARGETS PACE: read FOLDER/raw.tsv, print the table and
# write FOLDER/results.json. Needs nothing beyond perl-base.
#
# A figure is the median over the turns; min is the least disturbed turn. A
# ratio is the median of the ratios within each turn, so a disturbance that
# lasts longer than a turn cancels out.

use strict;
use warnings;

my ($folder, $targets_file, $pace) = @ARGV;

# $value{experiment}{case}{metric}{contender}{round}
my (%value, @cases, %seen);

sub lines
{
	my ($file) = @_;
	open(my $in, '<', $file) or return ();
	my @lines = <$in>;
	chomp @lines;
	return grep { length && !/^#/ } @lines;
}

for (lines("$folder/raw.tsv")) {
	my ($exp, $case, $who, $round, $metric, $v) = split /\t/;
	push @cases, [$exp, $case] unless $seen{$exp}{$case}++;
	$value{$exp}{$case}{$metric}{$who}{$round} = $v;
}

sub median
{
	my @v = sort { $a <=> $b } @_;
	return unless @v;
	my $h = int(@v / 2);
	return @v % 2 ? $v[$h] : ($v[$h - 1] + $v[$h]) / 2;
}

sub least
{
	return (sort { $a <=> $b } @_)[0];
}

sub turns
{
	my ($exp, $case, $metric, $who) = @_;
	return $value{$exp}{$case}{$metric}{$who} || {};
}

sub figure
{
	return median(values %{turns(@_)});
}

# Median over the turns that both took part in.
sub ratio
{
	my ($x, $y) = @_;
	return median(map { $x->{$_} / $y->{$_} }
		      grep { $y->{$_} } keys %$x);
}

# The contender that a target's reference names, in one case.
sub reference
{
	my ($exp, $case, $metric, $name) = @_;
	return $name unless $name =~ s/\*$//;
	my $by = $value{$exp}{$case}{$metric} || {};
	my @all = grep { index($_, $name) == 0 } keys %$by;
	my ($best) = sort { median(values %{$by->{$a}}) <=>
			    median(values %{$by->{$b}}) } @all;
	return $best;
}

# Every target that was measured: case, sides, result, limit, verdict.
sub check
{
	my ($exp, $case, $metric, $who, $ref, $limit) = @_;
	my $x = turns($exp, $case, $metric, $who);
	my ($got, $against);
	if ($ref eq '-') {
		$got = median(values %$x);
	} elsif ($ref =~ /^@(.*)/) {
		my ($a, $b) = (median(values %$x),
			       figure($exp, $1, $metric, $who));
		$got = $a / $b if defined $a && $b;
		$against = "itself at $1";
	} else {
		$against = reference($exp, $case, $metric, $ref) or return;
		$got = ratio($x, turns($exp, $case, $metric, $against));
	}
	return unless defined $got;
	(my $number = $limit) =~ s/^<//;
	my $ok = $limit =~ /^</ ? $got < $number : $got <= $number;
	return { exp => $exp, case => $case, metric => $metric, who => $who,
		 ref => $against // '', got => $got, limit => $limit,
		 verdict => $ok ? 'met' : 'missed' };
}

my @checks;
for (lines($targets_file)) {
	my ($exp, $case, $metric, $who, $ref, $limit) = split;
	for my $c (grep { $_->[0] eq $exp } @cases) {
		next unless $case eq '*' || $case eq $c->[1];
		push @checks, check($exp, $c->[1], $metric, $who, $ref, $limit);
	}
}

my @order = qw(giambio giambio-out giambio-times giambio-trace
	       giambio-epoll giambio-uring giambio-kmod epoll-lt
	       epoll-et uring-oneshot uring-multishot ucontext boost-context
	       boost-fiber st libuv libevent go tokio);
my %rank = map { $order[$_] => $_ } 0 .. $#order;

sub contenders
{
	my ($exp, $metric) = @_;
	my %all;
	for (values %{$value{$exp} || {}}) {
		$all{$_}++ for keys %{$_->{$metric} || {}};
	}
	return sort { ($rank{$a} // 99) <=> ($rank{$b} // 99) } keys %all;
}

sub cases_of
{
	my ($exp) = @_;
	return map { $_->[1] } grep { $_->[0] eq $exp } @cases;
}

sub cell
{
	my ($v, $format) = @_;
	return defined $v ? sprintf($format, $v) : '-';
}

# One block: contenders down, cases across.
sub block
{
	my ($title, $exp, $metric, $format, $scale, $pick) = @_;
	my @who = contenders($exp, $metric) or return;
	my @case = cases_of($exp);
	print "\n$title\n";
	printf '  %-16s', '';
	printf '%11s', $_ for @case;
	print "\n";
	for my $who (@who) {
		my @v = map {
			my $v = $pick->(values %{turns($exp, $_, $metric,
						       $who)});
			defined $v ? $v / $scale : undef;
		} @case;
		next unless grep { defined } @v;
		printf '  %-16s', $who;
		printf '%11s', cell($_, $format) for @v;
		print "\n";
	}
}

sub print_blocks
{
	block('One thread: processor time per operation, ns', 'micro', 'ns',
	      '%.1f', 1, \&median);
	block('Echo, 64 bytes: server processor time per request, us (by ' .
	      'transport and connections)', 'echo', 'cpu_ns', '%.2f', 1000,
	      \&median);
	block('Echo: the same, least disturbed turn', 'echo', 'cpu_ns', '%.2f',
	      1000, \&least);
	block('Echo: requests per second, thousands', 'echo', 'rps', '%.1f',
	      1000, \&median);
	block('Echo: p50 as the client sees it, us', 'echo', 'p50_us', '%.0f',
	      1, \&median);
	block('Echo: p99 as the client sees it, us', 'echo', 'p99_us', '%.0f',
	      1, \&median);
	block('Echo: times the server went to sleep, per request', 'echo',
	      'sleeps', '%.3f', 1, \&median);
	block('Sleeping tasks: resident memory per task, KiB (by tasks)',
	      'sleepers', 'kib', '%.2f', 1, \&median);
	block('Sleeping tasks: page tables per task, KiB', 'sleepers',
	      'pte_kib', '%.3f', 1, \&median);
	block('Sleeping tasks: created, woken, joined: processor time per ' .
	      'task, ns', 'sleepers', 'cpu_ns', '%.0f', 1, \&median);
	block('Timers: processor time per wakeup, ns (by tasks)', 'timers',
	      'cpu_ns', '%.0f', 1, \&median);
	block('Idle: system calls', 'idle', 'calls', '%d', 1, \&median);
}

sub print_checks
{
	return unless @checks;
	print "\nTargets\n";
	printf "  %-9s %-10s %-7s %-14s %-16s %8s %6s\n", 'experiment',
		'case', 'figure', 'of', 'against', 'measured', 'target';
	for (@checks) {
		printf "  %-9s %-10s %-7s %-14s %-16s %9.3f %6s  %s\n",
			$_->{exp}, $_->{case}, $_->{metric}, $_->{who},
			$_->{ref}, $_->{got}, $_->{limit}, $_->{verdict};
	}
}

sub print_skipped
{
	my @skipped = lines("$folder/skipped.tsv");
	print "\nSkipped\n" if @skipped;
	for (@skipped) {
		my ($exp, $who, $why) = split /\t/;
		print "  $who ($exp): $why\n";
	}
}

sub json
{
	my ($s) = @_;
	return $s if $s =~ /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/;
	$s =~ s/(["\\])/\\$1/g;
	$s =~ s/([\x00-\x1f])/sprintf('\\u%04x', ord $1)/ge;
	return "\"$s\"";
}

sub json_object
{
	my @pairs;
	while (my ($k, $v) = splice(@_, 0, 2)) {
		push @pairs, "\"$k\": " . (ref $v ? $$v : json($v));
	}
	return '{' . join(', ', @pairs) . '}';
}

# A value that must stay a string even if it looks like a number.
sub text
{
	my ($s) = @_;
	my $j = json("x$s");
	$j =~ s/^"x/"/;
	return \$j;
}

sub result_object
{
	my ($exp, $case, $metric, $who) = @_;
	my @v = values %{turns($exp, $case, $metric, $who)};
	my @sorted = sort { $a <=> $b } @v;
	return json_object(experiment => $exp, case => text($case),
			   contender => $who, metric => $metric,
			   turns => scalar @v, median => median(@v),
			   min => $sorted[0], max => $sorted[-1]);
}

sub write_json
{
	my (@results, @targets);
	for my $c (@cases) {
		my ($exp, $case) = @$c;
		for my $metric (sort keys %{$value{$exp}{$case}}) {
			push @results, result_object($exp, $case, $metric, $_)
				for sort keys %{$value{$exp}{$case}{$metric}};
		}
	}
	push @targets, json_object(experiment => $_->{exp},
		case => text($_->{case}), metric => $_->{metric},
		contender => $_->{who}, reference => text($_->{ref}),
		measured => $_->{got}, target => text($_->{limit}),
		verdict => $_->{verdict}) for @checks;
	my @versions = map { my ($k, $v) = split /\t/; ($k, text($v)) }
		lines("$folder/versions.tsv");
	my @skipped = map { my ($e, $w, $y) = split /\t/;
		json_object(experiment => $e, contender => $w, why => text($y))
	} lines("$folder/skipped.tsv");
	my $list = sub { "[\n    " . join(",\n    ", @_) . "\n  ]" };
	open(my $out, '>', "$folder/results.json")
		or die "report.pl: cannot write $folder/results.json: $!\n";
	print $out "{\n  \"pace\": ", json($pace), ",\n  \"versions\": ",
		json_object(@versions), ",\n  \"results\": ",
		$list->(@results), ",\n  \"targets\": ", $list->(@targets),
		",\n  \"skipped\": ", $list->(@skipped), "\n}\n";
	close($out) or die "report.pl: $folder/results.json: $!\n";
}

for (lines("$folder/versions.tsv")) {
	my ($what, $version) = split /\t/;
	printf "%-10s %s\n", $what, $version;
}
print_blocks();
print_checks();
print_skipped();
print "\nCommands\n";
print "  $_\n" for lines("$folder/commands");
write_json();
