#!/usr/bin/perl
# check_docs.pl SOURCE FACTS WORK: checks every Markdown file of the project.
#
# The language of a fenced block says what is done with it, if needed together with a comment on the line before it:
#   ```c         a whole program is compiled, linked and run; a part needs <!-- from FILE -->
#   ```console   lines that begin with "$ " run in order, in one shell and one directory for each document; the other
#                lines are exactly what they print, where "..." stands for any lines; build/release stands for the
#                tested build, and localhost:6379 for a private server
#   ```python    is run with the installed package, if that is built
#   ```text      shown only: a grammar, a picture
#   any other    needs one of the comments
#   <!-- from FILE -->      that file contains the block, to the letter
#   <!-- file NAME -->      the block is written to this file in the document's directory
#   <!-- run by FILE... --> one of these files, which the tests or CI run, contains each command
use strict;
use warnings;

my ($source, $facts, $work) = @ARGV;
my $redis = $ENV{LESSONSTORE_TEST_REDIS_TCP} or die "no Redis server\n";
my ($blocks, $commands, $links, @problems) = (0, 0, 0);

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return undef;
    local $/;
    return scalar <$file>;
}

sub problem {
    my ($where, $what) = @_;
    push @problems, "$where: $what";
}

sub fold_space {
    my ($text) = @_;
    $text =~ s/^\s+|\s+$//mg;
    return $text;
}

sub check_origin {
    my ($where, $file, $text) = @_;
    my $origin = slurp("$source/$file");
    return problem($where, "there is no $file") unless defined $origin;
    problem($where, "this block does not stand in $file") if index(fold_space($origin), fold_space($text)) < 0;
}

