/* Children that use the inherited store, close it, and open their own. The parent's calls go on meanwhile. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forks.h"
#include "stage.h"

enum { RIGHT, USED_BATCH, USED_LIST, USED_CURSOR, NOT_OPENED, OWN_FAILED };

static bool ignore_member(const lesson_store_id *uid, void *context) {
    (void)uid, (void)context;
    return true;
}

static int use_inherited(lesson_store *store) {
    lesson_store_cursor *cursor = NULL;
    const lesson_store_user *users;
    size_t count;
    if (lesson_store_join(store, "u", "c", "l", NULL, 0, NULL) != LESSON_STORE_CLOSED)
        return USED_BATCH;
    if (lesson_store_members(store, "l", ignore_member, NULL) != LESSON_STORE_CLOSED)
        return USED_LIST;
    if (lesson_store_users_page(store, 10, &cursor, &users, &count) != LESSON_STORE_CLOSED)
        return USED_CURSOR;
    lesson_store_cursor_close(cursor);
    return RIGHT;
}

static int use_own(const char *location) {
    lesson_store *store;
    if (lesson_store_open(&store, location) != LESSON_STORE_OK)
        return NOT_OPENED;
    bool works = lesson_store_join(store, "u", "c", "l", NULL, 0, NULL) == LESSON_STORE_OK &&
                 lesson_store_where(store, "u", NULL) == LESSON_STORE_OK;
    lesson_store_close(store);
    return works ? RIGHT : OWN_FAILED;
}

static int live(lesson_store *store, const char *location) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int result = use_inherited(store);
    lesson_store_close(store);
    return result ? result : use_own(location);
}

static void raise_child(trouble_stage *stage, const char *location) {
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(live(stage->store, location));
    stage->kills++;
    if (stage_wait_for_child(stage, child, &status) && (!WIFEXITED(status) || WEXITSTATUS(status) != RIGHT))
        stage_fail(stage, "a forked child ended with the status 0x%x", (unsigned)status);
}

static void fork_child(trouble_stage *stage) {
    char location[512];
    stage->ground->locate_for_child(location, sizeof location);
    raise_child(stage, location);
}

const trouble_kind trouble_forks = {.name = "forks",
                                    .engines = TROUBLE_EVERYWHERE,
                                    .strikes = 6,
                                    .cannot = forks_cannot_be_beside_threads,
                                    .strike = fork_child};
