/* The file can only be read when the store is opened again. The superuser may write any file, and asks for it. */
#include <sys/stat.h>
#include <unistd.h>

#include "ground_sqlite.h"
#include "stage.h"

/* Of the log and its index too, as far as they exist: SQLite may have given them the mode of the file. */
static void set_modes(trouble_stage *stage, mode_t of_files, mode_t of_directory) {
    char path[GROUND_PATH_SIZE];
    chmod(ground_file(path, "-wal"), of_files);
    chmod(ground_file(path, "-shm"), of_files);
    if (chmod(ground_file(path, ""), of_files) != 0 || chmod(ground_path(path, "first"), of_directory) != 0)
        stage_fail(stage, "the modes cannot be changed");
}

static void allow_reading(trouble_stage *stage) {
    if (geteuid() != 0)
        set_modes(stage, 0400, 0500);
    stage_reopen(stage, geteuid() != 0 ? "" : "&mode=ro");
}

static void allow_writing(trouble_stage *stage) {
    set_modes(stage, 0600, 0700);
    stage_reopen(stage, "");
}

const trouble_kind trouble_read_only_file = {.name = "read-only file",
                                             .engines = TROUBLE_SQLITE,
                                             .rules = TROUBLE_RULES(JUDGE_CODE(READ_ONLY), JUDGE_CODE(READ_ONLY)),
                                             .refuses_writes = true,
                                             .make = allow_reading,
                                             .take_back = allow_writing};
