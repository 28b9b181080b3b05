#!/usr/bin/env bash
# soak_table.sh LOG: prints the lines that soak_end (soak.h) has written to a log of ctest as a table, with the sum of
# each engine.
set -euo pipefail
grep $'^soak\t' "$1" | sort | awk -F '\t' '
    function line(part, engine, rounds, histories, operations, kills, faults, s) {
        printf "%-24s %-8s %9s %10s %11s %7s %8s %7s\n", part, engine, rounds, histories, operations, kills, faults, s
    }
    BEGIN { line("part", "engine", "rounds", "histories", "operations", "kills", "faults", "s") }
    {
        line($2, $3, $4, $5, $6, $7, $8, sprintf("%.1f", $9 / 1000))
        for (i = 4; i <= 9; i++) sum[$3, i] += $i
        if (!($3 in engines)) { engines[$3]; order[++count] = $3 }
    }
    END {
        for (i = 1; i <= count; i++) {
            engine = order[i]
            line("all", engine, sum[engine, 4], sum[engine, 5], sum[engine, 6], sum[engine, 7], sum[engine, 8],
                sprintf("%.1f", sum[engine, 9] / 1000))
        }
    }'
