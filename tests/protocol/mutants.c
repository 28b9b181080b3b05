#include "mutants.h"

/* The beginning of a script of a user stands in each of them. */
#define IN_EACH(from, to)                                      \
    {                                                          \
        {STAGE_INSPECT, from, to}, {STAGE_COMMIT, from, to}, { \
            STAGE_EVICT, from, to                              \
        }                                                      \
    }

const test_mutant mutants[] = {
    {.name = "remove: unconditional", .edits = {{STAGE_REMOVE, "if known and known > version then", "if false then"}}},
    {.name = "commit: without the version", .edits = {{STAGE_COMMIT, "if version == ARGV[2] then", "if true then"}}},
    {.name = "fence: raises nothing", .edits = {{STAGE_INSPECT, "if floor ~= '' and", "if false and"}}},
    {.name = "fence: only says that it raises",
     .edits = {{STAGE_INSPECT, "version, is_changed = floor, true", "version = floor"}}},
    {.name = "remove: leaves no version",
     .edits = {{STAGE_REMOVE, "call('HSET', versions, uid, '-' .. ARGV[i + 1])", "call('HDEL', versions, uid)"}}},
    {.name = "evict: whoever is there",
     .edits = {{STAGE_EVICT, "lesson == ARGV[2] and last == ARGV[3]", "lesson == ARGV[2]"}}},
    {.name = "no adoption", .edits = IN_EACH("elseif lesson ~= kept[3] then", "elseif false then"), .has_legacy = true},
    {.name = "adoption: always the same id",
     .edits = IN_EACH("last = 'other' .. version", "last = 'other'"),
     .has_legacy = true},
    /* A user who was kept is not looked at again. */
    {.name = "no look after a removal",
     .edits = {{STAGE_REMOVE, "reply[#reply + 1] = 1", "reply[#reply + 1] = 0"}},
     .has_legacy = true},
    /* Milliseconds are too coarse as well, but only if the machine is fast. */
    {.name = "versions are seconds", .edits = IN_EACH("time[1] * 1000000 + time[2]", "time[1]"), .has_losses = true},
    {.name = NULL}};
