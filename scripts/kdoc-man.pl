# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The manual page writer of kdoc: one page per documented name, types in section
# 3type, everything else in section 3.

use strict;
use warnings;

my $WIDTH = 70;

# Characters that mean something to roff.
sub quote
{
	my ($text) = @_;

	$text =~ s/\\/\\e/g;
	$text =~ s/-/\\-/g;
	$text =~ s/^([.'])/\\&$1/mg;
	$text =~ s/~/\\(ti/g;
	$text =~ s/\^/\\(ha/g;
	return $text;
}

# Markup inside prose: %CONSTANT, @parameter, function(), &struct x, ``code``.
# Only minus signs of numbers and error codes are more than hyphens.
sub markup
{
	my ($text) = @_;

	$text =~ s/\s+/ /g;
	$text =~ s/\\/\\e/g;
	$text =~ s/(?<![\w-])-(?=[A-Z0-9])/\\-/g;
	$text =~ s/(?<![\w-])--?(?=[a-z])/\\-/g;
	$text =~ s/``(.*?)``/\\fB$1\\fR/g;
	$text =~ s/(?<![\w%])%(\w+)/\\fB$1\\fR/g;
	$text =~ s/(?<![\w\@])\@(\w[\w.]*\w|\w)/\\fI$1\\fR/g;
	$text =~ s/&((?:struct|union|enum) \w+|(?:struct )?gmb_\w+)/\\fB$1\\fR/g;
	$text =~ s/(?<![\\\w])((?:gmb|GMB)_\w+)\(\)/\\fB$1\\fR()/g;
	$text =~ s/(\\-E[A-Z0-9]{2,})/\\fB$1\\fR/g;
	$text =~ s/~/\\(ti/g;
	$text =~ s/\^/\\(ha/g;
	$text =~ s/^([.'])/\\&$1/;
	return $text;
}

# A plain first word of a sentence gets its capital; a name does not.
sub capital
{
	my ($text) = @_;

	return $text =~ /^[a-z]+(?![\w().=])/ ? ucfirst $text : $text;
}

# Sentences begin on lines of their own, as roff wants them.
sub prose
{
	my ($text) = @_;
	my @lines = split /(?<=[a-z)][.:!?]) (?=[A-Z\\])/, markup($text);

	s/^([.'])/\\&$1/ for @lines;
	return join("\n", @lines) . "\n";
}

sub paragraph
{
	my ($text) = @_;
	my @lines = split /\n/, $text;

	if (!grep { !/^(\t| {2,})/ } @lines) {
		my ($indent) = $lines[0] =~ /^(\s+)/;

		s/^\Q$indent\E// for @lines;
		return ".PP\n.RS 4\n.EX\n" . quote(join("\n", @lines)) .
			"\n.EE\n.RE\n";
	}
	if ($lines[0] =~ /^[*-] /) {
		my $out = '';

		for my $entry (split /\n(?=[*-] )/, $text) {
			$entry =~ s/^[*-] //;
			$out .= ".IP \\(bu 2\n" . prose($entry);
		}
		return $out;
	}
	$text =~ s/::\s*$/:/;
	return ".PP\n" . prose($text);
}

# Blank lines part paragraphs; so does the step into and out of an example or
# a list, which writers tend not to set apart.
sub paragraphs
{
	my ($text) = @_;
	my ($out, @block) = ('');
	my $kind = '';

	for my $line (split(/\n/, $text), '') {
		my $now = $line eq '' ? ''
			: $line =~ /^[*-] / ? 'list'
			: $line =~ /^(\t| {2,})/
				? ($kind eq 'list' ? 'list' : 'code')
			: $kind eq 'list' ? 'list' : 'prose';

		if ($now ne $kind && @block) {
			$out .= paragraph(join("\n", @block));
			@block = ();
		}
		$kind = $now;
		push @block, $line if $now;
	}
	# Code split by blank lines is one example.
	$out =~ s/\n\.EE\n\.RE\n\.PP\n\.RS 4\n\.EX\n/\n\n/g;
	return $out;
}

# int gmb_x(struct y *y, void *out) in bold with italic parameters, wrapped.
sub synopsis_function
{
	my ($item) = @_;
	my $type = $item->{type};
	my $lead = $type . ($type =~ /\*$/ ? '' : ' ') . "$item->{name}(";
	my @parts = @{ $item->{proto} };
	my $out = '.B "' . quote($lead);
	my $column = length $lead;
	my $indent = $column > 40 ? 8 : $column;

	@parts = ('void') unless @parts;
	$out = '\fB' . quote($lead) . '\fR';
	for my $i (0 .. $#parts) {
		my $plain = $parts[$i] . ($i < $#parts ? ',' : ');');
		my $name = declared_name($parts[$i]);
		my $text = quote($plain);

		$text = "\\fB$text\\fR";
		$text =~ s/\b\Q$name\E\b(?!.*\b\Q$name\E\b)/\\fI$name\\fB/
			if $name ne '...' && $parts[$i] ne 'void' &&
			$parts[$i] !~ /\(\s*\*/;
		if ($i && $column + 1 + length($plain) > $WIDTH) {
			$out .= "\n" . ' ' x $indent . $text;
			$column = $indent + length $plain;
		} else {
			$out .= ($i ? ' ' : '') . $text;
			$column += ($i ? 1 : 0) + length $plain;
		}
	}
	return $out;
}

sub synopsis_aggregate
{
	my ($item) = @_;
	my $head = quote("$item->{kind} $item->{name}");
	my $body = $item->{source} // '';

	return "\\fB$head;\\fR" if $item->{opaque} || $body eq '';
	$body =~ s{\n?[ \t]*/\*\s*private:.*?(/\*\s*public:.*?\*/|\z)}{}gs;
	$body =~ s{[ \t]*/\*.*?\*/}{}gs;
	$body =~ s/\n(\s*\n)+/\n/g;
	$body =~ s/^\n|\s+$//g;
	$body =~ s/\t/    /g;
	return "\\fB$head {\\fR\n\\fB" .
		join("\\fR\n\\fB", split /\n/, quote($body)) . "\\fR\n\\fB};\\fR";
}

sub synopsis
{
	my ($item) = @_;

	return synopsis_function($item) if $item->{kind} eq 'function';
	return synopsis_aggregate($item)
		if $item->{kind} =~ /^(struct|union|enum)$/;
	if ($item->{kind} eq 'typedef') {
		(my $source = $item->{source}) =~ s/\s+/ /g;
		return '\fB' . quote($source) . '\fR';
	}
	return "\\fB$item->{name}\\fR" if $item->{kind} eq 'constant';
	return "\\fB$item->{name}(\\fI" .
		join('\fB, \fI', @{ $item->{members} }) . '\fB)\fR';
}

sub include_line
{
	my ($item) = @_;
	my $header = $item->{file} =~ m,include/uapi/(.*),
		? $1 : $item->{file} =~ m,include/(giambio)/, ? 'giambio.h'
		: $item->{file} =~ m,([^/]+)$, ? $1 : $item->{file};

	return "\\fB#include <$header>\\fR";
}

# The Return: text names values first, then errors, parted by semicolons.
sub result_sections
{
	my ($text) = @_;
	my (@values, @errors);

	return paragraph_section('RETURN VALUE', $text)
		if $text =~ /\n\n|^[*-] /m;
	for my $part (split /;\s+/, $text) {
		if ($part =~ /^(-E[A-Z0-9]+(?:(?:,| or) -E[A-Z0-9]+)*),?:?\s*(.*)/s) {
			push @errors, [$1, $2];
		} elsif (@errors) {
			$errors[-1][1] .= "; $part";
		} else {
			push @values, $part;
		}
	}
	return paragraph_section('RETURN VALUE', $text) unless @errors;

	# What follows the last error as a sentence is said of the whole call.
	my $rest = $errors[-1][1] =~ s/\.\s+([A-Z].*)//s ? " $1" : '';
	my $value = join('; ', @values);
	$value =~ s/[\s.]*$/./ if $value ne '';
	$value = '0 on success.' if $value eq '0.';
	my $out = ".SH RETURN VALUE\n" .
		prose(($value ne '' ? $value : 'A negative error.') . $rest) .
		".SH ERRORS\n";
	for my $error (@errors) {
		my ($name, $why) = @$error;

		$why =~ s/[\s.]*$/./ if $why ne '';
		$out .= ".TP\n" . markup($name) . "\n" .
			($why ne '' ? prose(capital($why)) : default_reason($name));
	}
	return $out;
}

# Errors with one meaning throughout the library need no words at every call.
sub default_reason
{
	my ($name) = @_;
	my %reason = (
		'-ECANCELED' => 'The scope, the manager or the task was cancelled.',
		'-ETIMEDOUT' => 'The deadline has passed.',
		'-EPERM' => 'Called outside a task.',
		'-EBADF' => 'The object is closed.',
		'-EBUSY' => 'Another task is waiting where only one may.',
		'-ENOMEM' => 'There is not enough memory.',
		'-EINVAL' => 'An argument is not valid.',
	);

	return ($reason{$name} // 'See \fBgiambio\fR(7).') . "\n";
}

sub paragraph_section
{
	my ($title, $text) = @_;
	my $out = paragraphs($text);

	$out =~ s/^\.PP\n//;
	return ".SH $title\n$out";
}

sub section_of
{
	my ($item) = @_;

	return $item->{kind} =~ /^(struct|union|enum|typedef)$/ ? '3type' : '3';
}

sub see_also
{
	my ($item, $known) = @_;
	my $all = join("\n", $item->{body}, values %{ $item->{text} },
		values %{ $item->{section} });
	my (%seen, @names);
	my @mentioned = $all =~ /\b(gmb_\w+)/g;
	my @siblings = sort grep { $known->{$_}{file} eq $item->{file} }
		keys %$known;

	for my $name (@mentioned, @siblings) {
		next if $name eq $item->{name} || $seen{$name}++;
		push @names, $name if $known->{$name} && @names < 12;
	}
	return join(",\n", map { ".BR $_ (" . section_of($known->{$_}) . ')' }
		@names);
}

sub page
{
	my ($item, $version, $known) = @_;
	my $section = $item->{section};
	my $upper = uc $item->{name};
	my %title = (function => 'PARAMETERS', macro => 'PARAMETERS',
		struct => 'MEMBERS', union => 'MEMBERS', enum => 'CONSTANTS');
	my $out = ".\\\" Generated from $item->{file}\n" .
		".TH $upper " . section_of($item) . " \"\" \"giambio $version\" \"giambio\"\n.ad l\n.nh\n" .
		".SH NAME\n$item->{name} \\- " . markup($item->{brief}) . "\n" .
		".SH SYNOPSIS\n.nf\n" . include_line($item) . "\n\n" .
		synopsis($item) . "\n.fi\n";

	$out .= paragraph_section('DESCRIPTION', $item->{body})
		if $item->{body} ne '';
	if (@{ $item->{order} }) {
		$out .= ".SH " . ($title{ $item->{kind} } // 'PARAMETERS') . "\n";
		for my $name (@{ $item->{order} }) {
			$out .= ".TP\n.I " . quote($name) . "\n" .
				prose(capital($item->{text}{$name}));
		}
	}
	$out .= paragraph_section('CONTEXT', capital($section->{Context}))
		if $section->{Context};
	$out .= result_sections(capital($section->{Return}))
		if $section->{Return};
	for my $name ('Cost', 'Note', 'Notes', 'Example', 'Examples', 'Since',
			'Source') {
		$out .= paragraph_section(uc $name, capital($section->{$name}))
			if $section->{$name};
	}
	my $related = see_also($item, $known);
	$out .= ".SH SEE ALSO\n" . ($related ne '' ? "$related,\n" : '') .
		".BR giambio (7)\n";
	return $out;
}

sub kdoc_man
{
	my ($dir, $version, @files) = @_;
	my @items = grep { !$_->{error} && $_->{kind} ne 'doc' }
		map { @$_ } @files;
	my %known = map { $_->{name} => $_ } @items;
	my %written;

	for my $item (@items) {
		my $path = "$dir/$item->{name}." . section_of($item);

		die "kdoc: $item->{file}: two pages would be named $path\n"
			if $written{$path}++;
		open(my $out, '>', $path) or die "kdoc: $path: $!\n";
		print $out page($item, $version, \%known);
		close($out) or die "kdoc: $path: $!\n";
	}
}

1;
