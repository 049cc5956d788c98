#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# report.pl FOLDER TARGETS: read FOLDER/raw, whose lines are KERNEL, EXPERIMENT,
# CASE, CONTENDER, KEY=VALUE..., print the tables and write
# FOLDER/results.json. Needs nothing beyond perl-base.

use strict;
use warnings;

my ($folder, $targets_file) = @ARGV;

# $value{kernel}{experiment}{case}{metric}{contender}
my (%value, @kernels, @problems, %cases, %who, %seen);

sub lines
{
	my ($file) = @_;
	open(my $in, '<', $file) or return ();
	my @lines = <$in>;
	chomp @lines;
	return grep { length && !/^#/ } @lines;
}

sub remember
{
	my ($list, @key) = @_;
	push @$list, $key[-1] unless $seen{join ' ', @key}++;
}

for (lines("$folder/raw")) {
	my ($kernel, $exp, $case, $who, @words) = split;
	remember(\@kernels, 'kernel', $kernel);
	if (!@words || $exp eq 'note' || $words[0] !~ /=/) {
		push @problems, $_;
		next;
	}
	remember($cases{$exp} ||= [], 'case', $exp, $case);
	remember($who{$exp} ||= [], 'who', $exp, $who);
	for (@words) {
		my ($metric, $v) = split /=/;
		$value{$kernel}{$exp}{$case}{$metric}{$who} = $v;
	}
}

sub figure
{
	my ($kernel, $exp, $case, $metric, $who) = @_;
	return $value{$kernel}{$exp}{$case}{$metric}{$who};
}

sub number
{
	my ($v) = @_;
	return '-' unless defined $v;
	return sprintf('%.3f', $v) if $v < 10;
	my $s = sprintf('%.0f', $v);
	1 while $s =~ s/^(\d+)(\d{3})/$1,$2/;
	return $s;
}

# One block: contenders down, cases across.
sub block
{
	my ($kernel, $exp, $metric, $title) = @_;
	my @who = grep {
		my $w = $_;
		grep { defined figure($kernel, $exp, $_, $metric, $w) }
			@{$cases{$exp}};
	} @{$who{$exp} || []};
	return unless @who;
	print "\n$kernel: $title\n";
	printf '  %-20s', '';
	printf '%12s', $_ for @{$cases{$exp}};
	print "\n";
	for my $w (@who) {
		printf '  %-20s', $w;
		printf '%12s', number(figure($kernel, $exp, $_, $metric, $w))
			for @{$cases{$exp}};
		print "\n";
	}
}

sub print_blocks
{
	my ($k) = @_;
	block($k, 'echo', 'insns', 'echo, 64 bytes: instructions on the ' .
	      "server's thread per request (transport/connections)");
	block($k, 'echo', 'client', 'echo: instructions of the client per ' .
	      'request');
	block($k, 'echo', 'calls', "echo: the server's system calls per " .
	      'request');
	block($k, 'echo', 'sleeps', 'echo: times the server went to sleep ' .
	      'per request');
	block($k, 'churn', 'insns', 'a connection accepted, one request, ' .
	      "closed: instructions on the server's thread");
	block($k, 'wakes', 'insns', 'a wait and what ends it: instructions ' .
	      'on the thread that waits');
	block($k, 'pairs', 'insns', 'two threads wake one another: ' .
	      'instructions of both per round trip');
	block($k, 'slack', 'sleeps', 'slack: sleeps of the loop per bulk ' .
	      'message');
	block($k, 'slack', 'p50_ns', 'slack: delay of an urgent message, ' .
	      'instructions, p50');
	block($k, 'slack', 'p99_ns', 'slack: the same, p99');
	block($k, 'slack', 'insns', 'slack: instructions of the loop per ' .
	      'bulk message');
	block($k, 'memory', 'watch_bytes', 'kernel memory per registered ' .
	      'socket, bytes (by watches in one context)');
	block($k, 'memory', 'task_bytes', 'kernel memory per registered ' .
	      'task, bytes');
	block($k, 'observe', 'insns', 'echo on giambio-kmod, observed: ' .
	      'instructions per request (out: built without)');
}

# The contender that a target's reference names.
sub reference
{
	my ($kernel, $exp, $case, $metric, $name) = @_;
	return $name unless $name =~ s/\*$//;
	my $by = $value{$kernel}{$exp}{$case}{$metric} || {};
	my ($best) = sort { $by->{$a} <=> $by->{$b} }
		grep { index($_, $name) == 0 } keys %$by;
	return $best;
}

sub check
{
	my ($kernel, $exp, $case, $metric, $who, $ref, $limit) = @_;
	my $got = figure($kernel, $exp, $case, $metric, $who);
	my $minus = $ref =~ s/^~//;
	my $against = '';
	return unless defined $got;
	if ($ref ne '-') {
		$against = reference($kernel, $exp, $case, $metric, $ref)
			// return;
		my $base = figure($kernel, $exp, $case, $metric, $against);
		return unless $base;
		$got = $minus ? $got - $base : $got / $base;
	}
	return { kernel => $kernel, exp => $exp, case => $case,
		 metric => $metric, who => $who,
		 ref => $minus ? "minus $against" : $against, got => $got,
		 limit => $limit, verdict => $got <= $limit ? 'met' : 'missed' };
}

my @checks;
for (lines($targets_file)) {
	my ($kernel, @rest) = split;
	push @checks, map { check($_, @rest) }
		grep { $kernel eq '*' || $kernel eq $_ } @kernels;
}

sub print_checks
{
	return unless @checks;
	print "\nTargets\n";
	printf "  %-7s %-7s %-8s %-11s %-12s %-19s %9s %7s\n", 'kernel', '',
		'case', 'figure', 'of', 'against', 'measured', 'target';
	for my $k (@kernels) {
		for (grep { $_->{kernel} eq $k } @checks) {
			printf "  %-7s %-7s %-8s %-11s %-12s %-19s %9s %7s  " .
				"%s\n", $_->{kernel}, $_->{exp}, $_->{case},
				$_->{metric}, $_->{who}, $_->{ref},
				number($_->{got}), $_->{limit}, $_->{verdict};
		}
	}
}

sub json
{
	my ($s) = @_;
	return $s if $s =~ /^-?\d+(\.\d+)?$/;
	$s =~ s/(["\\])/\\$1/g;
	$s =~ s/([\x00-\x1f])/sprintf('\\u%04x', ord $1)/ge;
	return "\"$s\"";
}

# Keys that are names even where they look like numbers.
sub json_object
{
	my @pairs;
	while (my ($k, $v) = splice(@_, 0, 2)) {
		my $name = $k =~ /^(kernel|case)$/ ? "\"$v\"" : json($v);
		push @pairs, "\"$k\": $name";
	}
	return '{' . join(', ', @pairs) . '}';
}

sub result_objects
{
	my ($kernel, $exp, $case) = @_;
	my $by = $value{$kernel}{$exp}{$case} || {};
	return map {
		my $metric = $_;
		map { json_object(kernel => $kernel, experiment => $exp,
				  case => $case, contender => $_,
				  metric => $metric,
				  value => $by->{$metric}{$_}) }
			sort keys %{$by->{$metric}};
	} sort keys %$by;
}

sub write_json
{
	my @results;
	for my $k (@kernels) {
		for my $exp (sort keys %cases) {
			push @results, result_objects($k, $exp, $_)
				for @{$cases{$exp}};
		}
	}
	my @targets = map { json_object(kernel => $_->{kernel},
		experiment => $_->{exp}, case => $_->{case},
		metric => $_->{metric}, contender => $_->{who},
		reference => $_->{ref}, measured => $_->{got},
		target => $_->{limit}, verdict => $_->{verdict}) } @checks;
	my @versions = map { split /\t/, $_, 2 } lines("$folder/versions.tsv");
	my $list = sub { "[\n    " . join(",\n    ", @_) . "\n  ]" };
	open(my $out, '>', "$folder/results.json")
		or die "report.pl: cannot write $folder/results.json: $!\n";
	print $out "{\n  \"versions\": ", json_object(@versions),
		",\n  \"results\": ", $list->(@results),
		",\n  \"targets\": ", $list->(@targets),
		",\n  \"problems\": ", $list->(map { json($_) } @problems),
		"\n}\n";
	close($out) or die "report.pl: $folder/results.json: $!\n";
}

for (lines("$folder/versions.tsv")) {
	my ($what, $version) = split /\t/, $_, 2;
	printf "%-14s %s\n", $what, $version // '';
}
print_blocks($_) for @kernels;
print_checks();
print "\nNot measured, or with a remark\n"
	if @problems || lines("$folder/skipped.tsv");
print "  $_\n" for @problems, lines("$folder/skipped.tsv");
write_json();
