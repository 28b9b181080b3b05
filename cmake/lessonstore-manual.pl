#!/usr/bin/perl
# lessonstore-manual.pl SOURCE NAME SECTION SUMMARY PAGES < PAGE: makes the source of a man page, for scdoc, of a page of
# the docs or of a public header. SOURCE is its path in the project. PAGES are the man pages, as "PATH=NAME(SECTION),...".
# lessonstore-manual.pl SOURCE FUNCTION 3 HEADER-PAGE PAGES < PAGE: the same for one function of a header.
# lessonstore-manual.pl tidy < MADE: leaves out the paragraphs without text that scdoc has put into a man page.
#
# Only the form changes: a table becomes a list of terms, a link to a page that is a man page too becomes its name, and a
# comment of a header stands behind what it describes.
use strict;
use warnings;

my ($source, $name, $section, $summary, $pages) = @ARGV;
my %page_of = map { /^(.*)=(.*)$/ ? ($1 => $2) : () } split /,/, $pages // "";

# Escapes what scdoc takes for markup.
sub plain {
    my ($text) = @_;
    $text =~ s/([\\*_~])/\\$1/g;
    $text =~ s/^([#.;\-\x60\[\]|!<>=']|\t)/\\$1/;
    return $text;
}

sub bold {
    my ($text) = @_;
    return $text =~ /\S/ ? '*' . plain($text) . '*' : plain($text);
}

# The path in the project that a link of this page leads to.
sub target_of {
    my ($link) = @_;
    $link =~ s/#.*//;
    return $source if $link eq '';
    (my $path = $source) =~ s{[^/]*$}{};
    $path .= $link;
    1 while $path =~ s{[^/]+/\.\./}{};
    return $path;
}

sub link_to {
    my ($text, $link) = @_;
    return $text . ' (' . plain($link) . ')' if $link =~ m{^https?://};
    my $target = target_of($link);
    return $text if $target eq $source;
    my $page = $page_of{$target};
    return $text . ' (' . plain($target) . ')' unless $page;
    $page =~ /^(.*)(\(.*)/;
    return "$text (*" . plain($1) . "*$2)";
}

sub inline {
    my ($text) = @_;
    my $out = '';
    while ($text =~ /\G(?:(`+)(.+?)\1|!\[[^\]]*\]\([^)]*\)|\[((?:[^\]`]|`[^`]*`)+)\]\(([^)]+)\)|\*\*(.+?)\*\*|\*(\S(?:.*?\S)?)\*|([^`!\[*]+|.))/gs) {
        if    (defined $2) { $out .= bold($2) }
        elsif (defined $3) { my ($words, $link) = ($3, $4); $out .= link_to(inline($words), $link) }
        elsif (defined $5) { $out .= bold($5 =~ s/`//gr) }
        elsif (defined $6) { $out .= '_' . plain($6) . '_' }
        elsif (defined $7) { my $piece = $7; $out .= $out eq '' ? plain($piece) : substr(plain("x$piece"), 1) }
    }
    return $out;
}

sub literal {
    my ($text) = @_;
    $text =~ s/\t/        /g;
    $text =~ s/\\/\\\\/g;
    return "```\n$text```\n\n";
}

# ---- A page of the docs

sub cells {
    my ($row) = @_;
    $row =~ s/^\|\s*|\s*\|\s*$//g;
    return map { s/\\\|/|/gr } split /\s*(?<!\\)\|\s*/, $row, -1;
}

# A row becomes a term with what is said about it. What the later columns mean is said by their heads.
sub table {
    my ($head, undef, @rows) = @_;
    my @heads = cells($head);
    my $out = '';
    for my $row (@rows) {
        my @cells = cells($row);
        my @said = map { $_ < @heads && $heads[$_] !~ /^(?:what it does|meaning|)$/ ? "$heads[$_]: $cells[$_]" : $cells[$_] }
            grep { $cells[$_] =~ /\S/ } 1 .. $#cells;
        $out .= inline($cells[0] =~ /\S/ ? $cells[0] : '-') . "\n";
        $out .= "\t" . join("++\n", map { inline($_) } @said) . "\n" if @said;
        $out .= "\n";
    }
    return $out;
}

sub heading {
    my ($level, $text) = @_;
    $text =~ s/`//g;
    return $level == 2 ? '# ' . uc($text) . "\n\n" : "## $text\n\n";
}

# A list item goes on in the lines that are indented.
sub list_item {
    my ($marker, $text) = @_;
    return $marker . ' ' . inline($text =~ s/\s*\n\s*/ /gr) . "\n";
}

sub page {
    my (@lines) = @_;
    my ($synopsis, @out) = ('');
    shift @lines while @lines && $lines[0] !~ /^# /;
    shift @lines;
    while (@lines) {
        my $line = shift @lines;
        if ($line =~ /^(?:```|    \S)/) {
            my $text = $line =~ /^```/ ? '' : "$line\n";
            if ($text) {
                $text .= shift(@lines) . "\n" while @lines && $lines[0] =~ /^    /;
                $text =~ s/^    //mg;
            } else {
                while (@lines && (my $next = shift @lines) !~ /^```/) { $text .= "$next\n" }
            }
            # What begins a page is its synopsis.
            if (!grep { /^#/ } @out and $synopsis eq '') { $synopsis = literal($text) }
            else { push @out, literal($text) }
        } elsif ($line =~ /^\|/) {
            my @rows = ($line);
            push @rows, shift @lines while @lines && $lines[0] =~ /^\|/;
            push @out, table(@rows);
        } elsif ($line =~ /^(#+) (.*)/) {
            push @out, heading(length $1, $2);
        } elsif ($line =~ /^(?:(-)|\d+\.) (.*)/) {
            my ($marker, $text) = ($1 ? '-' : '.', $2);
            $text .= "\n" . shift @lines while @lines && $lines[0] =~ /^ +\S/;
            push @out, list_item($marker, $text);
            push @out, "\n" if !@lines || $lines[0] !~ /^(?:-|\d+\.) /;
        } elsif ($line =~ /^(?:<!--.*-->|\s*)$/) {
            next;
        } else {
            $line .= "\n" . shift @lines while @lines && $lines[0] =~ /\S/ && $lines[0] !~ /^(?:\||```|#|- |\d+\. )/;
            push @out, join("\n", map { s/^(?=[#.;\-])/\\/r } split /\n/, inline($line)) . "\n\n";
        }
    }
    return ($synopsis ? "# SYNOPSIS\n\n$synopsis" : '') . "# DESCRIPTION\n\n" . join('', @out);
}

# ---- A header

# A page of the docs that is a man page too, such as docs/errors.md, becomes its name.
sub with_pages {
    my ($line) = @_;
    my $out = '';
    for my $piece (split m{((?:docs|backends)/[a-z/-]+(?:README)?\.md)}, $line) {
        my $page = $page_of{$piece} // '';
        $out .= $page =~ /^(.*)(\(.*)/ ? '*' . plain($1) . "*$2" : inline($piece);
    }
    return $out;
}

# A paragraph of terms, each "term: what is said of it" with its further lines indented, becomes a paragraph for each.
sub with_terms {
    my ($paragraph) = @_;
    return $paragraph if $paragraph !~ /^\S[^\n]*[^:\n]\n +\S/;
    $paragraph =~ s/\n +(?=\S)/ /g;
    $paragraph =~ s/\n(?=[`*]*\w+`?(?: \([^)]*\))?:)/\n\n/g;
    return $paragraph;
}

# A comment without its frame. Lines that are indented further than their paragraph keep their form.
sub comment {
    my ($text) = @_;
    $text =~ s{^/\*[ \t]*\n?}{};
    $text =~ s{\s*\*/\s*$}{\n};
    $text =~ s{^[ \t]*\* ?}{}mg;
    my $out = '';
    for my $paragraph (map { split /\n\n/, with_terms($_) } split /\n[ \t]*\n/, $text) {
        my ($kind, $piece) = ('', '');
        for my $line (split /\n/, $paragraph) {
            my $now = $line =~ /^ / ? 'literal' : 'text';
            if ($now ne $kind && $piece ne '') {
                $out .= $kind eq 'literal' ? literal($piece) : "$piece\n";
                $piece = '';
            }
            $kind = $now;
            $piece .= $kind eq 'literal' ? "$line\n" : with_pages($line) . "\n";
        }
        $out .= $kind eq 'literal' ? literal($piece) : "$piece\n" if $piece ne '';
    }
    return $out;
}

sub title_of {
    my ($code) = @_;
    my @functions = $code =~ /\b(lesson_store_[a-z_0-9]+)\((?!\))/g;
    return join ', ', map { "$_()" } grep { $code =~ /^LESSON_STORE_API[^;]*\b$_\(/m } @functions
        if $code =~ /^LESSON_STORE_API/m;
    return "$1()" if $code =~ /^static inline[^(]*\b(lesson_store_[a-z_0-9]+)\(/m;
    return $1 if $code =~ /^\} (\w+);/m || $code =~ /^typedef struct (\w+) \w+;/m;
    return '';
}

sub declaration {
    my ($code) = @_;
    $code =~ s/^(?:LESSON_STORE_API| {17})(?: |(?=\S))//mg if $code =~ /^LESSON_STORE_API/m;
    return literal($code);
}

# The heading, the comment and the code of a block.
sub parts {
    my ($text) = @_;
    my $said = $text =~ s{\A(/\*.*?\*/)[ \t]*\n}{}s ? $1 : '';
    my $heading = $said =~ s{^/\* -{8,} ([^*\n]*?)[ \t]*(?=\n|\*/)}{/*} ? $1 : '';
    return ($heading, comment($said), $text);
}

sub block {
    my ($text) = @_;
    return '' if $text =~ /^#(?:if|include|endif|else)|^extern "C"|^#define LESSONSTORE_\w+_H|^}\s*$/;
    (my $heading, my $said, $text) = parts($text);
    my $out = $heading ? '# ' . uc($heading) . "\n\n" : '';
    return $out . $said if $text !~ /\S/;
    my $title = title_of($text);
    $out .= '## ' . plain($title) . "\n\n" if $title;
    return $out . declaration($text) . $said;
}

sub blocks {
    my (@lines) = @_;
    my ($depth, $in_comment, $text, @blocks) = (0, 0, '');
    for my $line (@lines, '') {
        if ($line !~ /\S/ && $depth == 0 && !$in_comment) {
            push @blocks, $text if $text ne '';
            $text = '';
            next;
        }
        $text .= "$line\n";
        (my $code = $line) =~ s{/\*.*?\*/|"[^"]*"}{}g;
        $in_comment = 1 if $code =~ m{/\*};
        $in_comment = 0 if $line =~ m{\*/\s*$};
        $depth += ($code =~ tr/{//) - ($code =~ tr/}//) unless $in_comment || $code =~ /^extern/ || $line =~ m{^ \*};
        $depth = 0 if $depth < 0;
    }
    return @blocks;
}

sub include_line {
    (my $path = $source) =~ s{^include/}{};
    return "#include <$path>\n\n";
}

sub header {
    my ($first, @blocks) = @_;
    $first =~ s{\*/.*}{*/}s;
    return "# SYNOPSIS\n\n" . literal(include_line() . "cc program.c \$(pkg-config --cflags --libs lessonstore)\n") .
        "# DESCRIPTION\n\n" . comment($first) . "# DECLARATIONS\n\n" . join('', map { block($_) } @blocks);
}

# The page of a function: its declaration and its comment, or, if it stands behind others of its kind, theirs.
sub function {
    my ($function, @blocks) = @_;
    my $said = '';
    for my $text (@blocks) {
        my (undef, $comment, $code) = parts($text);
        $said = $comment if $comment ne '';
        next unless $code =~ /^LESSON_STORE_API[^;]*\b$function\(/m;
        (my $prototypes = $code) =~ s/^(?!LESSON_STORE_API| {17}).*\n//mg;
        return ($said, "# SYNOPSIS\n\n" . declaration(include_line() . $prototypes) . "# DESCRIPTION\n\n$said");
    }
    die "lessonstore-manual: $source has no $function\n";
}

# What a comment begins with, for the first line of the page.
sub first_sentence {
    my ($said) = @_;
    $said =~ s/^\s+|(?<!\\)[*_]//g;
    return $said =~ /^([^.:;(\n]+(?:\n[^.:;(\n]+)*)/ ? $1 =~ s/\s+/ /gr =~ s/ $//r : '';
}

sub tidy {
    my ($text) = @_;
    1 while $text =~ s/^\.P\n\.RE\n/.RE\n.P\n/mg;
    $text =~ s/^(?:\.P\n)+/.P\n/mg;
    $text =~ s/^\.P\n(?=\.S[HS] )//mg;
    $text =~ s/^(\.S[HS] .*\n)\.P\n/$1/mg;
    return $text;
}

if ($source eq 'tidy') {
    print tidy(join '', <STDIN>);
    exit 0;
}
my @lines = map { chomp; s/\r$//r } <STDIN>;
my $body;
my @others = sort grep { $_ ne "$name($section)" } values %page_of;
if ($name =~ /^lesson_store_/) {
    my $header_page = $summary;
    (my $said, $body) = function($name, blocks(@lines));
    $summary = first_sentence($said);
    $body .= "# NOTES\n\nThe words, and what holds for all calls, are described in *$header_page*(3).\n\n";
    @others = ("$header_page(3)", grep { /^lessonstore-errors/ } @others);
} else {
    $body = $source =~ /\.h$/ ? header(blocks(@lines)) : page(@lines);
}
print "$name($section) \"lessonstore\" \"lessonstore\"\n\n# NAME\n\n", plain($name), ' - ', $name =~ /^lesson_store_/ ? $summary : plain($summary), "\n\n", $body,
    "# SEE ALSO\n\n", join(",\n", map { /^(.*)(\(.*)/; '*' . plain($1) . "*$2" } @others), "\n";
