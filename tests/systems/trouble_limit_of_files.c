/* RLIMIT_FSIZE: no file of this process may grow beyond the present size of the log, or a little more. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "ground_sqlite.h"
#include "stage.h"

static void set_limit(trouble_stage *stage, rlim_t size) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        stage_fail(stage, "the limit cannot be set");
}

static void limit_files(trouble_stage *stage) {
    char path[GROUND_PATH_SIZE];
    struct stat log;
    signal(SIGXFSZ, SIG_IGN);
    if (stat(ground_file(path, "-wal"), &log) != 0)
        stage_fail(stage, "there is no log");
    else
        set_limit(stage, (rlim_t)log.st_size + dice_below(&stage->dice, 20000));
}

static void lift_limit(trouble_stage *stage) {
    set_limit(stage, RLIM_INFINITY);
}

const trouble_kind trouble_limit_of_files = {
    .name = "RLIMIT_FSIZE",
    .engines = TROUBLE_SQLITE,
    .rules = TROUBLE_RULES(JUDGE_CODE(FULL) | JUDGE_CODE(UNKNOWN) | JUDGE_CODE(UNREACHABLE),
                           JUDGE_CODE(FULL) | JUDGE_CODE(UNREACHABLE)),
    .calls = 1000,
    .make = limit_files,
    .take_back = lift_limit};
