# classroom.pl LOCATION CLASSROOM LESSONCTL DIRECTORY ROUNDS: the clients of classroom.sh, and the workers they are of.
use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;
use POSIX ':sys_wait_h';
use Time::HiRes qw(sleep time);

use constant {LEASE_MS => 2500, WAIT_S => 60};

my ($location, $classroom, $lessonctl, $directory, $rounds) = @ARGV;
my (%workers, %read);

# Workers end also when the test fails.
END {
    my $status = $?;
    kill 'KILL', values %workers;
    waitpid $_, 0 for values %workers;
    $? = $status;
}
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);
$SIG{PIPE} = 'IGNORE';

sub fail {
    die "classroom.pl: @_\n";
}

sub ctl {
    local $ENV{LESSONSTORE_LOCATION} = $location;
    system($lessonctl, @_) == 0 or fail("lessonctl @_");
}

sub wait_until {
    my ($what, $holds) = @_;
    my $end = time + WAIT_S;
    until ($holds->()) {
        fail("waited in vain for $what") if time > $end;
        sleep 0.01;
    }
}

sub start {
    my ($name, $lease_ms) = @_;
    unlink "$directory/$name.sock";
    my $pid = fork // fail("fork: $!");
    if (!$pid) {
        exec $classroom, $location, "$directory/$name.sock", $name, $lease_ms // LEASE_MS or POSIX::_exit(99);
    }
    $workers{$name} = $pid;
    wait_until("the socket of $name", sub {
        fail("$name does not run") if waitpid($pid, WNOHANG) != 0;
        return defined IO::Socket::UNIX->new(Peer => "$directory/$name.sock");
    });
}

sub crash {
    my ($name) = @_;
    kill 'KILL', $workers{$name};
    waitpid delete $workers{$name}, 0;
}

sub end_in_order {
    my ($name) = @_;
    my $pid = $workers{$name};
    kill 'TERM', $pid;
    wait_until("the end of $name", sub { waitpid($pid, WNOHANG) == $pid });
    my $status = $?;
    delete $workers{$name};
    fail("$name ended with $status") if $status;
    fail("$name left its socket") if -e "$directory/$name.sock";
}

sub client {
    my ($name) = @_;
    my $client = IO::Socket::UNIX->new(Peer => "$directory/$name.sock") // fail("no connection to $name: $!");
    delete $read{$client};
    return $client;
}

sub line {
    my ($client) = @_; # undef: the server has closed the connection
    my $end = time + WAIT_S;
    $read{$client} //= '';
    while (index($read{$client}, "\n") < 0) {
        fail('no line came') unless IO::Select->new($client)->can_read($end - time);
        sysread($client, $read{$client}, 4096, length $read{$client}) or return undef;
    }
    my ($line, $rest) = split /\n/, $read{$client}, 2;
    $read{$client} = $rest;
    return $line;
}

sub send_line {
    my ($client, $text) = @_;
    syswrite($client, "$text\n") // fail("cannot write: $!");
}

sub ask {
    my ($client, $text) = @_;
    send_line($client, $text);
    return line($client) // fail("\"$text\" has no answer");
}

sub expect {
    my ($client, $expected) = @_;
    my $line = line($client) // '(the end)';
    fail("\"$line\" came instead of \"$expected\"") unless $line eq $expected;
}

sub answers {
    my ($client, $text, $expected) = @_;
    send_line($client, $text);
    expect($client, $expected);
}

sub enter {
    my ($client, $uid, $lesson, $old) = @_;
    my $answer = ask($client, "enter $uid maths $lesson" . ($old ? " $old" : ''));
    return $answer =~ /^in (\S+)$/ ? $1 : fail("$uid: $answer");
}

