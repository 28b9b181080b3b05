/* The log is removed. The store has to be opened again, and nothing is lost then. */
#include <unistd.h>

#include "ground_sqlite.h"
#include "stage.h"

static void remove_log(trouble_stage *stage) {
    char path[GROUND_PATH_SIZE];
    if (unlink(ground_file(path, "-wal")) != 0)
        stage_fail(stage, "there is no log");
}

static void open_again(trouble_stage *stage) {
    stage_reopen(stage, "");
}

const trouble_kind trouble_removed_log = {.name = "removed log",
                                          .engines = TROUBLE_SQLITE,
                                          .rules = TROUBLE_ONE(UNREACHABLE),
                                          .refuses_writes = true,
                                          .make = remove_log,
                                          .take_back = open_again};
