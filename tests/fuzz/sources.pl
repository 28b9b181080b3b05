#!/usr/bin/env perl
# No command, SQL or format is built from data: searches the given sources for code that could. The rest of the proof is
# at run time: the target sqlite_rows sees every SQL text that SQLite gets.
use strict;
use warnings;

# Functions that run a text, or make a command or SQL from it.
my @never = qw(system popen execl execlp execle execv execvp execvpe posix_spawn posix_spawnp dlopen
    redisCommand redisvCommand redisAppendCommand redisvAppendCommand redisFormatCommand redisvFormatCommand
    sqlite3_mprintf sqlite3_vmprintf sqlite3_snprintf sqlite3_str_appendf sqlite3_load_extension
    sprintf vsprintf strcpy strcat gets);

# Functions that take an SQL text as their second argument: a literal, or one of these tables and function parameters.
my $takes_sql = qr/\b(?:sqlite3_prepare_v[23]|sqlite3_exec|sqlite_execute_text|sqlite_ask_text|run_text)\(/;
my %constant = map { $_ => 1 } ('text', 'texts[i]', 'values[i].text', 'steps[version]', 'step->find', 'step->repair', 'step->note');

my $found = 0;

sub fault {
    my ($file, $text, $at, $what) = @_;
    my $line = 1 + (substr($text, 0, $at) =~ tr/\n//);
    print "$file:$line: $what\n";
    $found++;
}

sub look_at_c {
    my ($file, $text) = @_;
    $text =~ s{/\*.*?\*/}{ my $comment = $&; $comment =~ s/[^\n]/ /g; $comment }gse;
    for my $name (@never) {
        fault($file, $text, $-[0], "calls $name") while $text =~ /\b$name\(/g;
    }
    while ($text =~ /$takes_sql/g) {
        my $at = $-[0];
        my $rest = substr($text, $+[0], 400);
        next if $rest =~ /^sqlite_store \*/ || $rest =~ /^sqlite3 \*/;    # a declaration
        my ($sql) = $rest =~ /^[^,]*,\s*([^,]+?)\s*[,)]/s;
        next if $sql =~ /^(?:"|FOUND ")/ || $constant{$sql};
        fault($file, $text, $at, "an SQL text that is no constant: $sql");
    }
    # A function with a format declares it to the compiler, which then allows only literals (-Werror=format-nonliteral).
    if ($file =~ /\.h$/) {
        while ($text =~ /const char \*format, \.\.\.\)\s*([A-Z_]*)/g) {
            fault($file, $text, $-[0], "a format that the compiler does not look at") if $1 ne 'LESSON_STORE_PRINTF';
        }
    }
}

sub look_at_lua {
    my ($file, $text) = @_;
    fault($file, $text, $-[0], "runs a text: $&") while $text =~ /\b(?:loadstring|load|dofile|setfenv)\s*\(/g;
    # Commands are named by a literal, or passed on unchanged.
    while ($text =~ /\b(?:redis\.)?p?call\(\s*([^,)]+)/g) {
        my $command = $1;
        next if $command =~ /^['"]/ || $command eq '...' || $command =~ /^(?:join|leave|lesson_operation|redis\.call|call)$/;
        fault($file, $text, $-[0], "a command that is no literal: $command");
    }
}

die "usage: $0 FILE...\n" unless @ARGV;
for my $file (@ARGV) {
    open my $in, '<', $file or die "$file: $!\n";
    my $text = do { local $/; <$in> };
    $file =~ /\.lua$/ ? look_at_lua($file, $text) : look_at_c($file, $text);
}
print scalar(@ARGV), " files, $found faults\n";
exit($found ? 1 : 0);
