/* A small disk that another file fills. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "ground_sqlite.h"
#include "stage.h"

enum { DISK_KIB = 4096, BLOCK_SIZE = 4096, BLOCKS_LEFT_MAX = 6 };

/* With several instances the log can get longer than a small disk. */
static void mount_small_disk(trouble_stage *stage) {
    stage->pool = 1;
    ground_mount(stage, DISK_KIB);
}

static void fill_disk(trouble_stage *stage) {
    static const char block[BLOCK_SIZE];
    char path[GROUND_PATH_SIZE];
    off_t size = 0, left = (off_t)dice_below(&stage->dice, BLOCKS_LEFT_MAX) * BLOCK_SIZE;
    int file = open(ground_path(path, "first/filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    while (write(file, block, sizeof block) == (ssize_t)sizeof block)
        size += BLOCK_SIZE;
    if (ftruncate(file, size > left ? size - left : 0) != 0)
        stage_fail(stage, "the filler cannot be cut");
    close(file);
}

static void empty_disk(trouble_stage *stage) {
    char path[GROUND_PATH_SIZE];
    (void)stage;
    unlink(ground_path(path, "first/filler"));
}

const trouble_kind trouble_full_disk = {.name = "full disk",
                                        .engines = TROUBLE_SQLITE,
                                        .rules = TROUBLE_ONE(FULL),
                                        .cannot = ground_cannot_mount,
                                        .prepare = mount_small_disk,
                                        .calls = 1000,
                                        .make = fill_disk,
                                        .take_back = empty_disk};
