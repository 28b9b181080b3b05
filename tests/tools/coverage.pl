#!/usr/bin/perl
# ./run coverage: which lines and branches the tests ran, by gcovr's figures, and why the others did not run.
#
#     coverage.pl GCOVR.json UNCOVERED.tsv
#
# Fails if a directory that must be covered has less than 95 % of its lines covered, if more than a few lines are neither
# covered nor explained in UNCOVERED.tsv, or if an explanation names a line that does not exist. Some lines run only when
# two threads meet, which happens in most runs but not in all: a few lines without an explanation are reported and fail
# nothing, and neither does an explained line that was covered this time. The counts of a process that was killed, or
# ended by _exit, are lost. A line that runs nowhere else is then uncovered.
use strict;
use warnings;
use JSON::PP;

my $lowest_percent = 95;
my $most_unexplained = 8;
my $explained_directories = qr{^(core|backends/\w+)$};

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "coverage: $path: $!\n";
    local $/;
    return <$file>;
}

# A line is named by its file, its function and its text, so that the name survives changes elsewhere. Lines with the
# same name are explained one by one.
sub names_of_lines {
    my ($path) = @_;
    my ($function, @names) = ('-');
    for my $line (split /\n/, slurp($path)) {
        $function = $1 if $line =~ /^[a-z][^;=]*?(\w+)\(/;
        $function = '-' if $line =~ /^}/;
        $function = $1 if $line =~ /^#define (\w+)\(/;
        (my $text = $line) =~ s/^\s+|\s+$//g;
        push @names, "$path\t$function\t$text";
    }
    return @names;
}

sub percent {
    my ($covered, $all) = @_;
    return $all ? sprintf('%5.1f %%', int(1000 * $covered / $all) / 10) : '    - ';
}

sub show {
    my ($name, $of) = @_;
    printf "%-34s %5d %5d  %s   %5d %5d  %s\n", $name, @$of{qw(lines covered)}, percent(@$of{qw(covered lines)}),
        @$of{qw(branches taken)}, percent(@$of{qw(taken branches)});
}

my ($json_path, $explanations_path) = @ARGV;
my (%meaning, %explained, %explained_by_kind, $failed);
for (split /\n/, slurp($explanations_path)) {
    next if /^#/ || /^\s*$/;
    my ($first, @rest) = split /\t/, $_, 4;
    if ($first eq 'kind') {
        $meaning{$rest[0]} = $rest[1];
        next;
    }
    my ($function, $kind, $text) = @rest;
    die "coverage: $explanations_path: this has not four columns: $_\n" unless defined $text;
    die "coverage: $explanations_path: there is no kind \"$kind\": $_\n" unless $meaning{$kind};
    push @{$explained{"$first\t$function\t$text"}}, $kind;
}

my (%files, %directories, %uncovered, %known);
for my $file (@{decode_json(slurp($json_path))->{files}}) {
    my $path = $file->{file};
    my @names = names_of_lines($path);
    (my $directory = $path) =~ s{/[^/]*$}{};
    $known{$_}++ for @names;
    for my $line (grep { !$_->{'gcovr/noncode'} } @{$file->{lines}}) {
        my @branches = @{$line->{branches} || []};
        for ($files{$path} //= {}, $directories{$directory} //= {}, $directories{total} //= {}) {
            $_->{lines}++;
            $_->{covered} += $line->{count} > 0;
            $_->{branches} += @branches;
            $_->{taken} += grep { $_->{count} > 0 } @branches;
        }
        next if $line->{count} > 0 || $directory !~ $explained_directories;
        my $name = $names[$line->{line_number} - 1];
        my $kind = shift @{$explained{$name} || []};
        if (defined $kind) {
            $explained_by_kind{$kind}++;
            next;
        }
        push @{$uncovered{$path}}, "$line->{line_number}: $name";
    }
}

printf "%-34s %s\n", '', 'lines   run           branches taken';
show($_, $files{$_}) for sort keys %files;
print "\n";
show($_, $directories{$_}) for sort grep { $_ ne 'total' } keys %directories;
show('total', $directories{total});

print "\nNot run, by kind:\n";
printf "%5d  %-10s %s\n", $explained_by_kind{$_} // 0, $_, $meaning{$_} for sort keys %meaning;

for my $directory (grep { $_ =~ $explained_directories } sort keys %directories) {
    my $of = $directories{$directory};
    next if 100 * $of->{covered} >= $lowest_percent * $of->{lines};
    print "\n$directory: fewer than $lowest_percent % of the lines were run\n";
    $failed = 1;
}
my @unexplained = map { @{$uncovered{$_}} } sort keys %uncovered;
if (@unexplained) {
    my $is_too_many = @unexplained > $most_unexplained;
    print "\nNot run, and not explained", $is_too_many ? '' : " (up to $most_unexplained may be chance)", ":\n";
    print "  $_\n" for @unexplained;
    $failed++ if $is_too_many;
}
for my $name (sort grep { @{$explained{$_}} } keys %explained) {
    my $is_there = $known{$name};
    print $is_there ? 'run this time, though explained' : 'explained, but not there', ": $name\n";
    $failed++ unless $is_there;
}
exit($failed ? 1 : 0);
