#!/usr/bin/perl
# traces.pl: replays the traces of $LESSONSTORE_TRACES on every backend, fenced and unfenced, and compares the state
# with X.truth.json at each instant in that file: which lessons are open, how many members each has, and who they are (a
# SHA-256). Memory replays each trace from the beginning to each instant, by --until. The others continue from one
# instant to the next.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Encode qw(encode_utf8);
use File::Temp qw(tempdir);
use JSON::PP;

my $lessonctl = $ENV{LESSONCTL} or die "no LESSONCTL\n";
my $directory = $ENV{LESSONSTORE_TRACES} // '';
my @truth_files = glob "\"$directory\"/*.truth.json";
unless ($directory && @truth_files) {
    print "skipped: there are no traces in \"$directory\" (LESSONSTORE_TRACES)\n";
    exit 77;
}
my $work = tempdir('lessonctl-traces.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $json = JSON::PP->new->utf8;
my ($stores, $instants, $lessons) = (0, 0, 0);

sub slurp {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}

sub spill {
    my ($path, $text) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
}

# Quotes a word for the shell of lessonctl.
sub word {
    my ($text) = @_;
    $text =~ s/'/'\\''/g;
    return encode_utf8("'$text'");
}

sub fresh_location {
    my ($backend) = @_;
    $stores++;
    return 'memory:' if $backend eq 'memory';
    return "sqlite:$work/$stores.db" if $backend eq 'sqlite';
    return "$ENV{LESSONSTORE_TEST_REDIS}?prefix=T$stores";
}

# Runs commands in one shell. Returns its answers, which are objects, in order.
sub run_shell {
    my ($location, $script) = @_;
    spill("$work/script", $script);
    my $pid = open my $answers, '-|', "'$lessonctl' --store '$location' --json shell <'$work/script'" or die "$!\n";
    my @answers = map { $json->decode($_) } <$answers>;
    close $answers or die "lessonctl ended with " . ($? >> 8) . "\n";
    return @answers;
}

# The commands that show the state, and the state in their answers.
sub questions {
    my ($rooms) = @_;
    return join '', "lessons\n", map { 'members ' . word($_) . "\ncount " . word($_) . "\n" } sort keys %$rooms;
}

sub take_state {
    my ($answers) = @_;
    my (%state, %members, @uids);
    while (@$answers && !exists $answers->[0]{events}) {
        my $answer = shift @$answers;
        if (exists $answer->{uid}) {
            push @uids, $answer->{uid};
        } elsif (exists $answer->{code}) {
            my $text = join '', map { encode_utf8($_) . "\n" } sort @uids;
            $members{$answer->{lesson_id}} = {count => $answer->{count}, listed => scalar @uids, sha256 => sha256_hex($text)};
            @uids = ();
        } else {
            $state{$answer->{lesson_id}} = $answer->{count};
        }
    }
    return (\%state, \%members);
}

sub compare {
    my ($where, $truth, $state, $members) = @_;
    my $rooms = $truth->{room};
    $instants++;
    for my $room (sort keys %$rooms) {
        $lessons++;
        my ($true, $listed, $counted) = ($rooms->{$room}, $members->{$room}, $state->{$room} // 'none');
        my $name = encode_utf8($room);
        die "$where: $name: $counted in lessons, not $true->{count}\n" if $counted ne $true->{count};
        die "$where: $name: count says $listed->{count}, not $true->{count}\n" if $listed->{count} != $true->{count};
        die "$where: $name: $listed->{listed} members are listed, not $true->{count}\n" if $listed->{listed} != $true->{count};
        die "$where: $name: the members are others\n" if $listed->{sha256} ne $true->{sha256};
    }
    for my $room (sort keys %$state) {
        die "$where: " . encode_utf8($room) . " is open and should not be\n" unless $rooms->{$room};
    }
}

# The lines of the trace after one instant and up to the next.
sub write_slices {
    my ($trace, @ends) = @_;
    my @lines = split /^/m, slurp($trace);
    my @slices;
    for my $end (@ends) {
        my $slice = '';
        $slice .= shift @lines while @lines && $lines[0] =~ /^(\d+)/ && $1 <= $end;
        push @slices, "$work/slice." . @slices;
        spill($slices[-1], $slice);
    }
    return @slices;
}

sub check_events {
    my ($where, $truth, $events) = @_;
    die "$where: $events events, not $truth->{events_applied}\n" if $events != $truth->{events_applied};
}

sub check_at_once {
    my ($where, $trace, $option, @truths) = @_;
    for my $truth (@truths) {
        my @answers = run_shell(fresh_location('memory'),
            "replay " . word($trace) . " --until $truth->{at} $option\n" . questions($truth->{room}));
        check_events("$where at $truth->{at}", $truth, (shift @answers)->{events});
        compare("$where at $truth->{at}", $truth, take_state(\@answers));
    }
}

sub check_step_by_step {
    my ($where, $backend, $trace, $option, @truths) = @_;
    my @slices = write_slices($trace, map { $_->{at} } @truths);
    my $script = '';
    $script .= "replay " . word($slices[$_]) . " $option\n" . questions($truths[$_]{room}) for 0 .. $#truths;
    my @answers = run_shell(fresh_location($backend), $script);
    my $events = 0;
    for my $truth (@truths) {
        $events += (shift @answers)->{events};
        check_events("$where at $truth->{at}", $truth, $events);
        compare("$where at $truth->{at}", $truth, take_state(\@answers));
    }
}

for my $truth_file (@truth_files) {
    (my $trace = $truth_file) =~ s/\.truth\.json$/.tsv/;
    (my $name = $trace) =~ s{.*/}{};
    my $truth = $json->decode(slurp($truth_file));
    for my $policy (['quit_same', ''], ['quit_any', '--unfenced']) {
        my @truths = @{$truth->{$policy->[0]}{instants}};
        for my $backend (split ' ', $ENV{BACKENDS}) {
            my $where = "$name on $backend, $policy->[0]";
            check_at_once($where, $trace, $policy->[1], @truths) if $backend eq 'memory';
            check_step_by_step($where, $backend, $trace, $policy->[1], @truths) if $backend ne 'memory';
        }
    }
}
die "nothing was compared\n" unless $instants && $lessons;
print "$instants instants, $lessons lessons in them, on $ENV{BACKENDS}\n";
