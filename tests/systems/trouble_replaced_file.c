/* Another file takes the name of the file, as when a backup is restored under a running program. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ground_sqlite.h"
#include "stage.h"

static void replace(trouble_stage *stage) {
    char path[GROUND_PATH_SIZE];
    ground_rename(stage, "first/lessons.db", "kept.db");
    int file = open(ground_file(path, ""), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        stage_fail(stage, "%s: %s", path, strerror(errno));
    else
        close(file);
}

static void put_back(trouble_stage *stage) {
    ground_rename(stage, "kept.db", "first/lessons.db");
}

const trouble_kind trouble_replaced_file = {.name = "replaced file",
                                            .engines = TROUBLE_SQLITE,
                                            .rules = TROUBLE_ONE(UNREACHABLE),
                                            .refuses_writes = true,
                                            .make = replace,
                                            .take_back = put_back};