# The lines that come in any order.
sub expect_all {
    my ($client, @expected) = @_;
    my $lines = join "\n", sort map { line($client) // '(the end)' } @expected;
    my $wanted = join "\n", sort @expected;
    fail("these lines came:\n$lines\ninstead of:\n$wanted") unless $lines eq $wanted;
}

sub check_commands {
    my ($one, $two) = (client('a'), client('b'));
    answers($one, 'fly', 'failed no such command');
    answers($one, 'watch', 'failed usage: watch LESSON');
    answers($one, 'watch ' . 'x' x 300, ask($two, 'watch ' . 'x' x 300));
    answers($one, 'leave', 'nowhere');
    answers($one, 'who zoe', 'nowhere');
    answers($one, 'enter zoe maths nosuch', 'refused closed');
    send_line($one, 'x' x 5000);
    expect($one, 'failed the line is too long');
    fail('a line that is too long closes nothing') if defined line($one);
}

# A watcher at B sees what happens at A; there is room for three.
sub check_room {
    my ($watcher, @users) = (client('b'), map { client('a') } 1 .. 4);
    answers($watcher, 'watch algebra', 'watching algebra 0');
    for my $i (0 .. 2) {
        enter($users[$i], "user-$i", 'algebra');
        expect($watcher, "+ user-$i");
    }
    answers($users[3], 'enter user-3 maths algebra', 'refused full');
    answers($watcher, 'who user-1', 'at algebra maths');
    answers($users[0], 'leave', 'left');
    expect($watcher, '- user-0 call');
    enter($users[3], 'user-3', 'algebra');
    expect($watcher, '+ user-3');
    enter($users[3], 'user-3', 'history');
    expect($watcher, '- user-3 move');
    answers($watcher, 'watch algebra', 'watching algebra 2');
    expect($watcher, "= user-$_") for 1, 2;
    close $users[1];
    expect($watcher, '- user-1 call');
    close $users[2];
    expect($watcher, '- user-2 call');
}

sub check_resuming {
    my ($old, $new, $late, $watcher) = (client('a'), client('b'), client('a'), client('a'));
    my $first = enter($old, 'ann', 'algebra');
    my $second = enter($new, 'ann', 'algebra', $first);
    answers($late, "enter ann maths algebra $first", 'conflict');
    answers($watcher, 'watch algebra', 'watching algebra 1');
    expect($watcher, '= ann');
    answers($old, 'leave', 'conflict');
    close $old;
    answers($new, 'who ann', 'at algebra maths');
    answers($new, 'leave', 'left');
    expect($watcher, '- ann call');
}

# Worker A is killed with two users, of whom one comes back by B meanwhile. A starts again.
sub check_crash {
    my ($round) = @_;
    my ($watcher, $stays, $returns, $back) = (client('b'), client('a'), client('a'), client('b'));
    answers($watcher, 'watch physics', 'watching physics 0');
    enter($stays, "stays-$round", 'physics');
    my $session = enter($returns, "returns-$round", 'physics');
    expect_all($watcher, "+ stays-$round", "+ returns-$round");
    crash('a');
    enter($back, "returns-$round", 'physics', $round % 2 ? $session : undef);
    start('a');
    expect($watcher, "- stays-$round sweep");
    answers($watcher, "who stays-$round", 'nowhere');
    answers($watcher, "who returns-$round", 'at physics maths');
    answers($back, 'leave', 'left');
    expect($watcher, "- returns-$round call");
}

# The users of a worker that ends are out at once: its lease is longer than any wait.
sub check_end {
    end_in_order('b');
    start('b', 10 * 1000 * WAIT_S);
    my ($watcher, @users) = (client('a'), client('b'), client('b'));
    answers($watcher, 'watch physics', 'watching physics 0');
    enter($users[$_], "user-$_", 'physics') for 0, 1;
    expect_all($watcher, '+ user-0', '+ user-1');
    end_in_order('b');
    expect_all($watcher, '- user-0 sweep', '- user-1 sweep');
}

# Who was put out by a teacher does not come back, on no way.
sub check_kick {
    my ($watcher, $user, $other) = (client('b'), client('a'), client('b'));
    answers($watcher, 'watch physics', 'watching physics 0');
    my $session = enter($user, 'cid', 'physics');
    expect($watcher, '+ cid');
    ctl('kick', 'physics', 'cid', '--for', '1h');
    expect($watcher, '- cid kick');
    answers($user, 'enter cid maths physics', 'refused banned');
    answers($other, 'enter cid maths physics', 'refused banned');
    answers($other, "enter cid maths physics $session", 'conflict');
    answers($other, 'who cid', 'nowhere');
    ctl('unban', 'physics', 'cid');
    enter($other, 'cid', 'physics');
    expect($watcher, '+ cid');
    answers($other, 'leave', 'left');
}

# A worker that stopped for longer than its lease begins again as another owner, with the users it has: also in a lesson
# that was closed meanwhile, but not with those who were put out by a teacher.
sub check_pause {
    my ($watcher, $user, $moved, $other, $banned) = (client('b'), client('a'), client('a'), client('b'), client('a'));
    answers($watcher, 'watch physics', 'watching physics 0');
    enter($user, 'ann', 'physics');
    enter($moved, 'bob', 'physics');
    enter($banned, 'cid', 'physics');
    expect_all($watcher, '+ ann', '+ bob', '+ cid');
    ctl('set', 'physics', '--course-status', 'cantjoinin');
    ctl('kick', 'physics', 'cid', '--for', '1h');
    expect($watcher, '- cid kick');
    kill 'STOP', $workers{a};
    enter($other, 'bob', 'history');
    expect($watcher, '- bob move');
    expect($watcher, '- ann sweep');
    kill 'CONT', $workers{a};
    expect($moved, '! out elsewhere');
    expect($banned, '! out banned');
    expect($watcher, '+ ann');
    ctl('set', 'physics', '--course-status', 'online');
    answers($user, 'leave', 'left');
    answers($other, 'leave', 'left');
}

# Who does not read is closed when the messages that wait take a mebibyte, however short their texts are: these have less
# than half of that.
sub check_backlog {
    my $lines = 20_000;
    my ($client, $other) = (client('a'), client('b'));
    syswrite $client, "fly\n" x $lines; # fails if the worker has closed the connection
    my $read = 0;
    ++$read while $read < $lines and defined line($client);
    fail('a client that does not read is not closed') if $read == $lines;
    answers($other, 'who zoe', 'nowhere');
}

# Takes a line of a watcher. The worker may list again, if the import was more than the feed keeps.
sub follow {
    my ($client, $there) = @_;
    my $line = line($client) // fail('a watcher that reads was closed');
    $there->{$1} = 1 if $line =~ /^[=+] (\S+)/;
    delete $there->{$1} if $line =~ /^- (\S+)/;
    %$there = () if $line eq 'watching hall 0';
}

# Who reads is not closed, however many users leave at once. (Redis ends so large a lesson in steps. Each user is an event
# then, and the watcher does not read while lessonctl runs.)
sub check_large_end {
    my $users = 6000;
    my $watcher = client('a');
    open my $import, '>', "$directory/hall.jsonl" or fail("hall.jsonl: $!");
    print $import qq({"type":"lesson","lesson_id":"hall"}\n);
    print $import qq({"type":"user","uid":"user-$_","course_id":"maths","lesson_id":"hall"}\n) for 1 .. $users;
    close $import or fail("hall.jsonl: $!");
    ctl('import', "$directory/hall.jsonl", '--merge');
    send_line($watcher, 'watch hall');
    my %there;
    follow($watcher, \%there) until keys %there == $users;
    ctl('end', 'hall');
    follow($watcher, \%there) while %there;
}

# A worker that was away for more events than are kept lists again.
sub check_gap {
    my ($watcher, $user) = (client('a'), client('b'));
    answers($watcher, 'watch physics', 'watching physics 0');
    kill 'STOP', $workers{a};
    for (1 .. 500) {
        enter($user, 'ann', 'physics');
        answers($user, 'leave', 'left');
    }
    enter($user, 'ann', 'physics');
    kill 'CONT', $workers{a};
    1 until (line($watcher) // fail('A closed the watcher')) eq '! listed again'; # an event may have been under way
    expect($watcher, 'watching physics 1');
    expect($watcher, '= ann');
    answers($user, 'leave', 'left');
    expect($watcher, '- ann call');
}

ctl('create', $_, @{{algebra => ['--capacity', 3]}->{$_} // []}) for qw(algebra history physics);
start($_) for qw(a b);
check_commands();
check_room();
check_resuming();
check_crash($_) for 1 .. $rounds;
check_kick();
check_pause();
check_gap();
check_backlog();
check_large_end() if $location =~ /^sqlite:/;
check_end();
end_in_order('a');
print "$rounds workers were killed, and nobody stayed behind\n";
