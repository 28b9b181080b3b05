/* The file, or the directory that it is in, gets another name. */
#include "ground_sqlite.h"
#include "stage.h"

static bool moves_directory(const trouble_stage *stage) {
    return stage->times % 2 == 1;
}

static void move_away(trouble_stage *stage) {
    if (moves_directory(stage))
        ground_rename(stage, "first", "elsewhere");
    else
        ground_rename(stage, "first/lessons.db", "elsewhere.db");
}

static void move_back(trouble_stage *stage) {
    if (moves_directory(stage))
        ground_rename(stage, "elsewhere", "first");
    else
        ground_rename(stage, "elsewhere.db", "first/lessons.db");
}

const trouble_kind trouble_moved_file = {.name = "moved file",
                                         .engines = TROUBLE_SQLITE,
                                         .rules = TROUBLE_ONE(UNREACHABLE),
                                         .refuses_writes = true,
                                         .make = move_away,
                                         .take_back = move_back};
