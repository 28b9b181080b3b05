/* The file gets a second name while it is open. The store goes on; the second name cannot be opened. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ground_sqlite.h"
#include "stage.h"

static void link_file(trouble_stage *stage) {
    char file[GROUND_PATH_SIZE], other[GROUND_PATH_SIZE], location[GROUND_PATH_SIZE + 16];
    lesson_store *store;
    if (link(ground_file(file, ""), ground_path(other, "other.db")) != 0)
        stage_fail(stage, "link: %s", strerror(errno));
    snprintf(location, sizeof location, "sqlite:%s", other);
    if (lesson_store_open(&store, location) != LESSON_STORE_UNSUPPORTED)
        stage_fail(stage, "a second name of the file is opened");
}

static void unlink_other(trouble_stage *stage) {
    char path[GROUND_PATH_SIZE];
    (void)stage;
    unlink(ground_path(path, "other.db"));
}

const trouble_kind trouble_second_name = {
    .name = "second name", .engines = TROUBLE_SQLITE, .make = link_file, .take_back = unlink_other};