sub check_run_by {
    my ($where, $files, $text) = @_;
    my $runners = join "\n", map { slurp("$source/$_") // "" } split / /, $files;
    for my $command (map { /^\$ (.*)/ ? $1 : () } split /\n/, $text) {
        $commands++;
        problem($where, "$files: none runs \"$command\"") if index($runners, $command) < 0;
    }
}

sub run_program {
    my ($where, $directory, $text) = @_;
    open my $file, '>', "$directory/block.c" or die;
    print $file $text;
    close $file;
    my $output = `cd '$directory' && $ENV{CC} -std=c11 -Wall -Wextra -Werror block.c -o block \$(pkg-config --cflags --libs lessonstore) 2>&1 && ./block 2>&1`;
    problem($where, "this program fails:\n$output") if $?;
    $commands++;
}

# Without the package, Python is only shown.
sub run_python {
    my ($where, $directory, $text) = @_;
    return unless $ENV{PYTHON};
    $text =~ s{redis://localhost:6379}{$redis}g;
    open my $file, '>', "$directory/block.py" or die;
    print $file $text;
    close $file;
    my $output = `cd '$directory' && '$ENV{PYTHON}' -B -X dev -W error block.py 2>&1`;
    problem($where, "this program fails:\n$output") if $?;
    $commands++;
}

# Compares a command's output with the block, in which "..." stands for any lines.
sub matches {
    my ($expected, $actual) = @_;
    my $pattern = join '', map { $_ eq '...' ? "(?:.*\n)*?" : quotemeta($_) . "\n" } split /\n/, $expected;
    return $actual =~ /\A$pattern\z/;
}

# Runs all commands of a block in one shell, which keeps its variables for the next block of the document.
sub run_console {
    my ($where, $directory, $text) = @_;
    my ($command, $expected) = (undef, '');
    my $finish = sub {
        return unless defined $command;
        $commands++;
        (my $real = $command) =~ s{redis://localhost:6379}{$redis}g;
        $real =~ s{\bbuild/release\b}{$ENV{BUILD}}g;
        open my $script, '>', "$directory/command.sh" or die;
        print $script "cd '$directory'\n[ -f .state ] && . ./.state\n$real\nstatus=\$?\nexport -p > .state\nexit \$status\n";
        close $script;
        my $actual = `bash '$directory/command.sh' 2>'$directory/.stderr'`;
        my $status = $? >> 8;
        my $said = slurp("$directory/.stderr") // '';
        $actual =~ s{\Q$redis\E}{redis://localhost:6379}g;
        problem($where, "\"$command\" exits with $status: $said") if $status > 1;
        problem($where, "\"$command\" prints:\n${actual}and not:\n$expected$said") unless matches($expected, $actual);
    };
    for my $line (split /\n/, $text) {
        if ($line =~ /^\$ (.*)/) {
            $finish->();
            ($command, $expected) = ($1, '');
        } else {
            $expected .= "$line\n";
        }
    }
    $finish->();
}

sub check_block {
    my ($where, $directory, $language, $directive, $text) = @_;
    $blocks++;
    return check_origin($where, $1, $text) if $directive =~ /^from (\S+)$/;
    return check_run_by($where, $1, $text) if $directive =~ /^run by (.+)$/;
    if ($directive =~ /^file (\S+)$/) {
        open my $file, '>', "$directory/$1" or die;
        print $file $text;
        return close $file;
    }
    return run_program($where, $directory, $text) if $language eq 'c' && $text =~ /\bmain\(/;
    return run_python($where, $directory, $text) if $language eq 'python';
    return run_console($where, $directory, $text) if $language eq 'console';
    problem($where, "nothing tests this block (language \"$language\")") unless $language eq 'text';
}

sub check_links {
    my ($document, $text) = @_;
    (my $prose = $text) =~ s/^```.*?^```//gms;
    my $directory = $document =~ m{(.*)/} ? "$1/" : '';
    while ($prose =~ /\]\(([^)#]+)(?:#[^)]*)?\)/g) {
        my $target = $1;
        next if $target =~ m{^https?://};
        $links++;
        problem($document, "the link to $target leads nowhere") unless -e "$source/$directory$target";
    }
}

sub check_document {
    my ($document) = @_;
    my $text = slurp("$source/$document") // die "no $document\n";
    (my $name = $document) =~ s{/}{_}g;
    my $directory = "$work/$name.d";
    mkdir $directory;
    local $ENV{LESSONSTORE_LOCATION} = 'sqlite:demo.db';
    system("redis-cli -u '$redis' flushall >'$directory/.flushed'") == 0 or die "no redis-cli\n";
    check_links($document, $text);
    my ($directive, $language, $block, $begin) = ('', undef, '', 0);
    my $number = 0;
    for my $line (split /\n/, $text) {
        $number++;
        if (defined $language) {
            if ($line =~ /^```\s*$/) {
                check_block("$document:$begin", $directory, $language, $directive, $block);
                ($language, $directive) = (undef, '');
            } else {
                $block .= "$line\n";
            }
        } elsif ($line =~ /^```(\w*)/) {
            ($language, $block, $begin) = ($1, '', $number);
        } elsif ($line =~ /^<!-- (.*) -->$/) {
            $directive = $1;
        } elsif ($line =~ /\S/) {
            $directive = '';
        }
    }
    problem($document, 'a block is not closed') if defined $language;
}

# Rows "| `name` | default | range | ..." under a heading, as name -> the rest.
sub table_under {
    my ($document, $heading) = @_;
    my $text = slurp("$source/$document") // return {};
    my ($section) = $text =~ /^#+ \Q$heading\E\n(.*?)(?=^#|\z)/ms or return {};
    my %rows;
    while ($section =~ /^\|\s*`([^`]+)`\s*\|(.*)\|\s*$/mg) {
        my ($name, $rest) = ($1, $2);
        $rows{$name} = [map { s/^\s+|\s+$//gr =~ s/`//gr } split /(?<!\\)\|/, $rest];
    }
    return \%rows;
}

sub check_facts {
    my (%options, %codes);
    for (split /\n/, slurp($facts)) {
        my ($kind, @fields) = split /\t/;
        if ($kind eq 'code') {
            $codes{$fields[0]} = $fields[1];
        } else {
            (my $backend = $fields[0]) =~ s/[|+].*//;
            $options{$backend}{$fields[1]} = [@fields[2, 3]];
        }
    }
    my $documented = table_under('docs/errors.md', 'The codes');
    for my $name (sort keys %codes) {
        my $row = $documented->{$name};
        problem('docs/errors.md', "the code $name is missing") unless $row;
        problem('docs/errors.md', "the code $name is $codes{$name}, not $row->[0]") if $row && $row->[0] ne $codes{$name};
    }
    problem('docs/errors.md', "there is no code $_") for grep { !exists $codes{$_} } sort keys %$documented;
    for my $backend (qw(memory sqlite redis fault)) {
        my $page = "backends/$backend/README.md";
        my $rows = table_under($page, 'Options');
        my $own = $options{$backend} // {};
        for my $name (sort keys %$own) {
            my ($default, $range) = @{$own->{$name}};
            my $row = $rows->{$name} or problem($page, "the option $name is missing"), next;
            (my $said = $row->[1]) =~ s/\\\|/|/g;
            problem($page, "the option $name has the default $default, not $row->[0]") if $row->[0] ne $default;
            problem($page, "the option $name takes $range, not $said") if $said ne $range;
        }
        problem($page, "there is no option $_") for grep { !exists $own->{$_} } sort keys %$rows;
    }
}

# The files that git tracks, or all files without git.
my @documents = sort map { s{^\Q$source\E/}{}r }
    grep { -f } glob("$source/*.md $source/docs/*.md $source/backends/*/README.md $source/examples/*/README.md $source/bench/*.md");
check_document($_) for @documents;
check_facts();
print "$_\n" for @problems;
printf "%d documents, %d blocks, %d commands and programs, %d links: %d problems\n", scalar @documents, $blocks, $commands,
    $links, scalar @problems;
exit(@problems ? 1 : 0);
