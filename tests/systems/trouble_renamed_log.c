/* The log gets another name. The store notices it a little later, and what it has written until then is in that log. */
#include "ground_sqlite.h"
#include "stage.h"

static void rename_log(trouble_stage *stage) {
    ground_rename(stage, "first/lessons.db-wal", "first/kept");
}

static void name_again(trouble_stage *stage) {
    ground_rename(stage, "first/kept", "first/lessons.db-wal");
}

const trouble_kind trouble_renamed_log = {.name = "renamed log",
                                          .engines = TROUBLE_SQLITE,
                                          .rules = TROUBLE_ONE(UNREACHABLE),
                                          .calls = 1000,
                                          .make = rename_log,
                                          .take_back = name_again};
