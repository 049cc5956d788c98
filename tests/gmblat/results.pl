#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Looks at what gmblat --json has printed.
#
#   results.pl schema FILE		every field of gmblat(8) is there and true
#   results.pl within FILE FIELD LOW HIGH [PATTERN]
#	FIELD (such as latency.p99_ns) of every case whose name and backend,
#	"CASE/BACKEND", fit PATTERN lies between these; there is one at least
#   results.pl share FILE FIELD LOW HIGH	likewise, times the share of a processor
#	that the loop's thread had
#   results.pl above FILE NS LOW HIGH	the share of latencies above NS likewise
#
# What is wrong is printed; then the status is 1.

use strict;
use warnings;
use JSON::PP;

my $problems = 0;

sub problem
{
	print @_, "\n";
	$problems++;
}

sub load
{
	my ($file) = @_;

	open(my $in, '<', $file) or die "$file: $!\n";
	local $/;
	return decode_json(<$in>);
}

# Every case of a document, with its name.
sub cases
{
	my ($doc) = @_;

	return map { my $e = $_;
		map { { %$_, experiment => $e->{experiment},
			name => "$_->{case}/$_->{backend}" } } @{$e->{cases}} }
		@{$doc->{experiments}};
}

sub has_fields
{
	my ($what, $object, @fields) = @_;

	for my $field (@fields) {
		problem("$what: no $field") if !exists $object->{$field};
	}
	return !grep { !exists $object->{$_} } @fields;
}

sub check_distribution
{
	my ($what, $d) = @_;
	my ($sum, $last) = (0, -1);

	has_fields($what, $d, qw(count mean_ns p50_ns p90_ns p99_ns p999_ns
		max_ns buckets)) or return;
	for my $bucket (@{$d->{buckets}}) {
		problem("$what: buckets out of order") if $bucket->[0] <= $last;
		$last = $bucket->[0];
		$sum += $bucket->[1];
	}
	problem("$what: $d->{count} values, $sum in buckets")
		if $sum != $d->{count};
	problem("$what: the greatest is $d->{max_ns}, below the last bucket")
		if $d->{max_ns} < $last;
	my $before = 0;
	for my $p (grep { defined } @$d{qw(p50_ns p90_ns p99_ns p999_ns)}) {
		problem("$what: percentiles fall") if $p < $before;
		$before = $p;
	}
	problem("$what: a percentile above the greatest value")
		if $before > $d->{max_ns};
	problem("$what: p999 of $d->{count} values")
		if $d->{count} < 1000 && defined $d->{p999_ns};
	problem("$what: no p50 of $d->{count} values")
		if $d->{count} > 1 && !defined $d->{p50_ns};
}

# How many events a case measures in a round, for each that was asked for.
sub density
{
	my ($case, $settings) = @_;
	my $sleepers = $case->{parameters}{sleepers};
	my $interval = $settings->{interval_ns};

	return 20 if exists $case->{parameters}{slack_ns};
	return 1 if !$sleepers;
	my $span = $sleepers * 50000;

	$span = $interval if $span < $interval;
	return int($sleepers * $interval / $span) || 1;
}

sub check_case
{
	my ($case, $settings) = @_;
	my $what = "$case->{experiment}: $case->{name}";

	has_fields($what, $case, qw(case backend kind parameters state remark))
		or return;
	if ($case->{state} ne 'done') {
		problem("$what: $case->{state} without a reason")
			if !$case->{remark};
		problem("$what: $case->{remark}") if $case->{state} eq 'failed';
		return;
	}
	has_fields($what, $case, qw(latency events elapsed_ns cpu_ns sleeps
		events_per_s sleeps_per_s cpu_ns_per_event early blocked
		memory_bytes_per_idle)) or return;
	for my $d (qw(latency urgent source_late)) {
		check_distribution("$what, $d", $case->{$d}) if $case->{$d};
	}
	my $counted = $case->{latency}{count};
	$counted += $case->{urgent}{count} if $case->{urgent};
	my $wanted = $settings->{events} * $settings->{rounds} *
		density($case, $settings);
	problem("$what: $counted latencies, $case->{events} events, ",
		"$wanted asked for")
		if $counted != $wanted || $case->{events} != $wanted;
	problem("$what: the least is above the median")
		if $case->{latency}{min_ns} > $case->{latency}{p50_ns};
	problem("$what: more processor time than time")
		if $case->{cpu_ns} > $case->{elapsed_ns} * 1.02 + 1e6;
	problem("$what: $case->{early} timers came too early")
		if $case->{early};
}

sub schema
{
	my ($doc) = @_;

	has_fields('document', $doc, qw(tool version format clock
		percentile_error machine settings backends experiments))
		or return;
	problem("format is $doc->{format}") if $doc->{format} != 1;
	has_fields('machine', $doc->{machine}, qw(kernel arch cpu cpus load
		emulated virtual_time));
	has_fields('settings', $doc->{settings}, qw(events warmup rounds
		interval_ns seed hold_ns work_ns));
	for my $backend (@{$doc->{backends}}) {
		has_fields('backend', $backend, qw(name usable why_not));
		problem("$backend->{name}: no reason")
			if !$backend->{usable} && !$backend->{why_not};
	}
	my @cases = cases($doc);
	problem('no cases') if !@cases;
	check_case($_, $doc->{settings}) for @cases;
}

sub within
{
	my ($doc, $scaled, $field, $low, $high, $pattern) = @_;
	my $found = 0;

	for my $case (cases($doc)) {
		my $value = $case;

		next if defined $pattern && $case->{name} !~ /$pattern/;
		$value = $value->{$_} for split /\./, $field;
		next if !defined $value;
		$value *= $case->{cpu_ns} / $case->{elapsed_ns} if $scaled;
		$found++;
		problem("$case->{name}: $field is $value, not from $low to ",
			$high) if $value < $low || $value > $high;
	}
	problem("nothing has $field") if !$found;
}

sub above
{
	my ($doc, $ns, $low, $high) = @_;

	for my $case (cases($doc)) {
		my $count = 0;

		for my $bucket (@{$case->{latency}{buckets}}) {
			$count += $bucket->[1] if $bucket->[0] > $ns;
		}
		my $share = $count / $case->{latency}{count};
		problem("$case->{name}: a share of $share is above $ns ns, ",
			"not one from $low to $high")
			if $share < $low || $share > $high;
	}
}

my ($command, $file, @rest) = @ARGV;
my $doc = load($file);

schema($doc) if $command eq 'schema';
within($doc, 0, @rest) if $command eq 'within';
within($doc, 1, @rest) if $command eq 'share';
above($doc, @rest) if $command eq 'above';
exit($problems ? 1 : 0);
