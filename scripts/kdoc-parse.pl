# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The parser of kdoc. kdoc_parse() turns a file into items, one per kernel-doc
# comment:
#
#   file line    where the comment begins
#   kind         function macro constant struct union enum typedef doc
#   name brief   as the comment's first line says
#   order text   the described @names in order, and their texts by name
#   body         the free text
#   section      Context, Return, Since … by name
#   declared     the name that the following declaration really declares
#   members      its parameters, members or constants
#   type proto   of functions: result type, and parameters as written
#   error        set, and nothing else, when the comment cannot be read

use strict;
use warnings;

my $SECTIONS = 'Context|Returns?|Notes?|Examples?|Since|Source|Cost|' .
	'See also|Description';

sub slurp
{
	my ($file) = @_;

	open(my $in, '<', $file) or die "kdoc: $file: $!\n";
	local $/;
	my $text = <$in>;
	close($in);
	return $text;
}

# Comments become blanks of the same number of lines, so that line numbers hold.
sub blank_comments
{
	my ($text) = @_;

	$text =~ s{(/\*.*?\*/)}{ (my $c = $1) =~ s/[^\n]//g; " $c" }gse;
	return $text;
}

# The text from $at to the bracket that closes the one there; undef when none.
sub balanced
{
	my ($text, $at) = @_;
	my $depth = 0;

	for my $i ($at .. length($text) - 1) {
		my $c = substr($text, $i, 1);

		$depth++ if $c =~ /[({\[]/;
		$depth-- if $c =~ /[)}\]]/;
		return substr($text, $at + 1, $i - $at - 1) if $depth == 0;
	}
	return undef;
}

# Split at commas or semicolons outside brackets.
sub split_top
{
	my ($text, $separator) = @_;
	my ($depth, $piece, @pieces) = (0, '');

	for my $c (split //, $text) {
		$depth++ if $c =~ /[({\[]/;
		$depth-- if $c =~ /[)}\]]/;
		if ($depth == 0 && $c eq $separator) {
			push @pieces, $piece;
			$piece = '';
		} else {
			$piece .= $c;
		}
	}
	push @pieces, $piece;
	s/^\s+|\s+$//g for @pieces;
	return grep { length } @pieces;
}

# The name that a parameter or member declares.
sub declared_name
{
	my ($text) = @_;

	return '...' if $text =~ /\.\.\.$/;
	return $1 if $text =~ /\(\s*\*+\s*(\w+)/;
	$text =~ s/\s*:\s*\w+\s*$//;
	$text =~ s/\s*\[.*$//s;
	$text =~ s/\s*(__attribute__|__aligned)\s*\(.*$//s;
	return $text =~ /(\w+)\s*$/ ? $1 : '';
}

sub parameters
{
	my ($list) = @_;

	return () if $list =~ /^\s*(void)?\s*$/;
	return map { declared_name($_) } split_top($list, ',');
}

# Members, with those of nested structures without a name; private ones not.
sub members
{
	my ($body) = @_;
	my @names;

	$body =~ s{/\*\s*private:.*?(/\*\s*public:.*?\*/|\z)}{}gs;
	$body = blank_comments($body);
	$body =~ s/^\s*#[^\n]*//gm;
	for my $member (split_top($body, ';')) {
		if ($member =~ /^(?:__extension__\s+)?(struct|union)\b[^{;]*\{/) {
			my $inner = balanced($member, index($member, '{'));
			my ($rest) = $member =~ /\}([^}]*)$/;

			$rest =~ s/__attribute__.*//s;
			push @names, $1 if $rest =~ /(\w+)/;
			push @names, members($inner);
			next;
		}
		my ($first, @others) = split_top($member, ',');
		push @names, declared_name($first),
			map { declared_name($_) } @others;
	}
	return @names;
}

sub constants
{
	my ($body) = @_;

	$body =~ s{/\*\s*private:.*?(/\*\s*public:.*?\*/|\z)}{}gs;
	return map { /^(\w+)/ ? $1 : () }
		split_top(blank_comments($body), ',');
}

# Attributes that are not part of what a reader must know.
sub plain_type
{
	my ($type) = @_;

	$type =~ s/__attribute__\s*\(\(.*?\)\)//gs;
	$type =~ s/\b(GMB_[A-Z_]+(\([^)]*\))?|extern|static|inline)\s*//g;
	$type =~ s/\b(__always_inline|__must_check|__init|__exit|__poll_t\b)\s*/
		$1 eq '__poll_t' ? '__poll_t ' : ''/gex;
	$type =~ s/\s+/ /g;
	$type =~ s/^\s+|\s+$//g;
	return $type;
}

sub read_aggregate
{
	my ($item, $kind, $after) = @_;

	unless ($after =~ /^\s*(?:typedef\s+)?$kind\s+([\w\s]*?)\s*([{;])/) {
		$item->{error} = "$item->{name}: no $kind follows the comment";
		return;
	}
	my ($words, $end, $open) = ($1, $2, $+[2] - 1);
	my ($name) = $words =~ /(\w+)$/;
	my $body = $end eq '{' ? balanced($after, $open) : '';

	$item->{declared} = $name // '';
	$item->{opaque} = $end eq ';';
	$item->{source} = $body;
	return unless defined $body;
	$item->{members} = $kind eq 'enum' ? [constants($body)]
		: [members($body)];
	while ($body =~ m{/\*\*\s*\@([\w.]+):\s*(.*?)\s*\*/}gs) {
		my ($member, $text) = ($1, $2);

		$text =~ s/\n\s*\*\s?/\n/g;
		push @{ $item->{order} }, $member;
		$item->{text}{$member} = $text;
	}
}

sub read_define
{
	my ($item, $after) = @_;

	$after =~ /^\s*#\s*define\s+(\w+)(\(([^)]*)\))?/;
	$item->{declared} = $1;
	$item->{kind} = defined $2 ? 'macro' : 'constant';
	$item->{members} = [defined $2 ? split_top($3, ',') : ()];
	s/^(\w+)\.\.\.$/$1/ for @{ $item->{members} };
}

sub read_function
{
	my ($item, $after) = @_;
	my $code = blank_comments($after);

	unless ($code =~ /^([^;{}()]*(?:\(\([^()]*(?:\([^()]*\))?[^()]*\)\)
			[^;{}()]*)*?)\b(\w+)\s*\(/sx) {
		$item->{error} = "$item->{name}: no declaration follows";
		return;
	}
	my ($type, $name, $at) = ($1, $2, $+[0] - 1);

	# An attribute macro with arguments looks like a function: step over it.
	if ($name =~ /^(GMB_[A-Z_]+|__\w+)$/ && $name ne $item->{name}) {
		my $skip = balanced($code, $at) // '';

		return read_function($item,
			substr($code, $at + length($skip) + 2));
	}
	my $list = balanced($code, $at) // '';

	$list =~ s/\s+/ /g;
	$item->{declared} = $name;
	$item->{type} = plain_type($type);
	$item->{proto} = [split_top($list, ',')];
	$item->{members} = [parameters($list)];
}

sub read_declaration
{
	my ($item, $after) = @_;

	if ($item->{kind} =~ /^(struct|union|enum)$/) {
		read_aggregate($item, $1, $after);
	} elsif ($item->{kind} eq 'typedef') {
		my ($decl) = $after =~ /^\s*(typedef\b[^;]*;)/;

		$item->{source} = $decl // '';
		$item->{declared} = $item->{source} =~ /\(\s*\*?\s*(\w+)\s*\)\s*\(/
			? $1 : $item->{source} =~ /(\w+)\s*(?:\([^;]*\))?\s*;$/
			? $1 : '';
	} elsif ($after =~ /^\s*#\s*define\b/) {
		read_define($item, $after);
	} else {
		read_function($item, $after);
	}
}

sub trim
{
	my ($text) = @_;

	$text =~ s/^\s*\n|\s+$//g;
	return $text;
}

# Sort the lines of a comment, without their stars, into the item.
sub read_comment
{
	my ($item, @lines) = @_;
	my ($to, $head) = (\$item->{brief}, 1);
	my $hanging = 0;

	for my $line (@lines) {
		# The following lines of a section may hang under its first.
		$line =~ s/^\s+// if $hanging;
		$hanging = 0 if $line eq '';
		if ($line =~ /^\@([\w.]+|\.\.\.):\s*(.*)$/) {
			push @{ $item->{order} }, $1;
			$item->{text}{$1} = "$2\n";
			($to, $head) = (\$item->{text}{$1}, 1);
			$hanging = 0;
		} elsif ($line =~ /^($SECTIONS):(?:\s+(.*))?$/o) {
			my ($name, $text) = ($1, $2 // '');

			$name = 'Return' if $name eq 'Returns';
			$item->{section}{Source} = $1
				if $text =~ s/\s+Source:\s*(.*)//;
			$item->{section}{$name} = "$text\n";
			($to, $head) = (\$item->{section}{$name}, 0);
			$hanging = $text ne '';
		} elsif ($line eq '' && $head) {
			($to, $head) = (\$item->{body}, 0);
		} else {
			$$to .= "$line\n";
		}
	}
	$item->{brief} =~ s/\s+/ /g;
	$item->{$_} = trim($item->{$_}) for qw(brief body);
	$_ = trim($_) for values %{ $item->{text} },
		values %{ $item->{section} };
}

sub read_item
{
	my ($file, $line, $comment, $after) = @_;
	my %item = (file => $file, line => $line, brief => '', body => '',
		order => [], text => {}, section => {}, members => [],
		declared => '', type => '', proto => []);
	my @lines = split /\n/, $comment;

	s/^\s*\*( |$)|^\s*\*(?=\t)//, s/\s+$// for @lines;
	shift @lines while @lines && $lines[0] eq '';
	my $first = shift @lines // '';

	if ($first =~ /^DOC:\s*(.*)/) {
		@item{qw(kind name brief)} = ('doc', $1, $1);
		$item{body} = join("\n", @lines);
		return \%item;
	}
	if ($first =~ /^(?:(struct|union|enum|typedef)\s+)?(\w+)
			(?:\([^)]*\))?\s+-\s*(.*)$/x) {
		$item{kind} = $1 // 'function';
		$item{name} = $2;
		read_comment(\%item, $3, @lines);
		read_declaration(\%item, $after);
	} else {
		$item{error} = "the comment must begin with 'name() - summary': " .
			"'$first'";
	}
	return \%item;
}

sub kdoc_parse
{
	my ($file) = @_;
	my $text = slurp($file);
	my @items;

	while ($text =~ m{^/\*\*\s*\n(.*?)\s*\*/}gms) {
		my $line = 1 + (substr($text, 0, $-[0]) =~ tr/\n//);

		push @items, read_item($file, $line, $1, substr($text, $+[0]));
	}
	return (\@items, $text);
}

# What a header offers. Names with two underscores after the prefix are not for
# users and need no page, but those that macros call are exported like others.
sub kdoc_offers
{
	my ($file, $text) = @_;
	my $code = blank_comments($text);
	my @offers;
	my $add = sub {
		my ($kind, $name, $at, $exported) = @_;

		return if $name =~ /^gmb__/i && !$exported;
		push @offers, { file => $file, kind => $kind, name => $name,
			line => 1 + (substr($code, 0, $at) =~ tr/\n//),
			exported => $exported };
	};

	$code =~ s/\\\n/ \n/g;
	while ($code =~ /^#\s*define\s+(gmb_\w+)\(/gm) {
		$add->('macro', $1, $-[0], 0);
	}
	while ($code =~ /^(struct|union)\s+(gmb_\w+)\s*\{/gm) {
		$add->($1, $2, $-[0], 0);
	}
	while ($code =~ /^enum\s+(gmb_\w+)\s*\{/gm) {
		$add->('enum', $1, $-[0], 0);
	}
	# Lines of macros do not count as code from here on.
	$code =~ s/^#[^\n]*//gm;
	while ($code =~ /^(GMB_API|static\s+(?:__)?inline)\b([^;{}=]*?)
			\b(gmb_\w+)\s*\(/gmx) {
		$add->('function', $3, $-[3], $1 eq 'GMB_API');
	}
	return @offers;
}

1;
