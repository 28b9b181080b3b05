/* A symbolic link in the path of the file is turned to another directory, in which another store is made. */
#include "ground_sqlite.h"
#include "stage.h"

static void mark_other(trouble_stage *stage, int expected) {
    lesson_store *other;
    if (stage_open_another(stage, "", &other)) {
        stage_fail(stage, "the other file cannot be opened: %s", lesson_store_message());
        return;
    }
    if (lesson_store_create(other, "other", 0) != expected)
        stage_fail(stage, "the other file does not have its lesson: %s", lesson_store_message());
    lesson_store_close(other);
}

static void turn(trouble_stage *stage) {
    ground_turn_link(stage, "second");
}

/* What was written to the other file is there, and nothing else. */
static void turn_back(trouble_stage *stage) {
    mark_other(stage, stage->times == 0 ? LESSON_STORE_OK : LESSON_STORE_EXISTS);
    mark_other(stage, LESSON_STORE_EXISTS);
    ground_turn_link(stage, "first");
}

const trouble_kind trouble_turned_link = {.name = "turned link",
                                          .engines = TROUBLE_SQLITE,
                                          .rules = TROUBLE_ONE(UNREACHABLE),
                                          .refuses_writes = true,
                                          .make = turn,
                                          .take_back = turn_back};
