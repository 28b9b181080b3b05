#include "ground_sqlite.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stage.h"
#include "tree.h"

static struct {
    char directory[256];
    bool is_alone; /* mounts are seen by this process alone, and end with it */
    bool is_mounted;
} here;

const char *ground_path(char out[GROUND_PATH_SIZE], const char *name) {
    snprintf(out, GROUND_PATH_SIZE, "%s/%s", here.directory, name);
    return out;
}

const char *ground_file(char out[GROUND_PATH_SIZE], const char *ending) {
    snprintf(out, GROUND_PATH_SIZE, "%s/first/lessons.db%s", here.directory, ending);
    return out;
}

/* In memory if possible, because these troubles are not about the speed of a disk. */
static bool begin(void) {
    const char *wanted = getenv("TMPDIR");
    const char *parent = wanted && *wanted ? wanted : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(here.directory, sizeof here.directory, "%s/lessonstore-systems.XXXXXX", parent);
    here.is_alone = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    if (mkdtemp(here.directory))
        return true;
    perror(here.directory);
    return false;
}

static void unmount(void) {
    char path[GROUND_PATH_SIZE];
    if (here.is_mounted && umount2(ground_path(path, "first"), MNT_DETACH) == 0)
        here.is_mounted = false;
}

static void end(void) {
    unmount();
    tree_remove(here.directory);
}

static void check(trouble_stage *stage, int result, const char *what) {
    if (result != 0)
        stage_fail(stage, "%s: %s", what, strerror(errno));
}

static void clear(trouble_stage *stage) {
    char path[GROUND_PATH_SIZE];
    end();
    check(stage, mkdir(here.directory, 0700), "mkdir");
    check(stage, mkdir(ground_path(path, "first"), 0700), "mkdir");
    check(stage, mkdir(ground_path(path, "second"), 0700), "mkdir");
    check(stage, symlink("first", ground_path(path, "current")), "symlink");
}

static void locate(trouble_stage *stage, char *out, size_t size) {
    static const int checkpoints[] = {1, 20, 10000};
    unsigned of_these = here.is_mounted ? 2 : 3; /* a small disk has no room for a long log */
    snprintf(out, size,
             "sqlite:%s/current/lessons.db?busy_timeout_ms=60000&synchronous=off&"
             "wal_autocheckpoint_pages=%d&pool=%d",
             here.directory, checkpoints[dice_below(&stage->dice, of_these)], stage->pool);
}

static void locate_for_child(char *out, size_t size) {
    snprintf(out, size, "sqlite:%s/child.db", here.directory);
}

void ground_rename(trouble_stage *stage, const char *from, const char *to) {
    char old_path[GROUND_PATH_SIZE], new_path[GROUND_PATH_SIZE];
    check(stage, rename(ground_path(old_path, from), ground_path(new_path, to)), from);
}

/* At every moment the link leads somewhere. */
void ground_turn_link(trouble_stage *stage, const char *to) {
    char path[GROUND_PATH_SIZE];
    check(stage, symlink(to, ground_path(path, "next")), "symlink");
    ground_rename(stage, "next", "current");
}

const char *ground_cannot_mount(void) {
    return here.is_alone ? NULL : "this process may not mount a disk";
}

void ground_mount(trouble_stage *stage, unsigned kib) {
    char path[GROUND_PATH_SIZE], options[32];
    snprintf(options, sizeof options, "size=%uk", kib);
    here.is_mounted = mount("lessons", ground_path(path, "first"), "tmpfs", 0, options) == 0;
    check(stage, here.is_mounted ? 0 : -1, "mount");
}

/* A child inherits the mutexes of SQLite as the other threads of its parent held them, and they are never released. */
const ground_kind ground_sqlite = {"sqlite", begin, end, clear, locate, locate_for_child, NULL};
