/* The file may not grow: it is made as small as its data, and max_pages is smaller. */
#include <sqlite3.h>

#include "ground_sqlite.h"
#include "stage.h"

static void shrink_file(trouble_stage *stage) {
    char path[GROUND_PATH_SIZE];
    sqlite3 *database = NULL;
    int result = sqlite3_open(ground_path(path, "current/lessons.db"), &database);
    if (result == SQLITE_OK)
        result = sqlite3_exec(database, "VACUUM", NULL, NULL, NULL);
    if (result != SQLITE_OK)
        stage_fail(stage, "the file cannot be made small: %s", sqlite3_errmsg(database));
    sqlite3_close(database);
}

static void limit_size(trouble_stage *stage) {
    stage_pause(stage);
    shrink_file(stage);
    stage_resume(stage);
    stage_reopen(stage, "&max_pages=2");
}

static void lift_limit(trouble_stage *stage) {
    stage_reopen(stage, "");
}

const trouble_kind trouble_largest_size = {.name = "max_pages",
                                           .engines = TROUBLE_SQLITE,
                                           .rules = TROUBLE_ONE(FULL),
                                           .calls = 1000,
                                           .make = limit_size,
                                           .take_back = lift_limit};
